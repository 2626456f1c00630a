"""The sessions of this repository with what is counted in them, and what tells that one goes wrong.

The host of a session runs the monitor and tells people; this looks at the same numbers, also where the host is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.agents import Monitor
from coord.core.anomaly import Anomaly, findings
from coord.core.counters import Counters, counters
from coord.core.session import SessionRecord, SessionState, state_of
from coord.sessions.looking import Session, host_runs
from coord.sessions.store import Store, Unreadable
from coord.workspace import Workspace

#: What is over went as somebody wanted; nobody needs to be told how.
_OVER = frozenset({SessionState.DONE, SessionState.BLOCKED, SessionState.ABORTED})


@dataclass(frozen=True, slots=True)
class Gauged:
    """A session and what was counted in it."""

    session: Session
    counted: Counters

    def anomalies(self, monitor: Monitor, now: float) -> tuple[Anomaly, ...]:
        """Return what is wrong with it at ``now`` (seconds since the epoch), the most telling first."""
        return () if self.session.state in _OVER else findings(self.counted, monitor, now)


class Gauge:
    """Looks again and again, and reads of each log only what is new."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = Store.of(workspace)
        self._read: dict[str, tuple[int, Counters]] = {}

    def look(self) -> tuple[Gauged, ...]:
        """Return the sessions of this repository, by their age."""
        found = [self._look_at(one) for one in self._store.records() if not isinstance(one, Unreadable)]
        ids = {one.session.record.id for one in found}
        self._read = {id: read for id, read in self._read.items() if id in ids}
        return tuple(sorted(found, key=lambda one: (one.session.record.made, one.session.record.id)))

    def _look_at(self, record: SessionRecord) -> Gauged:
        # Whether it lives is asked first: what it wrote before it ended is then read for sure.
        alive = host_runs(self._store, record.id)
        at, before = self._read.get(record.id, (0, Counters()))
        events, end = self._store.events(record.id, at)
        counted = counters(events, before)
        self._read[record.id] = (end, counted)
        stood = counted.standing
        return Gauged(Session(record, stood, state_of(stood, alive=alive), alive), counted)
