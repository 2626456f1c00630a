"""What a check looks at, and what it finds."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from coord.observe import View
from coord.workspace import Workspace


class Severity(StrEnum):
    """``error``: landing cannot work; ``warning``: something is not as it should be; ``info``: good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, what, and the command that mends it."""

    severity: Severity
    subject: str
    message: str
    command: str


@dataclass(frozen=True, slots=True)
class Place:
    """The repository that is looked at, where the person stands, and the time (seconds since the epoch).

    ``view`` is None when main or what it refers to cannot be read: ``unread`` says why, with what may help.
    ``unfetched`` says why the remote was not read, ``""`` when it was.
    """

    workspace: Workspace
    here: Path
    now: int
    view: View | None
    unfetched: str = ""
    unread: tuple[str, str] = ("", "")

    def delete(self, ref: str) -> str:
        """Return the command that deletes a ref where coord keeps it."""
        remote = self.workspace.remote
        if remote is None:
            return f"git update-ref -d {shlex.quote(ref)}"
        return f"git push {shlex.quote(remote)} {shlex.quote(':' + ref)}"
