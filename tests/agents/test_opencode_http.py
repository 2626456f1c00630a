"""What only a server shows: it outlives its sessions, its stream breaks, it is restarted, others use it too."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from coord.agents.base import AgentError, Answer, ToolServer
from coord.agents.opencode_http import OpencodeAdapter
from coord.agents.process import Patience
from coord.core.agentevent import (
    Asked,
    Child,
    Compacted,
    Gone,
    Outcome,
    Phase,
    Retrying,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Used,
)
from coord.core.agents import PYTHON, AgentKind
from coord.errors import UsageError
from coord.sessions.launching import resolved
from tests.agents.contract import OPENCODE, PROGRAMS, Heard, Place, Played, begin, play, script


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@dataclass
class Running:
    """A server that the user has started."""

    place: Place
    port: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        program = str(PROGRAMS / "opencode_server.py")
        environment = {**self.place.environment, "OPENCODE_SERVER_PASSWORD": "users", **self.variables}
        environment.pop("COORD_SESSION")
        self.process = subprocess.Popen(
            [sys.executable, program, "--port", str(self.port)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r":(\d+)$", self.process.stdout.readline().strip())
        assert found
        self.port = int(found[1])

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def kind(self) -> AgentKind:
        return replace(OPENCODE, url=f"http://127.0.0.1:{self.port}", command=("not", "started"))

    async def begin(self, **more: Any) -> Played:
        heard = Heard()
        environment = {**self.place.environment, "OPENCODE_SERVER_PASSWORD": "users"}
        spec = self.place.spec(self.kind, environment=environment, **more)
        adapter = OpencodeAdapter(Patience(cancel=3.0, terminate=1.0), reconnects=3)
        return Played(await adapter.start(spec, heard), heard)


@pytest.fixture
def running(place: Place) -> Iterator[Running]:
    server = Running(place)
    server.start()
    with contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        yield server


def test_a_turn_is_told_with_all_that_happens_in_it(place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(OPENCODE))
        ended = await agent.turn(
            {"wrong": "nosuch"}, {"retry": "overloaded"}, {"child": "x"}, {"say": "done"}
        )
        assert ended.outcome is Outcome.END_TURN
        wrong = agent.heard.of(Tool)[-1]
        assert (wrong.name, wrong.state) == ("nosuch", ToolState.INVALID)
        assert [one.reason for one in agent.heard.of(Retrying)] == ["overloaded"]
        assert [one.running for one in agent.heard.of(Child)] == [True, False]
        assert agent.heard.of(Used)[-1] == Used(agent.heard.of(Used)[-1].at, 15, 1000, 0.01)
        assert agent.heard.words == "(turn 1)done"
        await agent.handle.close()

    play(story())


def test_an_answer_that_was_cut_off_is_no_clean_end(place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(OPENCODE))
        assert (await agent.turn({"length": "cut off te"})).outcome is Outcome.LENGTH
        await agent.handle.close()

    play(story())


@pytest.mark.parametrize(
    ("verb", "answer", "heard"),
    [
        ("permission", Answer.ONCE, "answered once"),
        ("permission", Answer.ALWAYS, "answered always"),
        ("permission", Answer.REJECT, "answered reject"),
        ("question", Answer.ONCE, "answered [['blue']]"),
        ("question", Answer.REJECT, "answered reject"),
    ],
)
def test_what_it_asks_is_answered(place: Place, verb: str, answer: Answer, heard: str) -> None:
    async def story() -> None:
        agent = await begin(place.spec(OPENCODE))
        await agent.handle.prompt(script({verb: "/etc/passwd"}))
        asked = await agent.asked()
        assert asked.phase is (Phase.QUESTION if verb == "question" else Phase.PERMISSION)
        assert asked.paths == (() if verb == "question" else ("/etc/passwd",))
        await agent.handle.answer("per_unknown", Answer.ALWAYS)
        await agent.handle.answer(asked.request, answer, "blue")
        assert (await agent.heard.until(TurnEnded)).outcome is Outcome.END_TURN
        assert heard in agent.heard.words
        await agent.handle.close()

    play(story())


def test_a_cancel_does_not_leave_a_question_that_keeps_it_busy(place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(OPENCODE))
        await agent.handle.prompt(script({"question": "Which?"}, {"hang": True}))
        await agent.asked()
        await agent.handle.cancel()
        assert (await agent.heard.until(TurnEnded)).outcome is Outcome.CANCELLED
        assert (await agent.turn({"say": "again"})).outcome is Outcome.END_TURN
        await agent.handle.close()

    play(story())


def test_its_context_is_summarised(place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(OPENCODE))
        await agent.turn({"say": "one"})
        await agent.handle.compact()
        assert (await agent.heard.until(TurnEnded, 2)).outcome is Outcome.END_TURN
        assert len(agent.heard.of(Compacted)) <= 1
        await agent.handle.close()

    play(story())


@pytest.mark.parametrize("version", ["2.0.1", "", "10.1.0"])
def test_a_server_of_another_generation_is_refused(place: Place, version: str) -> None:
    async def story() -> None:
        environment = {**place.environment, "COORD_FAKE_VERSION": version}
        with pytest.raises(AgentError, match=r"coord speaks with 1\.x"):
            await begin(place.spec(OPENCODE, environment=environment))

    play(story())


def test_a_connection_that_is_never_answered_during_its_start_is_given_up(place: Place) -> None:
    async def story() -> None:
        environment = {**place.environment, "COORD_FAKE_DEAF": "1"}
        agent = await begin(place.spec(OPENCODE, environment=environment))
        await agent.handle.close()

    play(story())


def test_only_a_session_of_the_folder_is_taken_up(place: Place) -> None:
    async def story() -> None:
        first = await begin(place.spec(OPENCODE))
        foreign = first.heard.of(Started)[0].foreign
        await first.handle.close()
        elsewhere = place.root / "elsewhere"
        elsewhere.mkdir()
        spec = replace(place.spec(OPENCODE, foreign=foreign), folder=elsewhere)
        with pytest.raises(AgentError, match="another folder's session"):
            await begin(spec)
        with pytest.raises(AgentError, match="Session not found"):
            await begin(place.spec(OPENCODE, foreign="ses_0"))
        with pytest.raises(AgentError, match="is no name of a session"):
            await begin(place.spec(OPENCODE, foreign="../ses_1?x=/"))
        with pytest.raises(AgentError, match="has no model other/one"):
            await begin(place.spec(OPENCODE, model="other/one"))

    play(story())


def test_a_running_server_is_used_and_left_running(running: Running) -> None:
    async def story() -> None:
        agent = await running.begin(servers=(ToolServer("coord", (PYTHON, "-c", "pass")),))
        assert agent.handle.pid is None
        assert (await agent.turn({"say": "hello"})).outcome is Outcome.END_TURN
        turn = await _hanging(agent)
        await agent.handle.close()
        await agent.handle.close()
        assert turn is agent
        assert agent.heard.of(TurnEnded)[-1].outcome is Outcome.CANCELLED
        assert [one.code for one in agent.heard.of(Gone)] == [None]

    play(story())
    assert running.process is not None
    assert running.process.poll() is None


async def _hanging(agent: Played) -> Played:
    await agent.handle.prompt(script({"say": "busy"}, {"hang": True}))
    await agent.heard.says("busy")
    return agent


def test_a_running_server_needs_no_program_on_this_machine(running: Running) -> None:
    assert resolved(running.kind).url == running.kind.url
    with pytest.raises(UsageError, match="no program 'not'"):
        resolved(replace(running.kind, url=""))


def test_a_wrong_password_is_told(running: Running) -> None:
    async def story() -> None:
        environment = {**running.place.environment, "OPENCODE_SERVER_PASSWORD": "other"}
        with pytest.raises(AgentError, match="401"):
            await begin(running.place.spec(running.kind, environment=environment))

    play(story())


def test_a_pause_of_the_stream_loses_nothing_and_repeats_nothing(running: Running) -> None:
    async def story() -> None:
        agent = await running.begin()
        steps: list[dict[str, Any]] = [{"say": "one "}, {"fail_tool": "read"}, {"cut": 1}, {"say": "two "}]
        ended = await agent.turn(*steps, {"wrong": "nosuch"}, {"pause": 1.0}, {"say": "three"})
        assert ended.outcome is Outcome.END_TURN
        assert agent.heard.words == "(turn 1)one two three"
        told = [(one.call, one.state) for one in agent.heard.of(Tool)]
        assert len(told) == len(set(told)), "nothing is told twice"
        assert {one.name for one in agent.heard.of(Tool)} == {"read", "nosuch"}
        await agent.handle.close()

    play(story())


def test_what_is_asked_during_a_pause_is_heard(running: Running) -> None:
    async def story() -> None:
        agent = await running.begin()
        await agent.handle.prompt(script({"cut": 1}, {"permission": "/etc/passwd"}))
        asked = await agent.heard.until(Asked)
        await agent.handle.answer(asked.request, Answer.REJECT)
        await agent.heard.until(TurnEnded)
        assert len(agent.heard.of(Asked)) == 1
        await agent.handle.close()

    play(story())


def test_a_server_that_is_restarted_ends_the_turn_and_the_session_goes_on(running: Running) -> None:
    async def story() -> None:
        agent = await running.begin(servers=(ToolServer("coord", (PYTHON, "-c", "pass")),))
        await _hanging(agent)
        running.kill()
        running.start()
        ended = await agent.heard.until(TurnEnded)
        assert ended.outcome is Outcome.INTERRUPTED
        assert "stopped in the middle" in ended.detail
        assert (await agent.turn({"say": "again"})).outcome is Outcome.END_TURN
        assert "(turn 2)" in agent.heard.words
        assert agent.heard.of(Gone) == []
        await agent.handle.close()

    play(story())


def test_a_server_that_does_not_come_back_is_gone(running: Running) -> None:
    async def story() -> None:
        agent = await running.begin()
        await _hanging(agent)
        running.kill()
        gone = await agent.gone()
        assert "does not answer" in gone.detail or "ended" in gone.detail
        assert agent.heard.of(TurnEnded)[-1].outcome is Outcome.INTERRUPTED
        with pytest.raises(AgentError):
            await agent.handle.prompt("hello?")
        await agent.handle.close()

    play(story())


def test_an_address_that_is_none_and_a_folder_that_is_not_there_are_refused(place: Place) -> None:
    async def story() -> None:
        with pytest.raises(AgentError, match="no address of a server"):
            await begin(place.spec(replace(OPENCODE, url="file:///etc/passwd")))
        url = replace(OPENCODE, url="http://127.0.0.1:9")
        with pytest.raises(AgentError, match="is not there"):
            await begin(replace(place.spec(url), folder=place.root / "nowhere"))
        with pytest.raises(AgentError, match=r"does not answer|did not answer"):
            await begin(place.spec(url, deadline=0.5))

    play(story())
