"""What has been decided, each with its reason: from main's commits, the refs of verdicts, and local events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import groupby, pairwise
from typing import Any

from coord.core.shape import misfits


class Kind(StrEnum):
    """What an entry tells."""

    # on main
    LANDED = "landed"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    REVERTED = "reverted"
    # verdicts of attempts
    CONFLICT = "conflict"
    GATE_FAILED = "gate-failed"
    RETRY = "retry"
    # marks that stand, or stood while this machine looked
    APPROVED = "approved"
    HELD = "held"
    RELEASED = "released"
    FROZEN = "frozen"
    THAWED = "thawed"
    CLAIMED = "claimed"
    # local events only
    SEEN = "seen"
    VALIDATED = "validated"
    MAIN_RED = "main-red"
    COULD_NOT_RUN = "could-not-run"
    RACED = "raced"
    REFUSED = "refused"
    # sessions of this machine
    SESSION = "session"
    PROMPTED = "prompted"
    TOLD = "told"
    ANOMALY = "anomaly"
    ENDED = "ended"
    # what the branch itself says
    COMMIT = "commit"
    SIGNAL = "signal"


class Source(StrEnum):
    """Where an entry is read from. Git's are on every clone; events and sessions are this machine's, and may be gone."""

    MAIN = "main"
    VERDICT = "verdict"
    REF = "ref"
    BRANCH = "branch"
    EVENT = "event"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision or happening.

    ``at`` is in seconds since the epoch; ``commit`` the one that says it (or that it made); ``by`` who (a person, a
    session, an agent; ``""``: coord); ``paths`` the conflicted or protected ones and ``others`` the landed branches that
    brought the other side; ``step`` the red step; ``seconds`` how long its gate ran and ``flaky`` the steps that failed
    and then passed (both known only where local events are); ``main`` is main's commit that it was judged on; ``line``
    its place in the local log, which is the order of what happened within one second, ``place`` that on main and ``nth``
    that among the attempts of its task; ``working``: the branch said that it was not done.
    """

    at: int
    kind: Kind
    task: str
    reason: str
    source: Source
    branch: str = ""
    tip: str = ""
    commit: str = ""
    by: str = ""
    main: str = ""
    paths: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    step: str = ""
    seconds: float = 0.0
    flaky: tuple[str, ...] = ()
    line: int = 0
    place: int = 0
    nth: int = 0
    working: bool = False


@dataclass(frozen=True, slots=True)
class Local:
    """What this machine remembers: ``since`` when its first event is (None: it has none), ``unread`` how many lines of
    the log could not be read, ``sessions`` how many sessions it knows."""

    since: int | None = None
    unread: int = 0
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Aside:
    """Landings that a person's merge has put aside: main's first-parent line goes another way round since ``commit``, a merge
    by ``by`` whose first parent is that person's own line (git pull makes such merges)."""

    commit: str
    by: str
    at: int
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Entries by time, the oldest first, and what of this machine is in them."""

    entries: tuple[Entry, ...] = ()
    local: Local = Local()


@dataclass(frozen=True, slots=True)
class Since:
    """A period that goes on until now: ``at`` when it begins (None: with the first entry); where it begins with a commit of
    main, ``before`` and ``after`` are those of main's commits that it leaves out and holds, whatever their dates are."""

    at: int | None = None
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()

    def holds(self, at: int, commit: str) -> bool:
        """Say whether what a commit says, or what happened at a time, is in the period."""
        if commit in self.after:
            return True
        return commit not in self.before and (self.at is None or at >= self.at)


def words_of_aside(aside: Sequence[Aside]) -> str:
    """Return what merges put aside, and how the next one does not, in one sentence; ``""`` when there are none."""
    if not aside:
        return ""
    count = sum(len(one.tasks) for one in aside)
    landings = "1 landing is" if count == 1 else f"{count} landings are"
    merges = (
        f"{len(aside)} merges, the last {aside[0].commit[:7]}"
        if aside[1:]
        else f"the merge {aside[0].commit[:7]}"
    )
    return (
        f"{landings} off main's first-parent line by {merges}, and not told: git pull --rebase keeps the line"
    )


# -- one line of the local log -----------------------------------------------------------------------------------------


def encode(entry: Entry) -> dict[str, Any]:
    """Return an entry as a line of the local log states it: what is empty is left out."""
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__ if name not in _UNWRITTEN}
    return {"event": entry.kind.value, "at": entry.at} | {name: it for name, it in values.items() if it}


def decode(raw: object) -> Entry | None:
    """Return the entry that a line of the local log states, or None when it states none."""
    if not isinstance(raw, dict):
        return None
    values: dict[str, Any] = {"task": "", "reason": ""}
    for name in Entry.__dataclass_fields__:
        if name in raw and name not in _UNWRITTEN:
            values[name] = tuple(raw[name]) if isinstance(raw[name], list) else raw[name]
    values["source"] = Source.EVENT
    try:
        values["kind"] = Kind(str(raw.get("event")))
        entry = Entry(**values)
    except (TypeError, ValueError):
        return None
    return entry if not misfits(Entry, values) and 0 <= entry.at < _LATEST else None


# -- joining what git says with what was seen --------------------------------------------------------------------------


def joined(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries by time, each decision once.

    What main says of a verdict is the same decision (``blocked(<id>)`` is its projection for people): the verdict stays
    and names main's commit. What a local event tells of a decision that git knows is how long its gate took, which steps
    were flaky, who decided, and when it really ended: a commit's date is that of the snapshot before the gate.
    """
    found = sorted(entries, key=_order)
    told = _taken(found, lambda entry: entry.source is Source.VERDICT, _of_main)
    both = _taken(told, lambda entry: entry.source in _OF_GIT, _of_event)
    return _in_turn(sorted(_after_each_other(both), key=_order))


def _taken(
    entries: Sequence[Entry],
    is_kept: Callable[[Entry], bool],
    joins: Callable[[Entry, Entry], Entry | None],
) -> list[Entry]:
    """Return the entries, with each of the others taken into the first kept one that it is the same as."""
    kept = [entry for entry in entries if is_kept(entry)]
    of_task: dict[str, list[int]] = {}
    for place, entry in enumerate(kept):
        of_task.setdefault(entry.task, []).append(place)
    left: list[Entry] = []
    for entry in entries:
        if is_kept(entry):
            continue
        places = of_task.get(entry.task, [])
        for place in places:
            both = joins(kept[place], entry)
            if both is not None:
                kept[place] = both
                places.remove(place)  # each is the same as one other at most
                break
        else:
            left.append(entry)
    return [*kept, *left]


def _of_main(verdict: Entry, other: Entry) -> Entry | None:
    if other.source is not Source.MAIN:
        return None
    is_projection = verdict.kind in _STOPS and other.kind is Kind.BLOCKED and verdict.tip == other.tip
    # Lifting a block moves both refs in one push, with one date; main's commit names no tip.
    is_lifting = verdict.kind is other.kind is Kind.UNBLOCKED and verdict.at == other.at
    if not (is_projection or is_lifting):
        return None
    return replace(verdict, commit=other.commit, place=other.place)


def _of_event(entry: Entry, event: Entry) -> Entry | None:
    if event.source is not Source.EVENT or event.kind not in (entry.kind, _TOLD_AS.get(entry.kind)):
        return None
    if event.kind is entry.kind and event.commit:
        if event.commit != entry.commit:
            return None
    elif event.tip != entry.tip and (event.tip or abs(event.at - entry.at) > _SOON):
        return None
    reason = event.reason and event.reason + settled(entry.others) if entry.kind is Kind.LANDED else ""
    return replace(
        entry,
        at=max(entry.at, event.at),
        reason=reason or entry.reason,
        by=event.by or entry.by,
        seconds=event.seconds,
        flaky=event.flaky,
        line=event.line,
    )


def settled(others: Sequence[str]) -> str:
    """Return what is added to a landing's reason when a conflict with ``others`` was resolved for it."""
    return f"; a conflict with {', '.join(others)} was resolved" if others else ""


def _after_each_other(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield entries, none of main earlier than what main had before it: where it is, a clock was behind."""
    latest = 0
    for entry in sorted(entries, key=lambda entry: entry.place):
        if entry.place:
            latest = max(latest, entry.at)
        yield replace(entry, at=latest) if entry.place and entry.at < latest else entry


def _in_turn(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries by time; what happened in one second as main has it, and as the attempts of each task followed.

    One second may be long: where a clock is ahead, coord's commits have its time until the others have caught up.
    """
    return tuple(
        entry for _, same in groupby(entries, lambda entry: entry.at) for entry in _one_second(list(same))
    )


def _one_second(entries: list[Entry]) -> list[Entry]:
    """Return entries in the order in which they stand, but for those that another one has to come before."""
    if len(entries) < 2:
        return entries
    of_task = sorted((e.task, e.nth, i) for i, e in enumerate(entries) if e.nth)
    on_main = sorted((e.place, i) for i, e in enumerate(entries) if e.place)
    follow = [(one[-1], two[-1]) for one, two in pairwise(of_task) if one[0] == two[0]]
    follow += [(one[-1], two[-1]) for one, two in pairwise(on_main)]
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(entries)), ()))
    for first, then in follow:
        sorter.add(then, first)
    # What refs say that anybody may push can contradict main: it is told all the same, after the rest.
    with suppress(CycleError):
        sorter.prepare()
    free, found = sorted(sorter.get_ready()), []
    while free:
        found.append(heappop(free))
        sorter.done(found[-1])
        for then in sorter.get_ready():
            heappush(free, then)
    return [entries[i] for i in (*found, *sorted(set(range(len(entries))) - set(found)))]


def _order(entry: Entry) -> tuple[int, int, int, int, int, str, str, str]:
    return (
        entry.at, entry.line, _RANK[entry.kind], entry.place, entry.nth, entry.task, entry.tip, entry.commit
    )  # fmt: skip


#: What a run tells of a branch that was merged by hand: for it, the branch has landed.
_TOLD_AS = {Kind.COMPLETED: Kind.LANDED}

#: What a line of the log does not state: its kind has another name there, its source and places are where it stands.
_UNWRITTEN = frozenset({"kind", "source", "line", "place", "nth"})

#: Seconds within which a person's decision is published: what was decided about no tip and names no commit is known by
#: its time.
_SOON = 600

_OF_GIT = frozenset({Source.MAIN, Source.VERDICT, Source.REF})

_STOPS = frozenset({Kind.CONFLICT, Kind.GATE_FAILED, Kind.BLOCKED})

#: Of what happened in one second, what comes first: the order in which the kinds are stated, what leads to what.
_RANK = {
    kind: place
    for place, kind in enumerate(
        (
            Kind.CLAIMED, Kind.SESSION, Kind.PROMPTED, Kind.COMMIT, Kind.SIGNAL, Kind.TOLD, Kind.ANOMALY, Kind.ENDED,
            Kind.SEEN, Kind.APPROVED, Kind.HELD, Kind.FROZEN, Kind.RELEASED, Kind.THAWED, Kind.RETRY, Kind.UNBLOCKED,
            Kind.VALIDATED, Kind.MAIN_RED, Kind.COULD_NOT_RUN, Kind.RACED, Kind.REFUSED, Kind.CONFLICT, Kind.GATE_FAILED,
            Kind.BLOCKED, Kind.LANDED, Kind.COMPLETED, Kind.REVERTED,
        )
    )
}  # fmt: skip

#: Times beyond this (the year 6325) are no times.
_LATEST = 2**37
