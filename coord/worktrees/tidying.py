"""Local branches and worktrees of what has landed: removed when contained and clean, kept and named otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from coord.core.answer import RefUpdate
from coord.git import Git
from coord.processes import end, of_any_session
from coord.workspace import Workspace
from coord.worktrees import ports
from coord.worktrees.listing import Worktree, list_worktrees
from coord.worktrees.sessions import sessions_of


@dataclass(frozen=True, slots=True)
class Removed:
    """A local branch that is gone, with its worktree if it had one."""

    branch: str
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A local branch that stays, and why."""

    branch: str
    path: Path | None
    why: str


def tidy(workspace: Workspace, branch: str, tip: str, *, here: Path) -> Removed | Kept:
    """Remove a local branch at ``tip`` and its worktree; the caller has seen that main contains the tip.

    The deletion is a compare-and-swap, and git itself removes the worktree, so that a change made meanwhile is kept.
    """
    git = workspace.git
    ref = f"refs/heads/{branch}"
    if ref in under_way(git):
        return Kept(branch, None, "a rebase or bisect of it is under way")
    home = next((tree for tree in list_worktrees(git) if tree.branch == ref), None)
    if home is not None:
        why = _why_kept(home, here) or _session_in(workspace, home.path)
        if why:
            return Kept(branch, home.path, why)
        end(of_any_session(home.path))
        if git.run("worktree", "remove", "--", str(home.path), ok=(0, 1, 128)).code != 0:
            return Kept(branch, home.path, "git does not remove it: see git worktree remove")
        ports.free(workspace.state, home.path)
        remove_empty_parents(home.path, git.folder)
    git.update_refs([RefUpdate(ref, tip, None)])
    forget_branch(git, branch)
    return Removed(branch, home.path if home else None)


def under_way(git: Git) -> dict[str, Path]:
    """Return the branches that a rebase or bisect will come back to, and where: meanwhile no worktree is on them."""
    common = Path(git.run("rev-parse", "--path-format=absolute", "--git-common-dir").line)
    found = {}
    for home in (common, *sorted(common.glob("worktrees/*"))):
        for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
            note = home / name
            if note.is_file():
                said = note.read_text("utf-8", "replace").strip()
                found[f"refs/heads/{said.removeprefix('refs/heads/')}"] = _worktree_of(home)
    return found


def _worktree_of(home: Path) -> Path:
    """Return the worktree whose own git directory is ``home``."""
    note = home / "gitdir"
    return Path(note.read_text("utf-8", "surrogateescape").strip()).parent if note.is_file() else home.parent


def _why_kept(tree: Worktree, here: Path) -> str:
    if tree.is_main:
        return "it is checked out in the main checkout: git switch main, then it goes"
    if tree.locked:
        return "its worktree is locked: git worktree unlock"
    if not tree.path.is_dir():
        return ""
    if here == tree.path or tree.path in here.parents:
        return "you are standing in its worktree"
    status = Git(tree.path).run("status", "--porcelain", "--untracked-files=all", ok=(0, 128))
    if status.code != 0:
        return "its worktree cannot be read"
    return "its worktree holds uncommitted work" if status.out else ""


def _session_in(workspace: Workspace, path: Path) -> str:
    live = next((session for session in sessions_of(workspace.state, path) if session.is_live), None)
    return f"session {live.id} works in it: coord abort {live.id}" if live else ""


def forget_branch(git: Git, branch: str) -> None:
    """Drop what the configuration says of a branch that is gone: its upstream."""
    if git.config(rf"^branch\.{re.escape(branch)}\."):
        git.run("config", "--local", "--remove-section", f"branch.{branch}", ok=(0, 1, 5, 128, 255))


def remove_empty_parents(path: Path, top: Path) -> None:
    """Remove the folders that a removed worktree leaves empty (``.worktrees/feat``), never above the repository."""
    for parent in path.parents:
        if parent == top or top not in parent.parents:
            return
        try:
            parent.rmdir()
        except FileNotFoundError:
            continue  # another process of coord tidied it at the same moment
        except OSError:
            return  # it holds something
