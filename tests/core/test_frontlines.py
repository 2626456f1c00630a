"""The line reader says what the YAML parser says, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core import taskfile as module
from coord.core.frontlines import read_lines
from coord.core.frontmatter import Document, read
from coord.core.row import ENUMS, STATUSES, row_of, sound_fields
from coord.core.task import Status, Task, Unreadable, lengthened, shortened
from coord.core.taskfile import read_task

OWN = sorted(Path(__file__).parents[2].glob("tasks/**/*.md"))

_KEYS = st.sampled_from(
    ["id", "name", "status", "depends_on", "tags", "touches", "level", "risk", "superseded_by", "assignee", "due",
     "created", "adr", "dependsOn", "x-y", "<<", "?", "é"]
)  # fmt: skip
_PIECES = st.sampled_from(
    ["a", "b/c", "a.b", "review", "pending", "done", "completed", "low", "null", "~", "true", "1.0", "2024-01-01", "é", "\u00a0",
     " ", "  ", ":", ": ", "#", " #", "'", '"', "\\", "[", "]", ",", "{", "}", "&a", "*a", "!t", "|", ">", "-", "- ",
     "%", "@", "`", "?", "\t", "\r", "\n", "\n  ", "\n- ", "\n  - ", "\x85", "\u2028", "\ufeff", "---", "...", "=",
     "external-trigger"]
)  # fmt: skip
_VALUES = st.lists(_PIECES, max_size=6).map("".join)
_LINES = st.one_of(
    st.builds("{}: {}\n".format, _KEYS, _VALUES),
    st.builds("{}:{}\n".format, _KEYS, _VALUES),
    st.builds(
        lambda key, items: f"{key}:\n" + "".join(f"  - {item}\n" for item in items),
        _KEYS,
        st.lists(_VALUES, max_size=3),
    ),
    st.builds(lambda key, items: f"{key}: [{', '.join(items)}]\n", _KEYS, st.lists(_VALUES, max_size=3)),
    st.sampled_from(["\n", "# words\n", "  # words\n", "---\n", "--- \n", "...\n", " \n"]),
    _VALUES.map("{}\n".format),
)
_DOCUMENTS = st.builds(
    lambda good, lines, end: ("---\n" + good + "".join(lines) + end).encode(),
    st.sampled_from(["", "id: a/b\nname: Do it\n"]),
    st.lists(_LINES, max_size=5),
    st.sampled_from(["---\n", "---", "--- \n", "---\r\n", "----\n", "", "---\nbody\n---\n"]),
)


def _by_yaml(path: str, data: bytes) -> Task | Unreadable:
    """Read a task with the YAML parser only."""
    document = read(data)
    assert isinstance(document, Document)
    return module._Reader(path, document).task()


def _agrees(data: bytes) -> bool:
    """Compare the two readers on one file; say whether the line reader had an answer."""
    if sound_fields(data) is None:
        assert row_of(data) is None
        return False
    quick, slow = read_task("a.md", data), _by_yaml("a.md", data)
    assert quick == slow
    assert isinstance(quick, Task)
    assert isinstance(slow, Task)
    assert (quick.id_at, quick.status_at, quick.dependencies_at) == (
        slow.id_at, slow.status_at, slow.dependencies_at,
    )  # fmt: skip
    assert row_of(data) == shortened(slow)
    return True


@settings(max_examples=1500, deadline=None)
@given(_DOCUMENTS)
def test_the_line_reader_says_what_yaml_says_or_nothing(data: bytes) -> None:
    _agrees(data)


@settings(max_examples=700, deadline=None)
@given(_DOCUMENTS)
def test_the_line_reader_finds_the_same_words_at_the_same_places(data: bytes) -> None:
    fields = read_lines(data)
    if fields is None:
        return
    document = read(data)
    assert isinstance(document, Document)
    assert [field.name for field in document.fields] == list(fields)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_usual_form_is_read_by_lines(path: Path) -> None:
    assert _agrees(path.read_bytes())


@pytest.mark.parametrize(
    "front",
    [
        "id: a\nname: 'It is: so'\nstatus: completed\n",
        'id: a\nname: "Do # it"\ndepends_on: [b, c/d]\ntags: ["x", \'y\']\n',
        "id: a\nname: n\ndepends_on:\n- b\n- c\n\n# words\nlevel: review\n",
        "id: a\nname: n\ndepends_on: [b, c, b]\ntags: []\n",
    ],
)
def test_usual_forms(front: str) -> None:
    assert _agrees(f"---\n{front}---\n".encode())


def test_words_are_the_same_in_both_modules() -> None:
    assert tuple(Status) == STATUSES
    assert set(ENUMS) == {"level", "scope", "risk", "impact"}


@settings(max_examples=300, deadline=None)
@given(_DOCUMENTS)
def test_a_row_tells_what_the_graph_goes_by(data: bytes) -> None:
    read_one = read_task("a.md", data)
    again = lengthened("a.md", shortened(read_one))
    assert shortened(again) == shortened(read_one)
    assert (again.id, again.problems) == (read_one.id, read_one.problems)
