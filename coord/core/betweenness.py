"""Which tasks most of the work passes through. No path is ever enumerated.

``betweenness`` is Freeman's, by the algorithm of Brandes ("A faster algorithm for betweenness centrality", 2001): for
every pair of tasks of which one waits for the other, the share of the shortest chains between them that pass through the
task. ``chains`` is what taskgraph's bottleneck counts by walking every path. See decision 022.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum, log10
from typing import NamedTuple

from coord.core.digraph import Digraph

#: Up to this many tasks betweenness is computed: its time grows with tasks times dependencies (1,000 tasks with 3,000
#: dependencies 0.2 s), and between two of more tasks there may be more chains (3 to the power of a third of the tasks)
#: than a float can say. Above, chains alone rank the tasks, in linear time, and the command says so.
EXACT = 1900


class Bottleneck(NamedTuple):
    """How much passes through one task.

    ``between`` is None in a graph of more than ``EXACT`` tasks, and so is ``chains``, whose digits would fill pages;
    ``chains_log10`` is its logarithm (minus infinity for none).
    """

    number: int
    between: float | None
    chains: int | None
    chains_log10: float


def bottlenecks(net: Digraph) -> tuple[Bottleneck, ...]:
    """Return the tasks that stand between others, those with the most passing through them first.

    Ranked by betweenness, then chains, then id; tasks in or behind a cycle are left out.
    """
    if len(net.order) > EXACT:
        sized = _chains_log10(net).items()
        rows = [Bottleneck(n, None, None, size) for n, size in sized if net.needs[n] and net.dependents[n]]
    else:
        between = betweenness(net)
        rows = [
            Bottleneck(n, between[n], count, log10(count) if count else float("-inf"))
            for n, count in chains(net).items()
        ]
    inner = [row for row in rows if row.between != 0.0]
    return tuple(sorted(inner, key=lambda row: (-(row.between or 0.0), -row.chains_log10, row.number)))


def betweenness(net: Digraph) -> list[float]:
    """Return for every task how many pairs of tasks it stands between, shares of pairs with several shortest chains
    included; 0 for tasks in or behind a cycle.

    Tasks are renumbered in the order of work: what is near in the graph is near in the lists, which takes a quarter of
    the time away. A distance left from an earlier source does no harm: what a reached task leads to is reached.

    From a task with one dependent every chain goes through that one, so it is no source of its own: the dependent
    counts for both, and stands itself between the task and all that it reaches.
    """
    order = net.order
    place = {n: position for position, n in enumerate(order)}
    leads_to = [[place[d] for d in net.dependents[n] if d in place] for n in order]
    size = len(order)
    score, depth, share = [0.0] * size, [0] * size, [0.0] * size
    sources, reach = [1] * size, [0] * size
    for n, onward in enumerate(leads_to):
        if len(onward) == 1:
            sources[onward[0]] += sources[n]
    for n, onward in enumerate(leads_to):
        if len(onward) > 1:
            paths = [0] * size
            reached = _count_shortest(n, leads_to, paths, depth)
            reach[n] = len(reached)
            _share_out(reversed(reached), sources[n], leads_to, (paths, depth, share, score))
    for n in reversed(range(size)):
        if len(leads_to[n]) == 1:
            only = leads_to[n][0]
            reach[n] = reach[only] + 1
            score[only] += sources[n] * reach[only]
    found = [0.0] * len(net.ids)
    for position, n in enumerate(order):
        found[n] = score[position]
    return found


def _count_shortest(source: int, leads_to: list[list[int]], paths: list[int], depth: list[int]) -> list[int]:
    """Count the shortest chains from ``source`` to each task, breadth first; return those reached, nearest first."""
    paths[source], depth[source] = 1, 0
    reached: list[int] = []
    level, steps = [source], 0
    while level:
        steps += 1
        following: list[int] = []
        for n in level:
            count = paths[n]
            for d in leads_to[n]:
                if not paths[d]:
                    paths[d] = count
                    depth[d] = steps
                    following.append(d)
                elif depth[d] == steps:
                    paths[d] += count
        reached += following
        level = following
    return reached


def _share_out(
    farthest_first: Iterable[int],
    sources: int,
    leads_to: list[list[int]],
    lists: tuple[list[int], list[int], list[float], list[float]],
) -> None:
    """Add to each task's score the pairs from one source (counted ``sources`` times) that it stands between (Brandes,
    theorem 6)."""
    paths, depth, share, score = lists
    for n in farthest_first:
        below = depth[n] + 1
        onward = 0.0
        for d in leads_to[n]:
            if depth[d] == below:
                onward += share[d]
        passing = onward * paths[n]
        score[n] += passing * sources
        share[n] = (1 + passing) / paths[n]


def chains(net: Digraph) -> dict[int, int]:
    """Return for every task of the order how many chains of two or more tasks it is on, from any task to any other.

    That is the number of chains that end in it times the number that start with it, the chain of itself alone counted in
    both and then taken away: two passes, exact, where walking the chains takes a minute for 1,000 tasks.
    """
    ending: dict[int, int] = {}
    for n in net.order:
        ending[n] = 1 + sum(ending[need] for need in net.needs[n])
    starting: dict[int, int] = {}
    for n in reversed(net.order):
        starting[n] = 1 + sum(starting[d] for d in net.dependents[n] if d in ending)
    return {n: ending[n] * starting[n] - 1 for n in net.order}


def _chains_log10(net: Digraph) -> dict[int, float]:
    """Return the logarithms of ``chains`` plus one: the counts themselves may have a digit for each task."""
    ending: dict[int, float] = {}
    for n in net.order:
        ending[n] = _log10_of_sum([0.0, *(ending[need] for need in net.needs[n])])
    starting: dict[int, float] = {}
    for n in reversed(net.order):
        starting[n] = _log10_of_sum([0.0, *(starting[d] for d in net.dependents[n] if d in ending)])
    return {n: ending[n] + starting[n] for n in net.order}


def _log10_of_sum(logs: list[float]) -> float:
    if len(logs) == 1:
        return logs[0]
    largest = max(logs)
    return largest + log10(fsum([10 ** (each - largest) for each in logs]))
