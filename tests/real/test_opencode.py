"""The real OpenCode 1.18 with a scripted model, through both of its adapters."""

from __future__ import annotations

import pytest

from coord.core.agentevent import (
    Asked,
    Noted,
    Outcome,
    Prompted,
    Started,
    Tool,
    ToolState,
    TurnEnded,
    Warned,
    Why,
)
from coord.core.session import SessionState
from tests.real.model import script
from tests.real.opencode import needed
from tests.real.story import WORDS, Cast, cast_of
from tests.world import World

#: Seconds that a real agent may take for what a scripted one does in one.
LONG = 180.0


@needed
@pytest.mark.long
@pytest.mark.parametrize("like", WORDS)
def test_three_real_agents_notify_err_are_told_killed_aborted_and_land(world: World, like: str) -> None:
    with cast_of(world, like) as cast:
        spawned = world.coord("spawn", "does", "errs", "waits", "--json")
        assert spawned.code == 0, spawned.err + cast.team.last_words()

        _each_has_notified(cast)
        _malformed_calls_are_told_of(cast)
        _a_killed_agent_goes_on_with_its_memory(cast)
        _a_message_interrupts(cast)
        _abort_leaves_no_process(cast)

        cast.team.settled("does", "errs", seconds=LONG)
        landed = world.coord("land")
        assert {one for one in ("does", "errs") if cast.team.statuses()[one] == "completed"} == {
            "does",
            "errs",
        }, landed.out + landed.err + cast.team.last_words()


def _each_has_notified(cast: Cast) -> None:
    def notified() -> bool:
        told = cast.world.coord("inbox", "--all").out
        return all(f"{task} begins" in told for task in ("does", "errs", "waits"))

    cast.team.until(notified, LONG)


def _malformed_calls_are_told_of(cast: Cast) -> None:
    cast.team.until(lambda: "sleep 600" in str(cast.events("errs", Tool)), LONG)
    wrong = {event.call for event in cast.events("errs", Tool) if event.state is ToolState.INVALID}
    assert len(wrong) == 2
    cast.team.until(lambda: cast.events("errs", Warned), LONG)
    assert cast.events("errs", Warned)[0].heuristic == "model-degradation"


def _a_killed_agent_goes_on_with_its_memory(cast: Cast) -> None:
    cast.agent_process("errs").kill()
    cast.team.until(lambda: "I have finished" in cast.said("errs"), LONG)
    began = cast.events("errs", Started)
    assert len(began) == 2
    assert began[0].foreign == began[1].foreign
    assert [event for event in cast.events("errs", Noted) if event.what == "resume"] == []
    assert [event.why for event in cast.events("errs", Prompted)][:2] == [Why.TASK, Why.RESUME]
    assert cast.events("errs", TurnEnded)[0].outcome is Outcome.INTERRUPTED


def _a_message_interrupts(cast: Cast) -> None:
    cast.team.until(lambda: "sleep 601" in str(cast.events("waits", Tool)), LONG)
    text = "Say hello." + script({"text": "hello, I was told"})
    told = cast.world.coord("message", "waits", text, "--interrupt", "--wait", "60")
    assert told.code == 0, told.err
    cast.team.until(lambda: "hello, I was told" in cast.said("waits"), LONG)
    assert cast.events("waits", TurnEnded)[0].outcome is Outcome.CANCELLED
    assert cast.events("waits", Asked) == []


def _abort_leaves_no_process(cast: Cast) -> None:
    session = cast.team.session("waits")
    assert cast.world.coord("abort", "waits").code == 0
    cast.team.until(lambda: not cast.processes(session.record.worktree), LONG)
    states = {one.record.id: one.state for one in cast.team.sessions()}
    assert states.get(session.record.id, SessionState.ABORTED) is SessionState.ABORTED
