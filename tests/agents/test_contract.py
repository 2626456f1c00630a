"""Every adapter keeps the same promises, with every agent."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from coord.agents.base import AgentError
from coord.core.agentevent import Gone, Outcome, Said, Started, Tool, ToolState, TurnEnded
from coord.core.agents import AgentKind
from tests.agents.contract import (
    CLAUDE,
    KINDS,
    LASTING,
    OPENCODE,
    SCRIPTED,
    TURNS,
    Place,
    assert_dead,
    begin,
    play,
)

each_agent = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_lasting = pytest.mark.parametrize("kind", LASTING, ids=lambda kind: kind.name)
each_turn = pytest.mark.parametrize("kind", TURNS, ids=lambda kind: kind.name)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@each_agent
def test_a_turn_is_begun_and_ends_with_what_the_agent_said(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        assert len(agent.heard.of(Started)) == 1
        ended = await agent.turn({"say": "hello"}, {"fail_tool": "read"})
        assert ended.outcome is Outcome.END_TURN
        assert "hello" in agent.heard.words
        if kind.dialect.value != "plain" or kind is SCRIPTED:
            assert agent.heard.last_tool.state is ToolState.FAILED
        await agent.handle.close()
        assert [type(event) for event in agent.heard][-1] is Gone

    play(story())


@each_agent
def test_the_second_turn_goes_on_with_the_first_ones_session(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        await agent.turn({"say": "one"})
        await agent.turn({"say": "two"})
        await agent.handle.close()
        if agent.handle.caps.resume and kind is not SCRIPTED:
            assert "(turn 2)" in agent.heard.words

    play(story())


@each_agent
def test_a_session_is_taken_up_by_another_process(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        first = await begin(place.spec(kind))
        await first.turn({"say": "one"})
        foreign = first.heard.of(Started)[-1].foreign
        await first.handle.close()
        spec = place.spec(kind, foreign=foreign or "unknown")
        if not first.handle.caps.resume:
            with pytest.raises(AgentError, match="cannot take up"):
                await begin(spec)
            return
        again = await begin(spec)
        assert again.heard.of(Said) == [], "what was said before is no news"
        await again.turn({"say": "two"})
        assert again.heard.of(Started)[-1].foreign == foreign
        assert kind is SCRIPTED or "(turn 2)" in again.heard.words
        await again.handle.close()

    play(story())


@each_agent
def test_a_turn_that_is_cancelled_ends_as_cancelled(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        turn = asyncio.create_task(agent.turn({"say": "busy"}, {"hang": True}))
        await agent.heard.says("busy")
        await agent.handle.cancel()
        assert (await turn).outcome is Outcome.CANCELLED
        assert (await agent.turn({"say": "again"})).outcome is Outcome.END_TURN
        await agent.handle.cancel()
        await agent.handle.close()
        assert len(agent.heard.of(TurnEnded)) == 2, "nothing was cancelled when no turn was under way"

    play(story())


@each_agent
def test_only_one_turn_is_under_way_at_a_time(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        turn = asyncio.create_task(agent.turn({"say": "busy"}, {"hang": True}))
        await agent.heard.says("busy")
        with pytest.raises(AgentError, match="turn is under way"):
            await agent.handle.prompt("a second one")
        with pytest.raises(AgentError, match="cannot be steered"):
            await agent.handle.steer("psst")
        await agent.handle.close()
        await turn

    play(story())


@each_agent
def test_closing_ends_a_turn_and_what_the_agent_left_running(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        turn = asyncio.create_task(agent.turn({"orphan": 600}, {"say": "busy"}, {"hang": True}))
        await agent.heard.says("busy")
        pid = agent.handle.pid
        assert pid is not None
        children = psutil.Process(pid).children(recursive=True)
        assert children
        await agent.handle.close()
        await agent.handle.close()
        assert (await turn).outcome in (Outcome.CANCELLED, Outcome.INTERRUPTED)
        assert agent.handle.pid is None
        assert len(agent.heard.of(Gone)) == 1
        assert_dead(children)

    play(story())


@each_agent
def test_an_agent_that_crashes_is_told_of_with_its_children_dead(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        ended = await agent.turn({"orphan": 600}, {"say": "bye"}, {"crash": 3})
        assert ended.outcome in (Outcome.INTERRUPTED, Outcome.ERROR)
        if kind in TURNS:
            assert ended.detail == "exit code 3"
            assert (await agent.turn({"say": "again"})).outcome is Outcome.END_TURN
            await agent.handle.close()
        else:
            assert (await agent.gone()).code == 3
        await agent.handle.close()
        assert len(agent.heard.of(Gone)) == 1

    play(story())


@each_agent
def test_an_error_of_the_model_is_no_clean_end(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        ended = await agent.turn({"error": "400 scripted bad"})
        assert ended.outcome is Outcome.ERROR
        if kind is SCRIPTED or kind.dialect.value != "plain":
            assert "scripted bad" in ended.detail
        await agent.handle.close()

    play(story())


@each_agent
def test_an_event_of_three_megabytes_is_read(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        ended = await agent.turn({"long": 3 * 2**20}, {"say": "after"})
        assert ended.outcome is Outcome.END_TURN
        assert "after" in agent.heard.words
        texts = [one.text for one in agent.heard.of(Said)] + [one.output for one in agent.heard.of(Tool)]
        assert any("characters left out" in text for text in texts)
        await agent.handle.close()

    play(story())


@each_agent
def test_the_agent_has_the_environment_that_it_was_given_and_no_other(
    kind: AgentKind, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COORD_TEST_SECRET", "not for agents")
    seen = place.root / "seen.json"
    dump = f"import json, os; open({str(seen)!r}, 'w').write(json.dumps(dict(os.environ)))"

    async def story() -> None:
        agent = await begin(place.spec(kind))
        await agent.turn({"shell": [sys.executable, "-c", dump]})
        await agent.handle.close()

    play(story())
    found = json.loads(seen.read_text())
    found.pop("LC_CTYPE", None)
    assert (found.pop("OPENCODE_SERVER_PASSWORD", None) is None) is (kind is not OPENCODE)
    assert found == place.environment


@each_agent
def test_a_prompt_that_begins_with_a_dash_is_no_option(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(kind))
        ended = await agent.turn({"say": "read"}, first="--help -rf {session} $(touch hacked)")
        assert ended.outcome is Outcome.END_TURN
        assert "read" in agent.heard.words
        await agent.handle.close()

    play(story())
    assert list(place.folder.iterdir()) == []


@each_agent
def test_an_agent_that_is_not_installed_is_named_with_a_hint(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        missing = replace(kind, command=("no-such-agent", *kind.command[1:]))
        with pytest.raises(AgentError, match="no-such-agent") as caught:
            await begin(place.spec(missing))
        assert "install" in caught.value.hint

    play(story())


@each_lasting
def test_an_agent_that_does_not_answer_in_time_is_ended(kind: AgentKind, place: Place) -> None:
    deaf = replace(kind, command=(kind.command[0], "-c", "import time; time.sleep(600)"))

    async def story() -> None:
        with pytest.raises(AgentError, match="did not answer within"):
            await begin(place.spec(deaf, deadline=0.3))

    play(story())


@each_lasting
def test_an_agent_that_ends_at_once_says_why(kind: AgentKind, place: Place) -> None:
    broken = replace(kind, command=(kind.command[0], "-c", "import sys; sys.exit('no API key')"))

    async def story() -> None:
        with pytest.raises(AgentError, match="ended before its session was ready") as caught:
            await begin(place.spec(broken))
        assert "no API key" in caught.value.hint

    play(story())
    assert "no API key" in (place.root / "scratch" / "agent.log").read_text()


@pytest.mark.parametrize("kind", [SCRIPTED, CLAUDE], ids=lambda kind: kind.name)
def test_a_copy_has_a_session_of_its_own(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        first = await begin(place.spec(kind))
        await first.turn({"say": "one"})
        foreign = first.heard.of(Started)[-1].foreign
        copy = await begin(place.spec(kind, foreign=foreign, copy=True))
        assert copy.heard.of(Started)[-1].foreign not in ("", foreign)
        await copy.turn({"say": "two"})
        await copy.handle.close()
        await first.handle.close()

    play(story())


@pytest.mark.parametrize("kind", [*TURNS, OPENCODE], ids=lambda kind: kind.name)
def test_an_agent_that_cannot_copy_a_session_says_so(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        with pytest.raises(AgentError, match="cannot copy"):
            await begin(place.spec(kind, foreign="abc", copy=True))

    play(story())


@each_turn
def test_a_session_or_a_model_that_looks_like_an_option_is_refused(kind: AgentKind, place: Place) -> None:
    async def story() -> None:
        with pytest.raises(AgentError, match="--yolo is no name"):
            await begin(place.spec(kind, model="--yolo"))
        with pytest.raises(AgentError, match="--yolo is no name"):
            await begin(place.spec(kind, foreign="--yolo"))

    play(story())
