"""The graph as a drawing: Graphviz's dot, Mermaid, SVG. Ids and names are foreign text: each format escapes them.

A status is told by its word, by a shape and by a colour, so that none of them is needed alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from coord.core.analysis import Study
from coord.core.layout import Layout, layout
from coord.core.text import one_line


class Box(NamedTuple):
    """A task (or a dependency that is none) as it is drawn."""

    id: str
    name: str
    status: str
    marked: bool


class Edge(NamedTuple):
    """From what is needed to what needs it; ``knotted`` when it is part of a cycle."""

    start: int
    end: int
    marked: bool
    knotted: bool


@dataclass(frozen=True)
class Drawing:
    """Boxes in columns with headings, and the edges between them, all sorted."""

    boxes: tuple[Box, ...]
    columns: tuple[tuple[str, tuple[int, ...]], ...]
    edges: tuple[Edge, ...]


class _Look(NamedTuple):
    """How a status looks: dot's shape, Mermaid's brackets, fill and line colour, and the path of its sign in SVG."""

    dot: str
    mermaid: tuple[str, str]
    fill: str
    line: str
    sign: str


MISSING = "missing"
_LOOKS = {
    "completed": _Look("ellipse", ("([", "])"), "#d7f0dc", "#1a7f37", "M-5 0 l4 4 l7 -8"),
    "in-progress": _Look("hexagon", ("{{", "}}"), "#dbeafe", "#1d4ed8", "M-4 -5 l9 5 l-9 5 z"),
    "pending": _Look("box", ("[", "]"), "#ffffff", "#57606a", "M-5 0 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0"),
    "blocked": _Look("octagon", ("{", "}"), "#fff1cc", "#9a6700", "M0 -6 l6 6 l-6 6 l-6 -6 z"),
    "failed": _Look("diamond", ("[/", "/]"), "#ffdddd", "#b42318", "M-5 -5 l10 10 M5 -5 l-10 10"),
    MISSING: _Look("note", ("((", "))"), "#f3f3f3", "#b42318", "M-6 0 h12"),
}
_UNKNOWN = _Look("parallelogram", ("[\\", "\\]"), "#f3f3f3", "#57606a", "M-5 3 h10 M-5 -3 h10")


def signs() -> dict[str, str]:
    """Return the sign of each status as a path round (0, 0), six to each side; ``unknown`` is that of any other word."""
    return {status: look.sign for status, look in _LOOKS.items()} | {"unknown": _UNKNOWN.sign}


def draw(study: Study, shown: Sequence[int], path: Sequence[int]) -> Drawing:
    """Return the drawing of some tasks by generation, ``path`` marked.

    Tasks in a cycle and behind one have columns of their own, and what is named but is no task stands before all.
    """
    net = study.net
    wanted = set(shown)
    place = {n: position for position, n in enumerate(shown)}
    missing = [(n, need) for n, need in net.missing if n in wanted]
    ghosts = {need: len(shown) + at for at, need in enumerate(sorted({need for _, need in missing}))}
    on_path = set(path)
    steps = set(pairwise(path))
    boxes = [Box(net.ids[n], study.tasks[n].name, study.status(n), n in on_path) for n in shown]
    boxes += [Box(need, "no task has this id", MISSING, False) for need in ghosts]
    knot_of = {n: number for number, knot in enumerate(net.knots) for n in knot}
    edges = [
        Edge(
            place[need],
            place[n],
            (need, n) in steps,
            n in knot_of and knot_of.get(need) == knot_of[n],
        )
        for n in shown
        for need in net.needs[n]
        if need in place
    ]
    edges += [Edge(ghosts[need], place[n], False, False) for n, need in missing]
    columns = [("missing", tuple(ghosts.values()))]
    columns += [
        (f"generation {number}", tuple(place[n] for n in level if n in place))
        for number, level in enumerate(net.generations, 1)
    ]
    columns.append(("in a cycle", tuple(place[n] for n in shown if n in net.in_cycle)))
    behind = (n for n in net.left_out if n in place and n not in net.in_cycle)
    columns.append(("behind a cycle", tuple(place[n] for n in behind)))
    return Drawing(tuple(boxes), tuple((t, of) for t, of in columns if of), tuple(sorted(edges)))


# -- dot -----------------------------------------------------------------------------------------------------------


def dot(drawing: Drawing) -> str:
    """Return the drawing for Graphviz; quoting as its grammar says (a backslash before a quote, and for backslashes,
    which labels read as escapes, two)."""
    lines = ["digraph coord {", "  rankdir=LR;", '  node [style=filled, fontname="sans-serif"];']
    for title, of in drawing.columns:
        lines.append(f"  {{ rank=same; // {title}")
        for n in of:
            box = drawing.boxes[n]
            look = _look(box)
            width = ", penwidth=3" if box.marked else ""
            lines.append(
                f'    t{n} [label="{_dot(box.id)}\\n{_dot(box.status)}", tooltip="{_dot(box.name)}", '
                f'shape={look.dot}, fillcolor="{look.fill}", color="{look.line}"{width}];'
            )
        lines.append("  }")
    for edge in drawing.edges:
        style = " [penwidth=3]" if edge.marked else ' [color="#b42318", style=dashed]' if edge.knotted else ""
        lines.append(f"  t{edge.start} -> t{edge.end}{style};")
    return "\n".join([*lines, "}"])


def _dot(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


# -- Mermaid -------------------------------------------------------------------------------------------------------


def mermaid(drawing: Drawing) -> str:
    """Return the drawing for Mermaid, as GitHub shows it; a marked edge is thick, one of a cycle dotted."""
    lines = ["flowchart LR"]
    for number, (title, of) in enumerate(drawing.columns):
        lines.append(f'  subgraph s{number}["{title}"]')
        for n in of:
            box = drawing.boxes[n]
            opening, closing = _look(box).mermaid
            mark = ":::marked" if box.marked else ""
            lines.append(f'    t{n}{opening}"{_mermaid(box.id)}<br/>{_mermaid(box.status)}"{closing}{mark}')
        lines.append("  end")
    for edge in drawing.edges:
        arrow = "==>" if edge.marked else "-.->" if edge.knotted else "-->"
        lines.append(f"  t{edge.start} {arrow} t{edge.end}")
    for status, members in _by_status(drawing):
        look = _LOOKS.get(status, _UNKNOWN)
        name = re.sub(r"\W", "", status) if status in _LOOKS else "unknown"
        lines.append(f"  classDef {name} fill:{look.fill},stroke:{look.line},color:#111111")
        lines.append(f"  class {','.join(f't{n}' for n in members)} {name}")
    if any(box.marked for box in drawing.boxes):
        lines.append("  classDef marked stroke-width:4px")
    return "\n".join(lines)


def _by_status(drawing: Drawing) -> list[tuple[str, list[int]]]:
    found: dict[str, list[int]] = {}
    for n, box in enumerate(drawing.boxes):
        found.setdefault(box.status if box.status in _LOOKS else "unknown", []).append(n)
    return sorted(found.items())


def _mermaid(text: str) -> str:
    """Write every character that Markdown, HTML or Mermaid could read as more than itself as Mermaid's ``#number;``."""
    return re.sub(r"[^\w /.:,-]", lambda found: f"#{ord(found[0])};", one_line(text))


# -- SVG -----------------------------------------------------------------------------------------------------------

_BOX_HEIGHT = 40
_LETTER = 7.3
_LONGEST = 40
_MARGIN, _GAP, _TOP = 24, 72, 46
_FONT = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12"'
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#57606a"/></marker></defs>'
)


class _Frame(NamedTuple):
    """Measures of an SVG: left edge and width of each column, height of each box's middle."""

    left: dict[int, float]
    width: dict[int, float]
    layout: Layout
    column_of: dict[int, int]

    def y(self, height: float) -> float:
        return round(_TOP + _BOX_HEIGHT * (height + 0.5), 1)


def svg(drawing: Drawing) -> str:
    """Return the drawing as SVG, generations from left to right. Hovering over a box shows the task's name."""
    frame = _frame(drawing)
    lowest = max((frame.y(height) for height in frame.layout.heights), default=_TOP)
    passing = max((frame.y(h) for heights in frame.layout.passing for h in heights), default=_TOP)
    last = len(drawing.columns) - 1
    width = frame.left[last] + frame.width[last] + _MARGIN if drawing.columns else 2 * _MARGIN
    legend, legend_width = _legend(drawing, max(lowest, passing) + _BOX_HEIGHT)
    height = max(lowest, passing) + 2 * _BOX_HEIGHT
    width = max(width, legend_width)
    size = f'width="{_n(width)}" height="{_n(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(width)} {_n(height)}" {_FONT}>',
        f'<rect {size} fill="#ffffff"/>',
        _TIP,
    ]
    lines += [
        f'<text x="{_n(frame.left[at] + frame.width[at] / 2)}" y="26" text-anchor="middle" fill="#57606a">{title}</text>'
        for at, (title, _) in enumerate(drawing.columns)
    ]
    numbered = sorted(enumerate(drawing.edges), key=lambda pair: (pair[1].marked, pair[0]))
    lines += [_edge(frame, edge, frame.layout.passing[number]) for number, edge in numbered]
    lines += [_box(frame, drawing, n) for _, of in drawing.columns for n in of]
    return "\n".join([*lines, *legend, "</svg>"])


def _frame(drawing: Drawing) -> _Frame:
    column_of = {n: at for at, (_, of) in enumerate(drawing.columns) for n in of}
    found = layout([of for _, of in drawing.columns], [(edge.start, edge.end) for edge in drawing.edges])
    left, width = {}, {}
    x = float(_MARGIN)
    for at, (title, of) in enumerate(drawing.columns):
        longest = max(
            [
                len(title) - 4,
                *(max(len(_label(b.id)), len(b.status)) for b in map(drawing.boxes.__getitem__, of)),
            ]
        )
        left[at], width[at] = x, round(longest * _LETTER + 44, 1)
        x += width[at] + _GAP
    return _Frame(left, width, found, column_of)


def _edge(frame: _Frame, edge: Edge, passing: Sequence[float]) -> str:
    start, end = frame.column_of[edge.start], frame.column_of[edge.end]
    heights = frame.layout.heights
    look = (
        'stroke="#111111" stroke-width="3"'
        if edge.marked
        else 'stroke="#b42318" stroke-width="1.5" stroke-dasharray="5 3"'
        if edge.knotted
        else 'stroke="#8c959f" stroke-width="1.2"'
    )
    tip = ' marker-end="url(#tip)"'
    x, y = frame.left[start] + frame.width[start], frame.y(heights[edge.start])
    to_x, to_y = frame.left[end], frame.y(heights[edge.end])
    if start >= end:  # inside a cycle: out on the right, back in on the right
        back = frame.left[end] + frame.width[end]
        bow = max(x, back) + _GAP * 0.6
        way = f"M{_n(x)} {_n(y)} C{_n(bow)} {_n(y)} {_n(bow)} {_n(to_y)} {_n(back)} {_n(to_y)}"
        return f'<path d="{way}" fill="none" {look}{tip}/>'
    way = f"M{_n(x)} {_n(y)}"
    for column, height in zip(range(start + 1, end), passing, strict=False):
        way += _curve(x, y, frame.left[column], frame.y(height))
        x, y = frame.left[column] + frame.width[column], frame.y(height)
        way += f" H{_n(x)}"
    way += _curve(x, y, to_x, to_y)
    return f'<path d="{way}" fill="none" {look}{tip}/>'


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f" C{_n(middle)} {_n(y)} {_n(middle)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"


def _box(frame: _Frame, drawing: Drawing, n: int) -> str:
    box = drawing.boxes[n]
    look = _look(box)
    at = frame.column_of[n]
    x, y = frame.left[at], frame.y(frame.layout.heights[n])
    border = 'stroke="#111111" stroke-width="3"' if box.marked else f'stroke="{look.line}" stroke-width="1.2"'
    dashes = ' stroke-dasharray="4 3"' if box.status == MISSING else ""
    return (
        f'<g transform="translate({_n(x)} {_n(y)})"><title>{_xml(f"{box.id}: {box.name} ({box.status})")}</title>'
        f'<rect y="-{_BOX_HEIGHT / 2:g}" width="{_n(frame.width[at])}" height="{_BOX_HEIGHT}" rx="6" '
        f'fill="{look.fill}" {border}{dashes}/>'
        f'<path d="{look.sign}" transform="translate(17 0)" fill="none" stroke="{look.line}" stroke-width="2"/>'
        f'<text x="32" y="-3">{_xml(_label(box.id))}</text>'
        f'<text x="32" y="13" fill="{look.line}" font-size="11">{_xml(_label(box.status))}</text></g>'
    )


def _legend(drawing: Drawing, y: float) -> tuple[list[str], float]:
    """Return the signs of the statuses that occur, and how far they reach to the right."""
    lines = []
    x = float(_MARGIN)
    for status in [s for s in _LOOKS if any(box.status == s for box in drawing.boxes)]:
        look = _LOOKS[status]
        lines.append(
            f'<g transform="translate({_n(x)} {_n(y)})"><path d="{look.sign}" transform="translate(6 0)" fill="none" '
            f'stroke="{look.line}" stroke-width="2"/><text x="18" y="4">{status}</text></g>'
        )
        x += 40 + len(status) * _LETTER
    if any(box.marked for box in drawing.boxes):
        lines.append(
            f'<g transform="translate({_n(x)} {_n(y)})"><path d="M0 0 h26" stroke="#111111" stroke-width="3"/>'
            '<text x="34" y="4">marked path</text></g>'
        )
        x += 40 + 16 * _LETTER
    return lines, x


def _label(text: str) -> str:
    return one_line(text, _LONGEST)


def _xml(text: str) -> str:
    """Escape text for XML; what XML 1.0 cannot hold at all (U+FFFE, U+FFFF) is left out."""
    text = re.sub("[\ufffe\uffff]", "", one_line(text, 500))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _look(box: Box) -> _Look:
    return _LOOKS.get(box.status, _UNKNOWN)


FORMATS: dict[str, Callable[[Drawing], str]] = {"dot": dot, "mermaid": mermaid, "svg": svg}
