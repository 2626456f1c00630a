"""Drawings: every box and edge is there, foreign text stays text, and the same graph gives the same bytes."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.analysis import Measure, Study
from coord.core.drawing import FORMATS, draw
from coord.core.graph import TaskGraph
from coord.core.layout import layout
from coord.core.task import Status, Task

FOREIGN = [
    'a"b',
    "<script>alert(1)</script>",
    '"]',
    "a --> b",
    "x\\",
    "l1\nl2",
    "end",
    "#35;",
    "&amp;",
    "a\x1b[31mb",
    "\ufffe",
]


def study_of(*tasks: Task) -> Study:
    return Study.of(TaskGraph.of(tasks))


def drawn(study: Study, format: str) -> str:  # noqa: A002
    return FORMATS[format](draw(study, range(len(study.tasks)), study.critical(Measure.COUNT)))


def graph_with(text: str) -> Study:
    return study_of(
        Task(text, text, "tasks/1.md", depends_on=("base", f"no {text}")), Task("base", text, "tasks/2.md")
    )


@pytest.mark.parametrize("text", FOREIGN)
def test_an_svg_with_foreign_text_is_xml_with_that_text_in_it(text: str):
    root = ET.fromstring(drawn(graph_with(text), "svg"))
    assert {element.tag.partition("}")[2] for element in root.iter()} <= {
        "svg", "rect", "defs", "marker", "path", "text", "g", "title",
    }  # fmt: skip
    titles = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 3
    assert any("<script>" in title for title in titles) == ("<script>" in text)


@pytest.mark.parametrize("text", FOREIGN)
def test_dot_with_foreign_text_has_a_line_for_each_box_and_edge(text: str):
    out = drawn(graph_with(text), "dot")
    quoted = r'"(?:[^"\\]|\\.)*"'
    node = re.compile(rf"    t\d+ \[(?:\w+=(?:{quoted}|[\w.]+)(?:, )?)+\];")
    edge = re.compile(rf"  t\d+ -> t\d+(?: \[(?:\w+=(?:{quoted}|\w+)(?:, )?)+\])?;")
    lines = out.splitlines()
    assert sum(bool(node.fullmatch(line)) for line in lines) == 3
    assert sum(bool(edge.fullmatch(line)) for line in lines) == 2
    known = re.compile(r"digraph coord {|  rankdir=LR;|  node \[.*\];|  { rank=same; // [\w ]+|  }|}")
    assert all(node.fullmatch(line) or edge.fullmatch(line) or known.fullmatch(line) for line in lines)


@pytest.mark.parametrize("text", FOREIGN)
def test_mermaid_with_foreign_text_holds_no_character_of_its_syntax_in_a_label(text: str):
    out = drawn(graph_with(text), "mermaid")
    labels = re.findall(r'^    t\d+\S*?"(.*)"\S*$', out, re.MULTILINE)
    assert len(labels) == 3
    for label in labels:
        assert re.fullmatch(r"(?:[\w /.:,-]|#\d+;)*", label.replace("<br/>", ""))
    assert len(re.findall(r"^  t\d+ [-=.]+> t\d+$", out, re.MULTILINE)) == 2


def every_status() -> Study:
    tasks = [Task(status.value, "N", status.value, status, status.value, ("base",)) for status in Status]
    odd = Task("odd", "N", "odd", Status.PENDING, "wontfix", ("base", "nowhere"))
    ring = [Task("r1", "N", "r1", depends_on=("r2",)), Task("r2", "N", "r2", depends_on=("r1",))]
    return study_of(
        *tasks, odd, *ring, Task("after", "N", "after", depends_on=("r1",)), Task("base", "N", "base")
    )


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_drawing_says_every_status_by_word_and_what_is_in_no_generation(format: str):  # noqa: A002
    out = drawn(every_status(), format)
    for words in (*Status, "wontfix", "missing", "in a cycle", "behind a cycle", "generation 2"):
        assert words in out


def test_each_status_has_a_shape_of_its_own():
    study = every_status()
    dot = dict(re.findall(r'label="([\w-]+)\\n.*shape=(\w+)', drawn(study, "dot")))
    assert len({dot[status] for status in Status} | {dot["odd"], dot["nowhere"]}) == len(Status) + 2
    svg = dict(re.findall(r"<title>([\w-]+): .*?</title><rect.*?/><path d=\"(.*?)\"", drawn(study, "svg")))
    assert len({svg[status] for status in Status} | {svg["odd"], svg["nowhere"]}) == len(Status) + 2


@pytest.mark.parametrize("format", list(FORMATS))
def test_the_same_graph_gives_the_same_bytes(format: str):  # noqa: A002
    study = every_status()
    turned = study_of(*reversed(study.graph.tasks))
    assert drawn(study, format) == drawn(turned, format)


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_graph_without_tasks_can_be_drawn(format: str):  # noqa: A002
    assert drawn(study_of(), format)


@st.composite
def layered(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[int, int]]]:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    columns, number = [], 0
    for size in sizes:
        columns.append(list(range(number, number + size)))
        number += size
    column_of = {n: at for at, column in enumerate(columns) for n in column}
    forward = [pair for pair in combinations(range(number), 2) if column_of[pair[0]] < column_of[pair[1]]]
    edges = draw(st.lists(st.sampled_from(forward), unique=True, max_size=12)) if forward else []
    return columns, edges


@given(layered())
def test_no_two_boxes_of_a_column_overlap_and_passing_edges_keep_clear_of_boxes(
    spec: tuple[list[list[int]], list[tuple[int, int]]],
):
    columns, edges = spec
    found = layout(columns, edges)
    assert len(found.heights) == sum(map(len, columns))
    assert min(found.heights) >= 0
    column_of = {n: at for at, column in enumerate(columns) for n in column}
    for column in columns:
        for a, b in combinations(column, 2):
            assert abs(found.heights[a] - found.heights[b]) >= 1.2
    for (a, b), passing in zip(edges, found.passing, strict=True):
        assert len(passing) == column_of[b] - column_of[a] - 1
        for at, height in enumerate(passing, column_of[a] + 1):
            assert all(abs(found.heights[n] - height) > 0.6 for n in columns[at])


def test_edges_that_can_be_drawn_without_crossing_are():
    """Three chains whose ids are in another order in each generation."""
    found = layout([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [(0, 5), (1, 3), (2, 4), (5, 7), (3, 8), (4, 6)])
    chains = [(0, 5, 7), (1, 3, 8), (2, 4, 6)]
    ranks = {tuple(sorted(range(3), key=lambda c: found.heights[chains[c][at]])) for at in range(3)}
    assert len(ranks) == 1
