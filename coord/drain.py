"""Landing on a server: one at a time, until nothing is left, and once more after letting go of the lock.

Every push leaves a mark and starts a drain. The first one takes the lock; the others see that it is taken and end.
A mark that is left after the lock is let go starts the loop again, so no push is lost between two looks. The lock is
the kernel's: it ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def mark(state: Path) -> None:
    """Say that something arrived."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "wake").touch()


def drain(state: Path, land: Callable[[], None]) -> bool:
    """Call ``land`` until no mark is left; return False when another process is doing it already."""
    did = False
    while (state / "wake").exists():
        with _lock(state / "drain.lock") as taken:
            if not taken:
                return did
            while _take(state):
                did = True
                land()
    return did


def _take(state: Path) -> bool:
    """Take the mark away before looking: what arrives from now on leaves a new one."""
    try:
        (state / "wake").rename(state / "wake.taken")
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[bool]:
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def detach() -> None:
    """Leave the process session of the push that started us: it ends, the landing goes on."""
    with contextlib.suppress(PermissionError):
        os.setsid()
