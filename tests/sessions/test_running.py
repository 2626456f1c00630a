"""The loop: what it starts, what it waits for, whom it tells, and what it makes of a world that does not stand still."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Sequence

import pytest

from coord.core.agentevent import Prompted, Started
from coord.sessions.store import EVENTS, Store, read_events
from tests.sessions.team import CONFIG, Step, Team, calm, finish, script, spawned, task, team_of
from tests.world import World

CALM = calm(CONFIG)
QUIET = script([{"hang": True}])


def until(path: str) -> Step:
    """Return the step of an agent that waits until a file is in its worktree."""
    return {"shell": ["sh", "-c", f"while [ ! -e {path} ]; do sleep 0.05; done; rm {path}"]}


def worked_on(team: Team) -> list[str]:
    """Return the tasks that have had sessions, in the order of their ends."""
    return [record.task for record, _ in Store(team.desk / ".git/coord/sessions").archived()]


def test_one_look_starts_what_is_ready_within_the_budget_and_returns(world: World) -> None:
    tasks = {
        "a": task("a", QUIET),
        "b": task("b", QUIET),
        "c": task("c", QUIET),
        "d": task("d", depends_on=("a",)),
    }
    with team_of(world, tasks, CALM) as team:
        first = team.run("--once", "--max", "2")
        assert first.code == 4
        assert [session.record.task for session in team.sessions()] == ["a", "b"]
        assert {wait["task"]: wait["reason"] for wait in first.data["waits"]}["c"] == "2 sessions are at work"
        second = team.run("--once", "--max", "2")
        assert len(team.sessions()) == 2
        assert "d" in {wait["task"] for wait in second.data["waits"]}
        for words in (["--max", "0"], ["--interval", "0"], ["--interval", "nan"]):
            assert team.command("run", "--once", *words).code == 2, words

        with (team.desk / ".git/coord/run.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as a loop at work holds it
            refused = team.command("run")
        assert refused.code == 4
        assert "another coord run is at work in this clone" in refused.err


@pytest.mark.long
def test_an_agent_that_does_not_start_stops_the_loop_and_blocks_nothing_on_main(world: World) -> None:
    dead = '[agents.dead]\nadapter = "acp"\ncommand = ["false"]\n'
    tasks = {
        "a": task("a", extra="agent: dead\n"),
        "b": task("b", extra="agent: dead\n"),
        "c": task("c", script(finish("c"))),
        "e": task("e", extra="agent: nobody\n"),
    }
    with team_of(world, tasks, CALM + dead) as team:
        result = team.run()
        assert result.code == 9, result.err
        assert world.statuses() == {"a": "pending", "b": "pending", "c": "completed", "e": "pending"}
        assert world.verdicts() == {}
        waits = {wait["task"]: wait for wait in result.data["waits"]}
        assert "did not start" in waits["a"]["reason"]
        assert "no agent 'nobody'" in waits["e"]["reason"]
        assert all(wait["person"] for wait in waits.values())
        assert team.left_over() == []


@pytest.mark.long
def test_a_conflict_and_a_red_gate_go_back_to_the_session_that_made_the_branch(world: World) -> None:
    mend: Sequence[Step] = [
        {"shell": ["sh", "-c", "git fetch -q origin && git merge -q -X ours origin/main"]}, {"push": []}, {"done": "took both"},
    ]  # fmt: skip
    tasks = {
        "a": task("a", script(finish("a", "one\nA\nthree\nfour\nfive\n", "src/lib.txt"))),
        "b": task(
            "b",
            script([until("go"), *finish("b", "one\nB\nthree\nfour\nfive\n", "src/lib.txt")]),
            script(mend, "conflict"),
        ),
        "red": task("red", script(finish("red", "BROKEN\n")), script(finish("red", "fine\n"), "red gate")),
    }
    with team_of(world, tasks, CALM) as team:
        loop = team.start_run()
        team.until(lambda: world.statuses()["a"] == "completed")
        (team.desk / ".worktrees/feat/b/go").touch()
        out, err = loop.communicate(timeout=60)
        assert loop.returncode == 0, (out, err)
        assert err.count("goes back to") == 2
        assert world.show("src/lib.txt").splitlines()[1] == "B"
        store = Store(team.desk / ".git/coord/sessions")
        for record, folder in store.archived():
            events = read_events(folder / EVENTS)[0]
            starts = [event.foreign for event in events if isinstance(event, Started)]
            whys = [event.why.value for event in events if isinstance(event, Prompted)]
            assert whys == (["task"] if record.task == "a" else ["task", "returned"]), record.task
            assert len(set(starts)) == 1, "the same conversation"
        assert sorted(worked_on(team)) == ["a", "b", "red"]
        assert team.left_over() == []


def test_after_an_unblock_the_next_session_hears_what_the_person_said(world: World) -> None:
    stuck = script(
        [{"block": {"reason": "which licence?", "tried": "asking", "attempts": 1, "suggest": "say"}}]
    )
    with team_of(world, {"a": task("a", stuck)}, CALM) as team:
        assert team.run().code == 4
        assert world.statuses() == {"a": "blocked"}
        assert team.left_over() == []
        assert team.world.coord("unblock", "a", "-m", "Use the MIT licence.").code == 0
        assert team.run("--once", "--no-land").code == 4
        (session,) = team.sessions()
        prompt = (team.desk / f".git/coord/sessions/{session.record.id}/prompt.md").read_text()
        assert "which licence?" in prompt
        assert "Use the MIT licence." in prompt


@pytest.mark.soak
def test_tasks_that_are_expected_to_share_files_are_held_when_configured(world: World) -> None:
    shared = 'touches: ["src/lib.*"]\n'
    tasks = {
        "a": task("a", script([until("go"), *finish("a")]), extra=shared),
        "b": task("b", script(finish("b")), extra='touches: ["src/lib.txt"]\n'),
        "c": task("c", script(finish("c")), extra='touches: ["docs/**"]\n'),
    }
    with team_of(world, tasks, CALM.replace("[run]\n", '[run]\noverlap = "hold"\n')) as team:
        held = team.run("--once")
        assert [session.record.task for session in team.sessions()] == ["a", "c"]
        reasons = {wait["task"]: wait["reason"] for wait in held.data["waits"]}
        assert reasons["b"].startswith("expected to change what a is changing")
        (team.desk / ".worktrees/feat/a/go").touch()
        assert team.run().code == 0
        assert world.statuses() == dict.fromkeys(tasks, "completed")


@pytest.mark.soak
def test_a_remote_that_is_away_for_a_while_stops_nothing(world: World) -> None:
    tasks = {
        "a": task("a", script([until("go"), *finish("a")])),
        "b": task("b", script(finish("b")), depends_on=("a",)),
    }
    with team_of(world, tasks, CALM) as team:
        loop = team.start_run()
        team.until(lambda: bool(team.sessions()) and team.session("a").standing.phase.value == "tool")
        away = world.origin.rename(world.root / "away.git")
        once = team.command("message", "a", "hello", "--wait", "0")
        assert once.code == 0, "a message needs no remote"
        log = team.desk / ".git/coord/sessions" / team.session("a").record.id / "events.ndjson"
        before = len(log.read_bytes().splitlines())
        time.sleep(2.5)
        assert len(log.read_bytes().splitlines()) - before < 6, "an outage does not fill the log"
        away.rename(world.origin)
        (team.desk / ".worktrees/feat/a/go").touch()
        out, err = loop.communicate(timeout=60)
        assert loop.returncode == 0, (out, err)
        assert "looking again" in err
        assert world.statuses() == {"a": "completed", "b": "completed"}


def test_one_look_at_a_remote_that_is_away_says_so(world: World) -> None:
    with team_of(world, {"a": task("a", QUIET)}, CALM) as team:
        away = world.origin.rename(world.root / "away.git")
        assert team.command("run", "--once").code == 8
        away.rename(world.origin)


@pytest.mark.soak
def test_a_remote_that_refuses_claims_at_first_gets_the_session_later_and_one_that_always_does_gets_a_person(
    world: World,
) -> None:
    with team_of(
        world, {"a": task("a", script(finish("a"))), "b": task("b", script(finish("b")))}, CALM
    ) as team:
        hook = world.origin / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            "#!/bin/sh\nwhile read old new ref; do case $ref in refs/coord/claims/a)\n"
            'echo x >> count; [ "$(wc -l < count)" -gt 2 ] || exit 1;; refs/coord/claims/b) exit 1;; esac; done\n'
        )
        hook.chmod(0o755)
        result = team.run()
        assert result.code == 9, result.err
        assert world.statuses() == {"a": "completed", "b": "pending"}
        waits = {wait["task"]: wait for wait in result.data["waits"]}
        assert "the claim on b was not taken" in waits["b"]["reason"]
        assert waits["b"]["person"]
        assert team.left_over() == []


def test_while_main_is_red_nothing_lands_and_the_loop_says_why(world: World) -> None:
    with team_of(world, {"a": task("a", script(finish("a")))}, CALM) as team:
        world.main({"src/bad.txt": "BROKEN\n"})
        result = team.run()
        assert result.code == 4, result.err
        assert world.statuses()["a"] != "completed"
        assert result.data["waits"] == [{"task": "a", "reason": "main is red: sh check.sh", "person": True}]
        assert not team.processes()


@pytest.mark.soak
def test_a_task_that_is_added_while_the_loop_runs_is_worked_on(world: World) -> None:
    with team_of(world, {"a": task("a", script([until("go"), *finish("a")]))}, CALM) as team:
        loop = team.start_run()
        team.until(lambda: bool(team.sessions()) and team.session("a").standing.phase.value == "tool")
        world.main({"tasks/late.md": task("late", script(finish("late")))})
        team.until(lambda: any(s.record.task == "late" for s in team.sessions()))
        (team.desk / ".worktrees/feat/a/go").touch()
        out, err = loop.communicate(timeout=60)
        assert loop.returncode == 0, (out, err)
        assert world.statuses() == {"a": "completed", "late": "completed"}


@pytest.mark.soak
def test_a_task_is_tried_as_often_as_the_budget_says_and_then_blocked_with_the_facts(world: World) -> None:
    half = [
        {"edit": {"path": "src/half.txt", "content": "half\n"}},
        {"commit": "half"},
        {"end": "max_tokens"},
    ]
    with team_of(world, {"a": task("a", script(half))}, CALM) as team:
        result = team.run()
        assert result.code == 4, result.err
        assert worked_on(team) == ["a", "a"]
        assert world.statuses() == {"a": "blocked"}
        shown = world.coord("show", "a").out
        assert "2 sessions" in shown
        assert "coord logs a" in shown
        assert world.has("src/half.txt", "feat/a"), "what was committed is pushed"
        assert team.left_over() == []


@pytest.mark.soak
def test_sessions_whose_hosts_are_killed_are_taken_up_and_land(world: World) -> None:
    tasks = {id: task(id, script([until("go"), *finish(id)])) for id in ("a", "b")}
    with team_of(world, tasks, CALM) as team:
        ids = spawned(team, *tasks)
        team.until(lambda: all(team.session(id).standing.phase.value == "tool" for id in tasks))
        for id in ids:
            said = json.loads((team.desk / f".git/coord/sessions/{id}/process.json").read_text())
            os.kill(said["pid"], signal.SIGKILL)
        team.until(lambda: {s.state.value for s in team.sessions()} == {"interrupted"})
        for id in tasks:
            (team.desk / f".worktrees/feat/{id}/go").touch()
        result = team.run()
        assert result.code == 0, result.err
        assert result.err.count("is taken up again") == 2
        assert sorted(worked_on(team)) == ["a", "b"]
        assert team.left_over() == []


@pytest.mark.soak
def test_without_a_remote_agents_work_and_the_loop_says_that_nothing_can_land(world: World) -> None:
    steps = [step for step in finish("a") if "push" not in step]
    with team_of(world, {"a": task("a", script(steps))}, CALM) as team:
        world.git("remote", "remove", "origin", at=team.desk)
        result = team.run()
        assert result.code == 4, result.err
        (wait,) = result.data["waits"]
        assert "there is no remote to land on" in wait["reason"]
        assert wait["person"]
        assert world.git("show", "feat/a:src/a.txt", at=team.desk) == "a"
        assert not team.processes()


@pytest.mark.soak
def test_a_landing_that_the_server_refuses_ends_the_loop_with_its_words(world: World) -> None:
    with team_of(world, {"a": task("a", script(finish("a")))}, CALM) as team:
        hook = world.origin / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            "#!/bin/sh\nwhile read old new ref; do [ $ref != refs/heads/main ] || { echo 'main is frozen'; exit 1; }; done\n"
        )
        hook.chmod(0o755)
        loop = team.start_run()
        try:
            out, err = loop.communicate(timeout=40)
        finally:
            loop.kill()
        assert loop.returncode in (4, 8), (out, err)
        assert "main is frozen" in err
        assert "main is frozen" in json.loads(out)["data"]["waits"][0]["reason"]
        assert world.statuses() == {"a": "pending"}
        assert world.branches() == ["feat/a"], "the work is where it was"
