"""The kinds of value that ``.coord.toml`` holds: how each is read, what a JSON schema says of it, how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from coord.core.settings import Identity


class WrongError(Exception):
    """A value is not of the kind that its key takes; the text says which kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key takes.

    ``read`` returns the value or raises WrongError; ``takes`` is one phrase for the page of the configuration;
    ``schema`` is what a JSON schema can say of it; ``written`` is the value that the file would hold for a read one.
    """

    read: Callable[[Any], Any]
    takes: str
    schema: Mapping[str, Any]
    written: Callable[[Any], Any] = lambda value: value


# -- readers -------------------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongError("a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise WrongError("a list of texts")
    return tuple(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongError("true or false")
    return value


def _from(minimum: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise WrongError(f"a whole number from {minimum}")
        return value

    return read


def _member(kind: type[StrEnum]) -> Callable[[object], StrEnum]:
    def read(value: object) -> StrEnum:
        try:
            return kind(str(value))
        except ValueError:
            raise WrongError(" or ".join(repr(item.value) for item in kind)) from None

    return read


def _folder(value: object) -> str:
    folder = _text(value).strip("/").removeprefix("./")
    if not folder or any(part in ("", ".", "..", ".git") for part in folder.split("/")):
        raise WrongError("a folder inside the repository")
    return folder


def _prefixes(value: object) -> tuple[str, ...]:
    prefixes = _texts(value)
    if not prefixes or not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*/", prefix) for prefix in prefixes):
        raise WrongError('a list of branch prefixes that end in "/", such as ["feat/"]')
    return prefixes


def _identity(value: object) -> Identity:
    match = re.fullmatch(r"\s*([^<>\n]+?)\s*<([^<>\s]+)>\s*", _text(value))
    if not match:
        raise WrongError('of the form "Name <mail>"')
    return Identity(match[1], match[2])


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        words = _texts(value)
    else:
        import shlex

        try:
            words = tuple(shlex.split(_text(value)))
        except ValueError:
            raise WrongError("a command with closed quotes") from None
    if not words:
        raise WrongError("a command")
    return words


def _steps(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise WrongError("a list of commands")
    return tuple(_command(step) for step in value)


def _duration(value: object) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", value) if isinstance(value, str) else None
    if not match or float(match[1]) == 0:
        raise WrongError('a duration such as "30m", "90s" or "2h"')
    return float(match[1]) * units[match[2]]


def _size(value: object) -> int:
    units = {"M": 2**20, "G": 2**30}
    match = re.fullmatch(r"([1-9]\d{0,9})\s*([MG])", value) if isinstance(value, str) else None
    if value != "0" and not match:
        raise WrongError('a size such as "512M" or "32G", or "0" for no limit')
    return int(match[1]) * units[match[2]] if match else 0


def _names(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value.values()):
        raise WrongError('a table of names, such as { "research/" = "claude" }')
    return MappingProxyType(dict(value))


def _variables(value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, dict) else ()
    right = all(re.fullmatch(r"[A-Za-z_]\w*", name) and isinstance(text, str) for name, text in pairs)
    if not isinstance(value, dict) or not right:
        raise WrongError('a table of variables, such as { LOG = "1" }')
    return tuple(pairs)


def _some_of(known: Mapping[str, object] | tuple[str, ...]) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        names = _texts(value)
        if not set(names) <= set(known):
            raise WrongError(f"a list with names out of: {', '.join(known)}")
        return names

    return read


def _port(value: object) -> int:
    port = _from(1024)(value)
    if port > 65000:
        raise WrongError("a port from 1024 to 65000")
    return port


def _kept(value: object) -> tuple[str, ...]:
    return tuple(_folder(item) for item in _texts(value))


# -- writers: from a value, what the file would hold ---------------------------------------------------------------


def _listed(value: tuple[Any, ...]) -> list[Any]:
    return [_listed(item) if isinstance(item, tuple) else item for item in value]


def _as_duration(seconds: float) -> str:
    whole = int(seconds)
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "m"), (1, "s")) if whole % size == 0)
    return f"{whole // size}{unit}"


def _as_size(size: int) -> str:
    if size == 0:
        return "0"
    return f"{size // 2**30}G" if size % 2**30 == 0 else f"{size // 2**20}M"


# -- kinds ---------------------------------------------------------------------------------------------------------

_SOME_TEXT: Mapping[str, Any] = {"type": "string", "pattern": r"\S"}
_WORD: Mapping[str, Any] = {"type": "string", "minLength": 1}
#: One part of a path: not ``.``, ``..`` or ``.git``.
_PART = r"(?!(?:\.{1,2}|\.git)(?:/|$))[^/]+"
_INSIDE: Mapping[str, Any] = {
    "type": "string",
    "pattern": rf"^(?=[\s\S]*\S)/*(?:\./)?{_PART}(?:/{_PART})*/*$",
}
_SOME_COMMAND: Mapping[str, Any] = {"anyOf": [_SOME_TEXT, {"type": "array", "minItems": 1, "items": _WORD}]}


def _list_of(items: Mapping[str, Any], **more: object) -> Mapping[str, Any]:
    return {"type": "array", "items": items, **more}


TEXT = Kind(_text, "text", _SOME_TEXT)
TEXTS = Kind(_texts, "list of texts", _list_of(_WORD), _listed)
PATTERNS = Kind(_texts, "list of patterns", _list_of(_WORD), _listed)
FLAG = Kind(_flag, "`true` or `false`", {"type": "boolean"})
FOLDER = Kind(_folder, "path in the repository", _INSIDE)
FOLDERS = Kind(_kept, "list of folders", _list_of(_INSIDE), _listed)
PREFIXES = Kind(
    _prefixes,
    "list of prefixes",
    _list_of({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]*/$"}, minItems=1),
    _listed,
)
IDENTITY = Kind(
    _identity,
    "`Name <mail>`",
    {"type": "string", "pattern": r"^\s*[^<>\n]+?\s*<[^<>\s]+>\s*$"},
    lambda who: f"{who.name} <{who.email}>",
)
COMMAND = Kind(_command, "command", _SOME_COMMAND, _listed)
STEPS = Kind(_steps, "list of commands", _list_of(_SOME_COMMAND), _listed)
DURATION = Kind(
    _duration,
    "duration",
    {"type": "string", "pattern": r"^(?=[\d.]*[1-9])\d+(?:\.\d+)?\s*[smh]$"},
    _as_duration,
)
SIZE = Kind(_size, "size", {"type": "string", "pattern": r"^(?:0|[1-9]\d{0,9}\s*[MG])$"}, _as_size)
PORT = Kind(_port, "port, 1024 to 65000", {"type": "integer", "minimum": 1024, "maximum": 65000})
NAMES = Kind(_names, "table of names", {"type": "object", "additionalProperties": _WORD}, dict)
VARIABLES = Kind(
    _variables,
    "table of variables",
    {
        "type": "object",
        "patternProperties": {r"^[A-Za-z_]\w*$": {"type": "string"}},
        "additionalProperties": False,
    },
    dict,
)


def at_least(minimum: int) -> Kind:
    """Return the kind of whole numbers from ``minimum``."""
    return Kind(_from(minimum), f"number from {minimum}", {"type": "integer", "minimum": minimum})


def one_of(kind: type[StrEnum]) -> Kind:
    """Return the kind of the values of an enum."""
    values = [item.value for item in kind]
    return Kind(_member(kind), ", ".join(f'`"{value}"`' for value in values), {"enum": values}, str)


def some_of(known: Mapping[str, object] | tuple[str, ...], what: str) -> Kind:
    """Return the kind of lists whose items are all in ``known``; ``what`` is the phrase for the page."""
    return Kind(_some_of(known), what, _list_of({"enum": list(known)}), _listed)


def text_of(names: tuple[str, ...], what: str) -> Kind:
    """Return the kind of a text that has to be one of ``names``, which somebody else checks with a better message."""
    return Kind(_text, what, {"enum": list(names)})
