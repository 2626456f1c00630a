"""Which sessions belong to a worktree, as far as removing it needs to know: the rest of a session is not read here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coord.processes import ProcessId, is_running


@dataclass(frozen=True, slots=True)
class SessionHere:
    """A session: its worktree (None when its record cannot be read), the SHA-256 of its secret, and its host."""

    id: str
    worktree: Path | None
    token: str
    host: ProcessId | None

    @property
    def is_live(self) -> bool:
        """Say whether the process that watches over it runs."""
        return self.host is not None and is_running(self.host)


def sessions_of(state: Path, worktree: Path) -> tuple[SessionHere, ...]:
    """Return the sessions of a worktree, by id. One that runs and whose record cannot be read may be of any worktree."""
    place = worktree.resolve()
    return tuple(
        one for one in _all(state) if (one.worktree == place if one.worktree is not None else one.is_live)
    )


def _all(state: Path) -> Iterator[SessionHere]:
    for folder in sorted((state / "sessions").glob("*")):
        if folder.is_dir():
            record = _read(folder / "record.json")
            host = ProcessId.from_json(_read(folder / "process.json"))
            match record:
                case {"worktree": str(place)}:
                    token = record.get("token")
                    known = token if isinstance(token, str) else ""
                    yield SessionHere(folder.name, Path(place).resolve(), known, host)
                case _:
                    yield SessionHere(folder.name, None, "", host)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
