"""Several workers, and batches: what runs side by side, what one step of main may carry, and who is blamed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.world import CHECK_SH, World, task_text

#: A validator that counts its runs and how many are at work at once, outside the gate's folder.
COUNTING = """mkdir -p "$SEEN"; n=$(mktemp "$SEEN/run.XXXXXX"); : > "$n.at"
ls "$SEEN" | grep -c 'at$' >> "$SEEN/high"
sleep "${NAP:-0.3}"
rm "$n.at"
"""


def config(strategy: str, workers: int, *, profile: str = "check") -> str:
    return (
        f'[land]\nstrategy = "{strategy}"\nworkers = {workers}\n[gate]\nprofile = "{profile}"\n'
        '[profiles.check]\nsteps = ["sh check.sh"]\ntoolchain = []\n'
    )


def build(
    world: World, count: int, strategy: str, workers: int, *, nap: str = "0.3", **files: str
) -> list[str]:
    """Make ``count`` tasks whose validator counts its runs."""
    names = [f"t{number}" for number in range(count)]
    seen = world.root / "seen"
    script = COUNTING.replace("$SEEN", str(seen)).replace("${NAP:-0.3}", nap) + CHECK_SH
    world.build(
        {name: task_text(name) for name in names},
        files={"check.sh": script, **files},
        config=config(strategy, workers),
    )
    return names


def runs(world: World) -> int:
    return len(list((world.root / "seen").glob("run.*")))


def most_at_once(world: World) -> int:
    return max(int(line) for line in (world.root / "seen" / "high").read_text().split())


def steps(world: World) -> list[list[str]]:
    """Return the parents of each first-parent step of main above the first commit, oldest first."""
    rows = world.git(
        "log", "--first-parent", "--reverse", "--format=%H %P", "main", at=world.origin
    ).splitlines()
    return [row.split() for row in rows[1:]]


def test_four_workers_validate_four_lines_at_once_and_each_branch_is_a_step(world: World) -> None:
    names = build(world, 4, "each", 4)
    for name in names:
        world.push(f"feat/{name}")
    result = world.land()
    assert result.code == 0
    assert most_at_once(world) == 4
    assert runs(world) == 4
    assert set(world.statuses().values()) == {"completed"}
    assert len(steps(world)) == 4
    assert world.branches() == []


def test_a_red_branch_in_the_middle_of_a_row_is_blamed_alone(world: World) -> None:
    names = build(world, 4, "each", 4)
    for name in names:
        world.push(f"feat/{name}", {f"src/{name}.txt": "BROKEN\n" if name == "t1" else "fine\n"})
    world.land()
    assert world.statuses() == {"t0": "completed", "t1": "blocked", "t2": "completed", "t3": "completed"}
    assert world.verdicts() == {"t1": "gate-failed"}
    assert world.branches() == ["feat/t1"]


def test_what_fails_only_together_blames_the_later_one(world: World) -> None:
    build(world, 2, "each", 2, **{"src/api.txt": "old\n"})
    world.push("feat/t0", {"needs": "src/api.txt\n"})
    world.push("feat/t1", {"src/api.txt": None})
    world.land()
    assert world.statuses() == {"t0": "completed", "t1": "blocked"}


def test_a_branch_that_conflicts_with_one_ahead_of_it_is_tried_when_that_one_has_landed(world: World) -> None:
    build(world, 3, "each", 3)
    world.push("feat/t0", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/t1", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/t2")
    result = world.land()
    assert world.statuses() == {"t0": "completed", "t1": "blocked", "t2": "completed"}
    assert result.outcome("t1")["outcome"] == "conflict"
    assert result.outcome("t1")["paths"] == ["src/lib.txt"]


def test_a_red_main_stops_all_workers_and_blames_nobody(world: World) -> None:
    names = build(world, 3, "each", 3)
    world.main({"src/main.txt": "BROKEN\n"})
    for name in names:
        world.push(f"feat/{name}")
    result = world.land()
    assert result.code == 4
    assert set(world.statuses().values()) == {"pending"}
    assert world.verdicts() == {}


def test_a_validation_goes_on_when_main_moves_only_in_the_task_folder(world: World) -> None:
    """One branch fails at once and is blocked while the other is still running: nothing is run twice."""
    build(world, 2, "batch", 2, nap="0", **{"slow.sh": "if [ -f src/t1.txt ]; then sleep 2; fi\n"})
    both = 'steps = ["sh check.sh", "sh slow.sh"]'
    world.main({".coord.toml": config("batch", 2).replace('steps = ["sh check.sh"]', both)})
    world.push("feat/t0", {"src/t0.txt": "BROKEN\n"})
    world.push("feat/t1")
    world.land()
    assert world.statuses() == {"t0": "blocked", "t1": "completed"}
    assert world.history()[1].startswith("blocked(t0)")
    assert runs(world) == 3  # t0, t1, and main to find out whose fault it is


def test_two_lines_of_which_the_profile_sees_the_same_are_one_validation(world: World) -> None:
    names = build(world, 2, "each", 2, nap="0.5")
    both = 'toolchain = []\ninputs = ["src/**", "check.sh"]'
    world.main({".coord.toml": config("each", 2).replace("toolchain = []", both)})
    for name in names:
        world.push(f"feat/{name}", {f"docs/{name}.md": "text\n"})
    assert world.land().code == 0
    assert world.statuses() == dict.fromkeys(names, "completed")
    assert runs(world) == 1


def test_a_batch_is_one_step_that_carries_every_branch(world: World) -> None:
    names = build(world, 3, "batch", 1)
    tips = {name: world.push(f"feat/{name}") for name in names}
    before = world.ref("refs/heads/main")
    result = world.land()
    assert result.code == 0
    assert runs(world) == 1
    assert world.statuses() == dict.fromkeys(names, "completed")
    (step,) = steps(world)
    assert step[1] == before
    message = world.git("log", "-1", "--format=%B", "main", at=world.origin)
    tree = world.git("rev-parse", "main^{tree}", at=world.origin)
    assert f"Coord-Batch: 3\nCoord-Gate: check {tree}" in message
    assert world.branches() == []
    for name, tip in tips.items():
        assert world.git("merge-base", "--is-ancestor", tip, "main", at=world.origin) == ""
        own = result.outcome(name)["commit"]
        assert f"Coord-Task: {name}" in world.git("log", "-1", "--format=%B", own, at=world.origin)
        assert "Coord-Gate" not in world.git("log", "-1", "--format=%B", own, at=world.origin)


def test_a_red_batch_is_halved_until_the_one_to_blame_stands_alone(world: World) -> None:
    names = build(world, 8, "batch", 1, nap="0.01")
    for name in names:
        world.push(f"feat/{name}", {f"src/{name}.txt": "BROKEN\n" if name == "t5" else "fine\n"})
    world.land()
    blocked = [name for name, status in world.statuses().items() if status == "blocked"]
    assert blocked == ["t5"]
    assert world.branches() == ["feat/t5"]
    assert runs(world) < 8
    trees = world.git(
        "log", "--first-parent", "--format=%T %(trailers:key=Coord-Gate,valueonly)", "main", at=world.origin
    )
    judged = [line.split() for line in trees.splitlines() if len(line.split()) == 3]
    assert judged
    assert all(tree == gated for tree, _, gated in judged)


def test_batches_with_several_workers_land_what_is_fine_and_block_what_is_not(world: World) -> None:
    names = build(world, 9, "batch", 3, nap="0.01")
    bad = {"t2", "t7"}
    for name in names:
        world.push(f"feat/{name}", {f"src/{name}.txt": "BROKEN\n" if name in bad else "fine\n"})
    world.land()
    assert {name for name, status in world.statuses().items() if status == "blocked"} == bad
    assert {name for name, status in world.statuses().items() if status == "completed"} == set(names) - bad


def test_members_of_a_batch_that_fail_only_together_are_taken_apart(world: World) -> None:
    build(world, 2, "batch", 1, nap="0.01", **{"src/api.txt": "old\n"})
    world.push("feat/t0", {"needs": "src/api.txt\n"})
    world.push("feat/t1", {"src/api.txt": None})
    world.land()
    assert world.statuses() == {"t0": "completed", "t1": "blocked"}


def test_a_reverted_batch_holds_its_branches_back(world: World) -> None:
    names = build(world, 2, "batch", 1, nap="0.01")
    tips = {name: world.push(f"feat/{name}") for name in names}
    world.land()
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", "main")
    world.git("push", "-q", "origin", "main")
    assert set(world.statuses().values()) == {"pending"}
    world.push("feat/t0", {"src/t0.txt": "again\n"}, start=tips["t0"])
    result = world.land()
    assert "was reverted" in result.outcome("t0")["reason"]


def test_a_branch_pushed_again_after_its_batch_is_swept(world: World) -> None:
    names = build(world, 2, "batch", 1, nap="0.01")
    tips = {name: world.push(f"feat/{name}") for name in names}
    world.land()
    world.git("push", "-q", "origin", f"{tips['t0']}:refs/heads/feat/t0")
    world.land()
    assert world.branches() == []
    assert world.statuses() == dict.fromkeys(names, "completed")


@pytest.mark.parametrize("strategy", ["each", "batch"])
def test_what_needs_no_run_is_published_in_one_push(world: World, strategy: str, tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(12)]
    world.build({name: task_text(name) for name in names}, config=config(strategy, 1, profile="none"))
    for name in names:
        world.push(f"feat/{name}")
    trace = tmp_path / "trace"
    world.environment["GIT_TRACE2_EVENT"] = str(trace)
    result = traced(world, trace)
    assert result == {"fetch": 1, "push": 1}
    assert world.statuses() == dict.fromkeys(names, "completed")
    assert len(steps(world)) == (12 if strategy == "each" else 1)


def traced(world: World, trace: Path) -> dict[str, int]:
    """Land, and return how often git fetched and pushed."""
    world.git("config", "--global", "trace2.eventTarget", str(trace))
    world.land()
    world.git("config", "--global", "--unset", "trace2.eventTarget")
    names = [json.loads(line) for line in trace.read_text().splitlines()]
    verbs = [event["name"] for event in names if event["event"] == "cmd_name"]
    return {verb: verbs.count(verb) for verb in ("fetch", "push")}


def test_killed_while_several_run_nothing_is_left_at_work(world: World) -> None:
    """An interrupt ends every worker; the next run lands all."""
    import os
    import signal
    import subprocess
    import sys
    import time

    names = build(world, 3, "each", 3, nap="20")
    for name in names:
        world.push(f"feat/{name}")
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while len(list((world.root / "seen").glob("*.at"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    left = subprocess.run(["pgrep", "-f", str(world.root / "gates")], capture_output=True, text=True)
    assert left.stdout == ""
