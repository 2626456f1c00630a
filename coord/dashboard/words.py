"""Words and figures as the page writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_TURNS = {
    "coord": "coord's turn",
    "agent": "the agent's turn",
    "maintainer": "a maintainer's turn",
    "others": "others first",
}
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def anchor(number: Mapping[str, int], id: str) -> str:
    """Return where the page tells of a task."""
    return f"#t{number[id]}" if id in number else "#tasks"


def ago(now: int, then: int) -> str:
    """Return how long before the look something was."""
    for unit, length in _UNITS:
        if now - then >= length:
            return counted((now - then) // length, unit) + " before"
    return "just before"


def iso(at: int) -> str:
    """Return a time as ``<time>`` wants it."""
    return _date(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(at: int) -> str:
    """Return a time for people."""
    return _date(at).strftime("%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """Return bytes for people."""
    amount, unit = float(count), "B"
    for following in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, following
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def turn(word: str) -> str:
    """Return whose turn it is, in words."""
    return _TURNS[word]


def unsaid(paths: Sequence[str], reason: str) -> Sequence[str]:
    """Return the files, unless the reason beside them names each."""
    return paths if any(path not in reason for path in paths) else ()


def counted(count: int, noun: str) -> str:
    """Return a number of things."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}es" if noun.endswith("ch") else f"{count} {noun}s"


def _date(at: int) -> datetime:
    # A commit may state any date: what no calendar holds is shown as its end.
    return datetime.fromtimestamp(min(max(at, 0), 253402300799), UTC)
