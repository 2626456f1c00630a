"""In what the agents differ that speak the Agent Client Protocol, by their names and versions, as recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Naming(StrEnum):
    """Where the name of a call's tool stands when the agent does not tell it apart."""

    TOLD = "told"
    TITLE = "title"
    CALL = "call"
    OPTION = "option"


class Second(StrEnum):
    """What a second prompt does while a turn is under way (why coord never sends one)."""

    UNKNOWN = "unknown"
    STEERS = "steers"
    MERGES = "merges"
    QUEUES = "queues"
    REPLACES = "replaces"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is particular to the agents of these ``names``, from version ``since`` until before ``until``.

    ``invalid_titles`` and ``invalid_outputs`` tell a call of an unknown tool, or with arguments that are none;
    ``children`` are the tools that start a child agent; ``fork_cwd``: a copy works in the folder that it is given."""

    names: tuple[str, ...] = ()
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    naming: Naming = Naming.TOLD
    invalid_titles: tuple[str, ...] = ()
    invalid_outputs: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    sees_unknown_tools: bool = False
    sees_retry: bool = False
    usage: bool = False
    cost: bool = False
    fork_cwd: bool = False
    second: Second = Second.UNKNOWN


NO_QUIRKS = Quirks()

#: Recorded with OpenCode 1.18, claude-agent-acp 0.49, codex-acp 2.6, Gemini CLI 0.61 and Qwen Code 0.15.
QUIRKS: tuple[Quirks, ...] = (
    Quirks(
        ("scripted",),
        invalid_titles=("invalid",),
        children=("child",),
        sees_unknown_tools=True,
        sees_retry=True,
        usage=True,
        cost=True,
        fork_cwd=True,
        second=Second.REFUSES,
    ),
    Quirks(
        # Its fork stays in the folder of the original, whatever it is given.
        ("opencode",),
        naming=Naming.TITLE,
        invalid_titles=("invalid", "Invalid Tool"),
        children=("task",),
        sees_unknown_tools=True,
        usage=True,
        cost=True,
        second=Second.MERGES,
    ),
    Quirks(
        ("claude-agent-acp", "claude-code-acp"),
        invalid_outputs=("No such tool available", "InputValidationError"),
        children=("Task", "Agent"),
        sees_unknown_tools=True,
        usage=True,
        cost=True,
        fork_cwd=True,
        second=Second.STEERS,
    ),
    Quirks(
        ("codex-acp",),
        sees_retry=True,
        usage=True,
        fork_cwd=True,
        second=Second.QUEUES,
    ),
    # It shows calls of unknown tools neither when they are made nor when they fail.
    Quirks(("gemini-cli",), naming=Naming.CALL, second=Second.REPLACES),
    Quirks(
        # Asked for a tool of a server, only the text of its options says which one.
        ("qwen-code",),
        naming=Naming.OPTION,
        invalid_outputs=("not found in registry", "params must have required property"),
        children=("task", "agent"),
        sees_unknown_tools=True,
        usage=True,
    ),
)


def quirks_of(name: str, version: str) -> Quirks:
    """Return what is particular to an agent by what it calls itself."""
    known = name.rsplit("/", 1)[-1].lower()
    numbers = tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:3])
    return next((one for one in QUIRKS if known in one.names and _within(one, numbers)), NO_QUIRKS)


def _within(quirks: Quirks, version: tuple[int, ...]) -> bool:
    return version >= quirks.since and (not quirks.until or version < quirks.until)
