"""The timeline of the dashboard: when branches landed and attempts failed, as places on a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

#: Kinds of entries that share a lane, and how the lane is called. Kinds of no lane are told in the table only.
LANES = (
    ("landed", "landed", ("landed",)),
    ("conflict", "conflict", ("conflict",)),
    ("gate-failed", "gate failed", ("gate-failed", "main-red")),
    ("blocked", "blocked", ("blocked",)),
    ("other", "tried again", ("retry", "unblocked", "raced", "reverted", "refused", "could-not-run")),
)

#: The sign of each lane, in a square of 16 round the middle.
KINDS = {
    "landed": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "conflict": "M-5 -5L5 5M5 -5L-5 5",
    "gate-failed": "M-5 4L0 -5L5 4z",
    "blocked": "M0 -6L6 0L0 6L-6 0z",
    "other": "M-4 0H4",
}

#: Where the line begins, in hundredths of the width: before it stand the names of the lanes.
_LEFT, _RIGHT = 11.0, 99.0
_LANE, _FOOT = 24, 24
_STEPS = (
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86400,
    2 * 86400,
    7 * 86400,
    30 * 86400,
    91 * 86400,
    365 * 86400,
)


class Moment(NamedTuple):
    """What the timeline needs of an entry: when, which kind, and what is said about it."""

    at: int
    kind: str
    title: str


class Mark(NamedTuple):
    """A sign at ``x`` hundredths of the width."""

    x: float
    title: str


class Lane(NamedTuple):
    """A row of marks at ``y`` pixels."""

    kind: str
    title: str
    y: int
    marks: tuple[Mark, ...]


class Tick(NamedTuple):
    """A time that is written below the line."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes that hold something, times below them, and how high (pixels) that is; ``left`` is where lines begin."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    height: int
    left: float = _LEFT


def timeline(moments: Sequence[Moment]) -> Timeline:
    """Return the timeline of moments, which are sorted by time."""
    lane_of = {kind: row[0] for row in LANES for kind in row[2]}
    shown = [moment for moment in moments if moment.kind in lane_of]
    if not shown:
        return Timeline((), (), 0)
    first, last = shown[0].at, max(shown[-1].at, shown[0].at + 60)
    filled = [row for row in LANES if any(lane_of[moment.kind] == row[0] for moment in shown)]
    lanes = tuple(
        Lane(
            kind,
            title,
            number * _LANE + _LANE // 2,
            tuple(Mark(_x(m.at, first, last), m.title) for m in shown if lane_of[m.kind] == kind),
        )
        for number, (kind, title, _) in enumerate(filled)
    )
    return Timeline(lanes, _ticks(first, last), len(lanes) * _LANE + _FOOT)


def kind_of(kind: str) -> str:
    """Return the lane whose sign an entry's kind has."""
    return next((lane for lane, _, kinds in LANES if kind in kinds), "other")


def _x(at: int, first: int, last: int) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * (at - first) / (last - first), 2)


def _ticks(first: int, last: int) -> tuple[Tick, ...]:
    """Return at most eight round times between two."""
    step = next((step for step in _STEPS if (last - first) / step <= 7), (last - first) // 7)
    start = -(-first // step) * step
    form = "%Y-%m-%d" if step >= 86400 else "%m-%d %H:%M"
    return tuple(
        Tick(_x(at, first, last), datetime.fromtimestamp(at, UTC).strftime(form))
        for at in range(start, last + 1, step)
    )
