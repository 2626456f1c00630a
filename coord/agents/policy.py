"""The permission policy where there is a file system: links are followed before anything is called inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coord.core.agentevent import Asked
from coord.core.agents import Unsure
from coord.core.permission import Decision, decide, is_literal


def judged(asked: Asked, worktree: Path, unsure: Unsure) -> Decision:
    """Return what to answer to ``asked`` by an agent whose session has ``worktree``."""
    followed = tuple(_followed(path, worktree) for path in asked.paths)
    return decide(replace(asked, paths=followed), str(worktree.resolve()), unsure)


def _followed(path: str, worktree: Path) -> str:
    if not is_literal(path):
        return path
    try:
        return str((worktree / path).resolve())
    except (OSError, RuntimeError):
        # Links in a circle: nobody can say where that is.
        return ""
