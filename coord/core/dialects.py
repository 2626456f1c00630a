"""What agents print when they are started once a turn, one JSON object a line, as events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from coord.core.acp_updates import listed, mapping, number
from coord.core.agentevent import (
    AgentEvent,
    Child,
    Compacted,
    Outcome,
    Retrying,
    Said,
    Tool,
    ToolState,
    TurnEnded,
    Used,
    clipped,
)
from coord.core.agents import Dialect
from coord.core.text import one_line

_NO_CALLS: Mapping[str, Tool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a turn so far: the agent's own ``session``, its ``calls``, and how it says that the turn ended."""

    session: str = ""
    version: str = ""
    calls: Mapping[str, Tool] = field(default_factory=lambda: _NO_CALLS)
    ended: TurnEnded | None = None
    attempts: int = 0
    used: int = 0
    cost: float = 0.0


Result = tuple[Heard, tuple[AgentEvent, ...]]


def heard(dialect: Dialect, before: Heard, line: str, at: float) -> Result:
    """Return what was heard after one more line of an agent's output, and the events that it is."""
    if dialect is Dialect.PLAIN:
        return before, (Said(at, clipped(line)),) if line.strip() else ()
    try:
        said = mapping(json.loads(line))
    except (ValueError, RecursionError):
        return before, ()
    return _READERS[dialect](before, said, at)


def turn_end(dialect: Dialect, heard: Heard, at: float, *, code: int | None, cancelled: bool) -> TurnEnded:
    """Return how a turn ended whose process ended with ``code`` (negative: by a signal; None: it goes on).

    Exit code 0 says only that the process ended: agents use it after SIGTERM, errors of the API and rejections."""
    if cancelled:
        return TurnEnded(at, Outcome.CANCELLED)
    if code is not None and (code < 0 or code in (130, 143)):
        return TurnEnded(at, Outcome.INTERRUPTED, f"the agent's process was ended ({code})")
    told = heard.ended
    if told is not None and told.outcome is not Outcome.END_TURN:
        return told
    if code:
        return TurnEnded(at, Outcome.ERROR, f"exit code {code}")
    if told is None and dialect is not Dialect.PLAIN:
        return TurnEnded(at, Outcome.UNKNOWN, "the agent did not say how its turn ended")
    return told or TurnEnded(at, Outcome.END_TURN)


# -- Claude Code: --output-format stream-json ---------------------------------------------------------------------------

_CLAUDE_STOPS = {"max_tokens": Outcome.LENGTH, "refusal": Outcome.REFUSAL}
_CLAUDE_INVALID = ("No such tool available", "InputValidationError")
_CLAUDE_CHILDREN = ("Task", "Agent")


def _claude(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    match said.get("type"):
        case "system":
            return _claude_system(before, said, at)
        case "assistant" | "user":
            return _claude_message(before, said, at)
        case "result":
            return _claude_result(before, said, at)
        case _:
            return before, ()


def _claude_system(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    match said.get("subtype"):
        case "init":
            version = one_line(str(said.get("claude_code_version") or ""))
            return replace(before, session=str(said.get("session_id") or ""), version=version), ()
        case "compact_boundary":
            return before, (Compacted(at),)
        case "api_retry":
            attempt = int(number(said.get("attempt"))) or before.attempts + 1
            return replace(before, attempts=attempt), (
                Retrying(at, attempt, one_line(str(said.get("error") or ""))),
            )
        case _:
            return before, ()


def _claude_message(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    if said.get("parent_tool_use_id"):
        # The words of a child agent; its call says that it runs.
        return before, ()
    message = mapping(said.get("message"))
    events: list[AgentEvent] = []
    for block in map(mapping, listed(message.get("content"))):
        before, more = _claude_block(before, block, str(message.get("id") or ""), at)
        events += more
    usage = mapping(message.get("usage"))
    if used := sum(int(number(usage.get(key))) for key in _CLAUDE_USAGE):
        before = replace(before, used=used)
        events.append(Used(at, used))
    return before, tuple(events)


_CLAUDE_USAGE = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def _claude_block(before: Heard, block: Mapping[str, Any], message: str, at: float) -> Result:
    match block.get("type"):
        case "text" | "thinking" as kind:
            text = str(block.get(kind) or "")
            return before, (Said(at, clipped(text), kind == "thinking", message),) if text else ()
        case "tool_use":
            name, given = one_line(str(block.get("name") or "")), _json(block.get("input"))
            tool = Tool(at, str(block.get("id")), ToolState.RUNNING, name, name, given)
            child = (Child(at, tool.call, running=True),) if name in _CLAUDE_CHILDREN else ()
            return _called(before, tool, child)
        case "tool_result":
            return _claude_returned(before, block, at)
        case _:
            return before, ()


def _claude_returned(before: Heard, block: Mapping[str, Any], at: float) -> Result:
    call, content = str(block.get("tool_use_id")), block.get("content")
    texts = (str(mapping(part).get("text") or "") for part in listed(content))
    output = content if isinstance(content, str) else "\n".join(texts)
    state = ToolState.COMPLETED
    if block.get("is_error"):
        invalid = any(sign in output for sign in _CLAUDE_INVALID)
        state = ToolState.INVALID if invalid else ToolState.FAILED
    old = before.calls.get(call) or Tool(at, call, state)
    tool = replace(old, at=at, state=state, output=clipped(output))
    child = (Child(at, call, running=False),) if tool.name in _CLAUDE_CHILDREN else ()
    return _called(before, tool, child)


def _claude_result(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    sizes = [
        int(number(mapping(one).get("contextWindow"))) for one in mapping(said.get("modelUsage")).values()
    ]
    cost = number(said.get("total_cost_usd"))
    # The result's usage is the sum of the turn; how full the window is, the messages have said.
    used = Used(at, before.used, max(sizes, default=0), cost)
    detail = one_line(str(said.get("result") or said.get("subtype") or ""), 500)
    if said.get("subtype") == "error_max_turns":
        ended = TurnEnded(at, Outcome.LENGTH, detail)
    elif said.get("is_error") or said.get("subtype") != "success":
        ended = TurnEnded(at, Outcome.ERROR, detail)
    else:
        ended = TurnEnded(at, _CLAUDE_STOPS.get(str(said.get("stop_reason")), Outcome.END_TURN))
    return replace(before, ended=ended), (used,) if cost else ()


# -- Codex: exec --json -------------------------------------------------------------------------------------------------


def _codex(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    match said.get("type"):
        case "thread.started":
            return replace(before, session=str(said.get("thread_id") or "")), ()
        case "item.started" | "item.updated" | "item.completed":
            return _codex_item(before, mapping(said.get("item")), at)
        case "turn.completed":
            usage = mapping(said.get("usage"))
            used = int(number(usage.get("input_tokens"))) + int(number(usage.get("output_tokens")))
            return replace(before, ended=TurnEnded(at, Outcome.END_TURN)), (Used(at, used),)
        case "turn.failed":
            why = one_line(str(mapping(said.get("error")).get("message") or "the turn failed"), 500)
            return replace(before, ended=TurnEnded(at, Outcome.ERROR, why)), ()
        case "error":
            return _codex_error(before, str(said.get("message") or ""), at)
        case _:
            return before, ()


def _codex_error(before: Heard, message: str, at: float) -> Result:
    if message.startswith("Reconnecting"):
        attempt = before.attempts + 1
        return replace(before, attempts=attempt), (Retrying(at, attempt, one_line(message)),)
    return replace(before, ended=TurnEnded(at, Outcome.ERROR, one_line(message, 500))), ()


def _codex_item(before: Heard, item: Mapping[str, Any], at: float) -> Result:
    kind, text = str(item.get("type") or item.get("item_type")), str(item.get("text") or "")
    if kind in ("agent_message", "reasoning"):
        said = Said(at, clipped(text), kind == "reasoning", str(item.get("id") or ""))
        return before, (said,) if text else ()
    if kind not in _CODEX_TOOLS:
        return before, ()
    server = item.get("server")
    name = f"{server}.{item.get('tool')}" if server else kind
    title = one_line(str(item.get("command") or name))
    given = _json(item.get("arguments") or item.get("changes") or item.get("command"))
    output = str(item.get("aggregated_output") or "") or _json(item.get("error") or item.get("result"))
    state = _CODEX_STATES.get(str(item.get("status")), ToolState.RUNNING)
    return _called(
        before, Tool(at, str(item.get("id")), state, one_line(name), title, given, clipped(output))
    )


_CODEX_TOOLS = ("command_execution", "file_change", "mcp_tool_call", "web_search")
_CODEX_STATES = {
    "completed": ToolState.COMPLETED,
    "failed": ToolState.FAILED,
    "declined": ToolState.FAILED,
}


# -- Gemini CLI: --output-format stream-json ----------------------------------------------------------------------------


def _gemini(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    match said.get("type"):
        case "init":
            return replace(before, session=str(said.get("session_id") or "")), ()
        case "message" if said.get("role") == "assistant":
            text = str(said.get("content") or "")
            return before, (Said(at, clipped(text)),) if text else ()
        case "tool_use":
            name = one_line(str(said.get("tool_name") or ""))
            given = _json(said.get("parameters"))
            return _called(before, Tool(at, str(said.get("tool_id")), ToolState.RUNNING, name, name, given))
        case "tool_result":
            return _gemini_returned(before, said, at)
        case "result":
            return _gemini_result(before, said, at)
        case _:
            return before, ()


def _gemini_returned(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    call, error = str(said.get("tool_id")), mapping(said.get("error"))
    state = ToolState.COMPLETED if said.get("status") == "success" else ToolState.FAILED
    if error.get("type") in ("tool_not_registered", "invalid_tool_params"):
        state = ToolState.INVALID
    old = before.calls.get(call) or Tool(at, call, state)
    output = str(said.get("output") or error.get("message") or "")
    return _called(before, replace(old, at=at, state=state, output=clipped(output)))


def _gemini_result(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    used = int(number(mapping(said.get("stats")).get("total_tokens")))
    why = one_line(str(mapping(said.get("error")).get("message") or ""), 500)
    outcome = Outcome.END_TURN if said.get("status") == "success" else Outcome.ERROR
    return replace(before, ended=TurnEnded(at, outcome, why)), (Used(at, used),) if used else ()


# -- OpenCode: run --format json ----------------------------------------------------------------------------------------

_OPENCODE_STOPS = {"stop": Outcome.END_TURN, "length": Outcome.LENGTH, "content-filter": Outcome.REFUSAL}
_OPENCODE_STATES = {"completed": ToolState.COMPLETED, "error": ToolState.FAILED}


def _opencode(before: Heard, said: Mapping[str, Any], at: float) -> Result:
    part = mapping(said.get("part"))
    before = replace(before, session=str(said.get("sessionID") or before.session))
    match said.get("type"):
        case "text" | "reasoning" as kind:
            text = str(part.get("text") or "")
            spoken = Said(at, clipped(text), kind == "reasoning", str(part.get("messageID") or ""))
            return before, (spoken,) if text else ()
        case "tool_use":
            return _opencode_tool(before, part, at)
        case "step_finish":
            return _opencode_step(before, part, at)
        case "error":
            error = mapping(said.get("error"))
            why = mapping(error.get("data")).get("message") or error.get("name") or "error"
            return replace(before, ended=TurnEnded(at, Outcome.ERROR, one_line(str(why), 500))), ()
        case _:
            return before, ()


def _opencode_tool(before: Heard, part: Mapping[str, Any], at: float) -> Result:
    status, name = mapping(part.get("state")), one_line(str(part.get("tool") or ""))
    state = _OPENCODE_STATES.get(str(status.get("status")), ToolState.RUNNING)
    state = ToolState.INVALID if name == "invalid" else state
    output = clipped(str(status.get("output") or status.get("error") or ""))
    title = one_line(str(status.get("title") or name))
    return _called(
        before, Tool(at, str(part.get("callID")), state, name, title, _json(status.get("input")), output)
    )


def _opencode_step(before: Heard, part: Mapping[str, Any], at: float) -> Result:
    tokens = mapping(part.get("tokens"))
    cache = mapping(tokens.get("cache"))
    counts = (tokens.get("input"), tokens.get("output"), cache.get("read"), cache.get("write"))
    used = sum(int(number(count)) for count in counts)
    reason = str(part.get("reason") or "")
    if before.ended is None or before.ended.outcome is not Outcome.ERROR:
        # "tool-calls" is a step of a turn that goes on.
        outcome = _OPENCODE_STOPS.get(reason)
        before = replace(before, ended=None if outcome is None else TurnEnded(at, outcome))
    before = replace(before, cost=before.cost + number(part.get("cost")))
    return before, (Used(at, used, 0, before.cost),) if used else ()


# -- for all of them ----------------------------------------------------------------------------------------------------


def _called(before: Heard, tool: Tool, more: tuple[AgentEvent, ...] = ()) -> Result:
    tool = replace(tool, call=one_line(tool.call))
    return replace(before, calls={**before.calls, tool.call: tool}), (tool, *more)


def _json(value: object) -> str:
    if not value:
        return ""
    return clipped(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


_READERS: Mapping[Dialect, Callable[[Heard, Mapping[str, Any], float], Result]] = MappingProxyType(
    {
        Dialect.CLAUDE: _claude,
        Dialect.CODEX: _codex,
        Dialect.GEMINI: _gemini,
        Dialect.OPENCODE: _opencode,
    }
)
