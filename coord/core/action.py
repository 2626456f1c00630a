"""What one step of a run can do; each action says why."""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.queue import Candidate
from coord.core.snapshot import Mark, Ruling, TaskBranch
from coord.core.trial import GatedTrial
from coord.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """Build the trials and validate their trees."""

    candidates: tuple[Candidate, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Move main onto validated trials, in one push."""

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


Action = Gate | Publish | Block | Complete | Sweep | Idle
