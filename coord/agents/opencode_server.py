"""How a session comes to a server of OpenCode: one of its own, or a running one that the user named."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from dataclasses import replace

from coord.agents.base import AgentError, SessionSpec
from coord.agents.opencode_wire import Server
from coord.agents.process import AgentProcess, launch

_LISTENING = re.compile(rb"listening on (http://[0-9A-Za-z.:\[\]-]+)")

#: With port 0 it tries its usual one first and takes any other when that is in use.
_WHERE = ("--hostname", "127.0.0.1", "--port", "0")

_USER, _PASSWORD = "OPENCODE_SERVER_USERNAME", "OPENCODE_SERVER_PASSWORD"


def attached(spec: SessionSpec) -> Server:
    """Return the running server that the agent's ``url`` names. It is the user's: coord never ends it."""
    if not re.match(r"https?://[^/?#@]+/?$", spec.kind.url):
        raise AgentError(
            f"{spec.kind.url} is no address of a server",
            hint=f'[agents.{spec.kind.name}] url = "http://127.0.0.1:4096"',
        )
    if not spec.folder.is_dir():
        # The server itself takes any folder, and works in it as if it were there.
        raise AgentError(f"the folder {spec.folder} of the session is not there")
    password = spec.environment.get(_PASSWORD)
    auth = (spec.environment.get(_USER, "opencode"), password) if password else None
    return Server(spec.kind.url, spec.folder, auth)


async def launched(spec: SessionSpec) -> tuple[AgentProcess, tuple[str, str]]:
    """Start a server for this session only; return it with the user and the password that it asks for."""
    auth = ("opencode", secrets.token_urlsafe(24))
    environment = {**spec.environment, _PASSWORD: auth[1]}
    environment.pop(_USER, None)
    return await launch(replace(spec, environment=environment), arguments=_WHERE), auth


async def address(process: AgentProcess) -> str:
    """Return where a launched server answers, as it says itself. Raises ConnectionError when it has ended."""
    while line := await process.stdout.readline():
        if found := _LISTENING.search(line):
            return found[1].decode()
    raise ConnectionError("it ended")


async def drained(process: AgentProcess) -> None:
    """Read what it goes on to print: a full pipe would stop it."""
    with contextlib.suppress(ValueError, OSError):
        while await process.stdout.read(2**16):
            await asyncio.sleep(0)
