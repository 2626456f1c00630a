"""A page in colours, for a terminal: columns give way to its width, and commands stay whole, to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from coord.core.page import SIGNS, Page, Part, Row, Tone
from coord.status.plain import widths_of

if TYPE_CHECKING:
    from typing import TextIO

#: Only the sixteen colours that a terminal's own theme makes readable on its own background.
_STYLES = {Tone.GOOD: "green", Tone.CALM: "", Tone.WARN: "yellow", Tone.BAD: "bold red"}

#: Lines of a screen from which on empty ones stand between tables.
_ROOMY = 30

#: Columns that the last cell gets at least beside the others; on narrower terminals it goes below them.
_LEAST = 24


def console_of(stream: TextIO) -> Console:
    """Return the console that writes to ``stream`` (rich itself follows NO_COLOR, TERM and the terminal's width)."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def show(page: Page, console: Console) -> None:
    """Print a page; commands are left to the terminal to wrap, so that they copy whole."""
    for line in lines_of(page, console):
        console.print(line, soft_wrap=True)


def fitted(page: Page, console: Console, room: int) -> list[Text]:
    """Return as much of a page as ``room`` lines of the console hold, none of them wider than it is."""
    gap = 1 if room >= _ROOMY else 0
    page = page.cut(room)
    heights = {
        row: len(_folded(_row(row, _widths(part, console), console), console))
        for part in page.parts
        for row in part.rows
    }
    page = page.fitted(room - len(_head(page, console)), lambda row: heights[row], gap)
    return _folded(lines_of(page, console, gap=gap), console)[:room]


def lines_of(page: Page, console: Console, *, gap: int = 1) -> list[Text]:
    """Return a page as lines that fit the console, but for commands; ``gap`` empty ones stand between two tables."""
    lines = _head(page, console)
    for part in page.parts:
        lines += [Text()] * gap + [Text(part.heading, "bold"), *_part(part, console)]
    return lines


def _head(page: Page, console: Console) -> list[Text]:
    return _folded([Text(text, _STYLES[tone]) for text, tone in page.head], console)


def _part(part: Part, console: Console) -> list[Text]:
    widths = _widths(part, console)
    lines = [line for row in part.rows for line in _row(row, widths, console)]
    return lines + ([Text(f"  {part.more}")] if part.more else [])


def _widths(part: Part, console: Console) -> list[int]:
    return [min(one, max(8, (console.width - 4) // 3)) for one in widths_of(part.rows)]


def _row(row: Row, widths: list[int], console: Console) -> list[Text]:
    *cells, last = row.cells
    style = _STYLES[row.tone]
    line = Text.assemble((f"{SIGNS[row.tone]} ", style))
    for number, (cell, room) in enumerate(zip(cells, widths, strict=True)):
        line.append(_cut(cell, room) + "  ", style if number == 0 else "")
    indent = line.cell_len if console.width - line.cell_len >= _LEAST else 4
    first, *rest = _wrapped(Text(last), console, indent)
    lines = [line + first] if indent == line.cell_len else [line, Text(" " * indent) + first]
    lines += [Text(" " * indent) + text for text in rest]
    for remark in row.below:
        lines += [Text("    ") + text for text in _wrapped(Text(remark), console, 4)]
    return lines + [Text.assemble("    $ ", (command, "bold")) for command in row.commands]


def _cut(cell: str, room: int) -> str:
    return set_cell_size(cell, room) if cell_len(cell) <= room else set_cell_size(cell, room - 1) + "\u2026"


def _folded(lines: list[Text], console: Console) -> list[Text]:
    return [piece for line in lines for piece in _wrapped(line, console)]


def _wrapped(text: Text, console: Console, indent: int = 0) -> list[Text]:
    """Return a text as lines that fit beside ``indent``; words are broken only where one is longer than a line."""
    if text.cell_len <= console.width - indent:
        return [text]
    return list(text.wrap(console, max(console.width - indent, 8), overflow="fold"))
