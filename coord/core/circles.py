"""Who waits for whom, followed: tasks wait for tasks, and branches for those whose commits they hold."""

from __future__ import annotations

from collections.abc import Callable


def way(start: str, end: str, needs: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    """Return the shortest way from a task to one that it waits for, both included; none when it does not.

    ``needs`` returns what a task waits for.
    """
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    todo = [start]
    for task in todo:
        for need in needs(task):
            if need == end:
                return (*ways[task], end)
            if need not in ways:
                ways[need] = (*ways[task], need)
                todo.append(need)
    return ()
