"""Checks of sessions: those that nobody watches over, and what sessions have left that have no record any more."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from coord.core.session import SessionState
from coord.core.spawning import why_not
from coord.core.verdict import CLAIMS
from coord.doctor.finding import Finding, Place, Severity
from coord.sessions.looking import Lost, look, lost


def unwatched(place: Place) -> Iterator[Finding]:
    """Name the sessions whose host is gone, and those that wait for a person."""
    for session in look(place.workspace):
        record = session.record
        match session.state:
            case SessionState.INTERRUPTED:
                told = "its host is gone; coord run or a message takes it up"
                yield Finding(Severity.WARNING, record.id, told, f"coord abort {record.id}")
            case SessionState.ATTENTION | SessionState.WAITING:
                told = f"it waits for a person: {session.why}"
                yield Finding(Severity.INFO, record.id, told, f"coord logs {record.id}")
            case _:
                pass


def left_over(place: Place) -> Iterator[Finding]:
    """Name what is left of sessions without a record."""
    for one in lost(place.workspace):
        command = _without_claim(place, one) if one.what == "claim" else one.command
        yield Finding(Severity.WARNING, f"{one.what} {one.name}", one.why, command)


def _without_claim(place: Place, left: Lost) -> str:
    """Return the command that ends a claim whose session is gone, without landing what it pushed half done."""
    deletes = place.delete(CLAIMS + left.name)
    if not _is_pushed(place, left.name):
        return deletes
    snapshot = place.view.snapshot if place.view else None
    if snapshot is None or not why_not(snapshot.graph.get(left.name), left.name, snapshot):
        return left.command
    return f"coord hold {quote(left.name)} -m 'its session is gone' && {deletes}"


def _is_pushed(place: Place, task: str) -> bool:
    """Say whether a task's branch is on the remote: without the claim a push counts as done, and half of it would land."""
    workspace = place.workspace
    where = f"refs/remotes/{workspace.remote}/"
    names = {f"{where}{prefix}{task}" for prefix in workspace.settings.project.prefixes}
    return any(ref.name in names for ref in workspace.git.refs(where))
