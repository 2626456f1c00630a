"""The facts of a review: what happened in a period, counted.

The *period* is from ``since`` to now. A *landing* is a merge of coord's on main's first-parent chain
(``coord.core.journal``). An *attempt* is a trial of a branch that ended: it landed, conflicted, or its gate was red. A
branch was *first seen* when a coordinator of this machine first saw it done; where no event tells, when its tip was
committed (or its first attempt ended, if that was earlier: a later tip was pushed to mend it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

from coord.core.estimates import Off
from coord.core.forecast import Shared
from coord.core.history import Local
from coord.core.present import Drift


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when, in seconds since the epoch; ``told`` is what was asked for (``""``: everything)."""

    since: int
    until: int
    told: str = ""

    @property
    def seconds(self) -> int:
        return max(0, self.until - self.since)


@dataclass(frozen=True, slots=True)
class Landed:
    """A landing: ``seen`` when its branch was first seen (``by_event``: a coordinator here saw it), ``attempts`` how
    often it was tried, this one included; ``gate`` seconds and ``validations`` are None where no event tells them;
    ``paths`` is what it changed beside the task folder."""

    task: str
    branch: str
    tip: str
    commit: str
    at: int
    seen: int
    by_event: bool = False
    attempts: int = 1
    gate: float | None = None
    validations: int | None = None
    paths: tuple[str, ...] = ()

    @property
    def waited(self) -> int:
        """Return the seconds from first seen to landed."""
        return max(0, self.at - self.seen)


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that did not land: a conflict (``paths``, ``others`` the tasks that brought the other side) or a red
    gate (``step``)."""

    task: str
    tip: str
    at: int
    paths: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    step: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """A block of a task: why, from when, and until when (None: it still holds)."""

    task: str
    reason: str
    at: int
    commit: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened, and to which tasks."""

    name: str
    count: int
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contested:
    """A file in which branches conflicted: the tasks that did (``tasks``), of those that changed it (``of``)."""

    path: str
    tasks: tuple[str, ...]
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clashing:
    """Two tasks that conflicted with each other, how often and where."""

    one: str
    other: str
    count: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """``task`` was done ``seconds`` before ``on`` landed (or is still not: ``open``)."""

    task: str
    on: str
    seconds: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, until None when it still lasts, with what was wrong."""

    since: int
    until: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """A live branch whose tip is old: ``state`` says what it is."""

    branch: str
    task: str
    state: str
    age: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in seconds, summed up: the median, what nine of ten stay within, and the worst with its task."""

    count: int
    median: float
    p90: float
    worst: float
    worst_of: str


def spread(durations: Iterable[tuple[str, float]]) -> Spread | None:
    """Return the spread of named durations, or None when there are none (percentiles by nearest rank)."""
    ordered = sorted((seconds, name) for name, seconds in durations)
    if not ordered:
        return None
    values = [seconds for seconds, _ in ordered]
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    return Spread(len(values), median, values[ceil(0.9 * len(values)) - 1], *ordered[-1])


@dataclass(frozen=True, slots=True)
class GateTime:
    """Seconds in gates: ``total`` of all validations that events tell, ``runs`` how many, ``known`` the landings with a
    time of their own."""

    total: float = 0.0
    runs: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class QueueTime:
    """From the first branch seen to the last landing: ``span`` seconds, in ``busy`` of which a branch that landed was
    waiting; the rest is ``idle``."""

    span: int = 0
    busy: int = 0

    @property
    def idle(self) -> int:
        return self.span - self.busy


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a review says is said from these; ``by_hand`` counts merges on main that are not coord's."""

    period: Period
    local: Local
    by_hand: int = 0
    landings: tuple[Landed, ...] = ()
    failures: tuple[Failure, ...] = ()
    per_day: tuple[tuple[str, int], ...] = ()
    episodes: tuple[Episode, ...] = ()
    completed: tuple[str, ...] = ()
    retried: tuple[str, ...] = ()
    lead: Spread | None = None
    gate: GateTime = GateTime()
    queue: QueueTime = QueueTime()
    contested: tuple[Contested, ...] = ()
    clashes: tuple[Clashing, ...] = ()
    hubs: tuple[Shared, ...] = ()
    ahead: tuple[Shared, ...] = ()
    red: tuple[Tally, ...] = ()
    flaky: tuple[Tally, ...] = ()
    raced: tuple[Tally, ...] = ()
    refused: tuple[Tally, ...] = ()
    could_not_run: tuple[Tally, ...] = ()
    main_red: tuple[Stretch, ...] = ()
    reverts: tuple[Tally, ...] = ()
    waits: tuple[Wait, ...] = ()
    stale: tuple[Stale, ...] = ()
    drift: tuple[Drift, ...] = ()
    estimates: tuple[Off, ...] = ()
    stated: Mapping[str, int] = field(default_factory=dict)

    @property
    def conflicts(self) -> tuple[Failure, ...]:
        """The attempts that conflicted."""
        return tuple(failure for failure in self.failures if not failure.step)

    @property
    def reds(self) -> tuple[Failure, ...]:
        """The attempts whose gate was red."""
        return tuple(failure for failure in self.failures if failure.step)

    @property
    def attempts(self) -> int:
        """How many attempts ended in the period."""
        return len(self.landings) + len(self.failures)

    @property
    def watched(self) -> int:
        """How many landings came since this machine keeps events: those that its validations can be held against."""
        since = self.local.since
        return 0 if since is None else sum(landed.at >= since for landed in self.landings)

    @property
    def first_try(self) -> tuple[Landed, ...]:
        """The landings that nothing had kept back."""
        return tuple(landed for landed in self.landings if landed.attempts == 1)

    @property
    def waited(self) -> int:
        """Return the seconds that tasks waited for others; one that waited for several at once counts once."""
        longest: dict[str, int] = {}
        for wait in self.waits:
            longest[wait.task] = max(wait.seconds, longest.get(wait.task, 0))
        return sum(longest.values())

    @property
    def seen_by_event(self) -> int:
        """Of how many landings an event tells when the branch was first seen."""
        return sum(landed.by_event for landed in self.landings)
