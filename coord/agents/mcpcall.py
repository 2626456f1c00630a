"""Calls of the tools of MCP servers by the scripted agent, over stdio as real agents make them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import IO, Any, cast

PROTOCOL = "2025-06-18"

_running: dict[str, Client] = {}


class Client:
    """A server that was started for the session, and lives as long as the agent."""

    def __init__(self, server: dict[str, Any], cwd: Path) -> None:
        own = {one["name"]: one["value"] for one in server.get("env", [])}
        self._count = 0
        self._process = subprocess.Popen(
            [server["command"], *server.get("args", [])],
            cwd=cwd,
            env={**os.environ, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        client = {"name": "scripted", "version": "1"}
        self.ask("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client})
        self._send({"method": "notifications/initialized"})

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the answer. Raises ConnectionError when the server has ended."""
        self._count += 1
        self._send({"id": self._count, "method": method, "params": params})
        for line in self._output:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._count and "method" not in answer:
                return answer
        raise ConnectionError(f"the server ended: exit {self._process.wait()}")

    def _send(self, message: dict[str, Any]) -> None:
        self._input.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._input.flush()


def call(server: dict[str, Any] | None, tool: str, arguments: dict[str, Any], cwd: Path) -> tuple[bool, str]:
    """Return whether the tool did what it was asked, and its text; the server is started by the first call."""
    if server is None:
        return False, "the session was given no such server"
    try:
        client = _running.get(server["name"]) or Client(server, cwd)
        _running[server["name"]] = client
        answer = client.ask("tools/call", {"name": tool, "arguments": arguments})
    except (OSError, ValueError) as error:
        _running.pop(server["name"], None)
        return False, f"the server cannot be used: {error}"
    result = answer.get("result") or {}
    text = "\n".join(block.get("text", "") for block in result.get("content", []))
    failed = "error" in answer or result.get("isError")
    return not failed, text or json.dumps(answer.get("error", ""))
