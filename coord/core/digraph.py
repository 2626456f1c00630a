"""Tasks and what they need as arrays of numbers: what every pass over a large graph goes by.

A task is its place in the sorted ids, so the order of numbers is the order of ids. Every pass is linear and without
recursion: 100,000 tasks in one chain are read like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise


class Rows:
    """A row of numbers for each task, all in one list: a container for each would be walked by Python's collector
    again and again, which took more than half of the time for 100,000 tasks."""

    __slots__ = ("flat", "starts")

    def __init__(self, flat: list[int], starts: list[int]) -> None:
        self.flat = flat
        self.starts = starts

    @classmethod
    def of(cls, flat: list[int], sizes: Iterable[int]) -> Rows:
        """Return rows of ``flat``, which is grouped by task, with so many numbers each."""
        return cls(flat, [0, *accumulate(sizes)])

    def turned(self) -> Rows:
        """Return for each task those in whose row it is, ascending."""
        counts = [0] * len(self)
        for at in self.flat:
            counts[at] += 1
        turned = Rows.of([0] * len(self.flat), counts)
        free = turned.starts[:]
        for n in range(len(self)):
            for at in self[n]:
                turned.flat[free[at]] = n
                free[at] += 1
        return turned

    def __getitem__(self, n: int) -> list[int]:
        return self.flat[self.starts[n] : self.starts[n + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def sizes(self) -> list[int]:
        """Return how many numbers each row has."""
        return [end - start for start, end in pairwise(self.starts)]


@dataclass(frozen=True)
class Digraph:
    """``needs[n]`` are the numbers that task ``n`` names, in its file's order; ``missing`` the pairs (task, id) whose id
    is no task here."""

    ids: tuple[str, ...]
    needs: Rows
    missing: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, needs: Mapping[str, Sequence[str]]) -> Digraph:
        """Build the arrays from what each id needs; an id that is no key counts for nothing and is in ``missing``."""
        ids = tuple(sorted(needs))
        place = dict(zip(ids, range(len(ids)), strict=True)).get
        named = [needs[id] for id in ids]
        found = list(map(place, chain.from_iterable(named)))
        sizes = list(map(len, named))
        missing: list[tuple[int, str]] = []
        if None in found:
            for n, names in enumerate(named):
                unknown = [(n, need) for need in names if place(need) is None]
                missing += unknown
                sizes[n] -= len(unknown)
        return cls(ids, Rows.of([at for at in found if at is not None], sizes), tuple(missing))

    @cached_property
    def dependents(self) -> Rows:
        """For each task the numbers of those that name it, ascending."""
        return self.needs.turned()

    def names(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return the ids of ``numbers``."""
        ids = self.ids
        return tuple([ids[n] for n in numbers])

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Each id's place."""
        return {id: n for n, id in enumerate(self.ids)}

    @cached_property
    def generations(self) -> tuple[tuple[int, ...], ...]:
        """Tasks by static depth, ascending in each; a task in a cycle or behind one belongs to none."""
        depths = _depths(self.needs)
        if depths is None:
            return self._peeled[0]
        levels: list[list[int]] = [[] for _ in range(max(depths, default=0))]
        for n, depth in enumerate(depths):
            levels[depth - 1].append(n)
        return tuple(map(tuple, levels))

    @cached_property
    def left_out(self) -> tuple[int, ...]:
        """The tasks of no generation: those in a cycle and those that wait, however indirectly, for one."""
        return self._peeled[1] if self._is_cyclic else ()

    @cached_property
    def _peeled(self) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
        return _peel(self.needs, self.dependents)

    @cached_property
    def knots(self) -> tuple[frozenset[int], ...]:
        """The sets of tasks that all wait for each other, sorted by their first."""
        if not self._is_cyclic:
            return ()
        found = strong_components(self.needs, self.left_out)
        return tuple(sorted((k for k in found if len(k) > 1 or self._needs_itself(k)), key=min))

    @cached_property
    def in_cycle(self) -> frozenset[int]:
        """The tasks that wait for themselves."""
        return frozenset(n for knot in self.knots for n in knot)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The tasks of all generations, one after the other: each comes after all that it needs."""
        return tuple([n for generation in self.generations for n in generation])

    @property
    def _is_cyclic(self) -> bool:
        return sum(map(len, self.generations)) < len(self.ids)

    def _needs_itself(self, knot: frozenset[int]) -> bool:
        return any(n in self.needs[n] for n in knot)

    def shortest_cycle(self, knot: Container[int], start: int) -> tuple[int, ...]:
        """Return a shortest way inside ``knot`` from ``start`` back to itself (breadth first, lowest numbers first)."""
        came_from: dict[int, int] = {}
        queue = deque([start])
        while start not in came_from:
            at = queue.popleft()
            for need in sorted(self.needs[at]):
                if need in knot and need not in came_from:
                    came_from[need] = at
                    queue.append(need)
        path = [start, came_from[start]]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return tuple(reversed(path))


def _depths(needs: Rows) -> list[int] | None:
    """Return each task's generation, from 1, or None when there is a cycle.

    Depth first with a stack: a task is entered (-1), all that it needs is done, then it is one deeper than that. What is
    needed and still entered waits for this task. Nothing but ``needs`` is read, so a sound graph is never turned round.
    """
    flat, starts = needs.flat, needs.starts
    depth = [0] * len(needs)
    for root in range(len(needs)):
        if depth[root]:
            continue
        stack = [root]
        while stack:
            at = stack[-1]
            row = flat[starts[at] : starts[at + 1]]
            if depth[at] > 0:
                stack.pop()
            elif depth[at] or not row:
                stack.pop()
                depth[at] = 1 + max([depth[need] for need in row], default=0)
            else:
                depth[at] = -1
                for need in row:
                    if depth[need] < 0:
                        return None
                    if not depth[need]:
                        stack.append(need)
    return depth


def _peel(needs: Rows, dependents: Rows) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Return the generations and what is left: at each step those go whose needs have all gone (Kahn 1962)."""
    waiting = needs.sizes()
    level = [n for n, count in enumerate(waiting) if not count]
    found = []
    while level:
        found.append(tuple(level))
        following = []
        for n in level:
            for dependent in dependents[n]:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    following.append(dependent)
        following.sort()
        level = following
    return tuple(found), tuple(n for n, count in enumerate(waiting) if count)


def strong_components(edges: Rows, members: Sequence[int]) -> list[frozenset[int]]:
    """Return the strongly connected components of ``members`` (Tarjan 1972, with its own stack instead of recursion).

    One list holds what Tarjan calls index and lowlink, as in Pearce 2016: 0 before a task is seen, the lowest number
    that is reached while its component is open, and more than any of them after.
    """
    closed = len(edges) + 1
    low = [closed] * len(edges)
    for n in members:
        low[n] = 0
    flat, starts = edges.flat, edges.starts
    following = starts[:]
    components = []
    finished: list[int] = []
    count = 0
    for root in members:
        if low[root]:
            continue
        count += 1
        low[root] = count
        path, entered = [root], [count]
        while path:
            at = path[-1]
            edge, end = following[at], starts[at + 1]
            while edge < end:
                need = flat[edge]
                edge += 1
                if not low[need]:
                    count += 1
                    low[need] = count
                    path.append(need)
                    entered.append(count)
                    break
                if low[need] < low[at]:
                    low[at] = low[need]
            else:
                path.pop()
                if low[at] == entered.pop():
                    components.append(_close(at, finished, low, closed))
                else:
                    finished.append(at)
                    low[path[-1]] = min(low[path[-1]], low[at])
            following[at] = edge
    return components


def _close(root: int, finished: list[int], low: list[int], closed: int) -> frozenset[int]:
    """Take the component that ``root`` opened from those that are finished."""
    members = [root]
    while finished and low[finished[-1]] >= low[root]:
        members.append(finished.pop())
    for n in members:
        low[n] = closed
    return frozenset(members)
