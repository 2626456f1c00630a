"""The event union: everything an agent's session does, whatever the agent, in one set of values.

Adapters emit them, the session's host appends them to its log, and nothing above an adapter knows which agent it was.
``at`` is in seconds since the epoch. Texts are cut by ``clipped`` before they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from coord.core.shape import misfits
from coord.core.text import plain

#: Characters of one text that the log keeps: a tool's output can be megabytes.
LIMIT = 20_000


class Phase(StrEnum):
    """What an agent is doing now."""

    STARTING = "starting"
    MODEL = "model"
    TOOL = "tool"
    CHILD = "child"
    RETRY = "retry"
    PERMISSION = "permission"
    QUESTION = "question"
    ENDED = "ended"
    GONE = "gone"


class Outcome(StrEnum):
    """How a turn ended, as the agent says it; none of these means that the work is done."""

    END_TURN = "end_turn"
    LENGTH = "length"
    REFUSAL = "refusal"
    ERROR = "error"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class ToolState(StrEnum):
    """Where a tool call stands; ``invalid`` is a call of a tool that does not exist, or with arguments that are none."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INVALID = "invalid"


class Why(StrEnum):
    """Why a session was given a prompt."""

    TASK = "task"
    MESSAGE = "message"
    NUDGE = "nudge"
    RESUME = "resume"
    RETURNED = "returned"


class Ending(StrEnum):
    """How a session ended, by coord's own judgement."""

    DONE = "done"
    BLOCKED = "blocked"
    ATTENTION = "attention"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have."""

    at: float


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The agent answers; ``foreign`` is its own name for the session, with which it can be resumed."""

    agent: str
    version: str = ""
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class Prompted(Event):
    """A prompt was given and taken; ``turn`` counts from 1, ``tip`` is where the branch stood on the remote then."""

    turn: int
    text: str
    why: Why = Why.TASK
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Said(Event):
    """A piece of the agent's text; ``thought`` when it is reasoning that it shows; ``message`` tells messages apart."""

    text: str
    thought: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Tool(Event):
    """A tool call was made or changed: ``call`` is its id, later events of one call replace what they state."""

    call: str
    state: ToolState
    name: str = ""
    title: str = ""
    input: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    """The agent asks its model again, for the ``attempt``-th time."""

    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Child(Event):
    """A child agent began or ended."""

    name: str
    running: bool


@dataclass(frozen=True, slots=True)
class Asked(Event):
    """The agent waits for an answer: a permission, or a question to a person.

    ``tool`` and ``paths`` say what a permission is for; ``options`` are the answers a question offers."""

    request: str
    phase: Phase
    text: str
    tool: str = ""
    paths: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """What was asked was answered: ``once``, ``always`` or ``reject``, by a rule or a person."""

    request: str
    answer: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Used(Event):
    """How much of the context window is used, in tokens; ``cost`` is what the session has cost, in US dollars."""

    used: int
    size: int = 0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Compacted(Event):
    """The agent summarised its context to make room."""

    summary: str = ""


@dataclass(frozen=True, slots=True)
class TurnEnded(Event):
    """The turn is over."""

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Gone(Event):
    """The agent's process has ended, or its server does not answer any more; ``code`` is its exit code, if any."""

    detail: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """The monitor told of an anomaly, once an episode."""

    heuristic: str
    severity: str
    evidence: str
    command: str = ""
    episode: str = ""


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """What coord itself did for the session: a claim taken, a message queued, a notification passed on."""

    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The session is over; the reason is for people."""

    ending: Ending
    reason: str = ""


AgentEvent = (
    Started | Prompted | Said | Tool | Retrying | Child | Asked | Answered | Used | Compacted | TurnEnded | Gone
    | Warned | Noted | Ended
)  # fmt: skip

_KINDS: Mapping[str, type[AgentEvent]] = {
    kind.__name__.lower(): kind
    for kind in (
        Started, Prompted, Said, Tool, Retrying, Child, Asked, Answered, Used, Compacted, TurnEnded, Gone, Warned,
        Noted, Ended,
    )
}  # fmt: skip

_ENUMS: Mapping[str, type[StrEnum]] = {
    "state": ToolState, "phase": Phase, "outcome": Outcome, "why": Why, "ending": Ending,
}  # fmt: skip


def clipped(text: str, limit: int = LIMIT) -> str:
    """Return a text without control characters, its middle cut out when it is longer than ``limit``."""
    if len(text) <= limit:
        return plain(text)
    half = limit // 2
    left_out = len(text) - 2 * half
    return f"{plain(text[:half])}\n[... {left_out} characters left out ...]\n{plain(text[-half:])}"


def encode(event: AgentEvent) -> dict[str, Any]:
    """Return an event as JSON takes it; what has its default is left out."""
    said = {key: clipped(value) if isinstance(value, str) else value for key, value in asdict(event).items()}
    defaults = {field.name: field.default for field in fields(event)}
    return {"event": type(event).__name__.lower()} | {
        key: value for key, value in said.items() if key == "at" or value != defaults[key]
    }


def decode(raw: object) -> AgentEvent | None:
    """Return the event that ``raw`` (one line of a log, parsed) states, or None when it states none that we know."""
    if not isinstance(raw, dict):
        return None
    kind = _KINDS.get(str(raw.get("event")))
    if kind is None:
        return None
    known = {field.name for field in fields(kind)}
    try:
        values = {key: _value(key, value) for key, value in raw.items() if key in known}
        return None if misfits(kind, values) else kind(**values)
    except (TypeError, ValueError):
        return None


def _value(key: str, value: Any) -> Any:
    if key in _ENUMS:
        return _ENUMS[key](value)
    return tuple(value) if isinstance(value, list) else value
