"""What may be pushed from a task branch, and to one."""

from __future__ import annotations

import pytest


def _remote(checkout, ref):
    return checkout.git("ls-remote", "origin", ref).split("\t")[0]


def test_a_task_branch_pushes_itself(agent):
    agent.commit("src/code.txt", "two\n")
    agent.git("push", "-q", "origin", "HEAD")
    assert _remote(agent, "refs/heads/feat/a") == agent.git("rev-parse", "HEAD")
    agent.commit("src/code.txt", "three\n", "--amend")
    agent.git("push", "-q", "--force", "origin", "feat/a:feat/a")


def test_a_task_branch_may_not_push_main(agent):
    agent.commit("src/code.txt", "two\n")
    said = agent.refused("push", "origin", "HEAD:main")
    assert "feat/a may not push main: main moves only by landing" in said
    assert _remote(agent, "refs/heads/main") == agent.git("rev-parse", "origin/main")


@pytest.mark.parametrize("target", ["feat/b", "wip", "refs/tags/v1"])
def test_a_task_branch_may_push_nothing_but_itself(agent, target):
    full = target if target.startswith("refs/") else f"refs/heads/{target}"
    assert "it may push only itself" in agent.refused("push", "origin", f"HEAD:{full}")
    assert _remote(agent, full) == ""


def test_one_ref_that_may_not_go_holds_all_back(agent):
    agent.commit("src/code.txt", "two\n")
    agent.refused("push", "origin", "feat/a", "feat/a:main")
    assert _remote(agent, "refs/heads/feat/a") == ""


@pytest.mark.parametrize("branch", ["feat/a", "feat/b", "main"])
def test_a_task_branch_deletes_nothing_on_the_remote(agent, branch):
    for name in ("feat/a", "feat/b"):
        agent.git("push", "-q", "--no-verify", "origin", f"HEAD:refs/heads/{name}")
    assert f"feat/a may not delete {branch}" in agent.refused("push", "origin", "--delete", branch)
    assert _remote(agent, f"refs/heads/{branch}")


def test_a_net_difference_in_the_task_folder_is_refused_and_the_advice_works(agent):
    agent.commit("tasks/a.md", "done!\n", "--no-verify")
    agent.commit("src/code.txt", "two\n")
    said = agent.refused("push", "origin", "feat/a")
    assert "feat/a changes task files: tasks/a.md" in said
    advice = next(line.strip() for line in said.splitlines() if "git restore" in line)
    agent.git(*advice.split()[1:])
    agent.git("commit", "-q", "-m", "leave task files to main")
    agent.git("push", "-q", "origin", "feat/a")


def test_a_task_edit_that_is_cherry_picked_is_refused(agent, land_on_main):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("cherry-pick", "origin/main")
    assert "tasks/b.md" in agent.refused("push", "origin", "feat/a")


def test_a_merge_that_keeps_old_task_files_is_refused(agent, land_on_main):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("merge", "-q", "-s", "ours", "--no-edit", "origin/main")
    assert "tasks/b.md" in agent.refused("push", "origin", "feat/a")


def test_task_files_brought_by_main_are_no_difference(agent, land_on_main):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("merge", "-q", "--no-edit", "origin/main")
    land_on_main({"tasks/b.md": "reopened\n"})
    agent.git("push", "-q", "origin", "feat/a")


def test_a_branch_that_has_nothing_in_common_with_main_is_compared_with_main(agent):
    agent.git("switch", "-q", "--orphan", "feat/island")
    agent.commit("src/code.txt", "one\n")
    assert "tasks/a.md, tasks/b.md" in agent.refused("push", "origin", "feat/island")


@pytest.mark.parametrize(
    "words",
    [
        "[skip ci]",
        "[ci skip]",
        "[no ci]",
        "[skip actions]",
        "[actions skip]",
        "[SKIP CI]",
        "skip-checks: true",
    ],
)
def test_a_tip_that_silences_the_wake_is_refused(agent, words):
    agent.git("commit", "-q", "--allow-empty", "-m", "tidy", "-m", f"\n{words}")
    assert "nothing would notice this push" in agent.refused("push", "origin", "feat/a")


def test_a_commit_below_the_tip_may_say_what_it_likes(agent):
    agent.git("commit", "-q", "--allow-empty", "-m", "tidy [skip ci]")
    agent.git("commit", "-q", "--allow-empty", "-m", "about [skip ci")
    agent.git("push", "-q", "origin", "feat/a")


def test_from_main_a_task_branch_with_task_edits_is_refused(agent, main):
    agent.commit("tasks/a.md", "done!\n", "--no-verify")
    assert "feat/a changes task files" in main.refused("push", "origin", "feat/a")
    agent.git("reset", "-q", "--hard", "origin/main")
    main.git("push", "-q", "origin", "feat/a")


def test_from_main_people_push_main_and_tags_and_delete_task_branches(agent, main):
    agent.git("push", "-q", "origin", "feat/a")
    main.commit("tasks/a.md", "edited by a person [skip ci]\n")
    main.git("tag", "v1")
    main.git("push", "-q", "origin", "main", "v1")
    main.git("push", "-q", "origin", "--delete", "feat/a")
    assert _remote(main, "refs/heads/feat/a") == ""


def test_the_coordinator_pushes_anything_from_anywhere(agent):
    agent.commit("tasks/a.md", "done!\n", "--no-verify")
    agent.git("push", "-q", "origin", "feat/a", "feat/a:main", COORD_ROLE="coordinator")


def test_a_shallow_clone_without_the_base_may_push(main, land_on_main):
    land_on_main({"tasks/b.md": "completed\n"})
    main.git("push", "-q", "origin", "HEAD~1:refs/heads/feat/a")
    url = f"file://{main.folder.parent}/origin.git"
    main.git("clone", "-q", "--depth=1", "--no-single-branch", "-b", "feat/a", url, "../shallow")
    shallow = type(main)(main.folder.parent / "shallow", main.home, ticks=main.ticks)
    shallow.coord("hooks", "install")
    shallow.commit("src/code.txt", "two\n")
    shallow.git("push", "-q", "origin", "feat/a")


def test_the_pre_commit_framework_names_the_ref_in_variables(agent):
    agent.commit("tasks/a.md", "done!\n", "--no-verify")
    tip = agent.git("rev-parse", "HEAD")
    told = {"PRE_COMMIT_TO_REF": tip, "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/feat/a"}
    assert "feat/a changes task files" in agent.coord("hook", "pre-push", code=2, **told)


def test_a_broken_configuration_on_main_can_be_mended_by_a_push(main, agent, land_on_main):
    land_on_main({".coord.toml": "[project\n"})
    agent.commit("src/code.txt", "two\n")
    agent.git("push", "-q", "origin", "feat/a")
    land_on_main({".coord.toml": ""})
