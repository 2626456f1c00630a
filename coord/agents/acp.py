"""Agents that speak the Agent Client Protocol over stdio: one process, one session."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from acp.connection import Connection
from acp.exceptions import RequestError

from coord.agents.acp_wire import Wire
from coord.agents.base import AgentError, Answer, Caps, SessionSpec, Sink
from coord.agents.process import AgentProcess, Patience, launch
from coord.core.acp_quirks import quirks_of
from coord.core.acp_updates import Seen, asked, listed, mapping, next_turn, question, read, turn_end
from coord.core.agentevent import Asked, Gone, Started
from coord.core.text import one_line

PROTOCOL = 1

_CANCELLED = {"outcome": {"outcome": "cancelled"}}

#: Which of the agent's own options an answer selects, by kind, the best first.
_KINDS = {
    Answer.ONCE: ("allow_once", "allow_always"),
    Answer.ALWAYS: ("allow_always", "allow_once"),
    Answer.REJECT: ("reject_once", "reject_always"),
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the agent asked and waits for."""

    asked: Asked
    params: Mapping[str, Any]
    field: str
    answered: asyncio.Future[dict[str, Any]]


class AcpHandle:
    """One agent and its session."""

    def __init__(self, spec: SessionSpec, sink: Sink, process: AgentProcess, patience: Patience) -> None:
        self._spec = spec
        self._sink = sink
        self._process = process
        self._patience = patience
        self._caps = Caps()
        self._offers: Mapping[str, Any] = {}
        self._commands: tuple[str, ...] = ()
        self._session = ""
        self._seen = Seen()
        self._turn: asyncio.Task[None] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._cancelled = False
        self._waiting: dict[str, _Waiting] = {}
        self._count = 0
        self._wire = Wire(process, self._written)
        self._connection = Connection(self._called, self._wire)
        self._watch = asyncio.create_task(self._watched())

    # -- what the host calls ------------------------------------------------------------------------------------

    @property
    def caps(self) -> Caps:
        """Return what the agent can do."""
        return replace(self._caps, compact=bool(self._compacting))

    @property
    def pid(self) -> int | None:
        """Return the agent's process while it runs."""
        return self._process.pid if self._process.code is None else None

    @property
    def last_words(self) -> str:
        """Return the end of what the agent wrote to its stderr."""
        return self._process.last_words

    async def prompt(self, text: str) -> None:
        """Begin a turn; see ``Handle``."""
        if self._busy:
            raise AgentError("a turn is under way")
        self._taken = asyncio.get_running_loop().create_future()
        self._cancelled = False
        self._seen = next_turn(self._seen)
        self._turn = asyncio.create_task(self._played(text))
        await asyncio.wait(
            {self._taken, self._turn}, timeout=self._spec.deadline, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._taken.done():
            await self.close()
            raise AgentError(f"{self._spec.kind.name} did not take the prompt", hint=self._process.last_words)

    async def steer(self, text: str) -> None:
        """No version of the protocol says what a second prompt does; see ``Second``."""
        del text
        raise AgentError(f"{self._spec.kind.name} cannot be steered during a turn")

    async def cancel(self) -> None:
        """Ask for the end of the turn; an agent that does not answer is ended."""
        if not self._busy or self._cancelled:
            return
        self._cancelled = True
        for one in tuple(self._waiting.values()):
            _settle(one, {"action": "cancel"} if one.field else _CANCELLED)
        self._cancelling = asyncio.create_task(self._cancelled_in_time())

    async def answer(self, request: str, answer: Answer, text: str = "") -> None:
        """Answer a permission with the agent's own option of that kind, a question with ``text``."""
        if (one := self._waiting.get(request)) is not None:
            _settle(one, _elicited(one, answer, text) if one.field else _selected(one, answer))

    async def compact(self) -> None:
        """Begin a turn that summarises the context, by the agent's own command."""
        if not self._compacting:
            raise AgentError(f"{self._spec.kind.name} has no command to summarise its context")
        await self.prompt(f"/{self._compacting}")

    async def close(self) -> None:
        """End the agent; see ``Handle``."""
        if self._turn is not None and not self._turn.done():
            await self.cancel()
            either = {self._turn, self._watch}
            await asyncio.wait(
                either, timeout=min(2.0, self._patience.cancel), return_when=asyncio.FIRST_COMPLETED
            )
        self._process.close_input()
        await self._process.end(self._patience)
        await self._watch

    # -- the start ----------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Negotiate, and open the session that the spec asks for."""
        said = mapping(await self._ask("initialize", _greeting()))
        if said.get("protocolVersion") != PROTOCOL:
            raise AgentError(
                f"{self._spec.kind.name} speaks version {said.get('protocolVersion')} of the Agent Client Protocol,"
                f" coord speaks version {PROTOCOL}"
            )
        self._caps = _caps(said, self._spec.kind.name)
        self._seen = Seen(quirks=quirks_of(self._caps.agent, self._caps.version))
        self._offers = mapping(await self._opened(mapping(said.get("agentCapabilities"))))
        self._session = str(self._offers.get("sessionId") or self._spec.foreign)
        if not self._session:
            raise AgentError(f"{self._spec.kind.name} gave its session no name")
        await self._choose(self._spec.model or self._spec.kind.model)
        self._sink(Started(time.time(), self._caps.agent, self._caps.version, self._session))

    async def _opened(self, can: Mapping[str, Any]) -> Any:
        where = {"cwd": str(self._spec.folder), "mcpServers": _servers(self._spec)}
        if not self._spec.foreign:
            return await self._ask("session/new", where)
        named = {"sessionId": self._spec.foreign, **where}
        if self._spec.copy:
            if not self._caps.fork_cwd:
                raise AgentError(f"{self._spec.kind.name} cannot copy a session into another folder")
            return await self._ask("session/fork", named)
        if "resume" in mapping(can.get("sessionCapabilities")):
            with contextlib.suppress(RequestError):
                return await self._ask("session/resume", named)
        if not can.get("loadSession"):
            raise AgentError(f"{self._spec.kind.name} cannot take up a session")
        return await self._ask("session/load", named)

    async def _choose(self, model: str) -> None:
        if not model:
            return
        options = (mapping(one) for one in listed(self._offers.get("configOptions")))
        option = next((one for one in options if "model" in (one.get("category"), one.get("id"))), None)
        if option is not None:
            chosen = {"sessionId": self._session, "configId": option.get("id"), "value": model}
            await self._ask("session/set_config_option", chosen)
        elif listed(mapping(self._offers.get("models")).get("availableModels")):
            # Before there were options; Gemini CLI 0.61 has only this.
            await self._ask("session/set_model", {"sessionId": self._session, "modelId": model})
        else:
            raise AgentError(
                f"{self._spec.kind.name} offers no choice of a model in this protocol",
                hint="name the model in the agent's own configuration",
            )

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        return await asyncio.wait_for(self._connection.send_request(method, params), self._spec.deadline)

    # -- a turn -------------------------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self._turn is not None and not self._turn.done()

    @property
    def _compacting(self) -> str:
        return next((name for name in self._commands if name in ("compact", "compress")), "")

    def _written(self, method: str) -> None:
        if method == "session/prompt" and self._taken is not None and not self._taken.done():
            self._taken.set_result(None)

    async def _played(self, text: str) -> None:
        params = {"sessionId": self._session, "prompt": [{"type": "text", "text": text}]}
        answer = await self._answered(params)
        if self._taken is not None and self._taken.done():
            self._sink(turn_end(self._seen, time.time(), answer, cancelled=self._cancelled))

    async def _answered(self, params: dict[str, Any]) -> Mapping[str, Any]:
        try:
            return {"result": await self._connection.send_request("session/prompt", params)}
        except RequestError as error:
            return {"error": {"message": str(error), "data": error.data}}
        except ConnectionError as error:
            return {"lost": f"the agent's process ended: {error}"}

    async def _cancelled_in_time(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._connection.send_notification("session/cancel", {"sessionId": self._session})
        turn = self._turn
        if turn is not None:
            await asyncio.wait({turn}, timeout=self._patience.cancel)
            if not turn.done():
                # It works on, whatever was asked: a new prompt would be its second.
                await self._process.end(self._patience)

    # -- what the agent calls -----------------------------------------------------------------------------------

    async def _called(self, method: str, params: Any, is_notification: bool) -> Any:
        match method:
            case "session/update":
                return self._updated(mapping(params))
            case "session/request_permission":
                return await self._permission(mapping(params))
            case "elicitation/create":
                return await self._question(mapping(params))
            case _ if is_notification:
                return None
            case _:
                raise RequestError.method_not_found(method)

    def _updated(self, params: Mapping[str, Any]) -> None:
        update = mapping(params.get("update"))
        if update.get("sessionUpdate") == "available_commands_update":
            names = (mapping(one).get("name") for one in listed(update.get("availableCommands")))
            self._commands = tuple(str(name) for name in names)
        # A session that is taken up is told again, by some after they answered: only a turn has news.
        if self._turn is None or params.get("sessionId") != self._session:
            return
        self._seen, events = read(self._seen, update, time.time())
        for event in events:
            self._sink(event)

    async def _permission(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self._busy or self._cancelled:
            return _CANCELLED
        return await self._wait(asked(self._seen, params, self._named(), time.time()), params, "")

    async def _question(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self._busy or self._cancelled:
            return {"action": "cancel"}
        said, field = question(params, self._named(), time.time())
        return await self._wait(said, params, field)

    async def _wait(self, said: Asked, params: Mapping[str, Any], field: str) -> dict[str, Any]:
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[said.request] = _Waiting(said, params, field, answered)
        self._sink(said)
        try:
            return await answered
        finally:
            self._waiting.pop(said.request, None)

    def _named(self) -> str:
        self._count += 1
        return f"ask-{self._count}"

    # -- the end ------------------------------------------------------------------------------------------------

    async def _watched(self) -> None:
        code = await self._process.wait()
        # What it wrote last may still be in the pipe; a stranger that holds the pipe must not hold us.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wire.over.wait(), 0.4)
        await asyncio.sleep(0)
        await self._connection.close()
        if self._turn is not None:
            await asyncio.wait({self._turn})
        self._sink(Gone(time.time(), self._process.last_words, code))


class AcpAdapter:
    """Starts agents that speak the Agent Client Protocol."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    async def start(self, spec: SessionSpec, sink: Sink) -> AcpHandle:
        """Start an agent and its session; see ``AgentAdapter``."""
        handle = AcpHandle(spec, sink, await launch(spec), self._patience)
        try:
            await asyncio.wait_for(handle.begin(), spec.deadline)
        except BaseException as error:
            await handle.close()
            if (told := _failure(error, spec, handle.last_words)) is not None:
                raise told from error
            raise
        return handle


ADAPTER = AcpAdapter()


def _failure(error: BaseException, spec: SessionSpec, words: str) -> AgentError | None:
    name = spec.kind.name
    match error:
        case TimeoutError():
            return AgentError(f"{name} did not answer within {spec.deadline:g} seconds", hint=words)
        case RequestError():
            detail = mapping(error.data).get("details") or ""
            return AgentError(one_line(f"{name} refused: {error} {detail}", 500), hint=words)
        case ConnectionError():
            return AgentError(f"{name} ended before its session was ready", hint=words)
        case _:
            return None


def _greeting() -> dict[str, Any]:
    return {
        "protocolVersion": PROTOCOL,
        "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False},
        "clientInfo": {"name": "coord", "version": "0.1"},
    }


def _caps(said: Mapping[str, Any], kind: str) -> Caps:
    info, can = mapping(said.get("agentInfo")), mapping(said.get("agentCapabilities"))
    name, version = one_line(str(info.get("name") or kind)), one_line(str(info.get("version") or ""))
    quirks, session = quirks_of(name, version), mapping(can.get("sessionCapabilities"))
    return Caps(
        agent=name,
        version=version,
        resume="resume" in session or bool(can.get("loadSession")),
        fork="fork" in session,
        fork_cwd="fork" in session and quirks.fork_cwd,
        usage=quirks.usage,
        cost=quirks.cost,
        sees_unknown_tools=quirks.sees_unknown_tools,
        sees_retry=quirks.sees_retry,
    )


def _servers(spec: SessionSpec) -> list[dict[str, Any]]:
    return [
        {
            "name": server.name,
            "command": server.command[0],
            "args": list(server.command[1:]),
            "env": [{"name": name, "value": value} for name, value in server.environment],
        }
        for server in spec.servers
    ]


def _settle(one: _Waiting, answer: dict[str, Any]) -> None:
    if not one.answered.done():
        one.answered.set_result(answer)


def _selected(one: _Waiting, answer: Answer) -> dict[str, Any]:
    options = [mapping(option) for option in listed(one.params.get("options"))]
    for kind in _KINDS[answer]:
        for option in options:
            if option.get("kind") == kind:
                return {"outcome": {"outcome": "selected", "optionId": option.get("optionId")}}
    return _CANCELLED


def _elicited(one: _Waiting, answer: Answer, text: str) -> dict[str, Any]:
    if answer is Answer.REJECT:
        return {"action": "decline"}
    return {"action": "accept", "content": {one.field: text}}
