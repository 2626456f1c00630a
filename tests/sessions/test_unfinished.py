"""Pushed work in progress whose session is over: without a claim a push means done, and this must not land."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from coord.core.claim import ClaimText
from coord.sessions.claims import Taken, take
from coord.sessions.unfinished import Branch, KeptBack, keep_back
from coord.workspace import open_workspace
from tests.sessions.team import CONFIG, Team, finish, script, spawned, task, team_of
from tests.world import World

HALF = [{"edit": {"path": "src/half.txt", "content": "half\n"}}, {"commit": "half"}, {"push": []}]
MORE = [{"edit": {"path": "src/more.txt", "content": "more\n"}}, {"commit": "more, not pushed"}]
CALM = CONFIG.replace('model = "6s"', 'model = "60s"').replace("nudges = 1", "nudges = 0")
BROKEN = '[agents.broken]\nadapter = "acp"\ncommand = ["false"]\n'


@pytest.fixture
def team(world: World) -> Iterator[Team]:
    tasks = {
        "ahead": task("ahead", script([*HALF, *MORE, {"hang": True}])),
        "crashes": task("crashes", script([*HALF, {"crash": 3}]), script([{"crash": 3}], "interrupted")),
        "hangs": task("hangs", script([*HALF, {"hang": True}])),
    }
    with team_of(world, tasks, CALM + BROKEN) as made:
        yield made


def _lands(team: Team, id: str) -> bool:
    team.world.coord("land")
    return team.statuses()[id] == "completed"


def _expire(team: Team, id: str) -> None:
    """Take the claim away, as time does."""
    team.world.git("update-ref", "-d", f"refs/coord/claims/{id}", at=team.world.origin)


def test_what_an_aborted_session_pushed_does_not_land_when_it_committed_more_since(team: Team) -> None:
    spawned(team, "ahead")
    team.until(lambda: "more, not pushed" in team.world.git("log", "--all", "--format=%s", at=team.desk))
    answer = team.world.coord("abort", "ahead")
    assert answer.code == 0, answer.err
    assert not _lands(team, "ahead"), answer.out
    kept = team.desk / ".worktrees/feat/ahead"
    assert team.world.git("status", "--porcelain", at=kept) == ""
    assert team.world.git("log", "--format=%s", "-1", "HEAD^1", at=kept) == "more, not pushed"
    team.world.git(
        "push", "-q", "origin", "HEAD", at=kept
    )  # taken: what is here stands on what was said there


def test_what_a_session_pushed_that_failed_does_not_land_when_its_claim_expires(team: Team) -> None:
    spawned(team, "crashes")
    team.settled("crashes")
    _expire(team, "crashes")
    assert not _lands(team, "crashes")


def test_what_a_session_pushed_does_not_land_when_the_next_one_does_not_start(team: Team) -> None:
    spawned(team, "hangs")
    team.until(lambda: team.world.git("for-each-ref", "refs/heads/feat/hangs", at=team.world.origin))
    folder = team.desk / ".git/coord/sessions" / team.session("hangs").record.id
    os.kill(int(json.loads((folder / "process.json").read_text())["pid"]), signal.SIGKILL)
    answer = team.world.coord("spawn", "hangs", "--agent", "broken")
    assert answer.code != 0, answer.out
    assert not _lands(team, "hangs"), answer.err


def test_the_branch_says_it_once_and_not_while_another_machine_works_on_it(world: World) -> None:
    world.build({"a": task("a")}, config=CALM)
    tip = world.push("feat/a")
    workspace, branch, now = open_workspace(world.desk), Branch("a", "feat/a"), time.time()
    theirs = ClaimText("a", "elsewhere-123456", "ses_00000001", int(now + 600))
    assert isinstance(take(workspace, theirs, now), Taken)
    assert keep_back(workspace, branch, "over") == KeptBack()
    assert world.ref("refs/heads/feat/a") == tip

    world.git("update-ref", "-d", "refs/coord/claims/a", at=world.origin)
    assert keep_back(workspace, branch, "over\n[skip ci]") == KeptBack(marked=True)
    said = world.git("log", "-1", "--format=%B", "feat/a", at=world.origin)
    assert (
        said == "coord: work in progress\n\nCoord-Status: working\nCoord-Task: a\nCoord-Reason: over skip ci"
    )
    assert keep_back(workspace, branch, "over") == KeptBack()
    assert world.land().code == 0
    assert world.statuses() == {"a": "pending"}

    before = world.ref("refs/heads/main")
    assert keep_back(workspace, Branch("a", "main"), "a forged record") == KeptBack()
    assert world.ref("refs/heads/main") == before


@pytest.mark.long
def test_the_loop_ends_though_no_log_is_kept_and_a_host_ends_before_it_has_begun(world: World) -> None:
    config = CALM.replace("[run]\n", "keep = 0\n[run]\n")
    tasks = {
        "crashes": task("crashes", script([{"crash": 3}]), script([{"crash": 3}], "interrupted")),
        "hostless": task(
            "hostless", script([*HALF, {"hang": True}]), script(finish("hostless"), "earlier session")
        ),
    }
    with team_of(world, tasks, config) as team:
        spawned(team, "hostless")
        team.until(lambda: team.world.git("for-each-ref", "refs/heads/feat/hostless", at=team.world.origin))
        folder = team.desk / ".git/coord/sessions" / team.session("hostless").record.id
        os.kill(int(json.loads((folder / "process.json").read_text())["pid"]), signal.SIGKILL)
        (folder / "host.lock").unlink()
        (folder / "host.lock").mkdir()
        team.command("run", "--interval", "0.3")
        assert team.statuses() == {"crashes": "blocked", "hostless": "completed"}
        assert team.left_over() == []
