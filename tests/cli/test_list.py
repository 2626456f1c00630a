"""``list``, ``show`` and ``ready`` read main as last fetched."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from .conftest import Ran, Repository

Coord = Callable[..., Ran]


@pytest.fixture
def published(repository: Repository) -> Repository:
    repository.task("auth/keys", status="done")
    repository.task("auth/login", "auth/keys")
    repository.task("review", "auth/login", more="level: review\n")
    repository.task("plan", more="level: planning\n")
    repository.task("ui", "review", "nowhere")
    repository.publish()
    return repository


def test_list_shows_every_task_and_what_it_waits_for(published: Repository, coord: Coord):
    ran = coord("list")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "completed  auth/keys                              Do auth/keys",
        "pending    auth/login  ready                      Do auth/login",
        "pending    plan        level planning             Do plan",
        "pending    review      waits for auth/login       Do review",
        "pending    ui          waits for review, nowhere  Do ui",
    ]
    assert re.search(r"as of origin/main [0-9a-f]{7}, fetched just now\n", ran.err)


def test_list_reads_main_and_not_the_working_copy(published: Repository, coord: Coord):
    published.task("auth/keys", status="pending")
    published.task("fresh")
    ran = coord("list", "--status", "completed,failed")
    assert ran.out.split()[:2] == ["completed", "auth/keys"]
    assert "not on origin/main yet, so not listed: fresh\n" in ran.err


def test_list_json_has_the_fields_of_the_contract(published: Repository, coord: Coord):
    answer = coord("list", "--json").json
    assert answer["schema"] == "coord/list/1"
    tasks = {task["id"]: task for task in answer["data"]["tasks"]}
    assert list(tasks) == sorted(tasks)
    assert tasks["auth/login"] == {
        "id": "auth/login", "name": "Do auth/login", "status": "pending", "path": "tasks/auth/login.md",
        "depends_on": ["auth/keys"], "level": "", "ready": True, "problems": [],
    }  # fmt: skip
    assert [p["rule"] for p in tasks["auth/keys"]["problems"]] == ["alias"]


def test_an_unknown_status_is_a_usage_error(published: Repository, coord: Coord):
    ran = coord("list", "--status", "finished")
    assert (ran.code, ran.out) == (2, "")
    assert "pending, in-progress" in ran.err


def test_before_main_exists_the_working_copy_is_read_and_that_is_said(repository: Repository, coord: Coord):
    repository.task("a")
    ran = coord("list")
    assert ran.out.split()[:2] == ["pending", "a"]
    assert "working copy" in ran.err


def test_fetch_brings_what_others_pushed(published: Repository, coord: Coord, tmp_path):
    published.git("clone", "--quiet", str(tmp_path / "remote.git"), str(tmp_path / "other"))
    other = Repository(tmp_path / "other")
    other.git("config", "user.name", "Other")
    other.git("config", "user.email", "other@example.invalid")
    other.task("theirs")
    other.publish()
    assert "theirs" not in coord("list").out
    assert "theirs" in coord("list", "--fetch").out


def test_main_without_a_remote_tells_when_it_was_committed(repository: Repository, coord: Coord):
    repository.git("remote", "remove", "origin")
    repository.task("a")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "a")
    assert re.search(r"as of main [0-9a-f]{7}, committed just now\n", coord("list").err)


def test_a_task_folder_with_links_and_odd_paths_is_read_from_a_commit(repository: Repository, coord: Coord):
    repository.task("deep/er/a")
    (repository.folder / "tasks" / "link.md").symlink_to("deep/er/a.md")
    repository.write("tasks/README.md", "# Tasks\n")
    repository.publish()
    answer = coord("list", "--json").json
    assert [task["id"] for task in answer["data"]["tasks"]] == ["deep/er/a"]
    assert [p["rule"] for p in answer["problems"]] == ["no-front-matter", "not-a-file"]


def test_ready_lists_what_can_start_now(published: Repository, coord: Coord):
    ran = coord("ready")
    assert ran.out == "auth/login  Do auth/login\n"
    assert "1 ready, 2 waiting, 1 not for agents (--explain says why)\n" in ran.err


def test_ready_explains_why_the_others_wait(published: Repository, coord: Coord):
    assert coord("ready", "--explain").out.splitlines() == [
        "auth/login  Do auth/login",
        "",
        "waiting",
        "  review  auth/login is pending",
        "  ui      review is pending, level review",
        "  ui      nowhere does not exist",
        "",
        "ready, but not for agents",
        "  plan  level planning",
    ]


def test_ready_json_has_the_fields_of_the_contract(published: Repository, coord: Coord):
    data = coord("ready", "--json").json["data"]
    assert data["ready"] == ["auth/login"]
    assert [(row["id"], row["on"]) for row in data["waiting"]] == [
        ("review", ["auth/login"]),
        ("ui", ["review", "nowhere"]),
    ]


def test_show_tells_all_about_one_task(published: Repository, coord: Coord):
    out = coord("show", "auth/login").out
    for words in ("pending, ready", "tasks/auth/login.md", "feat/auth/login", "needed by   review"):
        assert words in out
    assert coord("show", "feat/auth/login").out == out
    data = coord("show", "ui", "--json").json["data"]
    assert [row["id"] for row in data["waits_for"]] == ["review", "nowhere"]
    assert data["summary"] == ""


def test_show_of_an_unknown_task_names_the_nearest(published: Repository, coord: Coord):
    ran = coord("show", "auth/logn")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean auth/login" in ran.err
