"""Agents that are started once a turn: an argument list, the prompt on stdin or in a file, events on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
import uuid
from dataclasses import replace

from coord.agents.base import AgentError, Answer, Caps, SessionSpec, Sink
from coord.agents.claude import ClaudeHandle
from coord.agents.process import AgentProcess, Patience, launch
from coord.core.agentevent import Gone, Started
from coord.core.agents import PYTHON, Dialect
from coord.core.dialects import Heard, heard, turn_end
from coord.core.invocation import Invocation, invocation
from coord.core.text import one_line

_CAPS: dict[Dialect, Caps] = {
    Dialect.PLAIN: Caps(),
    Dialect.CODEX: Caps(resume=True, usage=True, sees_retry=True),
    Dialect.GEMINI: Caps(resume=True, usage=True, sees_unknown_tools=True),
    Dialect.OPENCODE: Caps(resume=True, fork=True, usage=True, cost=True, sees_unknown_tools=True),
}


class CommandHandle:
    """An agent of which a process runs only while a turn is under way."""

    def __init__(self, spec: SessionSpec, sink: Sink, patience: Patience, session: str) -> None:
        self._spec = spec
        self._sink = sink
        self._patience = patience
        self._session = session
        self._copy = spec.copy
        self._process: AgentProcess | None = None
        self._turn: asyncio.Task[None] | None = None
        self._turns = 0
        self._cancelled = False
        self._closed = False
        self._ending: asyncio.Task[None] | None = None
        words = " ".join(spec.kind.command)
        self._caps = replace(
            _CAPS[spec.kind.dialect],
            agent=spec.kind.name,
            resume=_CAPS[spec.kind.dialect].resume or "{session}" in words,
        )

    @property
    def caps(self) -> Caps:
        """Return what the agent can do."""
        return self._caps

    @property
    def pid(self) -> int | None:
        """Return the process of the turn under way."""
        return self._process.pid if self._process is not None and self._process.code is None else None

    async def prompt(self, text: str) -> None:
        """Begin a turn; see ``Handle``."""
        if self._closed:
            raise AgentError(f"{self._spec.kind.name} has been closed")
        if self._turn is not None and not self._turn.done():
            raise AgentError("a turn is under way")
        self._turns += 1
        self._cancelled = False
        call = self._invocation(text)
        self._process = await launch(self._spec, command=call.command)
        try:
            await asyncio.wait_for(_feed(self._process, call.stdin), self._spec.deadline)
        except TimeoutError as error:
            await self._process.end(self._patience)
            raise AgentError(f"{self._spec.kind.name} did not take the prompt") from error
        self._turn = asyncio.create_task(self._played(self._process))

    async def steer(self, text: str) -> None:
        """Nothing reaches a turn that is under way."""
        del text
        raise AgentError(f"{self._spec.kind.name} cannot be steered during a turn")

    async def cancel(self) -> None:
        """End the process of the turn."""
        if self._turn is not None and not self._turn.done() and self._process is not None:
            self._cancelled = True
            self._ending = asyncio.create_task(self._process.end(self._patience))

    async def answer(self, request: str, answer: Answer, text: str = "") -> None:
        """Such an agent asks nothing."""

    async def compact(self) -> None:
        """Such an agent has no command for it."""
        raise AgentError(f"{self._spec.kind.name} has no command to summarise its context")

    async def close(self) -> None:
        """End the turn under way; see ``Handle``."""
        if self._closed:
            return
        self._closed = True
        self._cancelled = True
        if self._process is not None:
            await self._process.end(self._patience)
        if self._turn is not None:
            await asyncio.wait({self._turn})
        self._sink(Gone(time.time(), "", self._process.code if self._process is not None else None))

    def _invocation(self, text: str) -> Invocation:
        file = self._spec.scratch / f"prompt-{self._turns}.md"
        kind = replace(self._spec.kind, model=self._spec.model or self._spec.kind.model)
        call = invocation(kind, text, prompt_file=str(file), session=self._session, copy=self._copy)
        if call.uses_file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return call

    async def _played(self, process: AgentProcess) -> None:
        said = Heard()
        reading = asyncio.create_task(self._read(process))
        code = await process.wait()
        # What left the group may hold the pipe for ever.
        await asyncio.wait({reading}, timeout=0.4)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            said = await reading
        await process.end(self._patience)
        if said.session and said.session != self._session and not said.session.startswith("-"):
            self._session, self._copy = said.session, False
            self._sink(Started(time.time(), self._caps.agent, said.version, self._session))
        self._sink(turn_end(self._spec.kind.dialect, said, time.time(), code=code, cancelled=self._cancelled))

    async def _read(self, process: AgentProcess) -> Heard:
        said = Heard()
        with contextlib.suppress(asyncio.CancelledError):
            while line := await _line(process):
                text = line.decode(errors="replace").rstrip("\n")
                said, events = heard(self._spec.kind.dialect, said, text, time.time())
                for event in events:
                    self._sink(event)
        return said


class CommandAdapter:
    """Starts agents that are commands."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    async def start(self, spec: SessionSpec, sink: Sink) -> CommandHandle | ClaudeHandle:
        """Return a handle; see ``AgentAdapter``. A process is started by the first prompt, Claude Code's now."""
        _check_words(spec)
        if spec.kind.dialect is Dialect.CLAUDE:
            return await ClaudeHandle.start(spec, sink, self._patience)
        _find(spec)
        session = spec.foreign
        if not session and "{session}" in " ".join(spec.kind.command):
            session = str(uuid.uuid4())
        handle = CommandHandle(spec, sink, self._patience, session)
        _check(spec, handle.caps)
        sink(Started(time.time(), spec.kind.name, "", session))
        return handle


ADAPTER = CommandAdapter()


def _check(spec: SessionSpec, caps: Caps) -> None:
    if spec.foreign and spec.copy and not caps.fork_cwd:
        raise AgentError(f"{spec.kind.name} cannot copy a session into another folder")
    if spec.foreign and not caps.resume:
        raise AgentError(f"{spec.kind.name} cannot take up a session")


def _check_words(spec: SessionSpec) -> None:
    # What begins with a dash would be an option of the agent.
    for word in (spec.model, spec.foreign):
        if word.startswith("-"):
            raise AgentError(f"{one_line(word)} is no name of a model or a session")


def _find(spec: SessionSpec) -> None:
    program = next(iter(spec.kind.command), "")
    if not program:
        raise AgentError(
            f"the agent {spec.kind.name} has no command", hint=f"[agents.{spec.kind.name}] command"
        )
    path = os.pathsep.join(os.get_exec_path(spec.environment))
    if (
        program != PYTHON
        and shutil.which(program, path=path) is None
        and not (spec.folder / program).is_file()
    ):
        raise AgentError(
            f"the agent {spec.kind.name} cannot be started: {program} is not on the PATH",
            hint=f"install {spec.kind.name}, or give its command in [agents.{spec.kind.name}]",
        )


async def _feed(process: AgentProcess, text: str) -> None:
    # An agent that has its prompt in a file may have ended before it is told that stdin has nothing.
    with contextlib.suppress(OSError, RuntimeError):
        process.stdin.write(text.encode())
        await process.stdin.drain()
    process.close_input()


async def _line(process: AgentProcess) -> bytes:
    while True:
        try:
            return await process.stdout.readline()
        except ValueError:
            # Beyond the limit of a line: left out.
            continue
