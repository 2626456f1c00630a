"""A main of another name: the job's checkout says which branch it is, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from coord.ci.job import Job, know_main
from coord.output import standard
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

    know_main(Job({}, standard(), folder))

    assert open_workspace(folder).main == "trunk"
    assert open_workspace(folder).main_tip == world.ref("refs/heads/trunk")


def test_a_branch_that_is_checked_out_beside_main_is_not_main(tmp_path: Path) -> None:
    world = World(tmp_path).build()
    world.push("feat/a")
    folder = _checkout(world, "feat/a", tmp_path / "job")

    know_main(Job({}, standard(), folder))

    assert open_workspace(folder).main == "main"


def test_the_workflow_says_what_main_is_called_whatever_else_was_pushed(tmp_path: Path) -> None:
    """Somebody may push a branch that is called main to a repository whose main is another."""
    world = World(tmp_path).build()
    world.git("branch", "trunk", "main", at=world.origin)
    folder = _checkout(world, "trunk", tmp_path / "job")

    know_main(Job({"COORD_MAIN": "trunk"}, standard(), folder))

    assert open_workspace(folder).main == "trunk"
