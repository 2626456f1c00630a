"""What coord asks of a server of OpenCode for one session: its model, its tools, its answers, and what was missed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping
from typing import Any

from coord.agents.base import AgentError, Answer, SessionSpec, ToolServer
from coord.agents.opencode_wire import RefusedError, Server
from coord.core.acp_updates import listed, mapping
from coord.core.opencode_events import told
from coord.core.text import one_line

#: Messages that are read after a pause.
MANY = 100


async def chosen_model(server: Server, spec: SessionSpec) -> tuple[dict[str, str], int]:
    """Return the model (``providerID``, ``modelID``; none: the server names none) and the size of its context.

    Raises AgentError when the server has not the one that is asked for."""
    asked = spec.model or spec.kind.model
    name = asked or str(mapping(await server.get("/config")).get("model") or "")
    provider, _, model = name.partition("/")
    for one in await server.models():
        if (one.get("providerID"), one.get("id")) == (provider, model):
            size = mapping(one.get("limit")).get("context")
            return {"providerID": provider, "modelID": model}, size if isinstance(size, int) else 0
    if asked:
        raise AgentError(f"{spec.kind.name} has no model {one_line(asked)}", hint="a model is PROVIDER/MODEL")
    return {}, 0


async def opened(server: Server, spec: SessionSpec, patience: float) -> str:
    """Return the name of the session: a new one, or the one that the spec takes up, when it is at rest."""
    if not spec.foreign:
        made = mapping(await server.post("/session", {"title": one_line(spec.folder.name) or "coord"}))
        return _named(str(made.get("id")))
    name = _named(spec.foreign)
    try:
        known = mapping(await server.get(f"/session/{name}"))
    except RefusedError as error:
        raise AgentError(f"{spec.kind.name} cannot take up {name}: {error.message}") from error
    if str(known.get("directory")) not in (str(spec.folder), str(spec.folder.resolve())):
        raise AgentError(f"{spec.kind.name} cannot take up {name}: it is another folder's session")
    await _at_rest(server, name, patience)
    return name


def _named(name: str) -> str:
    if not re.fullmatch(r"ses_[0-9A-Za-z_-]{1,100}", name):
        raise AgentError(f"{one_line(name)} is no name of a session")
    return name


async def _at_rest(server: Server, session: str, patience: float) -> None:
    """End what a session that is taken up still does: its answers would be taken for those of our turn."""
    end = time.monotonic() + patience
    if await server.busy(session):
        await server.post(f"/session/{session}/abort", {})
    while await server.busy(session):
        if time.monotonic() > end:
            raise AgentError(f"{session} goes on with a turn that was aborted")
        await asyncio.sleep(0.1)


async def given_tools(server: Server, spec: SessionSpec) -> tuple[str, ...]:
    """Give the session's folder its tool servers; return those that do not work, each with the reason."""
    return tuple([why for tools in spec.servers if (why := await _given(server, tools, spec.deadline))])


async def _given(server: Server, tools: ToolServer, deadline: float) -> str:
    config = {
        "type": "local",
        "command": list(tools.command),
        "environment": dict(tools.environment),
        "enabled": True,
    }
    said = mapping(await server.post("/mcp", {"name": tools.name, "config": config}, timeout=deadline))
    status = mapping(said.get(tools.name))
    if status.get("status") == "connected":
        return ""
    return one_line(f"{tools.name}: {status.get('status')} {status.get('error') or ''}".strip())


async def take_tools_back(server: Server, spec: SessionSpec) -> None:
    """Disconnect the session's tool servers from a server that goes on."""
    for tools in spec.servers:
        with contextlib.suppress(AgentError):
            await server.post(f"/mcp/{tools.name}/disconnect", {}, timeout=5.0)


async def answer_to(server: Server, request: str, answer: Answer, text: str) -> None:
    """Answer a permission (``per…``) or a question (``que…``, with ``text`` for each of its parts)."""
    if not request.startswith("que"):
        # Rejected without a word, the agent ends its turn.
        said = {"reply": answer.value} | ({"message": text or "denied"} if answer is Answer.REJECT else {})
        await server.post(f"/permission/{request}/reply", said)
    elif answer is Answer.REJECT:
        await server.post(f"/question/{request}/reject", {})
    else:
        asked = [mapping(one) for one in listed(await server.get("/question"))]
        count = next((len(listed(one.get("questions"))) for one in asked if one.get("id") == request), 1)
        await server.post(f"/question/{request}/reply", {"answers": [[text]] * count})


async def missed(server: Server, session: str) -> tuple[Mapping[str, Any], ...]:
    """Return what happened in the session so far, as the events that it was."""
    events = list(told(await server.messages(session, MANY)))
    for kind, path in (
        ("session.created", f"/session/{session}/children"),
        ("permission.asked", "/permission"),
        ("question.asked", "/question"),
    ):
        found = [mapping(one) for one in listed(await server.get(path))]
        events += [
            {"type": kind, "properties": {"info": one} if kind.startswith("session") else one}
            for one in found
        ]
    return tuple(events)


def failure(error: BaseException, spec: SessionSpec, words: str) -> AgentError | None:
    """Return what to tell when a session could not be begun, or None when ``error`` tells it itself."""
    name = spec.kind.name
    match error:
        case TimeoutError():
            return AgentError(f"{name} did not answer within {spec.deadline:g} seconds", hint=words)
        case RefusedError():
            return AgentError(one_line(f"{name} refused: {error.message}", 500), hint=words)
        case ConnectionError():
            return AgentError(f"{name} ended before its session was ready", hint=words)
        case _:
            return None
