"""Five real agents, as they were recorded, through the ACP adapter."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coord.agents.base import AgentError, Answer
from coord.core.agentevent import (
    AgentEvent,
    Asked,
    Gone,
    Outcome,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Used,
)
from coord.core.agents import PYTHON, Adapter, AgentKind, Unsure
from coord.core.permission import Verdict, decide
from tests.agents.contract import LIMIT, PROGRAMS, Place, Played, begin, play

RECORDINGS = Path(__file__).parent / "recordings"
AGENTS = ("claude", "codex", "gemini", "opencode", "qwen")

each_agent = pytest.mark.parametrize("name", AGENTS)


def recorded(name: str, part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / f"{name}-{part}.ndjson").read_text().splitlines()]


def replayed(name: str, part: str) -> AgentKind:
    file = RECORDINGS / f"{name}-{part}.ndjson"
    return AgentKind(name, Adapter.ACP, (PYTHON, str(PROGRAMS / "replay.py"), str(file)))


@dataclass
class Story:
    """What the client of a recording did, played again by ours."""

    agent: Played
    worktree: str

    async def turn(self, text: str, *, cancelled: bool) -> None:
        before = len(self.agent.heard.of(TurnEnded))
        await self.agent.handle.prompt(text)
        if cancelled:
            await self.agent.handle.cancel()
        answering = asyncio.create_task(self._answer())
        await self.agent.heard.until(TurnEnded, before + 1)
        answering.cancel()

    async def _answer(self) -> None:
        for count in range(len(self.agent.heard.of(Asked)), 99):
            asked = await self.agent.heard.until(Asked, count + 1)
            rejected = decide(asked, self.worktree, Unsure.ASK).verdict is Verdict.REJECT
            await self.agent.handle.answer(asked.request, Answer.REJECT if rejected else Answer.ONCE)


_played: dict[str, list[AgentEvent]] = {}


@pytest.fixture
def events(name: str, tmp_path: Path) -> list[AgentEvent]:
    """Return all events of a recording's turns (played once)."""
    if name not in _played:
        _played[name] = play(_turns(name, Place(tmp_path)))
    return _played[name]


async def _turns(name: str, place: Place) -> list[AgentEvent]:
    sent = [entry["m"] for entry in recorded(name, "turns") if entry["d"] == ">" and "method" in entry["m"]]
    agent = await begin(place.spec(replayed(name, "turns")))
    story = Story(agent, "/w/wt/t6" if name == "opencode" else "/w/wt/t4")
    for now, then in zip(sent, [*sent[1:], {}], strict=True):
        if now["method"] == "session/prompt":
            text = now["params"]["prompt"][0]["text"]
            await story.turn(text, cancelled=then.get("method") == "session/cancel")
    await agent.handle.close()
    return list(agent.heard)


def of(events: list[AgentEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def calls(events: list[AgentEvent]) -> list[tuple[str, ToolState]]:
    """Return the tool calls, each once, as they ended."""
    last = {tool.call: tool for tool in of(events, Tool)}
    return [(tool.name, tool.state) for tool in last.values()]


@each_agent
def test_our_client_says_what_the_recorded_client_said(events: list[AgentEvent]) -> None:
    assert of(events, Gone)[-1].code != 97, of(events, Gone)[-1].detail


DONE, FAILED, INVALID = ToolState.COMPLETED, ToolState.FAILED, ToolState.INVALID

#: The tool calls of a recording, each once, as they ended. Codex and Gemini CLI hide the call of an unknown tool.
CALLS = {
    "claude": [
        ("Write", DONE),
        ("Bash", DONE),
        ("mcp__coord__worktree", DONE),
        ("Read", FAILED),
        ("tool", INVALID),
        ("Bash", ToolState.PENDING),
    ],
    "codex": [("exec_command", DONE), ("exec_command", FAILED), ("exec_command", ToolState.RUNNING)],
    "gemini": [
        ("write_file", DONE),
        ("run_shell_command", DONE),
        ("mcp_coord_worktree", DONE),
        ("read_file", FAILED),
    ],
    "opencode": [
        ("write", DONE),
        ("bash", DONE),
        ("read", FAILED),
        ("tool", INVALID),
        ("read", FAILED),
        ("bash", DONE),
    ],
    "qwen": [
        ("write_file", FAILED),
        ("run_shell_command", DONE),
        ("mcp__coord__worktree", DONE),
        ("read_file", FAILED),
        ("tool", INVALID),
        ("run_shell_command", FAILED),
    ],
}

#: How the turns ended: a task; HTTP 400 (Codex says end_turn); HTTP 500, cancelled (Qwen Code answers with an error);
#: a shell command, cancelled (Qwen Code refused it and ended). OpenCode's third was cut at the length limit, which its
#: protocol does not say.
OUTCOMES = {
    "claude": ["end_turn", "error", "cancelled", "cancelled"],
    "codex": ["end_turn", "error", "cancelled", "cancelled"],
    "gemini": ["end_turn", "cancelled", "cancelled"],
    "opencode": ["end_turn", "error", "end_turn", "cancelled"],
    "qwen": ["end_turn", "error", "cancelled", "end_turn"],
}

ASKED = {
    "claude": ["Write", "Bash", "mcp__coord__worktree"],
    "codex": [],
    "gemini": ["write_file", "run_shell_command", "mcp_coord_worktree"],
    "opencode": ["read"],
    "qwen": ["worktree"],
}


@each_agent
def test_tool_calls_are_told_once_each_with_how_they_ended(name: str, events: list[AgentEvent]) -> None:
    assert calls(events) == CALLS[name]


@each_agent
def test_turns_end_as_they_ended_and_not_as_the_agent_says(name: str, events: list[AgentEvent]) -> None:
    assert [ended.outcome.value for ended in of(events, TurnEnded)] == OUTCOMES[name]
    if Outcome.ERROR in OUTCOMES[name]:
        assert any("scripted" in ended.detail for ended in of(events, TurnEnded))


@each_agent
def test_permissions_are_asked_for_by_the_name_of_the_tool(name: str, events: list[AgentEvent]) -> None:
    assert [asked.tool for asked in of(events, Asked)] == ASKED[name]


@each_agent
def test_what_the_agent_says_is_told_in_its_words(name: str, events: list[AgentEvent]) -> None:
    said = "".join(one.text for one in of(events, Said))
    assert ("half" if name == "opencode" else "All done") in said


@pytest.mark.parametrize(
    ("name", "used", "size"),
    [("claude", 1520, 1_000_000), ("codex", 1520, 258_400), ("opencode", 4060, 128_000), ("qwen", 12_130, 0)],
)
def test_the_use_of_the_context_stays_known_after_a_cancel(
    events: list[AgentEvent], used: int, size: int
) -> None:
    last = of(events, Used)[-1]
    assert (last.used, last.size) == (used, size)


@pytest.mark.parametrize("name", ["codex"])
def test_codex_tells_of_its_retries(events: list[AgentEvent]) -> None:
    assert [retry.reason for retry in of(events, Retrying)] == ["Reconnecting... 1/5"]


@each_agent
def test_a_session_that_is_taken_up_is_not_told_again(name: str, tmp_path: Path) -> None:
    sent = [entry["m"] for entry in recorded(name, "again") if entry["d"] == ">"]
    foreign = sent[-1]["params"]["sessionId"]
    log = tmp_path / "scratch" / "agent.log"
    log.parent.mkdir()
    log.touch()

    async def story() -> list[AgentEvent]:
        agent = await begin(Place(tmp_path).spec(replayed(name, "again"), foreign=foreign))
        assert agent.handle.caps.resume
        async with asyncio.timeout(LIMIT):
            while "(played)" not in log.read_text():
                await asyncio.sleep(0.01)
        await agent.handle.close()
        return list(agent.heard)

    events = play(story())
    assert [type(event) for event in events] == [Started, Gone]
    assert of(events, Started)[0].foreign == foreign


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_a_copy_of_a_session_has_its_own_name(name: str, tmp_path: Path) -> None:
    foreign = recorded(name, "fork")[2]["m"]["params"]["sessionId"]

    async def story() -> str:
        spec = Place(tmp_path).spec(replayed(name, "fork"), foreign=foreign, copy=True)
        agent = await begin(spec)
        await agent.handle.close()
        return agent.heard.of(Started)[0].foreign

    assert play(story()) == recorded(name, "fork")[3]["m"]["result"]["sessionId"]


@pytest.mark.parametrize("name", ["gemini", "opencode", "qwen"])
def test_a_copy_that_would_work_in_the_originals_folder_is_refused(name: str, tmp_path: Path) -> None:
    async def story() -> None:
        spec = Place(tmp_path).spec(replayed(name, "turns"), foreign="ses_1", copy=True)
        with pytest.raises(AgentError, match="cannot copy"):
            await begin(spec)

    play(story())


def test_a_client_that_says_something_else_is_noticed(tmp_path: Path) -> None:
    async def story() -> AgentEvent:
        agent = await begin(Place(tmp_path).spec(replayed("codex", "turns")))
        await agent.handle.prompt("not what was recorded")
        return await agent.gone()

    gone = play(story())
    assert isinstance(gone, Gone)
    assert gone.code == 97
    assert "not what was recorded" in gone.detail
