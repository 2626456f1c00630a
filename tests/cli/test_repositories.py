"""What commands say in repositories that are not as they should be: a next step, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import Result, World, task_text

READING = [("plan",), ("land",), ("list",), ("ready",), ("current",), ("complete", "a"), ("retry", "a")]


def _new(world: World, *init: str) -> Path:
    (world.root / "home").mkdir()
    (world.root / "home" / ".gitconfig").write_text(
        f"[user]\n\tname = A\n\temail = a@b\n[coord]\n\tgateFolder = {world.root / 'gates'}\n"
    )
    place = world.root / "place"
    world.git("init", "-q", "-b", "main", *init, str(place), at=world.root)
    return place


@pytest.mark.parametrize("command", READING)
def test_outside_a_repository(world: World, command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    result = world.coord(*command, at=tmp_path)
    assert result.code == 2
    assert "not a git repository" in result.err
    assert "hint: run it inside a git repository, or name one with -C DIR" in result.err


@pytest.mark.parametrize("command", [("plan",), ("land",), ("complete", "a")])
def test_without_a_remote(world: World, command: tuple[str, ...]) -> None:
    result = world.coord(*command, at=_new(world))
    assert result.code == 2
    assert "there is no remote to land on" in result.err
    assert "git remote add origin URL" in result.err


def test_a_remote_of_another_name_is_named(world: World) -> None:
    place = _new(world)
    world.git("remote", "add", "upstream", str(world.root / "nowhere"), at=place)
    result = world.coord("land", at=place)
    assert result.code == 2
    assert "git config coord.remote upstream" in result.err


def test_a_configured_remote_that_is_not_there(world: World) -> None:
    place = _new(world)
    world.git("config", "coord.remote", "up", at=place)
    assert "git config coord.remote NAME" in world.coord("land", at=place).err


def test_a_remote_without_main(world: World) -> None:
    place = _new(world)
    world.git("init", "-q", "--bare", str(world.root / "o.git"), at=world.root)
    world.git("remote", "add", "origin", str(world.root / "o.git"), at=place)
    result = world.coord("land", at=place)
    assert result.code == 2
    assert "origin has no branch 'main'" in result.err
    assert "git config coord.main NAME" in result.err


def test_a_broken_configuration_on_main_is_told_with_its_line(world: World) -> None:
    world.build({"a": task_text("a")}, config="[land]\nstrategy = 'each'\nworker = 2\n")
    world.push("feat/a")
    before = world.refs()
    result = world.coord("land")
    assert result.code == 2
    assert (
        ".coord.toml (on origin/main):3: unknown key 'worker' in [land]; did you mean 'workers'?"
        in result.err
    )
    assert world.refs() == before


def test_main_and_remote_of_other_names_work(world: World) -> None:
    world.build({"a": task_text("a")})
    world.git("branch", "-m", "main", "trunk", at=world.origin)
    world.git("remote", "rename", "origin", "hub", at=world.desk)
    world.git("config", "coord.remote", "hub", at=world.desk)
    world.git("config", "coord.main", "trunk", at=world.desk)
    world.git("fetch", "-q", "--prune", "origin")
    world.push("feat/a", start="origin/trunk")
    assert world.land().code == 0
    assert world.git("show", "trunk:tasks/a.md", at=world.origin).splitlines()[3] == "status: completed"


def test_the_default_branch_of_the_remote_is_main(world: World) -> None:
    world.build({"a": task_text("a")})
    world.git("branch", "-m", "main", "trunk", at=world.origin)
    world.git("symbolic-ref", "HEAD", "refs/heads/trunk", at=world.origin)
    world.git("clone", "-q", str(world.origin), str(world.root / "other"), at=world.root)
    assert world.coord("plan", at=world.root / "other").code == 0


def test_detached_heads_linked_worktrees_and_subfolders_work(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.git("checkout", "-q", "--detach", at=world.desk)
    world.push("feat/a")
    assert world.coord("land", at=world.desk / "src").code == 0
    side = world.root / "side"
    world.git("worktree", "add", "-q", "--detach", str(side), at=world.desk)
    world.push("feat/b")
    assert world.coord("land", at=side).code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_a_shallow_clone_says_how_to_mend_it(world: World) -> None:
    world.build({"a": task_text("a")})
    for number in range(3):
        world.main({"src/n.txt": f"{number}\n"})
    world.push("feat/a", {"src/a.txt": "1\n"})
    shallow = world.root / "shallow"
    world.git("clone", "-q", "--depth=1", f"file://{world.origin}", str(shallow), at=world.root)
    result = world.coord("land", at=shallow)
    assert result.code == 1
    assert "hint: git fetch --unshallow origin" in result.err


def test_a_single_branch_clone_sees_all_task_branches(world: World) -> None:
    world.build({"a": task_text("a")})
    single = world.root / "single"
    world.git("clone", "-q", "--single-branch", str(world.origin), str(single), at=world.root)
    world.push("feat/a")
    assert world.coord("land", at=single).code == 0
    assert world.statuses() == {"a": "completed"}


def test_variables_of_another_repository_are_not_followed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    for name, value in {
        "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index",
        "GIT_AUTHOR_NAME": "Mallory", "GIT_COMMITTER_DATE": "1 +0000", "GIT_OBJECT_DIRECTORY": "/nowhere",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    result = world.coord("land")
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_DATE"):
        monkeypatch.delenv(name, raising=False)
    assert result.code == 0
    assert world.statuses() == {"a": "completed"}
    assert "Mallory" not in world.git("log", "--format=%an %cn", "main", at=world.origin)


def test_a_dot_git_folder_is_enough(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    assert world.coord("land", at=world.desk / ".git").code == 0


def _tail(result: Result) -> str:
    return result.err.strip().splitlines()[-1]


def test_unknown_words_are_answered_with_the_nearest(world: World) -> None:
    world.build({"parser": task_text("parser")})
    assert "did you mean 'land'?" in world.coord("lnd").err
    assert "coord land --help" in world.coord("land", "--nope").err
    assert world.coord("land", "--nope").code == 2
    assert _tail(world.coord("complete", "parsers")) == "  hint: did you mean: parser?"
