"""Names that models give, made names of branches."""

from __future__ import annotations

from coord.core.branchname import task_in


def branch_name(name: str) -> str:
    """Return a name as a branch can have it: what holds spaces is prose and becomes small letters and dashes."""
    words = name.split()
    return "-".join(words).lower() if len(words) > 1 else name.strip()


def task_id(name: str, prefixes: tuple[str, ...]) -> str:
    """Return the task that a name means: its id, or its branch."""
    return task_in(name, prefixes) or name
