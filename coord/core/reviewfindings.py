"""What the facts of a period show: each finding is one function and one row, and says on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from coord.core.duration import lasting
from coord.core.estimates import Off
from coord.core.reviewfacts import Facts, Tally
from coord.core.reviewwords import Name, Words, counted, names, share

#: Below so many landings a review says that its rates are about very few.
FEW = 5


class Part(StrEnum):
    """The three parts of a review that come before its action items."""

    RIGHT = "right"
    WRONG = "wrong"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the facts show: by which ``rule``, in words, and the ``evidence`` it rests on."""

    rule: str
    part: Part
    words: Words
    evidence: tuple[Words, ...]


#: What a rule gives: the words of a finding and its evidence.
Found = Iterator[tuple[Words, tuple[Words, ...]]]


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Return what the facts show, in the order of the table; nothing is said without evidence."""
    return tuple(
        Finding(rule, part, words, evidence)
        for rule, part, look in _RULES
        for words, evidence in look(facts)
        if evidence
    )


# -- right -------------------------------------------------------------------------------------------------------------


def _landed(facts: Facts) -> Found:
    if facts.landings:
        first, last = facts.landings[0], facts.landings[-1]
        told: tuple[Words, ...] = (
            ("first ", Name(first.task), " in ", Name(first.commit[:7])),
            ("last ", Name(last.task), " in ", Name(last.commit[:7])),
        )
        words = f"{counted(len(facts.landings), 'branch', 'branches')} landed, on {counted(len(facts.per_day), 'day')}"
        yield (words,), told[: len(facts.landings)]


def _first_try(facts: Facts) -> Found:
    good, all_of = facts.first_try, facts.landings
    if good and 2 * len(good) >= len(all_of):
        words = f"{len(good)} of {len(all_of)} landed at the first try ({share(len(good), len(all_of))})"
        yield (words,), (names([landed.task for landed in good], 8),)


def _nothing_red(facts: Facts) -> Found:
    if facts.landings and not facts.reds:
        yield ("No gate was red",), ((f"{counted(facts.attempts, 'attempt')} ended, 0 in a red gate",),)


def _no_conflict(facts: Facts) -> Found:
    if len(facts.landings) > 1 and not facts.conflicts:
        changed = {path for landed in facts.landings for path in landed.paths}
        told = f"{counted(facts.attempts, 'attempt')} that changed {counted(len(changed), 'file')}"
        yield ("No branch conflicted",), ((told,),)


def _soon(facts: Facts) -> Found:
    lead = facts.lead
    if lead and lead.median <= 3600 and lead.p90 <= 4 * 3600:
        words = f"Half of the branches landed within {lasting(lead.median)}, nine of ten within {lasting(lead.p90)}"
        yield (words,), ((f"longest {lasting(lead.worst)}: ", Name(lead.worst_of), _seen_by(facts)),)


def _recovered(facts: Facts) -> Found:
    mended = [landed for landed in facts.landings if landed.attempts > 1]
    if mended:
        words = f"{counted(len(mended), 'branch', 'branches')} failed at first and landed later"
        yield (
            (words,),
            tuple((Name(one.task), f" at attempt {one.attempts} ({one.commit[:7]})") for one in mended),
        )


def _nothing_undone(facts: Facts) -> Found:
    if len(facts.landings) >= FEW and not facts.reverts:
        yield (
            ("Nothing that landed was reverted",),
            ((f"{len(facts.landings)} landings, 0 reverts on main",),),
        )


def _no_drift(facts: Facts) -> Found:
    if facts.landings and not facts.drift:
        told = f"{counted(len(facts.landings), 'landing')}, 0 statuses that do not fit"
        yield ("Every status on main fits the facts",), ((told,),)


def _estimated_well(facts: Facts) -> Found:
    told = sum(facts.stated.values())
    if told >= FEW and 4 * len(facts.estimates) <= told:
        said = ", ".join(f"{field} {number}" for field, number in sorted(facts.stated.items()) if number)
        yield (f"{told - len(facts.estimates)} of {told} estimates held",), ((f"stated: {said}",),)


# -- wrong -------------------------------------------------------------------------------------------------------------


def _conflicts(facts: Facts) -> Found:
    found = facts.conflicts
    if found:
        words = f"{counted(len(found), 'attempt')} of {facts.attempts} conflicted ({share(len(found), facts.attempts)})"
        yield (
            (words,),
            tuple(
                (
                    Name(one.task),
                    *((" with ", *names(one.others)) if one.others else ()),
                    " in ",
                    *names(one.paths, 3),
                )
                for one in found
            ),
        )


def _red(facts: Facts) -> Found:
    if facts.reds:
        words = f"{counted(len(facts.reds), 'attempt')} of {facts.attempts} failed the gate"
        yield (words,), tuple(_tally(tally) for tally in facts.red)


def _blocked(facts: Facts) -> Found:
    if facts.episodes:
        open_now = [episode for episode in facts.episodes if episode.until is None]
        words = f"{counted(len(facts.episodes), 'block')} of {counted(len({e.task for e in facts.episodes}), 'task')}"
        still = f", {len(open_now)} still open" if open_now else ", all lifted"
        told: list[Words] = []
        for one in sorted(facts.episodes, key=lambda episode: episode.until is not None):
            how_long = "still blocked" if one.until is None else f"for {lasting(one.until - one.at)}"
            told.append((Name(one.task), f" {how_long}: ", Name(one.reason)))
        yield (words + still,), tuple(told)


def _flaky(facts: Facts) -> Found:
    if facts.flaky:
        total = sum(tally.count for tally in facts.flaky)
        words = f"{counted(total, 'time')} a step failed and then passed on the same tree"
        yield (words,), tuple(_tally(tally) for tally in facts.flaky)


def _main_red(facts: Facts) -> Found:
    if facts.main_red:
        total = sum((one.until or facts.period.until) - one.since for one in facts.main_red)
        words = f"Main itself was red {counted(len(facts.main_red), 'time')}, for {lasting(total)}: nothing could land"
        yield (
            (words,),
            tuple(
                (Name(one.reason), f" for {lasting((one.until or facts.period.until) - one.since)}")
                for one in facts.main_red
            ),
        )


def _reverted(facts: Facts) -> Found:
    if facts.reverts:
        total = sum(tally.count for tally in facts.reverts)
        yield (f"{counted(total, 'landing')} reverted",), tuple(_tally(tally) for tally in facts.reverts)


def _trouble(facts: Facts) -> Found:
    for words, tallies in (
        ("Gates that could not run", facts.could_not_run),
        ("Pushes that the remote refused", facts.refused),
    ):
        if tallies:
            told = f"{words}: {sum(tally.count for tally in tallies)}"
            yield (told,), tuple(_tally(tally) for tally in tallies)


def _drift(facts: Facts) -> Found:
    if facts.drift:
        words = f"{counted(len(facts.drift), 'status', 'statuses')} on main {'does' if len(facts.drift) == 1 else 'do'}"
        told = tuple(
            (Name(one.subject), ": ", Name(one.message), "; mend it: ", Name(one.command))
            for one in facts.drift
        )
        yield (f"{words} not fit the facts",), told


def _stale(facts: Facts) -> Found:
    if facts.stale:
        words = f"{counted(len(facts.stale), 'branch', 'branches')} without a push for days"
        yield (words,), tuple((Name(one.branch), f": {one.state}, {lasting(one.age)}") for one in facts.stale)


# -- better ------------------------------------------------------------------------------------------------------------


def _contested(facts: Facts) -> Found:
    for one in facts.contested:
        if len(one.tasks) > 1:
            words = f": {len(one.tasks)} of the {len(one.of)} tasks that changed it conflicted there"
            yield (Name(one.path), words), (names(one.tasks, 8),)


def _pairs(facts: Facts) -> Found:
    often = [pair for pair in facts.clashes if pair.count > 1]
    if often:
        told = tuple(
            (Name(p.one), " and ", Name(p.other), f" {p.count} times, in ", *names(p.paths, 3)) for p in often
        )
        yield (f"{counted(len(often), 'pair')} of tasks conflicted more than once",), told


def _hubs(facts: Facts) -> Found:
    hubs = [hub for hub in facts.hubs if 4 * len(hub.branches) >= len(facts.landings)]
    if hubs:
        words = f"{counted(len(hubs), 'file')} changed by a quarter of the landings or more"
        yield (
            (words,),
            tuple((Name(hub.path), f": {len(hub.branches)} of {len(facts.landings)}") for hub in hubs),
        )


def _ahead(facts: Facts) -> Found:
    if facts.ahead:
        words = f"{counted(len(facts.ahead), 'file')} changed by three or more branches that have not landed"
        yield (words,), tuple((Name(hub.path), ": ", *names(hub.branches)) for hub in facts.ahead)


def _slow(facts: Facts) -> Found:
    lead = facts.lead
    if lead and (lead.median > 3600 or lead.p90 > 4 * 3600):
        words = f"From first seen to landed: median {lasting(lead.median)}, nine of ten within {lasting(lead.p90)}"
        yield (words,), ((f"longest {lasting(lead.worst)}: ", Name(lead.worst_of), _seen_by(facts)),)


def _gate(facts: Facts) -> Found:
    if facts.gate.runs and facts.watched:
        each = facts.gate.total / facts.watched
        words = f"{lasting(each)} of gate for each landing, {lasting(facts.gate.total)} in all"
        of_period = (
            f"{share(facts.gate.total, facts.period.seconds)} of the period (side by side counts twice)"
        )
        told: list[Words] = [(f"{counted(facts.gate.runs, 'validation')}, {of_period}",)]
        slowest = max(facts.landings, key=lambda one: (one.gate or 0.0, one.task))
        if slowest.gate:
            told.append((f"longest {lasting(slowest.gate)}: ", Name(slowest.task)))
        yield (words,), tuple(told)


def _validations(facts: Facts) -> Found:
    known = [landed for landed in facts.landings if landed.validations]
    runs = sum(landed.validations or 0 for landed in known)
    if known and 2 * runs > 3 * len(known):
        words = f"{runs / len(known):.1f} validations for each landing"
        most = sorted(known, key=lambda one: (-(one.validations or 0), one.task))[:3]
        yield (words,), tuple((Name(one.task), f": {one.validations}") for one in most)


def _raced(facts: Facts) -> Found:
    if facts.raced:
        total = sum(tally.count for tally in facts.raced)
        words = f"{counted(total, 'time')} main or a branch moved while a landing was under way"
        yield (words,), tuple(_tally(tally) for tally in facts.raced)


def _waits(facts: Facts) -> Found:
    if facts.waits:
        words = (
            f"{counted(len({wait.task for wait in facts.waits}), 'branch', 'branches')} waited for another, "
            f"{lasting(facts.waited)} in all"
        )
        yield (
            (words,),
            tuple(
                (
                    Name(w.task),
                    " for ",
                    Name(w.on),
                    f" {lasting(w.seconds)}" + (" up to now" if w.open else ""),
                )
                for w in facts.waits
            ),
        )


def _idle(facts: Facts) -> Found:
    queue = facts.queue
    if queue.span and len(facts.landings) >= FEW and 2 * queue.idle > queue.span:
        words = f"In {share(queue.idle, queue.span)} of the time no branch waited to land"
        told = (
            f"idle {lasting(queue.idle)} of {lasting(queue.span)} from the first branch to the last landing"
        )
        yield (words,), ((told,),)


def _estimates(facts: Facts) -> Found:
    for field, off in _by_field(facts).items():
        words = f"{len(off)} of {facts.stated.get(field, len(off))} estimates of {field} were off"
        yield (
            (words,),
            tuple(
                (Name(one.task), ": said ", Name(one.said), f"; {one.was}", *_where(one.paths)) for one in off
            ),
        )


def _by_field(facts: Facts) -> dict[str, list[Off]]:
    found: dict[str, list[Off]] = {}
    for off in facts.estimates:
        found.setdefault(off.field, []).append(off)
    return dict(sorted(found.items()))


def _where(paths: tuple[str, ...]) -> Words:
    return (": ", *names(paths, 3)) if paths else ()


def _tally(tally: Tally) -> Words:
    others = [task for task in tally.tasks if task != tally.name]
    return (Name(tally.name), f": {tally.count}", *((" (", *names(others), ")") if others else ()))


def _seen_by(facts: Facts) -> str:
    known = facts.seen_by_event
    if known == len(facts.landings):
        return ""
    if not known:
        return " (counted from the dates of the tips: no events here tell when they were seen)"
    return (
        f" (for {len(facts.landings) - known} of {len(facts.landings)} counted from the dates of their tips)"
    )


#: A new finding is one function and one row.
_RULES: tuple[tuple[str, Part, Callable[[Facts], Found]], ...] = (
    ("landed", Part.RIGHT, _landed),
    ("first-try", Part.RIGHT, _first_try),
    ("recovered", Part.RIGHT, _recovered),
    ("no-conflict", Part.RIGHT, _no_conflict),
    ("no-red-gate", Part.RIGHT, _nothing_red),
    ("soon", Part.RIGHT, _soon),
    ("no-revert", Part.RIGHT, _nothing_undone),
    ("no-drift", Part.RIGHT, _no_drift),
    ("estimates-held", Part.RIGHT, _estimated_well),
    ("main-red", Part.WRONG, _main_red),
    ("reverted", Part.WRONG, _reverted),
    ("conflicts", Part.WRONG, _conflicts),
    ("red-gate", Part.WRONG, _red),
    ("blocked", Part.WRONG, _blocked),
    ("flaky", Part.WRONG, _flaky),
    ("trouble", Part.WRONG, _trouble),
    ("drift", Part.WRONG, _drift),
    ("stale", Part.WRONG, _stale),
    ("contested", Part.BETTER, _contested),
    ("pairs", Part.BETTER, _pairs),
    ("hubs", Part.BETTER, _hubs),
    ("ahead", Part.BETTER, _ahead),
    ("waits", Part.BETTER, _waits),
    ("slow", Part.BETTER, _slow),
    ("gate-time", Part.BETTER, _gate),
    ("validations", Part.BETTER, _validations),
    ("raced", Part.BETTER, _raced),
    ("idle", Part.BETTER, _idle),
    ("estimates", Part.BETTER, _estimates),
)
