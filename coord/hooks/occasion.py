"""What git hands to a hook, as values: the repository it is about, who acts, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TextIO

from coord.core.guard import Checkout, Role, Verdict
from coord.core.settings import Project
from coord.git import Git
from coord.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class Occasion:
    """One run of a hook. ``git`` sees the repository and the index that git named; ``stdin`` is what git feeds."""

    git: Git
    workspace: Workspace
    project: Project
    environment: Mapping[str, str]
    stdin: TextIO

    @property
    def role(self) -> Role:
        """Return who acts."""
        is_coordinator = self.environment.get("COORD_ROLE") == Role.COORDINATOR.value
        return Role.COORDINATOR if is_coordinator else Role.AGENT

    @property
    def session(self) -> str:
        """Return the task session that acts, empty when none does."""
        return self.environment.get("COORD_SESSION", "")

    def branch(self) -> str | None:
        """Return the short name of the checked-out branch, or None on a detached HEAD."""
        head = self.git.head()
        return head.removeprefix("refs/heads/") if head else None

    def git_folder(self) -> Path:
        """Return the git directory of this worktree alone."""
        return Path(self.git.run("rev-parse", "--absolute-git-dir").line)

    def checkout(self) -> Checkout:
        """Return whether this is the main checkout or a linked worktree."""
        is_linked = (self.git_folder() / "commondir").is_file()
        return Checkout.LINKED if is_linked else Checkout.MAIN


class HookModule(Protocol):
    """What every module of a git hook offers."""

    def judge(self, occasion: Occasion) -> Verdict: ...


def workspace_of_hook(folder: Path, inherited: Mapping[str, str]) -> Workspace:
    """Return the repository whose hook runs in ``folder``: the one git names, else the one around the folder.

    With ``--git-dir`` and ``--work-tree`` the folder may lie in no repository, or in another one.
    """
    named = inherited.get("GIT_DIR")
    found = open_workspace(folder / named if named else folder)
    return replace(found, top=folder) if named else found
