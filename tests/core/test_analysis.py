"""Paths, figures and bottlenecks, compared with what going through every path gives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.analysis import (
    COST,
    SUCCESS,
    WEIGHT,
    Figures,
    Measure,
    Study,
    faults,
    heaviest_path,
    steps_from,
)
from coord.core.betweenness import EXACT, betweenness, bottlenecks, chains
from coord.core.digraph import Digraph
from coord.core.graph import TaskGraph
from coord.core.row import ENUMS
from coord.core.task import Status, Task, Unreadable
from coord.core.taskfile import read_task

NAMES = "abcdefgh"


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, list[str]]:
    """A graph of a few tasks in which each needs only some of those before it, in any order of ids."""
    ids = draw(st.permutations(NAMES).map(lambda all_ids: all_ids[:7]))
    return {
        id: draw(st.lists(st.sampled_from(ids[:n]), unique=True, max_size=3)) if n else []
        for n, id in enumerate(ids)
    }


def paths(net: Digraph) -> Iterator[tuple[int, ...]]:
    """Every path of one or more tasks, in the order of work."""
    ahead = [(n,) for n in range(len(net.ids))]
    while ahead:
        path = ahead.pop()
        yield path
        ahead += [(*path, d) for d in net.dependents[path[-1]]]


def a_study(*tasks: Task) -> Study:
    return Study.of(TaskGraph.of(tasks))


def task(id: str, *needs: str, status: Status = Status.PENDING, **words: str) -> Task:
    return Task(id, id.upper(), f"tasks/{id}.md", status, status, needs, **words)  # type: ignore[arg-type]


# -- paths ---------------------------------------------------------------------------------------------------------


@given(acyclic(), st.lists(st.integers(0, 5), min_size=8, max_size=8))
def test_the_heaviest_path_is_a_path_and_none_is_heavier(spec: dict[str, list[str]], weights: list[int]):
    net = Digraph.of(spec)
    found = heaviest_path(net, weights)
    assert all(n in net.needs[following] for n, following in pairwise(found))
    assert sum(weights[n] for n in found) == max(sum(weights[n] for n in path) for path in paths(net))


def test_the_critical_path_may_differ_by_count_and_by_cost():
    study = a_study(
        task("a", scope="single"),
        task("b", "a", scope="single"),
        task("c", "b", scope="single"),
        task("x", scope="system"),
        task("c2", "x", scope="broad"),
    )
    assert study.net.names(study.critical(Measure.COUNT)) == ("a", "b", "c")
    assert study.net.names(study.critical(Measure.COST)) == ("x", "c2")


def test_no_path_goes_through_a_cycle():
    study = a_study(task("a", "b"), task("b", "a"), task("c", "b"), task("d"))
    assert study.net.names(study.critical(Measure.COUNT)) == ("d",)
    assert a_study(task("a", "a")).critical(Measure.COUNT) == ()


def test_steps_are_the_shortest_distance_and_a_cycle_does_not_trap_them():
    net = a_study(task("a", "b"), task("b", "c", "a"), task("c"), task("d", "a", "c")).net
    assert {net.ids[n]: steps for n, steps in steps_from(net, net.number["d"], to_needs=True).items()} == {
        "a": 1, "c": 1, "b": 2,
    }  # fmt: skip
    assert set(net.names(steps_from(net, net.number["c"], to_needs=False))) == {"a", "b", "d"}


def test_a_chain_of_a_hundred_thousand_is_measured_without_recursion():
    size = 100_000
    tasks = [task(f"t{n:06}", *([f"t{n - 1:06}"] if n else [])) for n in range(size)]
    study = a_study(*tasks)
    assert len(study.critical(Measure.COUNT)) == size
    assert len(study.costs()) == size
    middle = bottlenecks(study.net)[0]
    assert abs(middle.number - size // 2) <= 1
    assert len(steps_from(study.net, 0, to_needs=False)) == size - 1


# -- bottlenecks ---------------------------------------------------------------------------------------------------


@given(acyclic())
def test_betweenness_is_the_share_of_shortest_chains_between_all_pairs(spec: dict[str, list[str]]):
    net = Digraph.of(spec)
    between = [0.0] * len(net.ids)
    every = list(paths(net))
    for start, end in permutations(range(len(net.ids)), 2):
        ways = [path for path in every if path[0] == start and path[-1] == end]
        shortest = [path for path in ways if len(path) == min(map(len, ways))]
        for path in shortest:
            for n in path[1:-1]:
                between[n] += 1 / len(shortest)
    assert betweenness(net) == pytest.approx(between)


@given(acyclic())
def test_chains_are_the_paths_of_two_or_more_tasks_that_a_task_is_on(spec: dict[str, list[str]]):
    net = Digraph.of(spec)
    every = [path for path in paths(net) if len(path) > 1]
    assert chains(net) == {n: sum(n in path for path in every) for n in net.order}


@given(acyclic())
def test_bottlenecks_are_sorted_and_each_stands_between_two_tasks(spec: dict[str, list[str]]):
    net = Digraph.of(spec)
    found = bottlenecks(net)
    assert {row.number for row in found} == {n for n in net.order if betweenness(net)[n] > 0}
    assert [row.between for row in found] == sorted((row.between for row in found), reverse=True)  # type: ignore[type-var]


def test_a_task_in_or_behind_a_cycle_is_no_bottleneck_and_passes_nothing_on():
    net = Digraph.of({"a": [], "b": ["a"], "c": ["b", "x"], "x": ["x"], "d": ["c"], "e": ["b"]})
    assert [(net.ids[row.number], row.between, row.chains) for row in bottlenecks(net)] == [("b", 1.0, 3)]


def test_chains_of_a_graph_with_more_of_them_than_a_float_can_say_are_counted():
    """Layers of three, each needing all of the layer before: 3 ** 633 chains from one end to the other."""
    layers = EXACT // 3
    spec = {
        f"t{n:04}{side}": [f"t{n - 1:04}{other}" for other in "abc"] if n else []
        for n in range(layers)
        for side in "abc"
    }
    found = bottlenecks(Digraph.of(spec))
    assert found[0].between is not None
    assert found[0].chains_log10 > 300
    more = {**spec, **{f"u{n}": [] for n in range(10)}}
    ranked = bottlenecks(Digraph.of(more))
    assert {row.between for row in ranked} == {None}
    assert len(ranked) == (layers - 2) * 3
    names = Digraph.of(more).ids
    logs = {names[row.number]: row.chains_log10 for row in ranked}
    assert logs[Digraph.of(spec).ids[found[0].number]] == pytest.approx(found[0].chains_log10)


# -- figures -------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_issue_and_cover_every_word_of_the_format():
    assert [SUCCESS[word] for word in ENUMS["risk"]] == [0.98, 0.90, 0.80, 0.65, 0.50]
    assert [WEIGHT[word] for word in ENUMS["impact"]] == [1, 1.5, 2, 3]
    assert [COST[word] for word in ENUMS["scope"]] == [1, 2, 3, 4, 5]


def test_what_a_task_does_not_say_is_assumed_and_named():
    study = a_study(task("a"), task("b", risk="huge", scope="single", impact="project"))
    assert study.figures == (Figures(0.80, 1.0, 2.0), Figures(0.80, 3.0, 1.0))
    assert [tuple(gap) for gap in study.gaps("risk")] == [("a", ""), ("b", "huge")]
    assert [gap.id for gap in study.gaps("scope")] == ["a"]


def test_the_risk_path_weighs_failures_by_impact():
    study = a_study(
        task("a", risk="low", impact="isolated"),
        task("b", "a", risk="low", impact="isolated"),
        task("x", risk="low", impact="project"),
    )
    assert study.net.names(study.risk_path()) == ("x",)
    assert study.figures[2].risk == pytest.approx(0.3)


@given(st.sampled_from(list(SUCCESS.values())), st.integers(1, 5), st.sampled_from(list(WEIGHT.values())))
def test_the_expected_cost_is_that_of_the_taskgraph_command(success: float, cost: int, weight: float):
    """Its formula, from the sum over how it may end: after 1, 2, 3 attempts, or given up after the third."""
    failure = 1 - success
    ends = [failure**retries * success * (1 + retries) * cost for retries in range(3)]
    given_up = failure**3 * (3 * cost + 20 + 0.5 * 100)
    assert Figures(success, weight, cost).expected(success) == pytest.approx(weight * (sum(ends) + given_up))


def test_a_dependency_that_may_fail_lowers_the_chance_and_a_completed_one_does_not():
    words = {"risk": "critical", "scope": "single", "impact": "isolated"}
    study = a_study(
        task("a", **words),
        task("b", "a", **words),
        task("done", status=Status.COMPLETED, **words),
        task("c", "done", **words),
    )
    effective = {study.net.ids[cost.number]: cost.effective for cost in study.costs()}
    assert effective["b"] == pytest.approx(0.5 * (0.5 + 0.5 * 0.9))
    assert effective["c"] == effective["a"] == 0.5
    first = study.costs()[0]
    assert study.net.ids[first.number] == "b"
    assert first.after_others > first.alone


def test_what_should_be_split_is_risky_or_wide():
    study = a_study(
        task("a", risk="high", scope="system"),
        task("b", risk="medium", scope="moderate"),
        task("c", scope="broad"),
        task("d", risk="critical"),
    )
    assert [(study.net.ids[n], why) for n, why in study.to_split()] == [
        ("a", ("risk high", "scope system")),
        ("c", ("scope broad",)),
        ("d", ("risk critical",)),
    ]


# -- which tasks, and what is wrong --------------------------------------------------------------------------------


def test_open_tasks_alone_count_a_completed_dependency_as_met_and_a_missing_one_as_missing():
    done = task("done", status=Status.COMPLETED)
    study = Study.of_open(TaskGraph.of([done, task("a", "done"), task("b", "a", "nowhere")]))
    assert study.net.ids == ("a", "b")
    assert [study.net.names(level) for level in study.net.generations] == [("a",), ("b",)]
    assert study.net.missing == ((1, "nowhere"),)


def test_a_branch_makes_a_pending_task_in_progress_and_no_other():
    done = task("done", status=Status.COMPLETED)
    study = Study.of(TaskGraph.of([task("a"), task("b"), done]), ["a", "done"])
    assert [study.status(n) for n in range(3)] == ["in-progress", "pending", "completed"]


def test_faults_are_what_makes_the_graph_another_one():
    broken = read_task("tasks/x.md", b"---\nid: x\nname: [\n---\n")
    readme = read_task("tasks/README.md", b"# Tasks\n")
    odd = read_task("tasks/o.md", b"---\nid: o\nname: O\nrisk: huge\n---\n")
    assert isinstance(broken, Unreadable)
    assert isinstance(readme, Unreadable)
    assert isinstance(odd, Task)
    assert faults(TaskGraph.of([odd], [readme])) == ()
    graph = TaskGraph.of([task("a", "a"), task("b", "nowhere"), odd], [broken, readme])
    assert sorted(problem.rule for problem in faults(graph)) == ["cycle", "dependency", "yaml"]
