"""A task branch may merge main, whatever main brings to the task folder, and nothing else."""

from __future__ import annotations


def _conflict(agent, land_on_main):
    land_on_main({"tasks/b.md": "completed\n", "src/code.txt": "main\n"})
    agent.commit("src/code.txt", "agent\n")
    result = agent.run("git", "merge", "-q", "origin/main")
    assert "CONFLICT" in result.stdout
    agent.write("src/code.txt", "both\n")


def test_a_clean_merge_of_main_that_brings_task_files_is_allowed(agent, land_on_main):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n", "tasks/c.md": "new\n"})
    agent.git("merge", "-q", "--no-edit", "origin/main")
    assert agent.read("tasks/b.md") == "completed\n"


def test_a_conflicted_merge_of_main_is_finished_by_commit(agent, land_on_main):
    _conflict(agent, land_on_main)
    agent.git("commit", "-a", "--no-edit", "-q")
    assert agent.git("rev-list", "--count", "--merges", "HEAD") == "1"


def test_a_task_file_edited_in_a_conflicted_merge_is_refused_and_the_advice_works(agent, land_on_main):
    _conflict(agent, land_on_main)
    agent.write("tasks/b.md", "mine after all\n")
    said = agent.refused("commit", "-a", "--no-edit")
    assert "tasks/b.md" in said
    advice = next(line.strip() for line in said.splitlines() if "git restore" in line)
    agent.git(*advice.split()[1:])
    agent.git("commit", "-a", "--no-edit", "-q")
    assert agent.read("tasks/b.md") == "completed\n"


def test_a_merge_of_main_that_is_amended_with_a_task_file_is_refused(agent, land_on_main):
    _conflict(agent, land_on_main)
    agent.git("commit", "-a", "--no-edit", "-q")
    agent.write("tasks/b.md", "mine after all\n")
    agent.refused("commit", "-a", "--amend", "--no-edit")


def test_a_merge_of_main_with_several_parents_is_allowed(agent, main, land_on_main):
    main.git("branch", "fix/x")
    agent.git("switch", "-q", "-c", "other", "fix/x")
    agent.commit("src/other.txt", "other\n")
    agent.git("switch", "-q", "feat/a")
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("merge", "-q", "--no-edit", "origin/main", "other")
    assert agent.read("tasks/b.md") == "completed\n"


def test_local_main_that_is_not_pushed_yet_may_be_merged(agent, main):
    agent.commit("src/mine.txt", "mine\n")
    main.commit("tasks/b.md", "completed\n")
    agent.git("merge", "-q", "--no-edit", "main")
    assert agent.read("tasks/b.md") == "completed\n"


def test_a_merge_of_another_branch_that_brings_task_files_is_refused(agent, main):
    main.git("switch", "-q", "-c", "feat/b")
    main.commit("tasks/b.md", "sneaked\n", "--no-verify")
    agent.commit("src/mine.txt", "mine\n")
    assert "tasks/b.md" in agent.refused("merge", "-q", "--no-edit", "feat/b")


def test_an_unfinished_merge_of_another_branch_is_refused_as_well(agent, main):
    main.git("switch", "-q", "-c", "feat/b")
    main.commit("tasks/b.md", "sneaked\n", "--no-verify")
    agent.commit("src/mine.txt", "mine\n")
    agent.git("merge", "-q", "--no-commit", "--no-ff", "feat/b")
    agent.refused("commit", "--no-edit")


def test_a_merge_of_another_branch_without_task_files_is_allowed(agent, main):
    main.git("switch", "-q", "-c", "feat/b")
    main.commit("src/b.txt", "b\n")
    agent.commit("src/mine.txt", "mine\n")
    agent.git("merge", "-q", "--no-edit", "feat/b")


def test_the_coordinator_may_merge_task_files_of_another_branch(agent, main):
    main.git("switch", "-q", "-c", "feat/b")
    main.commit("tasks/b.md", "sneaked\n", "--no-verify")
    agent.commit("src/mine.txt", "mine\n")
    agent.git("merge", "-q", "--no-edit", "feat/b", COORD_ROLE="coordinator")


def test_a_task_session_may_not_merge_in_the_main_checkout(main):
    main.git("branch", "fix/x")
    main.commit("src/code.txt", "main\n")
    main.git("switch", "-q", "fix/x")
    main.commit("src/x.txt", "x\n")
    main.refused("merge", "-q", "--no-edit", "main", COORD_SESSION="s1")


def test_gits_own_sample_that_runs_pre_commit_at_a_merge_does_not_refuse_main(agent, land_on_main):
    sample = agent.hooks / "pre-merge-commit.legacy"
    sample.write_text('#!/bin/sh\nexec "$(git rev-parse --git-path hooks)/pre-commit"\n')
    sample.chmod(0o755)
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"tasks/b.md": "completed\n"})
    agent.git("merge", "-q", "--no-edit", "origin/main")
