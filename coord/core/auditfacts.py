"""The facts that an audit judges: the steps of main, branches and coord's refs, as read from refs and objects alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from coord.core.objects import Commit
from coord.core.signal import STATUS
from coord.core.task import Task
from coord.core.verdict import Verdict


class StepKind(StrEnum):
    """Who made a first-parent step of main, and what for."""

    LANDING = "landing"
    BATCH = "batch"
    STATUS = "status"
    BY_HAND = "by hand"


def kind_of(said: Mapping[str, str]) -> StepKind:
    """Return what a first-parent commit claims to be, by its trailers; ``Coord-Status`` is an agent's word, not ours."""
    if "Coord-Batch" in said:
        return StepKind.BATCH
    if "Coord-Gate" in said:
        return StepKind.LANDING
    return StepKind.STATUS if "Coord-Task" in said and STATUS not in said else StepKind.BY_HAND


@dataclass(frozen=True, slots=True)
class Edit:
    """One file of the task folder that a step changes; None: it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Step:
    """A first-parent step that claims to be coord's, or a merge that hangs in a batch (``in_batch``), with what was read
    about it.

    ``parts`` are the merges of a batch, oldest first, and empty when they do not lead from its second parent to its
    first. ``base`` is its first parent and ``second`` its second one; ``outside`` the paths it changes outside the task
    folder, ``edits`` those inside; ``tasks_before`` and ``tasks_after`` the tasks in the two trees; ``off_merge`` the
    paths outside the task folder in which it is not git's own merge of base and tip; ``tip_was_on_main`` says that
    its base held ``Coord-Tip`` already.
    """

    commit: Commit
    kind: StepKind
    said: Mapping[str, str]
    base: Commit
    second: Commit | None = None
    outside: frozenset[str] = frozenset()
    edits: tuple[Edit, ...] = ()
    tasks_before: Mapping[str, Task] = field(default_factory=dict)
    tasks_after: Mapping[str, Task] = field(default_factory=dict)
    off_merge: frozenset[str] = frozenset()
    tip_was_on_main: bool = False
    in_batch: bool = False
    parts: tuple[Commit, ...] = ()
    needs_dependencies: bool = True

    @property
    def task(self) -> str:
        return self.said.get("Coord-Task", "")

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the tasks that the step names: a status step may name several."""
        return tuple(filter(None, self.task.split(", ")))

    @property
    def tip(self) -> str:
        return self.said.get("Coord-Tip", "")

    @property
    def has_task(self) -> bool:
        """Say whether the task had a file on main: without one only the code is merged."""
        return self.task in self.tasks_before


@dataclass(frozen=True, slots=True)
class Branch:
    """A live task branch."""

    name: str
    task: str
    tip: str


@dataclass(frozen=True, slots=True)
class Record:
    """A verdict or history ref: its verdicts, newest first; None stands for one that cannot be read."""

    ref: str
    verdicts: tuple[Verdict | None, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """An approval (of ``tip``), a claim (until ``expires``) or a hold."""

    ref: str
    tip: str = ""
    expires: int = 0


@dataclass(frozen=True, slots=True)
class PushedTip:
    """A line of the list of pushes, in their order; an ``oid`` of zeros: the owner deleted the branch."""

    oid: str
    ref: str

    @property
    def is_deletion(self) -> bool:
        return not self.oid.strip("0")


@dataclass(frozen=True)
class Facts:
    """All that the rules go by. ``steps`` are oldest first; ``on_main`` and ``on_branches`` are commits; ``remote`` is
    where coord keeps its refs (None: here)."""

    steps: tuple[Step, ...]
    by_hand: tuple[Commit, ...]
    tasks: Mapping[str, Task]
    branches: tuple[Branch, ...] = ()
    records: tuple[Record, ...] = ()
    notes: tuple[Note, ...] = ()
    pushed: tuple[PushedTip, ...] = ()
    on_main: frozenset[str] = frozenset()
    on_branches: frozenset[str] = frozenset()
    frozen: bool = False
    now: int = 0
    remote: str | None = None

    @property
    def landings(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind is StepKind.LANDING)

    @property
    def batches(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind is StepKind.BATCH)

    @property
    def validated(self) -> tuple[Step, ...]:
        """Return the first-parent steps that claim to have passed a gate."""
        return tuple(
            step
            for step in self.steps
            if step.kind in (StepKind.LANDING, StepKind.BATCH) and not step.in_batch
        )

    @property
    def sound_landings(self) -> tuple[Step, ...]:
        """Return the landings of the right shape: only of those more can be asked."""
        return tuple(step for step in self.landings if not shape_flaw(step))

    @property
    def status_steps(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind is StepKind.STATUS)

    @property
    def sound_steps(self) -> tuple[Step, ...]:
        return (*self.sound_landings, *self.status_steps)


def shape_flaw(step: Step) -> str:
    """Return why a landing is not M (parents base, S) with S (parents tip, base), or ``""``."""
    if len(step.commit.parents) != 2 or step.second is None:
        return f"a landing has two parents, this one has {len(step.commit.parents)}"
    if not step.task or not step.tip:
        return "a landing names its task and its tip (Coord-Task, Coord-Tip)"
    if not step.has_task:
        return ""
    if step.second.parents[1:] != (step.base.oid,):
        return "its second parent is not a status commit with the parents tip and base"
    return ""
