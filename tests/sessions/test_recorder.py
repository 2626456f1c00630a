"""What a host writes down of its agent, and what is told of it later."""

from __future__ import annotations

from pathlib import Path

from coord.core.agentevent import Said, Tool, ToolState
from coord.core.session import SessionRecord, SessionRole
from coord.sessions.recorder import Recorder
from coord.sessions.store import EVENTS, Store, new_id
from coord.sessions.transcript import messages


def _running(at: float, output: str) -> Tool:
    return Tool(at, "call-1", ToolState.RUNNING, "bash", "make test", "make test", output)


def test_the_log_of_a_call_does_not_grow_with_the_square_of_its_output(tmp_path: Path) -> None:
    store, id = Store(tmp_path / "sessions"), new_id()
    record = SessionRecord(id, SessionRole.IMPLEMENTATION, "feat/a", str(tmp_path), "scripted", "here", 0.0)
    store.add(record, "do it")
    recorder = Recorder(store, id)
    lines = [f"test {number} passed\n" for number in range(1000)]
    for number in range(1000):
        recorder.take(_running(number / 100, "".join(lines[:number])))
    whole = "".join(lines)[-15_000:]
    recorder.take(Tool(10.0, "call-1", ToolState.COMPLETED, "bash", "make test", "make test", whole))

    assert (store.folder(id) / EVENTS).stat().st_size < 4 * len(whole)
    assert recorder.counted.active == 10.0, "the monitor hears every sign"
    last = store.events(id)[0][-1]
    assert isinstance(last, Tool)
    assert last.output == whole.strip("\0")


def test_a_call_is_told_once_with_its_last_words_whatever_was_sent_of_it_before() -> None:
    over = Tool(3.0, "call-1", ToolState.COMPLETED, "bash", "make test", "make test", "one\ntwo")
    events = [_running(1.0, ""), Said(1.5, "I wait."), _running(2.0, "one\n"), over]
    told = [(one.id, one.role, one.text) for one in messages(events)]
    assert told == [
        (1, "tool", "make test [completed]\nmake test\none\ntwo"),
        (2, "assistant", "I wait."),
    ]
