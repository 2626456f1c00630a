"""Trailers, and what a branch says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.settings import PushMeans
from coord.core.signal import Done, Stuck, Working, read_signal, trailer_block, trailers


def _signal(
    message: str, *, claimed: bool = False, draft: bool = False, push: PushMeans = PushMeans.PUSH
) -> object:
    return read_signal(message, claimed=claimed, draft=draft, push_means=push)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("work", Done()),
        ("Coord-Status: working", Done()),
        ("work\n\nCoord-Status: working", Working("it says so (Coord-Status: working)")),
        ("work\n\nCoord-Status: done\nCoord-Summary: all", Done("all", explicit=True)),
        ("work\n\ncoord-status: DONE\n", Done("", explicit=True)),
        ("work\r\n\r\nCoord-Status: done\r\n", Done("", explicit=True)),
        ("work\n\nCoord-Status: done\nSigned-off-by: A <a@b>", Done("", explicit=True)),
        ("work\n\nCoord-Status: working\n\nreally, Coord-Status: done is not it", Done()),
        ("work\n\nCoord-Status: blocked\nCoord-Reason: r\n\nCo-Authored-By: A <a@b>", Stuck("r")),
        ("work\n\nCoord-Status: working\n\nprose\n\nCo-Authored-By: A <a@b>", Done()),
        ("work\n\nas said\nCoord-Status: blocked\nSigned-off-by: A <a@b>", Stuck("no reason given")),
        ("work\n\nas said\nCoord-Status: blocked", Done()),
        ("work\n\nCoord-Status: working\nCoord-Status: done", Done("", explicit=True)),
        ("work\n\nCoord-Status: blocked", Stuck("no reason given")),
        ("work\n\nCoord-Status: blocked\nCoord-Reason: a\x1b[1m b", Stuck("a b")),
    ],
)
def test_the_tips_trailers_decide(message: str, expected: object) -> None:
    assert _signal(message) == expected


def test_an_unknown_status_is_working_and_named() -> None:
    assert _signal("w\n\nCoord-Status: finished") == Working(
        "its Coord-Status is 'finished', which is none of done, working, blocked"
    )


def test_a_draft_is_working_and_a_safe_exit_is_heard_even_so() -> None:
    assert isinstance(_signal("w\n\nCoord-Status: done", draft=True), Working)
    assert isinstance(_signal("w\n\nCoord-Status: blocked", draft=True), Stuck)


def test_a_claim_means_working_until_done_is_said() -> None:
    assert isinstance(_signal("w", claimed=True), Working)
    assert isinstance(_signal("w\n\nCoord-Status: done", claimed=True), Done)


def test_explicit_means_that_a_push_is_not_enough() -> None:
    assert isinstance(_signal("w", push=PushMeans.EXPLICIT), Working)
    assert isinstance(_signal("w\n\nCoord-Status: done", push=PushMeans.EXPLICIT), Done)


@given(st.dictionaries(st.sampled_from(["Coord-Summary", "Coord-Reason"]), st.text(max_size=80), min_size=1))
def test_a_trailer_block_reads_back_and_forges_nothing(pairs: dict[str, str]) -> None:
    read = trailers("subject\n\n" + trailer_block({"Coord-Status": "blocked"} | pairs))
    assert read["Coord-Status"] == "blocked"
    assert set(read) == {"Coord-Status", *pairs}
