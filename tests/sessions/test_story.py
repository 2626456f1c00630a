"""The whole loop with agents of every kind: all that can land lands, everything else is blocked with a reason."""

from __future__ import annotations

import random
import subprocess

import pytest

from coord.core.session import SessionState
from tests.sessions.story import BLOCKED, story
from tests.sessions.team import Team, finish, kill, script, task, team_of
from tests.world import World


def _assert_ended_well(team: Team) -> None:
    statuses = team.statuses()
    expected = dict.fromkeys(story(), "completed") | dict.fromkeys(BLOCKED, "blocked") | {"waits": "pending"}
    assert statuses == expected
    for id, reason in BLOCKED.items():
        assert reason in team.world.coord("show", id).out, id
    assert team.left_over() == []
    files = team.world.git("ls-tree", "-r", "--name-only", "origin/main", at=team.desk).split()
    assert "stray.txt" not in files
    assert team.world.git("show", "origin/main:src/ip.txt", at=team.desk) == "whole"
    assert team.world.git("show", "origin/main:src/mends.txt", at=team.desk) == "fine"
    assert "hacked" not in team.world.git("show", "origin/main:tasks/g9.md", at=team.desk)
    assert team.world.git("log", "--format=%s", "-1", "main", at=team.desk) == "seed"


@pytest.mark.long
def test_24_tasks_over_9_generations_all_that_can_land_lands(world: World) -> None:
    with team_of(world, story()) as team:
        result = team.run()

        assert result.code == 4, result.err
        _assert_ended_well(team)
        waits = {row["task"]: row for row in result.data["waits"]}
        assert set(waits) == {*BLOCKED, "waits"}
        assert waits["blocks"]["person"]


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(0, marks=pytest.mark.long),
        *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 5)),
    ],
)
def test_a_loop_that_is_killed_again_and_again_comes_to_the_same_end(world: World, seed: int) -> None:
    dice = random.Random(seed)
    with team_of(world, story()) as team:
        for _ in range(8):
            process = team.start_run()
            try:
                process.wait(dice.uniform(0.3, 4.0))
            except subprocess.TimeoutExpired:
                kill(process)
        team.run()
        _assert_ended_well(team)


def test_a_session_goes_with_the_landing_of_its_branch_whoever_lands_it(world: World) -> None:
    with team_of(world, {"a": task("a", script(finish("a")))}) as team:
        team.world.coord("spawn", "a")
        team.settled("a")
        assert team.session("a").state is SessionState.DONE
        team.world.coord("land")
        assert team.left_over() == []
