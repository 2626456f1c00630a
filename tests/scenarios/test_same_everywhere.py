"""Merges: the same on every machine, and told by the paths that people know."""

from __future__ import annotations

from pathlib import Path

import pytest

from coord.core.trial import Trial
from coord.freshness import fetch
from coord.merge import make_trial
from coord.observe import observe
from coord.workspace import open_workspace
from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n'
LIB = "one\ntwo\nthree\nfour\nfive\n"


def _trials(desk: Path) -> list[str]:
    workspace = open_workspace(desk)
    fetch(workspace)
    view = observe(workspace, now=1_800_000_000)
    made = [make_trial(workspace, view, branch, "none") for branch in view.snapshot.branches]
    return [trial.commit if isinstance(trial, Trial) else repr(trial) for trial in made]


_SETTINGS = {
    "merge.default": "union",
    "merge.renames": "false",
    "merge.directoryRenames": "true",
    "merge.conflictStyle": "diff3",
    "merge.union.driver": "true",
    "diff.algorithm": "patience",
    "diff.renames": "copies",
    "core.autocrlf": "true",
    "i18n.commitEncoding": "latin1",
    "log.follow": "true",
    "user.name": "Somebody Else",
}


@pytest.mark.parametrize("what", ["info/attributes", "settings", "checkout"])
def test_two_machines_with_other_settings_make_the_same_trial(world: World, what: str) -> None:
    tracked = {".gitattributes": "*.txt merge=union\n"} if what == "checkout" else {}
    world.build({"a": task_text("a"), "b": task_text("b")}, tracked, config=NONE)
    world.push("feat/a", {"src/lib.txt": LIB.replace("one", "AAA")})
    world.push("feat/b", {"src/lib.txt": LIB.replace("five", "EEE"), "tasks/b.md": None})
    world.main({"src/lib.txt": LIB.replace("one", "BBB")})
    plain, odd = world.root / "plain", world.root / "odd"
    world.git("clone", "-q", "-n", str(world.origin), str(plain), at=world.root)
    world.git("clone", "-q", str(world.origin), str(odd), at=world.root)
    if what == "info/attributes":
        (odd / ".git/info/attributes").write_text("*.txt merge=union\n")
    if what == "settings":
        for key, value in _SETTINGS.items():
            world.git("config", key, value, at=odd)
    trials = _trials(plain)
    assert trials == _trials(odd)
    assert trials[0].startswith("Clash")
    assert len(trials[1]) == 40


def test_a_partial_clone_can_merge(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.git("config", "uploadpack.allowFilter", "true", at=world.origin)
    desk = world.root / "partial"
    origin = f"file://{world.origin}"
    world.git("clone", "-q", "--filter=blob:none", "-n", origin, str(desk), at=world.root)
    world.push("feat/a", {"src/lib.txt": "zero\n" + LIB})
    world.push("feat/b", {"src/lib.txt": LIB + "six\n"})
    result = world.coord("land", at=desk)
    assert result.code == 0, result.err
    assert world.show("src/lib.txt") == "zero\n" + LIB + "six"


def test_a_file_against_a_folder_is_told_by_its_path_and_tried_again(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a", {"x": "file\n"})
    world.push("feat/b", {"x/y": "folder\n"})
    world.land()
    assert world.verdicts() == {"b": "conflict"}
    assert world.land("b").outcome("b")["paths"] == ["x"]
    world.main({"x": None}, "make room")
    world.land()
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_a_conflict_in_a_file_that_the_branch_renamed_is_tried_again(world: World) -> None:
    """Git names the new path; what main can change is the old one."""
    world.build({"a": task_text("a")}, {"src/old.txt": LIB * 5}, config=NONE)
    world.push("feat/a", {"src/old.txt": None, "src/new.txt": "AAA\n" + LIB * 5})
    world.main({"src/old.txt": "BBB\n" + LIB * 5})
    world.land()
    assert world.verdicts() == {"a": "conflict"}
    world.main({"src/old.txt": LIB * 5}, "take it back")
    world.land()
    assert world.statuses() == {"a": "completed"}


def test_a_repository_of_sha256_lands_and_is_tidied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DEFAULT_HASH", "sha256")
        world.build({"a": task_text("a"), "b": task_text("b"), "c": task_text("c")})
    world.push("feat/a")
    world.push("feat/b", {"src/b.txt": "BROKEN\n"})
    world.git("fetch", "-q", at=world.desk)
    world.git("branch", "feat/a", "origin/feat/a", at=world.desk)
    result = world.land()
    assert world.statuses() == {"a": "completed", "b": "blocked", "c": "pending"}, result.err
    assert world.git("branch", "--list", "feat/a", at=world.desk) == ""
    world.push("feat/c")
    assert world.coord("land", at=world.origin).code == 0
    assert world.branches() == ["feat/b"]
