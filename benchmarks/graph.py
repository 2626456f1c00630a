"""The task graph: generations, cycles and bottlenecks, in seconds after reading, beside the standard library's sorter.

python -m benchmarks graph
"""

from __future__ import annotations

import graphlib
import random
import statistics
import sys

from benchmarks.measuring import Row, main, row, seconds
from coord.core.betweenness import bottlenecks
from coord.core.digraph import Digraph
from coord.core.graph import TaskGraph
from coord.core.task import Task

_ROUNDS = 5


def measure() -> list[Row]:
    """Return the figures of graphs of 100,000 and of 1,000 tasks."""
    large, small = _layered(100_000, 500, 3), _layered(1_000, 50, 3)
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        graph = TaskGraph.of(_tasks(large))  # reading and sorting are not part of it
        ours.append(seconds(lambda graph=graph: (graph.generations, graph.cycles)))  # type: ignore[misc]
        theirs.append(seconds(lambda: list(graphlib.TopologicalSorter(large).static_order())))
    between = [seconds(lambda: bottlenecks(Digraph.of(small))) for _ in range(_ROUNDS)]
    edges = sum(map(len, large.values()))
    return [
        row(
            "generations and cycles of 100,000 tasks", statistics.median(ours), "s", 1.0,
            beside="graphlib.TopologicalSorter",
            note=f"{edges:,} dependencies; graphlib, order alone, {statistics.median(theirs):.2f} s",
        ),
        row("bottlenecks of 1,000 tasks", statistics.median(between), "s", 0.3, note="exact betweenness"),
    ]  # fmt: skip


def _layered(count: int, width: int, needs: int) -> dict[str, tuple[str, ...]]:
    """Return tasks in layers of ``width``, each needing some of the layer before."""
    draw = random.Random("layers")
    ids = [f"area-{number % 40:02d}/task-{number:06d}" for number in range(count)]
    found: dict[str, tuple[str, ...]] = {}
    for number, id in enumerate(ids):
        start = (number // width - 1) * width
        before = ids[start : start + width] if start >= 0 else []
        found[id] = tuple(sorted(set(draw.sample(before, min(needs, len(before))))))
    return found


def _tasks(needs: dict[str, tuple[str, ...]]) -> list[Task]:
    return [Task(id, id, f"tasks/{id}.md", depends_on=names) for id, names in needs.items()]


if __name__ == "__main__":
    sys.exit(main(measure))
