"""What applying an action can come to, and where actions are applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from coord.core.answer import RefUpdate
from coord.core.profile import Profile
from coord.core.queue import Result
from coord.core.snapshot import TaskBranch
from coord.core.trial import Finding, Found
from coord.lanes import Lanes
from coord.lines import Lines
from coord.observe import View
from coord.room import Room
from coord.workspace import Workspace

#: How often a lost race is run again before it is given up (behaviour 4).
RACES = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """How a branch ended in this step, as ``land --json`` tells it; ``details`` are lines for people."""

    branch: TaskBranch
    result: Result
    reason: str
    commit: str = ""
    paths: tuple[str, ...] = ()
    seconds: float = 0.0
    flaky: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A validation that has ended: the line it was for as main stands now (empty: none any more), the tips of that line
    as it was started, what the profile saw of main then, and what it gave."""

    tips: tuple[str, ...]
    about: tuple[str, ...]
    main: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Learned:
    """Something was found out; no ref moved."""

    found: tuple[Found, ...] = ()
    ended: tuple[Ended, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """Refs moved on the remote, as ``updates`` say; ``found`` is what it refused beside, ``landed`` says that its
    endings are landings."""

    endings: tuple[Ending, ...] = ()
    remarks: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    landed: bool = False
    updates: tuple[RefUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class Raced:
    """Somebody moved ``ref`` first, or holds ``lock`` on it; nothing changed."""

    ref: str
    branches: tuple[TaskBranch, ...]
    lock: str = ""


@dataclass(frozen=True, slots=True)
class OneByOne:
    """The remote refused a push of several branches: which of them it means shows when they come one by one."""

    words: str


Outcome = Learned | Moved | Raced | OneByOne


@dataclass(frozen=True, slots=True)
class Site:
    """Where actions are applied: the repository, the gate's room, how the profile is chosen when it is needed, the run's
    lines and validations, whether validations run here, and the branches that this run has landed and kept."""

    workspace: Workspace
    room: Room
    choose_profile: Callable[[View], Profile]
    lines: Lines
    lanes: Lanes
    validates: bool = True
    kept: set[str] = field(default_factory=set)
