"""Which tasks may be given to an agent now, and why others may not: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coord.core.settings import matches
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.task import Status, Task
from coord.core.verdict import VerdictKind


@dataclass(frozen=True, slots=True)
class Shared:
    """Files that a task is expected to change and that somebody is changing: who, and which patterns or paths."""

    who: str
    what: tuple[str, ...]


def why_not(task: Task | None, id: str, snapshot: Snapshot, *, mends: bool = False) -> str:
    """Return why no agent may be started for a task now, or ``""``; ``mends``: its branch did not land, and is to be
    mended, so that it is blocked is no reason."""
    if task is None:
        return f"there is no task '{id}' on {snapshot.upstream}: coord list shows them"
    if task.apart:
        hint = "; coord review-task carries it out" if task.level == "review" else ""
        return f"{task.id} is not for agents: {task.apart}{hint}"
    if task.is_completed:
        return f"{task.id} is completed"
    if task.status is Status.BLOCKED and not mends:
        return f"{task.id} is blocked: coord unblock {task.id}"
    if task.status not in (Status.PENDING, Status.IN_PROGRESS, Status.BLOCKED):
        return f"{task.id} has the status {task.status_text}"
    unmet = snapshot.graph.unmet(task.id)
    if unmet:
        return f"{task.id} waits for {', '.join(f'{need.id} ({need.reason})' for need in unmet)}"
    return ""


def branch_for(id: str, snapshot: Snapshot, prefix: str = "") -> str:
    """Return the branch that work on a task goes on: the one that is there, else one with the first configured prefix."""
    there = (branch.name for branch in snapshot.branches if branch.task == id)
    usual = snapshot.settings.project.prefixes[0] + id
    return prefix + id if prefix else next(there, usual)


def overlap(task: Task, snapshot: Snapshot, underway: Mapping[str, tuple[str, ...]]) -> tuple[Shared, ...]:
    """Return with whom a task is expected to share files: tasks that are under way (``underway`` has the ``touches`` of
    each) and live branches, by the files they change."""
    live = [branch for branch in snapshot.branches if branch.task != task.id and branch.task in underway]
    found = [_with_branch(task, branch) for branch in live]
    named = {branch.task for branch in live if branch.files}
    found += [
        Shared(other, common)
        for other, globs in sorted(underway.items())
        if other not in named and other != task.id and (common := _common(task.touches, globs))
    ]
    return tuple(one for one in found if one and one.what)


def _with_branch(task: Task, branch: TaskBranch) -> Shared:
    files = sorted(path for path in branch.files if any(matches(path, glob) for glob in task.touches))
    return Shared(branch.task, tuple(files))


def _common(globs: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that may name a file which another pattern names too: one lies in what the other covers."""
    theirs = tuple(others)
    return tuple(
        glob
        for glob in globs
        if any(
            glob == other or matches(_sample(glob), other) or matches(_sample(other), glob)
            for other in theirs
        )
    )


def _sample(glob: str) -> str:
    """Return a path that a pattern names."""
    return "/".join(
        "x" if part == "**" else part.replace("*", "x").replace("?", "x") for part in glob.split("/")
    )


def is_lifted(branch: TaskBranch, snapshot: Snapshot) -> bool:
    """Say whether a person has lifted the block that a branch pronounced on itself: it waits for new work."""
    ruling = snapshot.ruling(branch.task)
    return (
        ruling is not None
        and ruling.verdict.tip == branch.tip
        and ruling.verdict.kind is VerdictKind.UNBLOCKED
    )
