"""The worktrees of a repository, as git lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coord.core.text import one_line
from coord.errors import UsageError
from coord.git import Git


@dataclass(frozen=True, slots=True)
class Worktree:
    """One entry of ``git worktree list``; ``branch`` is a full ref name, empty when detached, ``head`` a commit (empty
    in a bare repository, and where there is none), ``is_half_made`` while git makes it and when it was killed then."""

    path: Path
    branch: str
    locked: bool
    is_main: bool
    head: str = ""
    is_bare: bool = False
    is_half_made: bool = False

    @property
    def name(self) -> str:
        """Return the branch as people write it, ``""`` when detached."""
        return self.branch.removeprefix("refs/heads/")

    @property
    def is_gone(self) -> bool:
        """Say whether git keeps an entry of it and the folder is no more."""
        return not self.is_bare and not (self.path / ".git").exists()


def list_worktrees(git: Git) -> tuple[Worktree, ...]:
    """Return the worktrees of a repository, the main one first."""
    answer = git.run("worktree", "list", "--porcelain", "-z")
    blocks = filter(None, answer.text.split("\0\0"))
    return tuple(_worktree(number, block) for number, block in enumerate(blocks))


def branch_at(git: Git, where: str, folder: Path) -> str:
    """Return the branch of the worktree that ``where`` means: its branch, or its path from ``folder``. Raises UsageError
    when there is none."""
    path = (folder / where).resolve()
    for tree in list_worktrees(git):
        if not tree.name or (where not in (tree.name, str(tree.path)) and path != tree.path.resolve()):
            continue
        if tree.is_main:
            raise UsageError(
                "that is the main checkout", hint="coord start NAME makes a worktree for an agent"
            )
        return tree.name
    raise UsageError(
        f"no worktree '{one_line(where)}'", hint="coord worktree list shows them; coord start NAME makes one"
    )


def _worktree(number: int, block: str) -> Worktree:
    fields = dict(line.partition(" ")[::2] for line in block.strip("\0").split("\0"))
    return Worktree(
        Path(fields["worktree"]),
        fields.get("branch", ""),
        "locked" in fields,
        is_main=number == 0,
        # All zeros while its branch has no commit, or has none any more: landing in a repository without a remote.
        head=fields.get("HEAD", "").strip("0") and fields["HEAD"],
        is_bare="bare" in fields,
        is_half_made=fields.get("locked") == "initializing",
    )


def orphans(folder: Path, trees: Sequence[Path]) -> tuple[Path, ...]:
    """Return what lies in ``folder`` and is neither a worktree nor on the way to one, sorted."""
    if folder.is_symlink() or not folder.is_dir():
        return ()
    found: list[Path] = []
    for path in _entries(folder):
        if path in trees:
            continue
        leads_to_one = any(tree.is_relative_to(path) for tree in trees)
        found += orphans(path, trees) if leads_to_one else [path]
    return tuple(found)


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted; nothing when another process of coord has just tidied it away."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def shown(path: Path) -> str:
    """Return a path as it may stand in a line: whoever named it may have put another line into it."""
    return one_line(str(path), 1000)
