"""What is over goes by itself; what was only just begun, or is not whole on main, stays and is named."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from tests.worktrees.conftest import NONE, build, home, merge
from tests.world import World, task_text

Start = Callable[..., "subprocess.Popen[bytes]"]


def _reasons(data: dict[str, Any]) -> dict[str, str]:
    return {kept["branch"]: kept["reason"] for kept in data["kept"]}


def _removed(data: dict[str, Any]) -> list[str]:
    return [removed["branch"] for removed in data["removed"]]


def _completed(world: World, *names: str) -> World:
    tasks = {name: task_text(name, status="completed") for name in names}
    return world.build(tasks | {"open": task_text("open")}, config=NONE)


def test_prune_takes_what_is_over_and_shows_the_bytes(world: World) -> None:
    _completed(world, "a", "dirty", "ahead")
    for name in ("a", "dirty", "ahead", "open"):
        world.push(f"feat/{name}")
        if name != "ahead":
            merge(world, f"feat/{name}")
        world.coord("worktree", "create", name)
    (home(world, "dirty") / "new.txt").write_text("x\n")
    would = world.coord("worktree", "prune", "--dry-run", "--json").data
    assert (_removed(would), home(world).is_dir()) == (["feat/a"], True)
    assert would["size"] > 0
    data = world.coord("worktree", "prune", "--json").data
    assert _removed(data) == ["feat/a"]
    assert data["size"] == would["size"]
    assert _reasons(data) == {"feat/ahead": "not-contained", "feat/dirty": "dirty", "feat/open": "open"}
    assert "B freed" in world.coord("worktree", "prune").err
    assert home(world, "dirty").is_dir()


def test_prune_keeps_a_worktree_in_which_somebody_works_and_ends_what_a_session_left(
    world: World, start: Start
) -> None:
    _completed(world, "a", "b")
    for name in ("a", "b"):
        world.push(f"feat/{name}")
        merge(world, f"feat/{name}")
        world.coord("worktree", "create", name)
    person, left = start(home(world)), start(home(world, "b"), "s3cret")
    data = world.coord("worktree", "prune", "--json").data
    assert (_removed(data), _reasons(data)) == (["feat/b"], {"feat/a": "busy"})
    assert person.poll() is None
    assert left.wait() == -15


def test_prune_drops_what_is_kept_for_folders_that_are_gone(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    world.coord("worktree", "create", "b")
    world.git("worktree", "lock", str(home(world, "b")), at=world.desk)
    shutil.rmtree(home(world))
    shutil.rmtree(home(world, "b"))
    would = world.coord("worktree", "prune", "-n", "--json").data["dropped"]
    dropped = world.coord("worktree", "prune", "--json").data["dropped"]
    assert [each["what"] for each in dropped] == ["entry", "lease", "lease"]
    assert would == dropped
    assert dropped[0]["path"] == str(home(world))
    assert str(home(world, "b")) in world.git("worktree", "list", at=world.desk), (
        "a locked one may be on another disk"
    )


def test_merged_is_measured_on_the_remote_s_main_and_takes_what_is_checked_out(world: World) -> None:
    build(world)
    world.push("feat/free")
    world.push("fix/checked-out")
    world.push("feat/ahead")
    for branch in ("feat/free", "fix/checked-out"):
        merge(world, branch)
    for branch in ("feat/free", "fix/checked-out", "feat/ahead"):
        world.coord("worktree", "create", "--branch", branch, branch)
    world.git("branch", "-q", "feat/new", "origin/main", at=world.desk)
    world.git("branch", "-q", "feat/a", "origin/feat/free", at=world.desk)
    would = world.coord("worktree", "merged", "--remote", "-n", "--json").data
    data = world.coord("worktree", "merged", "--remote", "--json").data
    assert _removed(would) == _removed(data) == ["feat/free"]
    assert _reasons(data) == {"feat/ahead": "not-contained", "feat/new": "open", "feat/a": "open"}
    assert world.branches() == ["feat/ahead", "fix/checked-out"]
    assert _removed(world.coord("worktree", "merged", "--prefix", "fix/", "--json").data) == [
        "fix/checked-out"
    ]
    assert world.branches() == ["feat/ahead", "fix/checked-out"], "without --remote it stays there"
    assert world.coord("worktree", "merged", "--prefix", "").code == 2


def test_what_was_squashed_is_not_contained_and_that_is_said(world: World) -> None:
    _completed(world, "a")
    world.push("feat/a")
    world.coord("worktree", "create", "a")
    world.main({"src/a.txt": "new\n"}, "a, squashed")
    result = world.coord("worktree", "merged")
    assert "its task is completed, but origin/main does not contain 1 of its commits: squashed" in result.out
    assert home(world).is_dir()


def test_status_tells_of_each_worktree_what_is_in_it(world: World, start: Start) -> None:
    build(world)
    world.push("feat/a")
    world.coord("worktree", "create", "a")
    world.main({"late.txt": "x\n"})
    world.commit("mine", {"mine.txt": "x\n"}, at=home(world))
    (home(world) / "src/lib.txt").write_text("changed\n")
    (home(world) / "new.txt").write_text("x\n")
    server = start(home(world))
    (one,) = world.coord("worktree", "status", "--fetch", "--json").data["worktrees"]
    assert (one["branch"], one["task"], one["status"]) == ("feat/a", "a", "pending")
    assert (one["ahead"], one["behind"], one["unpushed"], one["pushed"]) == (2, 1, 1, False)
    assert (one["modified"], one["untracked"], len(one["ports"])) == (1, 1, 1)
    assert one["processes"] == [{"name": "sleep", "pid": server.pid}]
    assert one["size"] > 0
    text = world.coord("worktree", "status").out
    assert "2 ahead of origin/main, 1 behind" in text
    assert "all but 1" in text
    every = world.coord("worktree", "status", "--all", "--json").data["worktrees"]
    assert [each["branch"] for each in every] == ["main", "feat/a"]


def test_options_that_do_not_belong_to_an_action_are_refused(world: World) -> None:
    build(world)
    for words in (
        ["list", "x"], ["create"], ["remove"], ["prune", "--force"], ["list", "--remote"], ["create", "a", "--force"]
    ):  # fmt: skip
        assert world.coord("worktree", *words).code == 2, words


def test_a_folder_among_the_worktrees_that_is_none_is_named(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    (world.desk / ".worktrees/feat/left").mkdir()
    (world.desk / ".worktrees/old/deep").mkdir(parents=True)
    findings = world.coord("doctor", "--json").data["findings"]
    named = [finding["subject"] for finding in findings if finding["check"] == "orphan-folder"]
    assert named == [str(world.desk / ".worktrees/feat/left"), str(world.desk / ".worktrees/old")]
