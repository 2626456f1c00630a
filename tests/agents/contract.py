"""What is asked of every adapter with every agent, and the agents that it is asked of."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import psutil

from coord.agents.acp import AcpAdapter
from coord.agents.base import AgentAdapter, Handle, SessionSpec
from coord.agents.command import CommandAdapter
from coord.agents.opencode_http import OpencodeAdapter
from coord.agents.process import Patience
from coord.core.agentevent import AgentEvent, Asked, Gone, Said, Tool, TurnEnded
from coord.core.agents import PYTHON, Adapter, AgentKind, Dialect

PROGRAMS = Path(__file__).parent / "programs"

SECRET = f"secret-of-the-session-{os.getpid()}"

#: How long a test waits for what must come; what must not come is never waited for.
LIMIT = 20.0

_IMPATIENT = Patience(cancel=3.0, terminate=1.0)

ADAPTERS: dict[Adapter, AgentAdapter] = {
    Adapter.ACP: AcpAdapter(_IMPATIENT),
    Adapter.COMMAND: CommandAdapter(_IMPATIENT),
    Adapter.OPENCODE_HTTP: OpencodeAdapter(_IMPATIENT),
}


def _cli(dialect: Dialect, *words: str) -> AgentKind:
    command = (PYTHON, str(PROGRAMS / "cli.py"), dialect.value, *words)
    return AgentKind(f"fake-{dialect.value}", Adapter.COMMAND, command, dialect=dialect)


SCRIPTED = AgentKind("scripted", Adapter.ACP, (PYTHON, "-m", "coord.agents.scripted"))
CLAUDE = _cli(Dialect.CLAUDE)
OPENCODE = AgentKind(
    "fake-opencode-http", Adapter.OPENCODE_HTTP, (PYTHON, str(PROGRAMS / "opencode_server.py"))
)

#: Agents that have a process only while a turn is under way.
TURNS = (
    _cli(Dialect.PLAIN),
    replace(_cli(Dialect.PLAIN, "--message-file", "{prompt}"), name="fake-file"),
    _cli(Dialect.CODEX),
    _cli(Dialect.GEMINI),
    _cli(Dialect.OPENCODE),
)
LASTING = (SCRIPTED, CLAUDE, OPENCODE)
KINDS = (*LASTING, *TURNS)

T = TypeVar("T")


def script(*steps: dict[str, Any], first: str = "Do it.") -> str:
    """Return a prompt that carries a script."""
    return f"{first}\n```script\n{json.dumps(list(steps))}\n```\n"


class Heard(list[AgentEvent]):
    """A sink that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def __call__(self, event: AgentEvent) -> None:
        self.append(event)
        self._more.set()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self if isinstance(event, kind)]

    async def until(self, kind: type[T], count: int = 1) -> T:
        """Return the ``count``-th event of its kind as soon as it is there."""
        async with asyncio.timeout(LIMIT):
            while len(self.of(kind)) < count:
                self._more.clear()
                await self._more.wait()
        return self.of(kind)[count - 1]

    async def says(self, text: str) -> None:
        """Wait until the agent has said ``text``."""
        async with asyncio.timeout(LIMIT):
            while text not in self.words:
                self._more.clear()
                await self._more.wait()

    @property
    def words(self) -> str:
        return "".join(said.text for said in self.of(Said))

    @property
    def last_tool(self) -> Tool:
        return self.of(Tool)[-1]


@dataclass(frozen=True)
class Place:
    """Where the agents of a test work."""

    root: Path

    @property
    def folder(self) -> Path:
        made = self.root / "worktree"
        made.mkdir(exist_ok=True)
        return made

    @property
    def environment(self) -> dict[str, str]:
        state = self.root / "state"
        state.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "COORD_SCRIPTED_STATE": str(state),
            "COORD_FAKE_STATE": str(state),
            "COORD_SESSION": SECRET,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    def spec(self, kind: AgentKind, **more: Any) -> SessionSpec:
        values: dict[str, Any] = {
            "environment": self.environment,
            "scratch": self.root / "scratch",
            "deadline": LIMIT,
        }
        return SessionSpec(kind, self.folder, **{**values, **more})


class Played:
    """A started agent, what it said, and the ways of a test to talk to it."""

    def __init__(self, handle: Handle, heard: Heard) -> None:
        self.handle = handle
        self.heard = heard

    async def turn(self, *steps: dict[str, Any], first: str = "Do it.") -> TurnEnded:
        """Return how a turn with these steps ended."""
        before = len(self.heard.of(TurnEnded))
        await self.handle.prompt(script(*steps, first=first) if steps else first)
        return await self.heard.until(TurnEnded, before + 1)

    async def asked(self) -> Asked:
        return await self.heard.until(Asked)

    async def gone(self) -> Gone:
        return await self.heard.until(Gone)


async def begin(spec: SessionSpec) -> Played:
    """Start an agent."""
    heard = Heard()
    return Played(await ADAPTERS[spec.kind.adapter].start(spec, heard), heard)


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run a test's story, and let nothing of it outlive it."""
    with no_process_left():
        return asyncio.run(story)


@contextmanager
def no_process_left() -> Iterator[None]:
    """Fail when a process that was started inside is still there at the end."""
    before = set(psutil.pids())
    yield
    assert_dead(_ours(before))


def assert_dead(processes: list[psutil.Process]) -> None:
    """Fail when one of ``processes`` still runs. (One that ended and that nobody has waited for yet is dead.)"""
    end = time.monotonic() + LIMIT
    while alive := [one for one in processes if _runs(one)]:
        assert time.monotonic() < end, [one.pid for one in alive]
        time.sleep(0.01)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ours(before: set[int]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        if process.pid in before:
            continue
        try:
            if process.environ().get("COORD_SESSION") == SECRET:
                found.append(process)
        except psutil.Error:
            continue
    return found
