"""What agents say, as events: whatever it is, it is read without an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coord.config import parse
from coord.core.acp_quirks import QUIRKS, quirks_of
from coord.core.acp_updates import Seen, asked, question, read, turn_end
from coord.core.agentevent import (
    AgentEvent,
    Child,
    Outcome,
    Retrying,
    Said,
    Tool,
    ToolState,
    TurnEnded,
    Used,
    decode,
    encode,
)  # fmt: skip
from coord.core.agents import PRESETS, Adapter, AgentKind, Dialect, preset
from coord.core.dialects import Heard, heard
from coord.core.dialects import turn_end as command_end
from coord.core.invocation import invocation

RECORDINGS = Path(__file__).parents[1] / "agents" / "recordings"
DOCS = Path(__file__).parents[2] / "docs" / "agents.md"

_words = st.sampled_from(
    ["sessionUpdate", "toolCallId", "status", "content", "text", "type", "_meta", "usage", "title", "rawInput", "codex",
     "tool_call", "tool_call_update", "agent_message_chunk", "usage_update", "session_info_update", "result", "error",
     "assistant", "user", "message", "item", "item.completed", "part", "step_finish", "tokens", "used", "cost", "state"]
)  # fmt: skip
_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | _words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=6,
)
_objects = st.dictionaries(_words, _json, max_size=5)


def _kept(events: tuple[AgentEvent, ...]) -> None:
    for event in events:
        line = json.dumps(encode(event), ensure_ascii=False).encode()
        assert decode(json.loads(line)) is not None


@settings(max_examples=25, deadline=None)
@given(st.lists(_objects, max_size=2), st.sampled_from([*QUIRKS]))
@example([{"sessionUpdate": "usage_update", "used": float("inf"), "size": float("nan")}], QUIRKS[0])
@example([{"sessionUpdate": "tool_call", "toolCallId": "\ud800", "title": ["x"], "content": 7}], QUIRKS[0])
def test_no_update_of_an_agent_stops_the_reader(updates: list[dict[str, Any]], quirks: Any) -> None:
    seen = Seen(quirks=quirks)
    for update in updates:
        seen, events = read(seen, update, 1.0)
        _kept(events)
        _kept((asked(seen, update, "1", 1.0), question(update, "1", 1.0)[0]))
    _kept((turn_end(seen, 1.0, {"result": updates}, cancelled=False),))


@settings(max_examples=25, deadline=None)
@given(st.lists(_objects, max_size=2), st.sampled_from(list(Dialect)))
def test_no_line_of_a_command_stops_the_reader(lines: list[dict[str, Any]], dialect: Dialect) -> None:
    told = Heard()
    for line in lines:
        told, events = heard(dialect, told, json.dumps(line), 1.0)
        _kept(events)
    _kept((command_end(dialect, told, 1.0, code=0, cancelled=False),))


@pytest.mark.parametrize("line", ["", "no json", "[1]", "{", "null", '"text"', "\x00", '{"type": 7}'])
@pytest.mark.parametrize("dialect", [one for one in Dialect if one is not Dialect.PLAIN])
def test_a_line_that_is_no_event_is_left_out(dialect: Dialect, line: str) -> None:
    assert heard(dialect, Heard(), line, 1.0) == (Heard(), ())


def _lines(dialect: Dialect, *lines: dict[str, Any]) -> tuple[Heard, list[AgentEvent]]:
    told, events = Heard(), []
    for line in lines:
        told, more = heard(dialect, told, json.dumps(line), 1.0)
        events += more
    return told, events


def test_claudes_recorded_stream_is_told_by_call() -> None:
    told, events = Heard(), []
    for line in (RECORDINGS / "claude-stream.ndjson").read_text().splitlines():
        told, more = heard(Dialect.CLAUDE, told, line, 1.0)
        events += more
    last = {tool.call: tool for tool in events if isinstance(tool, Tool)}
    assert [(tool.name, tool.state.value) for tool in last.values()] == [
        ("Write", "completed"),
        ("Bash", "completed"),
        ("mcp__coord__worktree", "completed"),
        ("Read", "failed"),
        ("tool", "invalid"),
    ]
    assert "".join(said.text for said in events if isinstance(said, Said)) == "Writing. All done"
    assert told.session == "11111111-2222-3333-4444-555555555556"
    used = [one for one in events if isinstance(one, Used)][-1]
    assert (used.used, used.size, used.cost) == (1520, 1_000_000, 0.048)
    assert command_end(Dialect.CLAUDE, told, 1.0, code=None, cancelled=False).outcome is Outcome.END_TURN


def test_claudes_child_agents_are_told_and_their_words_are_not() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Task", "input": {"prompt": "look"}}
    inner = {"content": [{"type": "text", "text": "inner"}]}
    back = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "found"}]}
    _, events = _lines(
        Dialect.CLAUDE,
        {"type": "assistant", "message": {"content": [call]}},
        {"type": "assistant", "parent_tool_use_id": "t1", "message": inner},
        {"type": "user", "message": {"content": [back]}},
    )
    assert [event.running for event in events if isinstance(event, Child)] == [True, False]
    assert [event for event in events if isinstance(event, Said)] == []


def test_codexs_retries_are_told_and_its_failed_turn_is_an_error() -> None:
    told, events = _lines(
        Dialect.CODEX,
        {"type": "error", "message": "Reconnecting... 1/5"},
        {"type": "item.completed", "item": {"id": "1", "type": "mcp_tool_call", "server": "coord", "tool": "worktree",
                                            "status": "completed", "result": {"ok": True}}},
        {"type": "item.completed", "item": {"id": "2", "type": "todo_list", "items": []}},
        {"type": "turn.failed", "error": {"message": "quota"}},
    )  # fmt: skip
    assert [event.attempt for event in events if isinstance(event, Retrying)] == [1]
    assert [event.name for event in events if isinstance(event, Tool)] == ["coord.worktree"]
    ended = command_end(Dialect.CODEX, told, 1.0, code=0, cancelled=False)
    assert (ended.outcome, ended.detail) == (Outcome.ERROR, "quota")


def test_geminis_unknown_tool_is_an_invalid_call() -> None:
    _, events = _lines(
        Dialect.GEMINI,
        {"type": "tool_use", "tool_name": "tool", "tool_id": "1"},
        {"type": "tool_result", "tool_id": "1", "status": "error", "error": {"type": "tool_not_registered"}},
    )
    assert [event.state for event in events if isinstance(event, Tool)][-1] is ToolState.INVALID


def test_opencodes_cut_answer_and_its_invalid_call_are_seen_in_its_own_output() -> None:
    told, events = _lines(
        Dialect.OPENCODE,
        {"type": "tool_use", "part": {"callID": "1", "tool": "invalid", "state": {"status": "completed"}}},
        {"type": "step_finish", "part": {"reason": "tool-calls", "cost": 0.25, "tokens": {"input": 5}}},
        {"type": "step_finish", "part": {"reason": "length", "cost": 0.25, "tokens": {"input": 9}}},
    )
    assert [event.state for event in events if isinstance(event, Tool)] == [ToolState.INVALID]
    assert [(one.used, one.cost) for one in events if isinstance(one, Used)] == [(5, 0.25), (9, 0.5)]
    assert command_end(Dialect.OPENCODE, told, 1.0, code=0, cancelled=False).outcome is Outcome.LENGTH


_CLEAN = Heard(ended=TurnEnded(1.0, Outcome.END_TURN))


@pytest.mark.parametrize(
    ("dialect", "told", "code", "cancelled", "outcome"),
    [
        (Dialect.PLAIN, Heard(), 0, False, Outcome.END_TURN),
        (Dialect.PLAIN, Heard(), 1, False, Outcome.ERROR),
        (Dialect.PLAIN, Heard(), -15, False, Outcome.INTERRUPTED),
        (Dialect.PLAIN, Heard(), 143, False, Outcome.INTERRUPTED),
        (Dialect.PLAIN, Heard(), 0, True, Outcome.CANCELLED),
        (Dialect.CODEX, Heard(), 0, False, Outcome.UNKNOWN),
        (Dialect.CODEX, _CLEAN, 0, False, Outcome.END_TURN),
        (Dialect.CODEX, _CLEAN, 1, False, Outcome.ERROR),
        (Dialect.CODEX, _CLEAN, -9, False, Outcome.INTERRUPTED),
    ],
)
def test_an_exit_code_alone_never_ends_a_turn_well(
    dialect: Dialect, told: Heard, code: int, cancelled: bool, outcome: Outcome
) -> None:
    assert command_end(dialect, told, 1.0, code=code, cancelled=cancelled).outcome is outcome


def _kind(*words: str, dialect: Dialect = Dialect.PLAIN, model: str = "") -> AgentKind:
    return AgentKind("a", Adapter.COMMAND, words, model=model, dialect=dialect)


@pytest.mark.parametrize(
    ("kind", "session", "words"),
    [
        (_kind("a", "--model", "{model}", "-f", "{prompt}"), "", ("a", "-f", "/p.md")),
        (_kind("a", "--model", "{model}", "{prompt}", model="m"), "", ("a", "--model", "m", "/p.md")),
        (_kind("a", "--model={model}", "--session={session}"), "s", ("a", "--session=s")),
        (_kind("a", "{model}", model="{session}"), "s", ("a", "{session}")),
        (_kind("codex", dialect=Dialect.CODEX), "", ("codex", "exec", "--json", "-")),
        (_kind("codex", dialect=Dialect.CODEX), "s", ("codex", "exec", "--json", "resume", "s", "-")),
        (_kind("gemini", dialect=Dialect.GEMINI, model="m"), "s",
         ("gemini", "--output-format", "stream-json", "--model", "m", "--resume", "s")),
        (_kind("opencode", dialect=Dialect.OPENCODE), "s",
         ("opencode", "run", "--format", "json", "--session", "s")),
    ],
)  # fmt: skip
def test_an_agent_is_started_with_these_words(kind: AgentKind, session: str, words: tuple[str, ...]) -> None:
    call = invocation(kind, "--help $(x)", prompt_file="/p.md", session=session)
    assert call.command == words
    assert call.stdin == ("" if "/p.md" in words else "--help $(x)")


def test_quirks_are_found_by_name_and_version() -> None:
    assert quirks_of("@agentclientprotocol/claude-agent-acp", "0.49.0").names[0] == "claude-agent-acp"
    assert quirks_of("OpenCode", "1.18.33").invalid_titles
    assert quirks_of("nobody", "").names == ()


def test_the_tables_of_the_page_are_agents() -> None:
    example_of = DOCS.read_text().split("```toml\n")[1].split("```")[0]
    kinds = {kind.name: kind for kind in parse(example_of, "docs/agents.md").agents}
    claude = preset("claude")
    assert claude is not None
    assert kinds["reviewer"].command == claude.command
    assert kinds["reviewer"].model == "opus"
    assert kinds["pinned-codex"].dialect is Dialect.CODEX


def test_the_page_tells_of_every_preset() -> None:
    page = DOCS.read_text()
    assert [kind.name for kind in PRESETS if f"| `{kind.name}` |" not in page] == []
