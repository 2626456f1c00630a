"""Telling sessions something, answering what they ask, and reading what they and the monitor say."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord import inbox
from coord.core.agentevent import Answered, Prompted, Why
from coord.sessions.store import Store
from tests.sessions.team import CONFIG, Team, calm, finish, script, spawned, task, team_of
from tests.world import World

_ASKS = {
    "ask": {
        "tool": "shell",
        "title": "rm -rf \x1b[31mthe moon",
        "then": [{"say": "I may"}],
        "else": [{"say": "I may not"}],
    }
}


def prompts(team: Team, id: str) -> list[tuple[str, str]]:
    """Return why and with what words a session was prompted."""
    events, _ = Store(team.desk / ".git/coord/sessions").events(id)
    return [(event.why.value, event.text.split("\n")[0]) for event in events if isinstance(event, Prompted)]


def said(team: Team, id: str) -> str:
    """Return what a session's log shows."""
    return team.world.coord("logs", id).out


@pytest.fixture
def team(world: World) -> Iterator[Team]:
    tasks = {
        "busy": task(
            "busy",
            script([{"shell": ["sh", "-c", "while [ ! -e go ]; do sleep 0.05; done"]}, {"say": "slept"}]),
            script([{"say": "hello"}, {"hang": True}], "first"),
        ),
        "hangs": task("hangs", script([{"hang": True}]), script([{"say": "heard"}, {"hang": True}], "stop")),
        "asks": task(
            "asks",
            script(
                [_ASKS, {"question": {"text": "Which colour?", "options": ["red", "blue"]}}, {"hang": True}]
            ),
        ),
        "ends": task("ends", script(finish("ends"))),
    }
    config = calm(CONFIG)
    with team_of(world, tasks, config) as made:
        yield made


@pytest.mark.long
def test_messages_reach_agents_and_answers_reach_what_they_ask(team: Team) -> None:
    busy, hangs, asks, ends = spawned(team, "busy", "hangs", "asks", "ends")
    team.until(lambda: all(s.standing.turn for s in team.sessions()))
    team.until(lambda: team.session("busy").standing.phase.value == "tool")

    late = team.world.coord("message", busy, "first things", "--wait", "0.2")
    assert late.out == f"{busy} is busy (tool): it gets the message when its turn ends\n"
    second = team.world.coord("message", busy, "second", "--wait", "0")
    assert second.code == 0
    assert [why for why, _ in prompts(team, busy)] == ["task"]
    (team.desk / ".worktrees/feat/busy/go").touch()

    heard = team.world.coord("message", "hangs", "stop it", "--interrupt")
    assert (heard.code, heard.out) == (0, f"{hangs} has taken it\n")
    assert prompts(team, hangs)[-1] == ("message", "stop it")
    team.until(lambda: "says: heard" in said(team, hangs))

    team.until(lambda: team.session("asks").state.value == "waiting")
    waiting = team.world.coord("sessions", "--status", "waiting", "--json").data["sessions"]
    assert [(one["task"], one["why"]) for one in waiting] == [("asks", "shell: rm -rf the moon")]
    assert team.world.coord("message", "asks", "deny", "--answer").code == 0
    team.until(lambda: team.session("asks").why == "Which colour?")
    assert team.world.coord("message", "feat/asks", "blue", "--answer").code == 0
    team.until(lambda: "(answer: blue)" in said(team, asks))
    answers = [e for e in Store(team.desk / ".git/coord/sessions").events(asks)[0] if isinstance(e, Answered)]
    assert [one.answer for one in answers] == ["reject", "once"]
    assert "I may not" in said(team, asks)
    assert "\x1b" not in said(team, asks)
    told = team.world.coord("inbox", "--json").data["notes"]
    assert any("rm -rf the moon" in note["text"] and "--answer" in note["text"] for note in told)

    team.until(lambda: prompts(team, busy)[-1] == ("message", "first things"))
    assert "slept" in said(team, busy), "the turn was let end"
    team.settled("ends")
    _sessions_and_logs(team, ends)
    _a_dead_host_is_taken_up(team, hangs)
    _an_ended_session(team, ends)


def _sessions_and_logs(team: Team, ends: str) -> None:
    shown = team.world.coord("sessions", "--status").out
    assert [line.split()[2] for line in shown.splitlines()] == ["busy", "hangs", "asks", "ends"]
    one = team.world.coord("sessions", "--status", "done", "--json").data["sessions"]
    assert [(s["id"], s["state"], s["why"]) for s in one] == [(ends, "done", "made ends")]
    assert "token" not in one[0]
    assert team.world.coord("sessions", "--status", "sleepy").code == 2

    followed = team.command("logs", "ends", "-f")
    assert followed.out == said(team, ends)
    last = [line[10:] for line in followed.out.splitlines()[-2:]]
    assert last[0] == "done: made ends"
    assert last[1].startswith("process ended")  # by itself, or by a signal on a machine with much to do
    assert team.world.coord("logs", ends, "-n", "1").out == followed.out.splitlines()[-1] + "\n"
    events = [json.loads(line) for line in team.world.coord("logs", ends, "--json").out.splitlines()]
    assert [event["event"] for event in events[-2:]] == ["ended", "gone"]
    assert team.world.coord("logs", "nothing").code == 2


def _a_dead_host_is_taken_up(team: Team, hangs: str) -> None:
    pid = json.loads((team.desk / f".git/coord/sessions/{hangs}/process.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    team.until(lambda: team.session("hangs").state.value == "interrupted")
    assert team.world.coord("message", "hangs", "stop and think").out == f"{hangs} has taken it\n"
    assert prompts(team, hangs)[-1] == ("message", "stop and think")
    assert not any(why == Why.RESUME.value for why, _ in prompts(team, hangs)), "it hears that first"
    assert team.session("hangs").alive


def _an_ended_session(team: Team, ends: str) -> None:
    team.world.git("worktree", "remove", "--force", ".worktrees/feat/ends", at=team.desk)
    over = team.world.coord("message", ends, "hello?")
    assert over.code == 1
    assert "is over (done), and its worktree is gone" in over.err
    assert "coord spawn ends" in over.err
    assert team.world.coord("abort", ends).code == 0
    nobody = team.world.coord("message", "nobody", "hello?")
    assert nobody.code == 2
    assert "there are: ses_" in nobody.err
    unasked = team.world.coord("message", "busy", "allow", "--answer")
    assert (unasked.code, "asks nothing" in unasked.err) == (2, True)
    session = team.session("ends")
    Store(team.desk / ".git/coord/sessions").retire(session.record.id, keep=9)
    assert f"is over: {ends}" in team.world.coord("message", "ends", "hello?").err


@pytest.mark.soak
def test_an_agent_that_hears_no_cancel_is_ended_and_taken_up_with_the_message(world: World) -> None:
    deaf = task(
        "deaf",
        script([{"ignore_cancel": True}, {"shell": ["sleep", "600"]}]),
        script([{"say": "heard"}], "stop"),
    )
    with team_of(world, {"deaf": deaf}) as team:
        (id,) = spawned(team, "deaf")
        team.until(lambda: team.session("deaf").standing.phase.value == "tool")
        answer = team.world.coord("message", id, "stop now", "--interrupt", "--wait", "25")
        assert answer.out == f"{id} has taken it\n"
        assert "message" in [why for why, _ in prompts(team, id)]
        assert not [words for words in team.processes() if words == "sleep 600"]


def test_the_inbox_keeps_marks_and_passes_over_what_is_no_note(world: World, tmp_path: Path) -> None:
    world.build({}, config=CONFIG)
    state = world.desk / ".git/coord"
    assert "nothing new" in world.coord("inbox").err
    inbox.leave(
        state, "warning", "one \x1b[31mred\x1b[0m\x07", {"task": "a\x1b[2J", "branch": "", "session": "s"}
    )
    with (state / "inbox.ndjson").open("ab") as stream:
        for line in (
            b"not json",
            b"[]",
            b'"text"',
            b"\xff\xfe\x00",
            b'{"at": 1e999, "text": "for ever"}',
            b'{"at": NaN, "text": "never"}',
            b'{"at": 99999999999999999, "text": "late"}',
            b"[" * 100_000,
            b'{"text": "no time"}',
            b'{"at": 5, "level": ["x"], "text": {"a": 1}, "task": null}',
        ):
            stream.write(line + b"\n")
        stream.write(b'{"at": 6, "text": "torn')
    kept = world.coord("inbox", "--keep")
    assert kept.code == 0, kept.err
    assert "one red" in kept.out
    assert "\x1b" not in kept.out
    shown = world.coord("inbox", "--json")
    assert json.loads(shown.out)["data"]["notes"][0]["text"] == "one red"
    assert "torn" not in shown.out
    assert world.coord("inbox", "--json").data["notes"] == []

    with (state / "inbox.ndjson").open("ab") as stream:
        stream.write(b'"}\n')
    assert [note["text"] for note in world.coord("inbox", "--json").data["notes"]] == ["torn"]
    assert len(world.coord("inbox", "--all").out.splitlines()) >= 2
    (state / "inbox.ndjson").write_text('{"at": 7, "text": "anew"}\n')
    assert [note["text"] for note in world.coord("inbox", "--json").data["notes"]] == ["anew"]
    (state / "inbox.read").write_text("-5")
    assert world.coord("inbox").code == 0
