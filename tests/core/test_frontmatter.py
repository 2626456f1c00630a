"""Front matter is read with its places and edited in single values, every other byte kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.frontedit import Refusal, quoted, rename_key, set_scalar
from coord.core.frontmatter import Broken, Document, Items, NoFrontMatter, Place, Scalar, read
from coord.core.task import Problem, Severity, Task
from coord.core.taskfile import read_task

REAL = """---
id: server/handler
name: Implement ServerHandler — russh::server with auth "done"-ish
status: pending   # set by coord
depends_on:
  - auth/server-auth-handler
  - transport/trait-and-types
adr: [028, 027, 010]
created: 2026-01-02
---

## Description

---
```yaml
---
status: pending
---
```
"""


def fields(data: bytes) -> dict[str, object]:
    document = read(data)
    assert isinstance(document, Document), document
    return {
        field.name: field.value.text
        if isinstance(field.value, Scalar)
        else tuple(item.text if isinstance(item, Scalar) else item.form for item in field.value.items)
        if isinstance(field.value, Items)
        else field.value.form
        for field in document.fields
    }


def edit(text: str, value: str = "completed", key: str = "status") -> str:
    edited = set_scalar(text.encode(), key, value)
    assert isinstance(edited, bytes), edited
    return edited.decode()


def refused(text: str, value: str = "completed", key: str = "status") -> Refusal:
    edited = set_scalar(text.encode(), key, value)
    assert isinstance(edited, Refusal), edited
    assert edited.hint
    return edited


def test_a_value_is_the_text_of_the_file_and_never_converted():
    values = fields(b"---\nid: 007\nv: 1.0\nflag: yes\nday: 2026-01-02\nadr: [028, 0x1F]\nnone:\n---\n")
    assert values == {
        "id": "007", "v": "1.0", "flag": "yes", "day": "2026-01-02", "adr": ("028", "0x1F"), "none": "",
    }  # fmt: skip


def test_every_value_knows_its_line_and_column():
    document = read("\ufeff---\r\n# 😀\r\nid: a\r\ntags: [😀, b]\r\n---\r\n".encode())
    assert isinstance(document, Document)
    tags = document.get("tags")
    assert tags is not None
    assert tags.key.at == Place(4, 1)
    assert isinstance(tags.value, Items)
    assert [item.at for item in tags.value.items] == [Place(4, 8), Place(4, 11)]


@pytest.mark.parametrize(
    "text",
    [
        REAL,
        REAL.replace("\n", "\r\n"),
        "\ufeff" + REAL,
        REAL.rstrip("\n"),
        "---\nstatus: pending\n---",
        "--- \t\nstatus: pending\n---  \nbody",
        "---\nstatus: 'pending'\n---\n",
        '---\nstatus: "pending" # why\nb: "x"\n---\n',
        "---\nname: 😀 𝔘\nstatus: pending\nx: 𝔘\n---\n𝔘",
        "---\n  id: x\n  status: pending\n---\n",
        "---\n? status\n: pending\n---\n",
        "---\nbase: &b {x: [1, 2]}\nother: *b\nstatus: pending\n---\n",
        "---\nid: x\rstatus: pending\rname: y\n---\n",
    ],
)
def test_only_the_status_word_changes(text: str):
    assert edit(text) == text.replace("pending", "completed", 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("---\n---\nbody", "---\nstatus: completed\n---\nbody"),
        ("---\r\n# nothing yet\r\n---\r\n", "---\r\n# nothing yet\r\nstatus: completed\r\n---\r\n"),
        ("---\nid: x\n---", "---\nid: x\nstatus: completed\n---"),
        ("---\n  id: x\n---\n", "---\n  id: x\n  status: completed\n---\n"),
        ("---\nid: |+\n  x\n\n---\n", "---\nid: |+\n  x\n\nstatus: completed\n---\n"),
    ],
)
def test_an_absent_key_becomes_the_last_line_in_the_style_of_the_file(before: str, after: str):
    assert edit(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("status:\n", "status: completed\n"),
        ("status:   # later\n", "status: completed   # later\n"),
        ("status: ~\n", "status: completed\n"),
        ("status: null # n\n", "status: completed # n\n"),
        ("status: in\n  progress\n", "status: completed\n"),
    ],
)
def test_an_empty_value_is_written_and_a_long_one_replaced(before: str, after: str):
    assert edit(f"---\n{before}b: 1\n---\n") == f"---\n{after}b: 1\n---\n"


@pytest.mark.parametrize(
    "front",
    [
        "status: |\n  pending\n",
        "status: >-\n  pending\n",
        "status: &s pending\nother: *s\n",
        "other: &s pending\nstatus: *s\n",
        "status: !!str pending\n",
        "status: pending\nstatus: done\n",
        "status: [pending]\n",
        "status: {a: b}\n",
        "{status: pending}\n",
        "? status\nid: x\n",
        "- status\n",
        "just words\n",
        "a: b\n...\nc: d\n",
        "a: b\u2028---\nc: d\n",
        "a: [1\n",
        "a: \x01\n",
        "\ufeffstatus: pending\n",
        "[a, b]: c\n",
        "a: " + "[" * 500 + "]" * 500 + "\n",
        "a: " + "{a: " * 500 + "\n",
    ],
)
def test_what_cannot_be_spliced_safely_is_refused_with_a_hint(front: str):
    assert refused(f"---\n{front}---\nbody\n").reason


def test_a_document_without_front_matter_is_refused():
    assert "no front matter" in refused("# Title\n").reason
    assert "not closed" in refused("---\nstatus: pending\n").reason
    assert "UTF-8" in refused("---\nstatus: x\n---\n", "a\ud800").reason
    assert isinstance(set_scalar(b"---\nstatus: \xff\n---\n", "status", "completed"), Refusal)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("completed", "completed"),
        ("in-progress", "in-progress"),
        ("Handle russh::server — auth (ADR-018)", "Handle russh::server — auth (ADR-018)"),
        ("2026-01-02", "2026-01-02"),
        ("yes", '"yes"'),
        ("007", '"007"'),
        ("1.0", '"1.0"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("", '""'),
        ("- x", '"- x"'),
        ("@x", '"@x"'),
        ('say "hi"\n\\', '"say \\"hi\\"\\n\\\\"'),
        ("nel\x85ls\u2028", '"nel\\x85ls\\u2028"'),
    ],
)
def test_a_value_is_quoted_only_when_another_reader_would_take_it_otherwise(value: str, written: str):
    assert quoted(value) == written
    assert edit("---\nstatus: x\n---\n", value) == f"---\nstatus: {written}\n---\n"


def test_the_quoting_of_the_file_is_kept():
    assert edit("---\nstatus: 'x'\n---\n", "it's") == "---\nstatus: 'it''s'\n---\n"
    assert edit('---\nstatus: "x"\n---\n', "ok") == '---\nstatus: "ok"\n---\n'


def test_the_same_value_changes_nothing_even_where_an_edit_would_be_refused():
    text = "---\nstatus: &s completed\nother: *s\n---\n"
    assert edit(text) == text


def test_a_document_without_front_matter_is_told_from_a_broken_one():
    assert isinstance(read(b"# Title\n---\nid: x\n---\n"), NoFrontMatter)
    assert isinstance(read(b""), NoFrontMatter)
    assert isinstance(read(b"\x89PNG\xff\x00"), NoFrontMatter)
    late = read(b"\n---\nid: x\n---\n")
    assert isinstance(late, Broken)
    assert (late.at, late.id_guess) == (Place(2, 1), "x")


def test_a_broken_document_says_where_and_guesses_its_id():
    broken = read(b"---\nid: a/b\nname: [x\n---\n")
    assert isinstance(broken, Broken)
    assert broken.id_guess == "a/b"
    assert broken.at.line >= 3


def test_front_matter_that_is_too_long_is_not_read():
    broken = read(b"---\nid: x\na: " + b"y" * 70_000 + b"\n---\n")
    assert isinstance(broken, Broken)
    assert "longer than" in broken.message


def test_a_key_is_renamed_and_its_value_stays():
    text = "---\nid: x\n'dependsOn' : [a, b] # c\n---\nbody"
    assert (
        rename_key(text.encode(), "dependsOn", "depends_on")
        == text.replace("'dependsOn'", "depends_on").encode()
    )
    assert isinstance(
        rename_key(b"---\ndependsOn: a\ndepends_on: b\n---\n", "dependsOn", "depends_on"), Refusal
    )


KEYS = st.sampled_from(["id", "name", "status", "tags", "due", "x"])
LINES = st.sampled_from(
    [
        "id: a/b", "name: 'it''s' # c", "status: pending", 'status: "x"', "status:", "tags: [a, 'b']", "tags:\n  - a",
        "x: |\n  text\n  more", "x: &a 1", "due: *a", "# comment", "", "name: two\n  lines", "due: !!str 1", "x: {y: 1}",
        "𝔘: 😀", "name: a\u2028b: c", "name: a\x85", "? x\n: y", "status: 'two\n\n  lines'", "due: >-\n    x\n\n",
    ]
)  # fmt: skip
BODIES = st.text(st.sampled_from("a#`~-\n\r \u2028😀>:"), max_size=60)


@given(
    st.lists(LINES, max_size=7),
    BODIES,
    KEYS,
    st.text(max_size=20) | st.sampled_from(["completed", "yes", "1"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_an_edit_changes_that_value_and_keeps_every_other_byte(
    rows: list[str], body: str, key: str, value: str, newline: str, bom: bool
):
    text = ("\ufeff" if bom else "") + "\n".join(["---", *rows, "---", ""]).replace("\n", newline) + body
    data = text.encode("utf-8", "surrogatepass")
    edited = set_scalar(data, key, value)
    if isinstance(edited, Refusal):
        assert edited.hint
        return
    before, after = read(data), read(edited)
    assert isinstance(before, Document)
    assert isinstance(after, Document)
    field, old = after.get(key), before.get(key)
    assert field is not None
    assert isinstance(field.value, Scalar)
    assert field.value.text == value
    assert [f.meaning for f in after.fields if f.name != key] == [
        f.meaning for f in before.fields if f.name != key
    ]
    start, end = old.value.span if old and isinstance(old.value, Scalar) else (before.front[1],) * 2
    assert after.text.startswith(before.text[:start])
    assert after.text.endswith(before.text[end:])
    assert set_scalar(edited, key, value) == edited


@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_are_a_surprise(data: bytes, fenced: bool):
    whole = b"---\n" + data + b"\n---\n" if fenced else data
    assert isinstance(read(whole), Document | NoFrontMatter | Broken)
    assert isinstance(set_scalar(whole, "status", "completed"), bytes | Refusal)


def corpus() -> list[Path]:
    tasks = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "wraith" / "tasks"
    return sorted(tasks.rglob("*.md"))


@pytest.mark.skipif(not corpus(), reason="the corpus of real task files is not beside the repository")
def test_every_real_task_file_is_read_and_survives_an_edit_of_its_status():
    assert len(corpus()) == 35
    for path in corpus():
        data = path.read_bytes()
        edited = set_scalar(data, "status", "failed")
        assert isinstance(edited, bytes), path
        status = data.split(b"\nstatus: ", 1)[1].split(b"\n", 1)[0]
        assert edited == data.replace(b"\nstatus: " + status, b"\nstatus: failed", 1), path
        assert not [p for p in read_all(path, data) if p.severity is Severity.ERROR], path


def read_all(path: Path, data: bytes) -> tuple[Problem, ...]:
    task = read_task(path.name, data)
    assert isinstance(task, Task)
    return task.problems
