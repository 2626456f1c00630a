"""Counting: from entries of the history and the present snapshot to the facts of a review."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from coord.core.estimates import Outcome, estimates_off, stated
from coord.core.forecast import Shared, hubs
from coord.core.history import Aside, Entry, History, Kind, Since, Source
from coord.core.journal import Ahead
from coord.core.present import Drift
from coord.core.queue import make_queue
from coord.core.reviewfacts import (
    Clashing,
    Contested,
    Episode,
    Facts,
    Failure,
    GateTime,
    Landed,
    Period,
    QueueTime,
    Stale,
    Stretch,
    Tally,
    Wait,
    spread,
)
from coord.core.signal import Working
from coord.core.snapshot import Snapshot
from coord.core.task import Status

#: From how old a live branch is stale: agents work for hours, and a weekend is none of their making.
STALE = 3 * 86400

_ENDED = (Kind.LANDED, Kind.CONFLICT, Kind.GATE_FAILED)
_STOPS = (Kind.CONFLICT, Kind.GATE_FAILED, Kind.BLOCKED)
_LIFTS = (Kind.UNBLOCKED, Kind.RETRY, Kind.LANDED, Kind.COMPLETED)


@dataclass(frozen=True, slots=True)
class Change:
    """What git says of a landing: its commit, what it changed (the task folder aside), when its tip was committed."""

    commit: str
    paths: tuple[str, ...]
    tip_at: int


@dataclass(frozen=True)
class Material:
    """What a review is made from. ``chain`` are main's first-parent commits, ``since`` the period."""

    history: History
    snapshot: Snapshot
    now: int
    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    since: Since = field(default_factory=Since)
    chain: frozenset[str] = frozenset()
    told: str = ""
    by_hand: int = 0
    aside: tuple[Aside, ...] = ()


def count(material: Material) -> Facts:
    """Return the facts of a period; the order of the entries does not matter."""
    desk = _Desk(material)
    landings, failures = desk.landings, desk.failures
    contested = tuple(_contested(landings, failures))
    return Facts(
        period=desk.period,
        local=material.history.local,
        by_hand=material.by_hand,
        aside=material.aside,
        landings=landings,
        failures=failures,
        per_day=_per_day(landings),
        episodes=desk.episodes,
        completed=tuple(sorted({entry.task for entry in desk.of(Kind.COMPLETED)})),
        retried=tuple(sorted({entry.task for entry in desk.of(Kind.RETRY)})),
        lead=spread((landed.task, landed.waited) for landed in landings),
        gate=desk.gate_time,
        queue=_queue_time(landings),
        contested=contested,
        clashes=tuple(_clashes(failures)),
        hubs=hubs({landed.commit: landed.paths for landed in landings}),
        ahead=desk.ahead,
        red=_tallies((failure.step, failure.task) for failure in failures if failure.step),
        flaky=desk.flaky,
        raced=_tallies((entry.task, entry.task) for entry in desk.of(Kind.RACED)),
        refused=_tallies((entry.reason, entry.task) for entry in desk.of(Kind.REFUSED)),
        could_not_run=_tallies((entry.reason, entry.task) for entry in desk.of(Kind.COULD_NOT_RUN)),
        main_red=tuple(desk.main_red()),
        reverts=_tallies((entry.task or entry.reason, entry.task) for entry in desk.of(Kind.REVERTED)),
        waits=desk.waits,
        stale=desk.stale,
        drift=material.drift,
        estimates=estimates_off(material.snapshot.graph.tasks, _outcomes(landings)),
        stated=stated(material.snapshot.graph.tasks, {landed.task for landed in landings}),
    )


class _Desk:
    """The entries, each attempt once, and what is asked of them."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.entries = tuple(sorted(set(material.history.entries), key=_order))
        self.changes = {change.commit: change for change in material.changes}
        self.task_of = material.snapshot.settings.task_of
        self.landed = tuple(_once(self._landed(), lambda entry: (entry.commit,)))
        self.failed = tuple(self._failed())
        self.of_task = _by_task(self.entries)
        self.period = self._period()
        self.failed_of = _by_task(self.failed)
        self.landed_of = _by_task(self.landed)
        self.landings = tuple(self._landing(entry) for entry in self.landed if self._counts(entry))
        self.failures = tuple(self._failure(entry) for entry in self.failed if self._counts(entry))

    def of(self, kind: Kind) -> Iterator[Entry]:
        """Yield the entries of a kind in the period, what a commit of main says once."""
        found = [entry for entry in self.entries if entry.kind is kind and self._counts(entry)]
        yield from _once(found, lambda entry: (entry.task, entry.commit or entry.at))

    def _counts(self, entry: Entry) -> bool:
        is_past = entry.at <= self.period.until or entry.source is Source.MAIN
        return is_past and self.material.since.holds(entry.at, entry.commit)

    def _period(self) -> Period:
        since = self.material.since.at
        if since is None:
            known = (Source.MAIN, Source.VERDICT, Source.EVENT)
            tips = (change.tip_at for change in self.material.changes)
            ats = [*(entry.at for entry in self.entries if entry.source in known), *tips]
            since = min(ats, default=self.material.now)
        return Period(since, max(since, self.material.now), self.material.told)

    # -- attempts ------------------------------------------------------------------------------------------------

    def _landed(self) -> list[Entry]:
        """Main says what landed; an event of a landing that main does not know is of another history."""
        return [e for e in self.entries if e.kind is Kind.LANDED and e.source is Source.MAIN]

    def _failed(self) -> Iterator[Entry]:
        """Yield conflicts and red gates, from verdicts where they exist, else from this machine's events.

        A conflict that is the same after main moved is one: nobody did anything between.
        """
        found = [e for e in self.entries if e.kind in (Kind.CONFLICT, Kind.GATE_FAILED)]
        told = {(e.kind, e.task, e.tip) for e in found if e.source is not Source.EVENT}
        kept = [e for e in found if e.source is not Source.EVENT or (e.kind, e.task, e.tip) not in told]
        yield from _once(kept, _attempt_key)

    def _landing(self, entry: Entry) -> Landed:
        change = self.changes.get(entry.commit, Change(entry.commit, (), entry.at))
        before = [one for one in self.landed_of[entry.task] if _order(one) < _order(entry)]
        start = before[-1] if before else None
        until = [e for e in self.of_task[entry.task] if not _is_before(entry, e)]
        mine = [e for e in until if start is None or not _is_before(e, start)]
        tried = [e for e in self.failed_of[entry.task] if e in mine]
        seen = [e.at for e in mine if e.kind is Kind.SEEN and not e.working]
        validated = [e for e in mine if e.kind is Kind.VALIDATED]
        return Landed(
            task=entry.task,
            branch=entry.branch,
            tip=entry.tip,
            commit=entry.commit,
            at=entry.at,
            seen=min(seen or [change.tip_at, entry.at, *(e.at for e in tried)]),
            by_event=bool(seen),
            attempts=1 + len(tried),
            gate=self._gate_of(entry, validated),
            validations=len(validated) or None,
            paths=change.paths,
        )

    def _gate_of(self, entry: Entry, validated: list[Entry]) -> float | None:
        own = [e.seconds for e in validated if e.tip == entry.tip]
        said = [e.seconds for e in self.of_task[entry.task] if e.kind is Kind.LANDED and e.tip == entry.tip]
        return sum(own) or max(said, default=0.0) or None

    def _failure(self, entry: Entry) -> Failure:
        others = tuple(sorted({self.task_of(other) or other for other in entry.others}))
        step = (entry.step or "gate") if entry.kind is Kind.GATE_FAILED else ""
        paths = entry.paths if entry.kind is Kind.CONFLICT else ()
        return Failure(entry.task, entry.tip, entry.at, tuple(sorted(set(paths))), others, step)

    @property
    def gate_time(self) -> GateTime:
        """Validations where events tell them; else what the ends of attempts say."""
        validated = [e for e in self.entries if e.kind is Kind.VALIDATED and self._counts(e)]
        told = {e.tip for e in validated}
        ended = [
            e
            for e in self.entries
            if e.kind in _ENDED and e.seconds and e.tip not in told and self._counts(e)
        ]
        seconds = [e.seconds for e in (*validated, *ended)]
        known = sum(landed.gate is not None for landed in self.landings)
        return GateTime(round(sum(seconds), 3), len(seconds), known)

    @property
    def flaky(self) -> tuple[Tally, ...]:
        """Steps that failed and then passed; one run is told by more than one event."""
        found = {
            (step, e.task, e.tip) for e in self.entries if self._counts(e) for step in e.flaky
        }  # fmt: skip
        return _tallies((step, task) for step, task, _ in sorted(found))

    # -- blocks, and a red main ----------------------------------------------------------------------------------

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """Blocks: each is one commit on main, which the verdict names that it is about."""
        return tuple(self._episode(entry) for entry in self.entries if self._is_block(entry))

    def _is_block(self, entry: Entry) -> bool:
        told = entry.source is Source.MAIN and entry.kind is Kind.BLOCKED
        return self._counts(entry) and (
            told or (entry.kind in _STOPS and entry.commit in self.material.chain)
        )

    def _episode(self, entry: Entry) -> Episode:
        after = (e for e in self.of_task[entry.task] if _order(e) > _order(entry))
        later = (e.at for e in after if e.kind in _LIFTS or self._is_block(e) or _is_new_tip(e, entry))
        task = self.material.snapshot.graph.get(entry.task)
        until = next(later, self._pushed_since(entry))
        if until is None and (task is None or task.status is not Status.BLOCKED):
            until = entry.at
        return Episode(entry.task, entry.reason, entry.at, entry.commit, until)

    def _pushed_since(self, blocked: Entry) -> int | None:
        """Return when the tip that a branch has now, instead of the blocked one, was committed."""
        live = [b for b in self.material.snapshot.branches if b.task == blocked.task and blocked.tip]
        if not live or any(branch.tip == blocked.tip for branch in live):
            return None
        return max(blocked.at, min(branch.since for branch in live))

    def main_red(self) -> Iterator[Stretch]:
        """Yield the stretches in which main itself was red: until something landed again."""
        since, reason = None, ""
        for entry in self.entries:
            if entry.kind is Kind.MAIN_RED and since is None and self._counts(entry):
                since, reason = entry.at, entry.step or entry.reason
            elif entry.kind is Kind.LANDED and entry.source is Source.MAIN and since is not None:
                yield Stretch(since, entry.at, reason)
                since = None
        if since is not None:
            yield Stretch(since, None, reason)

    # -- who waits -----------------------------------------------------------------------------------------------

    @property
    def waits(self) -> tuple[Wait, ...]:
        """Branches that were done before what they depend on had landed, the longest wait first."""
        found = [wait for landed in self.landings for wait in self._waited(landed)]
        by_name = {branch.name: branch.task for branch in self.material.snapshot.branches}
        for waiting in make_queue(self.material.snapshot).waiting:
            since = max(0, self.material.now - waiting.branch.since)
            found += [Wait(waiting.branch.task, by_name.get(on, on), since, open=True) for on in waiting.on]
        return tuple(sorted(set(found), key=lambda wait: (-wait.seconds, wait.task, wait.on)))

    def _waited(self, landed: Landed) -> Iterator[Wait]:
        task = self.material.snapshot.graph.get(landed.task)
        for need in task.depends_on if task else ():
            at = [e.at for e in self.landed_of[need] if e.at <= landed.at]
            if at and at[-1] > landed.seen:
                yield Wait(landed.task, need, at[-1] - landed.seen)

    @property
    def stale(self) -> tuple[Stale, ...]:
        """Live branches with unlanded commits whose tips are old, the oldest first."""
        waiting = {one.branch.name: one.result.value for one in make_queue(self.material.snapshot).waiting}
        found = []
        for branch in self.material.snapshot.branches:
            age = self.material.now - branch.since
            if isinstance(branch.standing, Ahead) and age > STALE:
                working = isinstance(branch.signal, Working)
                state = "working" if working else waiting.get(branch.name, "ready to land")
                found.append(Stale(branch.name, branch.task, state, age))
        return tuple(sorted(found, key=lambda stale: (-stale.age, stale.branch)))

    @property
    def ahead(self) -> tuple[Shared, ...]:
        """Files that at least three live branches change."""
        live = [branch for branch in self.material.snapshot.branches if isinstance(branch.standing, Ahead)]
        return hubs({branch.name: branch.files for branch in live})


def _order(entry: Entry) -> tuple[object, ...]:
    """Order by time; what is said at the same second by what happens first, then by all that tells entries apart."""
    return (entry.at, _KINDS[entry.kind], entry.place, entry.task, entry.commit, entry.tip, repr(entry))


_KINDS = {kind: place for place, kind in enumerate((Kind.SEEN, Kind.VALIDATED))} | {
    kind: 2 + place
    for place, kind in enumerate(kind for kind in Kind if kind not in (Kind.SEEN, Kind.VALIDATED))
}


def _is_before(one: Entry, other: Entry) -> bool:
    """Say whether one came first for sure: of what main says in one second, main knows."""
    return one.at < other.at or (one.at == other.at and 0 < one.place < other.place)


def _is_new_tip(entry: Entry, blocked: Entry) -> bool:
    """Say whether a push lifted a block by itself."""
    return entry.kind is Kind.SEEN and entry.tip != blocked.tip


def _by_task(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.task].append(entry)
    return found


def _once(entries: Iterable[Entry], key: Callable[[Entry], object]) -> Iterator[Entry]:
    known = set()
    for entry in entries:
        found = key(entry)
        if found not in known:
            known.add(found)
            yield entry


def _attempt_key(entry: Entry) -> tuple[object, ...]:
    if entry.kind is Kind.CONFLICT:
        return (entry.kind, entry.task, entry.tip, entry.paths)
    return (entry.kind, entry.task, entry.tip, entry.commit or entry.at)


# -- from landings and failures ------------------------------------------------------------------------------------------


def _per_day(landings: tuple[Landed, ...]) -> tuple[tuple[str, int], ...]:
    days = Counter(datetime.fromtimestamp(landed.at, UTC).date().isoformat() for landed in landings)
    return tuple(sorted(days.items()))


def _queue_time(landings: tuple[Landed, ...]) -> QueueTime:
    if not landings:
        return QueueTime()
    stretches = sorted((landed.seen, landed.at) for landed in landings)
    busy, end = 0, stretches[0][0]
    for start, stop in stretches:
        busy += max(0, stop - max(start, end))
        end = max(end, stop)
    return QueueTime(end - stretches[0][0], busy)


def _contested(landings: tuple[Landed, ...], failures: tuple[Failure, ...]) -> Iterator[Contested]:
    tasks: dict[str, set[str]] = defaultdict(set)
    changed: dict[str, set[str]] = defaultdict(set)
    for failure in failures:
        for path in failure.paths:
            tasks[path].add(failure.task)
            changed[path].add(failure.task)
    for landed in landings:
        for path in landed.paths:
            changed[path].add(landed.task)
    found = (Contested(path, tuple(sorted(ids)), tuple(sorted(changed[path]))) for path, ids in tasks.items())
    yield from sorted(found, key=lambda one: (-len(one.tasks), -len(one.of), one.path))


def _clashes(failures: tuple[Failure, ...]) -> Iterator[Clashing]:
    times: Counter[tuple[str, str]] = Counter()
    paths: dict[tuple[str, str], set[str]] = defaultdict(set)
    for failure in failures:
        for other in failure.others:
            pair = (min(failure.task, other), max(failure.task, other))
            times[pair] += 1
            paths[pair] |= set(failure.paths)
    for pair, number in sorted(times.items(), key=lambda item: (-item[1], item[0])):
        yield Clashing(*pair, number, tuple(sorted(paths[pair])))


def _tallies(pairs: Iterable[tuple[str, str]]) -> tuple[Tally, ...]:
    """Count (name, task) pairs by name, the most frequent first."""
    times: Counter[str] = Counter()
    tasks: dict[str, set[str]] = defaultdict(set)
    for name, task in pairs:
        times[name] += 1
        tasks[name] |= {task} if task else set()
    ordered = sorted(times.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Tally(name, number, tuple(sorted(tasks[name]))) for name, number in ordered)


def _outcomes(landings: tuple[Landed, ...]) -> tuple[Outcome, ...]:
    return tuple(Outcome(one.task, one.paths, one.attempts - 1) for one in landings)
