"""The process of an agent: the leader of its own group, its stderr in a bounded log, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from coord.agents.base import AgentError, SessionSpec
from coord.core.agents import PYTHON
from coord.core.text import one_line

#: Bytes of one line of an agent: a tool's output in one event was 3 MB.
LINE = 64 * 2**20

#: Bytes of stderr that one log file keeps; the one before it stays as ``agent.log.1``.
LOG = 2**20


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds an agent gets: to end its turn after a cancel, and to end after SIGTERM."""

    cancel: float = 20.0
    terminate: float = 5.0


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells when the process itself ends: ``Process.wait`` of some Pythons waits until its pipes are closed too, and a
    child that it left behind holds them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=LINE, loop=loop)
        self.over: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.over.done():
            self.over.set_result(None)


class AgentProcess:
    """A running agent: its pipes, and the ways to end it and all that it started in its group."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol, log: Path) -> None:
        self._transport = transport
        self._protocol = protocol
        process = asyncio.subprocess.Process(transport, protocol, asyncio.get_running_loop())
        self.pid = process.pid
        self.stdin = cast(asyncio.StreamWriter, process.stdin)
        self.stdout = cast(asyncio.StreamReader, process.stdout)
        self._stderr = cast(asyncio.StreamReader, process.stderr)
        self._logging = asyncio.create_task(self._keep(log))
        self._swept = False
        self._tail = b""

    @property
    def code(self) -> int | None:
        """Return how the process ended (negative: by a signal), or None while it runs."""
        return self._transport.get_returncode()

    @property
    def last_words(self) -> str:
        """Return the end of what the agent wrote to its stderr, as one line."""
        return one_line(self._tail.decode(errors="replace"), 400)

    async def wait(self) -> int | None:
        """Return the exit code when the process has ended; what it left in its group has been killed then."""
        await asyncio.shield(self._protocol.over)
        self._sweep()
        return self.code

    async def end(self, patience: Patience) -> None:
        """Terminate the process and its group; kill them when they do not end in time."""
        if self.code is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), patience.terminate)
        self._sweep()
        await self.wait()
        await self._release()

    def close_input(self) -> None:
        """Say to the process that nothing more will come."""
        with contextlib.suppress(OSError, RuntimeError):
            self.stdin.close()

    def interrupt(self) -> None:
        """Ask the process to end, and do not wait for it."""
        if self.code is None:
            self._signal(signal.SIGTERM)

    def _sweep(self) -> None:
        # Once, and at once when the leader has ended: later its number may belong to somebody else.
        if not self._swept:
            self._swept = True
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _keep(self, log: Path) -> None:
        written = log.stat().st_size if log.exists() else 0
        while said := await self._stderr.read(2**16):
            self._tail = (self._tail + said)[-400:]
            if written + len(said) > LOG:
                with contextlib.suppress(OSError):
                    log.replace(log.with_name(log.name + ".1"))
                written = 0
            with contextlib.suppress(OSError), log.open("ab") as file:
                file.write(said)
            written += len(said)

    async def _release(self) -> None:
        # What left the group may hold the pipes for ever; the log has had its chance.
        await asyncio.wait({self._logging}, timeout=0.2)
        self._logging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._logging
        self._transport.close()
        # The transport says its last words in the next round of the loop.
        await asyncio.sleep(0)


async def launch(
    spec: SessionSpec, *, arguments: Sequence[str] = (), command: Sequence[str] = ()
) -> AgentProcess:
    """Start ``command`` (else the spec's own) with ``arguments`` after it, in the spec's folder, with exactly the spec's
    environment. Raises AgentError when it cannot be started."""
    words = [
        sys.executable if word == PYTHON else word for word in (*(command or spec.kind.command), *arguments)
    ]
    if not words:
        raise AgentError(
            f"the agent {spec.kind.name} has no command", hint=f"[agents.{spec.kind.name}] command = [...]"
        )
    if not spec.folder.is_dir():
        raise AgentError(f"the folder {spec.folder} of the session is not there")
    loop = asyncio.get_running_loop()
    spec.scratch.mkdir(parents=True, exist_ok=True)
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(loop),
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=spec.folder,
            env=spec.environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise AgentError(
            f"the agent {spec.kind.name} cannot be started: {words[0]}: {_reason(error)}",
            hint=f"install {spec.kind.name}, or give its command in [agents.{spec.kind.name}]",
        ) from error
    return AgentProcess(transport, protocol, spec.scratch / "agent.log")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
