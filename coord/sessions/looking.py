"""How the sessions of this repository stand: records, events and processes read anew; nothing is remembered."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from coord.core.claim import read_claim
from coord.core.session import SessionRecord, SessionState, Standing, standing, state_of, why_of
from coord.core.text import one_line
from coord.core.verdict import CLAIMS
from coord.processes import is_running
from coord.sessions.claims import machine
from coord.sessions.store import Store, Unreadable
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Session:
    """A session and how it stands; ``alive`` says whether its host runs."""

    record: SessionRecord
    standing: Standing
    state: SessionState
    alive: bool

    @property
    def why(self) -> str:
        """Return in one line what it does or waits for."""
        return one_line(why_of(self.standing), 300)


@dataclass(frozen=True, slots=True)
class Lost:
    """Something of a session that has no record any more: what, of which name, why it is lost, and the command that acts."""

    what: str
    name: str
    why: str
    command: str


def look(workspace: Workspace) -> tuple[Session, ...]:
    """Return the sessions of this repository, by their age."""
    store = Store.of(workspace)
    found = [session_of(store, record) for record in store.records() if not isinstance(record, Unreadable)]
    return tuple(sorted(found, key=lambda session: (session.record.made, session.record.id)))


class Watcher:
    """Looks again and again, and reads of each log only what is new."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = Store.of(workspace)
        self._read: dict[str, tuple[int, Standing]] = {}

    def look(self) -> tuple[Session, ...]:
        """Return the sessions of this repository, by their age."""
        found = [self._look_at(one) for one in self._store.records() if not isinstance(one, Unreadable)]
        self._read = {id: read for id, read in self._read.items() if any(s.record.id == id for s in found)}
        return tuple(sorted(found, key=lambda session: (session.record.made, session.record.id)))

    def _look_at(self, record: SessionRecord) -> Session:
        # Whether it lives is asked first: what it wrote before it ended is then read for sure.
        alive = host_runs(self._store, record.id)
        at, before = self._read.get(record.id, (0, Standing()))
        events, end = self._store.events(record.id, at)
        stood = standing(events, before)
        self._read[record.id] = (end, stood)
        return Session(record, stood, state_of(stood, alive=alive), alive)


def session_of(store: Store, record: SessionRecord) -> Session:
    """Return how one session stands."""
    # Whether it lives is asked first: what it wrote before it ended is then read for sure.
    alive = host_runs(store, record.id)
    stood = store.standing(record.id)
    return Session(record, stood, state_of(stood, alive=alive), alive)


def host_runs(store: Store, id: str) -> bool:
    """Say whether a session's host runs: the process that wrote its name there, and none that got its number later."""
    process = store.host(id)
    return process is not None and is_running(process)


def lost(workspace: Workspace) -> tuple[Lost, ...]:
    """Return what sessions have left that no record tells of: unreadable records, and claims of this machine."""
    store = Store.of(workspace)
    found = [
        Lost("session", one.id, f"its record cannot be read: {one.why}", f"coord abort {one.id}")
        for one in store.records()
        if isinstance(one, Unreadable)
    ]
    known = set(store.ids())
    for ref in workspace.git.refs(CLAIMS):
        if not ref.is_commit:
            continue
        holder = _holder(workspace, ref.oid)
        name, _, session = holder.partition("/")
        if name == machine(workspace) and session not in known:
            task = ref.name.removeprefix(CLAIMS)
            why = f"held by {session}, of which nothing is left here"
            found.append(Lost("claim", task, why, f"coord spawn {shlex.quote(task)}"))
    return tuple(found)


def _holder(workspace: Workspace, oid: str) -> str:
    claim = read_claim("", workspace.git.objects.commit(oid).message)
    return f"{claim.machine}/{claim.session}"
