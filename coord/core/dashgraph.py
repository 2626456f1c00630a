"""The task graph as the dashboard draws it: columns by generation, and the dependencies that do not follow from others."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from coord.core.analysis import Measure, Study
from coord.core.digraph import Digraph
from coord.core.drawing import MISSING
from coord.core.graphparts import Fact
from coord.core.text import one_line

#: Up to this many tasks, dependencies that follow from others are left out of the drawing: the sets that this needs
#: grow with the square of the tasks.
REDUCED = 5_000

#: How long an id and a name may be on the page.
ID, NAME = 200, 300

Facts = dict[str, Fact]


def graph_facts(study: Study, words: Mapping[str, str]) -> Facts:
    """Return tasks, columns and edges; ``words`` are what holds of a task beside its status (in the queue, ready, …).

    A task is named by its place in ``tasks``, which is sorted by id; ids that no task has come after the tasks.
    ``edges`` are the dependencies to be drawn, ``implied`` those that follow from them.
    """
    net = study.net
    path = _critical(study)
    ghosts = {need: len(net.ids) + at for at, need in enumerate(sorted({need for _, need in net.missing}))}
    implied = _implied(net)
    pairs = sorted({(need, n) for n in range(len(net.ids)) for need in net.needs[n]})
    missing = [(ghosts[need], n) for n, need in net.missing]
    return {
        "tasks": [*_tasks(study, words, frozenset(path)), *map(_ghost, ghosts)],
        "columns": [{"title": title, "tasks": list(of)} for title, of in _columns(net, ghosts) if of],
        "edges": [[*pair] for pair in [*(p for p in pairs if p not in implied), *sorted(missing)]],
        "implied": [[*pair] for pair in sorted(implied)],
        "critical": list(path),
        "steps": [[*step] for step in pairwise(path)],
        "cycles": [[one_line(id, ID) for id in cycle] for cycle in study.graph.cycles],
    }


def _critical(study: Study) -> tuple[int, ...]:
    """Return the longest path of what is open: what has landed holds nothing up. Of all, when nothing is open."""
    left = Study.of_open(study.graph)
    path = left.net.names(left.critical(Measure.COUNT))
    return tuple(study.net.number[id] for id in path) or study.critical(Measure.COUNT)


def _tasks(study: Study, words: Mapping[str, str], path: frozenset[int]) -> list[Facts]:
    knot = {n: number for number, of in enumerate(study.net.knots) for n in of}
    return [
        {
            "id": one_line(task.id, ID),
            "name": one_line(task.name, NAME),
            "status": one_line(study.status(n), 40),
            "word": one_line(words.get(task.id, ""), NAME),
            "path": one_line(task.path, ID),
            "critical": n in path,
            "knot": knot.get(n),
            "tags": [one_line(tag, 40) for tag in task.tags[:10]],
        }
        for n, task in enumerate(study.tasks)
    ]


def _ghost(id: str) -> Facts:
    return {
        "id": one_line(id, ID), "name": "no task has this id", "status": MISSING, "word": "", "path": "", "critical": False,
        "knot": None, "tags": [],
    }  # fmt: skip


def _columns(net: Digraph, ghosts: Mapping[str, int]) -> list[tuple[str, tuple[int, ...]]]:
    behind = tuple(n for n in net.left_out if n not in net.in_cycle)
    return [
        ("missing", tuple(ghosts.values())),
        *((f"generation {number}", of) for number, of in enumerate(net.generations, 1)),
        ("in a cycle", tuple(sorted(net.in_cycle))),
        ("behind a cycle", behind),
    ]


def _implied(net: Digraph) -> frozenset[tuple[int, int]]:
    """Return the dependencies that others bring with them: what is needed is needed, too, by something else needed.

    Those of tasks in and behind cycles are kept (there each could follow from the other).
    """
    if len(net.ids) > REDUCED:
        return frozenset()
    before = [0] * len(net.ids)  # what each task needs, however indirectly, as a set of bits
    found: set[tuple[int, int]] = set()
    for n in net.order:
        others = 0
        for need in net.needs[n]:
            others |= before[need]
        found.update((need, n) for need in net.needs[n] if others >> need & 1)
        for need in net.needs[n]:
            others |= 1 << need
        before[n] = others
    return frozenset(found)
