"""Branches that are tried on top of each other: nothing goes by what was true before the ones ahead of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n'


def checked_by(script: Path, workers: int = 1, strategy: str = "each") -> str:
    return (
        f'[land]\nworkers = {workers}\nstrategy = "{strategy}"\n[gate]\nprofile = "p"\n'
        f'[profiles.p]\nsteps = ["sh {script}"]\ntoolchain = []\n'
    )


def as_agent(world: World, words: str) -> str:
    """Return shell words that do something in the agent's clone, as a person might meanwhile."""
    return f"(export HOME={os.environ['HOME']}; cd {world.agent} && {words})"


def test_a_branch_is_judged_by_the_configuration_that_the_one_before_it_brought(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a", {".coord.toml": '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["false"]\n'})
    world.push("feat/b")
    world.coord("approve", "a")
    result = world.land()
    assert world.statuses() == {"a": "completed", "b": "pending"}
    assert "main is red" in result.outcome("b")["reason"]


def test_a_branch_whose_work_the_one_before_it_reverts_is_held(world: World) -> None:
    world.build({"a": task_text("a"), "u": task_text("u")}, config=NONE)
    first = world.push("feat/a", {"src/a.txt": "first\n"})
    world.land()
    landed = world.ref("refs/heads/main")
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "feat/u", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", landed)
    world.git("push", "-q", "--no-verify", "origin", "feat/u")
    world.push("feat/a", {"src/newer.txt": "newer\n"}, start=first)
    result = world.land()
    assert result.outcome("u")["outcome"] == "landed"
    assert "was reverted by" in result.outcome("a")["reason"]
    assert world.branches() == ["feat/a"]
    assert not world.has("src/newer.txt")


def test_a_failure_that_somebody_brings_to_main_meanwhile_blames_nobody_else(world: World) -> None:
    script, once = world.root / "check", world.root / "once"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=checked_by(script, workers=2))
    world.push("feat/a", {"src/a.txt": "bad\n"})
    world.push("feat/b", {"src/b.txt": "fine\n"})
    merge = "git fetch -q && git checkout -q -B main origin/main && git merge -q --no-ff -m hand origin/feat/a && git push -q origin main"
    script.write_text(
        "[ -e src/a.txt ] || exit 0\n"
        f"if [ -e src/b.txt ] && [ ! -e {once} ]; then touch {once}; {as_agent(world, merge)}; exit 1; fi\n"
        "[ -e src/b.txt ] || sleep 3\nexit 1\n"
    )
    result = world.land()
    assert result.code == 4
    assert world.verdicts() == {}
    assert world.statuses()["b"] == "pending"
    assert "main is red" in result.outcome("b")["reason"]


@pytest.mark.parametrize("strategy", ["each", "batch"])
def test_one_branch_that_the_remote_refuses_does_not_keep_the_others_of_its_push(
    world: World, strategy: str
) -> None:
    config = f'[land]\nstrategy = "{strategy}"\n{NONE}'
    world.build({name: task_text(name) for name in "abc"}, config=config)
    for name in "abc":
        world.push(f"feat/{name}")
    hook = world.origin / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ "$1" = refs/heads/feat/b ] && { echo keep b; exit 1; }; exit 0\n')
    hook.chmod(0o755)
    result = world.land()
    assert result.outcome("b")["outcome"] == "refused"
    assert world.statuses() == {"a": "completed", "b": "pending", "c": "completed"}
    assert world.branches() == ["feat/b"]


def test_a_name_that_some_file_systems_take_for_dot_git_stops_only_its_own_branch(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a", {".g\u200cit": "no\n"})
    world.push("feat/b")
    result = world.land()
    assert world.statuses() == {"a": "pending", "b": "completed"}
    assert "does not check out" in result.outcome("a")["reason"]


def test_a_tip_that_another_branch_has_meanwhile_lands_as_that_one(world: World) -> None:
    script, once = world.root / "check", world.root / "once"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=checked_by(script))
    tip = world.push("feat/a")
    rename = f"git push -q origin {tip}:refs/heads/feat/b :refs/heads/feat/a"
    script.write_text(f"[ -e {once} ] && exit 0; touch {once}; {as_agent(world, rename)}\n")
    result = world.land()
    assert world.statuses() == {"a": "pending", "b": "completed"}
    assert result.outcome("b")["outcome"] == "landed"
    assert "Coord-Task: b" in world.git("log", "-1", "--format=%B", "main", at=world.origin)


def test_a_branch_that_is_held_while_it_is_validated_does_not_land(world: World) -> None:
    script, once = world.root / "check", world.root / "once"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=checked_by(script, workers=2))
    world.push("feat/a")
    world.push("feat/b")
    hold = "git push -q origin HEAD:refs/coord/hold/b"
    script.write_text(
        f"[ -e {once} ] && {{ sleep 2; exit 0; }}; touch {once}; {as_agent(world, hold)}; sleep 2\n"
    )
    result = world.land()
    assert world.statuses() == {"a": "completed", "b": "pending"}
    assert result.outcome("b")["reason"].startswith("held")


def test_gates_side_by_side_never_share_a_log(world: World) -> None:
    """With more logs than are kept, the oldest go while another gate looks at them."""
    world.build(
        {name: task_text(name) for name in "abcd"}, config=checked_by(world.root / "check", workers=4)
    )
    (world.root / "check").write_text("ls src\n")
    logs = world.desk / ".git" / "coord" / "logs"
    logs.mkdir(parents=True)
    for number in range(400):
        (logs / f"old{number}.log").write_text("x\n")
    for name in "abcd":
        world.push(f"feat/{name}")
    assert world.land().code == 0
    assert set(world.statuses().values()) == {"completed"}
    assert len(list(logs.iterdir())) < 60


def test_a_commit_that_only_says_it_is_a_batch_is_told_apart(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.expected |= {"batch-shape", "gate-tree"}
    world.main({"x.txt": "x\n"}, "pretend\n\nCoord-Batch: 2\n")
    result = world.coord("doctor", "--verify", "--regate", "--json")
    assert {finding["check"] for finding in result.data["findings"]} >= {"batch-shape", "gate-tree"}
