"""How worktrees stand: what is in them, what main and the remote have of it, and who works there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coord.core.graph import TaskGraph
from coord.git import Git
from coord.processes import Process, leftovers
from coord.taskfolder import read_tasks_at
from coord.workspace import Workspace
from coord.worktrees import ports
from coord.worktrees.listing import Worktree, list_worktrees
from coord.worktrees.sessions import sessions_of
from coord.worktrees.size import disk_use


@dataclass(frozen=True, slots=True)
class Distance:
    """How many commits a worktree has that the other has not, and the other way round."""

    ahead: int
    behind: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A worktree as it stands. ``main`` is the distance from the remote's main, ``pushed`` that from the branch on the
    remote; None where there is nothing to compare with. ``status`` is the task's, as main has it."""

    tree: Worktree
    task: str
    status: str
    main: Distance | None
    pushed: Distance | None
    modified: int
    untracked: int
    size: int
    ports: tuple[int, ...]
    processes: tuple[Process, ...]
    sessions: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Say whether every change is committed."""
        return not self.modified and not self.untracked


def look(workspace: Workspace, *, every: bool = False) -> tuple[Looked, ...]:
    """Return how the worktrees of task branches stand, as last fetched; ``every``: the others and the main one too."""
    graph = _graph(workspace)
    trees = [tree for tree in list_worktrees(workspace.git) if not tree.is_bare]
    wanted = [tree for tree in trees if every or (not tree.is_main and _task_of(workspace, tree))]
    return tuple(look_at(workspace, graph, tree) for tree in wanted)


def look_at(workspace: Workspace, graph: TaskGraph, tree: Worktree) -> Looked:
    """Return how one worktree stands; one whose folder is gone has nothing in it."""
    task = _task_of(workspace, tree)
    known = graph.get(task) if task else None
    modified, untracked = (0, 0) if tree.is_gone else changes_in(tree.path)
    upstream = workspace.git.resolve(workspace.branch_refs + tree.name) if tree.name else None
    return Looked(
        tree=tree,
        task=task,
        status=known.status.value if known else "",
        main=_distance(workspace.git, tree.head, workspace.main_tip),
        pushed=_distance(workspace.git, tree.head, upstream if workspace.remote else None),
        modified=modified,
        untracked=untracked,
        size=0 if tree.is_gone else disk_use(tree.path),
        ports=ports.ports_of(workspace.state, tree.path),
        processes=() if tree.is_gone else _at_work(tree),
        sessions=tuple(one.id for one in sessions_of(workspace.state, tree.path) if one.is_live),
    )


def _graph(workspace: Workspace) -> TaskGraph:
    main = workspace.main_tip
    return read_tasks_at(workspace, main, workspace.settings).graph if main else TaskGraph.of(())


def _task_of(workspace: Workspace, tree: Worktree) -> str:
    return workspace.settings.task_of(tree.name) or ""


def _entries(folder: Path) -> Sequence[str]:
    """Return what git's status lists; of a rename only the new name."""
    status = Git(folder).run("status", "--porcelain", "-z", "--no-renames", ok=(0, 128))
    return [entry for entry in status.text.split("\0") if entry]


def changes_in(folder: Path) -> tuple[int, int]:
    """Return how many files of a worktree are modified, and how many untracked."""
    entries = _entries(folder)
    untracked = sum(entry.startswith("??") for entry in entries)
    return len(entries) - untracked, untracked


def _at_work(tree: Worktree) -> tuple[Process, ...]:
    """Return who works in a worktree; the main checkout holds the others, so that cannot be told of it."""
    return () if tree.is_main else leftovers(tree.path)


def _distance(git: Git, tip: str, other: str | None) -> Distance | None:
    if not tip or other is None or not tip.strip("0"):
        return None
    ahead, behind = git.run("rev-list", "--left-right", "--count", f"{tip}...{other}", "--").line.split()
    return Distance(int(ahead), int(behind))
