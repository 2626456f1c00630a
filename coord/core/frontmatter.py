"""A document's front matter: read with the place of every value, edited by splicing single values.

Front matter is never dumped again: a dump turns ``adr: [028]`` into ``['23']``, loses comments and reorders. An edit
replaces the characters of one scalar, is read back, and is refused when anything else would have changed.

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

#: What YAML 1.1 takes for a line break outside of a quoted value, and what it must not meet in a plain one.
_UNSPOKEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_BREAK = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r"---[ \t]*\Z")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS_OF_OTHERS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class Place(NamedTuple):
    """A place in a file, counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an edit was not made, and what a person can do instead."""

    reason: str
    hint: str


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


def set_scalar(data: bytes, key: str, value: str) -> bytes | Refusal:
    """Return ``data`` with the front matter's ``key`` set to ``value`` and every other byte as it was.

    The quoting style is kept where it can hold the value. A key that is absent is added as the last line. What
    cannot be spliced safely is refused: see the reasons below.
    """
    document = read(data)
    if not isinstance(document, Document):
        return _unreadable(document)
    splice = _splice(document, key, value)
    if isinstance(splice, Refusal):
        return splice
    edited = _apply(document.text, splice)
    return edited if _only_changed(document, edited, key, value) else _unsafe(key)


def rename_key(data: bytes, old: str, new: str) -> bytes | Refusal:
    """Return ``data`` with the key ``old`` written ``new``, value and everything else as they were."""
    document = read(data)
    if not isinstance(document, Document):
        return _unreadable(document)
    field = document.get(old)
    if field is None or document.count(old) > 1 or document.count(new) or field.key.decorated:
        return Refusal(f"'{old}' cannot be renamed to '{new}' here", "edit the file by hand")
    edited = _apply(document.text, (*field.key.span, new))
    again = read(edited)
    expected = [(new if f.name == old else f.name, f.meaning) for f in document.fields]
    if isinstance(again, Document) and [(f.name, f.meaning) for f in again.fields] == expected:
        return edited
    return _unsafe(old)


def quoted(value: str) -> str:
    """Return ``value`` as a YAML scalar on one line: plain where every reader takes it for this text, else quoted."""
    return value if _is_plain(value) else _double_quoted(value)


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


# -- writing -------------------------------------------------------------------------------------------------------

#: Replace the characters from the first place to the second by the text.
_Splice = tuple[int, int, str]


def _apply(text: str, splice: _Splice) -> bytes:
    start, end, new = splice
    return (text[:start] + new + text[end:]).encode("utf-8")


def _splice(document: Document, key: str, value: str) -> _Splice | Refusal:
    """Return the one change that gives ``key`` its new value."""
    if re.search(r"[\ud800-\udfff]", key + value):
        return Refusal(f"the value for '{key}' cannot be written as UTF-8", "use other characters")
    if document.flow:
        return Refusal(
            "the front matter is one '{...}'", "write it as lines of 'key: value', then run it again"
        )
    field = document.get(key)
    if field is None:
        return _addition(document, key, value)
    if document.count(key) > 1:
        return Refusal(f"'{key}' stands there more than once", f"keep one '{key}' line, then run it again")
    if not isinstance(field.value, Scalar):
        return Refusal(f"the value of '{key}' is not one word", f"write '{key}: {value}', then run it again")
    return _replacement(document.text, key, field.value, value)


def _addition(document: Document, key: str, value: str) -> _Splice:
    """Add the key after the last line, in the column of the first key: front matter may be indented as a whole."""
    end = document.front[1]
    indent = " " * (document.fields[0].key.at.column - 1) if document.fields else ""
    return end, end, f"{indent}{quoted(key)}: {quoted(value)}{document.newline}"


def _replacement(text: str, key: str, old: Scalar, value: str) -> _Splice | Refusal:
    start, end = old.span
    if old.text == value and not old.is_null:
        return start, end, text[start:end]
    if old.decorated:
        return Refusal(
            f"the value of '{key}' has an anchor, alias or tag", f"write '{key}: {value}', then run it again"
        )
    if old.style in ("|", ">"):
        return Refusal(
            f"the value of '{key}' is a block of text", f"write '{key}: {value}', then run it again"
        )
    if start == end and text[start - 1] != ":":
        return Refusal(f"'{key}' has no ':'", f"write '{key}: {value}', then run it again")
    return start, end, (" " if start == end else "") + _styled(value, old.style)


def _styled(value: str, style: str) -> str:
    if style == "'" and not _UNSPOKEN.search(value):
        return "'" + value.replace("'", "''") + "'"
    return quoted(value) if style == "" else _double_quoted(value)


def _is_plain(value: str) -> bool:
    if not value or value != value.strip() or _UNSPOKEN.search(value):
        return False
    if value.lower() in _WORDS_OF_OTHERS or not (value[0].isalnum() or value[0] in "_/.("):
        return False
    if re.search(r":(?:\s|$)|\s#", value) or value.startswith(("---", "...")):
        return False
    resolver = yaml.resolver.Resolver()
    resolved = resolver.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    # A date stays plain, as people write it; only what another reader takes for a number or a switch is quoted.
    return resolved in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


def _double_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _UNSPOKEN.sub(_escape, escaped) + '"'


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(match[0])
    return named or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")


def _only_changed(before: Document, edited: bytes, key: str, value: str) -> bool:
    """Read the edited document back: the key has its value, and nothing else is different."""
    after = read(edited)
    if not isinstance(after, Document) or after.text[after.body :] != before.text[before.body :]:
        return False
    field = after.get(key)
    if field is None or not isinstance(field.value, Scalar) or field.value.text != value:
        return False
    others = [(f.name, f.meaning) for f in before.fields if f.name != key]
    names = [f.name for f in before.fields] + ([] if before.get(key) else [key])
    return (
        others == [(f.name, f.meaning) for f in after.fields if f.name != key]
        and [f.name for f in after.fields] == names
    )


def _unreadable(what: NoFrontMatter | Broken) -> Refusal:
    if isinstance(what, NoFrontMatter):
        return Refusal(
            "the file has no front matter", "start it with '---', the fields and '---', then run it again"
        )
    place = f"line {what.at.line}, column {what.at.column}"
    return Refusal(f"{what.message} ({place})", "mend the file, then run it again")


def _unsafe(key: str) -> Refusal:
    return Refusal(f"'{key}' cannot be changed without touching something else", "edit the file by hand")
