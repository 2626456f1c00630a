"""What task files foretold, held against what landing them changed: scope, touches and risk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from coord.core.reviewwords import counted
from coord.core.row import ENUMS
from coord.core.settings import matches
from coord.core.task import Task

#: How many files a task of each scope changes at most. A single change has its test beside it; narrow is one component,
#: moderate several. The limits are ours (no format states any), so what lies next to them is not held against anybody.
FILES = {"single": 2, "narrow": 5, "moderate": 12, "broad": 40}

_SCOPES = ENUMS["scope"]

#: From how many classes apart an estimate counts as off.
_APART = 2

_LITTLE = ("trivial", "low")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: the files that its landing changed (the task folder aside), and the attempts before it."""

    task: str
    paths: tuple[str, ...]
    failures: int


@dataclass(frozen=True, slots=True, order=True)
class Off:
    """An estimate that was off: the ``field``, what it ``said``, and what was (``paths`` are those that it missed)."""

    task: str
    field: str
    said: str
    was: str
    paths: tuple[str, ...] = ()


def scope_of(files: int) -> str:
    """Return the scope that a change of so many files has."""
    return next((scope for scope, limit in FILES.items() if files <= limit), _SCOPES[-1])


def estimates_off(tasks: Iterable[Task], outcomes: Collection[Outcome]) -> tuple[Off, ...]:
    """Return the estimates that were off, by task."""
    known = {task.id: task for task in tasks}
    pairs = [(known[outcome.task], outcome) for outcome in outcomes if outcome.task in known]
    return tuple(
        sorted({off for task, outcome in pairs for check in _CHECKS for off in check(task, outcome)})
    )


def stated(tasks: Iterable[Task], landed: Collection[str]) -> dict[str, int]:
    """Return how many landed tasks state each estimate that is checked."""
    chosen = [task for task in tasks if task.id in landed]
    return {
        "scope": sum(task.scope in _SCOPES for task in chosen),
        "touches": sum(bool(task.touches) for task in chosen),
        "risk": sum(task.risk in _LITTLE for task in chosen),
    }


def _scope(task: Task, outcome: Outcome) -> Iterator[Off]:
    was = scope_of(len(outcome.paths))
    if task.scope in _SCOPES and abs(_SCOPES.index(task.scope) - _SCOPES.index(was)) >= _APART:
        yield Off(
            task.id,
            "scope",
            task.scope,
            f"really {was} ({counted(len(outcome.paths), 'file')})",
            outcome.paths,
        )


def _touches(task: Task, outcome: Outcome) -> Iterator[Off]:
    outside = tuple(
        path for path in outcome.paths if not any(matches(path, pattern) for pattern in task.touches)
    )
    if task.touches and outside:
        was = f"{len(outside)} of {len(outcome.paths)} files lie elsewhere"
        yield Off(task.id, "touches", ", ".join(task.touches), was, outside)


def _risk(task: Task, outcome: Outcome) -> Iterator[Off]:
    if task.risk in _LITTLE and outcome.failures:
        times = "once" if outcome.failures == 1 else f"{outcome.failures} times"
        yield Off(task.id, "risk", task.risk, f"failed or conflicted {times}")


#: A new estimate to check is one function and one row.
_CHECKS: tuple[Callable[[Task, Outcome], Iterator[Off]], ...] = (_scope, _touches, _risk)
