"""OpenCode 1.x over HTTP: full observation of its session, by a server of its own or by a running one.

Its stream of events says what happens, its lists say what is: after every pause, and before a turn is called over, the
lists are asked."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from coord import processes
from coord.agents.base import AgentError, Answer, Caps, SessionSpec, Sink
from coord.agents.opencode_server import address, attached, drained, launched
from coord.agents.opencode_session import (
    MANY,
    answer_to,
    chosen_model,
    failure,
    given_tools,
    missed,
    opened,
    take_tools_back,
)
from coord.agents.opencode_wire import RefusedError, Server, UnreachableError, pause
from coord.agents.process import AgentProcess, Patience
from coord.core.acp_updates import mapping
from coord.core.agentevent import Gone, Noted, Outcome, Started, TurnEnded
from coord.core.opencode_events import Look, Seen, fresh, read, resumed, told, turn_end
from coord.core.text import one_line

_REACH = 10.0  # seconds in which a server that somebody else started must answer
#: How often the stream is opened again before the server counts as gone: about half a minute.
RECONNECTS = 7

#: Seconds between two looks at a turn: while nothing says that it is over, and while it may be.
_SELDOM, _OFTEN = 5.0, 0.3

#: Messages that one look, and one after a pause, reads.
_FEW, _MANY = 10, MANY


class OpencodeHandle:
    """One session of a server of OpenCode."""

    def __init__(self, spec: SessionSpec, sink: Sink, patience: Patience, reconnects: int) -> None:
        self._spec = spec
        self._sink = sink
        self._patience = patience
        self._reconnects = reconnects
        self._caps = Caps()
        self._process: AgentProcess | None = None
        self._server: Server | None = None
        self._session = ""
        self._model: dict[str, str] = {}
        self._seen = Seen()
        self._busy = False
        self._cancelled = False
        self._lost = ""
        self._open = asyncio.Event()
        self._woken = asyncio.Event()
        self._turn: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    # -- what the host calls ------------------------------------------------------------------------------------

    @property
    def caps(self) -> Caps:
        """Return what the agent can do."""
        return self._caps

    @property
    def pid(self) -> int | None:
        """Return the server's process while it runs, if it is ours."""
        process = self._process
        return process.pid if process is not None and process.code is None else None

    @property
    def last_words(self) -> str:
        """Return the end of what our server wrote to its stderr."""
        return self._process.last_words if self._process is not None else ""

    async def prompt(self, text: str) -> None:
        """Begin a turn; see ``Handle``."""
        body: dict[str, Any] = {"parts": [{"type": "text", "text": text}]}
        if self._spec.model or self._spec.kind.model:
            body["model"] = self._model
        await self._begin_turn()
        try:
            await self._give(body)
        except AgentError:
            self._busy = False
            raise
        self._turn = asyncio.create_task(self._played())

    async def steer(self, text: str) -> None:
        """A second prompt is merged into the turn or begins one after it; nobody can tell which."""
        del text
        raise AgentError(f"{self._spec.kind.name} cannot be steered during a turn")

    async def cancel(self) -> None:
        """Ask for the end of the turn; a server that does not answer is ended."""
        if self._busy and not self._cancelled:
            self._cancelled = True
            self._do(self._cancelled_in_time())

    async def answer(self, request: str, answer: Answer, text: str = "") -> None:
        """Answer a permission or a question. A server that cannot be reached asks again when it can."""
        if request not in self._seen.asked:
            return
        self._seen = replace(self._seen, asked=self._seen.asked - {request})
        with contextlib.suppress(AgentError):
            await answer_to(self._wire, request, answer, text)

    async def compact(self) -> None:
        """Begin a turn that summarises the context."""
        if not self._model:
            raise AgentError(f"{self._spec.kind.name} names no model to summarise with")
        await self._begin_turn()
        self._do(self._summarised())
        self._turn = asyncio.create_task(self._played())

    async def close(self) -> None:
        """End the session's turn, and its server if it is ours; see ``Handle``."""
        if self._turn is not None and self._watch is not None and not self._turn.done():
            await self.cancel()
            patience = min(2.0, self._patience.cancel)
            either = {self._turn, self._watch}
            await asyncio.wait(either, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if self._process is not None:
            self._process.close_input()
            await self._process.end(self._patience)
        elif self._listener is not None and not self._listener.done():
            await take_tools_back(self._wire, self._spec)
            self._listener.cancel()
        if self._watch is not None:
            await self._watch
        elif self._server is not None:
            await self._server.close()

    # -- the start ----------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Reach the server and open the session that the spec asks for."""
        version = await self._reach()
        self._model, size = await chosen_model(self._wire, self._spec)
        self._session = await opened(self._wire, self._spec, self._patience.cancel)
        self._seen = fresh(Seen(self._session, size=size), ())
        await self._give_tools()
        self._listener = asyncio.create_task(self._listened())
        self._watch = asyncio.create_task(self._watched())
        streaming = asyncio.create_task(self._open.wait())
        await asyncio.wait({streaming, self._watch}, return_when=asyncio.FIRST_COMPLETED)
        streaming.cancel()
        if not self._open.is_set():
            raise ConnectionError(self._lost)
        self._sink(Started(time.time(), "opencode", version, self._session))

    async def _reach(self) -> str:
        if self._spec.kind.url:
            self._server = attached(self._spec)
        else:
            self._process, auth = await launched(self._spec)
            url = await address(self._process)
            self._do(drained(self._process))
            self._server = Server(url, self._spec.folder, auth)
        patience = min(_REACH, self._spec.deadline) if self._spec.kind.url else self._spec.deadline
        version = await self._wire.version(patience)
        if not re.match(r"1\.[0-9]", version):
            raise AgentError(
                f"the server of {self._spec.kind.name} is OpenCode {version or 'of no version'}; coord speaks with 1.x",
                hint="use the adapter acp with it",
            )
        # A copy stays in the folder of its original, whatever it is given: no fork_cwd.
        self._caps = Caps(
            "opencode",
            version,
            resume=True,
            fork=True,
            usage=True,
            cost=True,
            sees_unknown_tools=True,
            sees_retry=True,
            compact=True,
        )
        return version

    @property
    def _wire(self) -> Server:
        if self._server is None:
            raise UnreachableError("there is no server")
        return self._server

    async def _give_tools(self) -> None:
        for why in await given_tools(self._wire, self._spec):
            self._sink(Noted(time.time(), "tools", f"the agent has no tools of {why}"))

    # -- a turn -------------------------------------------------------------------------------------------------

    async def _begin_turn(self) -> None:
        if self._busy:
            raise AgentError("a turn is under way")
        if self._watch is None or self._watch.done():
            raise UnreachableError(self._lost)
        self._busy, self._cancelled = True, False
        try:
            self._seen = fresh(self._seen, await self._wire.messages(self._session, _MANY))
        except AgentError:
            self._busy = False
            raise
        self._woken.clear()

    async def _give(self, body: Mapping[str, Any]) -> None:
        path = f"/session/{self._session}/prompt_async"
        try:
            await self._wire.post(path, body, timeout=self._spec.deadline)
        except UnreachableError:
            # It may have taken it all the same; a prompt that is given twice is done twice.
            if not [one for one in await self._wire.messages(self._session, _FEW) if self._is_new(one)]:
                raise

    def _is_new(self, message: Mapping[str, Any]) -> bool:
        return mapping(message.get("info")).get("id") not in self._seen.past

    async def _played(self) -> None:
        since = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _OFTEN if since else _SELDOM)
            self._woken.clear()
            try:
                look = await self._look(time.monotonic() - since if since else 0.0)
            except AgentError:
                since = 0.0
                continue
            if (ended := turn_end(self._seen, look, time.time(), cancelled=self._cancelled)) is not None:
                self._end_turn(ended)
                return
            since = 0.0 if look.busy else since or time.monotonic()

    async def _look(self, idle: float) -> Look:
        busy = await self._wire.busy(self._session)
        messages = await self._wire.messages(self._session, _FEW)
        for event in told(messages):
            self._hear(event)
        return Look(busy, messages, idle)

    def _end_turn(self, ended: TurnEnded) -> None:
        if self._busy:
            self._busy = False
            self._sink(ended)

    async def _summarised(self) -> None:
        try:
            await self._wire.post(f"/session/{self._session}/summarize", self._model, timeout=600.0)
        except RefusedError as error:
            self._seen = replace(self._seen, error={"message": error.message})
        except UnreachableError:
            pass  # the listener tells whether it is gone
        self._woken.set()

    async def _cancelled_in_time(self) -> None:
        turn = self._turn
        for request in self._seen.asked:
            # A question that nobody answers keeps it busy for ever.
            await self.answer(request, Answer.REJECT)
        with contextlib.suppress(AgentError):
            await self._wire.post(f"/session/{self._session}/abort", {}, timeout=self._patience.cancel)
        self._woken.set()
        if turn is None:
            return
        await asyncio.wait({turn}, timeout=self._patience.cancel)
        if not turn.done():
            await self._forced(turn)

    async def _forced(self, turn: asyncio.Task[None]) -> None:
        if self._process is not None:
            await self._process.end(self._patience)
            return
        turn.cancel()
        self._end_turn(
            TurnEnded(time.time(), Outcome.INTERRUPTED, "its server goes on with a turn that was aborted")
        )

    # -- what happens -------------------------------------------------------------------------------------------

    def _do(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    def _hear(self, event: Mapping[str, Any]) -> None:
        if not self._busy:
            return  # what others do in the session, and what comes late, is no turn of ours
        self._seen, events = read(self._seen, event, time.time())
        for one in events:
            self._sink(one)
        if event.get("type") in ("session.idle", "session.error"):
            self._woken.set()

    async def _listened(self) -> None:
        failures = 0
        while failures <= self._reconnects:
            try:
                async with contextlib.aclosing(self._wire.events()) as events:
                    async for event in events:
                        if event.get("type") == "server.connected":
                            await self._reconciled()
                            failures = 0
                        self._hear(event)
            except AgentError as error:
                self._lost = error.message
            if self._process is not None and self._process.code is not None:
                return
            failures += 1
            await asyncio.sleep(pause(failures))

    async def _reconciled(self) -> None:
        """Make good what a pause of the stream may have lost."""
        if self._open.is_set():
            known = mapping(await self._wire.get("/mcp"))
            if any(tools.name not in known for tools in self._spec.servers):
                await self._give_tools()
        if self._busy:
            self._seen = resumed(self._seen)
            for event in await missed(self._wire, self._session):
                self._hear(event)
        self._lost = ""
        self._open.set()
        self._woken.set()

    # -- the end ------------------------------------------------------------------------------------------------

    async def _watched(self) -> None:
        listener = self._listener
        if listener is None:
            return
        code = await self._outlived(listener)
        listener.cancel()
        await asyncio.wait({listener})
        why = self.last_words or self._lost or "its server does not answer any more"
        self._lost = self._lost or "the server is gone"
        if self._turn is not None:
            self._turn.cancel()
            await asyncio.wait({self._turn})
        self._end_turn(TurnEnded(time.time(), Outcome.INTERRUPTED, one_line(f"the server is gone: {why}")))
        for job in tuple(self._jobs):
            if job is not asyncio.current_task() and self._process is None:
                job.cancel()
        await self._wire.close()
        self._sink(Gone(time.time(), self.last_words or ("" if code is not None else self._lost), code))

    async def _outlived(self, listener: asyncio.Task[None]) -> int | None:
        """Wait until the server is gone; return the exit code of one that was ours."""
        process = self._process
        if process is None:
            await asyncio.wait({listener})
            return None
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ended, listener}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await process.end(self._patience)
        await asyncio.wait({listener}, timeout=0.4)  # what it said last may still be in the stream
        code = await ended
        # The commands of its agent have process groups of their own.
        secret = self._spec.environment.get(processes.SESSION)
        if secret:
            await asyncio.to_thread(processes.end, processes.leftovers(None, {secret}))
        return code


class OpencodeAdapter:
    """Starts sessions of OpenCode over HTTP."""

    def __init__(self, patience: Patience | None = None, reconnects: int = RECONNECTS) -> None:
        self._patience = patience or Patience()
        self._reconnects = reconnects

    async def start(self, spec: SessionSpec, sink: Sink) -> OpencodeHandle:
        """Start a server, or reach a running one, and open a session; see ``AgentAdapter``."""
        if spec.copy:
            raise AgentError(f"{spec.kind.name} cannot copy a session into another folder")
        handle = OpencodeHandle(spec, sink, self._patience, self._reconnects)
        try:
            await asyncio.wait_for(handle.begin(), spec.deadline)
        except BaseException as error:
            await handle.close()
            if (said := failure(error, spec, handle.last_words)) is not None:
                raise said from error
            raise
        return handle


ADAPTER = OpencodeAdapter()
