"""What a workflow's runner reads from a job: commands, outputs, and how foreign text is kept from being either.

The forms are GitHub's (docs.github.com, "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit,
``packages/core/src/command.ts``).
"""

from __future__ import annotations

from coord.core.text import plain

#: What a step may write to its summary, in bytes, and how many annotations of a kind are shown.
SUMMARY_LIMIT = 2**20
ANNOTATIONS = 10


def command_line(name: str, message: str, **properties: str | int) -> str:
    """Return a workflow command, such as ``::error file=a.md,line=3::message``; empty properties are left out."""
    said = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value)
    return f"::{name}{' ' + said if said else ''}::{_message(plain(message))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(plain(text)).replace(":", "%3A").replace(",", "%2C")


def output_lines(name: str, value: str, delimiter: str) -> str:
    """Return what sets an output: a value of any lines between a delimiter that must not stand in it."""
    if delimiter in value:
        raise ValueError("the delimiter stands in the value")
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def capped(text: str, limit: int, more: str) -> str:
    """Return ``text`` in at most ``limit`` bytes of UTF-8, cut at a line, with ``more`` in place of what was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    head = data[: limit - len(more.encode()) - 1].decode("utf-8", "ignore")
    return head[: head.rfind("\n") + 1] + more
