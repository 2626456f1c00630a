"""``coord log``: every decision once, with its reason, on real git; with and without what the machine remembers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coord.commands.log import words_of
from coord.core.history import Entry, Kind, Source
from tests.world import CHECK, World, task_text


def entries(world: World, *args: str, at: Path | None = None) -> list[dict[str, Any]]:
    """Return what the log tells, the oldest first."""
    result = world.coord("log", "--json", "--limit", "0", *args, at=at)
    assert result.code == 0, result.err
    return list(reversed(result.data["entries"]))


def kinds(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["kind"], entry["task"] or "") for entry in found]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A day with one of each: read by the tests of this module, changed by none."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("log")
        patch.setenv("HOME", str(root / "home"))
        world = World(root)
        tasks = ("lands", "clashes", "fails", "gives-up", "held", "by-word", "undone")
        world.build({name: task_text(name) for name in tasks}, {"src/hub.txt": "1\n2\n3\n"})
        world.push("feat/lands", {"src/hub.txt": "1 lands\n2\n3\n"})
        world.push("feat/clashes", {"src/hub.txt": "1 clashes\n2\n3\n"})
        world.push("feat/fails", {"src/fails.txt": "BROKEN\n"})
        world.push("feat/gives-up", message="stop\n\nCoord-Status: blocked\nCoord-Reason: no such library")
        world.push("feat/undone", {"src/undone.txt": "x\n"})
        assert world.coord("hold", "held", "-m", "after the release").code == 0
        world.land()
        world.git("fetch", "-q", "origin")
        world.git("switch", "-q", "feat/clashes")
        world.git("merge", "-q", "origin/main", ok=False)
        world.commit("take both", {"src/hub.txt": "1 lands and clashes\n2\n3\n"})
        world.git("push", "-q", "origin", "feat/clashes")
        assert world.coord("retry", "fails").code == 0
        assert world.coord("unblock", "gives-up", "-m", "there is one now").code == 0
        assert world.coord("release", "held").code == 0
        assert world.coord("complete", "by-word", "-m", "done before coord came").code == 0
        assert world.coord("freeze", "-m", "release day").code == 0
        assert world.coord("thaw").code == 0
        world.land()
        landing = next(e["commit"] for e in entries(world) if (e["kind"], e["task"]) == ("landed", "undone"))
        world.git("fetch", "-q", "origin")
        world.git("switch", "-q", "--detach", "origin/main")
        world.clock = int(time.time()) + 60  # a revert comes after what it reverts
        world.git("revert", "-m", "1", "--no-edit", landing)
        world.git("push", "-q", "origin", "HEAD:main")
        assert world.coord("log", "--fetch").code == 0
        yield world


def test_every_decision_is_told_once_with_its_reason(story: World) -> None:
    told = kinds(entries(story))
    assert sorted(told) == sorted(
        [
            ("landed", "lands"), ("landed", "undone"), ("landed", "clashes"),
            ("conflict", "clashes"), ("gate-failed", "fails"), ("gate-failed", "fails"), ("blocked", "gives-up"),
            ("held", "held"), ("released", "held"), ("retry", "fails"), ("unblocked", "gives-up"),
            ("completed", "by-word"), ("frozen", ""), ("thawed", ""), ("reverted", "undone"),
        ]
    )  # fmt: skip
    reasons = {(e["kind"], e["task"]): e["reason"] for e in entries(story)}
    assert reasons["conflict", "clashes"] == "conflict in src/hub.txt with lands"
    assert reasons["gate-failed", "fails"] == "sh check.sh failed"
    assert reasons["blocked", "gives-up"] == "no such library"
    assert reasons["unblocked", "gives-up"] == "there is one now"
    assert reasons["completed", "by-word"] == "done before coord came"
    assert reasons["held", "held"] == "after the release"
    assert reasons["frozen", None] == "release day"


def test_it_says_who_decided_and_what_only_this_machine_saw(story: World) -> None:
    by = {(e["kind"], e["task"]): e["by"] for e in entries(story)}
    assert by["retry", "fails"] == by["unblocked", "gives-up"] == by["frozen", None] == "Agent"
    underway = kinds(entries(story, "--all"))
    assert underway.count(("seen", "clashes")) == 2
    assert underway.count(("validated", "fails")) == 2
    landed = next(e for e in entries(story) if (e["kind"], e["task"]) == ("landed", "lands"))
    assert landed["seconds"] > 0


def test_the_newest_comes_first_and_the_rest_is_counted(story: World) -> None:
    result = story.coord("log", "--limit", "1")
    assert "reverted" in result.out
    assert len(result.out.splitlines()) == 1
    assert "14 older ones: --limit 0 shows all" in result.err


def test_it_can_be_asked_for_tasks_kinds_and_a_time(story: World) -> None:
    assert {task for _, task in kinds(entries(story, "feat/fails"))} == {"fails"}
    assert kinds(entries(story, "--kind", "conflict")) == [("conflict", "clashes")]
    # What a person decided in the second of that commit is told; what main had by then is not.
    after = dict(kinds(entries(story, "--since", "origin/main~1")))
    assert after["reverted"] == "undone"
    assert after.keys().isdisjoint({"landed", "conflict", "gate-failed", "blocked"})
    assert entries(story, "--since", "origin/main") == []
    assert len(entries(story, "--since", "yesterday")) == len(entries(story))


def test_a_clone_without_events_tells_the_same_decisions_from_git(story: World) -> None:
    other = story.root / "other"
    story.git("clone", "-q", str(story.origin), str(other), at=story.root)
    there = entries(story, "--fetch", at=other)
    # Nothing on the remote tells of a hold or a freeze that was lifted, and a clone has no reason to know of it.
    passing = {("held", "held"), ("released", "held"), ("frozen", ""), ("thawed", "")}
    assert sorted(kinds(there)) == sorted(k for k in kinds(entries(story)) if k not in passing)
    assert all(entry["seconds"] is None for entry in there)
    assert "no events of its own" in story.coord("log", at=other).err


def test_words_that_mean_nothing_are_refused_with_what_would(story: World) -> None:
    unknown = story.coord("log", "--since", "nonsense")
    assert unknown.code == 2
    assert "'nonsense' is no commit here and no date of the past" in unknown.err
    day = story.coord("log", "--since", "2026-13-45")
    assert "'2026-13-45' is no commit here and no date of the past" in day.err
    task = story.coord("log", "clashs")
    assert task.code == 2
    assert "did you mean: clashes" in task.err
    kind = story.coord("log", "--kind", "lande")
    assert kind.code == 2
    assert "'landed', 'main-red'" in kind.err
    assert "<" not in kind.err


def test_a_batch_is_told_branch_by_branch(world: World) -> None:
    config = CHECK + '[land]\nstrategy = "batch"\nworkers = 2\n'
    world.build({name: task_text(name) for name in ("a", "b", "c")}, config=config)
    for name in ("a", "b", "c"):
        world.push(f"feat/{name}")
    world.land()
    assert sorted(kinds(entries(world))) == [("landed", "a"), ("landed", "b"), ("landed", "c")]
    other = world.root / "other"
    world.git("clone", "-q", str(world.origin), str(other), at=world.root)
    assert sorted(kinds(entries(world, at=other))) == [("landed", "a"), ("landed", "b"), ("landed", "c")]


def test_a_batch_that_was_reverted_is_told_for_each_of_its_branches(world: World) -> None:
    config = CHECK + '[land]\nstrategy = "batch"\n'
    world.build({name: task_text(name) for name in ("a", "b")}, config=config)
    for name in ("a", "b"):
        world.push(f"feat/{name}")
    world.land()
    world.git("fetch", "-q", "origin")
    world.git("switch", "-q", "--detach", "origin/main")
    world.clock = int(time.time()) + 60
    step = world.git("rev-parse", "HEAD")
    world.git("revert", "-m", "1", "--no-edit", "HEAD")
    world.git("push", "-q", "origin", "HEAD:main")
    told = [(e["task"], e["reason"]) for e in entries(world, "--kind", "reverted", "--fetch")]
    assert sorted(told) == [(name, f"its landing {step[:7]} was reverted") for name in ("a", "b")]


def test_a_landing_that_nothing_validated_is_said_to_be_one_on_every_clone(world: World) -> None:
    world.build({"a": task_text("a")}, config='[gate]\nprofile = "none"\n')
    world.push("feat/a")
    world.land()
    before = [e["reason"] for e in entries(world)]
    shutil.rmtree(world.desk / ".git/coord")
    assert before == [e["reason"] for e in entries(world)] == ["not validated: profile none runs nothing"]


def test_a_revert_that_was_reverted_says_so(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.land()
    world.git("fetch", "-q", "origin")
    world.git("switch", "-q", "--detach", "origin/main")
    world.clock = int(time.time()) + 60
    world.git("revert", "-m", "1", "--no-edit", "HEAD")
    world.git("revert", "--no-edit", "HEAD")
    world.git("push", "-q", "origin", "HEAD:main")
    (told,) = entries(world, "--kind", "reverted", "--fetch")
    again = world.git("rev-parse", "HEAD")[:7]
    assert told["reason"].endswith(f"was reverted; {again} reverted that")


def test_a_person_is_said_to_have_completed_only_what_was_not(world: World) -> None:
    world.build({"a": task_text("a", status="completed"), "b": task_text("b")})
    assert world.coord("complete", "a", "feat/b").code == 0
    assert kinds(entries(world)) == [("completed", "b")]


def test_a_tip_that_is_done_after_all_is_told_again(world: World) -> None:
    world.build({"a": task_text("a")}, config='[land]\nsignal = "explicit"\n' + CHECK)
    world.push("feat/a", message="begin")
    world.land()
    world.land()
    world.main({".coord.toml": CHECK}, "a push means done")
    world.land()
    told = [e["reason"] for e in entries(world, "--kind", "seen")]
    assert told == ["first seen", "done now"]
    (line, again) = [
        json.loads(one) for one in (world.desk / ".git/coord/events.ndjson").read_text().splitlines()[:2]
    ]
    assert line["working"]
    assert "working" not in again


def test_a_log_that_somebody_wrote_into_hides_nothing(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.land()
    log = world.desk / ".git/coord/events.ndjson"
    lines = [
        "{",
        "[]",
        '{"event": "landed"}',
        '{"event": "nothing", "at": 1}',
        '{"event": "landed", "at": 1e99}',
    ]
    lines.append(json.dumps({"event": "raced", "at": 5, "task": "a", "reason": "\x1b[2Jgone\nlanded  b"}))
    log.write_bytes(log.read_bytes() + "\n".join(lines).encode() + b"\n\xff\xfe\n")
    result = world.coord("log")
    assert result.code == 0
    assert "6 lines of the local log cannot be read" in result.err
    assert [line.split()[2] for line in result.out.splitlines()] == ["landed", "raced"]
    assert "\x1b" not in result.out


def test_deleting_what_the_machine_remembers_loses_no_decision(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b", {"src/b.txt": "BROKEN\n"})
    world.land()
    before = kinds(entries(world))
    shutil.rmtree(world.desk / ".git/coord")
    assert sorted(kinds(entries(world))) == sorted(before)


def test_a_landing_is_timed_by_when_it_ended_and_not_by_its_snapshot(world: World) -> None:
    slow = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = [["sh", "-c", "sleep 2"]]\ntoolchain = []\n'
    world.build({"a": task_text("a")}, config=slow)
    world.push("feat/a")
    world.land()
    landed = entries(world)[0]
    committed = int(world.git("log", "-1", "--format=%ct", landed["commit"], at=world.origin))
    assert landed["at"] >= committed + 2


def test_a_ref_that_names_no_verdict_tells_nothing(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.land()
    world.git("push", "-q", "origin", "HEAD:refs/coord/verdicts/zzz")
    assert kinds(entries(world, "--fetch")) == [("landed", "a")]
    world.git("push", "-q", "origin", ":refs/coord/verdicts/zzz")


def test_who_is_named_in_the_reason_is_not_named_again() -> None:
    entry = Entry(0, Kind.CLAIMED, "a", "by s-1 on here", Source.EVENT, by="s-1")
    assert words_of(entry) == "by s-1 on here"
    assert words_of(replace(entry, by="Mia")) == "by s-1 on here (by Mia)"


def test_a_flaky_step_is_named_once_in_a_line(world: World) -> None:
    # What a step leaves in a kept folder is there at its next run.
    flaky = "test -e kept/seen || { mkdir -p kept; touch kept/seen; exit 1; }"
    steps = f'steps = [["sh", "-c", "{flaky}"]]\nretries = 1\nkeep = ["kept"]\n'
    world.build({"a": task_text("a")}, config=f'[gate]\nprofile = "mine"\n[profiles.mine]\n{steps}')
    world.push("feat/a", {"src/a.txt": "a\n"})
    assert world.coord("land").code == 0
    (line,) = [line for line in world.coord("log").out.splitlines() if "  landed  " in line]
    assert line.count("flaky:") == 1
