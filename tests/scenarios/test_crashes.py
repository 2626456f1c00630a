"""Killed at any instant, a run is finished by the next one: the same end state as undisturbed.

The steps of a landing are its git processes: a ``git`` in front of the real one counts them and kills the coordinator
at one of them, before the step or after it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world import CHECK, World, task_text

#: Every how many steps a kill is tried in ``make test``; ``make soak`` tries them all.
_EVERY = 4

_GIT = """#!/bin/sh
real={real}
dir={dir}
n=$(cat "$dir/count" 2>/dev/null || echo 0)
n=$((n + 1))
echo $n >"$dir/count"
at=$(cat "$dir/at" 2>/dev/null || echo 0)
if [ "$n" = "$at" ]; then
	case $(cat "$dir/when") in
	before) kill -9 $PPID; exit 1 ;;
	after) "$real" "$@"; code=$?; kill -9 $PPID; exit $code ;;
	unanswered) "$real" "$@" >/dev/null 2>&1; echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128 ;;
	esac
fi
exec "$real" "$@"
"""


def _template(root: Path, land: str = "") -> Path:
    """Make a world in which one run does a bit of everything; ``land`` are settings of how branches land."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        world = World(root)
        tasks = {name: task_text(name) for name in ("a", "b", "c", "d", "e")}
        world.build(tasks, config=(f"[land]\n{land}\n" if land else "") + CHECK)
        world.push("feat/a", {"src/lib.txt": "A\ntwo\nthree\nfour\nfive\n"})
        world.push("feat/b", {"src/lib.txt": "B\ntwo\nthree\nfour\nfive\n"})
        world.push("feat/c", {"src/c.txt": "BROKEN\n"})
        world.push("feat/d", {"src/d.txt": "1\n"}, "stop\n\nCoord-Status: blocked\nCoord-Reason: lost\n")
        world.push("feat/e", {"src/e.txt": "1\n"})
    return root


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _template(tmp_path_factory.mktemp("crash"))


def _world(template: Path, tmp_path: Path) -> World:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True, symlinks=True)
    world = World(tmp_path)
    for clone in (world.desk, world.agent):
        world.git("remote", "set-url", "origin", str(world.origin), at=clone)
    world.git("config", "--global", "coord.gateFolder", str(tmp_path / "gates"))
    world.git("fetch", "-q", at=world.desk)
    home = str(world.desk / ".worktrees/e")
    world.git("worktree", "add", "-q", "-b", "feat/e", home, "origin/feat/e", at=world.desk)
    real = shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(_GIT.format(real=real, dir=wrapper.parent))
    wrapper.chmod(0o755)
    return world


def _run(world: World, at: int, when: str, *, where: Path | None = None) -> int:
    """Run coord land in a process of its own that is killed at a step; return how many steps there were."""
    folder = world.root / "bin"
    (folder / "at").write_text(f"{at}\n")
    (folder / "when").write_text(when)
    (folder / "count").unlink(missing_ok=True)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(
        [sys.executable, "-m", "coord", "-C", str(where or world.desk), "land"],
        env=environment,
        capture_output=True,
        timeout=120,
    )
    return int((folder / "count").read_text())


def _end_state(world: World) -> dict[str, object]:
    names = world.git("for-each-ref", "--format=%(refname)", at=world.origin).split()
    local = world.git("for-each-ref", "--format=%(refname)", "refs/heads", at=world.desk).split()
    return {
        "main": sorted(world.history()),
        "tree": world.git("rev-parse", "main^{tree}", at=world.origin),
        "refs": [name for name in names if not name.startswith("refs/coord/history")],
        "verdicts": world.verdicts(),
        "local": local,
        "worktrees": sorted(path.name for path in (world.desk / ".worktrees").glob("*")),
        "locks": [str(lock) for lock in world.origin.rglob("*.lock") if "coord" not in lock.parts],
    }


@pytest.fixture(scope="module")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], int]:
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("whole")
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        world = _world(template, root)
        steps = _run(world, 0, "never")
        return _end_state(world), steps


def _converges(world: World, expected: dict[str, object]) -> None:
    result = world.coord("land")
    assert result.code == 0, result.err
    assert _end_state(world) == expected
    before = world.refs()
    world.coord("land")
    assert world.refs() == before


def _steps(every: int) -> list[int]:
    return list(range(1, 73, every))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", _steps(_EVERY))
def test_killed_at_a_step_the_next_run_gives_the_same_end(
    template: Path, undisturbed: tuple[dict[str, object], int], tmp_path: Path, step: int, when: str
) -> None:
    expected, steps = undisturbed
    assert steps <= _steps(1)[-1], "the list of steps is too short"
    world = _world(template, tmp_path)
    _run(world, min(step, steps), when)
    _converges(world, expected)


@pytest.mark.soak
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", _steps(1))
def test_killed_at_every_step_the_next_run_gives_the_same_end(
    template: Path, undisturbed: tuple[dict[str, object], int], tmp_path: Path, step: int, when: str
) -> None:
    expected, steps = undisturbed
    world = _world(template, tmp_path)
    _run(world, min(step, steps), when)
    _converges(world, expected)


def _killed_at_random(template: Path, tmp_path: Path, seed: int) -> World:
    chance = random.Random(seed)
    world = _world(template, tmp_path)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(0.1, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    return world


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_instants_the_next_run_gives_the_same_end(
    template: Path, undisturbed: tuple[dict[str, object], int], tmp_path: Path, seed: int
) -> None:
    _converges(_killed_at_random(template, tmp_path, seed), undisturbed[0])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_killed_at_many_random_instants_the_next_run_gives_the_same_end(
    template: Path, undisturbed: tuple[dict[str, object], int], tmp_path: Path, seed: int
) -> None:
    _converges(_killed_at_random(template, tmp_path, seed), undisturbed[0])


@pytest.mark.parametrize(
    ("arrives", "words"),
    [
        (True, "fatal: the remote end hung up unexpectedly"),
        (False, "fatal: Could not read from remote repository."),
    ],
)
def test_a_push_whose_answer_is_lost_is_read_back(world: World, arrives: bool, words: str) -> None:
    """Taken: it is not made again. Never arrived: it is."""
    world.build({"a": task_text("a")}, config='[gate]\nprofile = "none"\n')
    world.push("feat/a")
    wrapper = world.root / "bin" / "git"
    wrapper.parent.mkdir()
    real, once = shutil.which("git"), world.root / "once"
    first = f'{real} "$@" >/dev/null 2>&1' if arrives else ":"
    wrapper.write_text(
        f'#!/bin/sh\ncase " $* " in *" push "*) if [ ! -e {once} ]; then touch {once}; {first}; '
        f'echo "{words}" >&2; exit 128; fi ;; esac\nexec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        result = world.land()
    assert result.code == 0, result.err
    assert result.outcome("a")["outcome"] == "landed"
    assert world.history() == ["Merge branch 'feat/a'", "seed"]


def test_a_lock_that_a_killed_git_left_is_named_with_what_to_do(world: World) -> None:
    world.build({"a": task_text("a")}, config='[gate]\nprofile = "none"\n')
    world.push("feat/a")
    lock = world.origin / "refs/heads/main.lock"
    lock.touch()
    result = world.coord("land")
    assert result.code == 8
    assert "main.lock" in result.err + result.out
    assert "a killed git left it" in result.err + result.out
    lock.unlink()
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed"}


def test_a_remote_that_goes_away_and_comes_back(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.origin.rename(world.root / "away.git")
    assert world.coord("land").code == 8
    (world.root / "away.git").rename(world.origin)
    assert world.land().code == 0
    assert json.loads(world.coord("plan", "--json").out)["data"]["idle"] is True


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", _steps(8))
def test_a_server_killed_at_a_step_is_finished_by_the_next_run(
    template: Path, undisturbed: tuple[dict[str, object], int], tmp_path: Path, step: int, when: str
) -> None:
    expected, _ = undisturbed
    world = _world(template, tmp_path)
    _run(world, step, when, where=world.origin)
    assert world.coord("land", at=world.origin).code == 0
    world.coord("land")
    assert _end_state(world) == expected


def test_a_gate_process_that_somebody_kills_blames_nobody(world: World) -> None:
    once = world.root / "once"
    steps = f'[["sh", "-c", "test -e {once} || {{ touch {once}; kill -9 $$; }}"]]'
    world.build({"a": task_text("a")}, config=f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = {steps}\n')
    world.push("feat/a")
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed"}


def test_a_step_that_is_always_killed_is_red(world: World) -> None:
    steps = '[["sh", "-c", "test ! -e src/a.txt || kill -9 $$"]]'
    world.build({"a": task_text("a")}, config=f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = {steps}\n')
    world.push("feat/a")
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}


def test_a_remote_that_does_not_answer_is_given_up(world: World) -> None:
    world.build({"a": task_text("a")})
    world.git("config", "coord.patience", "1", at=world.desk)
    world.git("config", "core.sshCommand", "sleep 60 #", at=world.desk)
    world.git("remote", "set-url", "origin", "ssh://nowhere/x.git", at=world.desk)
    started = time.monotonic()
    result = world.coord("land")
    assert time.monotonic() - started < 30
    assert result.code == 8
    assert "got no answer from the remote within 1 s" in result.err
    assert "git config coord.patience" in result.err


# -- side by side --------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("land", ["workers = 3", 'strategy = "batch"', 'strategy = "batch"\nworkers = 2'])
@pytest.mark.parametrize("step", [5, 19, 33, 47])
def test_killed_while_lines_run_side_by_side_the_next_run_gives_the_same_end(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, land: str, step: int
) -> None:
    """What one step of main carries depends on who was left when it was made; what main holds in the end does not."""
    template = _template(tmp_path_factory.mktemp("lines"), land)
    world = _world(template, tmp_path)
    whole = _world(template, tmp_path_factory.mktemp("undisturbed"))
    steps = _run(whole, 0, "never")
    expected = _end_state(whole)
    _run(world, min(step, steps), "after")
    assert world.coord("land").code == 0
    ended = _end_state(world)
    for state in (expected, ended):
        del state["main"]
    assert ended == expected
    world.coord("land")
    world.coord("land")
    assert {name: status for name, status in world.statuses().items() if status == "completed"} == {
        "a": "completed", "e": "completed",
    }  # fmt: skip
