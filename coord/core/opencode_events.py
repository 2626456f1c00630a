"""What a server of OpenCode 1.x says on its event stream, as events; and how a turn ended, by its messages.

The stream is not replayed after a pause, so the same reader takes what the server's lists say: what was told once is not
told again. Deltas carry no position: a text that was open during a pause goes on with its end only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from coord.core.acp_updates import listed, mapping, number
from coord.core.agentevent import (
    AgentEvent,
    Answered,
    Asked,
    Child,
    Compacted,
    Outcome,
    Phase,
    Retrying,
    Said,
    Tool,
    ToolState,
    TurnEnded,
    Used,
    clipped,
)
from coord.core.text import one_line

_STATES = {
    "pending": ToolState.PENDING,
    "running": ToolState.RUNNING,
    "completed": ToolState.COMPLETED,
    "error": ToolState.FAILED,
}

#: How its messages say that they ended, as of 1.18.
_FINISHES = {"stop": Outcome.END_TURN, "length": Outcome.LENGTH, "content-filter": Outcome.REFUSAL}
_ERRORS = {"MessageOutputLengthError": Outcome.LENGTH, "ContextOverflowError": Outcome.LENGTH}
_ABORTED = "MessageAbortedError"

#: Permissions whose patterns are paths; those of the others are commands, addresses or names.
_OF_PATHS = frozenset({"read", "edit", "write", "glob", "grep", "list", "external_directory"})
_PATHS = ("filepath", "filePath", "path", "parentDir")


@dataclass(frozen=True, slots=True)
class Piece:
    """A text part: ``told`` characters of it were told; ``deaf`` when a delta of it may be lost."""

    told: int = 0
    thought: bool = False
    deaf: bool = False


_NO_PIECES: Mapping[str, Piece] = MappingProxyType({})
_NO_CALLS: Mapping[str, Tool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of ``session`` and its children (``family``): the messages of earlier turns (``past``) and those that are
    prompts, the parts of this turn, the ``asked`` that nobody has answered, the last ``error`` of this turn."""

    session: str = ""
    family: frozenset[str] = frozenset()
    past: frozenset[str] = frozenset()
    prompts: frozenset[str] = frozenset()
    pieces: Mapping[str, Piece] = field(default_factory=lambda: _NO_PIECES)
    calls: Mapping[str, Tool] = field(default_factory=lambda: _NO_CALLS)
    steps: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    attempt: int = 0
    used: int = 0
    size: int = 0
    cost: float = 0.0
    error: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    spoke: bool = False


Read = tuple[Seen, tuple[AgentEvent, ...]]


def fresh(seen: Seen, messages: Iterable[Mapping[str, Any]]) -> Seen:
    """Return what is seen at the start of a turn, when the server has ``messages``."""
    past = frozenset(str(mapping(one.get("info")).get("id")) for one in messages)
    family = frozenset({seen.session})
    return Seen(seen.session, family, past | seen.past, used=seen.used, size=seen.size, cost=seen.cost)


def resumed(seen: Seen) -> Seen:
    """Return what was seen, after a pause in which events may have been lost."""
    return replace(seen, pieces={name: replace(one, deaf=True) for name, one in seen.pieces.items()})


def read(seen: Seen, event: Mapping[str, Any], at: float) -> Read:
    """Return what was seen after one event of ``/event`` or ``/global/event``, and what it says; unknown events say nothing."""
    event = mapping(event.get("payload")) or event
    said = mapping(event.get("properties"))
    session = _session_of(said)
    kind = event.get("type")
    if kind == "session.created":
        return _born(seen, mapping(said.get("info")), at)
    if session == seen.session:
        return _own(seen, str(kind), said, at)
    if session in seen.family:
        return _child(seen, str(kind), said, at)
    return seen, ()


def _session_of(said: Mapping[str, Any]) -> str:
    part, info = mapping(said.get("part")), mapping(said.get("info"))
    return str(
        said.get("sessionID") or part.get("sessionID") or info.get("sessionID") or info.get("id") or ""
    )


def _own(seen: Seen, kind: str, said: Mapping[str, Any], at: float) -> Read:
    match kind:
        case "message.updated":
            info = mapping(said.get("info"))
            prompt = frozenset({str(info.get("id"))} if info.get("role") == "user" else ())
            return replace(seen, prompts=seen.prompts | prompt), ()
        case "message.part.updated":
            return _part(seen, mapping(said.get("part")), at)
        case "message.part.delta":
            return _delta(seen, said, at)
        case "session.updated":
            return _cost(seen, mapping(said.get("info")), at)
        case "session.error":
            # Told twice when the prompt could not be begun; the first is without a stack trace.
            return replace(seen, error=seen.error or mapping(said.get("error"))), ()
        case "session.compacted":
            return seen, (Compacted(at),)
        case "session.status":
            return _status(seen, mapping(said.get("status")), at)
        case _:
            return _asking(seen, kind, said, at)


def _child(seen: Seen, kind: str, said: Mapping[str, Any], at: float) -> Read:
    name = _session_of(said)
    if kind in ("session.idle", "session.deleted") and name in seen.children:
        return replace(seen, children=seen.children - {name}), (Child(at, name, False),)
    return _asking(seen, kind, said, at)


def _born(seen: Seen, info: Mapping[str, Any], at: float) -> Read:
    name = str(info.get("id") or "")
    if info.get("parentID") not in seen.family or not name or name in seen.family:
        return seen, ()
    seen = replace(seen, family=seen.family | {name}, children=seen.children | {name})
    return seen, (Child(at, one_line(name), True),)


def _status(seen: Seen, status: Mapping[str, Any], at: float) -> Read:
    attempt = int(number(status.get("attempt")))
    if status.get("type") != "retry" or attempt == seen.attempt:
        return seen, ()
    why = one_line(str(status.get("message") or ""), 500)
    return replace(seen, attempt=attempt), (Retrying(at, attempt, why),)


# -- parts -------------------------------------------------------------------------------------------------------------


def _is_news(seen: Seen, message: object) -> bool:
    return message not in seen.past and message not in seen.prompts


def _part(seen: Seen, part: Mapping[str, Any], at: float) -> Read:
    if not _is_news(seen, part.get("messageID")):
        return seen, ()
    match part.get("type"):
        case "text" | "reasoning":
            return _text(seen, part, at)
        case "tool":
            return _tool(seen, part, at)
        case "step-finish":
            return _step(seen, part, at)
        case _:
            return seen, ()


def _text(seen: Seen, part: Mapping[str, Any], at: float) -> Read:
    name, text = str(part.get("id")), str(part.get("text") or "")
    piece = seen.pieces.get(name, Piece(thought=part.get("type") == "reasoning"))
    if part.get("synthetic") or part.get("ignored"):
        return seen, ()
    return _told(seen, part, replace(piece, told=max(piece.told, len(text))), text[piece.told :], at)


def _delta(seen: Seen, said: Mapping[str, Any], at: float) -> Read:
    name, text = str(said.get("partID")), str(said.get("delta") or "")
    piece = seen.pieces.get(name, Piece())
    if said.get("field") != "text" or piece.deaf or not _is_news(seen, said.get("messageID")):
        return seen, ()
    named = {"id": name, "messageID": said.get("messageID")}
    return _told(seen, named, replace(piece, told=piece.told + len(text)), text, at)


def _told(seen: Seen, part: Mapping[str, Any], piece: Piece, text: str, at: float) -> Read:
    seen = replace(seen, pieces={**seen.pieces, str(part.get("id")): piece})
    if not text:
        return seen, ()
    said = Said(at, clipped(text), piece.thought, one_line(str(part.get("messageID") or "")))
    return replace(seen, spoke=True), (said,)


def _tool(seen: Seen, part: Mapping[str, Any], at: float) -> Read:
    call, state = one_line(str(part.get("callID") or part.get("id"))), mapping(part.get("state"))
    before, given = seen.calls.get(call), mapping(state.get("input"))
    name = one_line(str(part.get("tool") or ""))
    known = _STATES.get(str(state.get("status")), before.state if before else ToolState.PENDING)
    if name == "invalid":
        # A call that it cannot make is renamed, and told as completed.
        name, known = one_line(str(given.get("tool") or (before.name if before else ""))), ToolState.INVALID
    now = Tool(
        at,
        call,
        known,
        name,
        one_line(str(state.get("title") or (before.title if before else ""))),
        clipped(json.dumps(given, ensure_ascii=False, sort_keys=True)) if given else "",
        clipped(str(state.get("output") or state.get("error") or "")),
    )
    seen = replace(seen, spoke=True)
    if before is not None and replace(before, at=at) == now:
        return seen, ()
    return replace(seen, calls={**seen.calls, call: now}), (now,)


def _step(seen: Seen, part: Mapping[str, Any], at: float) -> Read:
    name, tokens = str(part.get("id")), mapping(part.get("tokens"))
    if name in seen.steps:
        return seen, ()
    cache = mapping(tokens.get("cache"))
    counted = [tokens.get(key) for key in ("input", "output", "reasoning")]
    used = number(tokens.get("total")) or sum(map(number, [*counted, cache.get("read"), cache.get("write")]))
    changed = int(used) != seen.used
    seen = replace(seen, steps=seen.steps | {name}, used=int(used), attempt=0)
    return seen, (Used(at, seen.used, seen.size, seen.cost),) if changed else ()


def _cost(seen: Seen, info: Mapping[str, Any], at: float) -> Read:
    cost = number(info.get("cost"))
    if cost <= seen.cost:
        return seen, ()
    return replace(seen, cost=cost), (Used(at, seen.used, seen.size, cost),)


# -- what it asks ------------------------------------------------------------------------------------------------------


def _asking(seen: Seen, kind: str, said: Mapping[str, Any], at: float) -> Read:
    match kind:
        case "permission.asked":
            return _asked(seen, permission(said, at))
        case "question.asked":
            return _asked(seen, question(said, at))
        case "permission.replied" | "question.replied" | "question.rejected":
            return _replied(seen, said, at)
        case _:
            return seen, ()


def _asked(seen: Seen, asked: Asked) -> Read:
    if asked.request in seen.asked:
        return seen, ()
    return replace(seen, asked=seen.asked | {asked.request}), (asked,)


def _replied(seen: Seen, said: Mapping[str, Any], at: float) -> Read:
    request = str(said.get("requestID"))
    if request not in seen.asked:
        return seen, ()
    answer = one_line(str(said.get("reply") or ("once" if said.get("answers") else "reject")))
    return replace(seen, asked=seen.asked - {request}), (
        Answered(at, request, answer, "answered at its server"),
    )


def permission(said: Mapping[str, Any], at: float) -> Asked:
    """Return what a ``permission.asked`` asks for."""
    name, about = one_line(str(said.get("permission") or "")), mapping(said.get("metadata"))
    patterns = tuple(one_line(str(one), 500) for one in listed(said.get("patterns")))
    paths = tuple(path for key in _PATHS if isinstance(path := about.get(key), str) and path)
    text = one_line(f"{name}: {', '.join(patterns)}" if patterns else name or "a permission", 500)
    found = paths or (patterns if name in _OF_PATHS else ())
    return Asked(at, str(said.get("id")), Phase.PERMISSION, text, name, tuple(dict.fromkeys(found)))


def question(said: Mapping[str, Any], at: float) -> Asked:
    """Return what a ``question.asked`` asks; the options are those of its first question."""
    asked = [mapping(one) for one in listed(said.get("questions"))]
    text = " / ".join(str(one.get("question") or one.get("header") or "") for one in asked)
    first = asked[0] if asked else {}
    options = tuple(one_line(str(mapping(one).get("label") or "")) for one in listed(first.get("options")))
    return Asked(at, str(said.get("id")), Phase.QUESTION, one_line(text, 500), "question", options=options)


# -- what its lists say ------------------------------------------------------------------------------------------------


def told(messages: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the events that a list of messages comes to."""
    events: list[Mapping[str, Any]] = []
    for one in messages:
        events.append({"type": "message.updated", "properties": {"info": one.get("info")}})
        parts = (mapping(part) for part in listed(one.get("parts")))
        events += [{"type": "message.part.updated", "properties": {"part": part}} for part in parts]
    return tuple(events)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the server: whether the session is busy, its newest messages, and for how many seconds it was idle at
    every look."""

    busy: bool
    messages: tuple[Mapping[str, Any], ...]
    idle: float = 0.0


#: Seconds of rest after which what should have come will not come: its messages are stored a little after it says idle.
CALM = 2.0

#: Seconds in which a prompt must have become a message.
LOST = 60.0


def turn_end(seen: Seen, look: Look, at: float, *, cancelled: bool) -> TurnEnded | None:
    """Return how the turn ended, or None while it goes on. Idle alone says nothing: it is said before a turn begins, and
    twice when it was aborted."""
    if look.busy:
        return None
    news = [info for one in look.messages if (info := mapping(one.get("info"))).get("id") not in seen.past]
    last = news[-1] if news else {}
    error = mapping(last.get("error")) or seen.error
    complete = last.get("role") == "assistant" and bool(mapping(last.get("time")).get("completed"))
    if not complete and not last.get("error") and look.idle < (CALM if news or seen.error else LOST):
        return None
    if cancelled:
        return TurnEnded(
            at, Outcome.CANCELLED, "" if error.get("name") in (None, _ABORTED) else trouble(error)
        )
    if error:
        return _failed(error, at)
    if complete and (last.get("finish") != "tool-calls" or look.idle >= CALM):
        return _finished(seen, str(last.get("finish") or ""), at)
    if complete:
        return None
    return TurnEnded(at, Outcome.INTERRUPTED, "its server stopped in the middle of the turn")


def _failed(error: Mapping[str, Any], at: float) -> TurnEnded:
    if error.get("name") == _ABORTED:
        return TurnEnded(
            at, Outcome.INTERRUPTED, "the turn was aborted at its server; coord did not ask for it"
        )
    return TurnEnded(at, _ERRORS.get(str(error.get("name")), Outcome.ERROR), trouble(error))


def _finished(seen: Seen, finish: str, at: float) -> TurnEnded:
    outcome = _FINISHES.get(finish, Outcome.UNKNOWN)
    if outcome is Outcome.END_TURN and not seen.spoke:
        return TurnEnded(at, Outcome.UNKNOWN, "the turn ended without a word and without a tool call")
    detail = f"its last message ended with {finish or 'nothing'}" if outcome is Outcome.UNKNOWN else ""
    return TurnEnded(at, outcome, one_line(detail))


def trouble(error: Mapping[str, Any]) -> str:
    """Return an error of the server in one line."""
    about = mapping(error.get("data"))
    words = (str(error.get("name") or ""), str(about.get("message") or error.get("message") or ""))
    return one_line(": ".join(filter(None, words)), 500) or "an error without a text"
