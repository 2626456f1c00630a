"""The board gives the answers of the graph."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.board import Board
from coord.core.graph import TaskGraph
from coord.core.jsontext import encode
from coord.core.task import Task
from coord.core.taskfile import read_row, read_task

_IDS = ["a", "b", "c", "d", "A", "a/b", "a/b/c", "x.y", "e/b"]


def _file(id: str, status: str, needs: list[str], extra: str) -> bytes:
    front = f"id: {id}\nname: n\nstatus: {status}\ndepends_on: [{', '.join(needs)}]\n{extra}"
    return f"---\n{front}---\n".encode()


_FILES = st.builds(
    _file,
    st.sampled_from([*_IDS, "", "-x"]),
    st.sampled_from(["pending", "pending", "done", "completed", "blocked", "weird", "in-progress"]),
    st.lists(st.sampled_from([*_IDS, "zz", "aa"]), max_size=4),
    st.sampled_from(
        ["", "", "level: review\n", "tags: [external-trigger]\n", "superseded_by: b\n", "depends_on: {}\n",
         "risk: bad\n", "- x\n", "due: {a: b}\n"]
    ),
)  # fmt: skip


def _both(files: list[bytes]) -> tuple[TaskGraph, Board]:
    paths = [f"t/{number}.md" for number in range(len(files))]
    read = [read_task(path, data) for path, data in zip(paths, files, strict=True)]
    graph = TaskGraph.of(
        [item for item in read if isinstance(item, Task)],
        [item for item in read if not isinstance(item, Task)],
    )
    return graph, Board((path, read_row(data)) for path, data in zip(paths, files, strict=True))


@settings(max_examples=800, deadline=None)
@given(st.lists(_FILES, max_size=7))
def test_the_board_says_what_the_graph_says(files: list[bytes]) -> None:
    graph, board = _both(files)
    assert [(id, path) for id, path, _ in board.tasks] == [(task.id, task.path) for task in graph.tasks]
    assert [path for _, path, _ in board.ready] == [task.path for task in graph.ready]
    for task, mine in zip(graph.tasks, board.tasks, strict=True):
        assert board.unmet(task.id) == [tuple(unmet) for unmet in graph.unmet(task.id)]
        assert board.waits_for(task.id) == [unmet.id for unmet in graph.unmet(task.id)]
        assert board.is_ready(mine) == graph.is_ready(task)
        assert (mine[2][2], mine[2][6]) == (task.status, task.apart)
    names = ("path", "line", "column", "rule", "message", "fix", "severity")
    assert [dict(zip(names, p, strict=True)) for p in board.problems] == [p.facts() for p in graph.problems]


def test_a_long_chain_in_the_worst_order_is_no_circle() -> None:
    files = [_file(f"t{n:05}", "pending", [f"t{n * 7919 % 5000:05}"] if n else [], "") for n in range(5000)]
    order = [_file(f"t{n * 7919 % 5003:05}", "pending", [], "") for n in range(5003)]
    assert len(_both(order)[1].ready) == 5003
    graph, board = _both(files)
    assert bool(graph.cycles) == board._in_circle


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(blacklist_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_json_is_written_as_the_json_module_writes_it(value: object) -> None:
    assert encode(value) == json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
