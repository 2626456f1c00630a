"""``coord doctor --github`` against the GitHub on loopback: each mode from nothing to complete, and what keeps it from looking."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord.core.mode import Mode
from coord.workflows import FILES, FOLDER, Wanted, render
from tests.artefacts import blocks, read, section
from tests.forges.place import EVERYTHING, Place
from tests.forges.place import place as build
from tests.world import Result
from tests.world.github.rest.state import Ruleset, Setting

ACTION = "acme/coord@" + "1" * 40
ADMIN = EVERYTHING | {"variables": "read"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The repository as a clone of github.com sees it, with an administrator's token."""
    with build(tmp_path) as made:
        world, url = made.world, "https://github.com/acme/demo.git"
        world.git("config", "remote.origin.url", url, at=world.desk)
        world.git("config", f"url.{world.origin}.insteadOf", url, at=world.desk)
        monkeypatch.setenv("GITHUB_API_URL", made.rest.url)
        monkeypatch.setenv("GH_TOKEN", made.tokens.issue("alice", "user", ADMIN).text)
        yield made


def _doctor(place: Place, *options: str) -> Result:
    return place.world.coord("doctor", "--github", *options)


def _workflows(place: Place, mode: Mode) -> None:
    """Push what ``coord init --github`` writes, and nothing of the other mode."""
    wanted = Wanted(mode, "main", ("feat/",), ACTION)
    files: dict[str, str | None] = {f"{FOLDER}/{name}": render(name, wanted) for name in FILES[mode]}
    place.world.main(files, "coord: workflows")


def _harden(place: Place) -> None:
    state = place.rest.state
    rules = ["update", "deletion", "non_fast_forward"]
    state.rulesets = [Ruleset(1, "coord", list(rules), [("Integration", 77, "always")])]
    state.environments = {"coord": Setting(("main",), secrets=("COORD_APP_KEY",))}
    state.variables = {"COORD_APP_ID": "77"}
    state.may_approve = True


def test_a_repository_without_workflows_is_told_how_to_begin(place: Place) -> None:
    told = _doctor(place)
    assert told.code == 1
    assert told.out == (
        "mode: none\n"
        "wrong: workflows: no workflow of coord's is on main\n"
        "  mend it: coord init --github      (or, for agents that are trusted: coord init --github --simple)\n"
        "  mend it: commit and push what it writes, then run this again\n"
    )


def test_a_simple_repository_is_complete(place: Place) -> None:
    _workflows(place, Mode.SIMPLE)
    place.rest.state.may_approve = True
    told = _doctor(place)
    assert told.code == 0
    assert told.out == (
        "mode: simple\n"
        "right: workflows: 3 on main, as coord renders them\n"
        "right: main: no rule stops a workflow's own token on main\n"
        "note: trust: code of branches runs where the right to push main is: for agents that are trusted "
        "(docs/security.md)\n"
    )
    assert told.err == "nothing is missing\n"


def test_hardened_workflows_alone_lack_all_that_makes_them_hard(place: Place) -> None:
    _workflows(place, Mode.HARDENED)
    told = _doctor(place, "--json")
    assert told.code == 1
    assert told.data["mode"] == "hardened"
    assert not told.data["complete"]
    assert {part["part"]: part["seen"] for part in told.data["parts"]} == {
        "workflows": "right",
        "updates": "wrong",
        "non-fast-forward": "wrong",
        "deletion": "wrong",
        "environment coord": "wrong",
        "secret COORD_APP_KEY": "wrong",
        "repository secrets": "right",
        "variable COORD_APP_ID": "wrong",
        "default token right": "right",
        "drafts": "note",
        "approvers": "note",
    }


def test_a_hardened_repository_is_complete(place: Place) -> None:
    _workflows(place, Mode.HARDENED)
    _harden(place)
    told = _doctor(place)
    assert told.out == (
        "mode: hardened\n"
        "right: workflows: 4 on main, as coord renders them\n"
        "right: updates: only App 77 may push main\n"
        "right: non-fast-forward: a push that takes commits away from main is refused\n"
        "right: deletion: the deletion of main is refused\n"
        "right: environment coord: only main may use it\n"
        "right: secret COORD_APP_KEY: the environment coord holds it\n"
        "right: repository secrets: COORD_APP_KEY is not among them\n"
        "right: variable COORD_APP_ID: 77\n"
        "right: default token right: read\n"
        "note: approvers: everybody with write access may approve changes of protected paths, an agent's account too\n"
        '  change it: where agents push with accounts of persons: .coord.toml, [github] approvers = "maintain"\n'
    )
    assert told.code == 0


@pytest.mark.parametrize("mode", ["hardened", "simple"])
def test_the_set_up_of_the_page_leads_to_a_complete_repository(place: Place, mode: str) -> None:
    """What a page can do by commands of coord and git is done; the settings are those that it tells to make."""
    place.rest.state.may_approve = True
    if mode == "hardened":
        _harden(place)
    place.world.main({f"{FOLDER}/coord-land.yml": None}, "nothing yet")
    place.world.git("pull", "-q", at=place.world.desk)
    script = blocks(section(read("docs/github.md"), f"Set-up, {mode}"), "sh")[0]
    ran = subprocess.run(
        ["sh", "-ec", script.replace("OWNER/coord@COMMIT", ACTION).replace("coord doctor --github", "")],
        cwd=place.world.desk, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    told = _doctor(place)
    assert told.code == 0, told.out
    assert told.out.startswith(f"mode: {mode}\n")


def test_a_role_that_may_bypass_is_a_hole(place: Place) -> None:
    _workflows(place, Mode.HARDENED)
    _harden(place)
    place.rest.state.rulesets[0].bypass.append(("RepositoryRole", 5, "always"))
    told = _doctor(place)
    assert told.code == 1
    assert "wrong: updates: a hole: the role admin may push main too\n" in told.out
    assert told.err == "1 to mend\n"


def test_a_workflow_that_was_changed_by_hand_is_out_of_date(place: Place) -> None:
    _workflows(place, Mode.HARDENED)
    _harden(place)
    path = f"{FOLDER}/coord-land.yml"
    place.world.main({path: place.world.show(path).replace("timeout-minutes: 120", "timeout-minutes: 240")})
    told = _doctor(place)
    assert told.code == 1
    assert "wrong: workflows: on main: coord-land.yml is not what coord renders now\n" in told.out


def test_other_branches_in_the_configuration_make_the_workflows_out_of_date(place: Place) -> None:
    _workflows(place, Mode.HARDENED)
    place.world.main({".coord.toml": '[project]\nprefixes = ["agent/"]\n'})
    assert "on main: coord-wake.yml is not what coord renders now" in _doctor(place).out


def test_a_token_that_sees_little_is_told_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    _workflows(place, Mode.HARDENED)
    _harden(place)
    monkeypatch.setenv("GH_TOKEN", place.tokens.issue("bob", "user", {"contents": "write"}).text)
    told = _doctor(place)
    assert told.code == 1
    assert (
        "unseen: updates: main is restricted; who may bypass that: not to be seen with this token\n"
        in told.out
    )
    assert "right: environment" not in told.out
    assert told.err == "0 to mend, 6 not to be seen with this token\n"


def test_without_a_token_it_says_which_variable_to_set(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GH_TOKEN")
    told = _doctor(place)
    assert told.code == 8
    assert "there is no token for GitHub" in told.err
    assert "GH_TOKEN" in told.err


def test_a_token_that_is_not_valid_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "ghp_" + "x" * 36)
    told = _doctor(place)
    assert told.code == 8
    assert "401" in told.err


def test_a_remote_elsewhere_is_not_asked(place: Place) -> None:
    place.world.git("config", "remote.origin.url", str(place.world.origin), at=place.world.desk)
    told = _doctor(place)
    assert told.code == 2
    assert "origin is not on GitHub" in told.err


@pytest.mark.parametrize("option", ["--fix", "--verify"])
def test_it_only_looks(place: Place, option: str) -> None:
    assert _doctor(place, option).code == 2
