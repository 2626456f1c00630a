"""Do two versions of a task file differ only where coord may write: status, Notes, Summary?

The checker's own reading of a task file's sections, so that a mistake in the code that writes them is seen.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from coord.core.frontmatter import Document, Scalar, read, split

_SECTIONS = ("notes", "summary")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*\Z)|~{3,})")


class _Line(NamedTuple):
    """A line of a body: its text with its ending, and its heading's level and title (0: no heading)."""

    text: str
    level: int = 0
    title: str = ""


def only_meant_bytes_differ(before: bytes, after: bytes) -> bool:
    """Say whether two versions of a task file are equal outside of status, Notes and Summary, blank lines aside."""
    old, new = (data.decode("utf-8", "surrogateescape") for data in (before, after))
    return _front(before, old) == _front(after, new) and _rest(old) == _rest(new)


def _front(data: bytes, text: str) -> str:
    """Return the front matter without the value of its status; a file that has none reads as if it said it."""
    document = read(data)
    end = split(text).body
    field = document.get("status") if isinstance(document, Document) else None
    if field is None or not isinstance(field.value, Scalar):
        return _squeezed(text[:end])
    start, stop = field.value.span
    if text[:start].endswith(("\nstatus: ", "\nstatus:")) and text[stop:].startswith(("\n", "\r\n")):
        line = text.rindex("\n", 0, start) + 1
        return _squeezed(text[:line] + text[text.index("\n", stop) + 1 : end])
    return _squeezed(text[:start] + text[stop:end])


def _squeezed(front: str) -> str:
    """Return front matter with its last line's ending made one, as adding a last key may have to."""
    return front.rstrip("\r\n")


def _rest(text: str) -> list[str]:
    """Return the lines of the body outside Notes and Summary that are not blank."""
    kept: list[str] = []
    seen: set[str] = set()
    inside = False
    for line in _lines(text[split(text).body :]):
        if 0 < line.level <= 2:
            title = line.title.casefold()
            inside = line.level == 2 and title in _SECTIONS and title not in seen
            seen |= {title} if inside else set()
        if not inside and line.text.strip():
            kept.append(line.text)
    # A section that is added at the end gives the line before it an ending.
    return [*kept[:-1], kept[-1].rstrip("\r\n")] if kept else []


def _lines(body: str) -> list[_Line]:
    """Return the lines of a body with its headings; what a fence or comment encloses holds none."""
    found: list[_Line] = []
    closing, opened = "", 0
    for row in re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z", body):
        bare = row.rstrip("\r\n")
        if closing:
            closing = "" if _closes(bare, closing) else closing
            found.append(_Line(row))
            continue
        closing, opened = _opens(bare), len(found)
        heading = None if closing else _HEADING.match(bare)
        found.append(_Line(row, len(heading[1]), (heading[2] or "").strip()) if heading else _Line(row))
    if closing:
        # A block that is never closed ends the section before it: what is written stands before it.
        found[opened] = _Line(found[opened].text, 1, "open block")
    return found


def _opens(line: str) -> str:
    """Return the mark that closes the fence or comment which a line opens, or ``""``."""
    if match := _FENCE.match(line):
        return match[1]
    return "-->" if re.match(r" {0,3}<!--", line) and "-->" not in line else ""


def _closes(line: str, mark: str) -> bool:
    if mark == "-->":
        return mark in line
    bare = line.strip()
    return len(bare) >= len(mark) and not bare.strip(mark[0]) and len(line) - len(line.lstrip(" ")) <= 3
