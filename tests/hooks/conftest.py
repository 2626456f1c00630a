"""Real repositories with the hooks really installed: an agent's git meets the shims as it would in the field."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_START = 1_700_000_000


@dataclass
class Checkout:
    """A working copy and somebody who works in it. Its clock advances by a minute with each command."""

    folder: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    ticks: int = 0

    def run(
        self, *words: str, stdin: str = "", at: str = ".", **env: str
    ) -> subprocess.CompletedProcess[str]:
        self.ticks += 60
        date = f"{_START + self.ticks} +0000"
        return subprocess.run(
            words,
            cwd=self.folder / at,
            input=stdin,
            capture_output=True,
            text=True,
            env={
                "HOME": str(self.home),
                "PATH": f"{Path(shutil.which('git') or '/usr/bin/git').parent}:/usr/bin:/bin",
                "LC_ALL": "C.UTF-8",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_DATE": date,
                "GIT_COMMITTER_DATE": date,
                **self.environment,
                **env,
            },
        )

    def git(self, *words: str, **env: str) -> str:
        """Run git and return what it prints; it must succeed."""
        result = self.run("git", *words, **env)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def refused(self, *words: str, **env: str) -> str:
        """Run git, which coord must refuse, and return what the agent reads."""
        result = self.run("git", *words, **env)
        assert result.returncode != 0, "git did it"
        assert "coord: refused: " in result.stderr, result.stdout + result.stderr
        return result.stderr

    def coord(self, *words: str, code: int = 0, **env: str) -> str:
        """Run coord and return what it prints on both channels."""
        result = self.run(sys.executable, "-P", "-m", "coord", *words, **env)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def commit(self, path: str, text: str, *options: str) -> None:
        """Commit one file."""
        self.write(path, text)
        self.git("add", "--", path)
        self.git("commit", "-q", "-m", f"write {path}", *options)

    @property
    def hooks(self) -> Path:
        return Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir")) / "hooks"


def _home(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = Agent\n\temail = agent@example.org\n[init]\n\tdefaultBranch = main\n"
        "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n"
    )
    return folder


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``origin.git`` and a clone ``main``, hooks installed, two tasks on main."""
    root = tmp_path_factory.mktemp("template")
    home = _home(root / "home")
    Checkout(root, home).git("init", "-q", "--bare", "origin.git")
    main = Checkout(root / "main", home)
    Checkout(root, home).git("clone", "-q", "origin.git", "main")
    main.write("tasks/a.md", "a\n")
    main.write("tasks/b.md", "b\n")
    main.commit("src/code.txt", "one\n")
    main.git("add", "-A")
    main.git("commit", "-q", "-m", "tasks")
    main.git("push", "-q", "origin", "main")
    main.coord("hooks", "install")
    return root


@pytest.fixture
def main(_template: Path, tmp_path: Path) -> Checkout:
    """The main checkout, on main, of a clone whose hooks are installed."""
    root = tmp_path / "world"
    shutil.copytree(_template, root, symlinks=True)
    checkout = Checkout(root / "main", root / "home", ticks=6000)
    checkout.git("remote", "set-url", "origin", str(root / "origin.git"))
    return checkout


@pytest.fixture
def agent(main: Checkout) -> Checkout:
    """An agent's linked worktree on the task branch feat/a."""
    main.git("worktree", "add", "-q", "-b", "feat/a", "../agent", "origin/main")
    return Checkout(main.folder.parent / "agent", main.home, ticks=main.ticks)


@pytest.fixture
def bare_folder(tmp_path: Path) -> Checkout:
    """A folder that is no repository yet."""
    root = tmp_path / "world"
    home = _home(root / "home")
    (root / "repo").mkdir()
    return Checkout(root / "repo", home)


@pytest.fixture
def land_on_main(main: Checkout) -> Callable[[dict[str, str]], None]:
    """Return a function that commits files on main and pushes them, as the coordinator would."""

    def land(files: dict[str, str]) -> None:
        for path, text in files.items():
            main.write(path, text)
        main.git("add", "-A")
        main.git("commit", "-q", "-m", "main moves")
        main.git("push", "-q", "origin", "main")

    return land


def pytest_configure() -> None:
    # A test run started by an agent's session must not look like that session to the hooks under test.
    for name in [n for n in os.environ if n.startswith("COORD_")]:
        del os.environ[name]
