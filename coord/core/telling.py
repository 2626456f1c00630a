"""What people are told on a forge, decided from a snapshot: a status for each tip, one comment for each branch.

It is decided anew each time from how things stand, so a run that was killed before it told anything is made up for by
the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from coord.core.pull import Pull
from coord.core.queue import Queue, Result, Waiting, make_queue, stands
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.verdict import Verdict


class Light(StrEnum):
    """How a commit's status stands."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class TellStatus:
    """Set the status of a tip."""

    tip: str
    light: Light
    words: str


@dataclass(frozen=True, slots=True)
class TellBlocked:
    """Say in the branch's comment that it is blocked, and why; ``pull`` is None when it has no pull request."""

    branch: TaskBranch
    verdict: Verdict
    pull: Pull | None


@dataclass(frozen=True, slots=True)
class TellProtected:
    """Say in the branch's comment that it waits for an approval; without a pull request nobody could give it."""

    branch: TaskBranch
    paths: tuple[str, ...]
    pull: Pull | None


@dataclass(frozen=True, slots=True)
class TellAgain:
    """Say in the branch's comment, where there is one, that what it says is over."""

    branch: TaskBranch
    words: str
    pull: Pull | None


@dataclass(frozen=True, slots=True)
class TellLanded:
    """Say in the comment of a branch that is gone, where there is one, that it landed."""

    task: str
    branch: str
    commit: str


Telling = TellStatus | TellBlocked | TellProtected | TellAgain | TellLanded


@dataclass(frozen=True, slots=True)
class Landed:
    """A landing of late: the task, the tip, the commit of main, and, where it had a verdict before, its branch."""

    task: str
    tip: str
    commit: str
    branch: str = ""


def what_to_tell(snapshot: Snapshot, landed: Sequence[Landed]) -> tuple[Telling, ...]:
    """Return what is to be told; ``landed`` are the landings of late whose branches are gone.

    Of live branches, a status is set on the tips of pull requests only: nobody sees it elsewhere, and each costs a call.
    """
    queue = make_queue(snapshot)
    waiting = {waiting.branch.name: waiting for waiting in queue.waiting}
    told: list[Telling] = []
    for branch in snapshot.branches:
        pull = snapshot.pull(branch.name)
        if pull is not None:
            told.append(_status(branch, queue, waiting.get(branch.name)))
        told += _comment(branch, snapshot, waiting.get(branch.name))
    for stranger in snapshot.strangers:
        if snapshot.pull(stranger.name):
            near = f" (like {', '.join(stranger.near)})" if stranger.near else ""
            told.append(TellStatus(stranger.tip, Light.PENDING, f"belongs to no task on main{near}"))
    for each in landed:
        told.append(TellStatus(each.tip, Light.SUCCESS, f"landed in {each.commit[:7]}"))
        if each.branch:
            told.append(TellLanded(each.task, each.branch, each.commit))
    return tuple(told)


def _status(branch: TaskBranch, queue: Queue, waiting: Waiting | None) -> TellStatus:
    if waiting is None:
        names = [candidate.branch.name for candidate in queue.candidates]
        place = names.index(branch.name) + 1 if branch.name in names else 0
        words = f"in the queue, place {place} of {len(names)}" if place else "not asked for in this run"
        return TellStatus(branch.tip, Light.PENDING, words)
    return TellStatus(branch.tip, light_of(waiting.result, waiting.reason), waiting.reason)


def light_of(result: Result, reason: str) -> Light:
    """Return the light for how a branch stands: red only for what somebody must mend on the branch."""
    match result:
        case Result.LANDED:
            return Light.SUCCESS
        case Result.CONFLICT | Result.GATE_FAILED | Result.BLOCKED | Result.REFUSED:
            return Light.FAILURE
        case Result.WAITING | Result.PROTECTED | Result.RACED:
            return Light.SUCCESS if reason.startswith("landed in ") else Light.PENDING
    assert_never(result)


def _approved(branch: TaskBranch, snapshot: Snapshot, pull: Pull | None) -> list[Telling]:
    """A comment that asked for an approval is over once there is one."""
    asked_for = any(snapshot.settings.is_protected(path) for path in branch.files)
    return (
        [TellAgain(branch, "its changes are approved", pull)]
        if pull and asked_for and snapshot.approved(branch)
        else []
    )


def _comment(branch: TaskBranch, snapshot: Snapshot, waiting: Waiting | None) -> list[Telling]:
    ruling, pull = snapshot.ruling(branch.task), snapshot.pull(branch.name)
    if waiting is not None and waiting.result is Result.PROTECTED:
        return [TellProtected(branch, waiting.paths, pull)]
    if ruling is None:
        return _approved(branch, snapshot, pull)
    if stands(ruling, branch):
        return [TellBlocked(branch, ruling.verdict, pull)]
    words = waiting.reason if waiting else "it is in the queue again"
    return [TellAgain(branch, words, pull)]
