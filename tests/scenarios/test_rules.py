"""Sentences of the contract that no other scenario tells: odd branches, odd places, verdicts over several attempts."""

from __future__ import annotations

import json
import os

import pytest

from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n'
LIB = "one\ntwo\nthree\nfour\nfive\n"


@pytest.mark.parametrize("how", ["deleted", "a file", "a link", "a submodule"])
def test_a_branch_that_ruins_the_task_folder_lands_without_that(world: World, how: str) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a")
    world.git("rm", "-rq", "tasks")
    if how == "a file":
        (world.agent / "tasks").write_text("x")
    if how == "a link":
        (world.agent / "tasks").symlink_to("src")
    world.git("add", "-A")
    if how == "a submodule":
        world.git("update-index", "--add", "--cacheinfo", f"160000,{world.git('rev-parse', 'HEAD')},tasks")
    world.git("commit", "-qm", "ruin")
    world.git("push", "-q", "origin", "feat/a")
    assert "left out" in world.land().err
    assert world.statuses() == {"a": "completed", "b": "pending"}


def test_a_nested_task_folder_named_by_taskgraph_and_an_id_unlike_its_path(world: World) -> None:
    tasks = {
        "docs/tasks/x/a.md": task_text("p/a"),
        ".taskgraph.toml": '[project]\ntasks_dir = "docs/tasks"\n',
    }
    world.build(None, tasks | {"docs/old.md": "o\n", "tasks/z.md": "no task\n"}, config=NONE)
    world.push("feat/p/a", {"docs/tasks/x/a.md": None, "docs/new.md": "1\n", "tasks/z.md": "2\n"})
    assert world.land("p/a").code == 0
    assert "status: completed" in world.show("docs/tasks/x/a.md")
    assert (world.show("docs/new.md"), world.show("tasks/z.md")) == ("1", "2")


@pytest.mark.parametrize("where", ["worktree", "detached", "single branch", "folder", "names", "index lock"])
def test_it_lands_from_wherever_it_is_started(world: World, where: str) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b", {"src/b.txt": "BROKEN\n"})
    desk = world.desk
    if where == "worktree":
        desk = world.root / "linked"
        world.git("worktree", "add", "-q", "--detach", str(desk), at=world.desk)
    if where == "detached":
        world.git("checkout", "-q", "--detach", at=world.desk)
    if where == "single branch":
        desk = world.root / "single"
        origin = f"file://{world.origin}"
        world.git("clone", "-q", "--single-branch", origin, str(desk), at=world.root)
    if where == "folder":
        desk = world.desk / "src"
    if where == "names":
        world.git("branch", "-m", "main", "develop", at=world.origin)
        world.git("remote", "rename", "origin", "up", at=world.desk)
        world.git("config", "coord.main", "develop", at=world.desk)
        world.git("config", "coord.remote", "up", at=world.desk)
    if where == "index lock":
        (world.desk / ".git/index.lock").write_text("")
    result = world.coord("land", "--json", at=desk)
    assert result.code == 0, result.err
    assert [o["outcome"] for o in result.data["outcomes"]] == ["landed", "gate-failed"]


def test_the_files_of_a_branch_are_its_own_however_often_it_merged_main(world: World) -> None:
    world.build({name: task_text(name) for name in ("many", "octopus")}, config=NONE)
    world.push("feat/many", {"src/many.txt": "1"})
    for number in range(3):
        world.main({f"main{number}": "1"})
        world.git("checkout", "-q", "feat/many")
        world.git("merge", "-q", "--no-ff", "-m", "merge main", "origin/main")
        world.commit("work", {f"src/many{number}.txt": "1"})
    world.git("push", "-q", "origin", "feat/many")
    tips = []
    for number in range(3):
        world.git("checkout", "-q", "-B", f"part{number}", "origin/main~1")
        tips.append(world.commit("part", {f"src/part{number}.txt": "1"}))
    world.git("checkout", "-q", "-B", "feat/octopus", "origin/main~1")
    world.git("merge", "-q", "-m", "octopus", *tips)
    world.git("push", "-q", "origin", "feat/octopus")

    queue = {entry["task"]: entry for entry in world.coord("plan", "--json").data["queue"]}

    assert queue["many"]["files"] == ["src/many.txt", *(f"src/many{n}.txt" for n in range(3))]
    assert queue["octopus"]["files"] == [f"src/part{n}.txt" for n in range(3)]
    assert queue["many"]["overlaps"] == queue["octopus"]["overlaps"] == []
    world.land()
    assert set(world.statuses().values()) == {"completed"}


def test_modes_links_submodules_renames_and_empty_branches_land(world: World) -> None:
    names = ("empty", "mode", "link", "sub", "rename", "behind")
    world.build({name: task_text(name) for name in names}, {"src/r.txt": LIB * 3, "run": "x\n"}, config=NONE)
    world.main({"src/r.txt": LIB * 3 + "end\n"})
    world.push("feat/empty", {})
    world.push("feat/behind", start="origin/main~1")
    world.push("feat/rename", {"src/r.txt": None, "src/r2.txt": LIB * 3}, start="origin/main~1")
    for name in ("mode", "link", "sub"):
        world.push(f"feat/{name}", {})
        if name == "link":
            (world.agent / "out").symlink_to("/etc/passwd")
            world.git("add", "-A")
        if name == "mode":
            world.git("update-index", "--chmod=+x", "run")
        if name == "sub":
            world.git("update-index", "--add", "--cacheinfo", f"160000,{world.git('rev-parse', 'HEAD')},sub")
        world.git("commit", "-qm", name)
        world.git("push", "-q", "origin", f"feat/{name}")
        world.git("checkout", "-qf", "--detach")
    assert world.land().code == 0
    assert set(world.statuses().values()) == {"completed"}
    assert world.show("src/r2.txt").endswith("end")
    modes = world.git("ls-tree", "main", "run", "out", "sub", at=world.origin).splitlines()
    assert [line.split()[0] for line in modes] == ["120000", "100755", "160000"]


def test_the_history_of_verdicts_goes_on_over_several_landings(world: World) -> None:
    world.build({"a": task_text("a")})
    for number in range(2):
        world.push("feat/a", {"src/a.txt": "BROKEN\n"})
        world.land()
        verdict = json.loads(world.git("show", "refs/coord/verdicts/a:verdict.json", at=world.origin))
        assert verdict["attempts"] == "1"
        world.more("feat/a", {"src/a.txt": f"fine {number}\n"})
        world.land()
        assert world.verdicts() == {}
        assert world.statuses() == {"a": "completed"}
    kinds = world.git("log", "--format=%s", "refs/coord/history/a", at=world.origin).split("\n")
    assert sorted(kind.split("(")[0] for kind in kinds) == ["gate-failed", "gate-failed", "landed", "landed"]


def test_a_verdict_outlives_its_branch_and_is_lifted_by_hand(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()
    world.git("push", "-q", "origin", ":feat/a")
    assert world.land().code == 0
    assert world.land("a").code == 4
    assert world.coord("retry", "a").code == 0
    assert world.coord("unblock", "a").code == 0
    assert world.statuses() == {"a": "pending"}
    world.push("feat/a")
    assert world.land("a").code == 0


def test_each_blocked_episode_is_one_commit(world: World) -> None:
    world.build({"a": task_text("a")})
    for number in range(2):
        said = "s\n\nCoord-Status: blocked\nCoord-Reason: same\n"
        files = {"src/a.txt": f"{number}\n"}
        _ = world.more("feat/a", files, said) if number else world.push("feat/a", files, said)
        world.land()
        world.land()
    assert world.history().count("blocked(a): same") == 2
    assert world.show("tasks/a.md").count("Blocked: same") == 2
    assert world.coord("retry", "a").code == 4
    assert world.coord("unblock", "a", "-m", "use v2").code == 0
    assert world.statuses() == {"a": "pending"}


def test_of_two_equal_tips_the_dependency_lands(world: World) -> None:
    world.build({"a": task_text("a", depends_on=("b",)), "b": task_text("b")}, config=NONE)
    tip = world.push("feat/a")
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/b")
    world.land()
    assert world.statuses() == {"a": "pending", "b": "completed"}
    assert world.branches() == ["feat/a"]


def test_with_arguments_the_highest_code_is_given(world: World) -> None:
    world.build({name: task_text(name) for name in "abcd"})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.push("feat/b", {"src/lib.txt": "x\n"})
    world.main({"src/lib.txt": "y\n"})
    world.push("feat/c", {}, "x\n\nCoord-Status: working")
    codes = [world.land(*tasks).code for tasks in (("a", "b", "c"), ("b", "c"), ("c",), ("d",), ("a", "zzz"))]
    assert codes == [6, 5, 4, 4, 2]


def test_a_main_that_was_rewound_is_taken_as_it_is(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a")
    world.land()
    world.git("push", "-q", "-f", "origin", f"{world.git('rev-parse', 'main^1', at=world.origin)}:main")
    world.push("feat/b")
    assert world.land("b").code == 0
    assert world.statuses() == {"a": "pending", "b": "completed"}


def test_an_alias_on_main_counts_as_completed_for_those_who_wait(world: World) -> None:
    world.build({"a": task_text("a", status="done"), "b": task_text("b", depends_on=("a",))}, config=NONE)
    world.push("feat/a")
    world.push("feat/b")
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_candidates_with_nothing_between_them_land_oldest_first_then_by_id(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b", "c")}, config=NONE)
    world.push("feat/c")
    world.clock -= 10_000
    for name in ("b", "a"):
        world.clock -= 80
        world.git("fetch", "-q", "origin")
        world.git("checkout", "-q", "-B", f"feat/{name}", "origin/main")
        same = {"GIT_AUTHOR_DATE": "1699000000 +0000", "GIT_COMMITTER_DATE": "1699000000 +0000"}
        (world.agent / f"src/{name}.txt").write_text("1\n")
        world.git("add", "-A")
        world.git("commit", "-qm", "same moment", env=same)
        world.git("push", "-q", "origin", f"feat/{name}")
    world.land()
    assert world.history()[:3] == ["Merge branch 'feat/c'", "Merge branch 'feat/b'", "Merge branch 'feat/a'"]


def test_only_candidates_count_as_overlap(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b", "c")}, config=NONE)
    shared = LIB.replace("one", "AAA")
    world.push("feat/a", {"src/lib.txt": shared})
    world.push("feat/b", {"src/lib.txt": shared}, "half\n\nCoord-Status: working")
    world.push("feat/c", {"src/c.txt": "1\n"})
    queue = world.coord("plan", "--json").data["queue"]
    assert [(entry["task"], entry["overlaps"]) for entry in queue] == [("a", []), ("c", [])]


def test_a_file_in_the_place_of_the_folder_above_the_task_folder_is_a_conflict(world: World) -> None:
    config = '[project]\ntasks = "docs/tasks"\n[gate]\nprofile = "none"\n'
    world.build({}, {"docs/tasks/a.md": task_text("a"), "docs/read.me": "1\n"}, config)
    world.git("rm", "-rq", "docs")
    world.push("feat/a", {"docs": "a file now\n"}, start="HEAD")
    assert world.land().outcome("a")["paths"] == ["docs"]
    assert world.has("docs/read.me")


def test_the_file_that_says_where_the_task_folder_lies_is_protected(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a", {".taskgraph.toml": '[project]\ntasks_dir = "elsewhere"\n'})
    assert world.land().outcome("a")["outcome"] == "protected"


def test_a_tree_that_no_disk_can_hold_blames_its_branch_and_the_queue_goes_on(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    long = "n" * 300
    blob = world.git("hash-object", "-w", "--stdin", data="x\n")
    world.git("checkout", "-q", "-b", "feat/a", "origin/main")
    world.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{long}")
    tree = world.git("write-tree")
    commit = world.git("commit-tree", tree, "-p", "HEAD", "-m", "long")
    world.git("push", "-q", "origin", f"{commit}:refs/heads/feat/a")
    world.git("reset", "-q", "--hard")
    world.push("feat/b")
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}
    assert world.statuses()["b"] == "completed"


def test_an_upgraded_program_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = world.root / "bin"
    programs.mkdir(parents=True)
    (programs / "judge").write_text("#!/bin/sh\nexit 0\n")
    (programs / "judge").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    world.build(
        {"a": task_text("a"), "b": task_text("b")},
        config='[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["judge"]\n',
    )
    world.push("feat/a")
    world.land()
    (programs / "judge").write_text("#!/bin/sh\necho stricter\nexit 1\n")
    world.push("feat/b", {"tasks/b.md": "only the task folder\n"})
    assert world.land().outcome("b")["reason"] == "main is red: judge"


def test_an_approved_branch_that_would_make_main_unreadable_waits(world: World) -> None:
    """With such a configuration on main nothing would land any more, and where only coord may push, nobody could mend it."""
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a", {".coord.toml": "[gate]\nprofil = 'x'\n"})
    world.push("feat/b")
    world.coord("approve", "a")

    result = world.land()

    assert result.outcome("b")["outcome"] == "landed"
    assert result.outcome("a")["outcome"] == "waiting"
    assert (
        "main could not be read after it: .coord.toml:2: unknown key 'profil'"
        in result.outcome("a")["reason"]
    )
