"""Slash commands: what people ask of coord in a comment on a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coord.core.text import one_line

#: A line of its own that begins with the word; a quotation (``> /coord``) or code is none.
_LINE = re.compile(r"^/coord(?:[ \t]+(\S+))?(?:[ \t]+(.*))?$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Status:
    """How does this branch stand?"""


@dataclass(frozen=True, slots=True)
class Land:
    """Land what is ready, this branch first of all."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this tip again."""


@dataclass(frozen=True, slots=True)
class Approve:
    """This tip may change protected paths."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep this branch from landing, for a reason."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Undo a hold."""


@dataclass(frozen=True, slots=True)
class Unblock:
    """Lift the block; the text is context for whoever goes on."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """Validate this branch and publish nothing."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """``/coord`` with a word that is no command (or with none)."""

    word: str = ""


Command = Status | Land | Retry | Approve | Hold | Release | Unblock | Try | Unknown

#: Each command with what the help says of it.
HELP: dict[str, str] = {
    "status": "how this branch stands",
    "land": "land what is ready now",
    "retry": "try this tip again",
    "approve": "allow this tip to change protected paths",
    "hold [reason]": "keep this branch from landing",
    "release": "undo a hold",
    "unblock [text]": "lift a block; the text is kept for whoever goes on",
    "try": "validate this branch, publish nothing",
}


def read_command(body: str) -> Command | None:
    """Return the first command in a comment, or None when it holds none."""
    fence = ""
    for line in body.replace("\r", "").split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        match = _LINE.match(line.rstrip()) if not fence else None
        if match:
            return _command((match[1] or "").lower(), one_line(match[2] or "", 1000))
    return None


def _command(word: str, rest: str) -> Command:
    match word:
        case "status":
            return Status()
        case "land" | "merge":
            return Land()
        case "retry":
            return Retry()
        case "approve":
            return Approve()
        case "hold":
            return Hold(rest)
        case "release":
            return Release()
        case "unblock":
            return Unblock(rest)
        case "try":
            return Try()
        case _:
            return Unknown(one_line(word, 40))
