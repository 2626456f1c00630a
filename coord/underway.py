"""Which validations run right now on this machine: one small file that the run at work keeps, and that is believed only
while its process lives."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from coord.core.present import Validation
from coord.core.shape import parsed
from coord.core.text import one_line
from coord.processes import ProcessId, is_running, own

_FILE = "validating.json"

#: Bytes of the file that are read; what is longer was not written by coord.
_LIMIT = 1 << 20


def write(state: Path, running: Sequence[Validation]) -> None:
    """Say which validations this process has under way; none: the file goes, unless another process that lives wrote it.

    A file that cannot be written is no reason to stop.
    """
    path = state / _FILE
    with contextlib.suppress(OSError):
        if not running:
            writer = _read(state)[0]
            if path.exists() and (writer is None or writer == own() or not is_running(writer)):
                path.unlink(missing_ok=True)
            return
        lines = [{"branches": list(one.branches), "since": one.since} for one in running]
        scratch = state / f".{_FILE}.{os.getpid()}"
        scratch.write_text(json.dumps({"process": own().to_json(), "validations": lines}), encoding="utf-8")
        scratch.replace(path)


def read(state: Path) -> tuple[Validation, ...]:
    """Return the validations that run now; none when the process that wrote the file has ended."""
    writer, running = _read(state)
    return running if writer is not None and is_running(writer) else ()


def _read(state: Path) -> tuple[ProcessId | None, tuple[Validation, ...]]:
    try:
        with (state / _FILE).open("rb") as stream:
            raw = parsed(stream.read(_LIMIT))
    except (OSError, ValueError):
        return None, ()
    match raw:
        case {"process": process, "validations": list(lines)}:
            found = (_validation(line) for line in lines)
            return ProcessId.from_json(process), tuple(one for one in found if one)
        case _:
            return None, ()


def _validation(line: object) -> Validation | None:
    match line:
        case {"branches": list(names), "since": int(since)} if names and 0 <= since < 2**37:
            return Validation(tuple(one_line(str(name)) for name in names), since)
        case _:
            return None
