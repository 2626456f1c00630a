"""What the heuristics go by: a session's events folded into counts, so that no look at a session reads its log again.

Calls are counted by their ids: agents send many events about one call, and send them again when a session is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from coord.core.agentevent import (
    AgentEvent,
    Ended,
    Gone,
    Noted,
    Outcome,
    Phase,
    Prompted,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Warned,
)
from coord.core.session import Standing, after
from coord.core.text import one_line

#: What a ``Noted`` event is called that passes on the agent's own word that it is finished, or cannot go on.
SIGNALS = frozenset({"done", "blocked"})

#: Names that agents put in the place of a tool that does not exist.
_NO_TOOL = frozenset({"invalid", "invalid_tool", "invalid tool", "unknown_tool"})

#: What agents answer a call of a tool that does not exist, or with arguments that are none (Claude Code, OpenCode,
#: Qwen Code and Gemini CLI, Codex); at the start, since a tool's output may hold any of these further down.
_REFUSED = re.compile(
    r"\W*(?:tool_use_error\W+)?(?:Error:\s*)?(?:No such tool available\b|InputValidationError\b"
    r"|Model tried to call unavailable tool\b|The arguments provided to the tool are invalid\b"
    r"|Tool \"?[^\"\n]{1,80}\"? not found(?: in registry)?\.|Unknown tool\b|unsupported call\b)",
    re.IGNORECASE,
)

#: What a model writes when it means to call a tool and its call is not understood. In backticks or quotes it is only
#: being spoken of.
_RAW = re.compile(
    r"(?<![`\"'\w])(?:<\|tool|<\|python_tag|<\|im_start\||<\|channel\||<\uff5ctool|<tool_call>|<function=\w"
    r"|<function_calls>|<(?:\w+:)?invoke name=|<(?:\w+:)?tool_calls?>|\[TOOL_CALLS\]|to=functions\.\w)"
)
#: A mark may be cut in two by the pieces in which text arrives: as much of the last piece is looked at again.
_OVERLAP = 24


@dataclass(frozen=True, slots=True)
class Call:
    """What a call that is under way has stated so far."""

    name: str = ""
    title: str = ""
    input: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """A process that ended within a turn: which, when (seconds since the epoch), and its last words."""

    turn: int
    at: float
    detail: str


@dataclass(frozen=True, slots=True)
class Counters:
    """How a session stands and what was counted in it.

    ``active`` is when the agent itself last gave a sign (seconds since the epoch); ``calls`` are the calls under way,
    ``over`` the ids of those that are over; ``degraded`` is the turn of the last sign of degradation and ``sign`` the
    sign; ``repeats`` is how often ``last`` was called in a row, ``streak`` tells one row from the next; ``retries`` counts
    since the model last answered; ``signalled`` says that the agent has spoken its last word since it was prompted,
    ``lost`` is the last process that ended within a turn, ``told`` what the monitor has told: heuristic and episode."""

    standing: Standing = field(default_factory=Standing)
    active: float = 0.0
    started: bool = False
    signalled: bool = False
    lost: Lost | None = None
    failed: int = 0
    invalid: int = 0
    degraded: int = -1
    sign: str = ""
    text: str = ""
    message: str = ""
    last: Call | None = None
    repeats: int = 0
    streak: int = 0
    retries: int = 0
    retried: str = ""
    calls: tuple[tuple[str, Call], ...] = ()
    over: frozenset[str] = field(default_factory=frozenset)
    told: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def counters(events: Iterable[AgentEvent], before: Counters | None = None) -> Counters:
    """Return what is counted after ``events``, from what was counted ``before``; the work grows with the events."""
    counted = before or Counters()
    over = set(counted.over)
    for event in events:
        counted = _counted(counted, event, over)
        counted = replace(counted, standing=after(counted.standing, event))
    return replace(counted, over=frozenset(over))


def _counted(counted: Counters, event: AgentEvent, over: set[str]) -> Counters:
    """Return the counts with one more event; the standing is still the one before it."""
    if isinstance(event, Warned | Noted | Ended):
        return _noted(replace(counted, active=counted.active or event.at), event)
    counted = replace(counted, active=max(counted.active, event.at))
    match event:
        case Started():
            return replace(counted, started=True, calls=(), retries=0)
        case Prompted():
            return replace(counted, signalled=False, retries=0, text="", message="")
        case Said():
            return _said(counted, event)
        case Tool():
            return _called(counted, event, over)
        case Retrying():
            attempts = max(event.attempt, counted.retries + 1)
            return replace(counted, retries=attempts, retried=one_line(event.reason) or counted.retried)
        case TurnEnded():
            return replace(counted, calls=(), retries=0)
        case Gone():
            return _left(counted, event)
        case _:
            return counted


def _left(counted: Counters, event: Gone) -> Counters:
    """Take up the end of a process. Adapters end the turn under way before they tell it: as interrupted."""
    stood = counted.standing
    within = stood.in_turn or (stood.outcome is Outcome.INTERRUPTED and stood.phase is not Phase.GONE)
    if stood.ended is None and within:
        counted = replace(counted, lost=Lost(stood.turn, event.at, one_line(event.detail or stood.detail)))
    return replace(counted, calls=())


def _noted(counted: Counters, event: Warned | Noted | Ended) -> Counters:
    """Take up what coord itself wrote to the log: it tells nothing of whether the agent is at work."""
    match event:
        case Noted():
            return replace(counted, signalled=counted.signalled or event.what in SIGNALS)
        case Warned():
            return replace(counted, told=counted.told | {(event.heuristic, event.episode)})
        case Ended():
            return counted


def _said(counted: Counters, event: Said) -> Counters:
    counted = replace(counted, retries=0)
    if event.thought:
        return counted
    before = counted.text if event.message == counted.message else ""
    text = before + event.text
    counted = replace(counted, text=text[-_OVERLAP:], message=event.message)
    found = _RAW.search(text)
    if found is None:
        return counted
    return _degraded(
        replace(counted, text=""), f"it wrote a tool call as text: {text[found.start() : found.start() + 60]}"
    )


def _degraded(counted: Counters, sign: str) -> Counters:
    return replace(counted, degraded=counted.standing.turn, sign=one_line(sign))


# -- calls -----------------------------------------------------------------------------------------------------------


def _called(counted: Counters, event: Tool, over: set[str]) -> Counters:
    """Take up what an event states of its call; what is sent again of a call that is over states nothing new."""
    if event.call in over:
        return counted
    stated = dict(counted.calls).get(event.call, Call())
    call = Call(event.name or stated.name, event.title or stated.title, event.input or stated.input)
    others = tuple(pair for pair in counted.calls if pair[0] != event.call)
    counted = replace(counted, retries=0)
    if event.state in (ToolState.PENDING, ToolState.RUNNING):
        return replace(counted, calls=(*others, (event.call, call)))
    over.add(event.call)
    return _ended(replace(counted, calls=others), call, event)


def _ended(counted: Counters, call: Call, event: Tool) -> Counters:
    counted = _repeated(counted, call)
    if _is_invalid(call, event):
        name = call.name or call.title or "a tool"
        sign = (
            f"call of a tool that does not exist, or not in this way ({name}): {event.output or call.input}"
        )
        return _degraded(replace(counted, invalid=counted.invalid + 1), sign)
    return replace(counted, failed=counted.failed + 1) if event.state is ToolState.FAILED else counted


def _is_invalid(call: Call, event: Tool) -> bool:
    if event.state is ToolState.INVALID:
        return True
    if _NO_TOOL & {call.name.casefold(), call.title.casefold()}:
        return True
    return event.state is ToolState.FAILED and _REFUSED.match(event.output) is not None


def _repeated(counted: Counters, call: Call) -> Counters:
    """Count how often the same was called in a row. A call of which nothing is known but its name is like no other."""
    same = Call(call.name or call.title, "" if call.input else call.title, call.input)
    if same == counted.last and (same.input or same.title):
        return replace(counted, repeats=counted.repeats + 1)
    return replace(counted, last=same, repeats=1, streak=counted.streak + 1)
