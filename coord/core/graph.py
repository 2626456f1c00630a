"""The tasks of one commit as a graph: what is ready, what waits for what, and what cannot be right.

The passes over a large graph are those of ``coord.core.digraph``.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from coord.core.digraph import Digraph
from coord.core.frontmatter import Place
from coord.core.task import Problem, Severity, Status, Task, Unreadable

#: Up to this many ids a misspelt one is compared with all of them; above, only with those of the same last part.
_COMPARABLE = 2000


class Unmet(NamedTuple):
    """Something a task waits for: the task's id and why that is not met. Its own id means its own file."""

    id: str
    reason: str


@dataclass(frozen=True)
class TaskGraph:
    """All tasks of one commit, sorted by id (files with the same id by path), and the files that state none."""

    tasks: tuple[Task, ...]
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(cls, tasks: Iterable[Task], unreadable: Iterable[Unreadable] = ()) -> TaskGraph:
        """Build the graph; any order of the files gives the same graph."""
        return cls(
            tuple(sorted(tasks, key=lambda t: (t.id, t.path))),
            tuple(sorted(unreadable, key=lambda u: u.path)),
        )

    def get(self, id: str) -> Task | None:
        """Return the task, or None. When two files have the id, the one whose path comes first."""
        return self._by_id.get(id)

    def unmet(self, id: str) -> tuple[Unmet, ...]:
        """Return what a task waits for before it may start or land, in the order of its file; empty: nothing.

        A file that cannot be trusted (two files with the id, an unreadable dependency list) is itself unmet.
        """
        task = self._by_id.get(id)
        if task is None:
            return (Unmet(id, self._missing(id)),)
        own = [Unmet(id, flaw)] if (flaw := self._flaw(task)) else []
        needs = (Unmet(need, self._unmet_reason(task, need)) for need in task.depends_on)
        return (*own, *(unmet for unmet in needs if unmet.reason))

    def unreadable_file(self, id: str) -> str:
        """Return the path of the broken file that seems to be the task's, or ``""``."""
        return "" if id in self._by_id else self._unreadable_paths.get(id, "")

    def is_ready(self, task: Task) -> bool:
        """Say whether an agent may start the task now: pending, for agents, nothing unmet."""
        pending = task.status is Status.PENDING and task.has_known_status
        return pending and not task.apart and not self.unmet(task.id)

    @cached_property
    def ready(self) -> tuple[Task, ...]:
        """The tasks an agent may start now, sorted by id."""
        return tuple(task for task in self.tasks if self.is_ready(task))

    def dependents(self, id: str) -> tuple[str, ...]:
        """Return the ids of the tasks that name ``id`` as a dependency, sorted."""
        return self._dependents.get(id, ())

    @cached_property
    def generations(self) -> tuple[tuple[str, ...], ...]:
        """Ids by static depth: the first need nothing, each later one needs one of the generation before.

        Dependencies that do not exist count for nothing; tasks in a cycle or behind one belong to no generation.
        """
        return tuple(self.digraph.names(generation) for generation in self.digraph.generations)

    @cached_property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """One shortest cycle of each knot, as a path that ends where it starts (``a``, ``b``, ``a``), sorted."""
        graph = self.digraph
        return tuple(graph.names(graph.shortest_cycle(knot, min(knot))) for knot in graph.knots)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files and with their graph, sorted by place."""
        of_tasks = [problem for task in self.tasks for problem in task.problems]
        of_others = [problem for file in self.unreadable for problem in file.problems]
        return tuple(sorted([*of_tasks, *of_others, *_problems(self)]))

    def near(self, id: str) -> tuple[str, ...]:
        """Return up to three ids that a person may have meant."""
        last = id.rpartition("/")[2]
        same = sorted(
            other for other in self._by_id if other.rpartition("/")[2].casefold() == last.casefold()
        )
        pool = self._by_id if len(self._by_id) <= _COMPARABLE else ()
        close = difflib.get_close_matches(id[:200], pool, 3)
        return tuple(dict.fromkeys([*same, *close]))[:3]

    # -- what the passes go by -----------------------------------------------------------------------------------

    @cached_property
    def _by_id(self) -> Mapping[str, Task]:
        return {task.id: task for task in reversed(self.tasks)}

    @cached_property
    def duplicates(self) -> Mapping[str, tuple[str, ...]]:
        """The paths of every id that more than one file has."""
        paths: dict[str, list[str]] = defaultdict(list)
        for task in self.tasks:
            paths[task.id].append(task.path)
        return {id: tuple(found) for id, found in paths.items() if len(found) > 1}

    @cached_property
    def _unreadable_paths(self) -> Mapping[str, str]:
        return {file.id: file.path for file in reversed(self.unreadable) if file.id}

    @cached_property
    def digraph(self) -> Digraph:
        """What each task needs, as arrays of numbers; of two files with one id the one that ``get`` returns."""
        return Digraph.of({id: task.depends_on for id, task in self._by_id.items()})

    @cached_property
    def _dependents(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for id in sorted(self._by_id):
            for need in self._by_id[id].depends_on:
                found[need].append(id)
        return {need: tuple(ids) for need, ids in found.items()}

    @cached_property
    def _knot_of(self) -> Mapping[str, int]:
        graph = self.digraph
        return {graph.ids[n]: number for number, knot in enumerate(graph.knots) for n in knot}

    def _flaw(self, task: Task) -> str:
        if task.id in self.duplicates:
            return f"has two files: {', '.join(self.duplicates[task.id])}"
        return "" if task.is_readable else f"its file has errors: coord check {task.path}"

    def _unmet_reason(self, task: Task, need: str) -> str:
        """Return why one dependency is not met, ``""`` when it is."""
        found = self._by_id.get(need)
        if found is None:
            return self._missing(need)
        if need in self._knot_of and self._knot_of.get(task.id) == self._knot_of[need]:
            return "depends on this task in turn"
        if flaw := self._flaw(found):
            return flaw
        if found.is_completed:
            return ""
        behind = f", {found.apart}" if found.apart else ""
        in_circle = ", in a circle of dependencies" if need in self._knot_of else ""
        return f"is {found.status if found.has_known_status else found.status_text}{behind}{in_circle}"

    def _missing(self, id: str) -> str:
        if id in self._unreadable_paths:
            return f"cannot be read: {self._unreadable_paths[id]}"
        near = self.near(id)
        return "does not exist" + (f" (did you mean {near[0]}?)" if near else "")


# -- what is wrong with the whole ----------------------------------------------------------------------------------


def _problems(graph: TaskGraph) -> Iterator[Problem]:
    yield from _duplicates(graph)
    yield from _case_collisions(graph)
    yield from _prefix_collisions(graph)
    yield from _cycles(graph)
    for task in graph.tasks:
        yield from _dependencies(graph, task)


def _at(task: Task, place: Place, rule: str, message: str) -> Problem:
    return Problem(task.path, *place, rule, message)


def _duplicates(graph: TaskGraph) -> Iterator[Problem]:
    for task in graph.tasks:
        others = [path for path in graph.duplicates.get(task.id, ()) if path != task.path]
        if others:
            yield _at(task, task.id_at, "duplicate-id", f"id '{task.id}' is also in {', '.join(others)}")


def _case_collisions(graph: TaskGraph) -> Iterator[Problem]:
    seen: dict[str, Task] = {}
    for task in graph.tasks:
        other = seen.setdefault(task.id.casefold(), task)
        if other.id != task.id:
            message = f"id '{task.id}' differs only in case from '{other.id}' ({other.path})"
            yield _at(task, task.id_at, "id-case", message)


def _prefix_collisions(graph: TaskGraph) -> Iterator[Problem]:
    by_folded = {task.id.casefold(): task for task in reversed(graph.tasks)}
    for task in graph.tasks:
        parts = task.id.casefold().split("/")
        for count in range(1, len(parts)):
            other = by_folded.get("/".join(parts[:count]))
            if other is not None:
                message = (
                    f"id '{task.id}' lies below the id '{other.id}' ({other.path}): "
                    "their branches cannot both exist"
                )
                yield _at(task, task.id_at, "id-prefix", message)


def _cycles(graph: TaskGraph) -> Iterator[Problem]:
    for cycle in graph.cycles:
        task = graph.get(cycle[0])
        if task is not None:
            place = dict(zip(task.depends_on, task.dependencies_at, strict=False)).get(cycle[1], task.id_at)
            yield _at(task, place, "cycle", f"dependencies go in a circle: {' -> '.join(cycle)}")


def _dependencies(graph: TaskGraph, task: Task) -> Iterator[Problem]:
    open_needs = []
    for need in task.depends_on:
        found = graph.get(need)
        if found is None:
            places = dict(zip(task.depends_on, task.dependencies_at, strict=False))
            reason = graph.unmet(need)[0].reason
            yield _at(task, places.get(need, task.id_at), "dependency", f"dependency '{need}' {reason}")
        elif not found.is_completed:
            open_needs.append(need)
    if task.is_completed and open_needs:
        message = f"completed, but {', '.join(open_needs)} {'is' if len(open_needs) == 1 else 'are'} not"
        yield Problem(task.path, *task.status_at, "open-dependency", message, "", Severity.WARNING)
