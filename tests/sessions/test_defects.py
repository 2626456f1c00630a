"""What was found broken in the plugin that coord replaces, one test each, and what machines do to sessions."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from coord.sessions.store import Store
from tests.sessions.team import CONFIG, Team, calm, finish, script, spawned, task, team_of
from tests.world import World, task_text

CALM = calm(CONFIG)
HALF = [{"edit": {"path": "src/half.txt", "content": "half\n"}}, {"commit": "half"}]
QUIET = script([{"hang": True}])


def _state(team: Team) -> Path:
    return team.desk / ".git/coord"


def _process(team: Team, task: str) -> Path:
    return _state(team) / "sessions" / team.session(task).record.id / "process.json"


def _kill_host(team: Team, task: str) -> None:
    os.kill(int(json.loads(_process(team, task).read_text())["pid"]), signal.SIGKILL)
    team.until(lambda: not team.session(task).alive)


def test_what_lands_takes_session_worktree_claim_and_both_branches_with_it(world: World) -> None:
    """State was never cleaned after removal; remote branches were left; there was no lifecycle."""
    with team_of(world, {"a": task("a", script(finish("a")))}, CALM) as team:
        assert team.run().code == 0
        assert team.left_over() == []
        assert world.branches() == []
        assert [record.task for record, _ in Store(_state(team) / "sessions").archived()] == ["a"]


@pytest.mark.long
def test_progress_and_words_complete_nothing(world: World) -> None:
    """Any progress message marked a session completed."""
    chatter = script(
        [
            {"notify": {"level": "info", "message": "Task completed successfully"}},
            {"say": "All done. The task is COMPLETE."},
            {"notify": {"level": "warning", "message": "done: yes"}},
        ]
    )
    with team_of(world, {"a": task("a", chatter)}, CALM) as team:
        spawned(team, "a")
        team.until(lambda: team.session("a").state.value == "attention")
        assert "without saying done or blocked" in team.session("a").why
        assert world.land().data["outcomes"] == []
        assert world.statuses() == {"a": "pending"}


def test_an_abort_deletes_no_commit_that_was_not_pushed(world: World) -> None:
    """Abort force-deleted unpushed commits, and left debris otherwise."""
    with team_of(world, {"a": task("a", script([*HALF, {"hang": True}]))}, CALM) as team:
        spawned(team, "a")
        team.until(lambda: "half" in world.git("log", "-1", "--format=%s", "feat/a", at=team.desk))
        tip = world.git("rev-parse", "feat/a", at=team.desk)
        assert "kept: " in team.world.coord("abort", "a").out
        assert world.git("rev-parse", "feat/a", at=team.desk) == tip
        assert world.ref("refs/coord/claims/a") == ""


def test_a_broken_record_gives_nobody_a_role_and_hides_no_other_session(world: World) -> None:
    """A corrupt state file made every agent a coordinator, and the one file was raced for."""
    tried = {"shell": ["sh", "-c", "sleep 1; while [ ! -e go ]; do sleep 0.05; done"]}
    act = {"tool": {"name": "worktree", "args": {"action": "abort", "args": {"sessionID": "b"}}}}
    with team_of(
        world, {"a": task("a", script([tried, act, {"hang": True}])), "b": task("b", QUIET)}, CALM
    ) as team:
        a, b = spawned(team, "a", "b")
        (_state(team) / "sessions" / a / "record.json").write_text("{broken")
        (team.desk / ".worktrees/feat/a/go").touch()

        log = Store(_state(team) / "sessions")
        team.until(lambda: len([event for event in log.events(a)[0] if getattr(event, "output", "")]) == 1)
        answer = next(event for event in log.events(a)[0] if getattr(event, "output", ""))
        assert answer.output  # a refusal in words; what counts is that nothing was done
        assert team.session("b").alive
        lost = team.world.coord("sessions", "--json").data["lost"]
        assert a in {one["name"] for one in lost}
        assert team.world.coord("abort", a).code == 0
        assert [session.record.id for session in team.sessions()] == [b]


def test_a_remote_that_denies_is_not_told_as_nothing_there(world: World) -> None:
    """Remote deletion refused by the server was reported as "not found"."""
    with team_of(world, {"a": task("a", script(finish("a")))}, CALM) as team:
        spawned(team, "a")
        team.settled("a")
        world.git("config", "receive.denyDeletes", "true", at=world.origin)
        answer = team.world.coord("worktree", "remove", "feat/a", "--remote", "--force")
        assert "prohibit" in answer.out + answer.err, answer
        assert "refused" in (answer.out + answer.err).lower() or "denie" in (answer.out + answer.err).lower()
        assert world.branches() == ["feat/a"]
        assert team.world.coord("worktree", "remove", "feat/nothing", "--remote").code == 2


def test_a_session_works_in_its_own_folder_with_its_own_secret(world: World) -> None:
    """The server's directory was used instead of the session's."""
    show = {"shell": ["sh", "-c", "pwd; echo $COORD_BRANCH $COORD_TASK; git rev-parse --abbrev-ref HEAD"]}
    tasks = {id: task(id, script([show, {"hang": True}])) for id in ("a", "b")}
    with team_of(world, tasks, CALM) as team:
        spawned(team, *tasks)
        team.until(lambda: all("pwd" in team.world.coord("logs", id).out for id in tasks))
        for id in tasks:
            log = team.world.coord("logs", id, "--json").out
            assert f"{team.desk}/.worktrees/feat/{id}\\nfeat/{id} {id}\\nfeat/{id}" in log
        assert len({session.record.token for session in team.sessions()}) == 2


def test_counters_and_cost_outlive_a_host(world: World) -> None:
    """Metrics were lost on restart."""
    work = [{"use": {"used": 500, "size": 1000, "cost": 0.25}}, *[{"fail_tool": "read"}] * 6, {"hang": True}]
    with team_of(world, {"a": task("a", script(work))}, CALM) as team:
        spawned(team, "a")
        team.until(lambda: "warning: failed-tools" in team.world.coord("logs", "a").out)
        _kill_host(team, "a")
        assert team.world.coord("message", "a", "go on").code == 0
        shown = team.world.coord("sessions", "--json").data["sessions"][0]
        assert (shown["used"], shown["size"], shown["cost"]) == (500, 1000, 0.25)
        assert team.world.coord("logs", "a").out.count("warning: failed-tools") == 1


@pytest.mark.long
def test_a_restart_of_the_machine_names_its_sessions_and_the_loop_takes_them_up(world: World) -> None:
    work = script(
        [{"shell": ["sh", "-c", "[ -e .git-seen ] || { touch .git-seen; sleep 600; }"]}, *finish("a")]
    )
    with team_of(world, {"a": task("a", work)}, CALM) as team:
        (id,) = spawned(team, "a")
        team.until(lambda: team.session("a").standing.phase.value == "tool")
        process = _process(team, "a")
        _kill_host(team, "a")
        said = json.loads(process.read_text())
        process.write_text(json.dumps({**said, "pid": os.getpid(), "boot": "another start of the machine"}))
        shown = team.world.coord("sessions", "--status", "interrupted", "--json").data["sessions"]
        assert [one["id"] for one in shown] == [id]

        result = team.run()
        assert result.code == 0, result.err
        assert f"a: {id} is taken up again" in result.err
        assert world.statuses() == {"a": "completed"}
        assert team.left_over() == []


def test_without_the_folder_of_state_nothing_is_lost_but_logs(world: World) -> None:
    with team_of(world, {"a": task("a", script([*HALF, {"hang": True}]))}, CALM) as team:
        spawned(team, "a")
        team.until(lambda: "half" in world.git("log", "-1", "--format=%s", "feat/a", at=team.desk))
        shutil.rmtree(_state(team))
        team.until(lambda: not [w for w in team.processes() if "coord.sessions.host" in w or "scripted" in w])

        world.git("fetch", "-q", "origin", "+refs/coord/*:refs/coord/*", at=team.desk)
        lost = team.world.coord("sessions")
        assert "coord spawn a" in lost.err
        assert ".worktrees/feat/a" in team.world.coord("worktree", "list").out
        tip = world.git("rev-parse", "feat/a", at=team.desk)
        spawned(team, "a")
        assert world.git("rev-parse", "feat/a", at=team.desk) == tip
        assert team.session("a").alive


def test_a_worktree_that_a_person_removes_takes_its_session_along(world: World) -> None:
    with team_of(
        world,
        {"a": task("a", script([{"edit": {"path": "src/a.txt", "content": "half\n"}}, {"hang": True}]))},
    ) as team:
        spawned(team, "a")
        team.until(lambda: (team.desk / ".worktrees/feat/a/src/a.txt").exists())

        answer = world.coord("worktree", "remove", "a", "--force")

        assert answer.code == 0, answer.err
        assert "is aborted" in answer.err
        assert team.session("a").state.value == "aborted"
        assert not (team.desk / ".worktrees/feat/a").exists()
        assert "refs/coord/rescue/" in world.git("for-each-ref", at=team.desk)
        assert world.ref("refs/coord/claims/a") == ""
        world.coord("run", "--once", "--json")
        assert team.session("a").state.value == "aborted", "no loop starts again what a person removed"


def test_done_said_again_of_what_did_not_land_says_so(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    assert world.coord("done", at=world.agent).code == 0
    world.land()
    world.git("fetch", "-q", "origin", "+refs/coord/*:refs/coord/*")
    said = world.coord("done", at=world.agent)
    assert "this tip did not land: sh check.sh failed" in said.out
    assert "mend it" in said.out
