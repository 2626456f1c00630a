"""Text that came from outside, made safe to show and to store.

Branch names, commit messages, paths, logs and summaries are written by agents. They are data: what is shown on a
terminal holds no escape sequences, what is stored in a task file cannot forge front matter, headings or mentions.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FENCE = re.compile(r"^(\s{0,3})(`{3,}|~{3,})")
_MENTION = re.compile(r"(?<![\w`/.])@(?=[A-Za-z0-9_])")


def plain(text: str) -> str:
    """Return ``text`` without terminal escapes, control characters (newline and tab stay) and bidi overrides."""
    text = _ESCAPE.sub("", text.replace("\r\n", "\n"))
    return "".join(c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _BIDI))


def one_line(text: str, limit: int = 200) -> str:
    """Return ``text`` as one plain line of at most ``limit`` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\u2026"


def tail(text: str, lines: int = 40, limit: int = 8000) -> str:
    """Return the last ``lines`` lines of ``text``, at most ``limit`` characters, plain."""
    return "\n".join(plain(text[-4 * limit :]).rstrip().split("\n")[-lines:])[-limit:]


def paragraph(text: str, limit: int = 4000) -> str:
    """Return foreign Markdown prose that is safe inside a section of a task file.

    Headings, rules, fences and HTML comments lose their meaning (a backslash before them), mentions are broken, and
    the text is capped at ``limit`` characters.
    """
    text = plain(text).strip()
    if len(text) > limit:
        text = text[:limit].rstrip() + "\u2026"
    return "\n".join(_inert(line) for line in text.split("\n"))


def _inert(line: str) -> str:
    line = line.rstrip()
    stripped = line.lstrip(" ")
    if len(line) - len(stripped) <= 3 and (
        stripped.startswith("#") or _FENCE.match(line) or re.fullmatch(r"(?:-\s*){2,}|(?:=\s*)+", stripped)
    ):
        line = line[: len(line) - len(stripped)] + "\\" + stripped
    line = line.replace("<!--", "<\\!--")
    return _MENTION.sub("@\u200b", line)
