"""The shims: they answer the common case alone, ask coord for the rest, and never let anything slip for lack of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coord.core.settings import Project
from coord.shims import HOOKS, SERVER_HOOKS, shim

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spy(agent, tmp_path):
    """Stand a program in for Python that leaves a mark, and return whether it was run since."""
    mark, program = tmp_path / "ran", tmp_path / "spy"
    program.write_text(f"#!/bin/sh\necho ran >>'{mark}'\nexit 1\n")
    program.chmod(0o755)
    for hook in HOOKS:
        path = agent.hooks / hook
        path.write_text(shim(hook, Project(), str(program)))
    return mark.exists


def _git_children(checkout, *words):
    """Return the argument lists of all git processes that a git command started."""
    trace = checkout.home / "trace.json"
    trace.unlink(missing_ok=True)
    checkout.git(*words, GIT_TRACE2_EVENT=str(trace))
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return [e["argv"][1:] for e in events if e["event"] == "start" and "/" in e["sid"]]


def _stage(checkout, path="src/code.txt", text="two\n"):
    checkout.write(path, text)
    checkout.git("--literal-pathspecs", "add", "--", path)


def test_a_commit_without_task_files_asks_git_one_question_and_starts_no_python(agent, spy):
    _stage(agent)
    [question] = _git_children(agent, "commit", "-q", "-m", "code")
    assert "diff" in question
    assert not spy()


def test_a_merge_without_task_files_asks_git_one_question_and_starts_no_python(agent, land_on_main, spy):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"src/code.txt": "main\n"})
    children = _git_children(agent, "merge", "-q", "--no-edit", "origin/main")
    assert len([words for words in children if "--cached" in words]) == 1
    assert not spy()


def test_a_commit_on_no_task_branch_asks_git_nothing_and_starts_no_python(main, agent, spy):
    _stage(main, "tasks/a.md")
    assert _git_children(main, "commit", "-q", "-m", "task") == []
    assert not spy()


def test_the_coordinators_commit_asks_nothing(agent, spy):
    agent.environment["COORD_ROLE"] = "coordinator"
    _stage(agent, "tasks/a.md")
    assert _git_children(agent, "commit", "-q", "-m", "task") == []
    assert not spy()


def test_a_task_sessions_commit_in_its_worktree_starts_no_python(agent, spy):
    agent.environment["COORD_SESSION"] = "s1"
    agent.commit("src/code.txt", "two\n")
    assert not spy()


def test_a_push_that_concerns_no_task_branch_starts_no_python(main, agent, spy):
    main.commit("src/code.txt", "two\n")
    main.git("push", "-q", "origin", "main")
    assert not spy()


@pytest.mark.parametrize("commits", [1, 40])
def test_a_task_branch_that_pushes_itself_asks_git_one_question_and_starts_no_python(agent, spy, commits):
    for number in range(commits):
        agent.commit("src/code.txt", f"{number + 2}\n")
    questions = [words for words in _git_children(agent, "push", "-q", "origin", "feat/a") if "log" in words]
    assert len(questions) == 1
    assert not spy()


def test_a_push_of_a_branch_that_merged_main_without_task_files_starts_no_python(agent, land_on_main, spy):
    agent.commit("src/mine.txt", "mine\n")
    land_on_main({"src/code.txt": "main\n"})
    agent.git("fetch", "-q")
    agent.git("merge", "-q", "--no-edit", "origin/main")
    agent.git("push", "-q", "origin", "feat/a")
    assert not spy()


def _edit(agent, _land_on_main):
    agent.write("tasks/a.md", "mine\n")
    agent.git("commit", "-q", "--no-verify", "-am", "task")
    agent.commit("src/code.txt", "two\n")


def _keep_old_task_files(agent, land_on_main):
    agent.commit("src/code.txt", "two\n")
    land_on_main({"tasks/a.md": "newer\n"})
    land_on_main({"src/other.txt": "newer\n"})
    agent.git("fetch", "-q")
    agent.git("merge", "-q", "--no-verify", "-s", "ours", "-m", "ours", "origin/main")
    agent.commit("src/code.txt", "three\n")


def _keep_old_task_files_of_an_older_main(agent, land_on_main):
    agent.commit("src/code.txt", "two\n")
    land_on_main({"tasks/a.md": "newer\n"})
    agent.git("fetch", "-q")
    agent.git("merge", "-q", "--no-verify", "-s", "ours", "-m", "ours", "origin/main")
    land_on_main({"src/other.txt": "newer\n"})
    agent.git("fetch", "-q")


def _begin_anew(agent, _land_on_main):
    agent.git("checkout", "-q", "--orphan", "feat/new")
    agent.git("rm", "-rq", "--cached", ".")
    agent.git("add", "src")
    agent.git("commit", "-q", "--no-verify", "-m", "anew")
    agent.git("branch", "-q", "-M", "feat/new", "feat/a")


def _silence(agent, _land_on_main):
    agent.commit("src/code.txt", "two\n", "--amend", "-m", "[Skip CI]")


def _stand_on_a_silenced_main(agent, land_on_main):
    agent.git("fetch", "-q")
    agent.git("commit", "-q", "--allow-empty", "-m", "skip-checks: true")
    agent.git("push", "-q", "--no-verify", "origin", "feat/a:main")


_SETTINGS = {
    "nothing": {},
    "log": {
        "log.diffMerges": "off",
        "log.follow": "true",
        "log.showRoot": "false",
        "log.showSignature": "true",
        "color.ui": "always",
        "diff.external": "true",
        "diff.relative": "true",
        "diff.ignoreSubmodules": "all",
    },
}


@pytest.mark.parametrize("settings", _SETTINGS)
@pytest.mark.parametrize(
    "spoil",
    [
        _edit,
        _keep_old_task_files,
        _keep_old_task_files_of_an_older_main,
        _begin_anew,
        _silence,
        _stand_on_a_silenced_main,
    ],
)
def test_a_push_with_something_to_judge_is_judged_whatever_git_is_set_to(
    agent, land_on_main, spoil, settings
):
    for key, value in _SETTINGS[settings].items():
        agent.git("config", "--global", key, value)
    spoil(agent, land_on_main)
    agent.refused("push", "origin", "feat/a")


def test_a_staged_task_file_is_for_coord_to_judge(agent, spy):
    _stage(agent, "tasks/a.md")
    agent.refused("commit", "-m", "task")
    assert spy()


def test_without_coord_there_is_a_refusal_only_when_there_is_something_to_judge(agent, spy):
    agent.commit("src/code.txt", "two\n")
    _stage(agent, "tasks/a.md")
    said = agent.refused("commit", "-m", "task")
    assert "coord cannot be run" in said
    assert "hint: install coord" in said
    agent.git("push", "-q", "origin", "feat/a")
    agent.git("commit", "-q", "--no-verify", "-m", "task")
    assert "coord cannot be run" in agent.refused("push", "origin", "feat/a")


def test_when_the_python_that_installed_is_gone_coord_on_the_path_is_asked(agent, tmp_path):
    for hook in HOOKS:
        (agent.hooks / hook).write_text(shim(hook, Project(), str(tmp_path / "gone")))
    beside = tmp_path / "coord"
    beside.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m coord "$@"\n')
    beside.chmod(0o755)
    _stage(agent, "tasks/a.md")
    path = f"{tmp_path}:{Path(shutil.which('git')).parent}:/usr/bin:/bin"
    assert "feat/a may not change task files" in agent.refused("commit", "-m", "task", PATH=path)


def test_a_folder_named_coord_in_the_repository_does_not_judge_itself(agent):
    agent.write("coord/__init__.py", "")
    agent.write("coord/__main__.py", "print('all is well')\n")
    _stage(agent, "tasks/a.md")
    agent.refused("commit", "-m", "task")


@pytest.mark.parametrize(
    "folder", ["my tasks", "it's", 'say "x"', "$HOME", "*", "-n", "tâches", ":(top)x", "a/b c"]
)
def test_task_folders_with_odd_names_are_guarded(agent, land_on_main, folder):
    land_on_main({".coord.toml": f"[project]\ntasks = {json.dumps(folder)}\n"})
    agent.coord("hooks", "install")
    agent.commit("src/code.txt", "two\n")
    _stage(agent, f"{folder}/a.md")
    assert f"{folder}/a.md" in agent.refused("commit", "-m", "task")


def test_a_head_that_is_kept_elsewhere_is_no_answer(agent):
    """With git's reftable the file HEAD holds ``ref: refs/heads/.invalid``; the shim must ask further."""
    _stage(agent, "tasks/a.md")
    head = Path(agent.git("rev-parse", "--absolute-git-dir")) / "HEAD"
    index = agent.git("rev-parse", "--path-format=absolute", "--git-path", "index")
    head.write_text("ref: refs/heads/.invalid\n")
    shim_path = agent.hooks / "pre-commit"
    env = {"GIT_DIR": str(head.parent), "GIT_INDEX_FILE": index}
    # Without a branch of that name git takes HEAD for unborn: that coord was asked is seen by its being missed.
    shim_path.write_text(shim("pre-commit", Project(), None))
    result = agent.run(str(shim_path), **env)
    assert "coord cannot be run" in result.stderr


@pytest.mark.parametrize("hook", HOOKS + SERVER_HOOKS)
def test_the_hooks_folder_holds_the_shims_as_rendered_with_the_defaults(hook):
    golden = ROOT / "hooks" / hook
    assert golden.read_text() == shim(hook, Project(), None)
    assert golden.stat().st_mode & 0o111


@pytest.mark.parametrize("hook", HOOKS + SERVER_HOOKS)
@pytest.mark.parametrize("python", [None, "/opt/my python/it's/python3"])
@pytest.mark.parametrize(
    "project", [Project(), Project(tasks="it's `x` $y", prefixes=("feat/", "research/"))]
)
def test_every_shim_is_valid_posix_shell(hook, python, project, tmp_path):
    """SC2016 is about what is meant here: a task folder named ``$y`` is not to be expanded."""
    path = tmp_path / hook
    path.write_text(shim(hook, project, python))
    assert subprocess.run(["sh", "-n", str(path)]).returncode == 0
    shellcheck = [str(Path(sys.executable).with_name("shellcheck")), "--shell=sh", "--exclude=SC2016"]
    found = subprocess.run([*shellcheck, str(path)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
