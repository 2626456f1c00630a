"""With which words an agent is started for one turn; never through a shell, and no word of a prompt is an option."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coord.core.agents import AgentKind, Dialect

_PLACES = ("{prompt}", "{model}", "{session}")
_PLACE = re.compile("|".join(map(re.escape, _PLACES)))


@dataclass(frozen=True, slots=True)
class Invocation:
    """An argument list, what goes to stdin, and whether the prompt's file is named in it."""

    command: tuple[str, ...]
    stdin: str
    uses_file: bool


def invocation(
    kind: AgentKind, prompt: str, *, prompt_file: str, session: str = "", copy: bool = False
) -> Invocation:
    """Return how ``kind`` is started for a turn: its own words, then its dialect's.

    In its words ``{prompt}`` is the prompt's file, ``{model}`` the model, ``{session}`` the session; a word with a place
    that has no value goes, together with the option before it. Without ``{prompt}`` the prompt goes to stdin."""
    values = {"{prompt}": prompt_file, "{model}": kind.model, "{session}": session}
    words = _filled(kind.command, values)
    model = () if _names(kind.command, "{model}") else _option("--model", kind.model)
    words += _own_words(kind.dialect, session, copy=copy, model=model)
    uses_file = _names(kind.command, "{prompt}")
    return Invocation(words, "" if uses_file else prompt, uses_file)


def _names(command: tuple[str, ...], place: str) -> bool:
    return any(place in word for word in command)


def _filled(command: tuple[str, ...], values: dict[str, str]) -> tuple[str, ...]:
    words: list[str] = []
    for word in command:
        empty = [place for place in _PLACES if place in word and not values[place]]
        if empty and words and word in _PLACES and words[-1].startswith("-"):
            words.pop()
        if not empty:
            words.append(_PLACE.sub(lambda place: values[place[0]], word))
    return tuple(words)


def _option(name: str, value: str) -> tuple[str, ...]:
    return (name, value) if value else ()


def _own_words(dialect: Dialect, session: str, *, copy: bool, model: tuple[str, ...]) -> tuple[str, ...]:
    match dialect:
        case Dialect.CODEX:
            # ``-``: the prompt is on stdin. https://developers.openai.com/codex/noninteractive
            resume = ("resume", session) if session else ()
            return ("exec", "--json", *model, *resume, "-")
        case Dialect.GEMINI:
            # https://geminicli.com/docs/cli/headless
            return ("--output-format", "stream-json", *model, *_option("--resume", session))
        case Dialect.OPENCODE:
            # https://opencode.ai/docs/cli
            fork = ("--fork",) if copy and session else ()
            return ("run", "--format", "json", *model, *_option("--session", session), *fork)
        case Dialect.CLAUDE:
            return (*_CLAUDE, *model, *_claude_session(session, copy=copy))
        case Dialect.PLAIN:
            return ()


#: https://code.claude.com/docs/en/cli-reference; the permission tool "stdio" is what its SDK passes.
_CLAUDE = (
    "--print",
    "--verbose",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--permission-prompt-tool",
    "stdio",
)


def _claude_session(session: str, *, copy: bool) -> tuple[str, ...]:
    return ("--resume", session, *(("--fork-session",) if copy else ())) if session else ()
