"""Commands that run in a worktree: what sets it up, and what says that it is ready."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coord.core.profile import program
from coord.core.text import tail
from coord.errors import CoordError
from coord.processes import end_group

#: How long it is waited between two questions whether a worktree is ready.
_ASK_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Room:
    """Where commands run: the worktree, and their environment."""

    folder: Path
    environment: Mapping[str, str]


def room_of(folder: Path, branch: str, more: Mapping[str, str]) -> Room:
    """Return where a worktree's commands run.

    The environment is the user's, without what was meant for git or coord in the place that we were started from: a
    coordinator's COORD_SESSION or COORD_TOKEN is nothing for a command of a branch.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COORD_"))}
    return Room(folder, {**kept, "COORD_WORKTREE": str(folder), "COORD_BRANCH": branch, **more})


def set_up(room: Room, commands: Sequence[tuple[str, ...]], timeout: float) -> None:
    """Run commands in order, ``timeout`` seconds each. Raises CoordError at the first that fails."""
    for words in commands:
        with tempfile.TemporaryFile() as log:
            code = _run(room, words, timeout, log)
            if code != 0:
                why = f"took longer than {timeout:g} s" if code is None else f"ended with {code}"
                raise _error(f"the setup command '{program(words)}' {why}", log, "[worktree] setup", room)


def wait_until_ready(room: Room, words: tuple[str, ...], timeout: float) -> None:
    """Ask a command until it ends with 0. Raises CoordError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while words:
        with tempfile.TemporaryFile() as log:
            left = deadline - time.monotonic()
            code = _run(room, words, max(left, _ASK_EVERY), log)
            if code == 0:
                return
            if time.monotonic() + _ASK_EVERY >= deadline:
                told = f"it was not ready within {timeout:g} s: '{program(words)}' does not end with 0"
                raise _error(told, log, "[worktree] ready", room)
        time.sleep(_ASK_EVERY)


def _run(room: Room, words: tuple[str, ...], timeout: float, log: IO[bytes]) -> int | None:
    """Run a command and return its exit code, None when it took too long; one that fails leaves no process behind."""
    try:
        process = subprocess.Popen(
            words, cwd=room.folder, env=dict(room.environment), stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise CoordError(
            f"'{program(words)}' cannot be started: {error.strerror}",
            hint="see [worktree] in .coord.toml on main, or install the program",
        ) from error
    code: int | None = None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # A server that a command starts in the background stays, but not when the command failed.
        if code != 0:
            end_group(process.pid)
            process.wait()
    return code


def _error(message: str, log: IO[bytes], key: str, room: Room) -> CoordError:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 32000))
    said = tail(log.read().decode("utf-8", "replace"), 20, 4000).strip()
    shown = "".join(f"\n  | {line}" for line in said.splitlines())
    return CoordError(message + shown, hint=f"see {key} in .coord.toml on main; it ran in {room.folder}")
