"""A merge is the same on every machine: nothing of the clone's own settings takes part."""

from __future__ import annotations

import pytest

from coord.core.answer import Conflicted, Merged
from coord.git import Git
from tests.world import World


def _two_sides(world: World) -> tuple[str, str]:
    """Both sides add a line at the same place: a conflict, unless something says union."""
    world.build()
    one = world.push("feat/a", {"src/lib.txt": "AAA\ntwo\n"})
    other = world.push("feat/b", {"src/lib.txt": "BBB\ntwo\n"})
    world.git("fetch", "-q", "origin", at=world.desk)
    return one, other


def _set_up(world: World, where: str) -> None:
    driver = f"touch {world.root / 'ran'}"
    match where:
        case "checkout":
            (world.desk / ".gitattributes").write_text("* merge=union\n")
        case "info":
            (world.desk / ".git/info/attributes").write_text("* merge=union\n")
        case "default":
            world.git("config", "merge.default", "union", at=world.desk)
        case "driver":
            (world.desk / ".git/info/attributes").write_text("* merge=mine\n")
            world.git("config", "merge.mine.driver", driver, at=world.desk)
        case "ignored space":
            world.git("config", "merge.renormalize", "true", at=world.desk)


@pytest.mark.parametrize("where", ["nowhere", "checkout", "info", "default", "driver", "ignored space"])
def test_a_conflict_is_a_conflict_whatever_this_clone_is_set_to(world: World, where: str) -> None:
    one, other = _two_sides(world)
    _set_up(world, where)

    merged = Git(world.desk).merge(one, other)

    assert isinstance(merged, Conflicted)
    assert [conflict.path for conflict in merged.paths] == ["src/lib.txt"]
    assert not (world.root / "ran").exists()


def test_merges_work_in_worktrees_bare_repositories_and_shallow_clones(world: World) -> None:
    one, _ = _two_sides(world)
    world.main({"README": "other\n"})
    main = world.ref("refs/heads/main")
    world.git("fetch", "-q", "origin", at=world.desk)
    world.git("worktree", "add", "-q", "--detach", str(world.root / "tree"), main, at=world.desk)
    url = world.origin.as_uri()
    world.git(
        "clone", "-q", "--depth=2", "--no-single-branch", url, str(world.root / "shallow"), at=world.root
    )
    trees = set()
    for folder in (world.desk, world.root / "tree", world.origin, world.root / "shallow"):
        merged = Git(folder).merge(main, one)
        assert isinstance(merged, Merged), folder
        assert world.git("cat-file", "-t", merged.tree, at=folder) == "tree"
        trees.add(merged.tree)
    assert len(trees) == 1


def test_a_repository_with_sha256_merges_too(world: World) -> None:
    world.build()
    folder = world.root / "sha256"
    world.git("init", "-q", "--object-format=sha256", "-b", "main", str(folder), at=world.root)
    base = world.commit("base", {"a": "1\n"}, at=folder)
    world.git("switch", "-q", "-c", "x", at=folder)
    tip = world.commit("x", {"b": "1\n"}, at=folder)
    world.git("switch", "-q", "main", at=folder)
    main = world.commit("y", {"c": "1\n"}, at=folder)
    assert len(base) == 64
    assert isinstance(Git(folder).merge(main, tip), Merged)
