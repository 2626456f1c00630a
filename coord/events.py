"""Local events: what a run did and how long it took, one JSON line each, in a log that may be deleted.

What is known only after a gate (its duration, a flaky step) cannot stand in the commit that was judged; it stands here
and is shown where it exists. No decision reads it.
"""

from __future__ import annotations

import json
from pathlib import Path


def record(state: Path, at: int, event: str, **facts: str | float | list[str]) -> None:
    """Append one event; ``at`` is in seconds since the epoch. A log that cannot be written is no reason to stop."""
    line = json.dumps({"at": at, "event": event, **facts}, sort_keys=True) + "\n"
    try:
        state.mkdir(parents=True, exist_ok=True)
        with (state / "events.ndjson").open("a", encoding="utf-8") as stream:
            stream.write(line)
    except OSError:
        return
