"""A desk with two tasks, and what a session leaves on the disk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coord.processes import identify
from tests.world import World, task_text

NONE = '[gate]\nprofile = "none"\n[worktree]\n'


def build(world: World, settings: str = "", files: dict[str, str] | None = None) -> World:
    """Build a world whose main has the tasks a and b, and these settings for worktrees."""
    return world.build({"a": task_text("a"), "b": task_text("b")}, files, config=NONE + settings)


def home(world: World, name: str = "a") -> Path:
    """Return where the worktree of a task lies."""
    return world.desk / ".worktrees/feat" / name


def merge(world: World, branch: str) -> None:
    """Merge a branch into main by hand and push it."""
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-ff", "-m", "merge by hand", f"origin/{branch}")
    world.git("push", "-q", "origin", "main")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that waits, in a folder and with a secret; nothing of it is left after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def sleep(folder: Path, secret: str = "", deaf: bool = False) -> subprocess.Popen[bytes]:
        trap = "trap '' TERM; " if deaf else ""
        environment = {**os.environ, **({"COORD_SESSION": secret} if secret else {})}
        process = subprocess.Popen(
            ["sh", "-c", f"{trap}echo ready; exec sleep 300"], cwd=folder, env=environment, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield sleep
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def session(
    world: World, worktree: Path, host: int | None = None, *, token: str = "", id: str = "s1"
) -> Path:
    """Leave a session's folder as a host writes it."""
    folder = world.desk / ".git/coord/sessions" / id
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"id": id, "worktree": str(worktree), "token": token}))
    process = identify(host) if host else None
    if process is not None:
        (folder / "process.json").write_text(json.dumps(process.to_json()))
    return folder
