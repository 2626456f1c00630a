"""What follows when an agent's turn has ended: pure, and the one place that says when a session is done.

Completed cannot be read from idle, from ``end_turn`` or from exit code 0: each was wrong at least once. It is the agent's
own done signal, said after the work was given, and a clean end of the turn, and what git shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.agentevent import Ending, Outcome
from coord.core.session import Standing
from coord.core.signal import Done, Signal, Stuck
from coord.core.text import one_line

#: What an agent is told that stopped without a word.
CONTINUE = (
    "Please continue. When the task is finished, commit and push your work and say so: coord done -m SUMMARY "
    '(or the tool: worktree {"action": "done", "args": {"message": "SUMMARY"}}). '
    "If you cannot go on, say so with the four facts: coord block -m REASON --tried … --attempts N --suggest …"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What git shows of a session's branch: its tip here and on the remote, what the remote's tip says, whether tracked
    files of the worktree have changes that are not committed, whether main holds the remote's tip, and how many
    commits main lacks."""

    tip: str
    remote: str
    signal: Signal
    dirty: bool
    landed: bool
    ahead: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The session is over."""

    ending: Ending
    reason: str


@dataclass(frozen=True, slots=True)
class Nudge:
    """The agent is asked to go on."""

    text: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing follows by itself: the session waits for a message."""

    reason: str


def judge(stood: Standing, seen: Evidence | None, nudges: int) -> Finish | Nudge | Rest:
    """Return what follows a turn's end; ``seen`` is None for a session without a task, ``nudges`` the most in a row."""
    if seen is None:
        return Rest("it has no task: it waits for a message")
    said = _said(stood, seen)
    if isinstance(said, Stuck):
        return Finish(Ending.BLOCKED, said.reason)
    clean_end = stood.outcome is Outcome.END_TURN
    missing = _missing(seen) if isinstance(said, Done) and said.explicit else ""
    if isinstance(said, Done) and said.explicit and clean_end and not missing:
        return Finish(Ending.DONE, said.summary or "it said done")
    missing = missing or _unchanged(stood, seen)
    words = missing or _ended_words(stood)
    if stood.nudges < nudges:
        return Nudge(f"{missing}\n{CONTINUE}" if missing else CONTINUE)
    times = {0: "", 1: ", also after it was asked to go on"}.get(
        stood.nudges, f", also after {stood.nudges} nudges"
    )
    return Finish(Ending.ATTENTION, f"{words}{times}")


def _said(stood: Standing, seen: Evidence) -> Signal | None:
    """Return what the branch says, if it was said after the work was given."""
    return seen.signal if seen.remote and seen.remote != stood.tip else None


def _missing(seen: Evidence) -> str:
    if seen.dirty:
        return "It said done, but its worktree holds changes that are not committed."
    if seen.tip != seen.remote:
        return "It said done, but its last commits are not pushed."
    if not seen.ahead and not seen.landed:
        return "It said done, but its branch holds nothing that main lacks."
    return ""


def _unchanged(stood: Standing, seen: Evidence) -> str:
    if (
        not stood.tip
        or seen.remote != stood.tip
        or not isinstance(seen.signal, Done)
        or not seen.signal.explicit
    ):
        return ""
    return "Its branch is as it was when the work was given: what did not land then does not land now."


def _ended_words(stood: Standing) -> str:
    how = stood.outcome.value if stood.outcome else "unknown"
    trouble = stood.detail or stood.trouble
    went_wrong = f" ({one_line(trouble)})" if trouble else ""
    clean = stood.outcome is Outcome.END_TURN
    ended = "it ended its turn" if clean else f"its turn ended with {how}"
    return f"{ended} without saying done or blocked{went_wrong}"
