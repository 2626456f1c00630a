"""What may go by itself: worktrees and branches whose work main contains, and entries of folders that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coord.core.task import Status
from coord.core.worktrees import Obstacle, Reason, TaskState, why_open
from coord.freshness import fetch
from coord.taskfolder import read_tasks_at
from coord.workspace import Workspace
from coord.worktrees import ports
from coord.worktrees.listing import list_worktrees
from coord.worktrees.removing import Kept, Removal, Removed, Target, take, target_of


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was kept for a worktree whose folder is gone: git's entry (``what`` is ``entry``) or its ports (``lease``)."""

    what: str
    path: Path
    ports: tuple[int, ...] = ()


def prune(workspace: Workspace, *, dry_run: bool) -> tuple[Removed | Kept | Dropped, ...]:
    """Remove worktrees of task branches that main contains, and what is kept for folders that are gone.

    Kept, and named: what is not contained or not clean, what a session or somebody else works in, and what was only just
    begun.
    """
    fetch(workspace)
    found: list[Removed | Kept | Dropped] = list(_entries(workspace, dry_run=dry_run))
    judge = Judge.of(workspace)
    for tree in list_worktrees(workspace.git):
        if tree.is_main or tree.is_gone or workspace.settings.task_of(tree.name) is None:
            continue
        target = target_of(workspace, tree.name, tree)
        found.append(_take(workspace, judge, target, Removal(tree.name, dry_run=dry_run, gentle=True)))
    return (*found, *_leases(workspace, dry_run=dry_run))


def _entries(workspace: Workspace, *, dry_run: bool) -> Iterator[Dropped]:
    gone = [t for t in list_worktrees(workspace.git) if t.is_gone and not t.locked and not t.is_main]
    if gone and not dry_run:
        workspace.git.run("worktree", "prune", "--expire=now")
    yield from (Dropped("entry", tree.path) for tree in gone)


def _leases(workspace: Workspace, *, dry_run: bool) -> Iterator[Dropped]:
    if dry_run:
        stale = tuple(one for one in ports.leases(workspace.state) if one.is_stale)
    else:
        stale = ports.free_stale(workspace.state)
    yield from (Dropped("lease", one.worktree, one.ports) for one in stale)


def merged(
    workspace: Workspace, prefixes: Sequence[str], *, remote: bool, dry_run: bool
) -> tuple[Removed | Kept, ...]:
    """Remove the branches that begin with a prefix and that main, as the remote has it, contains.

    Those that are checked out are measured and removed as well; those that main does not contain are named.
    """
    fetch(workspace)
    judge = Judge.of(workspace)
    homes = {tree.name: tree for tree in list_worktrees(workspace.git) if tree.branch}
    found = []
    for branch in _branches(workspace, prefixes, remote=remote):
        target = target_of(workspace, branch, homes.get(branch))
        removal = Removal(branch, remote=remote, dry_run=dry_run, gentle=True)
        found.append(_take(workspace, judge, target, removal))
    return tuple(found)


def _branches(workspace: Workspace, prefixes: Sequence[str], *, remote: bool) -> list[str]:
    patterns = ["refs/heads/", *([workspace.branch_refs] if remote and workspace.remote else [])]
    names = {
        ref.name.removeprefix(pattern)
        for pattern in patterns
        for ref in workspace.git.refs(pattern)
        if not ref.symref
    }
    return sorted(name for name in names if name != workspace.main and any(map(name.startswith, prefixes)))


def _take(workspace: Workspace, judge: Judge, target: Target, removal: Removal) -> Removed | Kept:
    """Remove what may go; on the remote and here are one: what may stay in one place stays in both."""
    why = judge.why_open(target, remote=removal.remote)
    return Kept(target.branch, target.path, why) if why else take(workspace, target, removal)


@dataclass(frozen=True)
class Judge:
    """Says whether a branch is over, by main as last fetched: its tasks, and the commits on its first-parent chain."""

    workspace: Workspace
    states: dict[str, TaskState]
    chain: frozenset[str]

    @classmethod
    def of(cls, workspace: Workspace) -> Judge:
        """Read main once."""
        main = workspace.main_tip
        if main is None:
            return cls(workspace, {}, frozenset())
        graph = read_tasks_at(workspace, main, workspace.settings_at(main)).graph
        states = {
            task.id: TaskState.OVER if task.status is Status.COMPLETED else TaskState.OPEN
            for task in graph.tasks
        }
        chain = frozenset(commit.oid for commit in workspace.git.first_parents(main))
        return cls(workspace, states, chain)

    def why_open(self, target: Target, *, remote: bool) -> Obstacle | None:
        """Return why a branch may still be needed although main contains it, or None."""
        task = self.workspace.settings.task_of(target.branch) or ""
        state = self.states.get(task, TaskState.NO_TASK)
        tips = (*target.tips, *((target.remote,) if remote and target.remote else ()))
        main = self.workspace.main_tip
        if main is None or not all(self.workspace.git.ancestry.is_ancestor(tip, main) for tip in tips):
            return self._squashed(target, state) if state is TaskState.OVER else None
        words = why_open(task, state, is_new=any(tip in self.chain for tip in tips))
        return Obstacle(Reason.OPEN, words, "coord worktree remove takes it all the same") if words else None

    def _squashed(self, target: Target, state: TaskState) -> Obstacle:
        main = self.workspace.main_tip
        count = (
            len(self.workspace.git.ancestry.rev_list(*target.tips, f"^{main}")) if main and target.tips else 0
        )
        told = (
            f"its task is completed, but {self.workspace.main_name} does not contain {count} of its commits"
        )
        return Obstacle(
            Reason.NOT_CONTAINED,
            f"{told}: squashed, or more was pushed",
            "look, then coord worktree remove --force",
        )
