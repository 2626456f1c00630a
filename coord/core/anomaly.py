"""What tells that an agent goes wrong: one named function a heuristic, each pure over the events of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from coord.core.agentevent import AgentEvent
from coord.core.agents import Monitor


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


#: Finds an anomaly in a session's events at ``now`` (seconds since the epoch), or None.
Heuristic = Callable[[Sequence[AgentEvent], Monitor, float], Anomaly | None]

HEURISTICS: Mapping[str, Heuristic] = {}
