"""What a program that failed complained of first, found in the end of its output by the words that compilers and test
runners use (rustc, cargo test, pytest, Python, gcc, tsc, go test, npm)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coord.core.text import plain

#: The best first: what says what is wrong and where, then what only names what failed.
_SIGNS = (
    re.compile(r"\berror(?:\[\w+\]|\s+\w*\d+)?:|\bpanicked at\b|^E\s{2,}|^\s*(?:\w+\.)*[A-Z]\w*(?:Error|Exception)\b|^npm ERR!"),
    re.compile(r"\b(?:FAILED|FAIL|ERROR|fatal|error)\b"),
)  # fmt: skip


def first_complaint(lines: Sequence[str]) -> int | None:
    """Return which line complains first; None when none does, as far as these words tell."""
    for sign in _SIGNS:
        found = next((number for number, line in enumerate(lines) if sign.search(line)), None)
        if found is not None:
            return found
    return None


_LEFT = re.compile(r"\((\d{1,9}) lines more\)")


def _count(line: str) -> int:
    """Return how many lines one stands for: a log may be an excerpt already."""
    left = _LEFT.fullmatch(line)
    return int(left[1]) if left else 1


def excerpt(log: str, most: int = 40, limit: int = 8000) -> str:
    """Return at most ``most`` (from 4) lines of a log, plain: its end, and before it what was complained of first, with a
    line that counts what is left out. Of more than ``limit`` characters the first and the last half is kept."""
    lines = plain(log).rstrip().split("\n")
    at = first_complaint(lines)
    if at is None or at >= len(lines) - most:
        return "\n".join(lines[-most:])[-limit:]
    head = lines[at : at + most // 2]
    end = lines[-(most - len(head) - 1) :]
    left = sum(map(_count, lines[at + len(head) : -len(end)]))
    half = limit // 2
    return "\n".join(("\n".join(head)[:half], f"({left} lines more)", "\n".join(end)[-half:]))
