"""The room of gates on this machine: a folder for each that is at work, the environment of its steps, and its log.

The folder lies outside the repository, because build tools look upwards: below the checkout they would find its
``.git``, its ``.cargo/config.toml`` or its ``pytest.ini`` and judge another tree than the one given. The code under
test gets a scratch HOME and an environment of a few names; no credential of the person who runs coord is in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import pwd
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coord.errors import CoordError
from coord.folder import make_folder, remove
from coord.step import end_strays

#: How many gates may be at work for one repository on one machine.
_SLOTS = 64

#: How the folder of a repository's gates ends: with the digest of its git directory.
_REPOSITORY = re.compile(r"-[0-9a-f]{10}\Z")

_CARGO_SHARED = ("registry/index", "registry/cache", "registry/src", "git/db", "git/checkouts")


@dataclass(frozen=True, slots=True)
class Room:
    """Where gates work on this machine.

    ``state`` holds evidence and logs (below the git directory), ``folder`` the gate's folders (outside the
    repository), ``read`` gives a blob's bytes, ``clone`` gives a folder its own ``.git`` at a commit, ``show`` takes
    one line of progress, ``logging`` the log that a gate is about to write.
    """

    state: Path
    folder: Path
    read: Callable[[str], bytes]
    clone: Callable[[Path, str], None]
    show: Callable[[str], None] = field(default=lambda _line: None)
    logging: Callable[[Path], None] = field(default=lambda _log: None)


def default_folder(common: Path, chosen: str | None) -> Path:
    """Return where gates work for the repository with this git directory.

    ``chosen`` is ``git config coord.gateFolder``. Otherwise a private folder in /var/tmp (it outlives a reboot, and
    the system may clear it: it is a cache). Raises CoordError when somebody else owns that folder.
    """
    digest = hashlib.sha256(os.fsencode(common)).hexdigest()[:10]
    name = re.sub(r"[^A-Za-z0-9._-]", "-", (common.parent if common.name == ".git" else common).name)[:40]
    if chosen:
        return Path(chosen).expanduser() / f"{name}-{digest}"
    parent = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    private = parent / _private_name()
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if private.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise CoordError(
            f"{private} does not belong to you alone, so gates cannot work there",
            hint="name another folder: git config coord.gateFolder DIR",
        )
    return private / f"{name}-{digest}"


def _private_name() -> str:
    return f"coord-{os.getuid()}"


@contextlib.contextmanager
def lend_slot(room: Room) -> Iterator[Path]:
    """Lend a gate folder that no other coordinator on this machine is using, with nothing in it but its tree.

    The lock ends with the process. It lies with our state: the code under test can write next to its own folder.
    """
    locks = room.state / "gate"
    locks.mkdir(parents=True, exist_ok=True)
    room.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(_SLOTS):
        with (locks / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            slot = room.folder / str(number)
            end_strays(slot)
            _clear(room.folder, slot)
            yield slot
            return
    raise OSError(errno.EBUSY, f"{_SLOTS} gates are at work already")


def _clear(folder: Path, slot: Path) -> None:
    """Remove what lies beside the trees: build tools look upwards for their settings."""
    make_folder(slot)
    ours = {"cargo", *map(str, range(_SLOTS))}
    strange = [path for path in folder.iterdir() if path.name not in ours]
    strange += [path for path in slot.iterdir() if path.name != "tree"]
    if folder.parent.name == _private_name():
        strange += [path for path in folder.parent.iterdir() if not _REPOSITORY.search(path.name)]
    for path in strange:
        remove(path)


def make_environment(slot: Path, folder: Path) -> dict[str, str]:
    """Return the environment of the code under test, with a scratch HOME and TMPDIR made anew."""
    for name in ("home", "tmp"):
        remove(slot / name)
        (slot / name).mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": str(slot / "home"),
        "TMPDIR": str(slot / "tmp"),
        "RUSTUP_HOME": str(rustup_home()),
        "CARGO_HOME": str(_cargo_home(folder / "cargo")),
    }


def rustup_home() -> Path:
    """Return where the Rust toolchains are that the code under test is built with."""
    return _real("RUSTUP_HOME", ".rustup", "toolchains")


def _real(variable: str, name: str, holding: str = "") -> Path:
    """Return the folder of a Rust tool: its variable, else below HOME, else below the user's real home.

    One that does not hold ``holding`` is passed over: rustup leaves an empty one in any HOME that it is run with.
    """
    if os.environ.get(variable):
        return Path(os.environ[variable])
    homes = [Path(os.environ["HOME"])] if os.environ.get("HOME") else []
    homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return next((home / name for home in homes if (home / name / holding).is_dir()), homes[-1] / name)


def _cargo_home(private: Path) -> Path:
    """Return a CARGO_HOME that shares only the registry caches: no credentials, no configuration."""
    real = _real("CARGO_HOME", ".cargo")
    private.mkdir(exist_ok=True)
    for name in _CARGO_SHARED:
        link = private / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if (real / name).is_dir() and not link.exists():
            with contextlib.suppress(FileExistsError):
                link.symlink_to(real / name)
    for name in ("credentials", "credentials.toml", "config", "config.toml"):
        remove(private / name)
    return private


def new_log(state: Path, name: str, slot: str) -> Path:
    """Return a new log; gates that work side by side, each in a slot of its own, never share one."""
    folder = state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"), key=_last_written)[:-50]:
        old.unlink(missing_ok=True)
    beside = "" if slot == "0" else f".{slot}"
    log = folder / (re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80] + beside + ".log")
    log.write_bytes(b"")
    return log


def _last_written(log: Path) -> float:
    try:
        return log.stat().st_mtime
    except OSError:  # another gate has just removed it
        return 0.0
