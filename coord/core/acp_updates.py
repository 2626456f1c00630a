"""What an agent says in the Agent Client Protocol, as events. Raw messages go in; every enum of theirs stays open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from coord.core.acp_quirks import NO_QUIRKS, Naming, Quirks
from coord.core.agentevent import (
    AgentEvent,
    Asked,
    Child,
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
    "in_progress": ToolState.RUNNING,
    "completed": ToolState.COMPLETED,
    "failed": ToolState.FAILED,
}
_OVER = frozenset({ToolState.COMPLETED, ToolState.FAILED, ToolState.INVALID})

_STOPS = {
    "end_turn": Outcome.END_TURN,
    "max_tokens": Outcome.LENGTH,
    "max_turn_requests": Outcome.LENGTH,
    "refusal": Outcome.REFUSAL,
}

#: More tokens, dollars or attempts than this nobody has used: JSON can say Infinity.
_MOST = 2**53

_NO_CALLS: Mapping[str, Tool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in the turn so far: its ``calls`` by id, and ``broken``, why the turn cannot have ended well."""

    calls: Mapping[str, Tool] = field(default_factory=lambda: _NO_CALLS)
    broken: str = ""
    attempts: int = 0
    said: str = ""
    spoke: bool = False
    used: int = 0
    quirks: Quirks = NO_QUIRKS


def read(seen: Seen, update: Mapping[str, Any], at: float) -> tuple[Seen, tuple[AgentEvent, ...]]:
    """Return what was seen after one ``session/update``, and the events that it is; unknown updates are none."""
    match update.get("sessionUpdate"):
        case "agent_message_chunk" | "agent_thought_chunk":
            return _chunk(seen, update, at)
        case "tool_call" | "tool_call_update":
            return _call(seen, update, at)
        case "usage_update":
            return _used(seen, update, at)
        case "session_info_update":
            return _information(seen, update, at)
        case _:
            return seen, ()


def _chunk(seen: Seen, update: Mapping[str, Any], at: float) -> tuple[Seen, tuple[AgentEvent, ...]]:
    thought = update.get("sessionUpdate") == "agent_thought_chunk"
    text = text_of(update.get("content"))
    # Qwen Code puts the usage on a chunk without text.
    usage = mapping(mapping(update.get("_meta")).get("usage"))
    events: list[AgentEvent] = []
    if text:
        events.append(Said(at, clipped(text), thought, str(update.get("messageId") or "")))
        seen = replace(seen, spoke=True, said=seen.said if thought else (seen.said + text)[-500:])
    if used := number(usage.get("totalTokens")):
        seen = replace(seen, used=int(used))
        events.append(Used(at, int(used)))
    return seen, tuple(events)


def _used(seen: Seen, update: Mapping[str, Any], at: float) -> tuple[Seen, tuple[AgentEvent, ...]]:
    cost = mapping(update.get("cost"))
    dollars = number(cost.get("amount")) if cost.get("currency", "USD") == "USD" else 0.0
    # After an error or a cancel some say 0; their context is as full as it was.
    used = int(number(update.get("used"))) or seen.used
    return replace(seen, used=used), (Used(at, used, int(number(update.get("size"))), dollars),)


def next_turn(seen: Seen) -> Seen:
    """Return what is known when another turn begins."""
    return Seen(used=seen.used, quirks=seen.quirks)


def _information(seen: Seen, update: Mapping[str, Any], at: float) -> tuple[Seen, tuple[AgentEvent, ...]]:
    meta = mapping(update.get("_meta"))
    codex = mapping(meta.get("codex"))
    error, status = mapping(codex.get("error")), mapping(codex.get("threadStatus"))
    retry = mapping(meta.get("retry"))
    if error.get("willRetry") or retry:
        attempts = int(number(retry.get("attempt"))) or seen.attempts + 1
        why = retry.get("reason") or error.get("message") or ""
        return replace(seen, attempts=attempts), (Retrying(at, attempts, one_line(str(why))),)
    if status.get("type") == "systemError" or error:
        return replace(seen, broken=one_line(str(error.get("message") or "the agent says: system error"))), ()
    return seen, ()


def _call(seen: Seen, update: Mapping[str, Any], at: float) -> tuple[Seen, tuple[AgentEvent, ...]]:
    name = str(update.get("toolCallId") or "")
    if not name:
        return seen, ()
    before = seen.calls.get(name)
    now = _judged(_merged(before, update, at, seen.quirks), before, update, seen.quirks)
    after = replace(seen, calls={**seen.calls, name: now}, spoke=True)
    if before is not None and replace(before, at=at) == now:
        return after, ()
    return after, (now, *_children(before, now, seen.quirks))


def _merged(before: Tool | None, update: Mapping[str, Any], at: float, quirks: Quirks) -> Tool:
    old = before or Tool(at, str(update.get("toolCallId")), ToolState.PENDING)
    title = one_line(str(update.get("title") or "")) or old.title
    return Tool(
        at,
        one_line(old.call),
        _STATES.get(str(update.get("status")), old.state),
        old.name or tool_name(update, quirks),
        title,
        _input(update) or old.input,
        _output(update) or old.output,
    )


def _judged(now: Tool, before: Tool | None, update: Mapping[str, Any], quirks: Quirks) -> Tool:
    if before is not None and before.state is ToolState.INVALID:
        return replace(now, state=ToolState.INVALID)
    failed = now.state is ToolState.FAILED and any(sign in now.output for sign in quirks.invalid_outputs)
    # OpenCode renames a call that it cannot make to "invalid" and says that it completed.
    renamed = str(update.get("title")) in quirks.invalid_titles or now.name in quirks.invalid_titles
    return replace(now, state=ToolState.INVALID) if failed or renamed else now


def _children(before: Tool | None, now: Tool, quirks: Quirks) -> tuple[AgentEvent, ...]:
    if now.name not in quirks.children:
        return ()
    was = before is not None and before.state not in _OVER
    running = now.state not in _OVER
    return (Child(now.at, now.call, running),) if was != running else ()


def tool_name(update: Mapping[str, Any], quirks: Quirks) -> str:
    """Return the name of a call's tool, where the agent tells it."""
    meta = mapping(update.get("_meta"))
    told = mapping(meta.get("claudeCode")).get("toolName") or meta.get("toolName") or update.get("name")
    match quirks.naming:
        case Naming.TITLE:
            told = told or update.get("title")
        case Naming.CALL if "__" in str(update.get("toolCallId")):
            told = told or str(update.get("toolCallId")).split("__")[0]
        case _:
            pass
    return one_line(str(told or update.get("kind") or ""))


def _input(update: Mapping[str, Any]) -> str:
    raw = update.get("rawInput")
    return clipped(json.dumps(raw, ensure_ascii=False, sort_keys=True)) if raw else ""


def _output(update: Mapping[str, Any]) -> str:
    raw, terminal = update.get("rawOutput"), mapping(update.get("_meta")).get("terminal_output_delta")
    if isinstance(raw, str):
        return clipped(raw)
    shown = "\n".join(filter(None, (text_of(block) for block in listed(update.get("content")))))
    said = shown or str(mapping(terminal).get("data") or "")
    return clipped(said) if said else clipped(json.dumps(raw, ensure_ascii=False)) if raw else ""


def turn_end(seen: Seen, at: float, answer: Mapping[str, Any], *, cancelled: bool) -> TurnEnded:
    """Return how a turn ended. ``answer`` is what came for the prompt: ``result`` or ``error``, else why nothing came
    (``lost``); ``cancelled`` says whether we asked for the end."""
    if "lost" in answer:
        return TurnEnded(at, Outcome.INTERRUPTED, one_line(str(answer["lost"])))
    if cancelled:
        # Some answer a cancel with end_turn, some with an error.
        return TurnEnded(at, Outcome.CANCELLED, _trouble(mapping(answer.get("error"))))
    if "error" in answer:
        return TurnEnded(at, Outcome.ERROR, _trouble(mapping(answer["error"])) or "an error without a text")
    stop = str(mapping(answer.get("result")).get("stopReason") or "")
    if seen.broken:
        # Codex says end_turn after an HTTP 400, and the error as its own words.
        return TurnEnded(at, Outcome.ERROR, one_line(f"{seen.broken}: {seen.said}", 500))
    if stop == "cancelled":
        return TurnEnded(
            at, Outcome.INTERRUPTED, "the agent ended its turn as cancelled; nobody asked for it"
        )
    if stop == "end_turn" and not seen.spoke:
        return TurnEnded(at, Outcome.UNKNOWN, "the turn ended without a word and without a tool call")
    outcome = _STOPS.get(stop, Outcome.UNKNOWN)
    return TurnEnded(at, outcome, "" if stop in ("end_turn", "max_tokens") else one_line(stop))


def _trouble(error: Mapping[str, Any]) -> str:
    data = error.get("data")
    details = mapping(data).get("details") or (data if isinstance(data, str) else "")
    return one_line(": ".join(filter(None, (str(error.get("message") or ""), str(details or "")))), 500)


def asked(seen: Seen, params: Mapping[str, Any], request: str, at: float) -> Asked:
    """Return what a ``session/request_permission`` asks for."""
    call = mapping(params.get("toolCall"))
    before = seen.calls.get(str(call.get("toolCallId") or ""))
    title = one_line(str(call.get("title") or "")) or (before.title if before else "")
    name = before.name if before and before.name else tool_name(call, seen.quirks)
    names = tuple(one_line(str(mapping(one).get("name") or "")) for one in listed(params.get("options")))
    if seen.quirks.naming is Naming.OPTION and name in ("", "other"):
        name = next((text.rpartition(": ")[2] for text in names if ": " in text), name)
    text = one_line(f"{name}: {title}" if title and title != name else name or "a permission", 500)
    return Asked(at, request, Phase.PERMISSION, text, tool=name, paths=_paths(call, before), options=names)


#: The keys in which tools name the files that they are about to touch.
_PATH_KEYS = (
    "path",
    "file_path",
    "filePath",
    "filepath",
    "notebook_path",
    "absolute_path",
    "dir_path",
    "cwd",
)


def _paths(call: Mapping[str, Any], before: Tool | None) -> tuple[str, ...]:
    raw = mapping(call.get("rawInput")) or (_parsed(before.input) if before else {})
    found = [mapping(one).get("path") for one in listed(call.get("locations"))]
    found += [mapping(one).get("path") for one in listed(call.get("content"))]
    found += [raw.get(key) for key in _PATH_KEYS]
    return tuple(dict.fromkeys(path for path in found if isinstance(path, str) and path))


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(text)) if text else {}
    except ValueError:
        return {}


def question(params: Mapping[str, Any], request: str, at: float) -> tuple[Asked, str]:
    """Return what an ``elicitation/create`` asks, and the name of the field that its answer goes into."""
    fields = mapping(mapping(params.get("requestedSchema")).get("properties"))
    name = next(iter(fields), "answer")
    choices = tuple(str(one) for one in listed(mapping(fields.get(name)).get("enum")))
    return Asked(
        at, request, Phase.QUESTION, one_line(str(params.get("message") or ""), 500), options=choices
    ), name


def text_of(content: object) -> str:
    """Return the text of a content block, or of the content that a tool's block holds."""
    block = mapping(content)
    if block.get("type") == "content":
        return text_of(block.get("content"))
    text = block.get("text")
    return text if isinstance(text, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value`` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """Return ``value`` when it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def number(value: object) -> float:
    """Return ``value`` when it is a number of JSON that counts something, else 0."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    return float(value) if 0 <= value <= _MOST else 0.0
