"""What one step of a run can do; each action says why."""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.snapshot import Mark, Ruling, TaskBranch
from coord.core.trial import GatedTrial
from coord.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Look:
    """Build the trials of lines and look what is known about their trees; nothing runs.

    ``onto`` is a line that passed: the branches of ``then`` follow it one by one for as long as they are known to pass,
    so that what needs no run is published together. ``lines`` are looked at as they are.
    """

    reason: str
    onto: tuple[TaskBranch, ...] = ()
    then: tuple[TaskBranch, ...] = ()
    lines: tuple[tuple[TaskBranch, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """Start the validation of these lines, side by side, and stop those that are of no use any more (by tips)."""

    lines: tuple[tuple[TaskBranch, ...], ...]
    reason: str
    cancel: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until one of the running validations ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Move main onto validated trials, in one push; ``branches`` are those that land, in order."""

    trials: tuple[GatedTrial, ...]
    branches: tuple[TaskBranch, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """Write a verdict; ``episode`` when main is told as well (a re-try with the same result tells it nothing)."""

    branch: TaskBranch
    verdict: Verdict
    ruling: Ruling | None
    episode: bool
    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Complete:
    """Complete a task whose work a person brought to main by hand, and delete its branch."""

    branch: TaskBranch
    commit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Delete branches whose commits main holds, and refs that belong to nothing any more."""

    branches: tuple[TaskBranch, ...]
    marks: tuple[Mark, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to do; ``reason`` says why landing rests."""

    reason: str


Action = Look | Gate | Wait | Publish | Block | Complete | Sweep | Idle
