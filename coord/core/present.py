"""How a repository stands now, as one screen tells it: what lands next, what waits for what, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from coord.core.task import Problem


class Turn(StrEnum):
    """Who has to do something before a task goes on."""

    COORD = "coord"  # the next run does it by itself
    AGENT = "agent"  # the branch needs another push, or a word, from who works on it
    MAINTAINER = "maintainer"  # a person with rights has to decide or mend something
    OTHERS = "others"  # another task or branch has to land first


@dataclass(frozen=True, slots=True)
class Next:
    """A branch of the merge queue: its ``place`` from 1, ``why`` it stands there, with whom it shares which files, and what
    it would conflict with when its turn comes (``""``: nothing is foretold)."""

    place: int
    task: str
    name: str
    branch: str
    tip: str
    why: str
    overlaps: tuple[tuple[str, tuple[str, ...]], ...] = ()
    since: int = 0
    clash: str = ""


@dataclass(frozen=True, slots=True)
class Validation:
    """A validation that runs on this machine: the branches of its line in order, of which it judges the last given the
    others, and since when (seconds since the epoch)."""

    branches: tuple[str, ...]
    since: int


@dataclass(frozen=True, slots=True)
class Held:
    """A branch (or a task without one) that does not land now.

    ``result`` is ``queue.Result``'s word, ``on`` the tasks or branches it waits for, ``command`` what the one whose turn
    it is can type (``""``: none is known), ``since`` the tip's committer date in seconds (0: there is no branch), ``status`` the
    task's on main (``""``: there is no task).
    """

    task: str
    name: str
    branch: str
    tip: str
    result: str
    reason: str
    turn: Turn
    on: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    command: str = ""
    since: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class Oddity:
    """An anomaly of a session: heuristic, severity, evidence, and the command that acts on it."""

    heuristic: str
    severity: str
    evidence: str
    command: str


@dataclass(frozen=True, slots=True)
class AtWork:
    """A session of this machine: ``state`` is ``SessionState``'s word, times in seconds since the epoch."""

    id: str
    task: str
    branch: str
    agent: str
    state: str
    why: str
    made: int
    last: int
    turn: int = 0
    cost: float = 0.0
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A worktree: ``size`` in bytes (None: not measured; ``at_least``: measuring was broken off there)."""

    path: str
    branch: str
    task: str
    words: str
    size: int | None = None
    at_least: bool = False
    modified: int = 0
    untracked: int = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that main says and that is not so, or that is left lying about, and the command that mends it."""

    check: str
    subject: str
    message: str
    command: str


@dataclass(frozen=True, slots=True)
class Present:
    """One look at a repository.

    ``main`` is main's name and ``base`` its commit, ``said`` how old that is, ``at`` when it was looked at (seconds
    since the epoch), ``frozen`` why nothing lands (None: it may), ``action`` what the next run would do first and why.
    Queue, waiting and blocked do not overlap; ``ready`` are (id, name) that an agent may start, ``underway`` (id, name,
    branch or claim) those that somebody works on, ``counts`` the tasks by the one word that holds of each, ``problems``
    what is wrong with the task files, ``unread`` the notes in the inbox, ``validating`` what a run of coord validates here now.
    """

    main: str
    base: str
    said: str
    at: int
    action: str
    frozen: str | None = None
    queue: tuple[Next, ...] = ()
    waiting: tuple[Held, ...] = ()
    blocked: tuple[Held, ...] = ()
    ready: tuple[tuple[str, str], ...] = ()
    sessions: tuple[AtWork, ...] = ()
    worktrees: tuple[Tree, ...] = ()
    drift: tuple[Drift, ...] = ()
    strangers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0
    underway: tuple[tuple[str, str, str], ...] = ()
    validating: tuple[Validation, ...] = ()
    problems: tuple[Problem, ...] = ()
