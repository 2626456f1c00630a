"""What agents and other tools may have left in refs, commits and configuration: odd, but never in the way."""

from __future__ import annotations

import os

import pytest

from coord.core.objects import parse_commit
from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n'


def test_a_path_that_is_not_utf8_is_told_and_its_conflict_kept(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    name = os.fsdecode(b"src/\xff.txt")
    world.push("feat/a", {name: "1\n"})
    world.push("feat/b", {name: "2\n"})
    for result in (world.coord("plan", "--json"), world.coord("plan"), world.land(), world.coord("land")):
        assert result.code == 0, result.err
        assert result.out.encode()
    assert world.land().outcome("b")["paths"] == [name]
    main = world.main({name: "3\n"})
    world.land()
    assert world.ref("refs/heads/main") == main
    verdict = world.git("rev-list", "--count", "refs/coord/verdicts/b", at=world.origin)
    assert verdict == "2"


@pytest.mark.parametrize("family", ["claims", "approvals", "hold", "verdicts", "history"])
def test_a_coord_ref_that_names_no_commit_stops_nobody_else(world: World, family: str) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a")
    world.push("feat/b")
    blob = world.git("hash-object", "-w", "--stdin", data="x")
    world.git("push", "-q", "origin", f"{blob}:refs/coord/{family}/a")
    result = world.land()
    assert result.code == 0, result.err
    assert world.statuses() == {"a": "pending" if family == "hold" else "completed", "b": "completed"}
    assert world.ref(f"refs/coord/{family}/a") == (blob if family in ("hold", "history") else "")


def test_a_freeze_that_names_no_commit_still_freezes(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    blob = world.git("hash-object", "-w", "--stdin", data="x")
    world.git("push", "-q", "origin", f"{blob}:refs/coord/freeze")
    assert world.land().code == 4
    assert world.coord("thaw").code == 0
    assert world.land("a").code == 0


def test_a_verdict_that_cannot_be_read_is_replaced(world: World) -> None:
    world.build({"a": task_text("a")})
    tip = world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.git("push", "-q", "origin", f"{tip}:refs/coord/verdicts/a")
    assert world.land().code == 0
    assert world.verdicts() == {"a": "gate-failed"}


@pytest.mark.parametrize("expires", ["²", "9" * 5000, "-1"])
def test_a_claim_with_an_odd_expiry_has_expired(world: World, expires: str) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    claim = world.git("commit-tree", world.git("mktree"), "-m", f"claim\n\nCoord-Expires: {expires}")
    world.git("push", "-q", "origin", f"{claim}:refs/coord/claims/a")
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed"}


def test_attempts_that_are_no_plain_number_are_counted_from_one(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {}, "s\n\nCoord-Status: blocked\nCoord-Reason: x\nCoord-Attempts: ²")
    world.land()
    world.more("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}


_ODD = (
    "A <a@b>1700000000 +0000",
    "A <a@b> 99999999999 +0000",
    "A <a@b> -5 +0000",
    "A <a@b> 17 +051800",
    "A <a@b>",
)


def test_an_odd_author_date_is_never_copied() -> None:
    for author in _ODD:
        body = f"tree {'1' * 40}\nauthor {author}\ncommitter A <a@b> 17 +0000\n\nx\n"
        assert parse_commit("2" * 40, body.encode()).author_date == "0 +0000"


@pytest.mark.parametrize("text", ["fine\n", "BROKEN\n"])
def test_a_tip_with_an_odd_author_date_is_judged_like_any_other(world: World, text: str) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/b")
    world.push("feat/a", {"src/a.txt": text})
    tree, parent = world.git("rev-parse", "HEAD^{tree}", "HEAD^").split()
    raw = f"tree {tree}\nparent {parent}\nauthor A <a@b> 99999999999999999999 +0000\ncommitter A <a@b> 17 +0000\n\nodd\n"
    odd = world.git("hash-object", "--literally", "-t", "commit", "-w", "--stdin", data=raw)
    world.git("push", "-q", "-f", "origin", f"{odd}:refs/heads/feat/a")
    result = world.land()
    assert result.code == 0, result.err
    assert world.statuses() == {"a": "completed" if text == "fine\n" else "blocked", "b": "completed"}


def test_what_a_person_configured_for_pushes_does_not_take_part(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    settings = {"push.pushOption": "ci.skip", "push.recurseSubmodules": "check", "push.default": "nothing"}
    for key, value in settings.items():
        world.git("config", key, value, at=world.desk)
    assert world.land("a").code == 0
