"""A worktree is made ready, or nothing of it is left."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from coord.errors import CoordError
from coord.processes import end, leftovers
from coord.workspace import open_workspace
from coord.worktrees.making import Wanted, make, unmake
from tests.artefacts import ROOT
from tests.core.test_worktrees import HARMFUL
from tests.worktrees.conftest import build, home
from tests.world import World, task_text


def _listed(world: World) -> list[str]:
    return world.git("worktree", "list", at=world.desk).splitlines()


def _refs(world: World) -> str:
    return world.git("for-each-ref", "refs/heads", "refs/coord", at=world.desk)


def _say(_line: str) -> None:
    pass


def test_a_new_worktree_starts_at_the_remote_s_main_as_it_is_now(world: World) -> None:
    build(world)
    new = world.main({"late.txt": "x\n"})
    made = world.coord("worktree", "create", "a", "--json").data
    assert made["base"] == new
    assert made["branch"] == "feat/a"
    assert made["made"] == ["branch", "worktree"]
    assert Path(made["path"]) == home(world)
    assert (home(world) / "late.txt").exists()
    assert world.git("status", "--porcelain", at=world.desk) == "", "the main checkout does not see it"
    assert world.git("config", "--get-regexp", "^branch", at=home(world), ok=False).count("feat/a") == 0


def test_a_branch_that_exists_is_continued_where_the_remote_has_it(world: World) -> None:
    build(world)
    tip = world.push("feat/a")
    made = world.coord("worktree", "create", "feat/a", "--json").data
    assert (made["base"], made["made"]) == (tip, ["branch", "worktree"])
    again = world.coord("worktree", "create", "a", "--json").data
    assert (again["base"], again["made"], again["ports"]) == (tip, [], made["ports"])
    assert world.coord("worktree", "create", "a", "--base", "main").code == 2


def test_a_local_branch_is_brought_to_the_remote_s_tip_and_what_it_had_of_its_own_is_saved(
    world: World,
) -> None:
    build(world)
    world.git("checkout", "-q", "-b", "feat/a", at=world.desk)
    mine = world.commit("mine", {"mine.txt": "x\n"}, at=world.desk)
    world.git("checkout", "-q", "main", at=world.desk)
    tip = world.push("feat/a")
    result = world.coord("worktree", "create", "a", "--json")
    assert (result.data["base"], result.data["made"]) == (tip, ["worktree"])
    assert f"git branch rescued/{mine[:10]} refs/coord/rescue/feat/a/{mine[:10]}" in result.err
    assert world.git("rev-parse", f"refs/coord/rescue/feat/a/{mine[:10]}", at=world.desk) == mine


def test_a_local_branch_that_only_adds_to_the_remote_s_is_left_as_it_is(world: World) -> None:
    build(world)
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)
    world.git("checkout", "-q", "-b", "feat/a", "origin/feat/a", at=world.desk)
    mine = world.commit("mine", {"mine.txt": "x\n"}, at=world.desk)
    refused = world.coord("worktree", "create", "a")
    assert refused.code == 2
    assert "feat/a is checked out in the main checkout" in refused.err
    world.git("checkout", "-q", "main", at=world.desk)
    assert world.coord("worktree", "create", "a", "--json").data["base"] == mine


def test_setup_and_readiness_run_in_the_worktree_with_its_ports_and_without_our_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = """setup = [["sh", "-c", "env > made.env"], ["sh", "-c", "echo $((0 + 1)) > count"]]
ready = ["sh", "-c", "echo again >> asked; test $(wc -l < asked) -eq 2"]
ports = 2
"""
    build(world, steps, {".gitignore": "made.env\ncount\nasked\n"})
    monkeypatch.setenv("COORD_SESSION", "the-coordinator-s-secret")
    monkeypatch.setenv("COORD_TOKEN", "t0ken")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("MINE", "kept")
    made = world.coord("worktree", "create", "a", "--json").data
    lines = (home(world) / "made.env").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (said["COORD_PORT"], said["COORD_PORT_2"]) == tuple(map(str, made["ports"]))
    assert (said["COORD_WORKTREE"], said["COORD_BRANCH"]) == (str(home(world)), "feat/a")
    assert said["MINE"] == "kept"
    assert {"COORD_SESSION", "COORD_TOKEN", "GIT_DIR"}.isdisjoint(said)
    assert (home(world) / "asked").read_text() == "again\n" * 2


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            "setup = [\"sh -c 'sleep 300 &'\", \"sh -c 'echo no compiler here >&2; exit 3'\"]",
            "ended with 3\n  | no compiler here",
        ),
        ('setup = ["sleep 300"]\nsetup_timeout = "0.3s"', "'sleep 300' took longer than 0.3 s"),
        ('setup = ["no-such-program-here"]', "cannot be started"),
        ('ready = "sh -c \'echo down; exit 1\'"\nready_timeout = "0.5s"', "was not ready within 0.5 s"),
    ],
)
def test_a_worktree_that_does_not_come_up_leaves_nothing(world: World, settings: str, told: str) -> None:
    build(world, settings)
    before = (_listed(world), _refs(world), sorted(world.desk.iterdir()))
    result = world.coord("worktree", "create", "a")
    assert result.code == 1
    assert told in result.err
    assert "hint: see [worktree]" in result.err
    assert (_listed(world), _refs(world), sorted(world.desk.iterdir())) == before
    assert list((world.desk / ".git/coord/ports").glob("*.json")) == []
    assert leftovers(home(world)) == (), "a server of an earlier command does not outlive it"


def test_what_was_there_before_is_there_after_a_failure(world: World) -> None:
    build(world, 'setup = ["false"]')
    tip = world.push("feat/a")
    (world.desk / ".worktrees/feat/a").mkdir(parents=True)
    world.git("fetch", "-q", at=world.desk)
    world.git("branch", "feat/a", "origin/main", at=world.desk)
    before = _refs(world)
    assert world.coord("worktree", "create", "a").code == 1
    assert _refs(world) == before, "the local branch is back where it stood"
    assert home(world).is_dir()
    assert list(home(world).iterdir()) == []
    assert world.ref("refs/heads/feat/a") == tip


def test_taking_back_a_worktree_saves_what_came_since_and_leaves_the_rest_of_the_world(world: World) -> None:
    build(world, "setup = [\"sh -c 'echo lock > lock.txt'\"]")
    workspace = open_workspace(world.desk)
    before = _refs(world)
    made = make(workspace, Wanted("feat/a"), _say)
    assert unmake(workspace, made) == (), "what setup wrote is nobody's work"
    assert _refs(world) == before
    assert not (world.desk / ".worktrees").exists()
    made = make(workspace, Wanted("feat/a"), _say)
    (made.path / "lock.txt").write_text("written by an agent\n")
    tip = world.commit("more", {"more.txt": "x\n"}, at=made.path)
    (saved,) = unmake(workspace, made)
    assert world.git("rev-parse", saved, at=world.desk) == tip
    assert not made.path.exists()


def test_taking_back_a_continued_worktree_takes_nothing(world: World) -> None:
    build(world)
    workspace = open_workspace(world.desk)
    first = make(workspace, Wanted("feat/a"), _say)
    again = make(workspace, Wanted("feat/a"), _say)
    unmake(workspace, again)
    assert first.path.is_dir()
    assert world.git("rev-parse", "feat/a", at=world.desk) == first.base


@pytest.mark.parametrize("kind", ["names", "paths"])
def test_names_and_paths_that_lead_elsewhere_are_refused_and_nothing_is_made(world: World, kind: str) -> None:
    build(world)
    workspace = open_workspace(world.desk)
    before = (_refs(world), sorted(path.name for path in world.root.iterdir()))
    paths = (
        "../x",
        "a/../../b",
        ".git/hooks",
        ".git",
        ".",
        "src",
        "x/.git",
        "a\x1b[2J",
        "",
        str(world.desk / ".git/x"),
    )
    wanted = (
        [Wanted(name) for name in (*HARMFUL, "main")]
        if kind == "names"
        else [Wanted("feat/a", path=path) for path in paths]
    )
    for each in wanted:
        with pytest.raises(CoordError) as refused:
            make(workspace, each, _say)
        assert refused.value.exit == 2, each
        assert "\x1b" not in refused.value.message
    assert (_refs(world), sorted(path.name for path in world.root.iterdir())) == before


def test_options_cannot_be_smuggled_in_as_names(world: World) -> None:
    build(world)
    for words in (["--branch=-f"], ["--base=-f"], ["--base=--upload-pack=touch x"], ["--branch=--force"]):
        assert world.coord("worktree", "create", "a", *words).code == 2, words
    assert len(_listed(world)) == 1


def test_a_link_in_the_place_of_the_folder_of_worktrees_is_not_followed(world: World) -> None:
    build(world)
    elsewhere = world.root / "elsewhere"
    elsewhere.mkdir()
    (world.desk / ".worktrees").symlink_to(elsewhere)
    assert world.coord("worktree", "create", "a").code == 2
    assert list(elsewhere.iterdir()) == []
    assert world.coord("worktree", "create", "a", "--path", str(world.root / "absolute/a")).code == 0
    inside = world.coord("worktree", "create", "b", "--path", str(world.root / "absolute/a/b"))
    assert "lies in another worktree" in inside.err


def test_an_entry_whose_folder_is_gone_is_not_in_the_way(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    home(world).rename(world.root / "away")
    (world.root / "away/.git").unlink()
    assert world.coord("worktree", "create", "a", "--json").data["made"] == ["worktree"]


def test_two_worktrees_never_get_one_port_and_one_that_is_in_use_is_passed_over(world: World) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        taken = server.getsockname()[1]
        build(world, f"ports = 2\nport_from = {taken}\n")
        a = world.coord("worktree", "create", "a", "--json").data["ports"]
        b = world.coord("worktree", "create", "b", "--json").data["ports"]
    assert taken not in a + b
    assert len(set(a + b)) == 4
    world.coord("worktree", "remove", "a")
    lease = json.loads(next((world.desk / ".git/coord/ports").glob("*.json")).read_text())
    assert lease == {"ports": b, "worktree": str(home(world, "b"))}


def test_dry_run_says_what_would_be_made_and_makes_nothing(world: World) -> None:
    build(world)
    before = _refs(world)
    result = world.coord("worktree", "create", "a", "--dry-run")
    assert result.out.startswith("would: worktree with the new branch feat/a at ")
    assert (_refs(world), len(_listed(world))) == (before, 1)


def _start_create(world: World, name: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "coord", "-C", str(world.desk), "worktree", "create", name, "--json"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_those_who_make_worktrees_at_once_do_not_disturb_each_other(world: World) -> None:
    build(world, "ports = 2\n")
    making = [_start_create(world, name) for name in ("a", "a", "b", "c")]
    said = [each.communicate() for each in making]
    assert [each.returncode for each in making] == [0, 0, 0, 0], said
    made = [json.loads(out)["data"] for out, _ in said]
    assert sorted(made[0]["made"] + made[1]["made"]) == ["branch", "worktree"], (
        "who comes second goes on in it"
    )
    assert made[0]["ports"] == made[1]["ports"]
    assert len({port for each in made for port in each["ports"]}) == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_nothing_or_what_the_next_one_sets_up(
    world: World, number: signal.Signals
) -> None:
    """The first setup waits until it is ended; when there is a file beside the repository, it does not wait."""
    go = world.root / "go"
    script = f"echo x >> {world.root}/runs; test -f {go} || exec sleep 300"
    build(world, f'setup = [["sh", "-c", "{script}"]]')
    making = _start_create(world, "a")
    while not (world.root / "runs").exists() or not leftovers(home(world)):
        assert making.poll() is None
    making.send_signal(number)
    making.communicate()
    if number == signal.SIGTERM:
        assert not (world.desk / ".worktrees").exists()
        assert "feat/a" not in _refs(world)
        assert leftovers(world.root) == ()
    go.touch()
    assert world.coord("worktree", "create", "a").code == 0
    assert world.coord("worktree", "create", "a").code == 0
    assert (world.root / "runs").read_text() == "x\n" * 2, "set up again once, then never"
    end(leftovers(home(world)))


def test_a_worktree_whose_entry_is_half_made_is_named(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    world.git("worktree", "lock", "--reason", "initializing", str(home(world)), at=world.desk)
    result = world.coord("worktree", "create", "a")
    assert result.code == 1
    assert "another git is making" in result.err
    assert home(world).is_dir()


def test_a_misspelt_task_and_an_empty_list_are_said_aloud(world: World) -> None:
    world.build({"alpha": task_text("alpha")})
    assert "there is no worktree; coord worktree create TASK makes one" in world.coord("worktree", "list").err
    made = world.coord("worktree", "create", "alpah")
    assert made.code == 0
    assert "there is no task 'alpah' on main (like alpha)" in made.err
    assert "no task" not in world.coord("worktree", "create", "alpha").err
