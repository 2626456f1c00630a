"""What ``.coord.toml`` says, as values. ``coord.config`` reads the file; nothing here does."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from coord.core.agents import AgentKind, Monitor, Run, Sessions, WorktreeSettings, preset
from coord.core.branchname import task_in
from coord.core.profile import Profile

CONFIG_FILE = ".coord.toml"
TASKGRAPH_FILE = ".taskgraph.toml"


class Strategy(StrEnum):
    """``each``: every landed branch is a validated first-parent step; ``batch``: one step may carry several."""

    EACH = "each"
    BATCH = "batch"


class PushMeans(StrEnum):
    """``push``: a push means done unless something says otherwise; ``explicit``: only Coord-Status: done."""

    PUSH = "push"
    EXPLICIT = "explicit"


class UnknownBranch(StrEnum):
    """What happens to a branch that belongs to no task."""

    IGNORE = "ignore"
    LAND = "land"


class ServerMain(StrEnum):
    """In server mode: may people push main themselves?"""

    OPEN = "open"
    CLOSED = "closed"


class Untold(StrEnum):
    """Where people are told of a blocked branch that has no pull request."""

    DRAFT = "draft"
    ISSUE = "issue"
    NOTHING = "nothing"


class Approvers(StrEnum):
    """What a person must be allowed to do in the repository to approve changes of protected paths."""

    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs coord's commits; never taken from the environment, so that ids are the same everywhere."""

    name: str = "coord"
    email: str = "coord@localhost"


@dataclass(frozen=True, slots=True)
class Project:
    tasks: str = "tasks"
    prefixes: tuple[str, ...] = ("feat/",)
    identity: Identity = Identity()


@dataclass(frozen=True, slots=True)
class Land:
    strategy: Strategy = Strategy.EACH
    workers: int = 1
    signal: PushMeans = PushMeans.PUSH
    require_dependencies: bool = True
    unknown_branch: UnknownBranch = UnknownBranch.IGNORE
    protected: tuple[str, ...] = (".github/**", ".coord.toml")


@dataclass(frozen=True, slots=True)
class Gate:
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Resolve:
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    main: ServerMain = ServerMain.OPEN


@dataclass(frozen=True, slots=True)
class GitHub:
    """What is particular to GitHub; ``hold_labels`` keep the branch of a pull request that bears one from landing."""

    blocked: Untold = Untold.DRAFT
    hold_labels: tuple[str, ...] = ("coord:hold",)
    approvers: Approvers = Approvers.WRITE


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, with defaults for what the file does not say."""

    project: Project = field(default_factory=Project)
    land: Land = field(default_factory=Land)
    gate: Gate = field(default_factory=Gate)
    profiles: tuple[Profile, ...] = ()
    resolve: Resolve = field(default_factory=Resolve)
    server: Server = field(default_factory=Server)
    github: GitHub = field(default_factory=GitHub)
    agents: tuple[AgentKind, ...] = ()
    sessions: Sessions = field(default_factory=Sessions)
    run: Run = field(default_factory=Run)
    monitor: Monitor = field(default_factory=Monitor)
    worktree: WorktreeSettings = field(default_factory=WorktreeSettings)

    def agent(self, name: str) -> AgentKind | None:
        """Return the agent of that name: one of ``[agents.NAME]``, else a preset, or None."""
        own = (kind for kind in self.agents if kind.name == name)
        return next(own, preset(name))

    def task_of(self, branch: str) -> str | None:
        """Return the task id that a branch name (``feat/x``) means, or None when it is no task branch."""
        return task_in(branch, self.project.prefixes)

    def is_task_path(self, path: str) -> bool:
        """Say whether ``path`` lies in the task folder (or is it)."""
        return path == self.project.tasks or path.startswith(self.project.tasks + "/")

    def is_protected(self, path: str) -> bool:
        """Say whether a branch that changes ``path`` waits for an approval.

        ``.taskgraph.toml`` can say where the task folder lies, so it is as protected as ``.coord.toml``.
        """
        asked = CONFIG_FILE if path == TASKGRAPH_FILE else path
        return any(matches(asked, pattern) for pattern in self.land.protected)


def matches(path: str, pattern: str) -> bool:
    """Say whether ``path`` matches a glob in which ``**`` crosses folders and ``*`` does not.

    ``dir/**`` matches ``dir`` itself too: a link put in the folder's place must not slip through.
    """
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_match(parts[i:], patterns[1:]) for i in range(len(parts) + 1)) if patterns[1:] else True
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and _match(parts[1:], patterns[1:])
