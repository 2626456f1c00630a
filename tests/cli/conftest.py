"""Real repositories for the command line's tests: hermetic, with a remote, in the test's own folder."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from coord.cli import run


class Ran(NamedTuple):
    """What a command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


class Repository:
    """A clone with a bare remote beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *args: str) -> str:
        return subprocess.run(
            ["git", *args], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def task(self, id: str, *needs: str, status: str = "pending", more: str = "") -> Path:
        front = f"id: {id}\nname: Do {id}\nstatus: {status}\ndepends_on: [{', '.join(needs)}]\n{more}"
        return self.write(
            f"tasks/{id}.md", f"---\n{front}---\n\n## Summary\n\n> To be filled on completion\n"
        )

    def publish(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "tasks: write them")
        self.git("push", "--quiet", "origin", "HEAD:main")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", tmp_path / "remote.git"], check=True)
    subprocess.run(["git", "init", "--quiet", "-b", "main", tmp_path / "clone"], check=True)
    made = Repository(tmp_path / "clone")
    made.git("config", "user.name", "Test")
    made.git("config", "user.email", "test@example.invalid")
    made.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    return made


@pytest.fixture
def coord(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def call(*args: str) -> Ran:
        capsys.readouterr()
        code = run(["-C", str(repository.folder), *args])
        return Ran(code, *capsys.readouterr())

    return call
