"""A session's conversation, told from its events: for people, for other agents, and for a copy that starts anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coord.core.agentevent import (
    AgentEvent,
    Answered,
    Asked,
    Compacted,
    Ended,
    Gone,
    Noted,
    Prompted,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Warned,
)
from coord.core.text import one_line


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message: ``role`` is user, assistant, tool or system, ``id`` its number in the session, from 1."""

    id: int
    role: str
    text: str
    at: float


def messages(events: Iterable[AgentEvent]) -> list[Spoken]:
    """Return the messages of a session in their order; pieces of one text are one message, a tool call is told once, as it
    ended."""
    found: list[Spoken] = []
    calls: dict[str, tuple[int, Tool]] = {}
    open_text = ""
    for event in events:
        key = f"{event.message}/{event.thought}" if isinstance(event, Said) else ""
        if isinstance(event, Said) and key == open_text and found:
            found[-1] = Spoken(found[-1].id, found[-1].role, found[-1].text + event.text, found[-1].at)
            continue
        open_text = key
        if isinstance(event, Tool):
            place, call = _called(event, calls.get(event.call), len(found))
            calls[event.call] = place, call
            found[place:] = [Spoken(place + 1, "tool", _tool_text(call), call.at), *found[place + 1 :]]
        elif (spoken := _spoken(event, len(found) + 1)) is not None:
            found.append(spoken)
    return found


def _called(event: Tool, before: tuple[int, Tool] | None, end: int) -> tuple[int, Tool]:
    """Return where a call is told and all that is known of it: what an event states replaces what was stated before."""
    if before is None:
        return end, event
    place, known = before
    words = (event.name or known.name, event.title or known.title)
    texts = (event.input or known.input, event.output or known.output)
    return place, Tool(known.at, known.call, event.state, *words, *texts)


def _spoken(event: AgentEvent, number: int) -> Spoken | None:
    match event:
        case Prompted():
            return Spoken(number, "user", event.text, event.at)
        case Said():
            return Spoken(number, "assistant", event.text, event.at)
        case Compacted():
            return Spoken(number, "system", f"The context was summarised. {event.summary}".strip(), event.at)
        case _:
            return None


def _tool_text(event: Tool) -> str:
    lines = [f"{event.title or event.name} [{event.state.value}]"]
    if event.input:
        lines.append(event.input)
    if event.output:
        lines.append(event.output)
    return "\n".join(lines)


def told(events: Sequence[AgentEvent], limit: int = 30_000) -> str:
    """Return the conversation as text, its newest part when it is longer than ``limit`` characters."""
    parts = [f"{one.role}: {one.text}" for one in messages(events) if one.role != "tool"]
    text = "\n\n".join(parts)
    return text if len(text) <= limit else f"[...]\n{text[-limit:]}"


def line(event: AgentEvent) -> str:
    """Return an event as one line for people, ``""`` for what they need not see."""
    match event:
        case Started(agent=agent, version=version):
            return f"started: {agent} {version}".rstrip()
        case Prompted(why=why, text=text):
            return f"prompt ({why.value}): {one_line(text, 160)}"
        case Said(text=text, thought=thought):
            return f"{'thinks' if thought else 'says'}: {one_line(text, 300)}" if text.strip() else ""
        case Tool(state=state) if state in (ToolState.COMPLETED, ToolState.FAILED, ToolState.INVALID):
            return f"tool {one_line(event.title or event.name or event.call, 120)}: {state.value} {one_line(event.output, 120)}".rstrip()
        case TurnEnded(outcome=outcome, detail=detail):
            return f"turn ended: {outcome.value} {one_line(detail)}".rstrip()
        case _:
            return _line_of_coord(event)


def _line_of_coord(event: AgentEvent) -> str:
    match event:
        case Asked(phase=phase, text=text):
            return f"asks ({phase.value}): {one_line(text)}"
        case Answered(answer=answer, reason=reason):
            return f"answered: {answer} {one_line(reason)}".rstrip()
        case Retrying(attempt=attempt, reason=reason):
            return f"retry {attempt}: {one_line(reason)}".rstrip(": ")
        case Gone(detail=detail, code=code):
            return f"process ended{'' if code is None else f' ({code})'} {one_line(detail)}".rstrip()
        case Warned():
            return f"warning: {event.heuristic} ({event.severity}): {one_line(event.evidence)}"
        case Noted(what=what, text=text) if what != "delivered":
            return f"{one_line(what, 40)}: {one_line(text)}"
        case Ended(ending=ending, reason=reason):
            return f"{ending.value}: {one_line(reason)}"
        case _:
            return ""
