"""Simulation: how long a queue of branches takes, under the schedule that lands them and under those of others.

The world: ``n`` branches are done at once, each is bad with probability ``p``, each validation takes one unit of time,
``workers`` run side by side. What a line is worth is known only when its run has ended. The engine's own schedule is
driven as it is (``coord.core.schedule``); the models of other queues are charitable: no start-up time, no flakes, and
what they do not document is decided in their favour.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from coord.core.schedule import Facts, Line, after_landing, make_schedule, rest_after
from coord.core.settings import Strategy


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody knows before it was run: the branches in the queue's order, and which of them fail."""

    order: tuple[str, ...]
    bad: frozenset[str]

    def passes(self, tips: Iterable[str]) -> bool:
        """Say whether main with these branches passes."""
        return self.bad.isdisjoint(tips)


@dataclass(frozen=True, slots=True)
class Run:
    """What a queue did: units of time until the last branch was decided, validations, good branches turned away."""

    makespan: float
    runs: int
    false_rejections: int


#: A queue under simulation: takes the truth and the number of workers.
Model = Callable[[Truth, int], Run]


def deal(n: int, p: float, draw: Callable[[], float]) -> Truth:
    """Return ``n`` branches of which each is bad with probability ``p``; ``draw`` gives numbers from 0 to 1."""
    order = tuple(f"{number:04d}" for number in range(n))
    return Truth(order, frozenset(tip for tip in order if draw() < p))


# -- coord ---------------------------------------------------------------------------------------------------------


@dataclass
class _World:
    """A clock, the runs in flight, and main; it counts, and refuses to land what did not pass."""

    truth: Truth
    main: list[str] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)
    passed: set[frozenset[str]] = field(default_factory=set)
    flights: list[tuple[float, int, Line, frozenset[str]]] = field(default_factory=list)
    now: float = 0.0
    runs: int = 0
    rejected: int = 0
    wrongly: int = 0

    def start(self, line: Line) -> None:
        self.runs += 1
        heapq.heappush(self.flights, (self.now + 1.0, self.runs, line, frozenset(self.main)))

    def land(self, steps: Iterable[Line]) -> None:
        """Move main; every step must have been validated as exactly what main is then."""
        for step in steps:
            self.main += step
            if frozenset(self.main) not in self.passed:
                raise AssertionError(f"landed without a validation: {' '.join(self.main)}")
        self.queue = [tip for tip in self.queue if tip not in self.main]

    def reject(self, tip: str) -> None:
        self.queue.remove(tip)
        self.rejected += 1
        self.wrongly += tip not in self.truth.bad


def coord(strategy: Strategy) -> Model:
    """Return coord's own queue under a strategy."""

    def model(truth: Truth, workers: int) -> Run:
        world = _World(truth, queue=list(truth.order))
        facts = Facts()
        while world.queue:
            facts = _decided(world, facts, strategy, workers)
            if not world.queue:
                break
            facts = _next_end(world, facts)
        return Run(world.now, world.runs, world.wrongly)

    return model


def _decided(world: _World, facts: Facts, strategy: Strategy, workers: int) -> Facts:
    """Land, reject and start until nothing more can be done before a run ends."""
    while True:
        for tip in [tip for tip in world.queue if (tip,) in facts.red]:
            world.reject(tip)
            facts = replace(facts, rejected=facts.rejected + 1)
        schedule = make_schedule(strategy, world.queue, facts, workers)
        if schedule.land:
            steps = (schedule.land,) if strategy is Strategy.BATCH else tuple((t,) for t in schedule.land)
            world.land(steps)
            facts = after_landing(facts, schedule.land)
            continue
        for line in schedule.cancel:
            world.flights = [f for f in world.flights if _now_on(f, world.main) != line]
            heapq.heapify(world.flights)
        for line in schedule.run:
            world.start(line)
        return replace(facts, running=(facts.running - schedule.cancel).union(schedule.run))


def _next_end(world: _World, facts: Facts) -> Facts:
    """Let time pass until a run ends; runs that end at one moment are learned together."""
    world.now = world.flights[0][0]
    while world.flights and world.flights[0][0] == world.now:
        flight = heapq.heappop(world.flights)
        tips = flight[3].union(flight[2])
        passes = world.truth.passes(tips)
        if passes:
            world.passed.add(tips)
        line = _now_on(flight, world.main)
        facts = _learned(facts, line, passes=passes) if line else _heard(facts, flight[2], passes=passes)
    return facts


def _now_on(flight: tuple[float, int, Line, frozenset[str]], main: Sequence[str]) -> Line:
    """Return the line of a run as it stands on the present main, empty when main went another way meanwhile."""
    _, _, line, base = flight
    return rest_after(line, tuple(main[len(base) :])) if len(main) > len(base) else line


def _learned(facts: Facts, line: Line, *, passes: bool) -> Facts:
    facts = replace(facts, running=facts.running - {line})
    return replace(facts, green=facts.green | {line}) if passes else replace(facts, red=facts.red | {line})


def _heard(facts: Facts, line: Line, *, passes: bool) -> Facts:
    """A run on an older main has ended: it proves nothing, and tells where to look."""
    facts = replace(facts, elsewhere=facts.elsewhere - 1)
    if passes:
        return replace(facts, good=facts.good.union(line))
    return replace(facts, doubted=(*facts.doubted, frozenset(line)))


# -- others --------------------------------------------------------------------------------------------------------


def serial(truth: Truth, workers: int) -> Run:
    """One branch after the other, whatever the number of workers."""
    return Run(float(len(truth.order)), len(truth.order), 0)


def oracle(truth: Truth, workers: int) -> Run:
    """Knows what fails: each branch is validated once, in full rows."""
    return Run(float(math.ceil(len(truth.order) / workers)), len(truth.order), 0)


def github(truth: Truth, workers: int) -> Run:
    """A window of growing groups (GitHub's merge queue, group size 1): the first that fails is taken out, those behind
    it are built again."""
    queue, now, runs = list(truth.order), 0.0, 0
    while queue:
        window = queue[:workers]
        runs += len(window)
        now += 1
        failing = next((i for i, tip in enumerate(window) if tip in truth.bad), None)
        queue = queue[len(window) if failing is None else failing + 1 :]
    return Run(now, runs, 0)


def zuul(truth: Truth, workers: int) -> Run:
    """A window that starts at 20, grows by one with each success and halves with each failure, never below 3 (Zuul's
    dependent pipeline with its documented defaults), and is never wider than the workers."""
    queue, now, runs, window = list(truth.order), 0.0, 0, 20
    while queue:
        row = queue[: min(window, workers)]
        runs += len(row)
        now += 1
        failing = next((i for i, tip in enumerate(row) if tip in truth.bad), None)
        window += len(row) if failing is None else failing
        if failing is not None:
            window = max(3, window // 2)
        queue = queue[len(row) if failing is None else failing + 1 :]
    return Run(now, runs, 0)


def bors(truth: Truth, workers: int) -> Run:
    """Everything in one batch; a batch that fails is cut into halves that wait in turn (bors-ng). One at a time."""
    batches, runs = [list(truth.order)], 0
    while batches:
        batch = batches.pop(0)
        runs += 1
        if len(batch) > 1 and not truth.passes(batch):
            middle = len(batch) // 2
            batches[:0] = [batch[:middle], batch[middle:]]
    return Run(float(runs), runs, 0)


#: Every queue that is compared; a new one is a row.
MODELS: dict[str, Model] = {
    "serial": serial,
    "github": github,
    "zuul": zuul,
    "bors": bors,
    "each": coord(Strategy.EACH),
    "batch": coord(Strategy.BATCH),
    "oracle": oracle,
}
