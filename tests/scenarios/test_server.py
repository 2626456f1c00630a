"""Server mode: a push by itself leads to main, and what may not come in is refused with words that say what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.world import CHECK, World, task_text


@pytest.fixture
def server(world: World) -> World:
    """A world whose origin lands by itself."""
    return _serve(world.build({name: task_text(name) for name in ("a", "b", "c")}))


def _serve(world: World) -> World:
    result = world.coord("init", "--server", str(world.origin))
    assert result.code == 0, result.err
    return world


def _settled(world: World, seconds: float = 20) -> str:
    """Wait until nothing is landing any more and return the log."""
    state = world.origin / "coord"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # The lock is not tried: whoever holds it for a moment makes a drain believe that another is at work.
        if not (state / "wake").exists() and not _drains(world):
            break
        time.sleep(0.05)
    log = state / "drain.log"
    return log.read_text() if log.exists() else ""


def _drains(world: World) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                here = (process / "cwd").readlink()
            except OSError:
                continue
            if b"--drain" in words and here == world.origin:
                found.append(process.name)
    return found


def _try_push(world: World, *refs: str) -> str:
    return world.git("push", "origin", *refs, ok=False)


def test_a_push_by_itself_leads_to_main(server: World) -> None:
    server.push("feat/a", {"src/a.txt": "1\n"})
    _settled(server)
    assert server.picture() == (
        "main: Merge branch 'feat/a' < seed\n"
        "tasks: a completed, b pending, c pending\n"
        "branches: none\n"
        "verdicts: none"
    )  # fmt: skip


def test_the_engines_own_updates_start_no_second_landing(server: World) -> None:
    server.push("feat/a")
    log = _settled(server)
    assert log.count("Merge") == 0
    assert log.count("main ") == 1, log


def test_a_red_branch_is_blocked_and_a_new_push_lands(server: World) -> None:
    server.push("feat/a", {"src/a.txt": "BROKEN\n"})
    _settled(server)
    assert server.verdicts() == {"a": "gate-failed"}
    server.git("fetch", "-q", "origin")
    server.more("feat/a", {"src/a.txt": "mended\n"})
    _settled(server)
    assert server.statuses()["a"] == "completed"


def test_a_dependency_that_lands_takes_its_dependent_along(world: World) -> None:
    _serve(world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))}))
    world.push("feat/b")
    _settled(world)
    assert world.statuses() == {"a": "pending", "b": "pending"}
    world.push("feat/a")
    _settled(world)
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_ten_pushes_at_the_same_moment_all_end_landed_or_with_a_reason(world: World) -> None:
    names = [f"t{i}" for i in range(10)]
    _serve(world.build({name: task_text(name) for name in names}))
    clones = []
    for name in names:
        clone = world.root / name
        world.git("clone", "-q", str(world.origin), str(clone), at=world.root)
        world.git("checkout", "-q", "-b", f"feat/{name}", at=clone)
        text = "BROKEN\n" if name == "t3" else f"{name}\n"
        world.commit(
            "work",
            {f"src/{name}.txt": text, **({"src/lib.txt": name} if name in ("t7", "t8") else {})},
            at=clone,
        )
        clones.append(clone)
    pushes = [
        subprocess.Popen(["git", "push", "-q", "origin", "HEAD"], cwd=clone, stderr=subprocess.PIPE)
        for clone in clones
    ]
    for push in pushes:
        _, err = push.communicate(timeout=60)
        assert push.returncode == 0, err.decode()
    _settled(world)
    statuses = world.statuses()
    assert statuses.pop("t3") == "blocked"
    assert sorted([statuses.pop("t7"), statuses.pop("t8")]) == ["blocked", "completed"]
    assert set(statuses.values()) == {"completed"}


def test_a_push_that_arrives_while_a_landing_runs_is_taken(world: World) -> None:
    config = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["sleep 0.4"]\n'
    _serve(world.build({"a": task_text("a"), "b": task_text("b")}, config=config))
    world.push("feat/a")
    time.sleep(0.5)
    world.push("feat/b")
    _settled(world)
    assert set(world.statuses().values()) == {"completed"}
    assert world.branches() == []


def test_a_killed_drain_is_taken_up_by_the_next_push(world: World) -> None:
    started = world.root / "started"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "touch {started}; test -e {world.root}/go || sleep 30"]]\n'
    _serve(world.build({"a": task_text("a"), "b": task_text("b")}, config=config))
    world.push("feat/a")
    deadline = time.monotonic() + 20
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    for number in _drains(world):
        os.kill(int(number), 9)
    (world.root / "go").touch()
    subprocess.run(["pkill", "-f", str(started)], check=False)
    world.push("feat/b")
    _settled(world)
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_a_push_that_touches_the_task_folder_is_refused_also_without_the_clients_hook(server: World) -> None:
    before = server.refs()
    server.git("checkout", "-q", "-b", "feat/a", "origin/main")
    server.commit("edit", {"tasks/a.md": "mine\n", "src/a.txt": "1\n"})
    words = _try_push(server, "feat/a")
    assert "coord: refused: feat/a changes task files: tasks/a.md" in words
    assert "git restore --source=" in words
    assert server.refs() == before


def test_task_files_that_main_brought_are_no_edit(server: World) -> None:
    server.push("feat/a", {"src/a.txt": "1\n"}, "half\n\nCoord-Status: working")
    server.main({"tasks/b.md": task_text("b", extra="priority: high\n")}, "edit b on main")
    server.git("checkout", "-q", "feat/a")
    server.git("merge", "-q", "-m", "merge main\n\nCoord-Status: working", "origin/main")
    server.git("push", "-q", "origin", "feat/a")
    server.commit("more", {"src/a.txt": "2\n"})
    server.git("push", "-q", "origin", "feat/a")
    _settled(server)
    assert server.statuses()["a"] == "completed"


def test_an_ours_merge_that_keeps_old_task_files_is_refused(server: World) -> None:
    server.git("checkout", "-q", "-b", "feat/a", "origin/main")
    server.commit("work", {"src/a.txt": "1\n"})
    server.main({"tasks/b.md": task_text("b", extra="priority: high\n")}, "edit b on main")
    server.git("checkout", "-q", "feat/a")
    server.git("merge", "-q", "-s", "ours", "-m", "keep ours", "origin/main")
    assert "changes task files: tasks/b.md" in _try_push(server, "feat/a")


def test_task_edits_that_were_pushed_first_under_another_name_are_refused(server: World) -> None:
    server.git("checkout", "-q", "-b", "other", "origin/main")
    server.commit("edit", {"tasks/a.md": "mine\n"})
    server.git("push", "-q", "origin", "other")
    assert "changes task files" in _try_push(server, "other:feat/a")


@pytest.mark.parametrize("words", ["[skip ci]", "[CI Skip]", "\n\nskip-checks: true"])
def test_a_silenced_wake_is_refused(server: World, words: str) -> None:
    server.git("checkout", "-q", "-b", "feat/a", "origin/main")
    server.commit(f"work {words}", {"src/a.txt": "1\n"})
    assert "so nothing would notice this push" in _try_push(server, "feat/a")


def test_main_never_loses_commits(server: World) -> None:
    server.main({"x": "1\n"})
    server.git("checkout", "-q", "-B", "main", "HEAD~1")
    server.commit("other", {"y": "1\n"})
    assert "main may not be moved" in _try_push(server, "+main")
    assert "main may not be deleted" in _try_push(server, ":main")


def test_an_open_main_takes_pushes_and_a_closed_one_does_not(world: World) -> None:
    _serve(world.build({"a": task_text("a")}))
    world.main({"x": "1\n"})
    world.main({".coord.toml": CHECK + '[server]\nmain = "closed"\n'})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    commit = world.commit("by hand", {"x": "2\n"})
    assert "main is closed: it moves only by landing" in _try_push(world, "main")
    assert "is written by the server alone" in _try_push(world, f"{commit}:refs/coord/approvals/a")
    assert "refused" not in _try_push(world, f"{commit}:refs/coord/claims/a")
    assert "is written by the server alone" in _try_push(world, ":refs/coord/claims/a")
    world.push("feat/a")
    _settled(world)
    assert world.statuses() == {"a": "completed"}


def test_the_maintainers_words_work_on_the_server_itself(server: World) -> None:
    server.push("feat/a", {".github/x": "1\n"})
    _settled(server)
    assert "changes protected paths" in server.coord("plan", at=server.origin).out
    assert server.coord("approve", "a", at=server.origin).code == 0
    assert server.coord("land", at=server.origin).code == 0
    assert server.coord("complete", "b", at=server.origin).code == 0
    assert server.statuses() == {"a": "completed", "b": "completed", "c": "pending"}


def test_no_variable_is_believed_on_the_server(server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COORD_ROLE", "coordinator")
    server.git("checkout", "-q", "-b", "feat/a", "origin/main")
    server.commit("edit", {"tasks/a.md": "mine\n"})
    assert "refused" in _try_push(server, "feat/a")


def test_foreign_hooks_are_kept_and_run_and_come_back(world: World) -> None:
    world.build({"a": task_text("a")})
    seen = world.root / "seen"
    hook = world.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    text = f"#!/bin/sh\ncat >> {seen}\n"
    hook.write_text(text)
    hook.chmod(0o755)
    _serve(world)
    world.push("feat/a")
    _settled(world)
    assert "refs/heads/feat/a" in seen.read_text()
    world.coord("hooks", "uninstall", at=world.origin)
    assert hook.read_text() == text
    assert not (world.origin / "hooks/post-receive").exists()


@pytest.mark.parametrize("size", ["1 commit", "1000 commits", "100 branches", "100 branches that edit"])
def test_a_push_is_judged_by_a_number_of_git_processes_that_does_not_grow(world: World, size: str) -> None:
    names = [f"t{i}" for i in range(100)]
    _serve(world.build({name: task_text(name) for name in names}, config='[gate]\nprofile = "none"\n'))
    (world.origin / "hooks/post-receive").unlink()
    count, kind = int(size.split(maxsplit=1)[0]), size.split()[1]
    edit = size.endswith("edit")
    lines = []
    head = world.git("rev-parse", "origin/main")
    for number in range(count):
        branch = "feat/t0" if kind.startswith("commit") else f"feat/t{number}"
        start = f"from {head}\n" if not kind.startswith("commit") or number == 0 else ""
        path = f"tasks/t{number}.md" if edit else f"src/{number}.txt"
        lines.append(
            f"commit refs/heads/{branch}\ncommitter A <a@b> {1700000000 + number} +0000\ndata 4\nwork\n{start}"
            f"M 100644 inline {path}\ndata 2\n{number % 10}\n\n"
        )
    world.git("fast-import", "--quiet", "--force", data="".join(lines))
    trace = world.root / "trace"
    trace.mkdir()
    world.git("config", "--global", "trace2.eventTarget", str(trace))
    words = world.git("push", "-q", "origin", "refs/heads/feat/*:refs/heads/feat/*", ok=False)
    world.git("config", "--global", "--unset", "trace2.eventTarget")
    assert ("refused" in words) == edit, words
    assert len(world.branches()) == (0 if edit else 1 if kind.startswith("commit") else count)
    children = [
        log
        for log in trace.iterdir()
        if '"name":"rev-list"' in log.read_text() or '"name":"cat-file"' in log.read_text()
    ]
    assert len(children) <= (8 if edit else 6), len(children)


def test_a_server_whose_coord_is_gone_says_so_and_takes_the_push(server: World) -> None:
    hook = server.origin / "hooks/post-receive"
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not shutil.which("coord", path=folder)
    )
    server.git("checkout", "-q", "-b", "feat/a", "origin/main")
    server.commit("work", {"src/a.txt": "1\n"})
    words = server.git("push", "origin", "feat/a", ok=False, env={"PATH": path})
    assert "coord cannot be run on this server" in words
    assert server.branches() == ["feat/a"]


def test_what_an_agents_push_wakes_is_no_part_of_its_session(
    server: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused as one, and ended with it."""
    monkeypatch.setenv("COORD_SESSION", "a-secret")
    server.push("feat/a", {"src/a.txt": "1\n"})
    log = _settled(server)
    assert server.statuses()["a"] == "completed", log
