"""What a server of OpenCode said is read as it was meant; nothing is told twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from coord.agents.opencode_wire import EVENT, Frames, UnreachableError
from coord.core.agentevent import AgentEvent, Asked, Child, Outcome, Phase, Said, Tool, ToolState, Used
from coord.core.opencode_events import CALM, LOST, Look, Seen, fresh, read, resumed, told, turn_end

RECORDING = Path(__file__).parents[1] / "agents" / "recordings" / "opencode-global-event.ndjson"

SESSION = "ses_dfdffee07ffep2027NYufb4FOV"

Event = Mapping[str, Any]


def recorded() -> list[Event]:
    return [json.loads(line) for line in RECORDING.read_text().splitlines()]


def heard(events: Iterable[Event], seen: Seen | None = None) -> tuple[Seen, list[AgentEvent]]:
    seen, found = seen or fresh(Seen(SESSION), ()), []
    for event in events:
        seen, more = read(seen, event, 1.0)
        found += more
    return seen, found


def part(kind: str, **more: Any) -> Event:
    said = {"id": "prt_1", "messageID": "msg_2", "sessionID": SESSION, "type": kind, **more}
    return {"type": "message.part.updated", "properties": {"part": said}}


def delta(text: str, name: str = "prt_1") -> Event:
    said = {"sessionID": SESSION, "messageID": "msg_2", "partID": name, "field": "text", "delta": text}
    return {"type": "message.part.delta", "properties": said}


def message(id: str = "msg_2", role: str = "assistant", **more: Any) -> Event:
    return {"info": {"id": id, "sessionID": SESSION, "role": role, **more}, "parts": []}


def test_a_recorded_turn_is_read() -> None:
    _, found = heard(recorded())
    assert "".join(one.text for one in found if isinstance(one, Said)) == "I will "
    tools = [(one.name, one.state.value) for one in found if isinstance(one, Tool)]
    assert tools == [
        *(("write", state) for state in ("pending", "running", "completed")),
        *(("bash", state) for state in ("pending", "running", "completed")),
        ("read", "failed"),
    ]


def test_a_recorded_turn_that_is_heard_again_says_nothing_new() -> None:
    seen, _ = heard(recorded())
    again = [event for event in recorded() if "delta" not in str(event["payload"]["type"])]
    finished = [event for event in again if "'completed'" in str(event)]
    assert finished
    assert heard(finished[-1:], seen)[1] == []


def test_the_prompt_is_not_the_agents_word() -> None:
    prompt = told([{**message(role="user"), "parts": [part("text", text="Do it.")["properties"]["part"]]}])
    assert heard(prompt)[1] == []


def test_other_sessions_are_not_heard() -> None:
    _, found = heard(recorded(), fresh(Seen("ses_other"), ()))
    assert found == []


def test_a_text_is_told_once_however_it_comes() -> None:
    seen, found = heard([part("text", text=""), delta("I "), delta("am"), part("text", text="I am")])
    assert [one.text for one in found if isinstance(one, Said)] == ["I ", "am"]
    assert heard([part("text", text="I am")], seen)[1] == []


def test_after_a_pause_a_text_goes_on_with_its_end() -> None:
    seen, _ = heard([part("text", text=""), delta("one ")])
    _, found = heard([delta("three"), part("text", text="one two three")], resumed(seen))
    assert [one.text for one in found if isinstance(one, Said)] == ["two three"]


def test_reasoning_is_a_thought() -> None:
    _, found = heard([part("reasoning", text=""), delta("hm")])
    assert [one.thought for one in found if isinstance(one, Said)] == [True]


def test_a_renamed_call_is_invalid_and_keeps_the_name_that_was_called() -> None:
    state = {"status": "completed", "input": {"tool": "nosuch", "error": "unavailable"}, "output": "no"}
    _, found = heard([part("tool", tool="invalid", callID="c", state=state)])
    (call,) = found
    assert isinstance(call, Tool)
    assert (call.name, call.state) == ("nosuch", ToolState.INVALID)


def test_children_are_told_and_what_they_ask_is_heard() -> None:
    born = {"type": "session.created", "properties": {"info": {"id": "ses_c", "parentID": SESSION}}}
    asks = {"sessionID": "ses_c", "id": "per_1", "permission": "edit", "patterns": ["/etc/x"]}
    asked = {"type": "permission.asked", "properties": asks}
    idle = {"type": "session.idle", "properties": {"sessionID": "ses_c"}}
    _, found = heard([born, born, asked, asked, idle, idle])
    assert [type(one) for one in found] == [Child, Asked, Child]
    assert isinstance(found[1], Asked)
    assert (found[1].phase, found[1].paths) == (Phase.PERMISSION, ("/etc/x",))


def test_a_command_that_is_asked_for_is_no_path() -> None:
    asks = {"sessionID": SESSION, "id": "per_1", "permission": "bash", "patterns": ["rm -rf /"]}
    _, found = heard([{"type": "permission.asked", "properties": asks}])
    assert isinstance(found[0], Asked)
    assert found[0].paths == ()


def test_usage_is_the_last_steps_and_the_cost_the_sessions() -> None:
    cost = {"type": "session.updated", "properties": {"info": {"id": SESSION, "cost": 0.5}}}
    tokens = {"input": 10, "output": 5, "reasoning": 1, "cache": {"read": 4, "write": 0}}
    _, found = heard([part("step-finish", tokens=tokens), part("step-finish", tokens=tokens), cost, cost])
    assert found == [Used(1.0, 20, 0, 0.0), Used(1.0, 20, 0, 0.5)]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "message.part.updated"},
        {"type": "message.part.updated", "properties": {"part": {"sessionID": SESSION, "type": "tool"}}},
        {"type": "permission.asked", "properties": {"sessionID": SESSION}},
        {"type": "question.asked", "properties": {"sessionID": SESSION, "questions": [1]}},
        {"type": "session.error", "properties": {"sessionID": SESSION, "error": "x"}},
        {"type": "session.status", "properties": {"sessionID": SESSION, "status": []}},
        {"payload": {"type": 1, "properties": {"sessionID": SESSION}}},
    ],
)
def test_what_is_none_of_its_events_ends_nothing(event: Event) -> None:
    heard([event])


def _ended(
    *messages: Event, busy: bool = False, idle: float = 0.0, cancelled: bool = False, **seen: Any
) -> Any:
    state = Seen(SESSION, past=frozenset({"msg_1"}), **{"spoke": True, **seen})
    end = turn_end(state, Look(busy, messages, idle), 1.0, cancelled=cancelled)
    return end and end.outcome


DONE = {"time": {"completed": 2}, "finish": "stop"}


def test_idle_alone_ends_no_turn() -> None:
    assert _ended(message("msg_1", **DONE)) is None
    assert _ended(message("msg_1", **DONE), message(role="user")) is None
    assert _ended(message()) is None
    assert _ended(message(**DONE), busy=True, idle=LOST) is None
    assert _ended(message(**{**DONE, "finish": "tool-calls"})) is None


def test_a_turn_ends_as_its_last_message_says() -> None:
    assert _ended(message(**DONE)) is Outcome.END_TURN
    assert _ended(message(**DONE), spoke=False) is Outcome.UNKNOWN
    assert _ended(message(**{**DONE, "finish": "length"})) is Outcome.LENGTH
    assert _ended(message(**{**DONE, "finish": "content-filter"})) is Outcome.REFUSAL
    assert _ended(message(**{**DONE, "finish": "tool-calls"}), idle=CALM) is Outcome.UNKNOWN
    assert _ended(message(**DONE), cancelled=True) is Outcome.CANCELLED


def test_a_turn_that_failed_is_no_clean_end() -> None:
    aborted = {"name": "MessageAbortedError", "data": {"message": "Aborted"}}
    assert _ended(message(error=aborted)) is Outcome.INTERRUPTED
    assert _ended(message(error=aborted), cancelled=True) is Outcome.CANCELLED
    assert _ended(message(error={"name": "APIError"})) is Outcome.ERROR
    assert _ended(message(error={"name": "MessageOutputLengthError"})) is Outcome.LENGTH
    assert _ended(error={"name": "UnknownError"}) is None
    assert _ended(error={"name": "UnknownError"}, idle=CALM) is Outcome.ERROR


def test_a_turn_that_its_server_forgot_is_interrupted() -> None:
    assert _ended(message(), idle=CALM) is Outcome.INTERRUPTED
    assert _ended(idle=CALM) is None
    assert _ended(idle=LOST) is Outcome.INTERRUPTED


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_whole_wherever_the_bytes_are_cut(size: int) -> None:
    events = [{"type": "a", "text": "ä\n\n"}, {"type": "b"}]
    raw = b": comment\r\n\r\n" + b"".join(
        b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in events
    )
    frames, found = Frames(), []
    for start in range(0, len(raw), size):
        found += frames.feed(raw[start : start + size])
    assert found == events


def test_an_event_without_an_end_is_not_kept_for_ever() -> None:
    frames = Frames()
    for _ in range(EVENT // 2**22):
        assert frames.feed(b"x" * 2**22) == []
    with pytest.raises(UnreachableError):
        frames.feed(b"x")
