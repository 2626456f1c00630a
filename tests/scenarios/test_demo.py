"""The demo runs for real; what it prints is compared with what git says of the repositories it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scenarios.test_cargo import cargo

LANDED = ["characters", "longest-line", "paragraphs", "unique-words"]
STOPPED = {"sentences": "conflict", "shouting": "gate-failed", "syllables": "blocked"}
COMMAND = [sys.executable, "-P", "-m", "coord", "demo"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A home and a folder for temporary files, both empty."""
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    return tmp_path


def demo(place: Path, *options: str, at: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(place / "tmp"), **env}
    return subprocess.run(
        [*COMMAND, *options], cwd=at or place, env=environment, capture_output=True, text=True
    )


def git(*args: str, at: Path, ok: bool = True) -> str:
    answer = subprocess.run(["git", *args], cwd=at, capture_output=True, text=True)
    assert not ok or answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def status(task: str, origin: Path) -> str:
    lines = git("show", f"main:tasks/{task}.md", at=origin).splitlines()
    return next(line.removeprefix("status: ") for line in lines if line.startswith("status: "))


@pytest.mark.parametrize("profile", [pytest.param("cargo", marks=[cargo, pytest.mark.long]), "python"])
def test_what_the_demo_prints_is_what_git_holds(place: Path, profile: str) -> None:
    root = place / "show"
    result = demo(place, "--profile", profile, "--keep-in", "show")
    assert result.returncode == 0, result.stderr
    origin, clone = root / "origin.git", root / "clone"

    assert {task: status(task, origin) for task in LANDED} == dict.fromkeys(LANDED, "completed")
    assert {task: status(task, origin) for task in STOPPED} == dict.fromkeys(STOPPED, "blocked")
    merges = git(
        "log",
        "--first-parent",
        "--merges",
        "--format=%h %s %T %(trailers:key=Coord-Gate,separator=%x20)",
        "main",
        at=origin,
    )
    assert len(merges.splitlines()) == len(LANDED)
    for line in merges.splitlines():
        commit, subject, tree = line.split()[0], " ".join(line.split()[1:4]), line.split()[4]
        assert line.endswith(tree), "the gate's tree is the commit's"
        assert f"  {commit}  {subject}" in result.stdout
        assert f"landed in {commit}" in result.stdout
    for line in git("log", "--first-parent", "--format=%h  %s", "main", at=origin).splitlines():
        assert f"  {line}" in result.stdout
    for task, kind in STOPPED.items():
        subject = git("log", "-1", "--format=%s", f"refs/coord/verdicts/{task}", at=origin)
        assert subject.startswith(f"{kind}({task}): ")
        assert f"  feat/{task}: " in result.stdout
        assert subject.split(": ", 1)[1] in result.stdout
        assert (clone / ".worktrees" / task / "tasks").is_dir()
    heads = git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/feat/", at=origin).split()
    assert heads == sorted(STOPPED)
    assert "characters, not bytes" in git("show", "main:tasks/characters.md", at=origin)

    agents_edits = git("log", "--format=%an", "main", "--", "tasks/unique-words.md", at=origin)
    assert set(agents_edits.split("\n")[:-1]) == {"coord"}
    assert "coord: refused: feat/unique-words may not change task files" in result.stdout
    assert "report          ready to start" in result.stdout
    assert "waits for sentences, syllables" in result.stdout
    assert all(
        len(line) <= 100 for line in (result.stdout + result.stderr).splitlines() if str(root) not in line
    )
    # Rust's and Python's own caches stay out of HOME too.
    assert list((place / "home").iterdir()) == list((place / "tmp").iterdir()) == []


@pytest.mark.long
def test_what_remains_to_do_can_be_done_in_the_folder_it_leaves(place: Path) -> None:
    assert demo(place, "--profile", "python", "--keep-in", "show").returncode == 0
    clone = place / "show" / "clone"
    tree = clone / ".worktrees" / "sentences"
    git("merge", "origin/main", at=tree, ok=False)
    hub = tree / "textstat" / "__init__.py"
    assert "<<<<<<<" in hub.read_text()
    hub.write_text("".join(line for line in hub.read_text().splitlines(True) if line[:7].strip("<=>")))
    git("commit", "-qam", "merge main", at=tree)
    git("push", "-q", at=tree)

    command = [place / "show" / "coord", "land"]
    if not command[0].exists():  # coord is on PATH
        command[0] = Path("coord")
    landing = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert landing.returncode == 0, landing.stderr
    assert status("sentences", place / "show" / "origin.git") == "completed"
    assert not tree.exists()


@pytest.mark.long
def test_another_repository_is_left_alone_whatever_git_is_told(place: Path) -> None:
    other = place / "other"
    git("init", "-q", str(other), at=place)
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "one", at=other)
    (other / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (other / ".git" / "hooks" / "pre-commit").chmod(0o755)
    (place / "home" / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {other}/.git/hooks\n[commit]\n\tgpgSign = true\n[init]\n\ttemplateDir = {other}\n"
    )
    before = sorted((p, p.stat().st_mtime_ns) for p in other.rglob("*"))
    inside = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(other / "i")}

    result = demo(place, "--profile", "python", at=other, **inside, COORD_ROLE="coordinator")

    assert result.returncode == 0, result.stderr
    assert sorted((p, p.stat().st_mtime_ns) for p in other.rglob("*")) == before
    (root,) = (place / "tmp").iterdir()
    assert f"rm -rf {root}" in result.stdout
    assert status("characters", root / "origin.git") == "completed"


def test_a_landing_that_goes_wrong_is_shown_and_fails(place: Path) -> None:
    """Main itself is red here, since nothing that the gate starts works."""
    (place / "bin").mkdir()
    (place / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (place / "bin" / "python3").chmod(0o755)
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    result = demo(place, "--profile", "python", PATH=path)
    assert result.returncode == 1
    assert "pending  characters" in result.stdout
    assert "main is red: python3 -m compileall" in result.stderr
    assert (
        "not as it should be: the status of characters is pending, and should be completed" in result.stderr
    )


def test_a_folder_that_holds_something_is_not_used(place: Path) -> None:
    result = demo(place, "--keep-in", ".")
    assert result.returncode == 2
    assert "is not empty" in result.stderr


@pytest.mark.skipif(not shutil.which("ps"), reason="ps is absent: Ctrl-C was NOT tested")
def test_an_interrupted_demo_leaves_nothing_running_and_nothing_behind(place: Path) -> None:
    (place / "bin").mkdir()
    (place / "bin" / "python3").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exit\ntouch {place}/started\nsleep 4711\n'
    )
    (place / "bin" / "python3").chmod(0o755)
    environment = {
        **os.environ,
        "TMPDIR": str(place / "tmp"),
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [*COMMAND, "--profile", "python"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (place / "started").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert b"interrupted" in said
    assert list((place / "tmp").iterdir()) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 4711" not in running
    assert str(place / "tmp") not in running
