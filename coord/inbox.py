"""The coordinator's inbox: what agents and the monitor tell the people (or the agent) who watch over this machine."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.shape import parsed
from coord.core.text import plain

#: Characters of one note that are kept.
_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Note:
    """One note: when (seconds since the epoch), about which task, branch and session, how much it matters, what."""

    at: int
    level: str
    text: str
    task: str = ""
    branch: str = ""
    session: str = ""


def leave(state: Path, level: str, text: str, about: Mapping[str, str]) -> None:
    """Leave a note: one JSON line in a log that may be deleted; ``about`` names task, branch and session."""
    state.mkdir(parents=True, exist_ok=True)
    note = {"at": int(time.time()), "level": level, "text": plain(text[:_LIMIT]), **about}
    with (state / "inbox.ndjson").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(note, sort_keys=True) + "\n")


def read(state: Path, *, unread_only: bool = True, mark: bool = True) -> list[Note]:
    """Return the notes, the oldest first; ``mark`` says that they have been read. Lines that are no notes are left out."""
    path, seen = state / "inbox.ndjson", state / "inbox.read"
    start = _start(seen) if unread_only else 0
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(start if start <= size else 0)
            raw = stream.read()
            end = stream.tell() - (len(raw) - raw.rfind(b"\n") - 1)
    except OSError:
        return []
    if mark:
        scratch = seen.with_name(f".{seen.name}.{os.getpid()}")
        scratch.write_text(str(end))
        scratch.rename(seen)
    return [note for line in raw[: raw.rfind(b"\n") + 1].splitlines() if (note := _note(line))]


def _start(seen: Path) -> int:
    try:
        return max(0, int(seen.read_text()))
    except (OSError, ValueError):
        return 0


def _note(line: bytes) -> Note | None:
    try:
        raw = parsed(line)
        if not isinstance(raw, dict):
            return None
        texts = {key: str(raw.get(key, "")) for key in ("level", "text", "task", "branch", "session")}
        at = int(raw["at"])
        return Note(at=at, **texts) if abs(at) < 2**37 else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
