"""What a graph of tasks tells about the work: the critical path, risk, cost, what to split.

The figures (chance of success, weight, scope cost) and what each answer means are those of the public taskgraph command
(alkimiadev/taskgraph: ``src/task.rs``, ``src/commands/{risk_path,decompose,workflow_cost}.rs``), so that both give the same
for the same files. docs/graph.md has every formula. Each pass is linear in tasks and dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import prod
from typing import NamedTuple

from coord.core.digraph import Digraph
from coord.core.graph import TaskGraph
from coord.core.task import Problem, Severity, Status, Task

#: The chance that one attempt succeeds, by ``risk``.
SUCCESS = {"trivial": 0.98, "low": 0.90, "medium": 0.80, "high": 0.65, "critical": 0.50}
#: How much a failure matters, by ``impact``.
WEIGHT = {"isolated": 1.0, "component": 1.5, "phase": 2.0, "project": 3.0}
#: What one attempt costs, by ``scope``, in units that only compare tasks with each other.
COST = {"single": 1.0, "narrow": 2.0, "moderate": 3.0, "broad": 4.0, "system": 5.0}
#: What is counted for a task that does not say, by field (``unwrap_or`` in taskgraph's commands).
ASSUMED = {"risk": "medium", "impact": "isolated", "scope": "narrow"}

#: Attempts in all before a person takes over, and what that costs: a fallback of 20, half an hour lost at a rate of
#: 100 (``DEFAULT_RETRIES`` 2, ``DEFAULT_FALLBACK_COST``, ``DEFAULT_TIME_LOST``, ``DEFAULT_VALUE_RATE`` there).
ATTEMPTS = 3
GIVEN_UP = 20.0 + 0.5 * 100.0

#: How much of a dependency's possible failure the dependent does not feel (``defaultQualityRetention`` in
#: alkimiadev/taskgraph_ts, ``src/analysis/cost-benefit.ts``).
KEPT = 0.9

_TO_SPLIT = {"risk": ("high", "critical"), "scope": ("broad", "system")}

#: The rules whose errors make the graph another one than the files mean; others (a bad word, a missing name) do not.
_FAULTS = frozenset({"cycle", "dependency", "duplicate-id", "duplicate-key"})


class Measure(StrEnum):
    """What the length of a path is counted in."""

    COUNT = "count"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one task: chance that an attempt succeeds, weight of a failure, cost of an attempt."""

    success: float
    weight: float
    cost: float

    @classmethod
    def of(cls, task: Task) -> Figures:
        return cls(
            SUCCESS.get(task.risk, SUCCESS[ASSUMED["risk"]]),
            WEIGHT.get(task.impact, WEIGHT[ASSUMED["impact"]]),
            COST.get(task.scope, COST[ASSUMED["scope"]]),
        )

    @property
    def risk(self) -> float:
        """The chance of a failure times its weight (``risk_path.rs``)."""
        return (1 - self.success) * self.weight

    def expected(self, success: float) -> float:
        """Return the expected cost with a chance of ``success`` an attempt (``calculate_task_ev``, there in one sum
        for success and one for failure): an attempt takes place when all before it failed; after the last one a
        person takes over. All that is weighted by impact."""
        failure = 1 - success
        attempts = sum(failure**before for before in range(ATTEMPTS))
        return self.weight * (self.cost * attempts + GIVEN_UP * failure**ATTEMPTS)


class Gap(NamedTuple):
    """A task that does not state a field, or states a word that is none of the field's."""

    id: str
    word: str


class Cost(NamedTuple):
    """One task's expected cost: with its own chance of success, and with the chance that its dependencies leave it."""

    number: int
    effective: float
    alone: float
    after_others: float


@dataclass(frozen=True)
class Study:
    """The tasks that are looked at, sorted by id, and their graph: ``tasks[n]`` is the task of the number ``n``."""

    graph: TaskGraph
    tasks: tuple[Task, ...]
    net: Digraph
    live: frozenset[str] = frozenset()

    @classmethod
    def of(cls, graph: TaskGraph, live: Iterable[str] = ()) -> Study:
        """Look at all tasks; ``live`` are those that a branch or a claim makes in progress."""
        return cls(graph, _tasks(graph, graph.digraph), graph.digraph, frozenset(live))

    @classmethod
    def of_open(cls, graph: TaskGraph, live: Iterable[str] = ()) -> Study:
        """Look at the tasks that are not completed; a dependency on a completed one is met and counts for nothing."""
        done = {task.id for task in _tasks(graph, graph.digraph) if task.is_completed}
        needs = {
            task.id: [need for need in task.depends_on if need not in done]
            for task in _tasks(graph, graph.digraph)
            if task.id not in done
        }
        net = Digraph.of(needs)
        return cls(graph, _tasks(graph, net), net, frozenset(live))

    def status(self, n: int) -> str:
        """Return what is shown as the task's status; in progress is derived from branches and claims."""
        task = self.tasks[n]
        if task.id in self.live and task.status is Status.PENDING:
            return Status.IN_PROGRESS
        return task.status if task.has_known_status else task.status_text

    @cached_property
    def figures(self) -> tuple[Figures, ...]:
        return tuple(Figures.of(task) for task in self.tasks)

    def gaps(self, field: str) -> tuple[Gap, ...]:
        """Return the tasks for which ``field`` (risk, impact, scope) was assumed."""
        known = {"risk": SUCCESS, "impact": WEIGHT, "scope": COST}[field]
        stated = ((task.id, str(getattr(task, field))) for task in self.tasks)
        return tuple(Gap(id, word) for id, word in stated if word not in known)

    def critical(self, measure: Measure) -> tuple[int, ...]:
        """Return the path that takes longest: most tasks, or the highest sum of scope costs."""
        one = measure is Measure.COUNT
        return heaviest_path(self.net, [1.0 if one else figures.cost for figures in self.figures])

    def risk_path(self) -> tuple[int, ...]:
        """Return the path with the highest sum of risks."""
        return heaviest_path(self.net, [figures.risk for figures in self.figures])

    def costs(self) -> tuple[Cost, ...]:
        """Return the expected cost of every task of the order, highest first (``after_others``, then id).

        A task's effective chance is its own times, for each dependency with the effective chance e, ``e + (1 - e) *
        KEPT``; a completed task has succeeded, so its dependents feel nothing of it.
        """
        effective: dict[int, float] = {}
        found = []
        for n in self.net.order:
            figures = self.figures[n]
            needs = [1.0 if self.tasks[need].is_completed else effective[need] for need in self.net.needs[n]]
            effective[n] = figures.success * prod(each + (1 - each) * KEPT for each in needs)
            found.append(
                Cost(n, effective[n], figures.expected(figures.success), figures.expected(effective[n]))
            )
        return tuple(sorted(found, key=lambda cost: (-cost.after_others, cost.number)))

    def to_split(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return the tasks that should be more than one, each with why (``decompose.rs``)."""
        found = []
        for n, task in enumerate(self.tasks):
            why = tuple(
                f"{field} {getattr(task, field)}"
                for field, words in _TO_SPLIT.items()
                if getattr(task, field) in words
            )
            found += [(n, why)] if why else []
        return tuple(found)


def faults(graph: TaskGraph) -> tuple[Problem, ...]:
    """Return the errors that make the graph another one than the files mean: a cycle, a dependency that is missing or
    cannot be read, an id in two files, and every file that states no task because it is broken."""
    broken = {file.path for file in graph.unreadable}
    return tuple(
        problem
        for problem in graph.problems
        if problem.severity is Severity.ERROR and (problem.rule in _FAULTS or problem.path in broken)
    )


def heaviest_path(net: Digraph, weights: Sequence[float]) -> tuple[int, ...]:
    """Return the path of dependencies with the highest sum of ``weights``, in the order of work.

    Of several the one that ends in the lowest number, and at each step back comes from the lowest. Tasks in or behind
    a cycle are on no path.
    """
    total = [0.0] * len(weights)
    before = [-1] * len(weights)
    for n in net.order:
        best, came_from = 0.0, -1
        for need in net.needs[n]:
            if came_from < 0 or total[need] > best or (total[need] == best and need < came_from):
                best, came_from = total[need], need
        total[n] = best + weights[n]
        before[n] = came_from
    if not net.order:
        return ()
    at = min(net.order, key=lambda n: (-total[n], n))
    path = [at]
    while before[at] >= 0:
        at = before[at]
        path.append(at)
    return tuple(reversed(path))


def steps_from(net: Digraph, start: int, *, to_needs: bool) -> dict[int, int]:
    """Return all that ``start`` needs (or all that needs it), each with its distance in steps; not ``start``."""
    rows = net.needs if to_needs else net.dependents
    steps = {start: 0}
    level = [start]
    while level:
        following = sorted({other for n in level for other in rows[n] if other not in steps})
        steps.update((n, steps[level[0]] + 1) for n in following)
        level = following
    del steps[start]
    return steps


def _tasks(graph: TaskGraph, net: Digraph) -> tuple[Task, ...]:
    return tuple(task for task in map(graph.get, net.ids) if task is not None)
