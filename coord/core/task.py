"""A task as its file states it, and what is wrong with the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from coord.core.frontmatter import Place
from coord.core.row import STATUS_ALIASES, Flaw, Row, apart, place, unplace


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

    def facts(self) -> dict[str, str | int]:
        """Return the problem as the JSON of every command holds it."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "rule": self.rule,
            "message": self.message,
            "fix": self.fix,
            "severity": self.severity.value,
        }


#: The rules whose errors mean that the file does not tell for sure which task it is or what it waits for. Others
#: (a missing name, a ``risk`` nobody knows) are errors of the file that nothing needs to wait for.
_UNTRUSTED = frozenset({"branch-name", "dependency", "duplicate-key"})


@dataclass(frozen=True, slots=True)
class Task:
    """One task. ``status`` is the meaning of what the file says (aliases are read), ``status_text`` its words.

    ``path`` is relative to the root of the repository; ``problems`` are those of this file alone (what needs the
    whole graph is found by ``coord.core.graph``). The places are where the file says it, for problems that only the
    graph can see.
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
    problems: tuple[Problem, ...] = ()
    id_at: Place = field(default=Place(), compare=False)
    status_at: Place = field(default=Place(), compare=False)
    dependencies_at: tuple[Place, ...] = field(default=(), compare=False)

    @property
    def is_completed(self) -> bool:
        return self.status is Status.COMPLETED

    @property
    def is_readable(self) -> bool:
        """Say whether the file can be trusted to say which task it is and what it needs."""
        return not any(p.severity is Severity.ERROR and p.rule in _UNTRUSTED for p in self.problems)

    @property
    def apart(self) -> str:
        """Return why no agent is started for this task, or ``""`` when one may be."""
        return apart(self.level, self.tags, self.superseded_by)

    @property
    def has_known_status(self) -> bool:
        """Say whether the file's status is one of ours or an alias; what is neither is taken for pending."""
        return status_of(self.status_text) is not None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file of the task folder that states no task; ``id`` is what its front matter seems to say, if anything.

    A file without front matter (a README) has only a warning, a broken one an error.
    """

    path: str
    problems: tuple[Problem, ...]
    id: str = ""


def shortened(read: Task | Unreadable) -> Row:
    """Return what was read as a row."""
    flaws = tuple((p.line, p.column, p.rule, p.message, p.fix, p.severity.value) for p in read.problems)
    if isinstance(read, Unreadable):
        return None, read.id, flaws
    places = (read.id_at, read.status_at, *read.dependencies_at)
    return (
        read.id,
        read.name,
        read.status.value,
        read.status.value if read.has_known_status else read.status_text,
        read.depends_on,
        read.level,
        read.apart,
        not read.is_readable,
        tuple(place(*at) for at in places),
        flaws,
    )


def lengthened(path: str, row: Row) -> Task | Unreadable:
    """Return what the graph of tasks goes by: a row as the task that it was read from, as far as it tells."""
    if row[0] is None:
        return Unreadable(path, _problems(path, row[2]), row[1])
    id, name, status, shown, needs, level, why, _, places, flaws = row
    id_at, status_at, *dependencies_at = (Place(*unplace(at)) for at in places)
    return Task(
        id=id,
        name=name,
        path=path,
        status=Status(status),
        status_text=shown,
        depends_on=needs,
        level=level,
        tags=("external-trigger",) if why == "external trigger" else (),
        superseded_by=why.removeprefix("superseded by ") if why.startswith("superseded by ") else "",
        problems=_problems(path, flaws),
        id_at=id_at,
        status_at=status_at,
        dependencies_at=tuple(dependencies_at),
    )


def _problems(path: str, flaws: tuple[Flaw, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(path, line, column, rule, message, fix, Severity(severity))
        for line, column, rule, message, fix, severity in flaws
    )


def status_of(words: str) -> Status | None:
    """Return the status that a file's words mean, aliases read; None for words that are none."""
    folded = words.casefold()
    folded = STATUS_ALIASES.get(folded, folded)
    return next((s for s in Status if s == folded), None)
