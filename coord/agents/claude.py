"""Claude Code by its own bidirectional stream of JSON lines: one process for all turns of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coord.agents.base import AgentError, Answer, Caps, SessionSpec, Sink
from coord.agents.process import AgentProcess, Patience, launch
from coord.core.acp_updates import mapping
from coord.core.agentevent import Asked, Gone, Phase, Started
from coord.core.agents import Dialect
from coord.core.dialects import Heard, heard, turn_end
from coord.core.invocation import invocation
from coord.core.text import one_line

_PATH_KEYS = ("file_path", "notebook_path", "path")


class ClaudeHandle:
    """A running Claude Code and its session."""

    def __init__(self, spec: SessionSpec, sink: Sink, patience: Patience) -> None:
        self._spec = spec
        self._sink = sink
        self._patience = patience
        # A name of our own, so that it is known before the first turn.
        self._session = spec.foreign if spec.foreign and not spec.copy else str(uuid.uuid4())
        self._process: AgentProcess
        self._watch: asyncio.Task[None]
        self._heard = Heard()
        self._turn: asyncio.Future[None] | None = None
        self._cancelled = False
        self._cancelling: asyncio.Task[None] | None = None
        self._answers: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._asked: dict[str, Mapping[str, Any]] = {}
        self._count = 0
        self._caps = Caps(
            agent="claude",
            steer=False,
            resume=True,
            fork=True,
            fork_cwd=True,
            usage=True,
            cost=True,
            sees_unknown_tools=True,
            sees_retry=True,
            compact=True,
        )

    @classmethod
    async def start(cls, spec: SessionSpec, sink: Sink, patience: Patience) -> ClaudeHandle:
        """Start it and return when it answers; see ``AgentAdapter``."""
        handle = cls(spec, sink, patience)
        handle._process = await launch(spec, command=handle._words())
        handle._watch = asyncio.create_task(handle._watched())
        try:
            await asyncio.wait_for(handle._control({"subtype": "initialize"}), spec.deadline)
        except BaseException as error:
            await handle.close()
            if isinstance(error, TimeoutError):
                why = f"did not answer within {spec.deadline:g} seconds"
            elif isinstance(error, ConnectionError):
                why = "ended before its session was ready"
            else:
                raise
            raise AgentError(f"{spec.kind.name} {why}", hint=handle._process.last_words) from error
        sink(Started(time.time(), "claude", "", handle._session))
        return handle

    @property
    def caps(self) -> Caps:
        """Return what Claude Code can do."""
        return self._caps

    @property
    def pid(self) -> int | None:
        """Return the process while it runs."""
        return self._process.pid if self._process.code is None else None

    async def prompt(self, text: str) -> None:
        """Begin a turn; see ``Handle``."""
        if self._turn is not None and not self._turn.done():
            raise AgentError("a turn is under way")
        self._heard = Heard()
        self._cancelled = False
        self._turn = asyncio.get_running_loop().create_future()
        content = [{"type": "text", "text": text}]
        try:
            said = {"type": "user", "message": {"role": "user", "content": content}}
            await asyncio.wait_for(self._write(said), self._spec.deadline)
        except (TimeoutError, ConnectionError) as error:
            self._turn.cancel()
            await self.close()
            raise AgentError(
                f"{self._spec.kind.name} did not take the prompt", hint=self._process.last_words
            ) from error

    async def steer(self, text: str) -> None:
        """A second message waits for the end of the turn, it does not reach it."""
        del text
        raise AgentError(f"{self._spec.kind.name} cannot be steered during a turn")

    async def cancel(self) -> None:
        """Interrupt the turn; a process that does not answer is ended."""
        if self._turn is not None and not self._turn.done() and not self._cancelled:
            self._cancelled = True
            self._cancelling = asyncio.create_task(self._cancelled_in_time(self._turn))

    async def answer(self, request: str, answer: Answer, text: str = "") -> None:
        """Answer a permission; ``text`` is told to the agent with a rejection."""
        if (asked := self._asked.pop(request, None)) is None:
            return
        said: dict[str, Any] = {"behavior": "allow", "updatedInput": asked.get("input") or {}}
        if answer is Answer.REJECT:
            said = {"behavior": "deny", "message": text or "coord rejects this"}
        response = {"subtype": "success", "request_id": request, "response": said}
        with contextlib.suppress(ConnectionError):
            await self._write({"type": "control_response", "response": response})

    async def compact(self) -> None:
        """Begin a turn that summarises the context."""
        await self.prompt("/compact")

    async def close(self) -> None:
        """End it; see ``Handle``."""
        if self._turn is not None and not self._turn.done():
            await self.cancel()
            either = {self._turn, self._watch}
            await asyncio.wait(
                either, timeout=min(2.0, self._patience.cancel), return_when=asyncio.FIRST_COMPLETED
            )
        self._process.close_input()
        await self._process.end(self._patience)
        await self._watch

    # -- the wire -----------------------------------------------------------------------------------------------

    def _words(self) -> tuple[str, ...]:
        kind = replace(self._spec.kind, model=self._spec.model or self._spec.kind.model)
        words = invocation(kind, "", prompt_file="", session=self._spec.foreign, copy=self._spec.copy).command
        if not self._spec.foreign or self._spec.copy:
            words += ("--session-id", self._session)
        if self._spec.servers:
            words += ("--mcp-config", self._servers())
        return words

    def _servers(self) -> str:
        # In a file: what stands on a command line can be read by every user of the machine.
        servers = {
            one.name: {
                "type": "stdio",
                "command": one.command[0],
                "args": list(one.command[1:]),
                "env": dict(one.environment),
            }
            for one in self._spec.servers
        }
        self._spec.scratch.mkdir(parents=True, exist_ok=True)
        file = self._spec.scratch / "mcp.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"mcpServers": servers}))
        return str(file)

    async def _write(self, message: dict[str, Any]) -> None:
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise ConnectionError("its input is closed") from error

    async def _control(self, request: dict[str, Any]) -> Mapping[str, Any]:
        self._count += 1
        name = f"coord-{self._count}"
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[name] = future
        await self._write({"type": "control_request", "request_id": name, "request": request})
        return await future

    async def _cancelled_in_time(self, turn: asyncio.Future[None]) -> None:
        for request in tuple(self._asked):
            await self.answer(request, Answer.REJECT, "the turn was cancelled")
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(self._control({"subtype": "interrupt"}), self._patience.cancel)
        await asyncio.wait({turn}, timeout=self._patience.cancel)
        if not turn.done():
            await self._process.end(self._patience)

    # -- what it says -------------------------------------------------------------------------------------------

    async def _watched(self) -> None:
        reading = asyncio.create_task(self._read())
        code = await self._process.wait()
        await asyncio.wait({reading}, timeout=0.4)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        for future in self._answers.values():
            if not future.done():
                future.set_exception(ConnectionError("it has ended"))
                # Nobody may be waiting any more.
                future.exception()
        self._end(code)
        self._sink(Gone(time.time(), self._process.last_words, code))

    async def _read(self) -> None:
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue
            if not line:
                return
            self._said(line.decode(errors="replace"))

    def _said(self, line: str) -> None:
        try:
            message = mapping(json.loads(line))
        except (ValueError, RecursionError):
            return
        match message.get("type"):
            case "control_response":
                response = mapping(message.get("response"))
                future = self._answers.pop(str(response.get("request_id")), None)
                if future is not None and not future.done():
                    future.set_result(response)
            case "control_request":
                self._permission(str(message.get("request_id")), mapping(message.get("request")))
            case _:
                self._event(line)

    def _event(self, line: str) -> None:
        if self._turn is None or self._turn.done():
            return
        self._heard, events = heard(Dialect.CLAUDE, self._heard, line, time.time())
        for event in events:
            self._sink(event)
        if self._heard.ended is not None:
            self._end(None)

    def _end(self, code: int | None) -> None:
        if self._turn is not None and not self._turn.done():
            # A process that ends by itself, with whatever code, has not ended the turn.
            lost = -1 if code is not None and self._heard.ended is None and not self._cancelled else code
            self._sink(
                turn_end(Dialect.CLAUDE, self._heard, time.time(), code=lost, cancelled=self._cancelled)
            )
            self._turn.set_result(None)

    def _permission(self, request: str, asked: Mapping[str, Any]) -> None:
        if asked.get("subtype") != "can_use_tool":
            return
        self._asked[request] = asked
        given, tool = mapping(asked.get("input")), one_line(str(asked.get("tool_name") or ""))
        paths = [given.get(key) for key in _PATH_KEYS] + [asked.get("blocked_path")]
        found = tuple(dict.fromkeys(path for path in paths if isinstance(path, str) and path))
        what = given.get("command") or ", ".join(found) or given.get("description") or ""
        self._sink(
            Asked(
                time.time(),
                request,
                Phase.PERMISSION,
                one_line(f"{tool}: {what}", 500),
                tool=tool,
                paths=found,
            )
        )
