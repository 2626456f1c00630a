"""Aborting in every phase: nothing runs on, nothing is lost, nothing lands, and nobody starts it again by himself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.sessions.team import CONFIG, Team, calm, finish, script, spawned, task, team_of
from tests.world import World

HALF = [{"edit": {"path": "src/half.txt", "content": "half\n"}}, {"commit": "half"}]
#: Slow to stall, so that what is looked at stays as it is.
CALM = calm(CONFIG)


def _pid(team: Team, task: str) -> int:
    folder = team.desk / ".git/coord/sessions" / team.session(task).record.id
    return int(json.loads((folder / "process.json").read_text())["pid"])


def _agents(team: Team) -> list[str]:
    return [words for words in team.processes() if "scripted" in words or "sleep" in words or "host" in words]


@pytest.fixture
def team(world: World) -> Iterator[Team]:
    tasks = {
        "model": task("model", script([{"hang": True}])),
        "tool": task("tool", script([{"orphan": 600}, {"shell": ["sleep", "599"]}])),
        "asks": task("asks", script([{"question": {"text": "why?"}}])),
        "ended": task("ended", script([{"end": "max_tokens"}])),
        "hostless": task("hostless", script([{"orphan": 597}, {"hang": True}])),
        "agentless": task("agentless", script([{"orphan": 596}, {"hang": True}])),
    }
    with team_of(world, tasks, CALM) as made:
        yield made


@pytest.mark.long
def test_an_abort_in_any_phase_leaves_no_process_claim_worktree_or_branch(team: Team) -> None:
    spawned(team, *("model", "tool", "asks", "ended", "hostless", "agentless"))
    phases = {"model": "model", "tool": "tool", "asks": "question", "ended": "ended"}
    team.until(lambda: all(team.session(id).standing.phase.value == phase for id, phase in phases.items()))
    team.until(lambda: sum("sleep(59" in w or "sleep(600" in w for w in team.processes()) >= 3)
    os.kill(_pid(team, "hostless"), signal.SIGKILL)
    for words in ("hostless", "agentless", "model", "tool", "asks", "ended"):
        answer = team.world.coord("abort", words, "-m", "no longer\nneeded")
        assert answer.code == 0, answer.err
        assert answer.out.splitlines()[0].endswith("is aborted")

    assert _agents(team) == []
    states = {session.record.task: (session.state.value, session.why) for session in team.sessions()}
    assert set(states.values()) == {("aborted", "no longer needed")}
    left = [one for one in team.left_over() if not one.startswith(("session", "process"))]
    assert left == []
    again = team.world.coord("abort", "model")
    assert again.code == 0, "an abort can be said again"


@pytest.mark.soak
def test_an_agent_and_a_child_that_ignore_every_request_to_end_are_ended(world: World) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
    deaf = script([{"ignore_cancel": True}, {"ignore_term": True}, {"shell": stubborn}])
    with team_of(world, {"deaf": task("deaf", deaf)}, CALM) as team:
        spawned(team, "deaf")
        team.until(lambda: team.session("deaf").standing.phase.value == "tool")
        assert team.world.coord("abort", "deaf").code == 0
        assert team.processes() == []


def test_an_abort_keeps_what_is_not_on_main_and_nothing_of_it_lands_or_is_started_again(world: World) -> None:
    wip = [*HALF, {"push": []}, {"edit": {"path": "src/more.txt", "content": "more\n"}}, {"hang": True}]
    again = script([{"shell": ["git", "add", "-A"]}, *finish("wip", path="src/whole.txt")], "second")
    tasks = {"wip": task("wip", script(wip), again), "local": task("local", script([*HALF, {"hang": True}]))}
    config = CALM.replace("[run]\n", '[land]\nsignal = "push"\n[run]\n')
    with team_of(world, tasks, config) as team:
        spawned(team, "wip", "local")
        trees = {id: team.desk / f".worktrees/feat/{id}" for id in tasks}
        team.until(lambda: (trees["wip"] / "src/more.txt").is_file() and world.branches() == ["feat/wip"])
        team.until(lambda: "half" in world.git("log", "-1", "--format=%s", "feat/local", at=team.desk))

        gone = team.world.coord("abort", "wip", "local", "-m", "changed our minds")
        assert gone.code == 0, gone.err
        assert "feat/wip stays on the remote as work in progress" in gone.out
        assert f"kept: {trees['wip']} (its worktree holds uncommitted work (1 paths))" in gone.out
        assert f"kept: {trees['local']} (origin/main does not contain 1 of its commits" in gone.out
        assert (trees["wip"] / "src/more.txt").read_text() == "more\n"

        loop = team.run("--once")
        reasons = {wait["task"]: (wait["reason"], wait["person"]) for wait in loop.data["waits"]}
        assert reasons["wip"] == ("stopped by a person: coord spawn wip starts it again", True)
        assert reasons["local"] == ("stopped by a person: coord spawn local starts it again", True)
        assert world.land().code in (0, 4)
        assert world.statuses() == {"wip": "pending", "local": "pending"}
        assert world.history() == ["seed"]

        tip = world.git("rev-parse", "feat/local", at=team.desk)
        spawned(team, "wip", "local", "--prompt", "second look")
        assert (trees["wip"] / "src/more.txt").read_text() == "more\n", "it goes on in what was kept"
        assert world.git("rev-parse", "feat/local", at=team.desk) == tip
        assert [s.record.task for s in team.sessions()] == ["wip", "local"]


def test_an_abort_while_the_agent_is_starting_ends_it(world: World) -> None:
    slow = '[agents.slow]\nadapter = "acp"\ncommand = ["sleep", "595"]\n'
    with team_of(world, {"a": task("a")}, CALM + slow) as team:
        spawned(team, "--no-wait", "a", "--agent", "slow")
        team.until(lambda: any(words == "sleep 595" for words in team.processes()))
        assert team.world.coord("abort", "a").code == 0
        assert _agents(team) == []
        assert team.left_over() == [f"session {team.session('a').record.id}"]


@pytest.mark.soak
def test_an_abort_whose_remote_is_down_ends_the_agent_and_says_what_is_left(world: World) -> None:
    with team_of(world, {"a": task("a", script([{"hang": True}]))}, CALM) as team:
        spawned(team, "a")
        away = world.origin.rename(world.root / "away.git")
        answer = team.command("abort", "a")
        assert answer.code in (0, 8), answer.err
        assert "Traceback" not in answer.err
        assert _agents(team) == []
        assert team.session("a").state.value == "aborted"
        away.rename(world.origin)
        assert team.world.coord("abort", "a").code == 0
        assert team.left_over() == [f"session {team.session('a').record.id}"]
