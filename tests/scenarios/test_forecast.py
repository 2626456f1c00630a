"""Conflicts are told before they happen: with main, and between live branches that merge one by one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from coord.commands.forecast import facts, left_open
from coord.forecast import foretell
from coord.observe import observe
from coord.workspace import open_workspace
from tests.world import World, task_text

LINES = "one\ntwo\nthree\nfour\nfive\n"


def _changed(line: str, words: str) -> str:
    return LINES.replace(line, words)


def _world(world: World, *tasks: str, files: dict[str, str] | None = None) -> World:
    return world.build({name: task_text(name) for name in tasks}, files)


def _forecast(world: World, *args: str) -> Any:
    world.git("fetch", "-q", "--prune", at=world.desk)
    return world.coord("forecast", "--json", *args).data


def _pairs(data: Any) -> list[tuple[str, str, list[str]]]:
    return [(pair["one"], pair["other"], pair["paths"]) for pair in data["pairs"]]


def _ask_main(data: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(c["branch"], [(p["path"], p["kind"]) for p in c["paths"]]) for c in data["with_main"]]


def test_two_branches_that_change_one_line_are_named_with_the_file(world: World) -> None:
    _world(world, "a", "b", "c")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")})
    world.push("feat/c", {"src/c.txt": "new\n"})

    said = world.coord("forecast", "--fetch")

    assert said.code == 0
    assert said.out == "feat/a with feat/b: src/lib.txt\n"
    assert "as of origin/main" in said.err


def test_what_is_foretold_is_what_landing_meets(world: World) -> None:
    _world(world, "a", "b", "c", "d")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")})
    world.push("feat/c", {"src/lib.txt": _changed("five", "C")})
    world.push("feat/d", {"src/d.txt": "new\n"})
    assert _pairs(_forecast(world)) == [("feat/a", "feat/b", ["src/lib.txt"])]

    world.land()

    assert world.verdicts() == {"b": "conflict"}
    assert world.statuses() == {"a": "completed", "b": "blocked", "c": "completed", "d": "completed"}
    assert _ask_main(_forecast(world)) == [("feat/b", [("src/lib.txt", "contents")])]


def test_where_nothing_is_foretold_everything_lands(world: World) -> None:
    _world(world, "a", "b", files={"d/x.txt": LINES})
    world.push("feat/a", {"d/x.txt": _changed("one", "A"), "n/a.txt": "a\n"})
    world.push("feat/b", {"d/x.txt": _changed("five", "B"), "n/b.txt": "b\n"})

    said = world.coord("forecast", "--fetch")
    world.land()

    assert said.out == "no conflicts among 2 branches\n"
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_a_branch_that_conflicts_with_main_is_told_so_and_not_once_more_with_others(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B") + "six\n"})
    world.main({"src/lib.txt": _changed("one", "M")})

    data = _forecast(world)

    assert _pairs(data) == []
    assert [branch for branch, _ in _ask_main(data)] == ["feat/a", "feat/b"]
    said = world.coord("forecast")
    assert said.out == "feat/a with main: src/lib.txt\nfeat/b with main: src/lib.txt\n"


def test_a_file_where_another_branch_has_a_folder_is_found(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"x": "a file\n"})
    world.push("feat/b", {"x/y": "in a folder\n"})

    assert _pairs(_forecast(world)) == [("feat/a", "feat/b", ["x"])]
    world.land()
    assert world.verdicts() == {"b": "conflict"}


def test_a_folder_that_is_renamed_while_another_branch_adds_to_it_is_found(world: World) -> None:
    _world(world, "a", "b", files={f"d/{n}.txt": f"{n}\n{LINES}" for n in "xyz"})
    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "feat/a", "origin/main")
    world.git("mv", "d", "e")
    world.commit("rename", {})
    world.git("push", "-q", "origin", "feat/a")
    world.push("feat/b", {"d/new.txt": "new\n"})

    data = _forecast(world)
    world.land()

    assert [(one, other) for one, other, _ in _pairs(data)] == [("feat/a", "feat/b")]
    assert world.verdicts() == {"b": "conflict"}


def test_an_old_name_and_the_name_that_main_gave_the_file_since_are_one_file(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("mv", "src/lib.txt", "src/core.txt")
    world.commit("rename on main", {})
    world.git("push", "-q", "origin", "main")
    world.push("feat/b", {"src/core.txt": _changed("one", "B")})

    data = _forecast(world)
    world.land()

    assert _ask_main(data) == []
    assert [(one, other) for one, other, _ in _pairs(data)] == [("feat/a", "feat/b")]
    assert world.verdicts() == {"b": "conflict"}


def test_edits_in_the_task_folder_never_count(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"tasks/b.md": "A\n", "src/a.txt": "a\n"})
    world.push("feat/b", {"tasks/b.md": "B\n", "src/b.txt": "b\n"})
    world.main({"tasks/b.md": task_text("b", extra="tags: [x]\n")})

    data = _forecast(world)

    assert (data["with_main"], data["pairs"], data["hubs"]) == ([], [], [])
    world.land()
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_three_branches_on_one_file_make_it_a_hub_and_one_task_can_be_asked_about(world: World) -> None:
    _world(world, "a", "b", "c")
    for name in "abc":
        world.push(f"feat/{name}", {"src/lib.txt": _changed("one", name)})

    data = _forecast(world)

    assert [(one, other) for one, other, _ in _pairs(data)] == [
        ("feat/a", "feat/b"),
        ("feat/a", "feat/c"),
        ("feat/b", "feat/c"),
    ]
    assert data["hubs"] == [{"path": "src/lib.txt", "branches": ["feat/a", "feat/b", "feat/c"]}]
    assert len(_pairs(_forecast(world, "c"))) == 2
    said = world.coord("forecast")
    assert "  src/lib.txt: 3 branches: feat/a, feat/b, feat/c\n" in said.out
    assert world.coord("forecast", "--exit-code").code == 5


def test_a_pair_that_only_a_gate_would_refuse_is_no_conflict(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.push("feat/b", {"src/b.txt": "1\n"})

    assert world.coord("forecast", "--fetch", "--exit-code").code == 0


def test_pairs_beyond_the_limit_are_counted_and_named_by_file(world: World) -> None:
    _world(world, "a", "b", "c", "d")
    for name in "abcd":
        world.push(f"feat/{name}", {"src/lib.txt": _changed("one", name)})
    world.git("fetch", "-q", at=world.desk)
    workspace = open_workspace(world.desk)

    forecast = foretell(workspace, observe(workspace), limit=2)

    assert [(pair.one, pair.other) for pair in forecast.pairs] == [("feat/a", "feat/b"), ("feat/a", "feat/c")]
    assert left_open(forecast) == [
        "4 pairs share files and were not merged: they may conflict; coord forecast --all asks them"
    ]
    said = facts(forecast)
    assert said["unasked_pairs"] == 4
    assert said["unasked"] == [{"path": "src/lib.txt", "branches": ["feat/a", "feat/b", "feat/c", "feat/d"]}]
    assert len(world.coord("forecast", "--all", "--json").data["pairs"]) == 6


def test_unrelated_histories_are_told_and_stop_nobody_else(world: World) -> None:
    _world(world, "a", "b", "c")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")})
    world.git("checkout", "-q", "--orphan", "feat/c")
    world.commit("from nothing", {"src/lib.txt": "C\n"})
    world.git("push", "-q", "origin", "feat/c")

    data = _forecast(world)

    assert _ask_main(data) == [("feat/c", [(".", "unrelated histories")])]
    assert len(_pairs(data)) == 1
    assert "feat/c with main: unrelated histories\n" in world.coord("forecast").out


def test_a_tree_made_by_hand_is_told_and_stops_nobody_else(world: World) -> None:
    """An entry with a slash in its name trips an assertion of git's: what else was asked is asked again without it."""
    _world(world, "a", "b", "c", files={f"d/{n}": f"{n}\n{LINES}" for n in "123"})
    world.push("feat/a", {"d/new": "A\n", "d/2": "A\n"})
    world.push("feat/b", {"d/new": "B\n", "d/2": "B\n"})
    base = world.git("rev-parse", "origin/main")
    entries = [(f"100644 d/{n}", f"d/{n}") for n in "12"] + [("40000 src", "src"), ("40000 tasks", "tasks")]
    raw = (
        f"{head}\0".encode() + bytes.fromhex(world.git("rev-parse", f"{base}:{path}"))
        for head, path in entries
    )
    (world.root / "tree").write_bytes(b"".join(raw))
    tree = world.git("hash-object", "-t", "tree", "-w", "--literally", str(world.root / "tree"))
    tip = world.git("commit-tree", tree, "-p", base, "-m", "by hand")
    world.git("push", "-q", "-f", "origin", f"{tip}:refs/heads/feat/c")

    data = _forecast(world)

    assert _pairs(data) == [("feat/a", "feat/b", ["d/2", "d/new"])]
    assert [(found["one"], found["other"]) for found in data["unanswered"]] == [
        ("feat/a", "feat/c"),
        ("feat/b", "feat/c"),
    ]
    assert "feat/a with feat/c: git cannot merge it: " in world.coord("forecast").err


def test_names_with_line_breaks_and_quotes_stay_whole(world: World) -> None:
    name = 'odd "name"\nwith: a break\t.txt'
    _world(world, "a", "b", files={name: LINES})
    world.push("feat/a", {name: _changed("one", "A")})
    world.push("feat/b", {name: _changed("one", "B")})

    assert _pairs(_forecast(world)) == [("feat/a", "feat/b", [name])]
    assert world.coord("forecast").out == 'feat/a with feat/b: odd "name" with: a break .txt\n'


def test_a_branch_that_crossed_merges_with_main_is_asked_as_landing_asks(world: World) -> None:
    _world(world, "a", "b")
    first = world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    before = world.main({"src/m.txt": "m\n"})
    world.git("merge", "-q", "--no-edit", first)
    world.git("push", "-q", "origin", "main")
    world.git("checkout", "-q", "feat/a")
    world.git("merge", "-q", "--no-edit", before)
    world.more("feat/a", {"src/lib.txt": _changed("one", "AA")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")})

    data = _forecast(world)

    assert [(one, other) for one, other, _ in _pairs(data)] == [("feat/a", "feat/b")]


def test_plan_tells_conflicts_to_come(world: World) -> None:
    _world(world, "a", "b", "c")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")}, "wip\n\nCoord-Status: working\n")
    world.push("feat/c", {"src/lib.txt": _changed("five", "C")}, "wip\n\nCoord-Status: working\n")
    world.main({"src/lib.txt": _changed("five", "M")})

    plan = world.coord("plan")

    assert (
        "conflicts to come\n  feat/c with main: src/lib.txt\n  feat/a with feat/b: src/lib.txt\n" in plan.out
    )
    data = world.coord("plan", "--json").data["forecast"]
    assert data == {k: v for k, v in world.coord("forecast", "--json").data.items() if k != "main"}


def test_nothing_is_left_in_the_repository(world: World) -> None:
    _world(world, "a", "b")
    world.push("feat/a", {"src/lib.txt": _changed("one", "A")})
    world.push("feat/b", {"src/lib.txt": _changed("one", "B")})
    world.main({"src/m.txt": "m\n"})
    world.git("fetch", "-q", at=world.desk)
    before = world.git("count-objects", "-v", at=world.desk), world.refs()

    assert world.coord("forecast").code == 0

    assert (world.git("count-objects", "-v", at=world.desk), world.refs()) == before


def test_the_number_of_git_processes_does_not_depend_on_the_number_of_branches(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One ``git`` in front of the real one counts: many branches take no more processes than two."""
    names = [f"t{number:02}" for number in range(12)]
    _world(world, *names)
    seed = world.ref("refs/heads/main")
    world.main({"src/lib.txt": _changed("five", "M")})
    counted: list[int] = []
    for several in (names[:2], names):
        for name in several:
            world.push(
                f"feat/{name}", {"src/lib.txt": _changed("one", name), f"src/{name}": "1\n"}, start=seed
            )
        world.git("fetch", "-q", at=world.desk)
        assert len(world.coord("forecast", "--json").data["pairs"]) == len(several) * (len(several) - 1) // 2
        with monkeypatch.context() as patch:
            counted.append(_count(world, tmp_path / f"bin{len(several)}", patch))
    assert counted[0] == counted[1]


def _count(world: World, folder: Path, patch: pytest.MonkeyPatch) -> int:
    folder.mkdir()
    git = folder / "git"
    git.write_text(f'#!/bin/sh\necho "$*" >>"{folder}/calls"\nexec "{shutil.which("git")}" "$@"\n')
    git.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    world.coord("forecast", "--json")
    return len((folder / "calls").read_text().splitlines())
