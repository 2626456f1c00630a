"""Publishing: races, refusals, tidying up, and what a run says of itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world import World, task_text


def _server_hook(world: World, name: str, script: str) -> None:
    hook = world.origin / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n" + script)
    hook.chmod(0o755)


def test_main_that_moves_while_the_gate_runs_is_answered_by_a_new_trial(world: World) -> None:
    once = world.root / "once"
    move = world.root / "move.sh"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "{move}"]]\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.commit("meanwhile", {"src/m.txt": "1\n"})
    home = os.environ["HOME"]
    move.write_text(
        f"[ -e {once} ] && exit 0; touch {once}; cd {world.agent} && HOME={home} git push -q origin main\n"
    )

    result = world.land()

    assert result.code == 0
    assert world.history() == ["Merge branch 'feat/a'", "meanwhile", "seed"]
    assert "moved meanwhile: looking again" in result.err


def test_a_race_lost_five_times_ends_with_7_and_changes_nothing(world: World) -> None:
    world.build({"a": task_text("a")}, config='[gate]\nprofile = "none"\n')
    world.push("feat/a", {"src/a.txt": "1\n"})
    _server_hook(world, "pre-receive", "echo 'cannot lock ref refs/heads/main' >&2; exit 1\n")
    before = world.refs()
    wrapper = world.root / "bin" / "git"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True).stdout.strip()
    wrapper.write_text(
        f'#!/bin/sh\ncase " $* " in *" push "*) echo "To x"; '
        f'printf "!\\tm:refs/heads/main\\t[rejected] (stale info)\\n"; exit 1;; esac\nexec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        result = world.land()
        assert world.land("a").code == 7
    assert result.code == 7
    assert result.outcome("a")["outcome"] == "raced"
    assert result.err.count("looking again") == 5
    assert world.refs() == before


def test_a_refusal_by_the_server_ends_with_8_and_the_servers_words(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b")
    _server_hook(
        world,
        "pre-receive",
        "while read o n r; do case $r in *feat/a) echo 'the door is closed' >&2; exit 1;; esac; done\n",
    )
    result = world.land()
    assert result.code == 8
    assert result.outcome("a")["outcome"] == "refused"
    assert "the door is closed" in result.outcome("a")["reason"]
    assert world.statuses() == {"a": "pending", "b": "completed"}


def test_a_remote_that_cannot_be_reached_ends_with_8_and_a_hint(world: World) -> None:
    world.build({"a": task_text("a")})
    world.git("remote", "set-url", "origin", str(world.root / "gone.git"), at=world.desk)
    result = world.coord("land")
    assert result.code == 8
    assert "cannot fetch from origin" in result.err
    assert "hint:" in result.err


def test_a_verdict_and_its_status_commit_are_one_atomic_push(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    _server_hook(
        world, "update", 'case $1 in refs/coord/verdicts/*) echo "no verdicts here" >&2; exit 1;; esac\n'
    )
    before = world.refs()
    result = world.land()
    assert world.refs() == before
    assert result.code == 8
    assert "no verdicts here" in result.outcome("a")["reason"]


def _worktree(world: World, branch: str) -> Path:
    world.git("fetch", "-q", "origin", at=world.desk)
    home = world.desk / ".worktrees" / branch
    world.git("worktree", "add", "-q", "-b", branch, str(home), f"origin/{branch}", at=world.desk)
    return home


def test_local_branch_and_clean_worktree_go_when_they_have_landed(world: World) -> None:
    world.build({"x/a": task_text("x/a")}, {".gitignore": "target\n"})
    world.push("feat/x/a")
    home = _worktree(world, "feat/x/a")
    (home / "target").mkdir()
    (home / "target" / "big").write_text("built\n")

    result = world.land()

    assert not home.exists()
    assert not (world.desk / ".worktrees").exists()
    assert world.git("branch", "--list", "feat/*", at=world.desk) == ""
    assert "removed the local branch feat/x/a" in result.err


def test_a_dirty_worktree_is_kept_and_named(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    home = _worktree(world, "feat/a")
    (home / "notes.txt").write_text("mine\n")

    result = world.land()

    assert (home / "notes.txt").read_text() == "mine\n"
    assert f"kept the local branch feat/a ({home}): its worktree holds uncommitted work" in result.err
    (home / "notes.txt").unlink()
    world.land()
    assert not home.exists()


def test_a_local_branch_checked_out_in_the_main_checkout_is_kept(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)
    world.git("switch", "-q", "feat/a", at=world.desk)
    result = world.land()
    assert "git switch main, then it goes" in result.err
    assert world.git("branch", "--show-current", at=world.desk) == "feat/a"


def test_a_new_local_branch_without_work_is_left_alone(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/b")
    world.git("branch", "feat/a", "origin/main", at=world.desk)
    world.land()
    assert "feat/a" in world.git("branch", "--list", at=world.desk)


def test_nothing_is_left_lying_around_after_a_landing(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {".github/x": "1\n"})
    world.land()
    world.coord("approve", "a")
    world.land()
    refs = world.git("for-each-ref", "--format=%(refname)", at=world.origin).split()
    assert refs == ["refs/heads/main"]
    local = world.git("for-each-ref", "--format=%(refname)", at=world.desk).split()
    assert local == ["refs/heads/main", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]


def test_an_approval_of_a_branch_that_is_gone_is_swept(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {".github/x": "1\n"})
    world.coord("approve", "a")
    assert world.ref("refs/coord/approvals/a")
    world.git("push", "-q", "origin", ":feat/a")
    world.land()
    assert world.ref("refs/coord/approvals/a") == ""


def test_a_refused_sweep_of_one_branch_does_not_keep_the_others(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    tips = {name: world.push(f"feat/{name}") for name in ("a", "b")}
    world.land()
    for name, tip in tips.items():
        world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/{name}")
    _server_hook(world, "update", 'case "$1 $3" in refs/heads/feat/a\\ 000*) echo keep >&2; exit 1;; esac\n')
    world.land()
    assert world.branches() == ["feat/a"]


def test_progress_and_results_go_to_their_own_streams(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    result = world.coord("land")
    assert "sh check.sh (1 of 1)" in result.err
    assert result.out.startswith("landed  feat/a  ")
    assert "\x1b" not in result.out + result.err


def test_text_from_branches_cannot_draw_on_the_terminal(world: World) -> None:
    world.build({"a": task_text("a")})
    evil = "stop\n\nCoord-Status: blocked\nCoord-Reason: \x1b[31mred\x1b[0m \u202eback @everyone ## Summary\n"
    world.push("feat/a", {"src/a.txt": "1\n"}, evil)
    result = world.coord("land")
    assert "\x1b" not in result.out + result.err
    assert "\u202e" not in result.out + result.err
    assert world.show("tasks/a.md").count("\n## Summary") == 1
    assert "@everyone" not in world.show("tasks/a.md")


def test_watch_lands_what_arrives_and_ends_with_130_when_interrupted(world: World) -> None:
    world.build({"a": task_text("a")})
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land", "--watch", "--interval", "0.2"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        world.push("feat/a")
        deadline = time.monotonic() + 30
        while world.statuses() != {"a": "completed"} and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert world.statuses() == {"a": "completed"}
    assert process.returncode == 130, out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_during_a_gate_leaves_nothing_half_done(world: World, number: signal.Signals) -> None:
    started = world.root / "started"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "touch {started}; sleep 60"]]\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a")
    before = world.refs()
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 20
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"interrupted" in err
    assert world.refs() == before
    assert subprocess.run(["pgrep", "-f", str(started)], capture_output=True).stdout == b""


def test_a_second_run_of_the_same_tree_costs_no_validation(world: World) -> None:
    count = world.root / "count"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "echo run >> {count}"]]\n'
    world.build(
        {"a": task_text("a"), "b": task_text("b", depends_on=("c",)), "c": task_text("c")}, config=config
    )
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.land()
    assert count.read_text().count("run") == 1
    world.coord("complete", "c")
    world.push("feat/b", {"tasks/b.md": "only the task folder\n"})
    world.land()
    assert world.statuses()["b"] == "completed"
    assert count.read_text().count("run") == 1
