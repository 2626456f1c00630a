"""Why coord cannot go on, and the exit code that says so.

Expected outcomes (a conflict, a red gate, a lost race) are values in ``coord.core``; what is raised here ends the
command. ``cli.run`` renders every error in one place.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command (fixed: scripts read them)."""

    OK = 0
    ERROR = 1
    USAGE = 2
    INVALID_TASKS = 3
    WAITING = 4
    CONFLICT = 5
    GATE_FAILED = 6
    RACED = 7
    REFUSED = 8
    AGENT_FAILED = 9
    CHANGES = 10
    BUG = 70
    INTERRUPTED = 130


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.OK: "done, or nothing to do",
    Exit.ERROR: "error",
    Exit.USAGE: "usage or configuration (in hooks: deny)",
    Exit.INVALID_TASKS: "invalid task files",
    Exit.WAITING: "blocked, waiting or protected: needs a person or time",
    Exit.CONFLICT: "conflict",
    Exit.GATE_FAILED: "gate failed",
    Exit.RACED: "lost the race: run it again",
    Exit.REFUSED: "remote or rights refused",
    Exit.AGENT_FAILED: "agent failed",
    Exit.CHANGES: "plan has changes",
    Exit.BUG: "a defect in coord: please report it",
    Exit.INTERRUPTED: "interrupted",
}


class CoordError(Exception):
    """A reason why coord cannot go on, with what to do next.

    ``message`` says what is wrong (one sentence), ``hint`` what to do about it, ``exit`` the process's exit code.
    """

    exit: Exit = Exit.ERROR

    def __init__(self, message: str, *, hint: str = "", exit: Exit | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit is not None:
            self.exit = exit


class GitError(CoordError):
    """git ended in a way that nobody expected."""


class MalformedError(GitError):
    """git does not store an object, because of what it says."""


class UsageError(CoordError):
    """The command's words, or the configuration, are wrong."""

    exit = Exit.USAGE


class RefusedError(CoordError):
    """The remote could not be reached, or did not allow it."""

    exit = Exit.REFUSED


class RacedError(CoordError):
    """Somebody else moved the ref first, five times in a row."""

    exit = Exit.RACED
