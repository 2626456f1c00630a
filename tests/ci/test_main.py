"""A main of another name: the job's checkout says which branch it is, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from coord.ci.job import name_main
from coord.workspace import open_workspace
from tests.world import World


def _checkout(world: World, branch: str, folder: Path) -> Path:
    """Fetch a branch as actions/checkout does, which leaves no origin/HEAD."""
    folder.mkdir()
    world.git("init", "-q", at=folder)
    world.git("remote", "add", "origin", str(world.origin), at=folder)
    world.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", at=folder)
    world.git("checkout", "-q", "-B", branch, f"refs/remotes/origin/{branch}", at=folder)
    return folder


def test_a_job_takes_the_branch_that_it_checked_out_for_main(tmp_path: Path) -> None:
    world = World(tmp_path).build()
    world.git("branch", "-m", "main", "trunk", at=world.origin)
    folder = _checkout(world, "trunk", tmp_path / "job")
    assert open_workspace(folder).main_tip is None

    name_main(folder)

    assert open_workspace(folder).main == "trunk"
    assert open_workspace(folder).main_tip == world.ref("refs/heads/trunk")


def test_a_branch_that_is_checked_out_beside_main_is_not_main(tmp_path: Path) -> None:
    world = World(tmp_path).build()
    world.push("feat/a")
    folder = _checkout(world, "feat/a", tmp_path / "job")

    name_main(folder)

    assert open_workspace(folder).main == "main"
