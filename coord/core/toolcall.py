"""What an action of one of coord's tools takes, and how what a model sent is read. Pure.

Models send arguments as an object, as JSON in a text, or beside the action's name; all three are taken. What is unknown is
refused with the nearest name: an argument that is passed over would be believed to have worked.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from coord.core.text import one_line, plain, whole_number

#: Characters that a name, a path or a branch may have, and those that a text may have.
NAME_LIMIT, TEXT_LIMIT = 400, 50_000


class Kind(StrEnum):
    """What an argument is; the value says it to a model."""

    NAME = "a text of one line"
    NAMES = "a list of texts"
    TEXT = "a text"
    FLAG = "true or false"
    NUMBER = "a whole number"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: ``also`` are other names of it, ``choices`` the values there are (any when empty), ``example`` is as
    JSON writes it."""

    name: str
    kind: Kind
    words: str
    required: bool = False
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what it does, what it takes, whether it changes anything, and examples of its ``args``."""

    name: str
    words: str
    arguments: tuple[Argument, ...] = ()
    changes: bool = False
    examples: tuple[str, ...] = ()
    more: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a call is not carried out, and what to do about it."""

    message: str
    hint: str = ""


Value = str | int | bool | tuple[str, ...]
_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call, read; each of the four gives what stands for "not given" when it was not."""

    values: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)

    def text(self, name: str) -> str:
        """Return a text, ``""`` when it was not given."""
        return str(self.values.get(name, ""))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty when it was not given."""
        value = self.values.get(name, ())
        return value if isinstance(value, tuple) else ()

    def flag(self, name: str) -> bool:
        """Say whether it was given and true."""
        return self.values.get(name) is True

    def number(self, name: str, default: int) -> int:
        """Return a number, ``default`` when it was not given."""
        value = self.values.get(name, default)
        return value if isinstance(value, int) else default


def read_call(key: str, raw: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | Wrong:
    """Return the action that a call names under ``key``, and its arguments as they were sent."""
    word = raw.get(key)
    if not isinstance(word, str) or not word.strip():
        return Wrong(f"{key} is missing: expected a text", f'for example {{"{key}": "help"}}')
    beside = {name: value for name, value in raw.items() if name not in (key, "args")}
    inside = raw.get("args")
    if isinstance(inside, str):
        try:
            inside = json.loads(inside) if inside.strip() else {}
        except ValueError:
            inside = "?"
    if inside is not None and not isinstance(inside, Mapping):
        return Wrong(
            "args: expected an object", f'for example {{"{key}": "{one_line(word, 40)}", "args": {{}}}}'
        )
    return one_line(word.strip(), 80), {**beside, **(inside or {})}


def nearest(word: str, names: tuple[str, ...]) -> str:
    """Return words that name what was probably meant, ``""`` when nothing is near."""
    near = difflib.get_close_matches(one_line(word, 80).lower(), names, 1)
    return f"; did you mean '{near[0]}'?" if near else ""


def read_arguments(action: Action, raw: Mapping[str, Any]) -> Given | Wrong:
    """Return the arguments of an action, each as what it is to be, or the first thing that is wrong with them."""
    known = {_key(name): one for one in action.arguments for name in (one.name, *one.also)}
    values: dict[str, Value] = {}
    for name, value in raw.items():
        argument = known.get(_key(str(name)))
        if argument is None:
            return _unknown(action, str(name))
        if value is None:
            continue
        read = _read(argument, value)
        if isinstance(read, Wrong):
            return read
        values[argument.name] = read
    missing = next((one for one in action.arguments if one.required and not values.get(one.name)), None)
    return (
        Given(values)
        if missing is None
        else Wrong(f"{missing.name} is missing: {missing.words}", _form(missing))
    )


def _key(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _unknown(action: Action, name: str) -> Wrong:
    names = tuple(one.name for one in action.arguments)
    takes = f"{action.name} takes {', '.join(names)}" if names else f"{action.name} takes no arguments"
    return Wrong(f"unknown argument '{one_line(name, 60)}'{nearest(name, names)}", takes)


def _form(argument: Argument) -> str:
    what = f"one of {', '.join(argument.choices)}" if argument.choices else argument.kind.value
    example = f", for example {argument.example}" if argument.example else ""
    return f"{argument.name}: expected {what}{example}"


def _read(argument: Argument, value: Any) -> Value | Wrong:
    match argument.kind:
        case Kind.FLAG:
            return _flag(argument, value)
        case Kind.NUMBER:
            return _number(argument, value)
        case Kind.NAMES:
            return _names(argument, value)
        case Kind.TEXT:
            return _text(argument, value)
        case Kind.NAME:
            return _name(argument, value)


def _flag(argument: Argument, value: Any) -> bool | Wrong:
    words = {"true": True, "false": False}
    read = words.get(value.strip().lower()) if isinstance(value, str) else value
    return read if isinstance(read, bool) else Wrong(f"{argument.name} is not understood", _form(argument))


def _number(argument: Argument, value: Any) -> int | Wrong:
    read = whole_number(value.strip()) if isinstance(value, str) else value
    if isinstance(read, float) and read.is_integer():
        read = int(read)
    if isinstance(read, bool) or not isinstance(read, int) or not 0 <= read < 10**12:
        return Wrong(f"{argument.name} is not understood", _form(argument))
    return read


def _names(argument: Argument, value: Any) -> tuple[str, ...] | Wrong:
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list | tuple):
        return Wrong(f"{argument.name} is not understood", _form(argument))
    if len(value) > 1000:
        return Wrong(f"{argument.name} has {len(value)} entries; at most 1000 are taken", _form(argument))
    read = [_name(argument, one) for one in value]
    wrong = next((one for one in read if isinstance(one, Wrong)), None)
    return wrong or tuple(dict.fromkeys(one for one in read if isinstance(one, str) and one))


def _listed(text: str) -> Any:
    """Return the list that a text states as JSON; any other text is the one entry of a list."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return None
    return [text] if text.strip() else []


def _text(argument: Argument, value: Any) -> str | Wrong:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return Wrong(f"{argument.name} is not understood", _form(argument))
    text = str(value)
    if len(text) > TEXT_LIMIT:
        message = f"{argument.name} has {len(text)} characters; at most {TEXT_LIMIT} are taken"
        return Wrong(message, "write the rest to a file in the worktree and name the file")
    return plain(text).strip()


def _name(argument: Argument, value: Any) -> str | Wrong:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return Wrong(f"{argument.name} is not understood", _form(argument))
    text = str(value).strip()
    if len(text) > NAME_LIMIT:
        return Wrong(
            f"{argument.name} has {len(text)} characters; at most {NAME_LIMIT} are taken", _form(argument)
        )
    if not text.isprintable() or plain(text) != text:
        return Wrong(f"{argument.name} holds control characters: '{one_line(text, 60)}'", _form(argument))
    if text.startswith("-"):
        return Wrong(
            f"{argument.name} '{one_line(text, 60)}' looks like an option",
            "it takes a name; flags are arguments",
        )
    if argument.choices and text.lower() not in argument.choices:
        return Wrong(
            f"{argument.name} '{one_line(text, 60)}'{nearest(text, argument.choices)}", _form(argument)
        )
    return text.lower() if argument.choices else text
