"""The permission policy where there is a file system: links are followed before anything is called inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coord.core.agentevent import Asked
from coord.core.agents import Unsure
from coord.core.permission import Decision, decide


def judged(asked: Asked, worktree: Path, unsure: Unsure) -> Decision:
    """Return what to answer to ``asked`` by an agent whose session has ``worktree``."""
    root = worktree.resolve()
    decision = decide(asked, str(worktree), unsure)
    real = replace(asked, paths=tuple(_real(path, root, worktree) for path in asked.paths))
    # Both must agree: the text may look outside, the links may lead there.
    return (
        decision if str(root) == str(worktree) and real == asked else _stricter(decision, real, root, unsure)
    )


def _stricter(decision: Decision, real: Asked, root: Path, unsure: Unsure) -> Decision:
    followed = decide(real, str(root), unsure)
    order = list(type(decision.verdict))
    return max(decision, followed, key=lambda one: (one.verdict.value == "reject", order.index(one.verdict)))


def _real(path: str, root: Path, worktree: Path) -> str:
    try:
        return str((worktree / path).resolve())
    except (OSError, ValueError, RuntimeError):
        return f"/{path}" if root != Path("/") else path
