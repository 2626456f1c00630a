"""The planner on random worlds: the same main and statuses whatever the order of pushes and lost wake-ups.

The world here is a value: applying an action is a few lines, so thousands of runs take seconds. What the model knows of
each branch (it conflicts, it fails, it is fine) stands for git and the gate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.action import Block, Complete, Gate, Idle, Look, Publish, Sweep, Wait
from coord.core.graph import TaskGraph
from coord.core.journal import Ahead, LandedBy
from coord.core.plan import next_action
from coord.core.queue import make_queue
from coord.core.settings import Land, Settings, Strategy
from coord.core.signal import Done, Stuck, Working
from coord.core.snapshot import Ruling, Snapshot, TaskBranch
from coord.core.task import Status, Task
from coord.core.trial import (
    Clash,
    ConflictPath,
    Finding,
    Found,
    GatedTrial,
    Green,
    Red,
    Trial,
    Underway,
    Unproven,
)

KINDS = ("fine", "fine", "fine", "red", "conflict", "stuck", "working")


@dataclass(frozen=True)
class Work:
    """One task, what it needs, how its branch turns out, which files it changes."""

    id: str
    needs: tuple[str, ...]
    kind: str
    files: frozenset[str]


@st.composite
def works(draw: st.DrawFn) -> tuple[Work, ...]:
    count = draw(st.integers(1, 7))
    made = []
    for number in range(count):
        needs = draw(st.sets(st.sampled_from([w.id for w in made]), max_size=2)) if made else set()
        files = draw(st.frozensets(st.sampled_from("xyz"), max_size=2))
        made.append(Work(f"t{number}", tuple(sorted(needs)), draw(st.sampled_from(KINDS)), files))
    return tuple(made)


@dataclass
class Model:
    """A repository as a value: main is a number, each landing adds one."""

    works: tuple[Work, ...]
    strategy: Strategy = Strategy.EACH
    workers: int = 1
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    main: int = 0
    status: dict[str, Status] = field(default_factory=dict)
    branches: dict[str, TaskBranch] = field(default_factory=dict)
    rulings: dict[str, Ruling] = field(default_factory=dict)
    landed: list[str] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)

    def push(self, work: Work) -> None:
        said = {"stuck": Stuck("no way"), "working": Working("not yet")}
        self.branches[work.id] = TaskBranch(
            f"feat/{work.id}", f"refs/heads/feat/{work.id}", work.id, f"tip-{work.id}", int(work.id[1:]), "0 +0000",
            said.get(work.kind, Done()), Ahead(), (f"tip-{work.id}",), work.files,
        )  # fmt: skip

    def snapshot(self) -> Snapshot:
        tasks = [
            Task(w.id, w.id, f"tasks/{w.id}.md", self.status.get(w.id, Status.PENDING), depends_on=w.needs)
            for w in self.works
        ]
        return Snapshot(
            base=f"main-{self.main}", at=0, graph=TaskGraph.of(tasks),
            settings=Settings(land=Land(strategy=self.strategy, workers=self.workers)), running=self._running(),
            branches=tuple(self.branches[key] for key in sorted(self.branches)),
            rulings=tuple(self.rulings.values()), findings=tuple(self.findings),
        )  # fmt: skip

    def step(self) -> bool:
        """Do one action as the shell would; say whether there was one."""
        snapshot = self.snapshot()
        match next_action(snapshot):
            case Idle():
                return False
            case Look() | Gate() | Wait() as action:
                self._validate(snapshot, action)
            case Publish(trials, branches):
                self._publish(snapshot, trials, branches)
            case Block(branch, verdict, ruling, episode):
                assert ruling is None or ruling.verdict.tip != branch.tip
                assert episode
                self.main += 1
                self.status[branch.task] = Status.BLOCKED
                self.rulings[branch.task] = Ruling("ref", f"verdict-{self.main}", verdict)
            case Sweep(branches):
                for branch in branches:
                    del self.branches[branch.task]
            case Complete() as action:
                raise AssertionError(action)
            case other:
                raise AssertionError(other)
        return True

    def _validate(self, snapshot: Snapshot, action: Look | Gate | Wait) -> None:
        match action:
            case Look(_, onto, then, lines):
                looked = [(*onto, then[0])] if then else [*lines]
                self.findings += [self._seen(snapshot.base, _tips(line)) for line in looked]
            case Gate(lines, _, cancel):
                assert len(lines) + self._running() - len(cancel) <= snapshot.settings.land.workers
                for line in lines:
                    self._find(snapshot.base, _tips(line), Underway())
                for tips in cancel:
                    self._find(snapshot.base, tips, Unproven())
            case Wait():
                running = [f for f in self.findings if isinstance(f.finding, Underway)]
                ended = self.chance.choice(running)
                self._find(snapshot.base, ended.tips, self._judge(snapshot, ended.tips))

    def _publish(
        self, snapshot: Snapshot, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]
    ) -> None:
        assert trials[0].trial.base == snapshot.base
        assert self.main_moves_only_onto_what_passed(trials, branches)
        for branch in branches:
            needs = next(w.needs for w in self.works if w.id == branch.task)
            assert all(self.status.get(need) is Status.COMPLETED for need in needs)
        for branch in branches:
            self.main += 1
            self.landed.append(branch.task)
            self.status[branch.task] = Status.COMPLETED
            del self.branches[branch.task]

    def _running(self) -> int:
        return sum(
            isinstance(found.finding, Underway) and found.base == f"main-{self.main}"
            for found in self.findings
        )

    def _find(self, base: str, tips: tuple[str, ...], finding: Finding) -> None:
        self.findings = [f for f in self.findings if (f.base, f.tips) != (base, tips)]
        self.findings.append(Found(base, tips, finding))

    def _kind(self, tip: str) -> str:
        return next(w.kind for w in self.works if f"tip-{w.id}" == tip)

    def _seen(self, base: str, tips: tuple[str, ...]) -> Found:
        """What a look tells: where the line cannot be merged on, or that a run would tell."""
        for length, tip in enumerate(tips, 1):
            if self._kind(tip) == "conflict":
                return Found(base, tips[:length], Clash((ConflictPath("x", "contents"),)))
        return Found(base, tips, Unproven())

    def _judge(self, snapshot: Snapshot, tips: tuple[str, ...]) -> Green | Red:
        if any(self._kind(tip) == "red" for tip in tips):
            return Red("check", "log")
        base = snapshot.base if len(tips) == 1 else "+".join((snapshot.base, *tips[:-1]))
        trial = Trial(tips[-1], tips[-1], base, tips[-1], 0, "tree", "s", "+".join((snapshot.base, *tips)))
        if self.strategy is Strategy.BATCH and len(tips) > 1:
            trial = replace(trial, base=snapshot.base, parts=(trial,) * len(tips))
        return Green(GatedTrial(trial, "p", "key"))

    def main_moves_only_onto_what_passed(
        self, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]
    ) -> bool:
        """Each step stands on the one before; the whole brings exactly these branches."""
        steps = [gated.trial for gated in trials]
        linked = all(one.commit == other.base for one, other in pairwise(steps))
        return linked and steps[-1].commit.split("+")[1:] == [branch.tip for branch in branches]

    def killed(self) -> None:
        """Forget what a run keeps in memory."""
        self.findings.clear()


def _tips(line: Sequence[TaskBranch]) -> tuple[str, ...]:
    return tuple(branch.tip for branch in line)


def _run(made: tuple[Work, ...], seed: int) -> Model:
    """Play until nothing moves any more, under a strategy and with workers that the seed chooses."""
    chance = random.Random(seed)
    model = Model(made, chance.choice(tuple(Strategy)), chance.choice((1, 1, 2, 4)), chance)
    waiting = list(made)
    chance.shuffle(waiting)
    for _ in range(3000):
        event = chance.random()
        if waiting and event < 0.3:
            model.push(waiting.pop())
        elif event < 0.35:
            model.killed()
        elif event < 0.4 and model.landed:
            again = chance.choice(model.landed)
            if again not in model.branches:
                model.push(next(w for w in made if w.id == again))
                model.branches[again] = replace(model.branches[again], standing=LandedBy("m"))
        elif not model.step() and not waiting:
            return model
    raise AssertionError("it does not come to rest")


@settings(deadline=None, max_examples=150)
@given(works(), st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_order_of_pushes_and_lost_wake_ups_gives_the_same_main_and_statuses(
    made: tuple[Work, ...], one: int, other: int
) -> None:
    first, second = _run(made, one), _run(made, other)
    assert first.status == second.status
    assert sorted(first.landed) == sorted(second.landed)


@settings(deadline=None, max_examples=150)
@given(works(), st.integers(0, 2**32))
def test_nothing_lands_twice_and_all_that_can_land_does(made: tuple[Work, ...], seed: int) -> None:
    model = _run(made, seed)
    assert len(model.landed) == len(set(model.landed))
    can: set[str] = set()
    for work in made:
        if work.kind == "fine" and set(work.needs) <= can:
            can.add(work.id)
    assert set(model.landed) == can


@settings(deadline=None, max_examples=100)
@given(works(), st.integers(0, 2**32))
def test_whoever_does_not_land_is_told_why(made: tuple[Work, ...], seed: int) -> None:
    model = _run(made, seed)
    queue = make_queue(model.snapshot())
    assert queue.candidates == ()
    assert {w.branch.task for w in queue.waiting} == set(model.branches)
    assert all(waiting.reason for waiting in queue.waiting)


@settings(deadline=None, max_examples=100)
@given(works())
def test_the_plan_does_not_depend_on_the_order_in_which_branches_are_listed(made: tuple[Work, ...]) -> None:
    model = Model(made)
    for work in made:
        model.push(work)
    snapshot = model.snapshot()
    turned = replace(snapshot, branches=tuple(reversed(snapshot.branches)))
    names = [[c.branch.name for c in make_queue(s).candidates] for s in (snapshot, turned)]
    assert names[0] == names[1]
