"""How a session stands by its events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.agentevent import (
    AgentEvent,
    Answered,
    Asked,
    Child,
    Compacted,
    Ended,
    Ending,
    Gone,
    Noted,
    Outcome,
    Phase,
    Prompted,
    Retrying,
    Said,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Used,
    Warned,
    Why,
    clipped,
    decode,
    encode,
)
from coord.core.session import SessionState, Standing, standing, state_of

START: list[AgentEvent] = [Started(1, "x", "1", "f"), Prompted(2, 1, "do it", tip="t")]
ASKED = Asked(3, "r", Phase.PERMISSION, "may I?")


@pytest.mark.parametrize(
    ("events", "phase", "state"),
    [
        ([], Phase.STARTING, SessionState.STARTING),
        (START[:1], Phase.ENDED, SessionState.IDLE),
        (START, Phase.MODEL, SessionState.WORKING),
        ([*START, Said(3, "hm")], Phase.MODEL, SessionState.WORKING),
        ([*START, Tool(3, "c", ToolState.RUNNING)], Phase.TOOL, SessionState.WORKING),
        (
            [*START, Tool(3, "c", ToolState.RUNNING), Tool(4, "c", ToolState.FAILED)],
            Phase.MODEL,
            SessionState.WORKING,
        ),
        ([*START, Child(3, "k", running=True)], Phase.CHILD, SessionState.WORKING),
        ([*START, Retrying(3, 1)], Phase.RETRY, SessionState.WORKING),
        ([*START, ASKED], Phase.PERMISSION, SessionState.WAITING),
        ([*START, ASKED, Answered(4, "r", "once")], Phase.MODEL, SessionState.WORKING),
        ([*START, TurnEnded(3, Outcome.END_TURN)], Phase.ENDED, SessionState.IDLE),
        ([*START, Gone(3, "killed", 9)], Phase.GONE, SessionState.IDLE),
        ([*START, Ended(3, Ending.DONE)], Phase.MODEL, SessionState.DONE),
        ([*START, Ended(3, Ending.ATTENTION), Prompted(4, 2, "go on")], Phase.MODEL, SessionState.WORKING),
    ],
)
def test_the_phase_and_state_follow_the_events(
    events: list[AgentEvent], phase: Phase, state: SessionState
) -> None:
    stood = standing(events)
    assert stood.phase is phase
    assert state_of(stood, alive=True) is state


def test_a_session_without_a_host_is_interrupted_unless_it_has_ended() -> None:
    assert state_of(standing(START), alive=False) is SessionState.INTERRUPTED
    assert state_of(standing([*START, Ended(3, Ending.BLOCKED)]), alive=False) is SessionState.BLOCKED


def test_nudges_are_counted_in_a_row_and_the_work_is_what_was_given_last() -> None:
    nudge = Prompted(5, 2, "go on", Why.NUDGE, "")
    stood = standing([*START, nudge, nudge])
    assert (stood.nudges, stood.tip, stood.turn) == (2, "t", 2)
    again = standing([Prompted(6, 3, "mend it", Why.RETURNED, "u")], stood)
    assert (again.nudges, again.tip) == (0, "u")


def test_what_went_wrong_is_kept_until_work_is_given_anew() -> None:
    failed = TurnEnded(3, Outcome.ERROR, "API Error: 400")
    after_nudge = standing(
        [*START, failed, Prompted(4, 2, "go on", Why.NUDGE), TurnEnded(5, Outcome.END_TURN)]
    )
    assert after_nudge.trouble == "API Error: 400"
    assert standing([Prompted(6, 3, "mend", Why.RETURNED)], after_nudge).trouble == ""


texts = st.text(max_size=30)
events = st.one_of(
    st.builds(Started, st.just(1.0), texts, texts, texts),
    st.builds(Prompted, st.just(1.0), st.integers(1, 9), texts, st.sampled_from(list(Why)), texts),
    st.builds(Said, st.just(1.0), texts, st.booleans(), texts),
    st.builds(Tool, st.just(1.0), texts, st.sampled_from(list(ToolState)), texts, texts, texts, texts),
    st.builds(Retrying, st.just(1.0), st.integers(0, 9), texts),
    st.builds(Child, st.just(1.0), texts, st.booleans()),
    st.builds(Asked, st.just(1.0), texts, st.sampled_from([Phase.PERMISSION, Phase.QUESTION]), texts),
    st.builds(Answered, st.just(1.0), texts, texts, texts),
    st.builds(Used, st.just(1.0), st.integers(0, 9), st.integers(0, 9)),
    st.builds(Compacted, st.just(1.0), texts),
    st.builds(TurnEnded, st.just(1.0), st.sampled_from(list(Outcome)), texts),
    st.builds(Gone, st.just(1.0), texts, st.none() | st.integers(0, 255)),
    st.builds(Warned, st.just(1.0), texts, texts, texts, texts, texts),
    st.builds(Noted, st.just(1.0), texts, texts),
    st.builds(Ended, st.just(1.0), st.sampled_from(list(Ending)), texts),
)


@given(events)
def test_an_event_comes_back_from_its_line_as_it_went_in_but_for_what_cannot_be_shown(
    event: AgentEvent,
) -> None:
    back = decode(json.loads(json.dumps(encode(event))))
    assert back is not None
    assert type(back) is type(event)
    assert encode(back) == encode(event)


@given(st.lists(events, max_size=20), st.integers(0, 20))
def test_a_standing_can_be_taken_up_anywhere(log: list[AgentEvent], cut: int) -> None:
    assert standing(log[cut:], standing(log[:cut])) == standing(log)
    assert isinstance(standing(log), Standing)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        3,
        [],
        {},
        {"event": "nothing"},
        {"event": "said"},
        {"event": "tool", "at": 1, "call": "c", "state": "no"},
    ],
)
def test_what_is_no_event_is_none(raw: object) -> None:
    assert decode(raw) is None


def test_a_long_text_loses_its_middle_and_all_texts_their_control_characters() -> None:
    cut = clipped("a" * 50_000 + "\x1b[31mz")
    assert len(cut) < 21_000
    assert cut.endswith("z")
    assert "30" in cut
    assert "\x1b" not in cut
