"""The history: every decision once, whatever the order in which it was read."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coord.core.history import Entry, Kind, Source, decode, encode, joined

_SHORT = st.sampled_from(["", "a", "b"])
ENTRIES = st.builds(
    Entry,
    at=st.integers(0, 3),
    kind=st.sampled_from(list(Kind)),
    task=_SHORT,
    reason=_SHORT,
    source=st.sampled_from(list(Source)),
    tip=_SHORT,
    commit=_SHORT,
    seconds=st.sampled_from([0.0, 1.5]),
    flaky=st.sampled_from([(), ("x",)]),
)

VERDICT = Entry(10, Kind.CONFLICT, "a", "conflict in x with b", Source.VERDICT, tip="t1", commit="v1")
ON_MAIN = Entry(10, Kind.BLOCKED, "a", "conflict in x with b", Source.MAIN, tip="t1", commit="m1")
EVENT = Entry(12, Kind.CONFLICT, "a", "conflict in x with b", Source.EVENT, tip="t1", seconds=3.0)


def test_a_verdict_its_projection_on_main_and_its_event_are_one_decision() -> None:
    (one,) = joined([EVENT, ON_MAIN, VERDICT])
    assert (one.kind, one.source, one.commit, one.at, one.seconds) == (
        Kind.CONFLICT, Source.VERDICT, "m1", 12, 3.0,
    )  # fmt: skip


def test_another_tip_is_another_decision() -> None:
    other = replace(EVENT, tip="t2", at=20)
    assert [entry.tip for entry in joined([VERDICT, EVENT, other])] == ["t1", "t2"]


def test_the_same_tip_tried_twice_is_two_decisions() -> None:
    again = replace(VERDICT, at=30, commit="v2")
    later = replace(EVENT, at=31, seconds=4.0)
    assert [(e.at, e.seconds) for e in joined([VERDICT, again, EVENT, later])] == [(12, 3.0), (31, 4.0)]


def test_a_branch_that_was_merged_by_hand_is_told_once() -> None:
    completed = Entry(5, Kind.COMPLETED, "a", "merged by hand", Source.MAIN, tip="t", commit="c")
    event = Entry(6, Kind.LANDED, "a", "merged by hand", Source.EVENT, tip="t", commit="hand")
    assert [entry.kind for entry in joined([event, completed])] == [Kind.COMPLETED]


def test_what_main_says_in_one_second_keeps_its_order_there() -> None:
    first = Entry(5, Kind.LANDED, "z", "check passed", Source.MAIN, tip="t", commit="c", place=1)
    last = Entry(5, Kind.LANDED, "a", "check passed", Source.MAIN, tip="u", commit="b", place=2)
    assert joined([last, first]) == (first, last)


def test_a_landing_tells_that_a_conflict_was_resolved_whoever_tells_it() -> None:
    words = "check passed; a conflict with feat/b was resolved"
    landed = Entry(5, Kind.LANDED, "a", words, Source.MAIN, tip="t", commit="c", others=("feat/b",))
    event = Entry(6, Kind.LANDED, "a", "check passed on this tree", Source.EVENT, tip="t", commit="c")
    (told,) = joined([event, landed])
    assert told.reason == "check passed on this tree; a conflict with feat/b was resolved"


def test_a_persons_word_long_after_is_another_one() -> None:
    held = Entry(5, Kind.HELD, "a", "wait", Source.REF, commit="h")
    soon = Entry(9, Kind.HELD, "a", "wait", Source.EVENT, by="Ann")
    late = replace(soon, at=10_000)
    assert [(entry.source, entry.by) for entry in joined([held, soon, late])] == [
        (Source.REF, "Ann"),
        (Source.EVENT, "Ann"),
    ]


@given(st.lists(ENTRIES, max_size=8), st.randoms())
def test_no_order_of_reading_changes_what_is_told(entries: list[Entry], chance: object) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    told, again = joined(entries), joined(shuffled)
    assert [(e.at, e.kind, e.task, e.tip) for e in told] == [(e.at, e.kind, e.task, e.tip) for e in again]
    assert list(told) == sorted(told, key=lambda entry: entry.at)


@given(st.lists(ENTRIES, max_size=8))
def test_what_git_says_is_never_dropped_for_what_was_seen(entries: list[Entry]) -> None:
    told = joined(entries)
    for source in (Source.VERDICT, Source.REF):
        assert sum(e.source is source for e in told) == sum(e.source is source for e in entries)
    assert len(told) <= len(entries)


@given(ENTRIES)
def test_a_line_of_the_log_says_what_was_written(entry: Entry) -> None:
    written = replace(entry, source=Source.EVENT)
    assert decode(json.loads(json.dumps(encode(written)))) == written


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_is_no_event_is_none(raw: object) -> None:
    assert decode(raw) is None
    assert decode({"event": "landed", "at": raw, "task": "a"}) is None or isinstance(raw, int)


def test_what_kinds_of_things_main_says_in_one_second_keep_their_order_there_too() -> None:
    unblocked = Entry(5, Kind.UNBLOCKED, "b", "try again", Source.MAIN, commit="c3", place=3)
    landed = Entry(5, Kind.LANDED, "a", "check passed", Source.MAIN, tip="t", commit="c1", place=1)
    completed = Entry(5, Kind.COMPLETED, "c", "by hand", Source.MAIN, commit="c2", place=2)
    assert joined([unblocked, completed, landed]) == (landed, completed, unblocked)


def test_the_attempts_of_a_task_in_one_second_keep_their_order() -> None:
    first = replace(VERDICT, commit="v9", nth=1)
    lifted = Entry(10, Kind.UNBLOCKED, "a", "try again", Source.VERDICT, tip="t1", commit="v5", nth=2)
    again = replace(VERDICT, commit="v1", nth=3)
    assert joined([again, lifted, first]) == (first, lifted, again)


def test_of_attempts_in_one_second_main_tells_each_where_it_came() -> None:
    first, again = replace(VERDICT, commit="v9", nth=1), replace(VERDICT, commit="v1", nth=2)
    one, two = replace(ON_MAIN, commit="m2", place=1), replace(ON_MAIN, commit="m1", place=2)
    assert [(entry.commit, entry.nth) for entry in joined([two, again, one, first])] == [("m2", 1), ("m1", 2)]


def test_refs_that_contradict_main_are_told_all_the_same() -> None:
    one = replace(VERDICT, commit="v1", nth=1, place=2)
    two = replace(VERDICT, commit="v2", nth=2, place=1)
    assert set(joined([two, one])) == {one, two}


def test_main_never_goes_back_in_time() -> None:
    landed = Entry(50, Kind.LANDED, "a", "check passed", Source.MAIN, tip="t", commit="c1", place=1)
    reverted = Entry(20, Kind.REVERTED, "a", "it was reverted", Source.MAIN, tip="t", commit="c2", place=2)
    assert joined([reverted, landed]) == (landed, replace(reverted, at=50))


def test_an_event_that_names_its_commit_is_that_decision_whatever_the_clocks_say() -> None:
    mark = Entry(5000, Kind.APPROVED, "a", "this tip may", Source.REF, tip="t", commit="m")
    event = Entry(10, Kind.APPROVED, "a", "", Source.EVENT, commit="m", by="Ann")
    before = replace(event, at=9, commit="earlier")
    assert [(e.commit, e.by) for e in joined([mark, event, before])] == [("earlier", "Ann"), ("m", "Ann")]
