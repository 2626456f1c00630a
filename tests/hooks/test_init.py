"""`coord init`: everything a repository needs, nothing overwritten, nothing committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from coord.config import parse
from coord.core.settings import Settings
from coord.shims import HOOKS


@pytest.fixture
def repo(bare_folder):
    bare_folder.git("init", "-q")
    return bare_folder


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_init_writes_everything_and_commits_nothing(repo):
    said = repo.coord("init")
    assert parse(repo.read(".coord.toml"), ".coord.toml") == Settings()
    assert all(f"hook {hook}: installed" in said for hook in HOOKS)
    assert all((repo.folder / ".git/hooks" / hook).is_file() for hook in HOOKS)
    assert ".worktrees/" in repo.read(".git/info/exclude").splitlines()
    assert repo.run("git", "rev-parse", "--verify", "-q", "HEAD").returncode != 0
    assert repo.git("diff", "--cached", "--name-only") == ""
    assert "git add .coord.toml tasks\n  git commit -m 'coord: set up'" in said
    assert "git remote add origin URL && git push -u origin main" in said
    assert "name a gate profile" in said


def test_the_example_is_a_whole_task(repo):
    repo.coord("init")
    head, body = repo.read("tasks/example.md").removeprefix("---\n").split("---\n", 1)
    fields = yaml.safe_load(head)
    assert list(fields) == ["id", "name", "status", "depends_on", "scope", "risk", "impact", "level"]
    assert fields["id"] == "example"
    assert fields["status"] == "pending"
    assert fields["depends_on"] == []
    sections = [line for line in body.splitlines() if line.startswith("## ")]
    assert sections == ["## Description", "## Acceptance Criteria", "## Notes", "## Summary"]
    assert body.endswith("## Summary\n\n> To be filled on completion\n")
    assert "`feat/example`" in body


@pytest.mark.parametrize(
    ("mark", "profile"),
    [("Cargo.toml", "cargo"), ("pyproject.toml", "python"), ("package.json", "node"), ("go.mod", "go")],
)
def test_init_names_the_gate_profile_it_detects(repo, mark, profile):
    repo.write(mark, "")
    said = repo.coord("init")
    assert parse(repo.read(".coord.toml"), ".coord.toml").gate.profile == profile
    assert f"found by {mark}" in repo.read(".coord.toml")
    assert "name a gate profile" not in said


def test_init_twice_is_init_once(repo):
    repo.coord("init")
    before = _everything(repo.folder)
    said = repo.coord("init")
    assert _everything(repo.folder) == before
    assert ".coord.toml: exists already: left as it is" in said


def test_a_dry_run_shows_and_changes_nothing(repo):
    before = _everything(repo.folder)
    said = repo.coord("init", "--dry-run")
    assert "would be: .coord.toml: written" in said
    assert "would be: hook pre-push: installed" in said
    assert _everything(repo.folder) == before


def test_what_exists_is_left_as_it_is(repo):
    repo.write(".coord.toml", '[project]\ntasks = "todo"\n')
    repo.write("todo/deep/one.md", "no front matter\n")
    repo.write(".git/info/exclude", "*.swp")
    repo.coord("init")
    assert repo.read(".coord.toml") == '[project]\ntasks = "todo"\n'
    assert not (repo.folder / "tasks").exists()
    assert not (repo.folder / "todo/example.md").exists()
    assert repo.read(".git/info/exclude") == "*.swp\n.worktrees/\n/coord-dashboard.html\n"
    assert "--tasks=todo" in repo.read(".git/hooks/pre-commit")


def test_the_task_folder_of_taskgraph_is_taken_over(repo):
    repo.write(".taskgraph.toml", '[project]\ntasks_dir = "plan/tasks"\n')
    repo.coord("init")
    assert parse(repo.read(".coord.toml"), ".coord.toml").project.tasks == "plan/tasks"
    assert (repo.folder / "plan/tasks/example.md").is_file()


def test_json_tells_parts_and_next_steps(repo):
    answer = json.loads(repo.coord("init", "--json"))
    assert answer["schema"] == "coord/init/1"
    assert [part["what"] for part in answer["data"]["parts"]][:3] == [
        ".coord.toml",
        "tasks/example.md",
        "info/exclude",
    ]
    assert all(part["changed"] for part in answer["data"]["parts"])
    assert answer["data"]["next"]


def test_when_all_is_on_main_nothing_is_left_to_do(main):
    main.write("go.mod", "module x\n")
    assert "git push origin main" in main.coord("init")
    main.git("add", "-A")
    main.git("commit", "-q", "-m", "coord: set up")
    main.git("push", "-q", "origin", "main")
    assert "nothing is left to do" in main.coord("init")


def test_a_main_of_another_name_is_pointed_out(repo):
    repo.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert "git config coord.main trunk" in repo.coord("init")


def test_with_core_hooks_path_nothing_is_done_unless_the_hooks_are_left_out(repo):
    repo.git("config", "core.hooksPath", ".husky")
    before = _everything(repo.folder)
    assert "core.hooksPath is '.husky'" in repo.coord("init", code=2)
    assert _everything(repo.folder) == before
    repo.coord("init", "--no-hooks")
    assert (repo.folder / ".coord.toml").is_file()
    assert not (repo.folder / ".git/hooks/pre-commit").exists()


def test_a_bare_repository_and_no_repository_are_explained(bare_folder):
    assert "not a git repository" in bare_folder.coord("init", code=2)
    bare_folder.git("init", "-q", "--bare")
    assert "no working copy" in bare_folder.coord("init", code=2)


def test_init_in_a_linked_worktree_sets_the_shared_folder_up(repo):
    repo.commit("src/code.txt", "one\n")
    repo.git("worktree", "add", "-q", "-b", "set-up", "../other")
    repo.coord("-C", "../other", "init")
    assert (repo.folder / ".git/hooks/pre-commit").is_file()
    assert ".worktrees/" in repo.read(".git/info/exclude").splitlines()
    assert repo.read("../other/.coord.toml")
