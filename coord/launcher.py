"""A process of its own between coord and one step of a gate: starts it, limits it, and ends all that it started.

Run as a file, with nothing but Python's library. It adopts what the step leaves behind (on Linux, as a child
subreaper), so a process that went into another session is still found. Its standard input is a pipe that coord holds:
when that ends, because coord wants the step ended or was killed, everything ends at once. Its exit code is the step's;
the pipe for words only says why it is not zero.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY = 0.1

#: Bytes. Whoever has written less than this did not fill a disk that had room.
_MUCH = 2**30
_PATIENCE = 2.0

#: How long ending may take: against processes that no signal reaches (a disk that hangs) nothing helps.
_ENDING_TAKES_AT_MOST = 20.0


def main(order: str) -> int:
    """Run the step that ``order`` (JSON) describes; return its exit code, or 1 when it was ended."""
    wanted = json.loads(order)
    _adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if wanted["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (wanted["memory"], wanted["memory"]))
    # A pipe, not the log itself: through an open file the step would know where the repository lies.
    printed, prints = os.pipe()
    wake = _wake_on_ending()
    try:
        step = subprocess.Popen(
            wanted["words"], stdin=subprocess.DEVNULL, stdout=prints, stderr=prints, start_new_session=True
        )
    except OSError as error:
        return _say(wanted, "not-started", error.errno or 0, 127)
    finally:
        os.close(prints)
    log, disk = _Log(printed, wanted["log"]), _Disk(wanted["disk"], wanted["room"])
    try:
        kind, number = _watch(step.pid, wanted, wake, log, disk.check)
        disk.check()
    finally:
        _end_all(step.pid)
    log.copy()
    if disk.was_full and (kind, number) != ("exit", 0) and kind != "disk":
        kind, number = disk.verdict(number)
    return _say(wanted, kind, number, number if kind == "exit" else 1)


def _wake_on_ending() -> int:
    """Return what can be read from once a child has ended."""
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


class _Log:
    """Copies what the step prints to standard output, up to a limit."""

    def __init__(self, printed: int, limit: int) -> None:
        os.set_blocking(printed, False)
        self.printed = printed
        self.limit = limit
        self.left = limit
        self.open = True

    def copy(self) -> None:
        """Copy what is there now."""
        with contextlib.suppress(BlockingIOError):
            while self.open and self.left > 0:
                found = os.read(self.printed, 65536)
                self.open = found != b""
                with contextlib.suppress(OSError):  # a full disk must not end what only prints to it
                    os.write(1, found[: self.left])
                self.left -= len(found)


def _say(wanted: dict[str, Any], kind: str, number: int, code: int) -> int:
    with contextlib.suppress(OSError):
        os.write(wanted["words_to"], json.dumps([kind, number]).encode())
    return code


# -- watching ------------------------------------------------------------------------------------------------------


def _watch(pid: int, wanted: dict[str, Any], wake: int, log: _Log, is_over: _Check) -> tuple[str, int]:
    """Wait until the step has ended or must be; return how, and the exit code, signal or limit."""
    deadline = time.monotonic() + wanted["timeout"]
    checks = (_processes(wanted["processes"]), is_over)
    look_at = 0.0
    while True:
        ended = _reap(pid)
        if ended is not None:
            return ("exit", ended) if ended >= 0 else ("signal", -ended)
        now = time.monotonic()
        if now >= look_at:
            look_at = now + _LOOK_EVERY
            for check in checks:
                if limit := check():
                    return limit
        if now > deadline:
            _ask(pid)
            return "timeout", 0
        ready, _, _ = select.select([0, wake, *([log.printed] if log.open else [])], [], [], _LOOK_EVERY)
        if wake in ready:
            os.read(wake, 4096)
        log.copy()
        if log.left <= 0:
            return "log", log.limit
        if 0 in ready:
            return "ended", 0


def _reap(pid: int) -> int | None:
    """Take note of every child that has ended; return the step's exit code (negative: its signal) once it has."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            if ended[0] == pid:
                found = os.waitstatus_to_exitcode(ended[1])
    return found


def _is_childless() -> bool:
    """Say whether nothing is left: whoever lives below an adopter of orphans lives below a child of it."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


_Check = Callable[[], "tuple[str, int] | None"]


def _processes(limit: int) -> _Check:
    """Count what the step has started. The kernel's own limit counts per user, and not at all for root."""
    before = len(_pids())

    def check() -> tuple[str, int] | None:
        # Cheap first: only when the machine has that many more processes is it worth asking whose they are.
        if limit and len(_pids()) - before > limit and len(_descendants()) > limit:
            return "processes", limit
        return None

    return check


class _Disk:
    """Watches the disk that a step works on: what the step has taken of it, and whether it is full."""

    def __init__(self, limit: int, room: str) -> None:
        self.limit = limit
        self.room = room
        usage = shutil.disk_usage(room)
        self.free = usage.free
        self.low = min(64 * 2**20, usage.total // 100)
        self.was_full = False
        self.look_at = limit

    def check(self) -> tuple[str, int] | None:
        """Say whether the step has taken more than it may; adding that up takes a while, so only when it can be."""
        free = shutil.disk_usage(self.room).free
        self.was_full = self.was_full or free < self.low
        if not self.limit or self.free - free <= self.look_at:
            return None
        taken = min(self.free - free, _size(self.room))
        self.look_at = self.free - free + max(self.limit - taken, self.limit // 20)
        return ("disk", self.limit) if taken > self.limit else None

    def verdict(self, code: int) -> tuple[str, int]:
        """Return how a step ended that left the disk full and failed: it was short of room, unless it took it all."""
        taken = _size(self.room)
        is_to_blame = taken > max(_MUCH, self.free // 2)
        return ("filled", taken) if is_to_blame else ("full", code)


def _size(folder: str) -> int:
    return sum(_blocks(Path(root, name)) for root, _, names in os.walk(folder) for name in names)


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


# -- ending --------------------------------------------------------------------------------------------------------


def _ask(pid: int) -> None:
    """Ask the step's process group to end, and give it a moment to tidy up."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and _reap(pid) is None:
        time.sleep(0.02)


def _end_all(pid: int) -> None:
    """Kill the step's group and every descendant, until none is left."""
    deadline = time.monotonic() + _ENDING_TAKES_AT_MOST
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    while time.monotonic() < deadline:
        _reap(pid)
        if _is_childless():
            return
        found = _descendants()
        # Stopped first: what forks faster than one look at all processes would outrun the killing.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for child in found:
                with contextlib.suppress(OSError):
                    os.kill(child, number)
            found |= _descendants()
        time.sleep(0.002)


def _adopt_orphans() -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - a Path each is slow
    except OSError:
        return []


def _descendants() -> set[int]:
    """Return every process below this one that has not ended."""
    below: dict[int, list[int]] = {}
    for pid, parent in _parents():
        below.setdefault(parent, []).append(pid)
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        children = [child for child in below.get(todo.pop(), ()) if child not in found]
        found.update(children)
        todo += children
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for pid in _pids():
        try:
            status = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            continue
        # The name in brackets is the process's own choice: what counts stands after the last one.
        state, parent = status.rpartition(b")")[2].split()[:2]
        if state not in (b"Z", b"X"):
            yield pid, int(parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
