"""Requests: a decision that a run is asked to carry out before it lands, where only its own credential may move main."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from coord.core.slash import Command, Hold, Land, Release, Retry, Try, Unblock
from coord.core.text import plain


class Ask(StrEnum):
    """What can be asked. ``prove-main`` validates main itself beside the branches; ``land`` lands and decides nothing, and
    so does ``without``, which leaves the branches of these tasks to a later run: their jobs ended without an answer."""

    LAND = "land"
    TRY = "try"
    RETRY = "retry"
    HOLD = "hold"
    RELEASE = "release"
    UNBLOCK = "unblock"
    COMPLETE = "complete"
    PROVE_MAIN = "prove-main"
    WITHOUT = "without"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, of which tasks, with which text; ``comment`` is the comment that asks for it (0: none, a person
    started the run), ``number`` the pull request that it stands on, ``tip`` the branch's tip at that moment."""

    ask: Ask
    tasks: tuple[str, ...] = ()
    text: str = ""
    comment: int = 0
    number: int = 0
    tip: str = ""


def passed_over(request: Request | None) -> frozenset[str]:
    """Return the tasks whose branches a run is to pass over."""
    return frozenset(request.tasks) if request and request.ask is Ask.WITHOUT else frozenset()


def asked_in(command: Command) -> tuple[Ask, str] | None:
    """Return what a slash command asks of a run, with its text; None for those that ask for nothing of the kind."""
    match command:
        case Land():
            return Ask.LAND, ""
        case Try():
            return Ask.TRY, ""
        case Retry():
            return Ask.RETRY, ""
        case Hold(reason):
            return Ask.HOLD, reason
        case Release():
            return Ask.RELEASE, ""
        case Unblock(text):
            return Ask.UNBLOCK, text
        case _:
            return None


def encode_request(request: Request) -> str:
    """Return a request as one line of JSON."""
    return json.dumps(
        {
            "ask": request.ask.value,
            "tasks": list(request.tasks),
            "text": request.text,
            "comment": request.comment,
            "number": request.number,
            "tip": request.tip,
        },
        sort_keys=True,
    )


def decode_request(text: str) -> Request | None:
    """Return the request that a text states, or None when it states none; its texts are plain."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        return Request(
            ask=Ask(raw["ask"]),
            tasks=tuple(plain(str(task)) for task in raw.get("tasks", ())),
            text=plain(str(raw.get("text", "")))[:2000],
            comment=int(raw.get("comment", 0)),
            number=int(raw.get("number", 0)),
            tip=plain(str(raw.get("tip", ""))),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
