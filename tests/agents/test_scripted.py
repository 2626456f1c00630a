"""What the verbs of the scripted agent do, seen through the adapter."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coord.agents.acp import AcpAdapter
from coord.agents.base import AgentError, Answer, ToolServer
from coord.agents.process import LOG, Patience
from coord.agents.verbs import VERBS
from coord.core.agentevent import (
    Asked,
    Child,
    Gone,
    Outcome,
    Phase,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Used,
)  # fmt: skip
from tests.agents.contract import PROGRAMS, SCRIPTED, Heard, Place, Played, begin, play, script

DOCS = Path(__file__).parents[2] / "docs" / "agents.md"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def told(place: Place, *steps: dict[str, Any], servers: tuple[ToolServer, ...] = ()) -> Played:
    """Return an agent that has played one turn with these steps."""

    async def story() -> Played:
        agent = await begin(place.spec(SCRIPTED, servers=servers))
        await agent.turn(*steps)
        await agent.handle.close()
        return agent

    return play(story())


def test_work_is_edited_committed_and_pushed(place: Place) -> None:
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q", "--bare", str(place.root / "origin")], check=True)
    subprocess.run([*git, "clone", "-q", str(place.root / "origin"), str(place.folder)], check=True)
    agent = told(
        place,
        {"edit": {"path": "src/a.txt", "content": "one\n"}},
        {"edit": {"path": "src/a.txt", "append": "two\n"}},
        {"commit": "feat: a"},
        {"push": []},
    )
    assert {tool.state for tool in agent.heard.of(Tool)} == {ToolState.RUNNING, ToolState.COMPLETED}
    shown = subprocess.run(
        [*git, "-C", str(place.root / "origin"), "show", "main:src/a.txt"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "one\ntwo\n"


def test_an_edit_outside_its_folder_is_possible(place: Place) -> None:
    told(place, {"edit": {"path": "../outside.txt", "content": "x"}})
    assert (place.root / "outside.txt").read_text() == "x"


def test_the_tool_of_a_server_is_called_with_the_sessions_secret(place: Place) -> None:
    server = ToolServer("coord", (sys.executable, str(PROGRAMS / "tools.py")), (("COORD_SESSION", "token"),))
    agent = told(
        place,
        {"tool": {"name": "worktree", "args": {"action": "status"}}},
        {"tool": {"name": "broken", "args": {}}},
        {"tool": {"name": "worktree", "server": "other"}},
        servers=(server,),
    )
    ended = {tool.call: tool for tool in agent.heard.of(Tool)}
    assert [tool.state for tool in ended.values()] == [
        ToolState.COMPLETED,
        ToolState.FAILED,
        ToolState.FAILED,
    ]
    first = next(iter(ended.values()))
    assert first.name == "mcp__coord__worktree"
    assert json.loads(first.output) == {"tool": "worktree", "args": {"action": "status"}, "who": "token"}


def test_faults_look_as_those_of_real_agents(place: Place) -> None:
    agent = told(
        place,
        {"fail_tool": "read"},
        {"unknown_tool": "launch_rocket"},
        {"malformed": "edit"},
        {"repeat": {"times": 3, "call": "grep", "args": {"for": "x"}}},
        {"retry": {"attempt": 2, "reason": "overloaded"}},
        {"child": "explorer"},
        {"use": {"used": 900, "size": 1000, "cost": 0.5}},
        {"think": "hm"},
        {"spew": 10_000},
    )
    ended = {tool.call: tool for tool in agent.heard.of(Tool)}
    assert [tool.state.value for tool in ended.values()] == [
        "failed", "invalid", "invalid", "completed", "completed", "completed", "completed",
    ]  # fmt: skip
    assert len({(tool.name, tool.input) for tool in list(ended.values())[3:6]}) == 1
    assert [retry.reason for retry in agent.heard.of(Retrying)] == ["overloaded"]
    assert [child.running for child in agent.heard.of(Child)] == [True, False]
    assert [(used.used, used.size, used.cost) for used in agent.heard.of(Used)] == [(900, 1000, 0.5)]
    assert [said.text for said in agent.heard.of(Said) if said.thought] == ["hm"]
    assert len(agent.heard.words) >= 9_990


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ({"end": "max_tokens"}, Outcome.LENGTH),
        ({"end": "refusal"}, Outcome.REFUSAL),
        ({"end": "cancelled"}, Outcome.INTERRUPTED),
        ({"end": "something new"}, Outcome.UNKNOWN),
        ({"error": "overloaded"}, Outcome.ERROR),
        ({"no_such_verb": 1}, Outcome.ERROR),
        ({"edit": "wrong"}, Outcome.ERROR),
        ({"retry": 1}, Outcome.UNKNOWN),
    ],
)
def test_turns_end_in_every_way(step: dict[str, Any], outcome: Outcome, place: Place) -> None:
    assert [ended.outcome for ended in told(place, step).heard.of(TurnEnded)] == [outcome]


def test_a_permission_is_obeyed(place: Place) -> None:
    async def story(answer: Answer) -> str:
        agent = await begin(place.spec(SCRIPTED))
        steps = {"paths": ["/etc/x"], "then": [{"say": "did it"}], "else": [{"say": "did not"}]}
        turn = asyncio.create_task(agent.turn({"ask": steps}))
        asked = await agent.asked()
        assert (asked.phase, asked.paths) == (Phase.PERMISSION, ("/etc/x",))
        await agent.handle.answer("no such request", Answer.ONCE)
        await agent.handle.answer(asked.request, answer)
        await turn
        await agent.handle.close()
        return agent.heard.words

    assert play(story(Answer.ONCE)) == "did it"
    assert play(story(Answer.REJECT)) == "did not"


def test_a_question_is_answered_with_a_text(place: Place) -> None:
    async def story() -> str:
        agent = await begin(place.spec(SCRIPTED))
        turn = asyncio.create_task(agent.turn({"question": {"text": "Which one?", "options": ["a", "b"]}}))
        asked = await agent.heard.until(Asked)
        assert (asked.phase, asked.text, asked.options) == (Phase.QUESTION, "Which one?", ("a", "b"))
        await agent.handle.answer(asked.request, Answer.ONCE, "b")
        await turn
        await agent.handle.close()
        return agent.heard.words

    assert play(story()) == "(answer: b)"


def test_a_permission_that_nobody_answers_ends_with_the_turn(place: Place) -> None:
    async def story() -> TurnEnded:
        agent = await begin(place.spec(SCRIPTED))
        turn = asyncio.create_task(agent.turn({"ask": {"paths": ["/etc/x"]}}))
        await agent.asked()
        await agent.handle.cancel()
        ended = await turn
        await agent.handle.close()
        return ended

    assert play(story()).outcome is Outcome.CANCELLED


def test_a_hang_is_left_by_a_cancel_and_the_next_prompt_goes_on(place: Place) -> None:
    async def story() -> str:
        agent = await begin(place.spec(SCRIPTED))
        turn = asyncio.create_task(agent.turn({"say": "before "}, {"hang": True}, {"say": "after "}))
        await agent.heard.says("before")
        await agent.handle.cancel()
        await turn
        await agent.turn(first="Please continue.")
        await agent.turn(first="Please continue.")
        await agent.handle.close()
        return agent.heard.words

    assert play(story()) == "before after (script over)"


def test_a_killed_agent_goes_on_in_another_process(place: Place) -> None:
    async def story() -> str:
        first = await begin(place.spec(SCRIPTED))
        await first.handle.prompt('Do it.\n```script\n[{"say": "one "}, {"hang": true}, {"say": "two"}]\n```')
        await first.heard.says("one")
        assert first.handle.pid is not None
        os.kill(first.handle.pid, signal.SIGKILL)
        assert (await first.gone()).code == -signal.SIGKILL
        assert first.heard.of(TurnEnded)[0].outcome is Outcome.INTERRUPTED
        again = await begin(place.spec(SCRIPTED, foreign=first.heard.of(Started)[0].foreign))
        await again.turn(first="continue")
        await again.handle.close()
        return again.heard.words

    assert play(story()) == "two"


def test_an_agent_that_ignores_sigterm_is_killed(place: Place) -> None:
    async def story() -> int | None:
        agent = await begin(place.spec(SCRIPTED))
        await agent.turn({"ignore_term": True})
        await agent.handle.close()
        return (await agent.gone()).code

    assert play(story()) == -signal.SIGKILL


def test_an_agent_that_ignores_a_cancel_is_ended_and_its_turn_too(place: Place) -> None:
    adapter = AcpAdapter(Patience(cancel=0.2, terminate=1.0))

    async def story() -> Heard:
        heard = Heard()
        handle = await adapter.start(place.spec(SCRIPTED), heard)
        await handle.prompt(script({"ignore_cancel": True}, {"say": "deaf"}, {"hang": True}))
        await heard.says("deaf")
        await handle.cancel()
        await heard.until(Gone)
        await handle.close()
        return heard

    heard = play(story())
    assert [ended.outcome for ended in heard.of(TurnEnded)] == [Outcome.INTERRUPTED]


def test_a_model_is_chosen_where_the_agent_offers_it(place: Place) -> None:
    async def story() -> None:
        agent = await begin(place.spec(SCRIPTED, model="scripted-1"))
        await agent.handle.close()
        with pytest.raises(AgentError, match="no such model"):
            await begin(place.spec(SCRIPTED, model="another"))

    play(story())


def test_the_context_is_summarised_by_the_agents_own_command(place: Place) -> None:
    async def story() -> str:
        agent = await begin(place.spec(SCRIPTED))
        assert agent.handle.caps.compact
        await agent.handle.compact()
        await agent.heard.until(TurnEnded)
        await agent.handle.close()
        return agent.heard.words

    assert play(story()) == "(compacted)"


def test_the_log_of_an_agent_that_does_not_stop_writing_is_bounded(place: Place) -> None:
    noise = "import sys; sys.stderr.write('noise ' * 2**20); print('x' * 9)"
    told(place, {"shell": [sys.executable, "-c", "0"]})
    agent = replace(SCRIPTED, command=(SCRIPTED.command[0], "-c", noise))

    async def story() -> None:
        with pytest.raises(AgentError, match="ended before"):
            await begin(place.spec(agent))

    play(story())
    sizes = [file.stat().st_size for file in (place.root / "scratch").glob("agent.log*")]
    assert 0 < sum(sizes) <= 2 * LOG


def test_another_version_of_the_protocol_is_refused(place: Place) -> None:
    answer = (
        'print(\'{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":2}}\', flush=True); input(); input()'
    )
    agent = replace(SCRIPTED, command=(SCRIPTED.command[0], "-c", answer))

    async def story() -> None:
        with pytest.raises(AgentError, match="speaks version 2 of the Agent Client Protocol"):
            await begin(place.spec(agent))

    play(story())


def test_lines_that_are_no_messages_are_left_out(place: Place) -> None:
    noise = "print('hello', flush=True); print('[1]\\n7\\nnull', flush=True); import coord.agents.scripted as s; s.main()"
    agent = replace(SCRIPTED, command=(SCRIPTED.command[0], "-c", noise))

    async def story() -> str:
        played = await begin(place.spec(agent))
        await played.turn({"say": "still here"})
        await played.handle.close()
        return played.heard.words

    assert play(story()) == "still here"


def test_eight_agents_at_once_do_not_mix(tmp_path: Path) -> None:
    async def one(number: int) -> str:
        (tmp_path / str(number)).mkdir()
        agent = await begin(Place(tmp_path / str(number)).spec(SCRIPTED))
        await agent.turn(
            {"shell": ["git", "init", "-q"]}, {"edit": {"path": "a", "content": "x"}}, {"commit": "a"}
        )
        await agent.turn({"say": f"I am {number}"})
        await agent.handle.close()
        return agent.heard.words

    async def story() -> list[str]:
        stories: list[Coroutine[Any, Any, str]] = [one(number) for number in range(8)]
        return list(await asyncio.gather(*stories))

    assert play(story()) == [f"I am {number}" for number in range(8)]


def test_the_page_tells_of_every_verb() -> None:
    page = DOCS.read_text()
    assert [verb for verb in sorted(VERBS) if f"`{verb}`" not in page] == []
