"""The passes over arrays of numbers, compared with what reading the definitions word by word gives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coord.core.digraph import Digraph

NAMES = "abcdefgh"


@st.composite
def needs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Any graph of a few tasks: with cycles, with dependencies on themselves and on what does not exist."""
    ids = draw(st.lists(st.sampled_from(NAMES), unique=True))
    one = st.lists(st.sampled_from([*NAMES, "nowhere"]), unique=True, max_size=3)
    return {id: draw(one) for id in ids}


def reached(spec: dict[str, list[str]], start: str) -> set[str]:
    """All that ``start`` waits for, however indirectly."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = {need for need in spec[ahead.pop()] if need in spec} - found
        found |= new
        ahead += new
    return found


@given(needs())
def test_the_arrays_hold_what_was_given(spec: dict[str, list[str]]):
    graph = Digraph.of(spec)
    assert list(graph.ids) == sorted(spec)
    for n, id in enumerate(graph.ids):
        assert list(graph.names(graph.needs[n])) == [need for need in spec[id] if need in spec]
        assert list(graph.names(graph.dependents[n])) == sorted(other for other in spec if id in spec[other])
    missing = {(id, need) for id, of in spec.items() for need in of if need not in spec}
    assert {(graph.ids[n], need) for n, need in graph.missing} == missing


@given(needs())
def test_generations_and_what_is_left_out_are_all_the_tasks(spec: dict[str, list[str]]):
    graph = Digraph.of(spec)
    depth = {n: number for number, level in enumerate(graph.generations) for n in level}
    assert sorted([*depth, *graph.left_out]) == list(range(len(spec)))
    for n, number in depth.items():
        assert number == 1 + max((depth[need] for need in graph.needs[n]), default=-1)
    in_cycle = {id for id in spec if id in reached(spec, id)}
    behind = {id for id in spec if reached(spec, id) & in_cycle}
    assert set(graph.names(graph.in_cycle)) == in_cycle
    assert set(graph.names(graph.left_out)) == in_cycle | behind


@given(needs())
def test_the_order_has_every_task_after_all_that_it_needs(spec: dict[str, list[str]]):
    graph = Digraph.of(spec)
    place = {n: position for position, n in enumerate(graph.order)}
    assert all(place[need] < place[n] for n in graph.order for need in graph.needs[n])


@given(needs())
def test_a_knot_is_a_set_of_tasks_that_all_wait_for_each_other(spec: dict[str, list[str]]):
    graph = Digraph.of(spec)
    for knot in graph.knots:
        names = set(graph.names(knot))
        assert all(
            names == {other for other in reached(spec, id) if id in reached(spec, other)} for id in names
        )
        cycle = graph.shortest_cycle(knot, min(knot))
        assert cycle[0] == cycle[-1] == min(knot)
        assert all(need in graph.needs[n] for n, need in pairwise(cycle))
        assert len(set(cycle)) == len(cycle) - 1


def test_a_ring_of_a_hundred_thousand_is_one_knot_and_what_waits_for_it_is_left_out():
    size = 100_000
    ring = {f"r{n:06}": [f"r{(n + 1) % size:06}"] for n in range(size)}
    graph = Digraph.of({**ring, "after": ["r000000"], "before": []})
    assert [len(knot) for knot in graph.knots] == [size]
    assert graph.names(graph.order) == ("before",)
    assert "after" in graph.names(graph.left_out)
    assert "after" not in graph.names(graph.in_cycle)
