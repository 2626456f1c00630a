"""``coord new`` writes one file and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Ran, Repository

Coord = Callable[..., Ran]


def test_a_new_task_is_one_sound_file(repository: Repository, coord: Coord):
    repository.task("auth/keys")
    repository.publish()
    ran = coord(
        "new", "auth/login", "--name", "Log in: with a #key", "--depends-on", "auth/keys,auth/later", "--risk", "low",
        "--tags", "yes", "-m", "# Forged\n\nDo it, @octocat.",
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "tasks/auth/login.md\n")
    assert "there is no task 'auth/later' yet" in ran.err
    assert "git add tasks/auth/login.md" in ran.err
    assert (repository.folder / "tasks/auth/login.md").read_text() == (
        '---\nid: auth/login\nname: "Log in: with a #key"\nstatus: pending\ndepends_on:\n  - auth/keys\n'
        '  - auth/later\nrisk: low\nlevel: implementation\ntags:\n  - "yes"\n---\n\n## Description\n\n'
        "\\# Forged\n\nDo it, @\u200boctocat.\n\n## Acceptance Criteria\n\n- [ ] \n\n"
        "## Notes\n\n> To be filled by implementation\n\n## Summary\n\n> To be filled on completion\n"
    )
    assert repository.git("status", "--porcelain") == "?? tasks/auth/login.md"
    assert coord("check", "tasks/auth/login.md").out.count("[dependency]") == 1


def test_a_name_is_made_from_the_id_and_dry_run_writes_nothing(repository: Repository, coord: Coord):
    ran = coord("new", "api/key-rotation", "--dry-run")
    assert "name: Key rotation\n" in ran.out
    assert not (repository.folder / "tasks").exists()


@pytest.mark.parametrize("id", ["../x", "/tmp/x", "a/../b", "a b", ".x", "x.lock", "a//b", "x\n"])
def test_an_id_that_leads_out_of_the_folder_or_is_no_branch_is_refused(
    repository: Repository, coord: Coord, id: str
):
    ran = coord("new", id)
    assert (ran.code, ran.out) == (2, "")
    assert not (repository.folder / "tasks").exists()


@pytest.mark.parametrize("id", ["a/b", "A/B", "a", "a/b/c", "moved", "gone"])
def test_an_id_that_is_taken_or_collides_is_refused(repository: Repository, coord: Coord, id: str):
    repository.task("a/b")
    gone = repository.task("gone")
    repository.publish()
    gone.unlink()
    repository.write("tasks/moved.md", "not a task\n")
    assert coord("new", id).code == 2


def test_a_link_inside_the_task_folder_is_not_followed(repository: Repository, coord: Coord, tmp_path):
    (repository.folder / "tasks").mkdir()
    (tmp_path / "outside").mkdir()
    (repository.folder / "tasks" / "out").symlink_to(tmp_path / "outside")
    assert coord("new", "out/x").code == 2
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_task_folder_of_the_configuration_is_used(repository: Repository, coord: Coord):
    repository.write(".coord.toml", '[project]\ntasks = "docs/tasks"\n')
    assert coord("new", "x").out == "docs/tasks/x.md\n"
