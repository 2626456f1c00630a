"""Mechanisms that no other test would miss: claims, the profile's keys, forged words, leases."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from coord.apply import apply
from coord.core.action import Sweep
from coord.core.plan import next_action
from coord.errors import GitError, RefusedError
from coord.freshness import fetch
from coord.git import Git
from coord.observe import observe
from coord.outcome import Raced
from coord.site import open_site
from coord.workspace import open_workspace
from tests.world import CHECK, World, task_text

NONE = '[gate]\nprofile = "none"\n'


def _claim(world: World, task: str, *, seconds: int) -> str:
    words = f"claim\n\nCoord-Holder: host/session\nCoord-Expires: {int(time.time()) + seconds}"
    commit = world.git("commit-tree", world.git("mktree"), "-m", words)
    world.git("push", "-q", "-f", "origin", f"{commit}:refs/coord/claims/{task}")
    return commit


def test_a_claimed_branch_is_working_until_it_says_done(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    _claim(world, "a", seconds=3600)
    assert "a session holds its claim" in world.land().outcome("a")["reason"]
    world.more("feat/a", {}, "done\n\nCoord-Status: done")
    assert world.land("a").code == 0
    assert world.ref("refs/coord/claims/a") == ""


def test_a_newborn_branch_of_a_completed_task_stays_while_a_claim_holds(world: World) -> None:
    world.build({"a": task_text("a", status="completed")}, config=NONE)
    world.git("push", "-q", "origin", "main:feat/a")
    claim = _claim(world, "a", seconds=3600)
    world.land()
    assert world.branches() == ["feat/a"]
    assert world.ref("refs/coord/claims/a") == claim
    _claim(world, "a", seconds=-1)
    world.land()
    assert world.branches() == []
    assert world.ref("refs/coord/claims/a") == ""


def _profile(script: str, *more: str) -> str:
    return "\n".join(['[gate]\nprofile = "p"\n[profiles.p]', f'steps = [["sh", "-c", "{script}"]]', *more])


def test_a_step_that_fails_and_then_passes_is_recorded_as_flaky(world: World) -> None:
    flag = world.root / "flag"
    script = f"test -e {flag} || {{ touch {flag}; exit 1; }}"
    world.build({"a": task_text("a")}, config=_profile(script, "retries = 1"))
    world.push("feat/a")
    assert "flaky: sh -c" in world.land().outcome("a")["reason"]


def test_a_step_that_takes_too_long_ends_with_its_whole_process_group(world: World) -> None:
    late = world.root / "late"
    script = f"test -e src/a.txt || exit 0; (sleep 2; touch {late}) & sleep 60"
    world.build({"a": task_text("a")}, config=_profile(script, 'timeout = "1s"'))
    world.push("feat/a")
    started = time.monotonic()
    world.land()
    assert time.monotonic() - started < 20
    assert world.verdicts() == {"a": "gate-failed"}
    assert "it took longer than 1 s" in world.show("verdict.json", "refs/coord/verdicts/a")
    time.sleep(max(0.0, 3.2 - (time.monotonic() - started)))
    assert not late.exists()


def test_the_gate_sees_its_inputs_keeps_what_it_may_and_runs_below_its_wrapper(world: World) -> None:
    seen = world.root / "seen"
    wrapper = world.root / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho wrapped >> {seen}\nexec "$@"\n')
    wrapper.chmod(0o755)
    script = f"find . -type f | sort >> {seen}; mkdir -p target; echo built > target/x; echo junk > junk"
    more = ('inputs = ["src/**", "tasks/a.md"]', 'keep = ["target"]', f'wrap = ["{wrapper}"]')
    world.build({"a": task_text("a"), "b": task_text("b")}, {"README": "x\n"}, _profile(script, *more))
    world.push("feat/a", {"src/a.txt": "1\n", "README": "y\n"})
    assert world.land("a").code == 0
    assert seen.read_text().split() == ["wrapped", "./src/a.txt", "./src/lib.txt", "./tasks/a.md"]
    seen.unlink()
    world.push("feat/b", {"README": "z\n"})
    assert world.land("b").code == 0
    assert not seen.exists()
    world.main({"src/lib.txt": "2\n"})
    world.push("feat/b", {"src/b.txt": "1\n"})
    assert world.land("b").code == 0
    assert "./target/x" in seen.read_text()
    assert "junk" not in seen.read_text()


def test_a_landing_that_a_message_only_claims_is_none(world: World) -> None:
    """Coord-Task and Coord-Tip of a commit that did not bring that tip prove nothing."""
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    tip = world.push("feat/a", {"src/a.txt": "1\n"}, "half\n\nCoord-Status: working")
    world.git("checkout", "-q", "-B", "side", "origin/main")
    side = world.commit("side", {"src/side.txt": "1\n"})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    forged = f"Merge branch 'feat/a'\n\nCoord-Task: a\nCoord-Tip: {side}\nCoord-Gate: none {side}"
    world.git("merge", "-q", "--no-ff", "-m", forged.replace(f"none {side}", "x"), tip)
    world.git("commit", "-q", "--amend", "-m", f"by hand\n\nCoord-Task: a\nCoord-Tip: {side}")
    world.git("push", "-q", "origin", "main")
    world.land()
    assert world.branches() == ["feat/a"]
    assert world.statuses()["a"] == "pending"
    world.expected.add("status-step")  # the forged step names a task and changes code: the checker says so


def test_a_branch_that_came_with_the_landing_of_another_is_not_merged_by_hand(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    first = world.push("feat/a", {"src/a.txt": "1\n"})
    world.push("feat/a", {"src/a.txt": "2\n"}, start=first)
    world.land("a")
    world.git("push", "-q", "origin", f"{first}:refs/heads/feat/b")
    world.land()
    assert world.statuses() == {"a": "completed", "b": "pending"}
    assert world.branches() == ["feat/b"]


def test_a_branch_that_moves_while_its_gate_fails_is_not_blamed_for_the_old_tip(world: World) -> None:
    once, script = world.root / "once", world.root / "late.sh"
    world.build({"a": task_text("a")}, config=_profile(f"sh {script}"))
    world.push("feat/a", {"src/a.txt": "1\n"})
    push = "git commit -q --allow-empty -m late && git push -q origin feat/a"
    script.write_text(
        f"[ -e src/a.txt ] || exit 0; [ -e {once} ] && exit 0; touch {once}\n"
        f"export HOME={os.environ['HOME']}; cd {world.agent} && {push}; exit 1\n"
    )
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed"}
    assert not any(line.startswith("blocked(") for line in world.history())


def test_what_a_merge_moves_into_a_protected_folder_waits(world: World) -> None:
    """No commit of the branch names a protected path; the merge itself does, by following main's rename."""
    config = '[land]\nprotected = ["locked/**"]\n' + NONE
    files = {f"open/{n}.txt": f"{n}\n" * 20 for n in range(3)}
    world.build({"a": task_text("a")}, files, config)
    world.push("feat/a", {"open/1.txt": "changed\n" + "1\n" * 20})
    world.main(
        {**dict.fromkeys(files), **{name.replace("open", "locked"): text for name, text in files.items()}}
    )
    outcome = world.land().outcome("a")
    assert (outcome["outcome"], outcome["paths"]) == ("protected", ["locked/1.txt"])


def test_a_committer_date_is_never_below_the_base(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.clock = 4_000_000_000
    world.main({"x": "1\n"}, "from the future")
    world.clock = 1_700_100_000
    world.push("feat/a")
    assert world.land("a").code == 0
    dates = [
        int(d)
        for d in world.git("log", "-2", "--first-parent", "--format=%ct", "main", at=world.origin).split()
    ]
    assert dates[0] >= dates[1] > 4_000_000_000


def test_a_revert_is_read_in_the_body_only(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    tip = world.push("feat/a")
    world.land()
    landing = world.ref("refs/heads/main")
    world.main({"x": "1\n"}, f"This reverts commit {landing} says the subject")
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    world.land()
    assert world.branches() == []


def test_a_push_is_all_or_nothing(world: World) -> None:
    world.build({"a": task_text("a")}, config=CHECK)
    world.push("feat/a")
    hook = world.origin / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/feat/*) exit 1;; esac\n')
    hook.chmod(0o755)
    before = world.refs()
    assert world.land("a").code == 8
    assert world.refs() == before


def test_a_locked_worktree_is_kept_and_named(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)
    home = world.desk / ".worktrees/a"
    world.git("worktree", "add", "-q", "-b", "feat/a", str(home), "origin/feat/a", at=world.desk)
    world.git("worktree", "lock", str(home), at=world.desk)
    assert "its worktree is locked" in world.land().err
    assert home.is_dir()


def test_a_completed_task_whose_new_commits_fail_stays_completed(world: World) -> None:
    world.build({"a": task_text("a", status="completed")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    assert world.land("a").code == 6
    assert world.statuses() == {"a": "completed"}


def test_nothing_is_swept_when_the_main_that_held_it_is_gone(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    tip = world.push("feat/a")
    world.land()
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    workspace = open_workspace(world.desk)
    fetch(workspace)
    view = observe(workspace)
    sweep = next_action(view.snapshot)
    assert isinstance(sweep, Sweep)
    world.git("push", "-q", "-f", "origin", f"{world.git('rev-parse', 'main^1', at=world.origin)}:main")
    assert isinstance(apply(open_site(workspace, lambda _: None), view, sweep), Raced)
    assert world.branches() == ["feat/a"]


def test_several_that_fetch_into_one_clone_at_once_all_get_through(world: World) -> None:
    """git refuses the one that comes second; that is no reason to give up."""
    world.build({"a": task_text("a")})
    failed: list[str] = []

    def fetch_once() -> None:
        try:
            fetch(open_workspace(world.desk))
        except RefusedError as refused:
            failed.append(refused.message)

    for number in range(5):
        world.main({f"round-{number}": "x\n"})
        world.git("push", "-q", "-f", "origin", *(f"main:refs/heads/feat/n{n}" for n in range(40)))
        threads = [threading.Thread(target=fetch_once) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_git_in_a_folder_that_is_gone_is_a_reason_and_no_defect(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is gone"):
        Git(tmp_path / "nothing").run("status")
