"""What the dashboard shows is one value: JSON, sorted, plain, the same for the same facts."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.dashboard import Seen, page_facts
from coord.core.dashgraph import graph_facts
from coord.core.graph import TaskGraph
from coord.core.task import Status
from coord.core.text import plain
from coord.core.timeline import Moment, timeline
from coord.dashboard.words import unsaid
from tests.world import pages


def every_text(value: object) -> list[str]:
    """Return all texts of a value of JSON."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in every_text(item)]
    return [text for item in value for text in every_text(item)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("name", ["full", "empty", "cyclic", "hostile"])
def test_the_facts_are_json_and_the_same_each_time(name: str) -> None:
    seen: Seen = getattr(pages, name)()
    first = json.dumps(page_facts(seen), sort_keys=True)
    assert first == json.dumps(page_facts(getattr(pages, name)()), sort_keys=True)
    assert json.loads(first).keys() == page_facts(pages.full()).keys()


def test_foreign_text_becomes_one_plain_line_of_limited_length() -> None:
    texts = every_text(page_facts(pages.hostile()))
    assert any("onerror" in text for text in texts)
    assert all(text == plain(text) and "\n" not in text and len(text) <= 1000 for text in texts)
    json.dumps(texts, ensure_ascii=False).encode()


def test_a_dependency_that_follows_from_others_is_implied() -> None:
    study = pages.study(pages.task("a"), pages.task("b", "a"), pages.task("c", "a", "b"))
    facts = graph_facts(study, {})
    assert facts["edges"] == [[0, 1], [1, 2]]
    assert facts["implied"] == [[0, 2]]


def test_the_critical_path_is_the_longest_of_what_is_open() -> None:
    done = Status.COMPLETED
    chain = (pages.task("a", status=done), pages.task("b", "a", status=done), pages.task("c", "b"))
    study = pages.study(*chain, pages.task("x"), pages.task("y", "x"))
    facts = graph_facts(study, {})
    assert [facts["tasks"][n]["id"] for n in facts["critical"]] == ["x", "y"]
    assert [task["id"] for task in facts["tasks"] if task["critical"]] == ["x", "y"]
    assert facts["steps"] == [facts["critical"]]


def test_when_nothing_is_open_the_critical_path_is_that_of_all() -> None:
    done = Status.COMPLETED
    facts = graph_facts(pages.study(pages.task("a", status=done), pages.task("b", "a", status=done)), {})
    assert facts["critical"] == [0, 1]


@pytest.mark.parametrize(
    ("paths", "reason", "said"),
    [
        (("a.rs",), "conflict in a.rs with b", ()),
        (("a.rs", "c.rs"), "conflict in a.rs and 1 more with b", ("a.rs", "c.rs")),
        ((), "", ()),
    ],
)
def test_files_that_the_reason_names_are_not_named_again(
    paths: tuple[str, ...], reason: str, said: tuple[str, ...]
) -> None:
    assert unsaid(paths, reason) == said


def test_what_is_in_a_cycle_or_behind_one_has_its_own_column() -> None:
    facts = page_facts(pages.cyclic())["graph"]
    ids = [task["id"] for task in facts["tasks"]]
    columns = {column["title"]: [ids[n] for n in column["tasks"]] for column in facts["columns"]}
    assert columns == {
        "missing": ["nowhere"],
        "generation 1": ["free"],
        "generation 2": ["lost"],
        "in a cycle": ["a", "b", "self"],
        "behind a cycle": ["c"],
    }


@st.composite
def _sound(draw: st.DrawFn) -> list[tuple[str, tuple[str, ...]]]:
    count = draw(st.integers(1, 9))
    return [
        (f"t{n}", tuple(draw(st.sets(st.sampled_from([f"t{m}" for m in range(n)]))) if n else ()))
        for n in range(count)
    ]


def _reach(count: int, edges: list[list[int]]) -> set[tuple[int, int]]:
    found = {tuple(edge) for edge in edges}
    for via, one, other in permutations(range(count), 3):
        if (one, via) in found and (via, other) in found:
            found.add((one, other))
    return found if found == {tuple(e) for e in edges} else _reach(count, [list(e) for e in found])


@given(_sound())
def test_the_drawn_dependencies_tell_all_and_none_of_them_can_be_left_out(
    rows: list[tuple[str, tuple[str, ...]]],
) -> None:
    facts = graph_facts(pages.study(*(pages.task(id, *needs) for id, needs in rows)), {})
    drawn, implied, count = facts["edges"], facts["implied"], len(rows)
    assert _reach(count, drawn) == _reach(count, [*drawn, *implied])
    for edge in drawn:
        rest = [other for other in drawn if other != edge]
        assert tuple(edge) not in _reach(count, rest)


def test_the_matrix_is_symmetric_and_names_conflicts_with_main_first() -> None:
    matrix = page_facts(pages.full())["forecast"]["matrix"]
    rows = matrix["rows"]
    assert [row[0] for row in rows] == [0, 1, 0, 0]
    assert all(rows[a][b + 1] == rows[b][a + 1] for a in range(4) for b in range(4))
    assert rows[matrix["names"].index("feat/auth/tokens")][4] == 2


def test_an_empty_timeline_takes_no_room() -> None:
    assert timeline([]).height == 0
    assert timeline([Moment(5, "session", "")]).lanes == ()


@given(st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=30))
def test_every_moment_stands_between_the_ends_in_the_order_of_time(times: list[int]) -> None:
    found = timeline([Moment(at, "landed", str(at)) for at in sorted(times)])
    (lane,) = found.lanes
    places = [mark.x for mark in lane.marks]
    assert places == sorted(places)
    assert found.left <= places[0] <= places[-1] <= 100
    assert len(found.ticks) <= 9
    assert all(found.left <= tick.x <= 100 for tick in found.ticks)


def test_a_graph_without_tasks_has_no_columns() -> None:
    facts = graph_facts(pages.study(), {})
    assert (facts["tasks"], facts["columns"], facts["edges"]) == ([], [], [])
    assert TaskGraph.of(()).tasks == ()
