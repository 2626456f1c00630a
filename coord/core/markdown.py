"""Foreign text in Markdown that a forge shows: it stays text.

Branch names, reasons, paths and logs are written by agents. On a forge they could mention people, close issues, link,
load pictures, or end the block that they stand in (docs.github.com: "Basic writing and formatting syntax", "Linking a
pull request to an issue").
"""

from __future__ import annotations

import re

from coord.core.text import one_line, plain

_BROKEN = "\u200b"
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#!|~$&])")
#: What makes a list, a rule or a heading of the line above when a line begins with it.
_START = re.compile(r"^(\d{0,9})([-+=.)])")
#: ``@name`` mentions; ``#12``, ``owner/name#12`` and ``GH-12`` refer, and after some verbs close; a URL does both.
_ACTIVE = re.compile(r"@(?=\w)|#(?=\d)|(?i:\bgh(?=-\d))|(?i:\bwww)(?=\.)|(?<=\w)(?=://)")


def prose(text: str, limit: int = 300) -> str:
    """Return foreign text as one line of Markdown that says just that."""
    line = _ACTIVE.sub(lambda match: match[0] + _BROKEN, one_line(text, limit))
    return _START.sub(r"\1\\\2", _MARKS.sub(r"\\\1", line))


def code(text: str, limit: int = 200) -> str:
    """Return foreign text as a code span, in which nothing is active."""
    line = one_line(text, limit) or " "
    fence = "`" * (_longest(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" or line.isspace() else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str, limit: int = 200) -> str:
    """Return foreign text as a code span inside a table, where a bar ends the cell even in code."""
    return code(text.replace("|", "\u2502"), limit)


def block(text: str, limit: int = 8000, language: str = "") -> str:
    """Return the end of foreign text as a fenced block; the fence is longer than any run of its sign inside."""
    body = plain(text)[-limit:].strip("\n")
    fence = "`" * max(3, _longest(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
