"""What it takes to see: status, log, why, review and dashboard, beside the git command that one would read instead.

Five hundred tasks, three hundred of them landed, two hundred branches in the queue. git tells commits and refs, and whoever reads
them has to know which mean what: the ratio says what the answer costs, not that git gives the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.landing import build
from benchmarks.measuring import Row, coord, git, in_milliseconds, ratio, rounds, row, scratch_home, seconds

_FILES, _TASKS, _LANDED, _ROUNDS = 500, 500, 300, 7

_LOG = ("log", "--first-parent", "-m", "--name-only", "--format=%H %ct %s%n%b", "origin/main")
_REFS = ("for-each-ref", "--format=%(refname) %(objectname) %(committerdate:unix) %(contents:subject)")

#: What is timed: the words for coord, and for git.
_SIDES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "status": (("status",), _REFS),
    "log --limit 0": (("log", "--limit", "0"), _LOG),
    "why": (("why", "t0007"), _LOG),
    "review": (("review",), _LOG),
    "dashboard": (("dashboard", "-o", "/dev/null"), _LOG),
}


def measure() -> list[Row]:
    """Return a row for each command: its time over that of git, and both in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as folder, scratch_home(Path(folder)):
        desk = _desk(Path(folder))
        return [_row(desk, name, ours, plain) for name, (ours, plain) in _SIDES.items()]


def _desk(root: Path) -> Path:
    origin = build(root, _FILES, _TASKS)
    desk = root / "desk"
    git("clone", "-q", origin, desk, at=root)
    coord("land", *(f"t{number:04d}" for number in range(_LANDED)), at=desk)
    return desk


def _row(desk: Path, name: str, ours: tuple[str, ...], plain: tuple[str, ...]) -> Row:
    sides: dict[str, Callable[[], float]] = {
        "coord": lambda: seconds(lambda: coord(*ours, at=desk)),
        "git": lambda: seconds(lambda: git(*plain, at=desk)),
    }
    taken = rounds(sides, _ROUNDS)
    note = in_milliseconds(taken, "coord", "git")
    return row(f"coord {name}", ratio(taken, "coord", "git"), beside=f"git {plain[0]}", note=note)
