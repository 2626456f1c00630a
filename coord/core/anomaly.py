"""What tells that an agent goes wrong: one named function a heuristic, each pure over what was counted of a session.

A finding has an *episode*: the same stall is one, a second stall after a sign of life another. People are told once an
episode; what they were told stands in the session's log (``Warned``), so a restart tells nothing twice.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from coord.core.agentevent import Asked, Outcome, Phase
from coord.core.agents import Monitor
from coord.core.counters import Counters
from coord.core.session import Standing
from coord.core.text import one_line


class Severity(StrEnum):
    """How bad it is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What was found; ``evidence`` is for people, ``episode`` tells one finding of the same heuristic from the next."""

    heuristic: str
    severity: Severity
    evidence: str
    episode: str = ""


#: Finds an anomaly in what was counted of a session, at ``now`` (seconds since the epoch), or None.
Heuristic = Callable[[Counters, Monitor, float], Anomaly | None]


def findings(counted: Counters, monitor: Monitor, now: float) -> tuple[Anomaly, ...]:
    """Return all that is wrong now, the most telling first."""
    found = (heuristic(counted, monitor, now) for heuristic in HEURISTICS.values())
    return tuple(anomaly for anomaly in found if anomaly)


def untold(found: Iterable[Anomaly], told: frozenset[tuple[str, str]]) -> tuple[Anomaly, ...]:
    """Return the findings whose episode nobody was told of; ``told`` is what ``Counters.told`` says."""
    return tuple(anomaly for anomaly in found if (anomaly.heuristic, anomaly.episode) not in told)


def command_for(anomaly: Anomaly, session: str) -> str:
    """Return the command that acts on a finding, as it can be typed."""
    verb, *rest = _ACTS[anomaly.heuristic]
    return shlex.join(["coord", verb, session, *rest])


# -- it cannot work ----------------------------------------------------------------------------------------------------


def failed_start(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """The process ended before the agent answered."""
    stood = counted.standing
    if counted.started or stood.phase is not Phase.GONE:
        return None
    return Anomaly("failed-start", Severity.HIGH, f"the agent did not start{_why(stood.detail)}")


def gone(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """The process ended within a turn; told even if another one has taken the session up since."""
    lost = counted.lost
    if lost is None:
        return None
    evidence = f"the agent's process ended within turn {lost.turn}{_why(lost.detail)}"
    return Anomaly("gone", Severity.HIGH, evidence, f"turn {lost.turn} {lost.at}")


def model_degradation(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """It calls tools that do not exist, or writes its calls as text: told once a turn."""
    if counted.degraded < 0:
        return None
    calls = f"{counted.invalid} invalid tool calls so far; " if counted.invalid > 1 else ""
    evidence = calls + counted.sign
    return Anomaly("model-degradation", Severity.HIGH, evidence, f"turn {counted.degraded}")


# -- it waits for somebody ---------------------------------------------------------------------------------------------


def waiting_for_answer(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """It asked, and nobody has answered: told at once, each question by itself."""
    stood = counted.standing
    if not stood.asked or _is_over(stood):
        return None
    asked = next(
        (a for a in stood.asked if ("waiting-for-answer", _request(a)) not in counted.told), stood.asked[0]
    )
    what = "a permission (allow, always or deny)" if asked.phase is Phase.PERMISSION else "an answer"
    evidence = f"it waits for {what}: {one_line(asked.text)}"
    return Anomaly("waiting-for-answer", Severity.MEDIUM, evidence, _request(asked))


def _request(asked: Asked) -> str:
    # A new process of the agent may count its requests from 1 again.
    return f"{one_line(asked.request)} {asked.at}"


# -- it goes in circles ------------------------------------------------------------------------------------------------


def failed_tools(counted: Counters, monitor: Monitor, _now: float) -> Anomaly | None:
    """More tool calls failed than are allowed; told again when as many more have failed."""
    if counted.failed <= monitor.failed_tools:
        return None
    evidence = f"{counted.failed} tool calls failed in this session"
    episode = str(counted.failed // (monitor.failed_tools + 1))
    return Anomaly("failed-tools", Severity.MEDIUM, evidence, episode)


def repeated_call(counted: Counters, monitor: Monitor, _now: float) -> Anomaly | None:
    """The same call, with the same input, several times in a row."""
    if counted.last is None or counted.repeats < monitor.repeats:
        return None
    call = counted.last
    what = one_line(f"{call.name} {call.input or call.title}", 120)
    evidence = f"it made the same call {counted.repeats} times in a row: {what}"
    return Anomaly("repeated-call", Severity.MEDIUM, evidence, str(counted.streak))


def retry_loop(counted: Counters, monitor: Monitor, _now: float) -> Anomaly | None:
    """It asks its model again and again and gets no answer."""
    stood = counted.standing
    if counted.retries < monitor.retries or stood.phase is not Phase.RETRY:
        return None
    evidence = f"it asked its model {counted.retries} times without an answer{_why(counted.retried)}"
    return Anomaly("retry-loop", Severity.MEDIUM, evidence, f"turn {stood.turn} {stood.since}")


# -- it does not go on -------------------------------------------------------------------------------------------------


def stall(counted: Counters, monitor: Monitor, now: float) -> Anomaly | None:
    """Nothing was heard for longer than its phase allows; who waits for an answer, or has none to give, is not stalled."""
    stood = counted.standing
    limit = _limits(monitor).get(stood.phase)
    silence = now - counted.active
    if limit is None or not counted.active or silence <= limit or _is_over(stood):
        return None
    evidence = f"nothing was heard for {_duration(silence)}, in phase {stood.phase.value}{_in_what(counted)}"
    return Anomaly("stall", Severity.MEDIUM, f"{evidence} (allowed: {_duration(limit)})", str(counted.active))


def _limits(monitor: Monitor) -> Mapping[Phase, float]:
    return {
        Phase.STARTING: monitor.starting,
        Phase.MODEL: monitor.model,
        Phase.TOOL: monitor.tool,
        Phase.CHILD: monitor.child,
        Phase.RETRY: monitor.retry,
    }


def _in_what(counted: Counters) -> str:
    stood = counted.standing
    if stood.phase is Phase.CHILD:
        return f" ({one_line(', '.join(stood.children), 80)})"
    calls = [call.title or call.name for _, call in counted.calls] if stood.phase is Phase.TOOL else []
    return f" ({one_line(', '.join(calls), 80)})" if any(calls) else ""


def truncated_answer(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """The model's answer was cut off by its limit of length."""
    stood = counted.standing
    if stood.outcome is not Outcome.LENGTH or _goes_on(counted):
        return None
    return Anomaly(
        "truncated-answer",
        Severity.MEDIUM,
        f"the answer of turn {stood.turn} was cut off: it reached the model's limit of length",
        f"turn {stood.turn}",
    )


def ended_without_done(counted: Counters, _monitor: Monitor, _now: float) -> Anomaly | None:
    """The turn ended by itself and the agent said neither that it is done nor that it is blocked."""
    stood = counted.standing
    words = _ENDINGS.get(stood.outcome) if stood.outcome else None
    if words is None or _goes_on(counted) or (counted.lost and counted.lost.turn == stood.turn):
        return None
    evidence = f"turn {stood.turn} ended{words}{_why(stood.detail)}, and it said neither done nor blocked"
    return Anomaly("ended-without-done", Severity.MEDIUM, evidence, f"turn {stood.turn}")


#: The outcomes that the agent's own doing led to. A turn that was cancelled ended by somebody's will.
_ENDINGS = {
    Outcome.END_TURN: "",
    Outcome.REFUSAL: " with a refusal",
    Outcome.ERROR: " with an error",
    Outcome.INTERRUPTED: " before its time",
    Outcome.UNKNOWN: " in a way that coord does not know",
}


def _goes_on(counted: Counters) -> bool:
    """Say whether nothing is missing: a turn is under way, or the session's last word is spoken."""
    stood = counted.standing
    return counted.signalled or stood.in_turn or _is_over(stood)


def _is_over(stood: Standing) -> bool:
    return stood.ended is not None


# -- words -------------------------------------------------------------------------------------------------------------


def _why(text: str) -> str:
    return f": {one_line(text)}" if text.strip() else ""


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"


#: All heuristics, in the order in which their findings are told. A new one is a function and two rows.
HEURISTICS: Mapping[str, Heuristic] = {
    "failed-start": failed_start,
    "gone": gone,
    "model-degradation": model_degradation,
    "waiting-for-answer": waiting_for_answer,
    "failed-tools": failed_tools,
    "repeated-call": repeated_call,
    "retry-loop": retry_loop,
    "stall": stall,
    "truncated-answer": truncated_answer,
    "ended-without-done": ended_without_done,
}

#: What acts on each: a verb of coord, then what follows the session's id.
_ACTS: Mapping[str, tuple[str, ...]] = {
    "failed-start": ("logs",),
    "gone": ("logs",),
    "model-degradation": ("abort",),
    "waiting-for-answer": ("message", "YOUR ANSWER", "--answer"),
    "failed-tools": (
        "message",
        "several tool calls failed: find out why, or try another way; if none is left: block",
    ),
    "repeated-call": (
        "message",
        "you repeat one call: try another way; if none is left: block",
        "--interrupt",
    ),
    "retry-loop": ("logs",),
    "stall": ("message", "please continue", "--interrupt"),
    "truncated-answer": ("message", "please continue"),
    "ended-without-done": (
        "message",
        "please continue; when the work is finished say done, if it cannot be: block",
    ),
}
