"""A document's front matter, read with the place of every value: ``coord.core.frontedit`` splices single ones.

The values come from the YAML parser's events rather than from composed nodes: events tell anchors, aliases and tags,
which nodes no longer know, and they are read without recursion, so that hostile nesting costs nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import yaml
from yaml import events

#: libyaml written in C where it was built in (ten times faster), else the same in Python.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Front matter is a page of values. Some inputs cost libyaml quadratic time: beyond these it is not read.
FRONT_LIMIT = 64 * 1024
DEPTH_LIMIT = 16

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_BREAK = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r"---[ \t]*\Z")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Place(NamedTuple):
    """A place in a file, counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class NoFrontMatter:
    """The document does not start with a ``---`` line."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The front matter cannot be read; ``id_guess`` is what its ``id`` line seems to say."""

    at: Place
    rule: str
    message: str
    id_guess: str = ""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as the file writes it: ``text`` is never converted (``007`` stays ``007``).

    ``span`` is its place in the document's text; ``style`` the YAML quoting (``""`` when plain); ``decorated`` says
    that an anchor, alias or tag stands there.
    """

    text: str
    at: Place
    span: tuple[int, int]
    style: str = ""
    decorated: bool = False

    @property
    def is_null(self) -> bool:
        return not self.style and self.text in _NULLS


class Form(Enum):
    """What a value is when it is neither a scalar nor a list."""

    MAPPING = "a mapping"
    LIST = "a list inside a list"
    ALIAS = "an alias"


@dataclass(frozen=True, slots=True)
class Other:
    """A value that no field of a task has."""

    form: Form
    at: Place


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Scalar | Other, ...]
    at: Place


Value = Scalar | Items | Other


@dataclass(frozen=True, slots=True)
class Field:
    """A key with its value; ``meaning`` is the value without its places, to compare two readings."""

    key: Scalar
    value: Value
    meaning: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.key.text


@dataclass(frozen=True, slots=True)
class Document:
    """A document with readable front matter. ``front`` and ``body`` are places in ``text``."""

    text: str
    front: tuple[int, int]
    body: int
    fields: tuple[Field, ...]
    flow: bool = False

    @property
    def newline(self) -> str:
        return line_ending(self.text)

    def get(self, name: str) -> Field | None:
        """Return the field ``name`` (the last one when the key stands there twice, as YAML readers take it)."""
        return next((field for field in reversed(self.fields) if field.name == name), None)

    def count(self, name: str) -> int:
        return sum(field.name == name for field in self.fields)


class Parts(NamedTuple):
    """Where a text's front matter and body lie; ``front`` is None without front matter."""

    front: tuple[int, int] | None
    body: int
    closed: bool = True


def lines(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield each line from ``start`` on with its place and its ending; LF, CRLF and a lone CR end lines."""
    for match in _LINE.finditer(text, start):
        if match[0]:
            yield match.start(), match[0]


def line_ending(text: str) -> str:
    """Return the ending of the text's first line (LF when it has none)."""
    first = next((line for _, line in lines(text)), "")
    return first[len(first.rstrip("\r\n")) :] or "\n"


def split(text: str) -> Parts:
    """Find the front matter: between a first line ``---`` (after a byte order mark, if any) and the next such line."""
    start = 1 if text.startswith("\ufeff") else 0
    rows = lines(text, start)
    _, first = next(rows, (start, ""))
    if not _FENCE.match(first.rstrip("\r\n")):
        return Parts(None, start)
    opened = start + len(first)
    for at, line in rows:
        if _FENCE.match(line.rstrip("\r\n")):
            return Parts((opened, at), at + len(line))
    return Parts((opened, len(text)), len(text), closed=False)


def read(data: bytes) -> Document | NoFrontMatter | Broken:
    """Read a document. Front matter without any key is a document without fields."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(data, error)
    parts = split(text)
    if parts.front is None:
        return _unopened(text)
    start, end = parts.front
    front = text[start:end]
    if not parts.closed:
        return Broken(
            Place(), "front-matter", "the front matter is not closed by a '---' line", _guess(front)
        )
    if len(front) > FRONT_LIMIT:
        return Broken(
            Place(),
            "front-matter",
            f"the front matter is longer than {FRONT_LIMIT // 1024} KiB",
            _guess(front),
        )
    return _parse(text, parts.front, parts.body)


# -- reading -------------------------------------------------------------------------------------------------------


def _undecodable(data: bytes, error: UnicodeDecodeError) -> Broken | NoFrontMatter:
    before = data[: error.start].decode("utf-8", "replace")
    if not data.removeprefix(b"\xef\xbb\xbf").startswith(b"---"):
        return NoFrontMatter()
    message = f"not UTF-8: byte 0x{data[error.start]:02x}"
    return Broken(_place(before, len(before)), "encoding", message, _guess(data.decode("utf-8", "replace")))


def _unopened(text: str) -> Broken | NoFrontMatter:
    """Tell a document without front matter from one whose front matter readers will not see."""
    for at, line in lines(text):
        if line.strip("\ufeff \t\r\n"):
            hidden = bool(at) and _FENCE.match(line.rstrip("\r\n")) and _guess(text[at:])
            if hidden:
                message = "the front matter must start on the first line"
                return Broken(_place(text, at), "front-matter", message, hidden)
            break
    return NoFrontMatter()


def _guess(front: str) -> str:
    match = re.search(r"^id:[ \t]*[\"']?([^\s\"'#]+)", front[:FRONT_LIMIT], re.MULTILINE)
    return match[1] if match else ""


def _place(text: str, index: int) -> Place:
    return _place_in(_line_starts(text, index), index)


def _line_starts(text: str, end: int) -> list[int]:
    return [0, *(match.end() for match in _BREAK.finditer(text, 0, end))]


def _place_in(starts: list[int], index: int) -> Place:
    line = bisect_right(starts, index)
    return Place(line, index - starts[line - 1] + 1)


class _Source:
    """The events of one front matter, with places in the whole document."""

    def __init__(self, text: str, front: tuple[int, int]) -> None:
        self.offset, end = front
        self.starts = _line_starts(text, end)
        self.stream: Iterator[events.Event] = yaml.parse(text[self.offset : end], Loader=_LOADER)
        self.anchors: dict[str, Value] = {}

    def next(self) -> events.Event:
        return next(self.stream)

    def place(self, event: events.Event) -> Place:
        return _place_in(self.starts, self.index(event.start_mark))

    def index(self, mark: Any) -> int:
        """Return the place of a mark in the document's text; marks count characters of the front matter."""
        return self.offset + int(mark.index)


class _UnfitError(Exception):
    """The front matter is YAML, but not a mapping of keys to values."""

    def __init__(self, at: Place, message: str) -> None:
        super().__init__(message)
        self.at = at


def _parse(text: str, front: tuple[int, int], body: int) -> Document | Broken:
    guess = _guess(text[front[0] : front[1]])
    if text.startswith("\ufeff", front[0]):
        return Broken(Place(2, 1), "yaml", "a byte order mark inside the front matter", guess)
    source = _Source(text, front)
    try:
        flow, fields = _mapping(source)
    except _UnfitError as unfit:
        return Broken(unfit.at, "yaml", str(unfit), guess)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _place(text, front[0] + mark.index) if mark else Place(2, 1)
        return Broken(at, "yaml", f"not valid YAML: {error.problem or error.context}", guess)
    except yaml.reader.ReaderError as error:
        at = _place(text, front[0] + int(error.position))
        return Broken(at, "yaml", f"not valid YAML: {error.reason}", guess)
    return Document(text, front, body, fields, flow)


def _mapping(source: _Source) -> tuple[bool, tuple[Field, ...]]:
    source.next()  # the stream's start
    event = source.next()
    if isinstance(event, events.StreamEndEvent):
        return False, ()
    event = source.next()
    if isinstance(event, events.ScalarEvent) and event.value == "" and event.implicit[0]:
        _end(source)
        return False, ()
    if not isinstance(event, events.MappingStartEvent):
        raise _UnfitError(source.place(event), "the front matter must hold 'key: value' lines")
    fields = []
    while not isinstance(key := source.next(), events.MappingEndEvent):
        fields.append(_field(source, key))
    _end(source)
    return bool(event.flow_style), tuple(fields)


def _end(source: _Source) -> None:
    source.next()  # the document's end
    after = source.next()
    if not isinstance(after, events.StreamEndEvent):
        raise _UnfitError(source.place(after), "the front matter holds more than one YAML document")


def _field(source: _Source, event: events.Event) -> Field:
    key, _ = _value(source, event)
    if not isinstance(key, Scalar):
        raise _UnfitError(key.at, "a key must be a word")
    value, meaning = _value(source, source.next())
    return Field(key, value, meaning)


def _value(source: _Source, event: events.Event) -> tuple[Value, tuple[str, ...]]:
    """Read the value that ``event`` starts, with its meaning."""
    trail = [_tell(event)]
    value: Value
    if isinstance(event, events.ScalarEvent):
        value = _scalar(source, event)
    elif isinstance(event, events.AliasEvent):
        value = _aliased(source, event)
    elif isinstance(event, events.SequenceStartEvent):
        value = _items(source, event, trail)
    else:
        value = Other(Form.MAPPING, source.place(event))
        _skip(source, trail)
    if isinstance(event, events.NodeEvent) and event.anchor and not isinstance(event, events.AliasEvent):
        source.anchors[event.anchor] = value
    return value, tuple(trail)


def _items(source: _Source, start: events.Event, trail: list[str]) -> Items:
    items: list[Scalar | Other] = []
    while not isinstance(event := source.next(), events.SequenceEndEvent):
        trail.append(_tell(event))
        if isinstance(event, events.ScalarEvent):
            items.append(_scalar(source, event))
            if event.anchor:
                source.anchors[event.anchor] = items[-1]
        elif isinstance(event, events.AliasEvent):
            value = _aliased(source, event)
            items.append(Other(Form.LIST, value.at) if isinstance(value, Items) else value)
        else:
            form = Form.LIST if isinstance(event, events.SequenceStartEvent) else Form.MAPPING
            items.append(Other(form, source.place(event)))
            _skip(source, trail)
    trail.append(_tell(event))
    return Items(tuple(items), source.place(start))


def _scalar(source: _Source, event: events.ScalarEvent) -> Scalar:
    span = (source.index(event.start_mark), source.index(event.end_mark))
    decorated = event.anchor is not None or event.tag is not None
    return Scalar(event.value, source.place(event), span, event.style or "", decorated)


def _aliased(source: _Source, event: events.AliasEvent) -> Value:
    """Return what an alias names, at the alias's own place; such a value is read and never spliced."""
    at = source.place(event)
    named = source.anchors.get(event.anchor or "", Other(Form.ALIAS, at))
    return replace(named, at=at, decorated=True) if isinstance(named, Scalar) else replace(named, at=at)


def _skip(source: _Source, trail: list[str]) -> None:
    """Pass over the rest of a collection whose start was read."""
    depth = 1
    while depth:
        event = source.next()
        trail.append(_tell(event))
        depth += isinstance(event, events.CollectionStartEvent) - isinstance(event, events.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise _UnfitError(source.place(event), f"values are nested more than {DEPTH_LIMIT} deep")


def _tell(event: events.Event) -> str:
    """Return an event without its place."""
    words = [type(event).__name__]
    words += [repr(getattr(event, name, None)) for name in ("anchor", "tag", "implicit", "value")]
    return " ".join(words)
