"""Local events: what happened on this machine and how long it took, one JSON line each, in a log that may be deleted.

What is known only after a gate (its duration, a flaky step) cannot stand in the commit that was judged; it stands here
and is shown where it exists. No decision reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coord.core.history import Entry, decode, encode
from coord.core.shape import parsed

_LOG, _OLD, _TIPS = "events.ndjson", "events.old.ndjson", "tips.json"

#: Bytes of the log after which it is put aside; the one before it goes. At 300 bytes an event: 50,000 events each.
_LIMIT = 16 << 20

#: Bytes of the log's end that are read for what happened last.
_RECENT = 1 << 18

#: Bytes of one line that are read; what is longer was not written by coord.
_LINE = 1 << 20


def record(state: Path, *entries: Entry) -> None:
    """Append events. A log that cannot be written is no reason to stop."""
    if not entries:
        return
    lines = "".join(json.dumps(encode(entry), sort_keys=True) + "\n" for entry in entries)
    path = state / _LOG
    try:
        state.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LIMIT:
            path.replace(state / _OLD)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(lines)
    except OSError:
        return


def read(state: Path) -> tuple[list[Entry], int]:
    """Return the events of this machine, as they were written, and how many lines of the log are none."""
    entries: list[Entry] = []
    unread = 0
    for name in (_OLD, _LOG):
        try:
            raw = (state / name).read_bytes()
        except OSError:
            continue
        for line in raw.splitlines():
            entry = _entry(line)
            if entry is not None:
                entries.append(replace(entry, line=len(entries) + 1))
            else:
                unread += 1
    return entries, unread


def recent(state: Path) -> list[Entry]:
    """Return the last events of this machine, as they were written: a few hundred, whatever the length of the log."""
    try:
        with (state / _LOG).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _RECENT))
            lines = stream.read().splitlines()
    except OSError:
        return []
    whole = lines if size <= _RECENT else lines[1:]
    return [entry for line in whole if (entry := _entry(line))]


def note_seen(state: Path, sights: Sequence[Entry]) -> None:
    """Record those of the sights of live branches that are new: a tip for the first time, or done for the first time."""
    tips = {sight.branch: _mark(sight) for sight in sights}
    before = _tips(state)
    if tips == before:
        return
    record(state, *_new(sights, before))
    scratch = state / f".{_TIPS}.{os.getpid()}"
    try:
        state.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps(tips, sort_keys=True), encoding="utf-8")
        scratch.replace(state / _TIPS)
    except OSError:
        return


def _new(sights: Sequence[Entry], before: dict[str, str]) -> Sequence[Entry]:
    return [
        replace(sight, reason=_seen_words(sight, before.get(sight.branch, "")))
        for sight in sights
        if before.get(sight.branch) not in (_mark(sight), sight.tip)
    ]


def _mark(sight: Entry) -> str:
    return f"{sight.tip} working" if sight.working else sight.tip


def _seen_words(sight: Entry, before: str) -> str:
    if before.partition(" ")[0] == sight.tip:
        return "done now"
    return f"pushed again (it was at {before[:7]})" if before else "first seen"


def _tips(state: Path) -> dict[str, str]:
    try:
        raw = parsed((state / _TIPS).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(tip) for name, tip in raw.items()} if isinstance(raw, dict) else {}


def _entry(line: bytes) -> Entry | None:
    if len(line) > _LINE:
        return None
    try:
        return decode(parsed(line))
    except ValueError:
        return None
