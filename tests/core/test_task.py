"""A task file says what it says; what is wrong with it is told with its place, and the rest is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.row import SIZE_LIMIT
from coord.core.task import Severity, Status, Task, Unreadable
from coord.core.taskfile import branch_flaw, mend, read_task


def task(front: str) -> Task:
    read = read_task("tasks/x.md", f"---\n{front}---\n\nbody\n".encode())
    assert isinstance(read, Task), read
    return read


def rules(read: Task | Unreadable, severity: Severity | None = None) -> list[str]:
    return [p.rule for p in read.problems if severity is None or p.severity is severity]


def test_a_file_as_taskgraph_writes_it_is_read_without_a_problem():
    read = task(
        "id: server/handler\nname: Implement ServerHandler — russh::server\nstatus: in-progress\n"
        "depends_on:\n  - auth/keys\n  - transport/traits\nscope: moderate\nrisk: medium\nimpact: component\n"
        "level: implementation\ntags: [a, b]\npriority: high\nadr: [028]\n"
    )
    assert read.problems == ()
    assert read.depends_on == ("auth/keys", "transport/traits")
    assert [tuple(at) for at in read.dependencies_at] == [(6, 5), (7, 5)]
    assert (read.status, read.level, read.tags, read.priority) == (
        Status.IN_PROGRESS, "implementation", ("a", "b"), "high",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("done", Status.COMPLETED),
        ("open", Status.PENDING),
        ("in_progress", Status.IN_PROGRESS),
        ("in progress", Status.IN_PROGRESS),
        ("Completed", Status.COMPLETED),
    ],
)
def test_an_alias_is_read_with_a_warning_and_mended_on_request(words: str, status: Status):
    front = f"id: x\nname: X\nstatus: {words}\ndependsOn: [a]\n"
    read = task(front)
    assert (read.status, read.status_text, read.depends_on) == (status, words, ("a",))
    assert rules(read, Severity.WARNING) == ["alias", "alias"]
    assert rules(read, Severity.ERROR) == []
    mended, changes = mend(f"---\n{front}---\n".encode())
    assert mended.decode() == f"---\nid: x\nname: X\nstatus: {status}\ndepends_on: [a]\n---\n"
    assert len(changes) == 2
    assert mend(mended) == (mended, ())


def test_words_outside_the_enums_are_errors_and_the_task_is_still_read():
    read = task("id: x\nname: X\nstatus: wontfix\nrisk: hihg\n")
    assert [str(p) for p in read.problems] == [
        "tasks/x.md:4:9: status 'wontfix' is unknown: one of pending, in-progress, completed, failed, blocked [enum]",
        "tasks/x.md:5:7: risk 'hihg' is unknown: did you mean 'high'? [enum]",
    ]
    assert read.is_readable
    assert not read.has_known_status


def test_a_missing_name_is_an_error_and_a_missing_id_leaves_no_task():
    assert rules(task("id: x\n")) == ["missing-name"]
    read = read_task("t.md", b"---\nname: X\nid:\n---\n")
    assert isinstance(read, Unreadable)
    assert rules(read) == ["missing-id"]


def test_values_are_taken_by_their_text():
    read = task("id: 007\nname: yes\ndepends_on: [1.0, 0x10]\ndue: 2026-01-02\n")
    assert (read.id, read.name, read.depends_on, read.due) == ("007", "yes", ("1.0", "0x10"), "2026-01-02")


@pytest.mark.parametrize(
    ("value", "needs", "found"),
    [
        ("", (), []),
        ("null", (), []),
        ("~", (), []),
        ("[]", (), []),
        ("foo", ("foo",), ["list"]),
        ("[a, ~, a]", ("a",), []),
        ("{a: b}", (), ["dependency"]),
        ("[a, {b: c}, [d]]", ("a",), ["dependency", "dependency"]),
    ],
)
def test_dependencies_of_every_form_are_read_or_told(value: str, needs: tuple[str, ...], found: list[str]):
    read = task(f"id: x\nname: X\ndepends_on: {value}\n")
    assert (read.depends_on, rules(read)) == (needs, found)
    assert read.is_readable == ("dependency" not in found)


def test_anchors_and_aliases_are_read():
    read = task("id: x\nname: &n X\nassignee: *n\ntags: &t [a, *n]\ntouches: *t\n")
    assert (read.assignee, read.tags, read.touches) == ("X", ("a", "X"), ("a", "X"))


def test_a_key_that_stands_there_twice_is_an_error():
    read = task("id: x\nname: X\nstatus: pending\nstatus: completed\nz: 1\nz: 2\n")
    assert rules(read, Severity.ERROR) == ["duplicate-key"]
    assert rules(read, Severity.WARNING) == ["duplicate-key"]
    assert not read.is_readable


@pytest.mark.parametrize(
    "id",
    ["", "a b", "a..b", "../x", "/x", "x/", "a//b", ".a", "a/.b", "a.lock/b", "a~1", "a^", "a:b", "a?", "a*", "a[",
     "a\\b", "a@{1}", "@", "a.", "-x", "a\x07", "a\u202eb", "a\u200bb", "a\ud800", "x" * 201],
)  # fmt: skip
def test_an_id_that_cannot_be_a_branch_name_is_told(id: str):
    assert branch_flaw(id)


@pytest.mark.parametrize("id", ["x", "server/handler", "007", "v1.0", "größe", "a@b", "A-b_c"])
def test_an_ordinary_id_can_be_a_branch_name(id: str):
    assert branch_flaw(id) == ""


def test_an_unusable_id_is_an_error_of_a_task_that_is_not_trusted():
    read = task("id: a b\nname: X\n")
    assert [str(p) for p in read.problems] == [
        "tasks/x.md:2:5: id 'a b' holds ' ': it cannot be a branch name [branch-name]"
    ]
    assert not read.is_readable


def test_what_is_no_task_is_told_and_nothing_is_raised():
    assert rules(read_task("README.md", b"# Tasks\n"), Severity.WARNING) == ["no-front-matter"]
    assert rules(read_task("x.md", b"---\nid: x\n" + b"a" * SIZE_LIMIT)) == ["too-large"]
    assert rules(read_task("x.md", b"---\nid: x\nname: \xff\n---\n")) == ["encoding"]
    broken = read_task("x.md", b"---\nid: a/b\nname: [x\n---\n")
    assert isinstance(broken, Unreadable)
    assert (broken.id, rules(broken)) == ("a/b", ["yaml"])


@pytest.mark.parametrize(
    ("level", "more", "why"),
    [
        ("review", "", "level review"),
        ("planning", "", "level planning"),
        ("implementation", "superseded_by: y\n", "superseded by y"),
        ("implementation", "tags: [external-trigger]\n", "external trigger"),
        ("implementation", "", ""),
    ],
)
def test_tasks_that_no_agent_is_started_for_stand_apart(level: str, more: str, why: str):
    assert task(f"id: x\nname: X\nlevel: {level}\n{more}").apart == why


@given(st.binary(max_size=120))
def test_no_file_is_a_surprise(data: bytes):
    for whole in (data, b"---\nid: x\n" + data + b"\n---\n"):
        assert isinstance(read_task("x.md", whole), Task | Unreadable)
        mend(whole)
