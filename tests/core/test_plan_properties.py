"""The planner on random worlds: the same main and statuses whatever the order of pushes and lost wake-ups.

The world here is a value: applying an action is a few lines, so thousands of runs take seconds. What the model knows of
each branch (it conflicts, it fails, it is fine) stands for git and the gate.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.action import Block, Complete, Gate, Idle, Publish, Sweep
from coord.core.graph import TaskGraph
from coord.core.journal import Ahead, LandedBy
from coord.core.plan import next_action
from coord.core.queue import make_queue
from coord.core.settings import Settings
from coord.core.signal import Done, Stuck, Working
from coord.core.snapshot import Ruling, Snapshot, TaskBranch
from coord.core.task import Status, Task
from coord.core.trial import Clash, ConflictPath, Found, GatedTrial, Green, Red, Trial

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
            base=f"main-{self.main}", at=0, settings=Settings(), graph=TaskGraph.of(tasks),
            branches=tuple(self.branches[key] for key in sorted(self.branches)),
            rulings=tuple(self.rulings.values()), findings=tuple(self.findings),
        )  # fmt: skip

    def step(self) -> bool:
        """Do one action as the shell would; say whether there was one."""
        snapshot = self.snapshot()
        match next_action(snapshot):
            case Idle():
                return False
            case Gate((candidate,)):
                self.findings.append(
                    Found(snapshot.base, candidate.branch.tip, self._judge(candidate.branch, snapshot))
                )
            case Publish((gated,), (branch,)):
                assert gated.trial.base == snapshot.base
                needs = next(w.needs for w in self.works if w.id == branch.task)
                assert all(self.status.get(need) is Status.COMPLETED for need in needs)
                self.main += 1
                self.landed.append(branch.task)
                self.status[branch.task] = Status.COMPLETED
                del self.branches[branch.task]
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

    def _judge(self, branch: TaskBranch, snapshot: Snapshot) -> Green | Red | Clash:
        kind = next(w.kind for w in self.works if w.id == branch.task)
        if kind == "conflict":
            return Clash((ConflictPath("x", "contents"),))
        if kind == "red":
            return Red("check", "log")
        trial = Trial(branch.task, branch.name, snapshot.base, branch.tip, 0, "tree", "s", "m")
        return Green(GatedTrial(trial, "p", "key"))

    def killed(self) -> None:
        """Forget what a run keeps in memory."""
        self.findings.clear()


def _run(made: tuple[Work, ...], seed: int) -> Model:
    chance = random.Random(seed)
    model = Model(made)
    waiting = list(made)
    chance.shuffle(waiting)
    for _ in range(500):
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
