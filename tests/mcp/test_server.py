"""The server as agents start it: a process, the official client, the protocol on stdout and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from coord.core.session import SessionRecord
from tests.mcp.conftest import Bench

COMMAND = (sys.executable, "-P", "-m", "coord", "mcp")


def environment(record: SessionRecord | None = None) -> dict[str, str]:
    secret = {"COORD_SESSION": f"secret of {record.branch}"} if record else {}
    return {**os.environ, **secret}


def server(at: Path, record: SessionRecord | None = None) -> StdioServerParameters:
    return StdioServerParameters(
        command=COMMAND[0], args=list(COMMAND[1:]), env=environment(record), cwd=str(at)
    )


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


def test_an_implementation_goes_from_first_call_to_done(bench: Bench) -> None:
    one = bench.session("feat/auth")
    (Path(one.worktree) / "src").mkdir(exist_ok=True)
    (Path(one.worktree) / "src/new.txt").write_text("new\n")

    async def talk() -> list[tuple[bool, str]]:
        # It is started in the main checkout on purpose: whose it is comes from the secret.
        async with Client(server(bench.desk, one)) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == ["worktree", "memory"]
            said = []
            for name, args in (
                ("worktree", {"action": "current"}),
                ("worktree", {"action": "commit", "args": {"message": "x"}}),
                ("worktree", {"action": "notify", "args": {"message": "y" * 10_000_000}}),
                ("worktree", {"action": "spawn", "args": {"tasks": ["db"]}}),
                ("worktree", {"action": "done", "message": "beside the action"}),
                ("memory", {"tool": "context", "args": "{}"}),
                ("wroktree", {}),
            ):
                result = await client.call_tool(name, args)
                said.append((result.is_error, text(result)))
            return said

    said = anyio.run(talk)
    assert [failed for failed, _ in said] == [False, False, True, True, False, False, True]
    assert f"session: {one.id}" in said[0][1]
    assert "10000000 characters" in said[2][1]
    assert bench.world.land().outcome("auth")["outcome"] == "landed"
    assert "beside the action" in bench.world.show("tasks/auth.md")


SCRIPT = """```script
[{"edit": {"path": "src/{{ task }}.txt", "text": "new\\n"}},
 {"tool": {"name": "worktree", "args": {"action": "commit", "args": {"message": "{{ task }}"}}}},
 {"tool": {"name": "worktree", "args": {"action": "done", "args": {"summary": "made by {{ task }}"}}}}]
```
"""


def test_a_coordinator_spawns_waits_and_lands(bench: Bench) -> None:
    async def talk() -> str:
        async with Client(server(bench.desk)) as client:

            async def call(action: str, **args: Any) -> str:
                result = await client.call_tool("worktree", {"action": action, "args": args})
                assert not result.is_error, text(result)
                return text(result)

            started = await call("spawn", tasks=["auth"], prompt=SCRIPT, agent="implementation-specialist")
            assert "note: the branches begin with feat/" in started
            assert "no agent 'implementation-specialist' is configured" in started
            for _ in range(50):
                if "done" in (await call("sessions")).partition("\n")[2]:
                    break
                await call("wait", seconds=5, until="sessions")
            said = await client.call_tool(
                "memory", {"tool": "messages", "args": {"sessionId": "auth", "showTools": True}}
            )
            assert "mcp__coord__worktree [completed]" in text(said)
            return await call("merge")

    assert "landed" in anyio.run(talk)
    assert bench.world.statuses()["auth"] == "completed"
    assert "made by auth" in bench.world.show("tasks/auth.md")


@pytest.mark.soak
def test_sessions_without_a_task_are_started_opened_copied_and_ended(bench: Bench) -> None:
    agent = {"agent": "scripted"}
    branches = ("wt/feature-audit", "wt/there", "wt/copy")

    async def talk() -> None:
        async with Client(server(bench.desk)) as client:

            async def call(action: str, **args: Any) -> str:
                result = await client.call_tool("worktree", {"action": action, "args": args})
                assert not result.is_error, text(result)
                return text(result)

            await call("create", name="x", branch="wt/there")
            assert "wt/feature-audit" in await call("swarm", tasks=["Feature audit"], **agent)
            assert "wt/there" in await call("open", pathOrBranch="there", openSessions=True, **agent)
            told = await call("message", sessionID="wt/there", message="--hello")
            assert "has taken it" in told or "it gets the message" in told
            assert "wt/copy" in await call("fork", name="copy", sessionID="wt/there")
            sessions = await call("sessions")
            assert [branch in sessions for branch in branches] == [True] * 3
            for branch in branches:
                await call("abort", sessionID=branch, reason="--enough")
            assert "there is no session" in await call("sessions")

    anyio.run(talk)


def test_stdout_holds_the_protocol_and_nothing_else(bench: Bench) -> None:
    requests = [
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "worktree", "arguments": {"action": "plan"}}},
        {
            "id": 3,
            "method": "tools/call",
            "params": {"name": "worktree", "arguments": {"action": "wait", "seconds": 300}},
        },
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **request}) + "\n" for request in requests)
    process = subprocess.Popen(
        COMMAND, cwd=bench.desk, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines)
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    # The third call waits for minutes; that the client goes away ends it.
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["isError"] is False
    assert "next: " in answers[1]["result"]["content"][0]["text"]
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())


def test_without_the_package_it_says_what_to_install(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "mcp.py").write_text("raise ImportError('no', name='mcp')\n")
    words = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from coord.cli import run; sys.exit(run(['mcp']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", words, str(broken)],
        cwd=bench.desk,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "pip install '.[agents]'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [["mcp", "--help"]])
def test_help_is_there_without_a_repository(words: list[str], tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "coord", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "COORD_SESSION" in result.stdout
