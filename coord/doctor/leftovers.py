"""Checks of what lies around: refs, worktrees, lock files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from coord.core.action import Sweep
from coord.core.plan import next_action
from coord.core.verdict import CLAIMS, VERDICTS
from coord.core.worktrees import FOLDER
from coord.doctor.finding import Finding, Place, Severity
from coord.git import Git
from coord.worktrees.listing import Worktree, list_worktrees, orphans
from coord.worktrees.ports import leases

#: How old (seconds) a lock file is before it is taken for a dead one: git holds one for moments.
STALE_LOCK = 600


def stale_branches(place: Place) -> Iterator[Finding]:
    """Say what the next landing sweeps: branches that have landed, approvals and claims of nothing."""
    lands_here = place.workspace.remote is not None or place.workspace.bare
    action = next_action(place.view.snapshot) if place.view and lands_here else None
    if not isinstance(action, Sweep):
        return
    for branch in action.branches:
        told = f"main contains {branch.tip[:7]}, and its task is over"
        yield Finding(Severity.WARNING, branch.name, told, "coord land")
    for mark in action.marks:
        what = (
            "the claim has expired" if mark.ref.startswith(CLAIMS) else "it approves a tip that no branch has"
        )
        yield Finding(Severity.WARNING, mark.ref, what, "coord land")


def unknown_branches(place: Place) -> Iterator[Finding]:
    for stranger in place.view.snapshot.strangers if place.view else ():
        task = place.view.snapshot.settings.task_of(stranger.name) if place.view else ""
        near = f"; a task of a similar name: {', '.join(stranger.near)}" if stranger.near else ""
        told = f"no task on main has this name{near}"
        yield Finding(Severity.INFO, stranger.name, told, f"coord new {shlex.quote(task or '')}")


def stale_verdicts(place: Place) -> Iterator[Finding]:
    if place.view is None:
        return
    snapshot = place.view.snapshot
    read = {ruling.ref: ruling.verdict for ruling in snapshot.rulings}
    live = {branch.task for branch in snapshot.branches}
    for ref in sorted(name for name in place.view.coord_refs if name.startswith(VERDICTS)):
        task = ref.removeprefix(VERDICTS)
        known = snapshot.graph.get(task)
        if ref not in read:
            yield Finding(Severity.WARNING, ref, "it holds no verdict that can be read", place.delete(ref))
        elif known is None and task not in live:
            yield Finding(Severity.WARNING, ref, f"there is no task {task}", place.delete(ref))
        elif known is not None and known.is_completed and task not in live:
            yield Finding(Severity.WARNING, ref, f"{task} is completed", place.delete(ref))
        elif read[ref].stops and task not in live:
            told = f"{task} is stopped, and its branch is gone"
            yield Finding(Severity.INFO, ref, told, f"coord unblock {shlex.quote(task)}")


def stale_holds(place: Place) -> Iterator[Finding]:
    snapshot = place.view.snapshot if place.view else None
    for mark in snapshot.holds if snapshot else ():
        task = snapshot.graph.get(mark.task) if snapshot else None
        live = snapshot is not None and any(branch.task == mark.task for branch in snapshot.branches)
        if not live and (task is None or task.is_completed):
            told = f"it holds {mark.task}, which is over and has no branch"
            yield Finding(Severity.WARNING, mark.ref, told, f"coord release {shlex.quote(mark.task)}")


def worktrees(place: Place) -> Iterator[Finding]:
    for tree in list_worktrees(place.workspace.git):
        if tree.is_main:
            continue
        if not tree.path.exists() and not tree.locked:
            told = "its folder is gone, git still keeps its entry"
            yield Finding(Severity.WARNING, str(tree.path), told, "git worktree prune")


def port_leases(place: Place) -> Iterator[Finding]:
    for lease in leases(place.workspace.state):
        if lease.is_stale:
            told = f"it has ports {', '.join(map(str, lease.ports))}, and is gone"
            yield Finding(Severity.WARNING, str(lease.worktree), told, "coord worktree prune")


def orphaned_folders(place: Place) -> Iterator[Finding]:
    """Name what lies where worktrees do and is none: what is in it is known to nobody, so a person looks."""
    trees = list_worktrees(place.workspace.git)
    for path in orphans(trees[0].path / FOLDER, [tree.path for tree in trees]):
        told = "it lies among the worktrees and is none: look what is in it"
        yield Finding(Severity.INFO, str(path), told, f"rm -r {shlex.quote(str(path))}")


def local_branches(place: Place) -> Iterator[Finding]:
    """Say which local branches have landed; where work is left in a worktree, a person decides."""
    workspace, view = place.workspace, place.view
    if workspace.remote is None or view is None:
        return
    snapshot = view.snapshot
    live = {branch.name for branch in snapshot.branches} | {s.name for s in snapshot.strangers}
    homes = {tree.branch: tree for tree in list_worktrees(workspace.git)}
    for ref in workspace.git.contained_heads(snapshot.base):
        name = ref.name.removeprefix("refs/heads/")
        task_id = snapshot.settings.task_of(name)
        task = snapshot.graph.get(task_id) if task_id else None
        over = task_id is not None and (task is None or task.is_completed)
        if over and name not in live and ref.oid not in view.on_chain:
            yield _local_branch(name, homes.get(ref.name), workspace.main)


def _local_branch(name: str, home: Worktree | None, main: str) -> Finding:
    if home is not None and home.is_main:
        told = "it has landed, and is checked out here"
        return Finding(Severity.INFO, name, told, f"git switch {shlex.quote(main)} && coord land")
    if home is not None and home.path.is_dir() and _is_dirty(home.path):
        told = f"it has landed, and its worktree {home.path} holds uncommitted work: commit it or discard it"
        return Finding(Severity.INFO, name, told, f"git -C {shlex.quote(str(home.path))} status")
    return Finding(Severity.WARNING, name, "it has landed, and is still here", "coord land")


def _is_dirty(folder: Path) -> bool:
    answer = Git(folder).run("status", "--porcelain", "--untracked-files=all", ok=(0, 128))
    return answer.code != 0 or bool(answer.out)


def lock_files(place: Place) -> Iterator[Finding]:
    for lock in stale_locks(place.workspace.common, place.now):
        told = "a git that was killed left it: git refuses to work beside it"
        yield Finding(Severity.WARNING, str(lock), told, f"rm {shlex.quote(str(lock))}")


def stale_locks(common: Path, now: int) -> list[Path]:
    """Return the lock files of a git directory that are older than ten minutes."""
    patterns = ("*.lock", "worktrees/*/*.lock", "refs/**/*.lock", "logs/**/*.lock", "objects/info/*.lock")
    found = {lock for pattern in patterns for lock in common.glob(pattern)}
    return sorted(lock for lock in found if _age(lock, now) > STALE_LOCK)


def _age(lock: Path, now: int) -> float:
    """Return a lock's age in seconds; one that went meanwhile has none."""
    try:
        return now - lock.lstat().st_mtime
    except OSError:
        return 0


def holds_in_force(place: Place) -> Iterator[Finding]:
    if place.view is None:
        return
    snapshot = place.view.snapshot
    if snapshot.freeze is not None:
        yield Finding(Severity.INFO, "landing", f"all landing is frozen: {snapshot.freeze}", "coord thaw")
    live = {branch.task for branch in snapshot.branches}
    for mark in snapshot.holds:
        if mark.task in live:
            told = f"its branch is held: {mark.text or 'no reason given'}"
            yield Finding(Severity.INFO, mark.task, told, f"coord release {shlex.quote(mark.task)}")
