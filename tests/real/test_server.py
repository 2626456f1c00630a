"""The real server of OpenCode 1.18: what the fake one of the contract is held to, and a restart in the middle of a turn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from coord.agents.base import SessionSpec
from coord.agents.opencode_http import OpencodeAdapter
from coord.core.agentevent import Gone, Outcome, Tool, TurnEnded
from coord.core.agents import Adapter, AgentKind
from tests.agents.contract import PROGRAMS, Heard
from tests.real import opencode
from tests.real.model import Model, script, scripted_model, text_of

PASSWORD = "of-the-test"

#: Seconds for what a busy machine does slowly.
LONG = 120.0


@dataclass
class Running:
    """A server and the folder that it is asked about."""

    words: list[str]
    folder: Path
    environment: dict[str, str]
    port: int = 0
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        words = [*self.words, "--hostname", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            words,
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        while not (
            found := re.search(r"listening on http://[0-9.]+:([0-9]+)", self.process.stdout.readline())
        ):
            assert self.process.poll() is None
        self.port = int(found[1])

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def asked(self) -> Iterator[Any]:
        where = {"directory": str(self.folder)}
        with httpx2.Client(
            base_url=self.url, auth=("opencode", PASSWORD), params=where, timeout=LONG, trust_env=False
        ) as client:
            yield client


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model() as made:
        yield made


def _real(root: Path, model: Model) -> Running:
    words = [str(opencode.PROGRAM), "serve"]
    return Running(words, root / "wt", opencode.environment(root / "agent-home", model.url))


def _fake(root: Path, _model: Model) -> Running:
    words = [sys.executable, str(PROGRAMS / "opencode_server.py")]
    return Running(words, root / "wt", {"COORD_FAKE_STATE": str(root)})


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=opencode.needed)])
def server(
    request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("server")
    (root / "wt").mkdir()
    made = (_real if request.param == "real" else _fake)(root, model)
    own = {"PATH": os.environ["PATH"], "HOME": str(root), "OPENCODE_SERVER_PASSWORD": PASSWORD}
    made.environment = own | made.environment
    made.start()
    yield made
    made.kill()


def test_it_tells_its_version_and_asks_for_the_password(server: Running) -> None:
    with server.asked() as client:
        assert client.get("/global/health").json() == {"healthy": True, "version": "1.18.33"}
        assert client.get("/session/status", auth=("opencode", "wrong")).status_code == 401


def test_it_names_its_model_and_the_size_of_its_context(server: Running) -> None:
    with server.asked() as client:
        assert client.get("/config").json()["model"] == "fake/fake-1"
        (provider,) = client.get("/config/providers").json()["providers"]
        found = provider["models"]["fake-1"]
        assert (found["id"], found["providerID"]) == ("fake-1", "fake")
        assert found["limit"]["context"] > 0


def test_it_takes_any_folder_and_any_parent(server: Running) -> None:
    with server.asked() as client:
        asked = {"params": {"directory": "/no/such/folder"}, "json": {"parentID": "ses_0123"}}
        made = client.post("/session", **asked)
        assert made.status_code == 200
        assert made.json()["directory"] == "/no/such/folder"
        assert made.json()["parentID"] == "ses_0123"


def test_an_abort_of_a_session_that_is_not_there_is_a_success(server: Running) -> None:
    with server.asked() as client:
        assert client.post("/session/ses_0123/abort", json={}).json() is True
        unknown = client.get("/session/ses_0123")
        assert unknown.status_code == 404
        assert unknown.json() == {
            "name": "NotFoundError",
            "data": {"message": "Session not found: ses_0123"},
        }


def test_a_new_session_is_idle_and_empty(server: Running) -> None:
    with server.asked() as client:
        id = client.post("/session", json={"title": "one"}).json()["id"]
        assert re.fullmatch(r"ses_[0-9A-Za-z_-]{1,100}", id)
        assert id not in client.get("/session/status").json()
        assert client.get(f"/session/{id}/message", params={"limit": 3}).json() == []
        assert client.get(f"/session/{id}/children").json() == []
        assert client.get("/permission").json() == []
        assert client.get("/question").json() == []
        assert client.post("/permission/per_0123/reply", json={"reply": "once"}).status_code == 404


@pytest.mark.soak
@opencode.needed
def test_a_server_that_is_restarted_in_a_turn_interrupts_it_and_remembers(
    model: Model, tmp_path: Path
) -> None:
    (tmp_path / "wt").mkdir()
    server = _real(tmp_path, model)
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPENCODE_SERVER_PASSWORD": PASSWORD}
    server.environment = own | server.environment
    server.start()

    async def story() -> None:
        heard = Heard()
        kind = AgentKind("real", Adapter.OPENCODE_HTTP, url=server.url)
        spec = SessionSpec(kind, server.folder, own, tmp_path / "scratch", deadline=LONG)
        handle = await OpencodeAdapter().start(spec, heard)
        shell = {"tool": "bash", "args": {"command": "sleep 20", "description": "wait"}}
        await handle.prompt("The word is heron." + script(shell))
        await _reached(heard, Tool, 2)
        server.kill()
        server.start()
        assert (await _reached(heard, TurnEnded, 1)).outcome is Outcome.INTERRUPTED
        await handle.prompt("Which word?" + script({"text": "I know it."}))
        assert (await _reached(heard, TurnEnded, 2)).outcome is Outcome.END_TURN
        assert heard.words == "I know it."
        assert heard.of(Gone) == []
        await handle.close()

    try:
        asyncio.run(story())
    finally:
        server.kill()
    last = next(one for one in reversed(model.requests) if "Which word?" in str(one["messages"][-1]))
    assert any("heron" in text_of(one) for one in last["messages"] if one["role"] == "user")


async def _reached(heard: Heard, kind: type[Any], count: int) -> Any:
    async with asyncio.timeout(LONG):
        while len(heard.of(kind)) < count:
            await asyncio.sleep(0.05)
    return heard.of(kind)[count - 1]
