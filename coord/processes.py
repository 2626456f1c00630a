"""Processes of this machine: who one is, which were left behind, and how they are ended.

Only this module knows psutil, and loads it when it is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coord.core.text import one_line

if TYPE_CHECKING:
    import psutil

#: The variable in which a session's processes carry its secret.
SESSION = "COORD_SESSION"

#: Seconds that a process has to end by itself after it was asked to.
PATIENCE = 5.0

#: How often a process group is looked at while it ends.
_LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class ProcessId:
    """Which process is meant, also after its number was given to another one and after a restart of the machine.

    ``start`` is in seconds: since the boot where the system tells it so, else since the epoch.
    """

    pid: int
    start: float
    boot: str

    def to_json(self) -> dict[str, int | float | str]:
        """Return it as JSON holds it."""
        return {"pid": self.pid, "start": self.start, "boot": self.boot}

    @classmethod
    def from_json(cls, said: Any) -> ProcessId | None:
        """Return the process that JSON states, or None when it states none."""
        match said:
            case {"pid": int(pid), "start": (int() | float()) as start, "boot": str(boot)} if pid > 0:
                return cls(pid, float(start), boot)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was found, and what it calls itself, on one line (anybody may choose it)."""

    id: ProcessId
    name: str


def own() -> ProcessId:
    """Return this process."""
    found = identify(os.getpid())
    if found is None:
        raise ProcessLookupError(os.getpid())
    return found


def identify(pid: int) -> ProcessId | None:
    """Return which process has this number now, or None when none has (one that ended and was not waited for is none)."""
    start = _start(pid)
    return None if start is None else ProcessId(pid, start, boot_id())


def is_running(process: ProcessId) -> bool:
    """Say whether this very process runs."""
    return process.boot == boot_id() and _start(process.pid) == process.start


@cache
def boot_id() -> str:
    """Return what tells this start of the machine from all others."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        asked = ["sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    import psutil

    return f"{psutil.boot_time():.0f}"


def _start(pid: int) -> float | None:
    """Return when a live process started. psutil adds the time of the boot, which moves with the clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)
    return None if fields[0] in (b"Z", b"X") else int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _start_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


# -- what was left behind ------------------------------------------------------------------------------------------


def leftovers(folder: Path | None, sessions: Collection[str] = frozenset()) -> tuple[Process, ...]:
    """Return the processes of this user that work in ``folder`` or below, and those of the sessions, by number.

    ``sessions`` are secrets as the processes carry them in COORD_SESSION, or SHA-256 of such (as records keep them). This
    process and those that it descends from are never among them.
    """
    inside = None if folder is None else str(folder.resolve())
    secrets = frozenset(sessions)
    return tuple(found for process in _others() if (found := _if_left(process, inside, secrets)) is not None)


def of_any_session(folder: Path) -> tuple[Process, ...]:
    """Return those of the processes in ``folder`` that a session has started, whichever it was."""
    return tuple(found for found in leftovers(folder) if _session_of(found.id.pid))


def _session_of(pid: int) -> str:
    import psutil

    try:
        return psutil.Process(pid).environ().get(SESSION, "")
    except (psutil.Error, OSError):
        return ""


def _others() -> Iterator[psutil.Process]:
    import psutil

    ours = {os.getpid()}
    with contextlib.suppress(psutil.Error):
        ours |= {process.pid for process in psutil.Process().parents()}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in ours and process.uids().real == os.getuid():
                yield process


def _if_left(process: psutil.Process, inside: str | None, secrets: frozenset[str]) -> Process | None:
    import psutil

    try:
        is_left = _works_in(process, inside) or (bool(secrets) and _carries(process, secrets))
        id = identify(process.pid) if is_left else None
        return Process(id, one_line(process.name(), 40)) if id else None
    except (psutil.Error, OSError):
        return None  # it ended meanwhile, or does not let us look


def _works_in(process: psutil.Process, inside: str | None) -> bool:
    import psutil

    if inside is None:
        return False
    try:
        place = process.cwd().removesuffix(" (deleted)")
    except psutil.AccessDenied:
        return False
    return place == inside or place.startswith(inside + "/")


def _carries(process: psutil.Process, secrets: frozenset[str]) -> bool:
    carried = process.environ().get(SESSION, "")
    return bool(carried) and (carried in secrets or hashlib.sha256(carried.encode()).hexdigest() in secrets)


# -- ending --------------------------------------------------------------------------------------------------------


def end(processes: Iterable[Process | ProcessId], patience: float = PATIENCE) -> tuple[ProcessId, ...]:
    """Ask processes to end, and kill what still runs after ``patience`` seconds; return those that even so run on."""
    ids = [process.id if isinstance(process, Process) else process for process in processes]
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, PATIENCE)):
        ids = _running(ids)
        for id in ids:
            with contextlib.suppress(OSError):
                os.kill(id.pid, number)
        _wait(partial(_none_runs, ids), seconds)
    return tuple(_running(ids))


def _running(ids: Iterable[ProcessId]) -> list[ProcessId]:
    return [id for id in ids if is_running(id)]


def _none_runs(ids: Iterable[ProcessId]) -> bool:
    return not _running(ids)


def end_group(group: int, patience: float = PATIENCE) -> bool:
    """Ask a process group to end, kill what is left of it after ``patience`` seconds, and say whether nothing is left."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, PATIENCE)):
        if not _group_runs(group):
            return True
        with contextlib.suppress(OSError):
            os.killpg(group, number)
        _wait(lambda: not _group_runs(group), seconds)
    return not _group_runs(group)


def _group_runs(group: int) -> bool:
    """Say whether a process of a group runs. (The signal 0 would also reach those that only wait to be reaped.)"""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return any(_is_in(pid, group) for pid in _pids())


def _pids() -> list[int]:
    import psutil

    return psutil.pids()


def _is_in(pid: int, group: int) -> bool:
    with contextlib.suppress(OSError):
        return os.getpgid(pid) == group and _start(pid) is not None
    return False


def _wait(ended: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ended() and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)
