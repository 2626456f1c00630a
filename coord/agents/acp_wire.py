"""Messages of an ACP agent over its pipes, one JSON object a line.

The package's own framing ends the connection on a line that is JSON but no object, and tells the log of the program;
agents print such lines. Everything else of JSON-RPC is the package's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from coord.agents.process import AgentProcess

#: Told the method of each request and notification when it has been written to the agent.
Written = Callable[[str], None]


class Wire:
    """The transport of one agent's connection."""

    def __init__(self, process: AgentProcess, written: Written) -> None:
        self._process = process
        self._written = written
        self._order = asyncio.Lock()
        self.over = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message; return when the agent's pipe has taken it."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            async with self._order:
                self._process.stdin.write(line)
                await self._process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise ConnectionError("the agent's input is closed") from error
        self._written(str(message.get("method", "")))

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None when there will be none; what is no message is left out."""
        while True:
            try:
                line = await self._process.stdout.readline()
            except (ValueError, OSError):
                # A line beyond the limit: the reader has dropped what it had of it.
                continue
            if not line:
                self.over.set()
                return None
            if (message := _parsed(line)) is not None:
                return message

    async def close(self) -> None:
        """Say that nothing more will come."""
        self._process.close_input()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
