"""Ignored files that a worktree needs are copied, and no link leads the copy elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from coord.worktrees.furnishing import copy_included
from tests.worktrees.conftest import build, home
from tests.world import World

IGNORED = "*.env\n.env\nlocal/\nlinks/\n"


@pytest.fixture
def said() -> list[str]:
    return []


def test_ignored_files_that_are_named_are_copied_and_no_others(world: World) -> None:
    include = ".env\nlocal/*.json\n!local/huge.json\n/tracked.txt\nuntracked.txt\n:(glob)*\n"
    build(world, files={".gitignore": IGNORED, ".worktreeinclude": include, "tracked.txt": "main\n"})
    desk = world.desk
    (desk / "local").mkdir()
    for name in ("local/a.json", "local/huge.json", "local/b.txt", "untracked.txt", "other.env"):
        (desk / name).write_text(name)
    (desk / ".env").write_text("SECRET=1\n")
    (desk / ".env").chmod(0o600)
    (desk / "tracked.txt").write_text("changed by a person\n")
    made = world.coord("worktree", "create", "a", "--json").data
    assert made["copied"] == [".env", "local/a.json"]
    assert (home(world) / ".env").read_text() == "SECRET=1\n"
    assert (home(world) / ".env").stat().st_mode & 0o777 == 0o600
    assert (home(world) / "tracked.txt").read_text() == "main\n"
    assert not (home(world) / "untracked.txt").exists(), "what git would commit is not copied"
    assert world.git("status", "--porcelain", at=home(world)) == ""


def test_no_link_leads_out_of_the_checkout(world: World, said: list[str]) -> None:
    secrets = world.root / "secrets"
    secrets.mkdir()
    (secrets / "key.env").write_text("KEY\n")
    include = "../secrets\n../secrets/key.env\n/../secrets/**\n*.env\nlinks/\n"
    build(world, files={".gitignore": IGNORED, ".worktreeinclude": include})
    desk = world.desk
    (desk / "real.env").write_text("real\n")
    for name, to in {
        "absolute.env": str(secrets / "key.env"),
        "relative.env": "../secrets/key.env",
        "round.env": f"../{desk.name}/real.env",
        "inside.env": "real.env",
        "links": str(secrets),
    }.items():
        (desk / name).symlink_to(to)
    world.coord("worktree", "create", "a")
    assert sorted(path.name for path in home(world).glob("*.env")) == ["inside.env", "real.env"]
    assert (home(world) / "inside.env").readlink() == Path("real.env")
    assert not (home(world) / "links").exists()


def test_a_link_that_the_branch_has_in_a_folder_s_place_is_not_written_through(
    world: World, said: list[str]
) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    build(world, files={".gitignore": IGNORED, ".worktreeinclude": "local/\n.env\n"})
    (world.desk / "local").mkdir()
    (world.desk / "local/key").write_text("KEY\n")
    (world.desk / ".env").write_text("SECRET\n")
    tree = world.root / "tree"
    tree.mkdir()
    (tree / "local").symlink_to(outside)
    (tree / ".env").symlink_to(outside / "stolen")
    assert copy_included(world.desk, tree, said.append) == ()
    assert said == ["not copied: local/key: local is a link"]
    assert list(outside.iterdir()) == []


def test_a_list_of_includes_that_is_a_link_is_not_read(world: World, said: list[str], tmp_path: Path) -> None:
    build(world, files={".gitignore": IGNORED})
    (tmp_path / "list").write_text("*\n")
    (world.desk / ".worktreeinclude").symlink_to(tmp_path / "list")
    (world.desk / ".env").write_text("SECRET\n")
    (tmp_path / "tree").mkdir()
    assert copy_included(world.desk, tmp_path / "tree", said.append) == ()
