"""A task as its file states it, and what is wrong with the file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with a task file: where, which rule, what, and how to mend it (``fix``)."""

    path: str
    line: int
    column: int
    rule: str
    message: str
    fix: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Task:
    """One task. ``status`` is the meaning of what the file says (aliases are read), ``status_text`` its words.

    ``path`` is relative to the root of the repository; ``problems`` are those of this file alone (what needs the
    whole graph is found by ``coord.core.graph``).
    """

    id: str
    name: str
    path: str
    status: Status = Status.PENDING
    status_text: str = "pending"
    depends_on: tuple[str, ...] = ()
    level: str = ""
    scope: str = ""
    risk: str = ""
    impact: str = ""
    tags: tuple[str, ...] = ()
    priority: str = ""
    assignee: str = ""
    due: str = ""
    touches: tuple[str, ...] = ()
    agent: str = ""
    model: str = ""
    superseded_by: str = ""
    summary: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def is_completed(self) -> bool:
        return self.status is Status.COMPLETED

    @property
    def is_readable(self) -> bool:
        """Say whether the file can be trusted to say what this task needs."""
        return not any(p.severity is Severity.ERROR for p in self.problems)
