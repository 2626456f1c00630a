"""What is over, what is not, and what is taken over from a branch."""

from __future__ import annotations

from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n'


def test_a_worktree_that_starts_on_the_landed_commits_of_another_task_is_kept(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)
    home = world.desk / ".worktrees/b"
    world.git("worktree", "add", "-q", "-b", "feat/b", str(home), "origin/feat/a", at=world.desk)
    world.land()
    assert home.is_dir()
    assert world.git("rev-parse", "--verify", "-q", "refs/heads/feat/b", at=world.desk)


def test_a_local_branch_in_the_middle_of_a_rebase_is_kept_and_named(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)
    home = world.desk / ".worktrees/a"
    world.git("worktree", "add", "-q", "-b", "feat/a", str(home), "origin/feat/a", at=world.desk)
    world.git("-c", "sequence.editor=sed -i s/pick/edit/", "rebase", "-q", "-i", "origin/main", at=home)
    result = world.land()
    assert "kept the local branch feat/a: a rebase or bisect of it is under way" in result.err
    world.git("rebase", "--continue", at=home)
    world.land()
    assert not home.exists()


def test_a_branch_whose_task_file_is_broken_waits_and_is_told_why(world: World) -> None:
    """It may depend on anything: that main lets branches without a task land does not mean this one."""
    broken = "---\nid: b\nname: [unclosed\ndepends_on: [a]\n---\n"
    config = '[land]\nunknown_branch = "land"\n' + NONE
    world.build({"a": task_text("a"), "b": broken}, config=config)
    world.push("feat/b")
    assert "its task file cannot be read: coord check tasks/b.md" in world.land().outcome("b")["reason"]
    world.main({".coord.toml": NONE})
    assert "cannot be read" in world.land("b").outcome("b")["reason"]
    assert world.branches() == ["feat/b"]


def test_a_revert_that_was_undone_with_the_merge_that_brought_it_counts_no_more(world: World) -> None:
    world.build({"a": task_text("a"), "r": task_text("r")}, config=NONE)
    tip = world.push("feat/a")
    world.land()
    landing = world.ref("refs/heads/main")
    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "feat/r", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", landing)
    world.git("push", "-q", "origin", "feat/r")
    world.land()
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    assert "was reverted" in world.land().outcome("a")["reason"]

    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", "main")
    world.git("push", "-q", "origin", "main")

    world.land()
    assert world.has("src/a.txt")
    assert world.branches() == []


def test_a_summary_that_the_branch_only_kept_is_not_its_own(world: World) -> None:
    old = task_text("a").replace("> To be filled on completion", "Old summary.")
    world.build({"a": old}, config=NONE)
    noted = old.replace("> To be filled by implementation", "A note.")
    world.push("feat/a", {"src/a.txt": "1", "tasks/a.md": noted}, "feat: do a")
    world.main({"tasks/a.md": old.replace("Old summary.", "A person's words.")})
    world.land()
    text = world.show("tasks/a.md")
    assert "A note." in text
    assert text.endswith("## Summary\n\nA person's words.\n\nfeat: do a")
