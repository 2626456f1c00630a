"""Bar charts as figures: where each bar and its words stand. A template draws them; nothing here knows of SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coord.core.text import one_line

#: Measures of a drawing, in its own units.
WIDTH = 560
_ROW, _LABEL, _VALUE = 24, 200, 76
_COLUMNS, _FOOT, _HEAD = 150, 22, 18

#: About how wide a letter is, to cut labels at.
_LETTER = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """What a bar is about, how long it is, and its value in words."""

    label: str
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar where it stands, and where its label and its words begin."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float
    label_y: float
    words_x: float
    words_y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of bars: its measures, and the bars in order; ``upright`` ones stand side by side."""

    width: int
    height: int
    bars: tuple[Placed, ...]
    upright: bool = False


def rows(bars: Sequence[Bar]) -> Chart:
    """Return bars that lie one below the other, their labels on the left."""
    longest = max((bar.value for bar in bars), default=0) or 1
    room = WIDTH - _LABEL - _VALUE
    placed = []
    for place, bar in enumerate(bars):
        y, width = place * _ROW, _rounded(room * bar.value / longest)
        label = _end(bar.label, (_LABEL - 12) // _LETTER)
        middle = y + _ROW / 2 + 4
        placed.append(
            Placed(bar, _LABEL, y + 4, width, _ROW - 8, label, _LABEL - 8, middle, _LABEL + width + 6, middle)
        )
    return Chart(WIDTH, len(bars) * _ROW, tuple(placed))


def columns(bars: Sequence[Bar]) -> Chart:
    """Return bars that stand side by side; labels are left out where there is no room."""
    tallest = max((bar.value for bar in bars), default=0) or 1
    step = min(WIDTH / max(len(bars), 1), 72)
    every = -(-60 // int(step)) if step < 60 else 1
    placed = []
    for place, bar in enumerate(bars):
        height = _rounded((_COLUMNS - _FOOT - _HEAD) * bar.value / tallest)
        x, y = _rounded(place * step + step * 0.15), _COLUMNS - _FOOT - height
        middle = _rounded(place * step + step / 2)
        label = bar.label if place % every == 0 else ""
        placed.append(
            Placed(bar, x, y, _rounded(step * 0.7), height, label, middle, _COLUMNS - 6, middle, y - 5)
        )
    return Chart(WIDTH, _COLUMNS, tuple(placed), upright=True)


def _rounded(amount: float) -> float:
    return round(amount, 1)


def _end(text: str, limit: int) -> str:
    """Return the end of a label: of a path, that is the part that tells it apart."""
    line = one_line(text, 1000)
    return line if len(line) <= limit else "\u2026" + line[-limit + 1 :]
