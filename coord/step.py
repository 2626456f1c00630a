"""One step of a gate: a command with limits, of which nothing is left when it has ended."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.profile import Profile, program

#: How much one step may print; the log keeps no more.
LOG_LIMIT = 64 * 2**20

#: How much longer than its time a step is waited for before what guards it is given up as well.
_GRACE = 60.0

#: How often what runs is asked whether it shall stop.
_LISTEN_EVERY = 0.1

_LAUNCHER = Path(__file__).with_name("launcher.py")


class Stopped(Exception):  # noqa: N818 - no error: somebody wanted it to stop
    """The step was stopped because nobody wants to know any more."""


class Stop:
    """Asks what runs in another thread to stop."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def set(self) -> None:
        """Ask to stop; heard within a tenth of a second."""
        self._asked.set()

    def raise_if_set(self) -> None:
        """Raise Stopped when somebody asked."""
        if self._asked.is_set():
            raise Stopped


@dataclass(frozen=True, slots=True)
class Ended:
    """A step's exit code, and why it was ended or failed in words of ours (``""``: it ended by itself).

    ``killed`` when somebody else killed it, or what guards it: the machine's doing (no memory, a person) perhaps.
    """

    code: int
    why: str = ""
    killed: bool = False


@dataclass(frozen=True, slots=True)
class ShortOfRoom:
    """The step failed on a disk that is full, and did not fill it itself."""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The step's program could not be started."""

    errno: int


def run_step(
    step: tuple[str, ...],
    profile: Profile,
    *,
    slot: Path,
    environment: Mapping[str, str],
    log: Path,
    stop: Stop,
) -> Ended | NotStarted | ShortOfRoom:
    """Run one step in ``slot``'s tree, printing to ``log``; return when nothing that it started is left.

    Raises Stopped, after ending the step, when ``stop`` is set meanwhile.
    """
    words = (*profile.wrap, *step)
    with log.open("ab") as stream:
        stream.write(f"$ {program(words)}\n".encode())
        stream.flush()
        code, told = _launch(
            words, profile, slot=slot, environment=environment, stream=stream.fileno(), stop=stop
        )
    kind, number = _read(told)
    if code == 0:
        return Ended(0)
    if kind == "not-started":
        return NotStarted(number)
    if kind == "full":
        return ShortOfRoom()
    killed = kind == "" or (kind == "signal" and number == signal.SIGKILL)
    return Ended(code, _words(kind, number, profile), killed)


def _launch(
    words: tuple[str, ...],
    profile: Profile,
    *,
    slot: Path,
    environment: Mapping[str, str],
    stream: int,
    stop: Stop,
) -> tuple[int, bytes]:
    heard, words_to = os.pipe()
    order = {
        "words": words,
        "words_to": words_to,
        "timeout": profile.timeout,
        "processes": profile.processes,
        "disk": profile.disk,
        "memory": profile.memory,
        "log": LOG_LIMIT,
        "room": str(slot),
    }
    with os.fdopen(heard, "rb") as answers:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(order)],
                cwd=slot / "tree",
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=[words_to],
                start_new_session=True,
            )
        finally:
            os.close(words_to)
        try:
            _wait(process, profile.timeout, stop)
        finally:
            _end(process, slot)
        os.set_blocking(heard, False)
        return process.returncode, answers.read() or b""


def _wait(process: subprocess.Popen[bytes], timeout: float, stop: Stop) -> None:
    """Wait for the launcher to end, for as long as it may take, or until somebody wants it stopped."""
    deadline = time.monotonic() + timeout + _GRACE
    with _ending(process) as ended:
        while not ended(_LISTEN_EVERY) and time.monotonic() < deadline:
            stop.raise_if_set()


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[Callable[[float], bool]]:
    """Give a function that waits at most so many seconds and says whether the process has ended.

    Where the system tells (Linux), it returns at the moment of the end; elsewhere Python looks again and again.
    """
    if not hasattr(os, "pidfd_open"):
        yield lambda seconds: _ends_within(process, seconds)
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        yield lambda seconds: bool(poll.poll(seconds * 1000)) and _ends_within(process, None)
    finally:
        os.close(descriptor)


def _ends_within(process: subprocess.Popen[bytes], seconds: float | None) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes], slot: Path) -> None:
    """End the launcher, and with it the step: asked by the end of its input, then by force."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    process.kill()
    process.wait()
    if process.returncode < 0:
        end_strays(slot)


def _read(told: bytes) -> tuple[str, int]:
    try:
        kind, number = json.loads(told)
        return str(kind), int(number)
    except (ValueError, TypeError):
        return "", 0


def _words(kind: str, number: int, profile: Profile) -> str:
    match kind:
        case "exit":
            return ""
        case "signal":
            return f"the step was ended by signal {number}"
        case "timeout":
            return f"the step was ended: it took longer than {profile.timeout:g} s"
        case "processes":
            return f"the step was ended: it started more than {number} processes"
        case "disk":
            return f"the step was ended: it wrote more than {number / 2**20:g} MiB"
        case "filled":
            return f"the step filled the disk: it wrote {number / 2**20:.0f} MiB"
        case "log":
            return f"the step was ended: it printed more than {number / 2**20:g} MiB"
        case _:
            return "the step was ended"


# -- what a killed coordinator left --------------------------------------------------------------------------------


def end_strays(slot: Path) -> None:
    """End every process that works in ``slot`` or has its scratch HOME. Raises OSError when one cannot be ended."""
    deadline = time.monotonic() + 20
    while found := tuple(_strays(slot)):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, f"a process of an earlier gate cannot be ended ({found[0]})")
        time.sleep(0.005)


def _strays(slot: Path) -> Iterator[int]:
    home = b"HOME=" + os.fsencode(slot / "home")
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid() and _is_stray(process, home, str(slot)):
            yield int(process.name)


def _is_stray(process: Path, home: bytes, inside: str) -> bool:
    try:
        state = (process / "stat").read_bytes().rpartition(b")")[2].split()[0]
        if state in (b"Z", b"X"):
            return False
        place = str((process / "cwd").readlink()).removesuffix(" (deleted)")
        if place == inside or place.startswith(inside + "/"):
            return True
        return home in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # it ended meanwhile, or is another user's
