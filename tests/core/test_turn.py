"""What follows when a turn has ended: only the agent's own word, said after the work was given, ends a session well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.agentevent import Ending, Outcome, Phase
from coord.core.session import Standing
from coord.core.signal import Done, Signal, Stuck, Working
from coord.core.turn import Evidence, Finish, Nudge, Rest, judge

ENDED = Standing(phase=Phase.ENDED, turn=1, outcome=Outcome.END_TURN, tip="old")
DONE = Evidence(
    tip="new", remote="new", signal=Done("made it", explicit=True), dirty=False, landed=False, ahead=1
)


def test_done_is_said_pushed_clean_and_after_the_work_was_given() -> None:
    assert judge(ENDED, DONE, 2) == Finish(Ending.DONE, "made it")


@pytest.mark.parametrize(
    ("stood", "seen"),
    [
        (ENDED, replace(DONE, signal=Working("it says nothing"))),
        (ENDED, replace(DONE, signal=Done("a push", explicit=False))),
        (ENDED, replace(DONE, dirty=True)),
        (ENDED, replace(DONE, tip="newer")),
        (ENDED, replace(DONE, remote="")),
        (ENDED, replace(DONE, ahead=0)),
        (replace(ENDED, tip="new"), DONE),
        (replace(ENDED, outcome=Outcome.ERROR), DONE),
        (replace(ENDED, outcome=Outcome.LENGTH), DONE),
        (replace(ENDED, outcome=Outcome.CANCELLED), DONE),
        (replace(ENDED, outcome=None), DONE),
    ],
    ids=[
        "nothing said",
        "a push alone",
        "uncommitted changes",
        "commits that are not pushed",
        "nothing pushed",
        "nothing that main lacks",
        "said before the work was given",
        "an API error",
        "a truncated answer",
        "a cancelled turn",
        "an unknown end",
    ],
)
def test_whatever_else_ends_a_turn_is_a_reason_to_ask_again(stood: Standing, seen: Evidence) -> None:
    assert isinstance(judge(stood, seen, 2), Nudge)


def test_what_landed_while_the_turn_went_on_is_done() -> None:
    assert judge(ENDED, replace(DONE, ahead=0, landed=True), 2) == Finish(Ending.DONE, "made it")


def test_a_block_is_a_block_however_the_turn_ended() -> None:
    stuck = replace(DONE, signal=Stuck("no licence"), dirty=True)
    assert judge(replace(ENDED, outcome=Outcome.ERROR), stuck, 2) == Finish(Ending.BLOCKED, "no licence")


def test_a_block_of_an_earlier_session_is_not_this_ones() -> None:
    assert isinstance(judge(replace(ENDED, tip="new"), replace(DONE, signal=Stuck("old")), 2), Nudge)


def test_nudges_end_and_a_person_is_asked_with_what_went_wrong() -> None:
    stood = replace(ENDED, nudges=2, trouble="API Error: 500")
    match judge(stood, replace(DONE, signal=Working("")), 2):
        case Finish(Ending.ATTENTION, reason):
            assert "without saying done or blocked (API Error: 500), also after 2 nudges" in reason
        case other:
            raise AssertionError(other)


def test_a_session_without_a_task_waits() -> None:
    assert isinstance(judge(ENDED, None, 2), Rest)


SIGNALS: st.SearchStrategy[Signal] = st.sampled_from(
    [Done("", explicit=True), Done("", explicit=False), Stuck("no"), Working("")]
)


@given(
    outcome=st.sampled_from([None, *Outcome]),
    nudges=st.integers(0, 4),
    signal=SIGNALS,
    facts=st.tuples(st.booleans(), st.booleans(), st.sampled_from(["", "old", "new"]), st.integers(0, 2)),
)
def test_done_never_without_a_clean_end_a_word_and_a_push(
    outcome: Outcome | None, nudges: int, signal: Signal, facts: tuple[bool, bool, str, int]
) -> None:
    dirty, landed, remote, ahead = facts
    seen = Evidence("new", remote, signal, dirty, landed, ahead)
    said = judge(replace(ENDED, outcome=outcome, nudges=nudges), seen, 2)
    if isinstance(said, Finish) and said.ending is Ending.DONE:
        assert outcome is Outcome.END_TURN
        assert isinstance(signal, Done)
        assert signal.explicit
        assert remote == "new"
        assert not dirty
    if isinstance(said, Nudge):
        assert nudges < 2
