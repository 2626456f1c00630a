"""`coord init --github`: workflows of coord's own, brought up to date; what is somebody else's stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coord.config import parse
from coord.workflows import FILES, FOLDER, Mode, installed_from, minute_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ACTION = f"octo-org/coord@{COMMIT}"
GITHUB = ("init", "--github", "--action", ACTION)


@pytest.fixture
def repo(bare_folder):
    bare_folder.git("init", "-q")
    return bare_folder


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _workflows(repo) -> list[str]:
    folder = repo.folder / FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _publish(main) -> None:
    main.git("add", "-A")
    main.git("commit", "-q", "-m", "coord: set up")
    main.git("push", "-q", "origin", "main")


def test_without_it_nothing_is_written_for_github(repo):
    repo.coord("init")
    assert _workflows(repo) == []
    assert parse(repo.read(".coord.toml"), ".coord.toml").land.workers == 1


def test_the_hardened_workflows_are_written_and_what_is_next_is_said(repo):
    said = repo.coord(*GITHUB)
    assert _workflows(repo) == sorted(FILES[Mode.HARDENED])
    assert f"uses: {ACTION}\n" in repo.read(f"{FOLDER}/coord-land.yml")
    assert parse(repo.read(".coord.toml"), ".coord.toml").land.workers == 4
    assert "git add .coord.toml tasks '.github/workflows/coord-*.yml'" in said
    assert "coord doctor --github" in said
    assert "warning" not in said


def test_the_simple_workflows_are_written_and_need_no_protection(repo):
    said = repo.coord(*GITHUB, "--simple")
    assert _workflows(repo) == sorted(FILES[Mode.SIMPLE])
    assert "coord doctor --github" not in said


def test_the_step_that_is_told_adds_what_was_written_and_what_was_removed(repo):
    repo.coord(*GITHUB)
    repo.write(f"{FOLDER}/other.yml", "name: other\n")
    add = next(line for line in repo.coord(*GITHUB).splitlines() if line.startswith("  git add "))
    repo.run("sh", "-c", add)
    assert set(repo.git("diff", "--cached", "--name-only", "--", FOLDER).split()) == {
        f"{FOLDER}/{name}" for name in FILES[Mode.HARDENED]
    }
    repo.git("commit", "-q", "--no-verify", "-m", "set up")
    repo.coord(*GITHUB, "--simple")
    repo.run("sh", "-c", add)
    assert repo.git("diff", "--cached", "--name-status", "--no-renames", "--diff-filter=D").split() == [
        "D", f"{FOLDER}/coord-land.yml", "D", f"{FOLDER}/coord-wake.yml",
    ]  # fmt: skip


def test_twice_is_once(repo):
    repo.coord(*GITHUB)
    before = _everything(repo.folder)
    said = repo.coord("init", "--github")
    assert _everything(repo.folder) == before
    assert f"{FOLDER}/coord-land.yml: up to date" in said


def test_a_dry_run_shows_and_changes_nothing(repo):
    before = _everything(repo.folder)
    said = repo.coord(*GITHUB, "--dry-run")
    assert f"would be: {FOLDER}/coord-land.yml: written" in said
    assert _everything(repo.folder) == before


def test_a_dry_run_says_of_what_stays_that_it_is_there(repo):
    repo.coord(*GITHUB)
    said = repo.coord("init", "--github", "--simple", "--dry-run")
    assert "\n.coord.toml: exists already" in f"\n{said}"
    assert f"\n{FOLDER}/coord-audit.yml: up to date" in said
    assert f"would be: {FOLDER}/coord-wake.yml: removed" in said


def test_other_prefixes_change_what_rings_and_keep_what_was_chosen(repo):
    repo.coord(*GITHUB, "--runner", "big")
    before = repo.read(f"{FOLDER}/coord-land.yml")
    repo.write(".coord.toml", '[project]\nprefixes = ["work/"]\n')
    said = repo.coord("init", "--github")
    assert f"{FOLDER}/coord-wake.yml: brought up to date" in said
    assert '      - "work/**"\n' in repo.read(f"{FOLDER}/coord-wake.yml")
    assert repo.read(f"{FOLDER}/coord-land.yml") == before
    assert "    runs-on: big\n" in before


def test_the_other_mode_keeps_the_action_and_the_runner_and_takes_our_own_files_away(repo):
    repo.coord(*GITHUB, "--runner", "big")
    repo.write(f"{FOLDER}/coord-tests.yml", "name: ours\n")
    said = repo.coord("init", "--github", "--simple")
    assert f"{FOLDER}/coord-land.yml: removed: it belongs to the other mode" in said
    assert _workflows(repo) == sorted([*FILES[Mode.SIMPLE], "coord-tests.yml"])
    simple = repo.read(f"{FOLDER}/coord-simple.yml")
    assert f"uses: {ACTION}\n" in simple
    assert "    runs-on: big\n" in simple
    repo.coord("init", "--github")
    assert _workflows(repo) == sorted([*FILES[Mode.HARDENED], "coord-tests.yml"])
    assert "    runs-on: big\n" in repo.read(f"{FOLDER}/coord-land.yml")


def test_another_action_replaces_the_one_before(repo):
    repo.coord(*GITHUB)
    other = f"octo-org/coord@{COMMIT[::-1]}"
    repo.coord("init", "--github", "--action", other)
    texts = [repo.read(f"{FOLDER}/{name}") for name in _workflows(repo)]
    assert not any(ACTION in text for text in texts)
    assert other in texts[0]


def test_a_foreign_file_is_refused_before_anything_is_done(repo):
    repo.write(f"{FOLDER}/coord-land.yml", "name: somebody else's\n")
    before = _everything(repo.folder)
    said = repo.coord(*GITHUB, code=2)
    assert f"{FOLDER}/coord-land.yml exists and is not coord's" in said
    assert "give it another name" in said
    assert _everything(repo.folder) == before


def test_a_foreign_file_in_place_of_ours_is_named_when_the_others_tell_the_action(repo):
    repo.coord(*GITHUB)
    repo.write(f"{FOLDER}/coord-land.yml", "name: somebody else's\n")
    assert f"{FOLDER}/coord-land.yml exists and is not coord's" in repo.coord("init", "--github", code=2)


def test_a_main_of_another_name_is_settled_before_anything_is_pushed(repo):
    repo.git("branch", "-m", "trunk")
    repo.git("remote", "add", "origin", "https://github.com/octo-org/demo.git")
    said = repo.coord(*GITHUB)
    assert "git config coord.main trunk" in said
    assert "git push" not in said
    repo.git("config", "coord.main", "trunk")
    assert "git push origin trunk" in repo.coord("init", "--github")
    assert 'ref: "trunk"' in repo.read(f"{FOLDER}/coord-land.yml")


def test_a_shortened_commit_is_refused(repo):
    said = repo.coord("init", "--github", "--action", f"octo-org/coord@{COMMIT[:8]}", code=2)
    assert "shortens a commit" in said
    assert "40 digits" in said


def test_a_foreign_file_of_the_other_mode_stays(repo):
    repo.write(f"{FOLDER}/coord-simple.yml", "name: somebody else's\n")
    repo.coord(*GITHUB)
    assert repo.read(f"{FOLDER}/coord-simple.yml") == "name: somebody else's\n"


def test_a_link_in_a_workflows_place_is_foreign(repo):
    repo.coord(*GITHUB)
    path = repo.folder / FOLDER / "coord-land.yml"
    target = path.rename(repo.folder / "elsewhere.yml")
    path.symlink_to(target)
    assert "is not coord's" in repo.coord(*GITHUB, code=2)
    assert path.is_symlink()


def test_without_an_action_it_says_how_to_name_one(repo):
    said = repo.coord("init", "--github", code=2)
    assert "--action OWNER/REPO@COMMIT" in said
    assert not (repo.folder / ".coord.toml").exists()


@pytest.mark.parametrize(
    ("told", "action"),
    [
        ({"url": "https://github.com/octo-org/coord", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ACTION),
        ({"url": "https://github.com/octo-org/coord.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ACTION),
        ({"url": "ssh://git@github.com/octo-org/coord.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ACTION),
        ({"url": "git@github.com:octo-org/coord.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ACTION),
        ({"url": "file:///srv/coord", "dir_info": {"editable": True}}, None),
        ({"url": "https://example.com/coord-1.whl", "archive_info": {}}, None),
        (["no object"], None),
    ],
)  # fmt: skip
def test_an_installation_from_a_repository_names_the_action(told, action):
    assert installed_from(json.dumps(told)) == action


@pytest.mark.parametrize("told", [None, "", "no JSON"])
def test_an_installation_from_elsewhere_names_none(told):
    assert installed_from(told) is None


@pytest.mark.parametrize("action", ["octo-org/coord@v1", "octo-org/coord@main", "octo-org/coord@feedbee"])
def test_an_action_that_can_be_moved_is_warned_of(repo, action):
    assert f"warning: {action} is no commit" in repo.coord("init", "--github", "--action", action)


@pytest.mark.parametrize("action", ["./", "$/"])
def test_the_repositorys_own_action_needs_no_commit(repo, action):
    assert "warning" not in repo.coord("init", "--github", "--action", action)
    assert f"uses: {action}\n" in repo.read(f"{FOLDER}/coord-land.yml")


@pytest.mark.parametrize(
    "action", ["coord", "octo-org/coord", f"{ACTION} # x", "a/b@c\n      run: x", "${{ github.head_ref }}", "a/b@${{x}}"]
)  # fmt: skip
def test_what_is_no_reference_is_refused(repo, action):
    assert "is no reference to an action" in repo.coord("init", "--github", "--action", action, code=2)
    assert _workflows(repo) == []


@pytest.mark.parametrize("runner", ["", "a b", "x\n    steps: []", "${{ github.head_ref }}", "[a, b]"])
def test_what_is_no_label_of_a_runner_is_refused(repo, runner):
    if runner:
        assert "is no label of a runner" in repo.coord(*GITHUB, "--runner", runner, code=2)
    else:
        repo.coord(*GITHUB, "--runner", runner)
        assert "    runs-on: ubuntu-24.04\n" in repo.read(f"{FOLDER}/coord-land.yml")


@pytest.mark.parametrize("option", [["--simple"], ["--action", ACTION], ["--runner", "big"]])
def test_an_option_of_the_workflows_alone_is_refused(repo, option):
    assert "add --github" in repo.coord("init", *option, code=2)


def test_a_server_has_no_workflows(repo):
    assert "give one of them" in repo.coord(*GITHUB, "--server", ".", code=2)


def test_every_clone_rings_at_the_same_minute(main):
    main.git("remote", "set-url", "origin", "https://github.com/octo-org/hello.git")
    main.coord(*GITHUB)
    minute = minute_of("hello")
    assert f'cron: "{minute},{minute + 20},{minute + 40} * * * *"' in main.read(f"{FOLDER}/coord-land.yml")


def test_not_all_repositories_ring_at_the_same_minute():
    minutes = {minute_of(f"repository-{number}") for number in range(100)}
    assert minutes == set(range(1, 20, 2))


def test_when_the_workflows_are_on_main_nothing_is_left_to_publish(main):
    main.write("go.mod", "module x\n")
    assert "git push origin main" in main.coord(*GITHUB, "--simple")
    _publish(main)
    assert "nothing is left to do" in main.coord("init", "--github", "--simple")
    assert "git push origin main" in main.coord("init", "--github")
    _publish(main)
    said = main.coord("init", "--github")
    assert "git push" not in said
    assert "coord doctor --github" in said


def test_a_main_of_another_name_is_named_where_it_is_checked_out(main):
    main.git("config", "coord.main", "trunk")
    main.git("push", "-q", "origin", "HEAD:refs/heads/trunk")
    main.git("fetch", "-q")
    for mode in ([], ["--simple"]):
        main.coord(*GITHUB, *mode)
        for name in _workflows(main):
            text = main.read(f"{FOLDER}/{name}")
            assert text.count('  COORD_MAIN: "trunk" ') == (1 if 'ref: "trunk"' in text else 0)
    assert 'ref: "trunk"' in text
