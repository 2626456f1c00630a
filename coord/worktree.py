"""Local branches and worktrees of what has landed: removed when contained and clean, kept and named otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coord.core.answer import RefUpdate
from coord.git import Git


@dataclass(frozen=True, slots=True)
class Worktree:
    """One entry of ``git worktree list``; ``branch`` is a full ref name, empty when detached."""

    path: Path
    branch: str
    locked: bool
    is_main: bool


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


def list_worktrees(git: Git) -> tuple[Worktree, ...]:
    """Return the worktrees of a repository, the main one first."""
    answer = git.run("worktree", "list", "--porcelain", "-z")
    found = []
    for number, block in enumerate(filter(None, answer.text.split("\0\0"))):
        fields = dict(line.partition(" ")[::2] for line in block.strip("\0").split("\0"))
        found.append(
            Worktree(
                Path(fields["worktree"]), fields.get("branch", ""), "locked" in fields, is_main=number == 0
            )
        )
    return tuple(found)


def tidy(git: Git, branch: str, tip: str, *, here: Path) -> Removed | Kept:
    """Remove a local branch at ``tip`` and its worktree; the caller has seen that main contains the tip.

    The deletion is a compare-and-swap, and git itself removes the worktree, so that a change made meanwhile is kept.
    """
    ref = f"refs/heads/{branch}"
    if ref in _under_way(git):
        return Kept(branch, None, "a rebase or bisect of it is under way")
    home = next((tree for tree in list_worktrees(git) if tree.branch == ref), None)
    if home is not None:
        why = _why_kept(home, here)
        if why:
            return Kept(branch, home.path, why)
        if git.run("worktree", "remove", "--", str(home.path), ok=(0, 1, 128)).code != 0:
            return Kept(branch, home.path, "git does not remove it: see git worktree remove")
        _remove_empty_parents(home.path, git.folder)
    git.update_refs([RefUpdate(ref, tip, None)])
    return Removed(branch, home.path if home else None)


def _under_way(git: Git) -> frozenset[str]:
    """Return the branches that a rebase or bisect will come back to: meanwhile no worktree is on them."""
    common = Path(git.run("rev-parse", "--path-format=absolute", "--git-common-dir").line)
    homes = [common, *common.glob("worktrees/*")]
    names = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    notes = (home / name for home in homes for name in names)
    said = {note.read_text("utf-8", "replace").strip() for note in notes if note.is_file()}
    return frozenset(said | {f"refs/heads/{name}" for name in said})


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


def _remove_empty_parents(path: Path, top: Path) -> None:
    """Remove the folders that a removed worktree leaves empty (``.worktrees/feat``), never above the repository."""
    for parent in path.parents:
        if parent == top or top not in parent.parents or any(parent.iterdir()):
            return
        parent.rmdir()
