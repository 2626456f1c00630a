"""The gate against code that leaves traps behind, and against branches that take its programs away."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from coord import evidence
from coord.room import rustup_home
from tests.world import World, task_text

LIB = "one\ntwo\nthree\nfour\nfive\n"


def _profile(script: str, more: str = "") -> str:
    return f'[gate]\nprofile = "p"\n[profiles.p]\n{more}\nsteps = [["sh", "-c", "{script}"]]\n'


_ONCE = "test -e ../../../once && exit 0; touch ../../../once; "
_TRAPS = {
    "a folder deeper than Python goes": _ONCE
    + "i=0; while [ $i -lt 1200 ]; do mkdir d; cd d; i=$((i+1)); done",
    "a link in place of a folder": "mkdir ../x; cp src/* ../x; echo evil > ../x/lib.txt; rm -rf src; ln -s ../x src",
    "an edit in place that hides": "touch -r src/lib.txt ../t; printf ONE | dd of=src/lib.txt conv=notrunc 2>/dev/null; "
    "touch -r ../t src/lib.txt",
    "folders without rights": "chmod -R 000 src",
    "a folder in place of a file": "rm src/lib.txt; mkdir src/lib.txt; touch src/lib.txt/x; mkfifo src/p",
}


@pytest.mark.parametrize("trap", _TRAPS)
def test_what_one_trial_leaves_behind_is_not_what_the_next_is_judged_on(world: World, trap: str) -> None:
    seen = world.root / "seen"
    script = f"cat src/lib.txt >> {seen}; ls -A >> {seen}; {_TRAPS[trap]}; true"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_profile(script))
    world.push("feat/a")
    world.push("feat/b")
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert seen.read_text() == (LIB + ".coord.toml\ncheck.sh\nsrc\n") * 2


def test_what_is_kept_gives_way_to_a_file_of_the_tree(world: World) -> None:
    script = "test -f out || { mkdir -p out/cache; touch out/cache/x; }"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_profile(script, 'keep = ["out/cache"]'))
    world.push("feat/b")
    world.land()
    world.push("feat/a", {"out": "a file now\n"})
    assert world.land("a").code == 0


def test_a_branch_that_takes_the_gates_own_program_away_is_blamed(world: World) -> None:
    config = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["./check"]\n'
    world.build({"a": task_text("a"), "b": task_text("b")}, config=config)
    (world.agent / "check").write_text("#!/bin/sh\n")
    (world.agent / "check").chmod(0o755)
    world.main({})
    world.push("feat/a", {"check": None})
    world.push("feat/b")
    assert world.land().code == 0
    assert world.statuses() == {"a": "blocked", "b": "completed"}


def test_a_program_that_main_does_not_hold_either_blames_nobody(world: World) -> None:
    config = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["./check"]\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a")
    before = world.refs()
    result = world.land()
    assert result.code == 1
    assert "./check: program not found" in result.outcome("a")["reason"]
    assert world.refs() == before


def test_a_gate_with_git_is_given_a_clean_clone_of_the_trial(world: World) -> None:
    seen = world.root / "seen"
    script = f"(git status --porcelain; git diff-index HEAD; git remote; git log --format=%s) >> {seen}"
    world.build({"a": task_text("a")}, config=_profile(script, "git = true"))
    world.push("feat/a")
    assert world.land("a").code == 0
    status = "chore: update task a status to completed"
    lines = seen.read_text().splitlines()
    assert lines[0] == "Merge branch 'feat/a'"
    assert sorted(lines[1:]) == sorted([status, "work on feat/a", "seed"])


def test_settings_left_in_the_gates_clone_never_run_with_our_rights(world: World) -> None:
    """Guarantee 7: a command planted in the clone's configuration would see the environment of the next fetch."""
    stolen = world.root / "stolen"
    thief = world.root / "thief.sh"
    thief.write_text(f"#!/bin/sh\nenv > {stolen}\nexit 1\n")
    thief.chmod(0o755)
    script = f"git config core.sshCommand {thief}; git config url.ssh://h/.insteadOf file:///"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_profile(script, "git = true"))
    world.push("feat/a")
    world.push("feat/b")
    assert world.land().code == 0
    assert not stolen.exists()
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_evidence_covers_modes_toolchain_and_steps(world: World) -> None:
    count, version = world.root / "count", world.root / "version"
    version.write_text("1")
    tools = f'toolchain = ["cat {version}"]\ninputs = ["src/**", "check.sh"]'
    world.build({name: task_text(name) for name in "abcde"}, config=_profile(f"echo run >> {count}", tools))

    def runs(task: str) -> int:
        count.unlink(missing_ok=True)
        assert world.land(task).code == 0
        return count.read_text().count("run") if count.exists() else 0

    world.push("feat/a")
    assert runs("a") == 1
    world.push("feat/b", {})
    assert runs("b") == 0
    world.push("feat/c", {})
    world.git("update-index", "--chmod=+x", "check.sh")
    world.git("commit", "-qm", "a mode")
    world.git("push", "-q", "origin", "feat/c")
    world.git("checkout", "-qf", "--detach")
    assert runs("c") == 1
    version.write_text("2")
    evidence._versions.clear()
    world.push("feat/d", {})
    assert runs("d") == 1
    world.main({".coord.toml": _profile(f"echo run >> {count} ", tools)})
    world.push("feat/e", {})
    assert runs("e") == 1


def test_what_code_under_test_writes_to_cargos_home_is_not_believed_later(world: World) -> None:
    seen = world.root / "seen"
    script = f"ls $CARGO_HOME $HOME >> {seen}; touch $CARGO_HOME/config.toml $HOME/mine"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_profile(script))
    (world.root / "home" / "private").write_text("x")
    world.push("feat/a")
    world.push("feat/b")
    world.land()
    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert not {"config.toml", "mine", "private"} & set(seen.read_text().split())


def test_a_red_main_costs_one_trial_and_one_look_at_main(world: World) -> None:
    count = world.root / "count"
    world.build({name: task_text(name) for name in "abc"}, config=_profile(f"echo run >> {count}; exit 1"))
    for name in "abc":
        world.push(f"feat/{name}")
    assert world.land().code == 4
    assert count.read_text().count("run") == 2


def test_an_empty_rustup_folder_in_home_is_not_taken_for_the_toolchains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rustup leaves one in any HOME that it is run with."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".rustup").mkdir()
    assert rustup_home() == Path(pwd.getpwuid(os.getuid()).pw_dir) / ".rustup"
    (tmp_path / ".rustup" / "toolchains").mkdir()
    assert rustup_home() == tmp_path / ".rustup"
