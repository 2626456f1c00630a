"""Ports that worktrees are given: leased, so that no two worktrees have one, and probed, so that nobody else has it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coord.errors import CoordError

_LAST = 65535
_NAME = "COORD_PORT"


@dataclass(frozen=True, slots=True)
class Lease:
    """The ports of a worktree, and the file that says so."""

    file: Path
    worktree: Path
    ports: tuple[int, ...]

    @property
    def is_stale(self) -> bool:
        """Say whether the worktree is gone."""
        return not (self.worktree / ".git").exists()


def environment(ports: Sequence[int]) -> dict[str, str]:
    """Return the variables that tell a worktree's ports: ``COORD_PORT``, ``COORD_PORT_2`` and so on."""
    return {_NAME if number == 1 else f"{_NAME}_{number}": str(port) for number, port in enumerate(ports, 1)}


def lease(state: Path, worktree: Path, *, count: int, start: int) -> tuple[int, ...]:
    """Return ``count`` ports at ``start`` or above for a worktree that is there; it keeps those that it has.

    ``state`` is the folder for caches and logs. Raises CoordError when there are not so many.
    """
    if not count:
        return ()
    with _lock(state):
        held = {lease.file: lease for lease in leases(state) if not lease.is_stale}
        own = held.pop(_file(state, worktree), None)
        ports = own.ports[:count] if own and own.worktree == worktree else ()
        taken = {port for lease in held.values() for port in lease.ports} | set(ports)
        free = (port for port in range(start, _LAST + 1) if port not in taken and is_free(port))
        while len(ports) < count:
            port = next(free, None)
            if port is None:
                raise CoordError(
                    f"there are not {count} free ports from {start} on",
                    hint="coord worktree prune gives back those of worktrees that are over",
                )
            ports = (*ports, port)
        _write(_file(state, worktree), worktree, ports)
    return ports


def free(state: Path, worktree: Path) -> None:
    """Give back the ports of a worktree."""
    _file(state, worktree).unlink(missing_ok=True)


def ports_of(state: Path, worktree: Path) -> tuple[int, ...]:
    """Return the ports that a worktree has."""
    found = _read(_file(state, worktree))
    return found.ports if found else ()


def leases(state: Path) -> tuple[Lease, ...]:
    """Return every lease that can be read, in the order of the first port."""
    read = (_read(file) for file in (state / "ports").glob("*.json"))
    return tuple(sorted((one for one in read if one), key=lambda one: (one.ports, one.file)))


def free_stale(state: Path) -> tuple[Lease, ...]:
    """Give back the ports of worktrees that are gone, and return what they had."""
    if not (state / "ports").is_dir():
        return ()
    with _lock(state):
        stale = tuple(one for one in leases(state) if one.is_stale)
        for one in stale:
            one.file.unlink(missing_ok=True)
    return stale


def is_free(port: int) -> bool:
    """Say whether a server could listen on a port now: on this machine alone, and on all its addresses."""
    places = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")]  # noqa: S104 - bound for a moment
    if socket.has_ipv6:
        places.append((socket.AF_INET6, "::1"))
    return all(_can_bind(family, address, port) for family, address in places)


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return True  # the machine has no such addresses
    with probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return family is socket.AF_INET6 and not _can_bind_any(family, address)
    return True


def _can_bind_any(family: socket.AddressFamily, address: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return True
    return False


@contextlib.contextmanager
def _lock(state: Path) -> Iterator[None]:
    """Keep others from leasing meanwhile; the lock ends with the process that holds it."""
    folder = state / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _file(state: Path, worktree: Path) -> Path:
    name = hashlib.sha256(os.fsencode(worktree)).hexdigest()[:16]
    return state / "ports" / f"{name}.json"


def _read(file: Path) -> Lease | None:
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    match said:
        case {"worktree": str(worktree), "ports": list(ports)} if all(type(port) is int for port in ports):
            return Lease(file, Path(worktree), tuple(ports))
        case _:
            return None


def _write(file: Path, worktree: Path, ports: tuple[int, ...]) -> None:
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps({"worktree": str(worktree), "ports": ports}), "utf-8")
    scratch.replace(file)
