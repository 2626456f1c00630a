"""One call of a tool, as its action gets it, and what is answered: text that a model can act on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coord.core.agentevent import clipped
from coord.core.session import SessionRecord
from coord.core.text import plain
from coord.core.toolcall import Given, Wrong
from coord.errors import EXIT_MEANINGS, CoordError, Exit
from coord.sessions.identity import Caller
from coord.workspace import Workspace

#: Characters of one answer: a model's context is small.
LIMIT = 24_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command of coord left: its exit code and what it wrote."""

    exit: Exit
    text: str


#: Runs a command of coord, by its name and words, in a folder; what it writes is returned and not written.
Verb = Callable[[str, Sequence[str], Path], Ran]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the server was started with: where, in which environment, which ``GIT_*`` it had, how commands are run, and the
    event that ends whatever waits."""

    folder: Path
    environment: Mapping[str, str]
    inherited: Mapping[str, str]
    verb: Verb
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: who calls, what was given, and the server's setting."""

    caller: Caller
    given: Given
    setting: Setting

    @property
    def workspace(self) -> Workspace:
        """Return the repository as the caller stands in it."""
        return self.caller.workspace

    @property
    def record(self) -> SessionRecord | None:
        """Return the caller's session, if it is one."""
        return self.caller.record

    def run(self, verb: str, *words: str) -> Reply:
        """Run a command of coord where the caller stands, and answer with what it wrote."""
        ran = self.setting.verb(verb, words, self.workspace.top)
        text = ran.text.strip() or "done, with nothing to tell"
        return Reply(text) if ran.exit is Exit.OK else unsuccessful(ran.exit, text)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; ``failed`` when it was not done."""

    text: str
    failed: bool = False


def said(*lines: str) -> Reply:
    """Return an answer of lines; empty ones are left out."""
    return Reply("\n".join(line for line in lines if line))


def error(message: str, hint: str = "") -> Reply:
    """Return why it was not done, and what to do."""
    return Reply(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), failed=True)


def unsuccessful(code: Exit, *lines: str) -> Reply:
    """Return what a command wrote that did not succeed; its code says something of its own in all but two cases."""
    headline = () if code in (Exit.ERROR, Exit.USAGE) else (EXIT_MEANINGS[code],)
    return Reply(f"error: {said(*headline, *lines).text}", failed=True)


def refused(wrong: Wrong | CoordError) -> Reply:
    """Return a refusal as an answer."""
    return error(wrong.message, wrong.hint)


def bounded(reply: Reply) -> Reply:
    """Return an answer without control characters and not longer than a model can use."""
    return Reply(plain(clipped(reply.text, LIMIT)), reply.failed)
