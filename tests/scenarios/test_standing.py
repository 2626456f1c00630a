"""How a tip stands to main: every rule of behaviour 3 about contained, reverted and stacked branches."""

from __future__ import annotations

from tests.world import World, task_text


def _revert(world: World, commit: str, *, merge: bool = True) -> str:
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("revert", "--no-edit", *(["-m", "1"] if merge else []), commit)
    world.git("push", "-q", "origin", "main")
    return world.git("rev-parse", "HEAD")


def _push_again(world: World, branch: str, tip: str) -> None:
    world.git("push", "-q", "-f", "origin", f"{tip}:refs/heads/{branch}")


def _landed(world: World) -> tuple[str, str]:
    world.build({"a": task_text("a")})
    tip = world.push("feat/a", {"src/a.txt": "1\n"})
    world.land()
    return tip, world.ref("refs/heads/main")


def test_a_newborn_branch_is_working(world: World) -> None:
    world.build({"a": task_text("a")})
    world.git("push", "-q", "origin", "main:feat/a")
    before = world.refs()
    result = world.land()
    assert world.refs() == before
    assert "newborn" in result.outcome("a")["reason"]
    assert "coord complete a" in result.outcome("a")["reason"]


def test_a_newborn_branch_of_a_completed_task_is_swept(world: World) -> None:
    _landed(world)
    world.git("fetch", "-q", "origin")
    world.git("push", "-q", "origin", "origin/main:refs/heads/feat/a")
    world.land()
    assert world.branches() == []


def test_a_landed_tip_seen_again_is_only_swept(world: World) -> None:
    tip, merge = _landed(world)
    _push_again(world, "feat/a", tip)
    world.land()
    assert world.branches() == []
    assert world.ref("refs/heads/main") == merge


def test_a_landed_tip_whose_task_was_reopened_is_only_swept(world: World) -> None:
    tip, _ = _landed(world)
    reopened = world.main({"tasks/a.md": task_text("a")}, "reopen a")
    _push_again(world, "feat/a", tip)
    world.land()
    assert world.branches() == []
    assert world.ref("refs/heads/main") == reopened
    assert world.statuses() == {"a": "pending"}


def test_a_reopened_task_with_new_commits_is_a_candidate_again(world: World) -> None:
    _landed(world)
    world.main({"tasks/a.md": task_text("a")}, "reopen a")
    world.push("feat/a", {"src/a.txt": "2\n"})
    world.land()
    assert world.statuses() == {"a": "completed"}
    assert world.show("src/a.txt") == "2"


def test_a_reverted_landing_pushed_again_is_held(world: World) -> None:
    tip, merge = _landed(world)
    _revert(world, merge)
    _push_again(world, "feat/a", tip)
    before = world.refs()
    result = world.land()
    assert world.refs() == before
    assert "revert the revert, or rebase" in result.outcome("a")["reason"]


def test_new_commits_on_a_reverted_landing_are_held_too(world: World) -> None:
    tip, merge = _landed(world)
    _revert(world, merge)
    world.push("feat/a", {"src/more.txt": "2\n"}, start=tip)
    assert "was reverted" in world.land().outcome("a")["reason"]
    assert not world.has("src/more.txt")


def test_a_rebased_branch_after_a_revert_lands(world: World) -> None:
    _, merge = _landed(world)
    _revert(world, merge)
    world.push("feat/a", {"src/a.txt": "again\n"})
    world.land()
    assert world.show("src/a.txt") == "again"
    assert world.statuses() == {"a": "completed"}


def test_a_reverted_revert_counts_as_landed(world: World) -> None:
    tip, merge = _landed(world)
    revert = _revert(world, merge)
    _revert(world, revert, merge=False)
    _push_again(world, "feat/a", tip)
    world.land()
    assert world.branches() == []
    assert world.statuses() == {"a": "completed"}


def test_a_revert_of_the_branch_commit_itself_holds_it(world: World) -> None:
    tip, _ = _landed(world)
    _revert(world, tip, merge=False)
    _push_again(world, "feat/a", tip)
    assert "was reverted" in world.land().outcome("a")["reason"]


def test_a_second_landing_reverted_holds_its_tip_but_not_the_first(world: World) -> None:
    first, _ = _landed(world)
    second = world.push("feat/a", {"src/a.txt": "2\n"}, start=first)
    world.land()
    _revert(world, world.ref("refs/heads/main"))
    _push_again(world, "feat/a", second)
    assert "was reverted" in world.land().outcome("a")["reason"]
    _push_again(world, "feat/a", first)
    world.land()
    assert world.branches() == []


def test_a_revert_on_the_branch_itself_is_not_a_revert_of_the_landing(world: World) -> None:
    world.build({"a": task_text("a")})
    first = world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("revert", "--no-edit", first)
    world.more("feat/a", {"src/b.txt": "2\n"})
    tip = world.git("rev-parse", "HEAD")
    world.land()
    assert world.statuses() == {"a": "completed"}
    _push_again(world, "feat/a", tip)
    world.land()
    assert world.branches() == []


def test_an_older_tip_of_a_landed_branch_is_only_swept(world: World) -> None:
    world.build({"a": task_text("a")})
    old = world.push("feat/a", {"src/a.txt": "1\n"})
    world.more("feat/a", {"src/a.txt": "2\n"})
    world.land()
    main = world.ref("refs/heads/main")
    _push_again(world, "feat/a", old)
    world.land()
    assert world.branches() == []
    assert world.ref("refs/heads/main") == main


def test_a_branch_merged_by_hand_is_completed_and_swept(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("checkout", "-q", "main")
    world.git("merge", "-q", "--no-ff", "-m", "merge a by hand", "feat/a")
    world.git("push", "-q", "origin", "main")
    world.land()
    assert world.picture() == (
        "main: chore: update task a status to completed < merge a by hand < seed\n"
        "tasks: a completed\n"
        "branches: none\n"
        "verdicts: none"
    )
    assert "merged by hand" in world.git("log", "-1", "--format=%b", "main", at=world.origin)


def test_a_hand_merge_that_was_reverted_is_held(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("checkout", "-q", "main")
    world.git("merge", "-q", "--no-ff", "-m", "merge a by hand", "feat/a")
    world.git("push", "-q", "origin", "main")
    _revert(world, world.ref("refs/heads/main"))
    assert "was reverted" in world.land().outcome("a")["reason"]
    assert world.statuses() == {"a": "pending"}


def test_main_fast_forwarded_to_a_done_branch_completes_it(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"}, "work\n\nCoord-Status: done")
    world.git("push", "-q", "origin", "feat/a:main")
    world.land()
    assert world.statuses() == {"a": "completed"}
    assert world.branches() == []


def test_a_branch_born_from_a_fast_forwarded_done_commit_is_newborn(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    tip = world.push("feat/a", {"src/a.txt": "1\n"}, "work\n\nCoord-Status: done")
    world.git("push", "-q", "origin", "feat/a:main")
    world.land()
    _push_again(world, "feat/b", tip)
    world.land()
    assert world.statuses() == {"a": "completed", "b": "pending"}
    assert world.branches() == ["feat/b"]


def test_main_fast_forwarded_to_a_branch_without_a_signal_needs_a_word(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("push", "-q", "origin", "feat/a:main")
    before = world.refs()
    assert "coord complete a" in world.land().outcome("a")["reason"]
    assert world.refs() == before
    world.coord("complete", "a")
    world.land()
    assert world.branches() == []


def test_a_branch_that_holds_commits_of_another_waits_for_it(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    first = world.push("feat/a", {"src/a.txt": "1\n"}, "half\n\nCoord-Status: working")
    world.push("feat/b", {"src/b.txt": "1\n"}, start=first)
    before = world.refs()
    result = world.land()
    assert "holds commits of feat/a" in result.outcome("b")["reason"]
    assert world.refs() == before
    world.more("feat/a", {"src/a.txt": "2\n"})
    world.land()
    assert world.history()[:2] == ["Merge branch 'feat/b'", "Merge branch 'feat/a'"]


def test_shared_commits_belong_to_the_dependency_first(world: World) -> None:
    world.build({"a": task_text("a", depends_on=("z",)), "z": task_text("z")})
    first = world.push("feat/z", {"src/z.txt": "1\n"})
    world.more("feat/z", {"src/z.txt": "2\n"})
    world.more("feat/z", {"src/z.txt": "3\n"})
    world.push("feat/a", {"src/a.txt": "1\n"}, start=first)
    world.land()
    assert world.history()[:2] == ["Merge branch 'feat/a'", "Merge branch 'feat/z'"]


def test_of_two_branches_with_equal_tips_the_other_is_newborn(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    tip = world.push("feat/a", {"src/a.txt": "1\n"})
    _push_again(world, "feat/b", tip)
    assert "newborn: its tip is that of feat/a" in world.coord("plan").out
    world.land()
    assert world.statuses() == {"a": "completed", "b": "pending"}
    assert world.branches() == ["feat/b"]
    before = world.refs()
    world.land()
    assert world.refs() == before


def test_of_two_branches_of_one_task_the_older_tip_is_tried(world: World) -> None:
    config = '[project]\nprefixes = ["feat/", "research/"]\n[gate]\nprofile = "none"\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("research/a", {"src/r.txt": "1\n"})
    world.push("feat/a", {"src/f.txt": "1\n"})
    assert "research/a is a branch of the same task with an older tip" in world.coord("plan").out
    world.land()
    assert world.history()[:2] == ["Merge branch 'feat/a'", "Merge branch 'research/a'"]


def test_a_branch_says_working_until_it_says_done(world: World) -> None:
    config = '[land]\nsignal = "explicit"\n[gate]\nprofile = "none"\n'
    world.build({"a": task_text("a")}, config=config)
    world.push("feat/a")
    assert "it has not said done" in world.land().outcome("a")["reason"]
    world.more("feat/a", {}, "finish\n\nCoord-Status: done")
    world.land()
    assert world.statuses() == {"a": "completed"}
