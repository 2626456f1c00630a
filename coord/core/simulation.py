"""Simulation: how long a queue of branches takes, under the schedule that lands them and under those of others.

The world: ``n`` branches are done at once, each is bad with probability ``p``, each validation takes one unit of time,
``workers`` run side by side. What a line is worth is known only when its run has ended. The engine's own schedule is
driven as it is (``coord.core.schedule``); the models of other queues are charitable: no start-up time, no flakes, and
what they do not document is decided in their favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from coord.core.schedule import Facts, Line, Schedule, after_landing, make_schedule, rest_after
from coord.core.settings import Strategy


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody knows before it was run: the branches in the queue's order, and what is wrong with them.

    ``bad`` fail by themselves, ``together`` are pairs that fail only together, ``apart`` pairs of which one cannot be
    merged onto the other (that is seen without a run).
    """

    order: tuple[str, ...]
    bad: frozenset[str] = frozenset()
    together: frozenset[frozenset[str]] = frozenset()
    apart: frozenset[frozenset[str]] = frozenset()

    def passes(self, tips: Iterable[str]) -> bool:
        """Say whether main with these branches passes."""
        there = frozenset(tips)
        return self.bad.isdisjoint(there) and not any(pair <= there for pair in self.together)

    def merges(self, tips: Iterable[str]) -> bool:
        """Say whether these branches can be merged."""
        there = frozenset(tips)
        return not any(pair <= there for pair in self.apart)


class UnsoundError(Exception):
    """A queue under simulation moved main to what no run has passed, or turned a branch away without a proof."""


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


def plant(n: int, bad: Iterable[int]) -> Truth:
    """Return ``n`` branches of which those at these places of the queue (from 0) are bad."""
    order = tuple(f"{number:04d}" for number in range(n))
    return Truth(order, frozenset(order[place] for place in bad))


# -- the world -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Flight:
    """A run under way: when it ends, which one it is, the line, and how long main was when it was started."""

    ends: float
    number: int
    line: Line
    base: int


@dataclass
class World:
    """A clock, the runs in flight, and main; it counts, and refuses what no run has proved."""

    truth: Truth
    main: Line = ()
    queue: list[str] = field(default_factory=list)
    passed: set[frozenset[str]] = field(default_factory=lambda: {frozenset()})
    failed: set[frozenset[str]] = field(default_factory=set)
    flights: list[_Flight] = field(default_factory=list)
    now: float = 0.0
    runs: int = 0
    wrongly: int = 0

    def __post_init__(self) -> None:
        self.queue = list(self.truth.order)

    def start(self, line: Line) -> None:
        """Start to validate main with a line."""
        self.runs += 1
        self.flights.append(_Flight(self.now + 1.0, self.runs, line, len(self.main)))

    def end(self) -> list[tuple[Line, Line, bool]]:
        """Let time pass until a run ends; return those that end then: the line as it was started, as it stands on the
        present main (empty when main went another way meanwhile), and whether it passed."""
        self.now = min(flight.ends for flight in self.flights)
        ended = [flight for flight in self.flights if flight.ends == self.now]
        self.flights = [flight for flight in self.flights if flight.ends > self.now]
        return [(flight.line, self.line_now(flight), self._judge(flight)) for flight in ended]

    def _judge(self, flight: _Flight) -> bool:
        tips = frozenset(self.main[: flight.base]).union(flight.line)
        passes = self.truth.passes(tips) and self.truth.merges(tips)
        (self.passed if passes else self.failed).add(tips)
        return passes

    def line_now(self, flight: _Flight) -> Line:
        """Return the line of a run as it stands on the present main, empty when main went another way meanwhile."""
        landed = self.main[flight.base :]
        return rest_after(flight.line, landed) if landed else flight.line

    def row(self, *lines: Line) -> list[bool]:
        """Validate lines side by side and return what came of them; raises UnsoundError when others are in flight."""
        if self.flights:
            raise UnsoundError("a row is started while others run")
        for line in lines:
            self.start(line)
        return [passed for _, _, passed in self.end()]

    def land(self, *steps: Line) -> None:
        """Move main; every step must have been validated as exactly what main is then, or UnsoundError is raised."""
        for step in steps:
            self.main += step
            if frozenset(self.main) not in self.passed:
                raise UnsoundError(f"landed without a validation: {' '.join(self.main)}")
        gone = frozenset(self.main)
        self.queue = [tip for tip in self.queue if tip not in gone]

    def reject(self, tip: str) -> None:
        """Turn a branch away: main has passed, main with the branch has not, or UnsoundError is raised."""
        tips = frozenset((*self.main, tip))
        if frozenset(self.main) not in self.passed or (tips not in self.failed and self.truth.merges(tips)):
            raise UnsoundError(f"turned away without a proof: {tip}")
        self.queue.remove(tip)
        self.wrongly += self.truth.passes(tips) and self.truth.merges(tips)

    def told(self) -> Run:
        """Return what was done."""
        return Run(self.now, self.runs, self.wrongly)


# -- coord ---------------------------------------------------------------------------------------------------------


#: What decides: ``make_schedule``, unless a test plants a planner that errs.
Planner = Callable[[Strategy, Sequence[str], Facts, int], Schedule]


def coord(strategy: Strategy) -> Model:
    """Return coord's own queue under a strategy."""
    return lambda truth, workers: play(strategy, truth, workers).told()


def play(strategy: Strategy, truth: Truth, workers: int, planner: Planner = make_schedule) -> World:
    """Let coord's queue land or turn away every branch, and return the world as it is then."""
    world = World(truth)
    facts = Facts()
    while world.queue:
        facts = _decided(world, facts, strategy, workers, planner)
        if world.queue:
            facts = _ended(world, facts)
    return world


def _decided(world: World, facts: Facts, strategy: Strategy, workers: int, planner: Planner) -> Facts:
    """Land, reject and start until nothing more can be done before a run ends.

    As in a run of coord, several workers are kept busy before what passed is published; one worker waits for that.
    """
    while True:
        facts = _without_rejected(world, facts)
        schedule = planner(strategy, world.queue, facts, workers)
        if unfit := {bad for line in schedule.run if (bad := _unmergeable(world, line))}:
            facts = replace(facts, unfit=facts.unfit | unfit)
            continue
        if green := {line for line in schedule.run if frozenset((*world.main, *line)) in world.passed}:
            # The same branches in another order make the same tree: evidence tells, nothing runs.
            facts = replace(facts, green=facts.green | green)
            continue
        if workers > 1 or not schedule.land:
            facts = _kept_busy(world, facts, schedule)
        if not schedule.land:
            return facts
        steps = (schedule.land,) if strategy is Strategy.BATCH else tuple((tip,) for tip in schedule.land)
        world.land(*steps)
        facts = after_landing(facts, schedule.land)


def _kept_busy(world: World, facts: Facts, schedule: Schedule) -> Facts:
    if schedule.cancel:
        world.flights = [f for f in world.flights if world.line_now(f) not in schedule.cancel]
    for line in schedule.run:
        world.start(line)
    return replace(facts, running=(facts.running - schedule.cancel).union(schedule.run))


def _without_rejected(world: World, facts: Facts) -> Facts:
    for tip in [tip for tip in world.queue if (tip,) in facts.red or (tip,) in facts.unfit]:
        world.reject(tip)
        facts = replace(facts, rejected=facts.rejected + ((tip,) in facts.red))
    return facts


def _unmergeable(world: World, line: Line) -> Line:
    """Return the beginning of a line whose last branch cannot be merged onto the others, or nothing."""
    if not world.truth.apart:
        return ()
    beginnings = (line[:length] for length in range(1, len(line) + 1))
    return next((b for b in beginnings if not world.truth.merges((*world.main, *b))), ())


def _ended(world: World, facts: Facts) -> Facts:
    """Learn what the next runs to end have shown; runs that end at one moment are learned together."""
    green, red, running = set(facts.green), set(facts.red), set(facts.running)
    for line, now, passes in world.end():
        if now:
            running.remove(now)
            (green if passes else red).add(now)
        else:
            facts = _heard(facts, line, passes=passes)
    return replace(facts, green=frozenset(green), red=frozenset(red), running=frozenset(running))


def _heard(facts: Facts, line: Line, *, passes: bool) -> Facts:
    """A run on an older main has ended: it proves nothing, and tells where to look."""
    facts = replace(facts, elsewhere=facts.elsewhere - 1)
    if passes:
        return replace(facts, good=facts.good.union(line))
    return replace(facts, doubted=(*facts.doubted, frozenset(line)))


# -- others --------------------------------------------------------------------------------------------------------


def serial(truth: Truth, workers: int) -> Run:
    """One branch after the other, whatever the number of workers."""
    return _in_windows(truth, lambda _: 1, lambda width, _passed, _failed: width)


def oracle(truth: Truth, workers: int) -> Run:
    """Knows what fails: each branch is validated once, in full rows, the good ones first."""
    world, good = World(truth), list[str]()
    for tip in truth.order:
        if truth.passes((*good, tip)) and truth.merges((*good, tip)):
            good.append(tip)
    lines = [tuple(good[:length]) for length in range(1, len(good) + 1)]
    lines += [(*good, tip) for tip in truth.order if tip not in good]
    while lines:
        row, lines = lines[:workers], lines[workers:]
        world.row(*(line[len(world.main) :] for line in row))
        passed = [line for line in row if frozenset(line) in world.passed]
        world.land(*((tip,) for line in passed[-1:] for tip in line[len(world.main) :]))
        for line in row[len(passed) :]:
            world.reject(line[-1])
    return world.told()


def github(truth: Truth, workers: int) -> Run:
    """A window of growing groups (GitHub's merge queue, group size 1): the first that fails is taken out, those behind
    it are built again."""
    return _in_windows(truth, lambda _: workers, lambda width, _passed, _failed: width)


def zuul(truth: Truth, workers: int) -> Run:
    """A window that starts at 20, grows by one with each success and halves with each failure, never below 3 (Zuul's
    dependent pipeline with its documented defaults), and is never wider than the workers."""

    def resized(window: int, passed: int, failed: bool) -> int:
        return max(3, (window + passed) // 2) if failed else window + passed

    return _in_windows(truth, lambda window: min(window, workers), resized, 20)


def _in_windows(
    truth: Truth, width: Callable[[int], int], resized: Callable[[int, int, bool], int], window: int = 0
) -> Run:
    """Validate the first branches of the queue, each with those before it; ``width`` says how many for a window."""
    world = World(truth)
    while world.queue:
        tips = tuple(world.queue[: width(window)])
        results = world.row(*(tips[:length] for length in range(1, len(tips) + 1)))
        passed = results.index(False) if False in results else len(results)
        world.land(*((tip,) for tip in tips[:passed]))
        if passed < len(tips):
            world.reject(tips[passed])
        window = resized(window, passed, passed < len(tips))
    return world.told()


def bors(truth: Truth, workers: int) -> Run:
    """Everything in one batch; a batch that fails is cut into halves that wait in turn (bors-ng). One at a time."""
    world = World(truth)
    batches = [truth.order]
    while batches:
        batch = batches.pop(0)
        if world.row(batch)[0]:
            world.land(batch)
        elif len(batch) == 1:
            world.reject(batch[0])
        else:
            middle = len(batch) // 2
            batches[:0] = [batch[:middle], batch[middle:]]
    return world.told()


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
