"""Action items: what to do about what a review found, each with evidence and a figure by which one sees that it helped."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from coord.core.duration import lasting
from coord.core.graph import TaskGraph
from coord.core.reviewfacts import Contested, Facts, Tally
from coord.core.reviewwords import Name, Words, counted, names, plain_words

#: What stands before the id of every item: its task file lies in a folder of its own.
PREFIX = "review/"

#: Seconds of gate for a landing beyond which it is worth shortening.
_LONG_GATE = 600

#: How long (median, seconds) a branch waits before it is worth asking why.
_LONG_WAIT = 3600

#: How many files, and how many tasks that others wait for, become items: the worst. Who mends them reviews again.
_MOST = 5


class Priority(IntEnum):
    """How urgent an item is."""

    HIGH = 0
    MEDIUM = 1
    LOW = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that is ``now`` (``of`` so many, 0: of none) and is to be at most ``target`` over ``within``; ``unit`` is
    ``s`` for seconds, else ``""``."""

    what: Words
    now: float
    target: float
    within: str
    of: int = 0
    unit: str = ""

    @property
    def words(self) -> Words:
        """The measure as people read it."""
        of = f" of {self.of}" if self.of else ""
        goal = f"at most {self._of(self.target)}" if self.target else "none"
        return (*self.what, f": {self._of(self.now)}{of} -> {goal} {self.within}")

    def _of(self, amount: float) -> str:
        return lasting(amount) if self.unit == "s" else f"{amount:g}"


@dataclass(frozen=True, slots=True)
class Item:
    """An action item: what to do (``title``), why (``evidence``), how one sees that it helped (``measure``).

    ``id`` is the same in every review of the same trouble; ``level`` planning: for people. ``touches`` are the files
    that it is about.
    """

    id: str
    title: Words
    priority: Priority
    evidence: tuple[Words, ...]
    measure: Measure
    level: str = "implementation"
    touches: tuple[str, ...] = ()


def items(facts: Facts, graph: TaskGraph) -> tuple[Item, ...]:
    """Return the action items, the most urgent first."""
    found = [item for look in _RULES for item in look(facts)]
    found += _untouched(facts, graph)
    return tuple(sorted(found, key=lambda item: (item.priority, _place(item), item.id)))


def slug(kind: str, name: str = "") -> str:
    """Return an id that is the same each time, can be a branch's name and a file's, and differs for different names."""
    if not name:
        return f"{PREFIX}{kind}"
    plain = re.sub(r"[^a-z0-9.]+", "-", name.casefold()).strip("-.")[:40].strip("-.")
    is_reversible = re.fullmatch(r"[a-z0-9]+(?:[./][a-z0-9]+)*", name) and plain == name.replace("/", "-")
    if is_reversible and not plain.endswith(".lock"):
        return f"{PREFIX}{kind}-{plain}"
    shown = plain.replace(".", "-") + "-" if plain else ""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{PREFIX}{kind}-{shown}{digest}"


def _place(item: Item) -> int:
    """What weighs more comes first."""
    return -round(1000 * (item.measure.now - item.measure.target) / max(item.measure.of, item.measure.now, 1))


def _next(facts: Facts) -> str:
    number = max(len(facts.landings), 1)
    return f"in the next {counted(number, 'landing')}"


def _urgent(part: int, whole: int) -> Priority:
    return Priority.HIGH if part >= 3 and 4 * part >= whole else Priority.MEDIUM


def _quarter(number: float) -> int:
    return int(number // 4)


# -- the rules ---------------------------------------------------------------------------------------------------------


def _contested(facts: Facts) -> Iterator[Item]:
    for one in facts.contested[:_MOST]:
        if len(one.tasks) > 1:
            yield _split(facts, one)


def _split(facts: Facts, one: Contested) -> Item:
    number, of = len(one.tasks), len(one.of)
    return Item(
        slug("conflicts", one.path),
        ("Split ", Name(one.path), ", or let one task at a time change it (depends_on, touches)"),
        _urgent(number, len(facts.landings)),
        ((f"{number} of the {of} tasks that changed it conflicted there: ", *names(one.tasks, 8)),),
        Measure(
            ("tasks that conflict in ", Name(one.path)),
            number,
            _quarter(number),
            f"of the next {of} that change it",
            of,
        ),
        touches=(one.path,),
    )


def _red(facts: Facts) -> Iterator[Item]:
    for tally in facts.red:
        if len(tally.tasks) > 1:
            yield Item(
                slug("red", tally.name),
                ("Have agents run ", Name(tally.name), " on the merge of main before they push"),
                _urgent(tally.count, facts.attempts),
                ((f"{counted(tally.count, 'attempt')} failed there: ", *names(tally.tasks, 8)),),
                Measure(
                    ("attempts red at ", Name(tally.name)),
                    tally.count,
                    _quarter(tally.count),
                    f"of the next {facts.attempts}",
                    facts.attempts,
                ),
            )


def _flaky(facts: Facts) -> Iterator[Item]:
    for tally in facts.flaky:
        yield Item(
            slug("flaky", tally.name),
            ("Make ", Name(tally.name), " give the same answer for the same tree"),
            Priority.HIGH,
            ((f"failed and then passed {counted(tally.count, 'time')}: ", *names(tally.tasks, 8)),),
            Measure(("flaky runs of ", Name(tally.name)), tally.count, 0, _next(facts)),
        )


def _main_red(facts: Facts) -> Iterator[Item]:
    if facts.main_red:
        total = sum((one.until or facts.period.until) - one.since for one in facts.main_red)
        steps = sorted({one.reason for one in facts.main_red})
        yield Item(
            slug("main-red"),
            ("Keep what did not pass a gate from main: who pushed what made it red?",),
            Priority.HIGH,
            ((f"red {counted(len(facts.main_red), 'time')}, {lasting(total)} in all: ", *names(steps)),),
            Measure(("times main was red",), len(facts.main_red), 0, _next(facts)),
            level="planning",
        )


def _blocked(facts: Facts) -> Iterator[Item]:
    open_now = [episode for episode in facts.episodes if episode.until is None]
    if open_now:
        yield Item(
            slug("open-blocks"),
            ("Answer what is blocked: unblock it with what helps, or give it up",),
            Priority.HIGH,
            tuple((Name(one.task), " since ", f"{lasting(facts.period.until - one.at)}: ", Name(one.reason))
                  for one in open_now),
            Measure(("blocked tasks",), len(open_now), 0, "at the next review"),
            level="planning",
        )  # fmt: skip


def _drift(facts: Facts) -> Iterator[Item]:
    if facts.drift:
        yield Item(
            slug("drift"),
            ("Let main say what is so: coord doctor names a command for each",),
            Priority.MEDIUM,
            tuple(
                (Name(one.subject), ": ", Name(one.message), "; ", Name(one.command)) for one in facts.drift
            ),
            Measure(("statuses that do not fit",), len(facts.drift), 0, "at the next review"),
            level="planning",
        )


def _stale(facts: Facts) -> Iterator[Item]:
    if facts.stale:
        yield Item(
            slug("stale"),
            ("Finish, hand on or delete the branches that nobody pushes to",),
            Priority.LOW,
            tuple((Name(one.branch), f": {one.state}, {lasting(one.age)}") for one in facts.stale),
            Measure(("branches without a push for 3 days",), len(facts.stale), 0, "at the next review"),
            level="planning",
        )


def _gate(facts: Facts) -> Iterator[Item]:
    each = facts.gate.total / facts.watched if facts.watched else 0
    if each > _LONG_GATE:
        yield Item(
            slug("gate-time"),
            ("Shorten the gate: keep more between runs, or split what need not be judged at each landing",),
            Priority.MEDIUM,
            ((f"{counted(facts.gate.runs, 'validation')} took {lasting(facts.gate.total)}",),),
            Measure(("gate for each landing",), round(each), round(each / 2), _next(facts), unit="s"),
        )


def _slow(facts: Facts) -> Iterator[Item]:
    lead = facts.lead
    if lead and lead.median > _LONG_WAIT:
        yield Item(
            slug("lead-time"),
            ("Land sooner: a coordinator that watches (coord land --watch), more workers, or batches",),
            Priority.MEDIUM,
            ((f"median of {lead.count}; longest {lasting(lead.worst)}: ", Name(lead.worst_of)),),
            Measure(
                ("from first seen to landed, median",),
                round(lead.median),
                round(lead.median / 2),
                _next(facts),
                unit="s",
            ),
            level="planning",
        )


def _waits(facts: Facts) -> Iterator[Item]:
    waits: dict[str, list[tuple[str, int]]] = {}
    for wait in facts.waits:
        waits.setdefault(wait.on, []).append((wait.task, wait.seconds))
    weights = {on: sum(seconds for _, seconds in who) for on, who in waits.items() if len(who) > 1}
    heaviest = sorted(weights, key=lambda on: (-weights[on], on))[:_MOST]
    for on in heaviest:
        who, total = waits[on], weights[on]
        if total > _LONG_WAIT:
            yield Item(
                slug("waits", on),
                ("Start what others wait for first, or cut it smaller: ", Name(on)),
                Priority.LOW,
                (
                    (
                        f"{counted(len(who), 'branch', 'branches')} waited for it: ",
                        *names(task for task, _ in who),
                    ),
                ),
                Measure(
                    ("waiting for ", Name(on), " or its like"), total, total // 2, _next(facts), unit="s"
                ),
                level="planning",
            )


def _estimates(facts: Facts) -> Iterator[Item]:
    for field in sorted({off.field for off in facts.estimates}):
        off = [one for one in facts.estimates if one.field == field]
        of = facts.stated.get(field, len(off))
        if len(off) > 1 and 4 * len(off) >= of:
            yield Item(
                slug("estimates", field),
                (f"State {field} by what such tasks really changed",),
                Priority.LOW,
                tuple((Name(one.task), ": said ", Name(one.said), f"; {one.was}") for one in off),
                Measure(
                    (f"estimates of {field} that are off",),
                    len(off),
                    _quarter(len(off)),
                    f"of the next {of}",
                    of,
                ),
                level="planning",
            )


def _reverts(facts: Facts) -> Iterator[Item]:
    if facts.reverts:
        total = sum(tally.count for tally in facts.reverts)
        yield Item(
            slug("reverts"),
            ("Let the gate see what made people revert",),
            Priority.HIGH,
            tuple(_undone(tally) for tally in facts.reverts),
            Measure(
                ("reverted landings",),
                total,
                0,
                _next(facts),
                len(facts.landings) if total <= len(facts.landings) else 0,
            ),
        )


def _trouble(facts: Facts) -> Iterator[Item]:
    for kind, title, what, tallies in (
        ("refused", "Give the coordinator the rights that its pushes need", "refused pushes", facts.refused),
        (
            "could-not-run",
            "Mend the machine that runs the gate",
            "gates that could not run",
            facts.could_not_run,
        ),
    ):
        if tallies:
            total = sum(tally.count for tally in tallies)
            measure = Measure((what,), total, 0, _next(facts))
            yield Item(slug(kind), (title,), Priority.HIGH, _tallies(tallies), measure, level="planning")


def _raced(facts: Facts) -> Iterator[Item]:
    total = sum(tally.count for tally in facts.raced)
    if total and 4 * total >= len(facts.landings):
        yield Item(
            slug("raced"),
            ("Land from one place, and push nothing to main by hand while it does",),
            Priority.LOW,
            _tallies(facts.raced),
            Measure(("lost races",), total, _quarter(total), _next(facts)),
            level="planning",
        )


def _tallies(tallies: Iterable[Tally]) -> tuple[Words, ...]:
    return tuple((Name(tally.name), f": {tally.count}") for tally in tallies)


def _undone(tally: Tally) -> Words:
    told = tuple(word for task in tally.tasks for word in (", see ", Name(f"coord why {shlex.quote(task)}")))
    return (Name(tally.name), f": {counted(tally.count, 'time')}", *told)


def _untouched(facts: Facts, graph: TaskGraph) -> Iterator[Item]:
    """Tasks that say which files they change are not given out side by side: conflicts of others could be avoided."""
    conflicted = sorted(
        {failure.task for failure in facts.conflicts} | {t for f in facts.conflicts for t in f.others}
    )
    known = [task for id in conflicted if (task := graph.get(id))]
    silent = [task.id for task in known if not task.touches]
    if len(silent) > 1 and len(facts.conflicts) > 1:
        told: Words = (
            f"{len(silent)} of the {len(known)} tasks on either side of a conflict stated none: ",
            *names(silent, 8),
        )
        yield Item(
            slug("touches"),
            ("State touches in task files, so that tasks on the same files are not given out side by side",),
            _urgent(len(silent), len(facts.landings)),
            (told,),
            Measure(
                ("tasks in conflicts that state no touches",),
                len(silent),
                0,
                f"of the next {len(known)}",
                len(known),
            ),
            level="planning",
        )


#: A new kind of action item is one function and one row.
_RULES: tuple[Callable[[Facts], Iterator[Item]], ...] = (
    _main_red, _reverts, _flaky, _contested, _red, _blocked, _trouble, _drift, _gate, _slow, _raced, _waits, _stale,
    _estimates,
)  # fmt: skip


def told(item: Item) -> str:
    """Return an item's title as one plain line."""
    return plain_words(item.title)
