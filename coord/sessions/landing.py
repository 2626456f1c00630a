"""Landing as a process of its own beside the loop: a gate may take an hour, and sessions are watched meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coord.core.text import one_line
from coord.errors import Exit
from coord.workspace import Workspace

#: Characters of what a landing said that are told when it could not land.
_TOLD = 500


@dataclass(frozen=True, slots=True)
class Landed:
    """What a landing came to: its exit code, one line for each branch that it decided about, and its last words when it
    could not land; ``unlanded`` has the tasks that did not land, and why."""

    code: int
    outcomes: tuple[str, ...]
    trouble: str = ""
    unlanded: tuple[tuple[str, str], ...] = ()


class Landing:
    """The one landing that a loop has under way, if any."""

    def __init__(self, workspace: Workspace) -> None:
        self._top = workspace.top
        self._folder = workspace.state / "run"
        self._process: subprocess.Popen[bytes] | None = None
        self.ended = 0.0
        self.went_badly = False

    @property
    def is_under_way(self) -> bool:
        """Say whether a landing was started of which nobody has taken the result."""
        return self._process is not None

    def start(self) -> None:
        """Start a landing; what it says goes to files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "land.json").open("wb") as out, (self._folder / "land.log").open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "coord", "-C", str(self._top), "land", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def result(self, *, wait: bool = False) -> Landed | None:
        """Return what the landing came to once it has ended, and forget it; None while it works, or when there is none."""
        process = self._process
        if process is None or (not wait and process.poll() is None):
            return None
        code = process.wait()
        self._process = None
        self.ended = time.monotonic()
        self.went_badly = code != 0
        trouble = "" if code in (Exit.OK, Exit.WAITING) else self._last_words()
        outcomes = _outcomes(self._folder / "land.json")
        decided = tuple(_line(one) for one in outcomes if one["outcome"] != "waiting")
        unlanded = (
            (str(one.get("task")), one_line(str(one.get("reason"))))
            for one in outcomes
            if one["outcome"] != "landed"
        )
        return Landed(code, decided, trouble, tuple(unlanded))

    def _last_words(self) -> str:
        said = (self._folder / "land.log").read_text("utf-8", "replace")
        return one_line(said[-_TOLD:], _TOLD)


def _outcomes(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text("utf-8"))["data"]["outcomes"]
        return [one for one in found if "outcome" in one]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _line(outcome: dict[str, Any]) -> str:
    return one_line(f"{outcome.get('task')}: {outcome.get('outcome')}: {outcome.get('reason')}", 500)
