"""A pushed task branch lands: the stories of behaviour 4, each with the picture after."""

from __future__ import annotations

import json

import pytest

from tests.world import World, task_text


def test_a_pushed_branch_lands_validated_with_its_task_completed_and_its_branch_gone(world: World) -> None:
    world.build({"a": task_text("a")})
    tip = world.push("feat/a", {"src/a.txt": "new\n"}, "add a")
    seed = world.ref("refs/heads/main")

    result = world.land()

    assert result.code == 0
    assert world.picture() == (
        "main: Merge branch 'feat/a' < seed\n"
        "tasks: a completed\n"
        "branches: none\n"
        "verdicts: none"
    )  # fmt: skip
    outcome = result.outcome("a")
    merge = world.ref("refs/heads/main")
    assert (outcome["outcome"], outcome["commit"], outcome["tip"]) == ("landed", merge, tip)
    assert (result.data["base"], result.data["head"]) == (seed, merge)
    assert world.show("src/a.txt") == "new"


def test_a_landing_is_a_merge_whose_second_parent_completes_the_task(world: World) -> None:
    world.build({"a": task_text("a")})
    tip = world.push("feat/a", {"src/a.txt": "new\n"}, "add a")
    seed = world.ref("refs/heads/main")

    world.land()

    parents = world.git("log", "-1", "--format=%P", "main", at=world.origin).split()
    assert parents[0] == seed
    assert world.git("log", "-1", "--format=%P|%s", parents[1], at=world.origin) == (
        f"{tip} {seed}|chore: update task a status to completed"
    )
    trees = world.git("rev-parse", "main^{tree}", f"{parents[1]}^{{tree}}", at=world.origin).split()
    assert trees[0] == trees[1]
    body = world.git("log", "-1", "--format=%B", "main", at=world.origin)
    assert body == f"Merge branch 'feat/a'\n\nCoord-Task: a\nCoord-Tip: {tip}\nCoord-Gate: check {trees[0]}"
    signed = world.git("log", "-2", "--format=%an <%ae> %cn <%ce>", "main", "--first-parent", at=world.origin)
    assert signed.split("\n")[0] == "coord <coord@localhost> coord <coord@localhost>"


def test_reverting_a_landing_undoes_code_and_status_together(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "new\n"})
    world.land()

    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", "HEAD")
    world.git("push", "-q", "origin", "main")

    assert world.statuses() == {"a": "pending"}
    assert not world.has("src/a.txt")


def test_a_second_land_right_after_the_first_changes_no_ref(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b", "c", "d")})
    world.push("feat/a", {"src/a.txt": "new\n"})
    world.push("feat/b", {"src/lib.txt": "ONE\n"})
    world.push("feat/c", {"src/lib.txt": "TWO\n"})
    world.push("feat/d", {"src/d.txt": "BROKEN\n"})
    world.land()
    before = world.refs()

    again = world.land()

    assert world.refs() == before
    assert again.code == 0


def test_branches_that_share_no_file_go_first_then_by_fewest_shared_files(world: World) -> None:
    files = {f"src/{n}.txt": "".join(f"{i}\n" for i in range(30)) for n in ("x", "y")}
    world.build({name: task_text(name) for name in ("a", "b", "c")}, files)
    lines = files["src/x.txt"]
    world.push("feat/a", {"src/x.txt": "top\n" + lines, "src/y.txt": "top\n" + lines})
    world.push("feat/b", {"src/x.txt": lines + "end\n", "src/y.txt": lines + "end\n"})
    world.push("feat/c", {"src/z.txt": "alone\n"})

    plan = world.coord("plan", "--json").data
    assert [entry["branch"] for entry in plan["queue"]] == ["feat/c", "feat/a", "feat/b"]
    assert plan["queue"][1]["overlaps"] == [{"branch": "feat/b", "files": ["src/x.txt", "src/y.txt"]}]

    world.land()

    assert world.history()[:3] == ["Merge branch 'feat/b'", "Merge branch 'feat/a'", "Merge branch 'feat/c'"]
    assert world.show("src/x.txt") == "top\n" + lines + "end"


def test_a_conflict_publishes_nothing_and_the_queue_goes_on(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b", "c")})
    world.push("feat/a", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/b", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/c", {"src/c.txt": "new\n"})

    result = world.land()

    assert world.picture() == (
        "main: blocked(b): conflict in src/lib.txt with a < Merge branch 'feat/a' < Merge branch 'feat/c' < seed\n"
        "tasks: a completed, b blocked, c completed\n"
        "branches: feat/b\n"
        "verdicts: b conflict"
    )
    assert result.code == 0
    assert result.outcome("b")["paths"] == ["src/lib.txt"]
    assert world.land("b").code == 5
    notes = world.show("tasks/b.md")
    assert "Blocked: conflict in src/lib.txt with a" in notes
    assert "- Went wrong: src/lib.txt (contents)" in notes
    assert "To be filled by implementation" not in notes


def test_a_conflict_is_tried_again_by_itself_when_main_changed_one_of_its_paths(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b")})
    world.push("feat/a", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/b", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    world.land()
    assert world.verdicts() == {"b": "conflict"}

    world.main({"README": "elsewhere\n"})
    before = world.ref("refs/coord/verdicts/b")
    world.land()
    assert world.ref("refs/coord/verdicts/b") == before

    world.main({"src/lib.txt": "one\ntwo\nthree\nfour\nfive\n"}, "take a's line back")
    assert world.land("b").code == 0

    assert world.statuses()["b"] == "completed"
    assert world.show("src/lib.txt").startswith("BBB")
    assert world.verdicts() == {}
    assert world.ref("refs/coord/history/b")


def test_a_retry_with_the_same_conflict_moves_the_verdict_and_writes_nothing_on_main(world: World) -> None:
    world.build({name: task_text(name) for name in ("a", "b")})
    world.push("feat/a", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/b", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    world.land()
    main = world.main({"src/lib.txt": "CCC\ntwo\nthree\nfour\nfive\n"})
    before = world.ref("refs/coord/verdicts/b")

    world.land()

    assert world.ref("refs/heads/main") == main
    after = world.ref("refs/coord/verdicts/b")
    assert after != before
    assert world.git("rev-parse", f"{after}^", at=world.origin) == before


def test_a_red_gate_on_a_green_base_blames_the_branch(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})

    result = world.land()

    assert world.picture() == (
        "main: blocked(a): sh check.sh failed < seed\n"
        "tasks: a blocked\n"
        "branches: feat/a\n"
        "verdicts: a gate-failed"
    )  # fmt: skip
    assert result.code == 0
    assert world.land("a").code == 6
    verdict = world.git("show", "refs/coord/verdicts/a:verdict.json", at=world.origin)
    assert "something is BROKEN" in verdict


def test_a_red_main_blames_nobody_and_pauses_landing(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/old.txt": "BROKEN\n"})
    world.push("feat/a")
    world.push("feat/b")
    before = world.refs()

    result = world.land()

    assert result.code == 4
    assert world.refs() == before
    assert {o["outcome"] for o in result.data["outcomes"]} == {"waiting"}
    assert "main is red: sh check.sh" in result.outcome("a")["reason"]


def test_a_branch_that_mends_a_red_main_lands(world: World) -> None:
    world.build({"a": task_text("a")}, {"src/old.txt": "BROKEN\n"})
    world.push("feat/a", {"src/old.txt": "mended\n"})
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed"}


def test_a_gate_program_that_is_missing_gives_no_verdict(world: World) -> None:
    config = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["no-such-program --check"]\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a")
    before = world.refs()

    result = world.land()

    assert result.code == 1
    assert world.refs() == before
    assert result.outcome("a")["outcome"] == "waiting"
    assert "no-such-program: program not found" in result.outcome("a")["reason"]
    assert world.land("a").code == 1


def test_a_branch_that_declares_itself_blocked_is_told_on_main_and_kept(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    said = "give up\n\nCoord-Status: blocked\nCoord-Reason: no such API\nCoord-Tried: v1 and v2\nCoord-Attempts: 3\n"
    world.push("feat/a", {"src/a.txt": "half\n"}, said + "Coord-Suggestion: ask upstream\n")
    world.push("feat/b")

    result = world.land()

    assert world.picture() == (
        "main: Merge branch 'feat/b' < blocked(a): no such API < seed\n"
        "tasks: a blocked, b completed\n"
        "branches: feat/a\n"
        "verdicts: a blocked"
    )  # fmt: skip
    assert result.outcome("a")["outcome"] == "blocked"
    assert world.land("a").code == 4
    for fact in (
        "- Tried: v1 and v2",
        "- Went wrong: no such API",
        "- Attempts: 3",
        "- Suggestion: ask upstream",
    ):
        assert fact in world.show("tasks/a.md")


def test_a_task_waits_until_its_dependency_is_completed_on_main(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))})
    world.push("feat/b")

    waiting = world.land()
    assert waiting.outcome("b")["outcome"] == "waiting"
    assert "waits for a" in waiting.outcome("b")["reason"]
    assert world.land("b").code == 4

    world.push("feat/a")
    world.land()

    assert world.history()[:2] == ["Merge branch 'feat/b'", "Merge branch 'feat/a'"]


def test_a_protected_path_waits_for_an_approval_of_exactly_that_tip(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {".github/workflows/x.yml": "on: push\n"})

    assert world.land().outcome("a")["outcome"] == "protected"
    assert world.land("a").code == 4
    assert world.coord("approve", "a").code == 0
    world.more("feat/a", {".github/workflows/x.yml": "on: pull_request\n"})
    assert world.land().outcome("a")["outcome"] == "protected"

    world.coord("approve", "a")
    assert world.land("a").code == 0
    assert world.has(".github/workflows/x.yml")
    assert world.ref("refs/coord/approvals/a") == ""


def test_a_branch_cannot_change_the_gate_that_judges_it(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n", ".coord.toml": '[gate]\nprofile = "none"\n'})
    assert world.land().outcome("a")["outcome"] == "protected"
    world.coord("approve", "a")
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}


def test_edits_in_the_task_folder_are_dropped_told_and_harvested(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    edited = task_text("a", status="done").replace("> To be filled on completion", "I wrote the parser.")
    edited = edited.replace("> To be filled by implementation", "The lexer is slow.")
    world.push(
        "feat/a", {"src/a.txt": "new\n", "tasks/a.md": edited, "tasks/b.md": None, "tasks/c.md": "x\n"}
    )
    world.main({"tasks/a.md": task_text("a").replace("Do it.", "Do it well.")}, "edit the task on main")

    result = world.land()

    assert world.statuses() == {"a": "completed", "b": "pending"}
    text = world.show("tasks/a.md")
    assert "Do it well." in text
    assert "I wrote the parser." in text
    assert "The lexer is slow." in text
    assert "To be filled" not in text
    assert any("left out" in remark for remark in result.data["remarks"])


def test_the_summary_is_the_trailer_else_the_commit_subjects(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a", None, "work\n\nCoord-Summary: Wrote it all.")
    world.push("feat/b", {"src/b.txt": "1\n"}, "feat: first")
    world.more("feat/b", {"src/b.txt": "2\n"}, "feat: second")
    world.land()
    assert world.show("tasks/a.md").endswith("## Summary\n\nWrote it all.")
    assert world.show("tasks/b.md").endswith("## Summary\n\n- feat: first\n- feat: second")


def test_a_new_push_lifts_a_verdict_by_itself(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()
    world.more("feat/a", {"src/a.txt": "mended\n"})

    assert world.land().code == 0

    assert world.statuses() == {"a": "completed"}
    assert world.verdicts() == {}
    history = world.git("log", "--format=%s", "refs/coord/history/a", at=world.origin).split("\n")
    assert [line.split("(")[0] for line in history] == ["landed", "gate-failed"]


def test_retry_tries_the_same_tip_again(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, {"needs": "src/b.txt\n", "src/b.txt": "x\n"})
    world.push("feat/a", {"needs": "src/later.txt\n"})
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}
    world.main({"src/later.txt": "now\n"})
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}

    world.coord("retry", "a")
    world.land()

    assert world.statuses()["a"] == "completed"


def test_a_completed_task_with_new_commits_lands_again(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"}, "first")
    world.land()
    world.push("feat/a", {"src/a.txt": "2\n"}, "second")

    world.land()

    assert world.show("src/a.txt") == "2"
    assert world.branches() == []
    assert world.history() == ["Merge branch 'feat/a'", "Merge branch 'feat/a'", "seed"]
    assert "first" in world.show("tasks/a.md")
    assert "second" in world.show("tasks/a.md")


def test_a_branch_without_a_task_is_ignored_and_near_ids_are_named(world: World) -> None:
    world.build({"parser": task_text("parser")})
    world.push("feat/parsr")
    before = world.refs()

    result = world.land()

    assert world.refs() == before
    assert result.data["outcomes"] == []
    assert "feat/parsr belongs to no task on main: ignored (like parser)" in result.err


def test_a_branch_without_a_task_lands_when_main_says_so(world: World) -> None:
    world.build({"a": task_text("a")}, config=CHECK_LAND)
    world.push("feat/unknown")
    world.land()
    assert world.history()[0] == "Merge branch 'feat/unknown'"
    assert world.branches() == []


CHECK_LAND = (
    '[land]\nunknown_branch = "land"\n[gate]\nprofile = "check"\n[profiles.check]\nsteps = ["sh check.sh"]\n'
)


def test_a_task_argument_that_is_unknown_is_a_usage_error_with_near_ids(world: World) -> None:
    world.build({"parser": task_text("parser")})
    result = world.coord("land", "parsr")
    assert result.code == 2
    assert "did you mean: parser?" in result.err


@pytest.mark.parametrize("word", ["a", "feat/a"])
def test_only_what_is_asked_for_lands(world: World, word: str) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b")
    assert world.land(word).code == 0
    assert world.statuses() == {"a": "completed", "b": "pending"}


def test_held_and_frozen_branches_wait_and_go_on(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b")
    world.coord("hold", "a", "-m", "after the release")
    assert "held: after the release" in world.land().outcome("a")["reason"]
    assert world.statuses() == {"a": "pending", "b": "completed"}
    world.coord("release", "a")
    world.coord("freeze", "-m", "audit")
    assert world.land().code == 4
    assert world.statuses()["a"] == "pending"
    world.coord("thaw")
    world.land()
    assert world.statuses()["a"] == "completed"


def test_unblock_lifts_a_block_and_keeps_its_history(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()

    world.coord("unblock", "a", "-m", "the check was wrong")

    assert world.statuses() == {"a": "pending"}
    assert "Unblocked: the check was wrong" in world.show("tasks/a.md")
    assert world.verdicts() == {"a": "unblocked"}
    world.land()
    assert world.verdicts() == {"a": "gate-failed"}
    assert int(world.git("rev-list", "--count", "refs/coord/verdicts/a", at=world.origin)) == 3


def test_an_unblocked_safe_exit_waits_for_a_new_push(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "half\n"}, "stop\n\nCoord-Status: blocked\nCoord-Reason: lost\n")
    world.land()
    world.coord("unblock", "a")
    assert "unblocked; it waits for a new push" in world.land().outcome("a")["reason"]
    world.more("feat/a", {"src/a.txt": "whole\n"})
    world.land()
    assert world.statuses() == {"a": "completed"}


def test_complete_is_one_commit_for_several_tasks_and_none_when_nothing_changes(world: World) -> None:
    world.build(
        {"a": task_text("a"), "b": task_text("b", status="done"), "c": task_text("c", depends_on=("d",))}
    )
    result = world.coord("complete", "a", "b", "c", "-m", "was done long ago")
    assert result.code == 0
    assert "c has open dependencies: d" in result.err
    assert world.statuses() == {"a": "completed", "b": "completed", "c": "completed"}
    assert len(world.history()) == 2
    before = world.refs()
    assert world.coord("complete", "a").code == 0
    assert world.refs() == before


def test_progress_says_what_comes_next_and_how_it_ended_once_each(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b", {"src/b.txt": "BROKEN"})
    lines = world.coord("land").err.splitlines()
    landed = world.git("log", "--first-parent", "--format=%h", "--grep=feat/a", "main", at=world.origin)[:7]
    assert lines == [
        "next: try feat/a: it shares no file with another candidate",
        "profile check: sh check.sh",
        "feat/a: sh check.sh (1 of 1)",
        f"feat/a: landed in {landed} (check passed on exactly this tree)",
        "next: try feat/b: it shares no file with another candidate",
        "feat/b: sh check.sh (1 of 1)",
        f"sh check.sh printed (all of it is in {world.desk / '.git/coord/logs'}):",
        "  | $ sh check.sh",
        "  | ./src/b.txt",
        "  | error: something is BROKEN",
        "feat/b: gate-failed (sh check.sh failed)",
        "    to see it again: git fetch origin && git switch feat/b && git merge origin/main && sh check.sh",
    ]


def test_plan_changes_nothing_and_says_when_there_is_something_to_do(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))})
    assert world.coord("plan", "--detailed-exitcode").code == 0
    world.push("feat/a")
    world.push("feat/b")
    before = world.refs()
    result = world.coord("plan", "--detailed-exitcode")
    assert result.code == 10
    assert "try feat/a: it shares no file" in result.out
    assert "waits for a" in result.out
    assert world.refs() == before


def test_a_verdict_says_how_to_see_it_again_with_names_quoted(world: World) -> None:
    world.build({"a": task_text("a"), "$(id)": task_text("$(id)")})
    world.push("feat/$(id)", {"src/x.txt": "BROKEN\n"})
    result = world.land()
    verdict = json.loads(world.git("show", "refs/coord/verdicts/$(id):verdict.json", at=world.origin))
    assert verdict["reproduce"] == [
        "git fetch origin", "git switch 'feat/$(id)'", "git merge origin/main", "sh check.sh",
    ]  # fmt: skip
    assert "  | error: something is BROKEN" in result.err
    assert (
        "to see it again: git fetch origin && git switch 'feat/$(id)' && git merge origin/main && sh check.sh"
        in result.err
    )


def test_a_step_that_fails_and_then_passes_lands_and_is_recorded_as_flaky(world: World) -> None:
    once = world.root / "once"
    steps = f'[["sh", "-c", "test -e {once} || {{ touch {once}; exit 1; }}"]]'
    world.build(
        {"a": task_text("a")}, config=f'[gate]\nprofile = "p"\n[profiles.p]\nretries = 1\nsteps = {steps}\n'
    )
    world.push("feat/a")
    result = world.land()
    assert world.statuses() == {"a": "completed"}
    assert "flaky: sh -c" in result.outcome("a")["reason"]
    events = [json.loads(line) for line in (world.desk / ".git/coord/events.ndjson").read_text().splitlines()]
    told = [(e["event"], e["task"], len(e.get("flaky", ()))) for e in events]
    assert told == [("seen", "a", 0), ("validated", "a", 1), ("landed", "a", 1)]


def test_a_conflict_names_only_the_branch_that_brought_the_other_side(world: World) -> None:
    lines = "".join(f"{i}\n" for i in range(30))
    world.build({name: task_text(name) for name in ("a", "b", "c")}, {"src/hub.txt": lines})
    world.push("feat/a", {"src/hub.txt": "A\n" + lines})
    world.push("feat/b", {"src/hub.txt": lines + "B\n"})
    world.push("feat/c", {"src/hub.txt": lines + "C\n"})
    assert world.land().outcome("c")["reason"] == "conflict in src/hub.txt with b"
