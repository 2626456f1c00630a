"""What has been decided, each with its reason: from main's commits, the refs of verdicts, and local events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an entry tells."""

    # on main
    LANDED = "landed"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    REVERTED = "reverted"
    # verdicts of attempts
    CONFLICT = "conflict"
    GATE_FAILED = "gate-failed"
    RETRY = "retry"
    # marks that stand, or stood while this machine looked
    APPROVED = "approved"
    HELD = "held"
    RELEASED = "released"
    FROZEN = "frozen"
    THAWED = "thawed"
    CLAIMED = "claimed"
    # local events only
    SEEN = "seen"
    VALIDATED = "validated"
    MAIN_RED = "main-red"
    COULD_NOT_RUN = "could-not-run"
    RACED = "raced"
    REFUSED = "refused"
    # sessions of this machine
    SESSION = "session"
    PROMPTED = "prompted"
    TOLD = "told"
    ANOMALY = "anomaly"
    ENDED = "ended"
    # what the branch itself says
    COMMIT = "commit"
    SIGNAL = "signal"


class Source(StrEnum):
    """Where an entry is read from. Git's are on every clone; events and sessions are this machine's, and may be gone."""

    MAIN = "main"
    VERDICT = "verdict"
    REF = "ref"
    BRANCH = "branch"
    EVENT = "event"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision or happening.

    ``at`` is in seconds since the epoch; ``commit`` the one that says it (or that it made); ``by`` who (a person, a
    session, an agent; ``""``: coord); ``paths`` the conflicted or protected ones and ``others`` the landed branches that
    brought the other side; ``step`` the red step; ``seconds`` how long its gate ran and ``flaky`` the steps that failed
    and then passed (both known only where local events are); ``main`` is main's commit that it was judged on.
    """

    at: int
    kind: Kind
    task: str
    reason: str
    source: Source
    branch: str = ""
    tip: str = ""
    commit: str = ""
    by: str = ""
    main: str = ""
    paths: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    step: str = ""
    seconds: float = 0.0
    flaky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """What this machine remembers: ``since`` when its first event is (None: it has none), ``unread`` how many lines of
    the log could not be read, ``sessions`` how many sessions it knows."""

    since: int | None = None
    unread: int = 0
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """Entries by time, the oldest first, and what of this machine is in them."""

    entries: tuple[Entry, ...] = ()
    local: Local = Local()
