"""Where the boxes of a layered drawing go: columns given, order and heights found.

After Sugiyama, Tagawa, Toda 1981: an edge that skips columns gets a place in each of them, columns are sorted by the mean
place of their neighbours in sweeps to and fro, and the order with the fewest crossings is kept. Heights are then the
nearest to the neighbours' that keep order and distance, which is a regression that pooling solves exactly.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: Beyond this many places for edges that skip columns, such edges are drawn straight.
_PLACES = 20_000
_SWEEPS = 12
#: Half the room that a box and the place of a passing edge take, in heights of a box.
_BOX, _PASSING = 0.62, 0.25


@dataclass(frozen=True, slots=True)
class Layout:
    """The height of each node's middle, from 0, in heights of a box; and for each edge the heights at which it passes
    the columns between its ends."""

    heights: tuple[float, ...]
    passing: tuple[tuple[float, ...], ...]


@dataclass
class _Grid:
    """Nodes and passing places in columns; edges only between neighbouring columns."""

    columns: list[list[int]]
    room: list[float]
    left: list[list[int]] = field(default_factory=list)
    right: list[list[int]] = field(default_factory=list)

    def join(self, a: int, b: int) -> None:
        self.right[a].append(b)
        self.left[b].append(a)


def layout(columns: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Place the nodes 0, 1, … that ``columns`` holds; ``edges`` go from left to right (others take no part)."""
    size = sum(map(len, columns))
    column_of = {n: at for at, column in enumerate(columns) for n in column}
    grid = _Grid([list(column) for column in columns], [_BOX] * size)
    grid.left = [[] for _ in range(size)]
    grid.right = [[] for _ in range(size)]
    chains = _join(grid, edges, column_of)
    _sort(grid)
    heights = _heights(grid)
    return Layout(tuple(heights[:size]), tuple(tuple(heights[n] for n in chain) for chain in chains))


def _join(grid: _Grid, edges: Sequence[tuple[int, int]], column_of: dict[int, int]) -> list[list[int]]:
    """Put the edges into the grid; return for each edge its passing places."""
    wanted = sum(max(0, column_of[b] - column_of[a] - 1) for a, b in edges)
    chains = []
    for a, b in edges:
        span = column_of[b] - column_of[a]
        chain = []
        if span == 1 or (span > 1 and wanted <= _PLACES):
            at = a
            for column in range(column_of[a] + 1, column_of[b]):
                place = len(grid.room)
                grid.room.append(_PASSING)
                grid.left.append([])
                grid.right.append([])
                grid.columns[column].append(place)
                grid.join(at, place)
                chain.append(place)
                at = place
            grid.join(at, b)
        chains.append(chain)
    return chains


# -- the order in each column --------------------------------------------------------------------------------------


def _sort(grid: _Grid) -> None:
    """Sort the columns in sweeps, by the mean place of the neighbours on the side that was sorted before."""
    best, fewest = [column[:] for column in grid.columns], _crossings(grid)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        neighbours = grid.left if rightwards else grid.right
        numbers = range(len(grid.columns))
        for at in numbers if rightwards else reversed(numbers):
            beside = at - 1 if rightwards else at + 1
            if 0 <= beside < len(grid.columns):
                _sort_column(grid.columns[at], grid.columns[beside], neighbours)
        crossings = _crossings(grid)
        if crossings < fewest:
            best, fewest = [column[:] for column in grid.columns], crossings
    grid.columns = best


def _sort_column(column: list[int], beside: Sequence[int], neighbours: Sequence[Sequence[int]]) -> None:
    place = {n: position / max(1, len(beside) - 1) for position, n in enumerate(beside)}
    own = {n: position / max(1, len(column) - 1) for position, n in enumerate(column)}
    wish = {n: _mean([place[d] for d in neighbours[n]], own[n]) for n in column}
    column.sort(key=wish.__getitem__)


def _crossings(grid: _Grid) -> int:
    count = 0
    for column, following in zip(grid.columns, grid.columns[1:], strict=False):
        place = {n: position for position, n in enumerate(following)}
        ends: list[int] = []
        for n in column:
            own = sorted(place[d] for d in grid.right[n])
            count += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return count


# -- heights -------------------------------------------------------------------------------------------------------


def _heights(grid: _Grid) -> list[float]:
    heights = [0.0] * len(grid.room)
    for column in grid.columns:
        _place(grid, column, [0.0] * len(column), heights)
    both = [[*left, *right] for left, right in zip(grid.left, grid.right, strict=True)]
    for neighbours in (grid.left, grid.right, grid.left, grid.right, both, both):
        columns = grid.columns[::-1] if neighbours is grid.right else grid.columns
        for column in columns:
            wishes = [_mean([heights[d] for d in neighbours[n]], heights[n]) for n in column]
            _place(grid, column, wishes, heights)
    lowest = min(heights, default=0.0)
    return [round(height - lowest, 3) for height in heights]


def _place(grid: _Grid, column: Sequence[int], wishes: Sequence[float], heights: list[float]) -> None:
    """Give a column the heights nearest to its wishes (least squares) that keep its order and everybody's room.

    With the room below each node taken off, heights only have to ascend: neighbours that would not are pooled and
    share the mean of their wishes (pool adjacent violators).
    """
    offsets = []
    offset = 0.0
    for position, n in enumerate(column):
        offset += grid.room[n] + (grid.room[column[position - 1]] if position else 0.0)
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for wish, off in zip(wishes, offsets, strict=True):
        total, count = wish - off, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, members = pools.pop()
            total, count = total + before, count + members
        pools.append((total, count))
    flat = [total / count for total, count in pools for _ in range(count)]
    for n, base, off in zip(column, flat, offsets, strict=True):
        heights[n] = base + off


def _mean(values: Iterable[float], otherwise: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else otherwise
