"""`coord hooks`: shared by all worktrees, kind to foreign hooks, gone without a trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coord.shims import HOOKS


@pytest.fixture
def repo(bare_folder):
    """A repository with one commit on main and no hooks but git's samples."""
    bare_folder.git("init", "-q")
    bare_folder.commit("src/code.txt", "one\n")
    return bare_folder


def _everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(p.relative_to(folder)): (p.stat().st_mode, p.read_bytes()) for p in files}


def _states(checkout) -> dict[str, str]:
    answer = json.loads(checkout.coord("hooks", "status", "--json"))
    assert answer["schema"] == "coord/hooks/1"
    return {each["hook"]: each["state"] for each in answer["data"]["hooks"]}


def _foreign(repo, hook: str, text: str) -> Path:
    path = repo.hooks / hook
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_status_tells_what_is_there(repo):
    assert set(_states(repo).values()) == {"absent"}
    repo.coord("hooks", "install")
    assert set(_states(repo).values()) == {"installed"}
    (repo.hooks / "pre-commit").chmod(0o644)
    with (repo.hooks / "pre-push").open("a") as file:
        file.write("# older\n")
    _foreign(repo, "pre-merge-commit", "exit 0")
    assert _states(repo) == {
        "pre-commit": "out of date",
        "pre-merge-commit": "foreign",
        "pre-push": "out of date",
    }


def test_status_misses_the_python_that_is_gone(repo, tmp_path):
    repo.coord("hooks", "install")
    path = repo.hooks / "pre-commit"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join("\tpython=/gone/python\n" if "\tpython=" in line else line for line in lines))
    assert _states(repo)["pre-commit"] == "out of date"
    assert "/gone/python" in repo.coord("hooks", "status")


def test_installing_twice_changes_nothing(repo):
    repo.coord("hooks", "install")
    before = _everything(repo.folder / ".git")
    assert "installed already" in repo.coord("hooks", "install")
    assert _everything(repo.folder / ".git") == before


def test_installing_brings_an_old_shim_up_to_date(repo):
    repo.coord("hooks", "install")
    path = repo.hooks / "pre-commit"
    good = path.read_text()
    path.write_text(good.replace("exit 2", "exit 0"))
    repo.coord("hooks", "install")
    assert path.read_text() == good
    assert path.stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in repo.hooks.iterdir() if not p.name.endswith(".sample")) == list(HOOKS)


def test_a_dry_run_changes_nothing(repo):
    before = _everything(repo.folder / ".git")
    assert "would be: pre-commit: installed" in repo.coord("hooks", "install", "--dry-run")
    assert _everything(repo.folder / ".git") == before
    repo.coord("hooks", "install")
    before = _everything(repo.folder / ".git")
    repo.coord("hooks", "uninstall", "-n")
    assert _everything(repo.folder / ".git") == before


def test_from_a_linked_worktree_the_hooks_of_all_are_installed(repo):
    repo.git("worktree", "add", "-q", "-b", "feat/a", "../agent")
    repo.run("true")
    repo.coord("-C", "../agent", "hooks", "install")
    assert set(_states(repo).values()) == {"installed"}


@pytest.mark.parametrize("template", [None, ""])
def test_uninstalling_leaves_plain_git_byte_for_byte(bare_folder, template):
    repo = bare_folder
    repo.git("init", "-q", *([] if template is None else [f"--template={template}"]))
    before = _everything(repo.folder / ".git")
    folders = sorted(p for p in (repo.folder / ".git").rglob("*") if p.is_dir())
    repo.coord("hooks", "install")
    assert _everything(repo.folder / ".git") != before
    repo.coord("hooks", "uninstall")
    assert _everything(repo.folder / ".git") == before
    assert sorted(p for p in (repo.folder / ".git").rglob("*") if p.is_dir()) == folders


def test_uninstalling_puts_foreign_hooks_back_byte_for_byte(repo):
    for hook in HOOKS:
        _foreign(repo, hook, f"echo {hook}")
    (repo.hooks / "pre-push").chmod(0o640)
    before = _everything(repo.folder / ".git")
    repo.coord("hooks", "install")
    repo.coord("hooks", "uninstall")
    assert _everything(repo.folder / ".git") == before
    assert "is not coord's: left as it is" in repo.coord("hooks", "uninstall")
    assert _everything(repo.folder / ".git") == before


def test_a_foreign_pre_commit_is_run_first_and_its_failure_counts(repo):
    _foreign(repo, "pre-commit", 'echo "foreign ran"\ntest ! -e stop || exit 7')
    repo.coord("hooks", "install")
    repo.write("src/code.txt", "two\n")
    result = repo.run("git", "commit", "-a", "-m", "two")
    assert "foreign ran" in result.stderr
    assert result.returncode == 0
    repo.write("stop", "")
    repo.write("src/code.txt", "three\n")
    assert repo.run("git", "commit", "-a", "-m", "three").returncode != 0


def test_a_foreign_pre_push_gets_the_same_arguments_and_the_same_stdin(repo):
    repo.git("init", "-q", "--bare", "../origin.git")
    repo.git("remote", "add", "origin", "../origin.git")
    _foreign(repo, "pre-push", 'echo "$@" >../seen\ncat >>../seen\ntest ! -e stop')
    repo.coord("hooks", "install")
    tip = repo.git("rev-parse", "HEAD")
    repo.git("push", "-q", "origin", "HEAD:refs/heads/feat/a", "HEAD:main")
    zeros = "0" * 40
    assert repo.read("../seen").splitlines() == [
        "origin ../origin.git",
        f"HEAD {tip} refs/heads/feat/a {zeros}",
        f"HEAD {tip} refs/heads/main {zeros}",
    ]
    repo.git("push", "-q", "origin", "--delete", "feat/a")
    repo.git("switch", "-q", "-c", "feat/b")
    repo.refused("push", "origin", "feat/b", "main:other")
    repo.write("stop", "")
    assert repo.run("git", "push", "origin", "feat/b").returncode != 0


def test_the_foreign_hook_is_run_for_the_coordinator_too(repo):
    _foreign(repo, "pre-commit", "exit 7")
    repo.coord("hooks", "install")
    repo.write("src/code.txt", "two\n")
    assert repo.run("git", "commit", "-a", "-m", "two", COORD_ROLE="coordinator").returncode != 0


def test_a_foreign_hook_that_is_switched_off_stays_off(repo):
    _foreign(repo, "pre-commit", "exit 7").chmod(0o644)
    repo.coord("hooks", "install")
    repo.commit("src/code.txt", "two\n")


def test_a_foreign_hook_that_is_a_link_is_kept_as_a_link(repo):
    repo.write("tools/check", "#!/bin/sh\nexit 7\n")
    (repo.folder / "tools/check").chmod(0o755)
    repo.hooks.mkdir(exist_ok=True)
    (repo.hooks / "pre-commit").symlink_to("../../tools/check")
    repo.coord("hooks", "install")
    repo.write("src/code.txt", "two\n")
    assert repo.run("git", "commit", "-a", "-m", "two").returncode != 0
    repo.coord("hooks", "uninstall")
    assert (repo.hooks / "pre-commit").readlink() == Path("../../tools/check")


def test_a_kept_hook_is_never_overwritten(repo):
    _foreign(repo, "pre-push", "echo mine")
    _foreign(repo, "pre-push.legacy", "echo older")
    before = _everything(repo.folder / ".git")
    said = repo.coord("hooks", "install", code=2)
    assert "pre-push.legacy, where it would be kept, exists already" in said
    assert _everything(repo.folder / ".git") == before


def test_an_install_that_was_killed_halfway_is_finished_by_the_next(repo):
    _foreign(repo, "pre-commit.legacy", "exit 7")
    assert "pre-commit.legacy is run first" in repo.coord("hooks", "install")
    repo.write("src/code.txt", "two\n")
    assert repo.run("git", "commit", "-a", "-m", "two").returncode != 0


def test_core_hooks_path_is_explained_and_refused(repo):
    repo.git("config", "core.hooksPath", ".husky")
    before = _everything(repo.folder / ".git")
    said = repo.coord("hooks", "install", code=2)
    assert "core.hooksPath is '.husky'" in said
    assert "git config --unset core.hooksPath" in said
    assert _everything(repo.folder / ".git") == before
    assert "git runs the hooks there instead" in repo.coord("hooks", "status")


def test_core_hooks_path_that_names_the_usual_folder_is_no_obstacle(repo):
    repo.git("config", "core.hooksPath", str(repo.folder / ".git" / "hooks"))
    repo.coord("hooks", "install")
    assert "instead" not in repo.coord("hooks", "status")


def test_a_bare_repository_gets_the_hooks_of_a_server(bare_folder):
    bare_folder.git("init", "-q", "--bare")
    said = bare_folder.coord("hooks", "install")
    assert said == "pre-receive: installed\npost-receive: installed\n"
    assert (bare_folder.folder / "hooks/pre-receive").is_file()
