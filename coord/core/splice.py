"""Additions to files that belong to people: one entry of a JSON or TOML file, one marked section of a Markdown file.

Every other byte stays. What is made is read again and compared with what was meant; where they differ, nothing is made.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spliced:
    """The file's new text; ``changed`` is False when it says it already."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Other:
    """There is something of a person's own in that place: it is left as it is."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file cannot be read, or not be added to, and why; lines and columns count from 1 (0: not known)."""

    why: str
    line: int = 0
    column: int = 0


Answer = Spliced | Other | Unreadable
Tree = Mapping[str, Any]


def with_json(text: str, keys: tuple[str, ...], value: Tree) -> Answer:
    """Return a JSON text in which ``keys``, one below the other, lead to ``value``; an empty text becomes a whole file."""
    if not text.strip():
        return Spliced(json.dumps(_nested(keys, value), indent=2) + "\n", True)
    try:
        before = json.loads(text)
    except json.JSONDecodeError as error:
        return Unreadable(error.msg, error.lineno, error.colno)
    except RecursionError:
        return Unreadable("it is nested too deeply")
    answer = _standing(before, keys, value, text)
    if answer is not None:
        return answer
    made = _inserted(text, keys, value)
    if json.loads(made) != _merged(before, keys, value):
        return Unreadable("a key stands in it twice")
    return Spliced(made, True)


def with_toml(text: str, keys: tuple[str, ...], value: Tree) -> Answer:
    """Return a TOML text in which ``keys`` lead to a table with ``value`` (texts, and lists of texts)."""
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _of_toml(str(error), text)
    answer = _standing(before, keys, value, text)
    if answer is not None:
        return answer
    newline = "\r\n" if "\r\n" in text else "\n"
    table = [f"[{'.'.join(keys)}]", *(f"{key} = {json.dumps(each)}" for key, each in value.items()), ""]
    joint = newline if text and not text.endswith("\n") else ""
    made = text + joint + (newline if text.strip() else "") + newline.join(table)
    try:
        fits = tomllib.loads(made) == _merged(before, keys, value)
    except tomllib.TOMLDecodeError:
        fits = False
    return Spliced(made, True) if fits else Unreadable(f"[{'.'.join(keys)}] cannot be added at its end")


def _of_toml(said: str, text: str) -> Unreadable:
    """Return what tomllib says of a text: it names a line and a column, or the end of the document."""
    why, _, where = said.partition(" (at ")
    place = re.match(r"line (\d+), column (\d+)", where)
    line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 1)
    return Unreadable(why, line, column)


def _standing(before: Any, keys: tuple[str, ...], value: Tree, text: str) -> Answer | None:
    """Return what is to be answered without an addition, None when there is nothing in its place."""
    at = before
    for key in keys:
        if not isinstance(at, dict):
            return Unreadable(f"what stands above '{key}' is no table of names")
        if key not in at:
            return None
        at = at[key]
    return Spliced(text, False) if at == value else Other()


def _nested(keys: tuple[str, ...], value: Any) -> Any:
    return {keys[0]: _nested(keys[1:], value)} if keys else value


def _merged(before: Any, keys: tuple[str, ...], value: Any) -> Any:
    if not keys:
        return value
    return {**before, keys[0]: _merged(before.get(keys[0], {}), keys[1:], value)}


# -- JSON: where an object begins --------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\r\n]*")


def _inserted(text: str, keys: tuple[str, ...], value: Tree) -> str:
    """Return the text with the entry as the first one of the deepest object on the way that exists."""
    at, left = _skip(text, 0), keys
    while (inner := _value_of(text, at, left[0])) is not None:
        at, left = inner, left[1:]
    newline = "\r\n" if "\r\n" in text else "\n"
    inside = _skip(text, at + 1)
    is_empty = text[inside] == "}"
    outer = _indent(text, at)
    found = re.search(r"\n([ \t]*)\Z", text[at + 1 : inside])
    indent = found[1] if found and not is_empty else outer + "  "
    entry = json.dumps(_nested(left[1:], value), indent=2).replace("\n", newline + indent)
    entry = f"{newline}{indent}{json.dumps(left[0])}: {entry}"
    if is_empty:
        return text[: at + 1] + entry + newline + outer + text[inside:]
    # What stands on the line of the brace goes on there; the first entry begins a line of its own.
    gap = text[at + 1 : inside] if found else newline + indent
    return text[: at + 1] + entry + "," + gap + text[inside:]


def _value_of(text: str, at: int, wanted: str) -> int | None:
    """Return where the value of a key of the object at ``at`` begins, None when it has no such key."""
    decoder = json.JSONDecoder()
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == wanted:
            return at
        at = _skip(text, decoder.raw_decode(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
    return None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


# -- a marked section --------------------------------------------------------------------------------------------------

_SECTION = re.compile(r"<!-- coord:begin(?: ([0-9a-f]{8}))? -->\r?\n(.*?)<!-- coord:end -->", re.DOTALL)


def with_section(text: str, body: str) -> Answer:
    """Return a Markdown text with ``body`` (LF-ended) between our marks, at the end when there are none.

    The first mark holds a digest of what we wrote: what was changed by hand since is left as it is.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    section = f"<!-- coord:begin {_digest(body)} -->\n{body}<!-- coord:end -->".replace("\n", newline)
    found = _SECTION.search(text)
    if found is None:
        if "<!-- coord:begin" in text or "<!-- coord:end" in text:
            return Unreadable("only one of the marks coord:begin and coord:end is there")
        joint = "" if not text or text.endswith("\n") else newline
        return Spliced(text + joint + (newline if text.strip() else "") + section + newline, True)
    written = found[2].replace("\r\n", "\n")
    if written == body:
        return Spliced(text, False)
    if found[1] != _digest(written):
        return Other()
    return Spliced(text[: found.start()] + section + text[found.end() :], True)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:8]
