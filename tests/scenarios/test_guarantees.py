"""The nine guarantees, each by a test that fails when its mechanism is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world import World, task_text


def test_guarantee_1_every_step_was_validated_as_exactly_that_tree(world: World) -> None:
    """Two branches that pass alone and fail together: the second is refused on the tree that would be published."""
    record = world.root / "record"
    steps = f'[["sh", "-c", "cat src/*.txt | sort | sha1sum >> {record}; ! grep -q old src/use.txt 2>/dev/null || test -f src/old.txt"]]'
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = {steps}\n'
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/old.txt": "old\n"}, config)
    world.push("feat/a", {"src/old.txt": None})
    world.push("feat/b", {"src/use.txt": "old\n"})

    world.land()

    assert world.statuses() == {"a": "completed", "b": "blocked"}
    merge = world.git("log", "--first-parent", "--format=%H", "--grep=^Merge", "main", at=world.origin)
    world.git("clone", "-q", str(world.origin), str(world.root / "check"))
    world.git("checkout", "-q", merge, at=world.root / "check")
    ran = subprocess.run(
        "cat src/*.txt | sort | sha1sum", shell=True, cwd=world.root / "check", capture_output=True, text=True
    )
    assert ran.stdout in record.read_text()


def test_guarantee_2_nothing_lands_before_its_dependencies(world: World) -> None:
    tasks = {
        "a": task_text("a", depends_on=("b",)),
        "b": task_text("b", depends_on=("c",)),
        "c": task_text("c"),
    }
    world.build(tasks)
    for name in tasks:
        world.push(f"feat/{name}")
    world.land()
    assert world.history()[:3] == ["Merge branch 'feat/a'", "Merge branch 'feat/b'", "Merge branch 'feat/c'"]


def test_guarantee_3_nothing_is_deleted_unless_the_pushed_main_contains_it(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.git("fetch", "-q", "origin", at=world.desk)
    home = world.desk / ".worktrees" / "a"
    world.git("worktree", "add", "-q", "-b", "feat/a", str(home), "origin/feat/a", at=world.desk)
    later = world.commit("not pushed yet", {"src/later.txt": "later\n"}, at=home)

    world.land()

    assert world.statuses() == {"a": "completed"}
    assert home.is_dir()
    assert world.git("rev-parse", "feat/a", at=world.desk) == later


def test_guarantee_3_a_branch_that_moved_during_its_gate_keeps_its_new_commits(world: World) -> None:
    push = f"cd {world.agent} && git checkout -q feat/a && git commit -q --allow-empty -m late && git push -q origin feat/a"
    hook = world.root / "late.sh"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "{hook}"]]\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a", {"src/a.txt": "1\n"})
    once = world.root / "once"
    hook.write_text(f"[ -e {once} ] && exit 0; touch {once}; export HOME={os.environ['HOME']}; {push}\n")

    result = world.land()

    assert result.code == 0
    assert world.branches() == []
    subjects = world.git("log", "--format=%s", "main", at=world.origin).split("\n")
    assert "late" in subjects
    assert subjects.count("Merge branch 'feat/a'") == 1


@pytest.mark.parametrize("moment", ["gate", "fetch"])
def test_guarantee_4_killed_anywhere_it_converges(world: World, moment: str) -> None:
    started = world.root / "started"
    config = (
        f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "touch {started}; '
        f'test -e {world.root}/go || sleep 30"]]\n'
    )
    world.build({"a": task_text("a"), "b": task_text("b")}, config=config)
    world.push("feat/a")
    world.push("feat/b", {"src/lib.txt": "BBB\n"})
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while moment == "gate" and not started.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    if moment == "fetch":
        time.sleep(0.15)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(["pkill", "-f", str(started)], check=False)
    (world.root / "go").touch()

    assert world.land().code == 0

    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert world.branches() == []
    assert sorted(world.history()) == ["Merge branch 'feat/a'", "Merge branch 'feat/b'", "seed"]


def test_guarantee_4_a_killed_coordinators_own_landing_is_seen_again(world: World) -> None:
    """Killed after main was pushed and before the branch was deleted, as can happen with a forge."""
    world.build({"a": task_text("a")})
    tip = world.push("feat/a")
    world.land()
    main = world.ref("refs/heads/main")
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")

    world.land()

    assert world.ref("refs/heads/main") == main
    assert world.branches() == []


def test_guarantee_5_two_coordinators_at_once_land_nothing_twice(world: World) -> None:
    names = [f"t{i}" for i in range(6)]
    world.build({name: task_text(name) for name in names})
    for name in names:
        world.push(f"feat/{name}")
    second = world.root / "desk2"
    world.git("clone", "-q", str(world.origin), str(second))
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "coord", "-C", str(desk), "land"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for desk in (world.desk, second)
    ]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode in (0, 7), err.decode()
    world.land()
    assert sorted(world.history()) == sorted([*(f"Merge branch 'feat/{name}'" for name in names), "seed"])
    assert set(world.statuses().values()) == {"completed"}
    assert world.branches() == []


def test_guarantee_6_task_files_change_only_in_the_bytes_meant(world: World) -> None:
    crlf = task_text("a").rstrip().replace("\n", "\r\n")
    odd = "---\n# a comment\nadr: [028, 027]\nid:   'b'\nname: x\nstatus:   pending   # why\n---\nbody without end"
    world.build({"a": crlf, "b": odd, "c": task_text("c")})
    world.push("feat/a")
    world.push("feat/b")
    world.land()
    a = subprocess.run(
        ["git", "cat-file", "blob", "main:tasks/a.md"], cwd=world.origin, capture_output=True
    ).stdout
    expected = crlf.replace("status: pending", "status: completed", 1)
    assert a.decode() == expected.replace("> To be filled on completion", "work on feat/a")
    assert world.show("tasks/b.md").startswith(odd.replace("status:   pending ", "status:   completed ", 1))
    assert world.show("tasks/c.md") == task_text("c").rstrip("\n")
    changed = world.git(
        "log", "--first-parent", "-m", "--format=", "--name-only", "main", "--", "tasks", at=world.origin
    )
    assert sorted(set(changed.split())) == ["tasks/a.md", "tasks/b.md", "tasks/c.md"]


def test_guarantee_7_the_code_under_test_finds_no_credential(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = world.root / "seen"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "env > {seen}; ls -A $HOME $CARGO_HOME >> {seen}; git config -l >> {seen} 2>&1; pwd >> {seen}; ls -A >> {seen}"]]\n'
    world.build({"a": task_text("a")}, config=config)
    real_cargo = Path(os.environ["HOME"]) / ".cargo"
    real_cargo.mkdir()
    (real_cargo / "credentials.toml").write_text('token = "cargo-secret"\n')
    (real_cargo / "config.toml").write_text('[http]\nproxy = "cargo-secret"\n')
    for name in (
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "CARGO_REGISTRY_TOKEN",
        "SSH_AUTH_SOCK",
        "GIT_ASKPASS",
    ):
        monkeypatch.setenv(name, "very-secret")
    world.push("feat/a")

    world.land()

    text = seen.read_text()
    assert "secret" not in text
    assert "credentials" not in text
    names = {
        line.split("=", 1)[0] for line in text.splitlines() if "=" in line and line.split("=", 1)[0].isupper()
    }
    assert names <= {
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "RUSTUP_HOME",
        "CARGO_HOME",
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
    }
    assert ".git\n" not in text
    assert "tasks" not in text.splitlines()
    assert str(world.desk) not in text


def test_guarantee_8_your_checkout_is_never_touched(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/lib.txt": "changed\n"})
    (world.desk / "src/lib.txt").write_text("my own unfinished work\n")
    (world.desk / "untracked.txt").write_text("mine\n")
    (world.desk / "staged.txt").write_text("staged\n")
    world.git("add", "staged.txt", at=world.desk)
    before = _checkout(world)

    world.land()

    assert world.statuses() == {"a": "completed"}
    assert _checkout(world) == before


def _checkout(world: World) -> tuple[str, str, str, str]:
    index = (world.desk / ".git/index").read_bytes().hex()
    status = world.git("--no-optional-locks", "status", "--porcelain", at=world.desk)
    return (
        index, status, world.git("rev-parse", "HEAD", "main", at=world.desk), (world.desk / "src/lib.txt").read_text()
    )  # fmt: skip


def test_guarantee_9_deleting_coords_folder_loses_nothing_but_a_cache(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b"), "c": task_text("c")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.push("feat/b", {".github/x": "1\n"})
    world.land()
    world.coord("approve", "b")
    shutil.rmtree(world.desk / ".git/coord")
    shutil.rmtree(world.root / "gates")
    world.push("feat/c")

    result = world.land()

    assert result.outcome("a")["outcome"] == "gate-failed"
    assert world.statuses() == {"a": "blocked", "b": "completed", "c": "completed"}
