"""What an agent may commit on a task branch."""

from __future__ import annotations

import pytest


def test_a_staged_task_file_is_refused_and_the_advice_works(agent):
    agent.write("tasks/a.md", "done!\n")
    agent.write("src/code.txt", "two\n")
    agent.git("add", "-A")
    said = agent.refused("commit", "-m", "all")
    assert "feat/a may not change task files: tasks/a.md" in said
    advice = next(line.strip() for line in said.splitlines() if "git restore" in line)
    agent.git(*advice.split()[1:])
    agent.git("commit", "-q", "-m", "code only")
    assert agent.git("show", "--name-only", "--format=", "HEAD") == "src/code.txt"


def test_committing_a_task_file_by_its_path_is_refused_though_the_index_does_not_hold_it(agent):
    agent.write("tasks/a.md", "done!\n")
    agent.refused("commit", "-m", "sneak", "tasks/a.md")


def test_committing_another_path_leaves_a_staged_task_file_out_and_is_allowed(agent):
    agent.write("tasks/a.md", "done!\n")
    agent.git("add", "-A")
    agent.write("src/code.txt", "two\n")
    agent.git("commit", "-q", "-m", "code only", "src/code.txt")
    assert agent.git("show", "--name-only", "--format=", "HEAD") == "src/code.txt"


def test_commit_all_with_a_changed_task_file_is_refused(agent):
    agent.write("tasks/a.md", "done!\n")
    agent.refused("commit", "-a", "-m", "all")


def test_a_changed_task_file_that_is_not_staged_is_no_obstacle(agent):
    agent.write("tasks/a.md", "scribbled\n")
    agent.commit("src/code.txt", "two\n")


def test_only_the_part_of_the_index_that_is_staged_is_judged(agent):
    agent.write("tasks/a.md", "staged\n")
    agent.git("add", "tasks/a.md")
    agent.write("tasks/a.md", "a\n")
    agent.refused("commit", "-m", "the working copy looks innocent")


def test_amending_after_staging_a_task_file_is_refused(agent):
    agent.commit("src/code.txt", "two\n")
    agent.write("tasks/a.md", "done!\n")
    agent.git("add", "-A")
    agent.refused("commit", "--amend", "--no-edit")


def test_amending_without_a_task_file_is_allowed(agent):
    agent.commit("src/code.txt", "two\n")
    agent.commit("src/code.txt", "three\n", "--amend")


def test_a_new_task_file_and_a_deleted_one_are_refused(agent):
    agent.write("tasks/deep/new.md", "new\n")
    agent.git("add", "-A")
    assert "tasks/deep/new.md" in agent.refused("commit", "-m", "new")
    agent.git("reset", "-q", "--hard")
    agent.git("rm", "-q", "tasks/b.md")
    assert "tasks/b.md" in agent.refused("commit", "-m", "gone")


def test_a_rename_out_of_the_task_folder_is_refused(agent):
    agent.git("mv", "tasks/b.md", "src/b.md")
    assert "tasks/b.md" in agent.refused("commit", "-m", "out")


def test_a_rename_into_the_task_folder_is_refused(agent):
    agent.git("mv", "src/code.txt", "tasks/code.txt")
    assert "tasks/code.txt" in agent.refused("commit", "-m", "in")


def test_a_cherry_picked_task_edit_is_refused(agent, main, land_on_main):
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("cherry-pick", "-n", "main")
    agent.refused("commit", "-m", "picked")


def test_a_branch_that_went_past_the_hook_may_go_on_and_put_the_files_back(agent):
    agent.commit("tasks/a.md", "done!\n", "--no-verify")
    agent.commit("src/code.txt", "two\n")
    agent.git("restore", "--source=origin/main", "--staged", "--worktree", "tasks")
    agent.git("commit", "-q", "-m", "put back")
    assert agent.git("diff", "--name-only", "origin/main", "HEAD", "--", "tasks") == ""


def test_a_rename_within_the_task_folder_is_refused_with_both_its_names(agent):
    agent.git("mv", "tasks/b.md", "tasks/c.md")
    assert "tasks/b.md, tasks/c.md" in agent.refused("commit", "-m", "within")


def test_a_path_that_only_begins_like_the_task_folder_is_free(agent):
    agent.commit("tasks-archive/a.md", "text\n")
    agent.commit("src/tasks/a.md", "text\n")


def test_the_hook_judges_from_any_folder_of_the_worktree(agent):
    agent.write("tasks/a.md", "done!\n")
    result = agent.run("git", "commit", "-a", "-m", "all", at="src")
    assert "coord: refused: " in result.stderr
    assert result.returncode != 0


def test_the_hook_judges_the_repository_that_git_was_pointed_at(main):
    main.git("switch", "-q", "-c", "feat/a")
    pointed = (f"--git-dir={main.folder}/.git", f"--work-tree={main.folder.parent}/elsewhere")
    main.write("../elsewhere/tasks/a.md", "done!\n")
    result = main.run("git", *pointed, "commit", "-m", "far", "tasks/a.md", at="../elsewhere")
    assert "coord: refused: feat/a may not change task files" in result.stderr
    assert result.returncode != 0


def test_main_may_change_task_files(main):
    main.commit("tasks/a.md", "edited by a person\n")


@pytest.mark.parametrize("branch", ["fix/a", "feat", "feature/a"])
def test_a_branch_that_is_no_task_branch_may_change_task_files(main, branch):
    main.git("switch", "-q", "-c", branch)
    main.commit("tasks/a.md", "edited by a person\n")


def test_a_detached_head_may_change_task_files(main):
    main.git("switch", "-q", "--detach")
    main.commit("tasks/a.md", "edited by a person\n")


def test_the_first_commit_of_all_may_hold_task_files(bare_folder):
    bare_folder.git("init", "-q")
    bare_folder.coord("hooks", "install")
    bare_folder.git("symbolic-ref", "HEAD", "refs/heads/feat/a")
    bare_folder.commit("tasks/a.md", "a\n")


def test_the_coordinator_may_change_task_files_on_a_task_branch(agent):
    agent.environment["COORD_ROLE"] = "coordinator"
    agent.commit("tasks/a.md", "coordinator\n")


def test_another_role_is_an_agent(agent):
    agent.write("tasks/a.md", "done!\n")
    agent.refused("commit", "-a", "-m", "all", COORD_ROLE="implementer")


def test_a_task_session_may_not_commit_in_the_main_checkout(main):
    main.environment["COORD_SESSION"] = "s1"
    main.write("src/code.txt", "astray\n")
    said = main.refused("commit", "-a", "-m", "astray")
    assert "a task session does not commit in the main checkout" in said
    assert main.git("commit", "-a", "-m", "mine", COORD_ROLE="coordinator")


def test_a_task_session_commits_in_its_worktree(agent):
    agent.environment["COORD_SESSION"] = "s1"
    agent.commit("src/code.txt", "two\n")


def test_main_says_what_the_task_folder_and_the_task_branches_are_called(agent, land_on_main):
    land_on_main({".coord.toml": '[project]\ntasks = "todo"\nprefixes = ["work/"]\n'})
    agent.write("todo/x.md", "new\n")
    agent.git("add", "-A")
    agent.git("branch", "-m", "work/a")
    assert "out of date" in agent.coord("hooks", "status")
    agent.coord("hooks", "install")
    assert "work/a may not change task files: todo/x.md" in agent.refused("commit", "-m", "x")
    agent.git("reset", "-q", "--hard")
    agent.commit("tasks/a.md", "no task folder any more\n")


def test_a_broken_configuration_on_main_is_told_and_the_guard_stays(agent, land_on_main):
    land_on_main({".coord.toml": "[project\n"})
    agent.commit("src/code.txt", "two\n")
    agent.write("tasks/a.md", "done!\n")
    said = agent.refused("commit", "-a", "-m", "all")
    assert ".coord.toml (on origin/main):1: not valid TOML" in said
    assert "'tasks' is taken for the task folder" in said
    assert "feat/a may not change task files: tasks/a.md" in said
