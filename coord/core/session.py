"""A session as values: what is recorded when it is made, and how it stands by its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from coord.core.agentevent import (
    AgentEvent,
    Answered,
    Asked,
    Child,
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
    Why,
)


class SessionRole(StrEnum):
    """What a session may do: the server of the tools goes by this, and by nothing that the agent says."""

    COORDINATOR = "coordinator"
    IMPLEMENTATION = "implementation"


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is known of a session from the start, and never changes while it lives.

    ``token`` is the SHA-256 of the session's secret, ``machine`` the host's name, ``parent`` the session that asked for
    it, ``attempt`` counts the sessions of its task, ``made`` is in seconds since the epoch, ``owns`` says what was made
    for it and goes with it (``worktree``, ``branch``)."""

    id: str
    role: SessionRole
    branch: str
    worktree: str
    agent: str
    machine: str
    made: float
    task: str = ""
    model: str = ""
    parent: str = ""
    token: str = ""
    attempt: int = 1
    base: str = ""
    ports: tuple[int, ...] = ()
    owns: tuple[str, ...] = ()
    forked: str = ""


class SessionState(StrEnum):
    """How a session stands, in one word for people and programs."""

    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    IDLE = "idle"
    ATTENTION = "attention"
    DONE = "done"
    BLOCKED = "blocked"
    ABORTED = "aborted"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


#: A session in one of these has a process that works or can go on.
LIVE = frozenset(
    {
        SessionState.STARTING,
        SessionState.WORKING,
        SessionState.WAITING,
        SessionState.IDLE,
        SessionState.ATTENTION,
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands by its events: ``since`` is when its phase began and ``last`` when anything happened (seconds
    since the epoch), ``turn`` how many prompts it took, ``nudges`` how many of them were nudges in a row, ``trouble`` what went
    wrong since the work was given, ``tip`` where the branch stood then, ``starts``
    how often its agent was started, ``delivered`` which messages it was given last."""

    phase: Phase = Phase.STARTING
    since: float = 0.0
    last: float = 0.0
    turn: int = 0
    nudges: int = 0
    outcome: Outcome | None = None
    detail: str = ""
    trouble: str = ""
    asked: tuple[Asked, ...] = ()
    running: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    foreign: str = ""
    used: int = 0
    size: int = 0
    cost: float = 0.0
    ended: Ended | None = None
    tip: str = ""
    starts: int = 0
    delivered: tuple[str, ...] = ()

    @property
    def in_turn(self) -> bool:
        """Say whether a turn is under way."""
        return self.phase not in (Phase.STARTING, Phase.ENDED, Phase.GONE)


def standing(events: Iterable[AgentEvent], before: Standing | None = None) -> Standing:
    """Return how a session stands after ``events``, from how it stood ``before``."""
    stood = before or Standing()
    for event in events:
        stood = after(stood, event)
    return stood


def after(stood: Standing, event: AgentEvent) -> Standing:
    """Return how a session stands after one more event."""
    now = _moved(replace(stood, last=max(stood.last, event.at)), event)
    phase = _phase(now, event)
    return now if phase is now.phase else replace(now, phase=phase, since=event.at)


def _moved(stood: Standing, event: AgentEvent) -> Standing:
    match event:
        case Started():
            return _started(stood, event)
        case Prompted():
            return _prompted(stood, event)
        case Tool():
            calls = tuple(call for call in stood.running if call != event.call)
            is_open = event.state in (ToolState.PENDING, ToolState.RUNNING)
            return replace(stood, running=(*calls, event.call) if is_open else calls)
        case Child():
            names = tuple(name for name in stood.children if name != event.name)
            return replace(stood, children=(*names, event.name) if event.running else names)
        case Asked() | Answered():
            others = tuple(one for one in stood.asked if one.request != event.request)
            return replace(stood, asked=(*others, event) if isinstance(event, Asked) else others)
        case Used():
            size, cost = event.size or stood.size, max(event.cost, stood.cost)
            return replace(stood, used=event.used, size=size, cost=cost)
        case TurnEnded() | Gone():
            outcome = event.outcome if isinstance(event, TurnEnded) else stood.outcome
            detail = event.detail or stood.detail
            went_well = isinstance(event, TurnEnded) and event.outcome in (
                Outcome.END_TURN,
                Outcome.CANCELLED,
            )
            trouble = stood.trouble if went_well or not event.detail else event.detail
            stood = replace(stood, trouble=trouble)
            return replace(stood, outcome=outcome, detail=detail, asked=(), running=(), children=())
        case Ended():
            return replace(stood, ended=event)
        case Noted(what="delivered"):
            return replace(stood, delivered=(*stood.delivered, event.text)[-100:])
        case _:
            return stood


def _started(stood: Standing, event: Started) -> Standing:
    stood = replace(stood, foreign=event.foreign or stood.foreign)
    if stood.in_turn:
        return stood  # some agents learn their own name only while the first turn goes on
    return replace(stood, starts=stood.starts + 1, ended=None, asked=(), running=(), children=())


def _prompted(stood: Standing, event: Prompted) -> Standing:
    nudges = stood.nudges + 1 if event.why is Why.NUDGE else 0
    tip = event.tip if event.why in (Why.TASK, Why.RETURNED) else stood.tip
    trouble = "" if event.why in (Why.TASK, Why.RETURNED) else stood.trouble
    stood = replace(stood, turn=event.turn, nudges=nudges, tip=tip, trouble=trouble)
    return replace(stood, outcome=None, detail="", ended=None)


def _phase(stood: Standing, event: AgentEvent) -> Phase:
    match event:
        case Started():
            return stood.phase if stood.in_turn else Phase.ENDED
        case Gone():
            return Phase.GONE
        case TurnEnded():
            return Phase.ENDED
        case Retrying():
            return Phase.RETRY
        case Prompted() | Said() | Tool() | Child() | Asked() | Answered():
            return _working(stood)
        case _:
            return stood.phase


def _working(stood: Standing) -> Phase:
    if stood.asked:
        return stood.asked[-1].phase
    if stood.children:
        return Phase.CHILD
    return Phase.TOOL if stood.running else Phase.MODEL


_ENDINGS = {
    Ending.DONE: SessionState.DONE,
    Ending.BLOCKED: SessionState.BLOCKED,
    Ending.ATTENTION: SessionState.ATTENTION,
    Ending.ABORTED: SessionState.ABORTED,
    Ending.FAILED: SessionState.FAILED,
}


def state_of(stood: Standing, *, alive: bool) -> SessionState:
    """Return a session's state; ``alive`` says whether the process that watches over it runs."""
    if stood.ended is not None:
        return _ENDINGS[stood.ended.ending]
    if not alive:
        return SessionState.INTERRUPTED
    match stood.phase:
        case Phase.STARTING:
            return SessionState.STARTING
        case Phase.ENDED | Phase.GONE:
            return SessionState.IDLE
        case Phase.PERMISSION | Phase.QUESTION:
            return SessionState.WAITING
        case _:
            return SessionState.WORKING


def why_of(stood: Standing) -> str:
    """Return in one line what a session does or waits for; ``""`` when its state says it all."""
    if stood.ended is not None:
        return stood.ended.reason
    if stood.asked:
        return stood.asked[-1].text
    if stood.phase is Phase.ENDED and stood.outcome is not None:
        return f"its turn ended ({stood.outcome.value}){': ' if stood.detail else ''}{stood.detail}"
    return stood.detail if stood.phase is Phase.GONE else ""
