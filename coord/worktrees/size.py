"""How much of the disk a folder takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def disk_use(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk, each file once whatever its names; links are not followed."""
    seen: dict[tuple[int, int], int] = {}
    for status in _below(folder):
        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


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
