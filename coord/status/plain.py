"""A page as plain lines, for pipes and files: the same page gives the same bytes, whatever the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from coord.core.page import SIGNS, Page, Part, Row


def lines_of(page: Page) -> list[str]:
    """Return the lines of a page; columns are aligned, nothing is cut or wrapped."""
    lines = [text for text, _ in page.head]
    for part in page.parts:
        lines += ["", part.heading, *_part(part)]
    return lines


def _part(part: Part) -> Iterator[str]:
    widths = widths_of(part.rows)
    for row in part.rows:
        *cells, last = row.cells
        padded = [padded_to(cell, width) for cell, width in zip(cells, widths, strict=False)]
        yield f"{SIGNS[row.tone]} " + "".join(f"{cell}  " for cell in padded) + last
        yield from (f"    {line}" for line in row.below)
        yield from (f"    $ {command}" for command in row.commands)
    if part.more:
        yield f"  {part.more}"


def widths_of(rows: Sequence[Row]) -> list[int]:
    """Return how many columns each cell but the last needs."""
    return [max(map(columns, cells)) for cells in zip(*(row.cells[:-1] for row in rows), strict=True)]


def padded_to(text: str, width: int) -> str:
    """Return ``text`` with as many spaces behind it that it takes ``width`` columns."""
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal (Unicode Standard Annex 11: wide characters take two)."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
