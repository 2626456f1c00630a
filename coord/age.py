"""How old what was fetched is, as people say it."""

import os
import time

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def as_of(main_name: str, tip: str, fetched: float | None, committed: int) -> str:
    """Return what main was read and how old that is: ``as of origin/main 3f2a1b0, fetched 5 minutes ago``."""
    now = time.time()
    if fetched is not None:
        return f"as of {main_name} {tip[:7]}, fetched {ago(now - fetched)}"
    return f"as of {main_name} {tip[:7]}, committed {ago(now - committed)}"


def ago(seconds: float) -> str:
    """Return a duration as people say it: ``just now``, ``5 minutes ago``."""
    for unit, length in _UNITS:
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def fetched_at(common: str, main_ref: str) -> float | None:
    """Return when the remote was last asked, as far as files tell: git keeps no such record of its own."""
    times = []
    for trace in ("coord/fetched", "FETCH_HEAD", main_ref, f"logs/{main_ref}"):
        try:
            times.append(os.stat(f"{common}/{trace}").st_mtime)
        except OSError:
            continue
    return max(times, default=None)
