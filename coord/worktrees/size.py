"""How much of the disk a folder takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: How many files are looked at between two looks at the clock.
_PATIENCE = 256


def disk_use(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk, each file once whatever its names; links are not followed."""
    seen: dict[tuple[int, int], int] = {}
    for status in _below(folder):
        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


@dataclass(frozen=True, slots=True)
class Measured:
    """The bytes that a folder takes; ``at_least``: measuring was broken off there."""

    size: int
    at_least: bool = False


def disk_use_until(folder: Path, is_time_up: Callable[[], bool]) -> Measured:
    """Return what ``disk_use`` returns, or what was counted when the time was up."""
    seen: dict[tuple[int, int], int] = {}
    for number, status in enumerate(_below(folder)):
        if not number % _PATIENCE and is_time_up():
            return Measured(sum(seen.values()), at_least=True)
        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return Measured(sum(seen.values()))


def _below(folder: Path) -> Iterator[os.stat_result]:
    """Yield what is known of everything below; what goes meanwhile, or cannot be read, counts nothing."""
    pending = [str(folder)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
