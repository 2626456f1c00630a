"""What every agent adapter offers, and what it is given. Everything an agent does reaches coord as an ``AgentEvent``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from coord.core.agentevent import AgentEvent
from coord.core.agents import AgentKind

#: Where an adapter puts its events, in order. It never blocks and never raises.
Sink = Callable[[AgentEvent], None]


@dataclass(frozen=True, slots=True)
class Caps:
    """What an agent can do, as it said when it started.

    ``steer``: a prompt during a turn reaches the turn; ``resume``: a session of an earlier process can be taken up;
    ``fork``: a session can be copied, ``fork_cwd``: into another folder; ``usage``, ``cost``: it reports them;
    ``sees_unknown_tools``: calls of unknown tools are visible; ``sees_retry``: so are retries; ``compact``: it can be
    told to summarise."""

    agent: str = ""
    version: str = ""
    steer: bool = False
    resume: bool = False
    fork: bool = False
    fork_cwd: bool = False
    usage: bool = False
    cost: bool = False
    sees_unknown_tools: bool = False
    sees_retry: bool = False
    compact: bool = False


@dataclass(frozen=True, slots=True)
class ToolServer:
    """An MCP server that the agent starts: an argument list, and the environment it gets on top of the agent's own."""

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What an adapter is to start.

    ``folder`` is the worktree, ``environment`` the agent's whole environment, ``foreign`` the agent's own name of a
    session to take up (``""``: a new one), ``copy`` that it is to be copied and not continued, ``scratch`` a private
    folder of the session for prompt files and the agent's stderr (``agent.log``), ``deadline`` how many seconds the
    agent has to answer before it has failed to start."""

    kind: AgentKind
    folder: Path
    environment: dict[str, str]
    scratch: Path
    model: str = ""
    servers: tuple[ToolServer, ...] = ()
    foreign: str = ""
    copy: bool = False
    deadline: float = 120.0


class Answer(StrEnum):
    """What a permission is answered with."""

    ONCE = "once"
    ALWAYS = "always"
    REJECT = "reject"


class AgentError(Exception):
    """The agent could not be started, or did not take what it was given; the text is for people, ``hint`` says what
    to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Handle(Protocol):
    """A started agent with one session. One process, one session: two in one process were mixed up (agents.md)."""

    @property
    def caps(self) -> Caps: ...

    @property
    def pid(self) -> int | None:
        """Return the process of the agent, the leader of its own process group, or None (none runs now)."""
        ...

    async def prompt(self, text: str) -> None:
        """Begin a turn and return when the agent has taken the prompt. ``TurnEnded`` reaches the sink when it is over,
        whatever happens. Raises AgentError when it is not taken; only one turn is under way at a time."""
        ...

    async def steer(self, text: str) -> None:
        """Add to the turn under way. Raises AgentError where ``caps.steer`` is False."""
        ...

    async def cancel(self) -> None:
        """Ask the agent to end the turn under way; ``TurnEnded`` follows. Nothing happens when there is none."""
        ...

    async def answer(self, request: str, answer: Answer, text: str = "") -> None:
        """Answer what was asked; ``text`` is the answer to a question. An unknown request is no error."""
        ...

    async def compact(self) -> None:
        """Begin a turn that summarises the context. Raises AgentError where ``caps.compact`` is False."""
        ...

    async def close(self) -> None:
        """End the agent: ask, wait, terminate, kill its process group. ``Gone`` reaches the sink. Idempotent."""
        ...


class AgentAdapter(Protocol):
    """One way to speak to agents."""

    async def start(self, spec: SessionSpec, sink: Sink) -> Handle:
        """Start an agent and return when its session is ready; ``Started`` has reached the sink. Raises AgentError,
        and leaves no process behind, when it cannot be started or does not answer within the deadline. With
        ``spec.foreign`` the session is taken up (AgentError where the agent cannot)."""
        ...
