"""``pre-merge-commit``: judges a merge that had no conflicts; what holds for a commit holds for it."""

from __future__ import annotations

from coord.hooks.pre_commit import judge

__all__ = ["judge"]
