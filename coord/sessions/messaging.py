"""Telling a session something: through its inbox, and taking it up first when its host is gone."""

from __future__ import annotations

import time
from pathlib import Path

from coord.errors import CoordError, Exit, UsageError
from coord.sessions.launching import start_host
from coord.sessions.looking import Session, host_runs
from coord.sessions.store import Message, Store
from coord.workspace import Workspace


def tell(workspace: Workspace, session: Session, message: Message, wait: float) -> str:
    """Send a message and say what came of it. Raises CoordError for a session that no message
    reaches any more, and UsageError for an answer to one that asks nothing."""
    id = session.record.id
    if message.mode == "answer" and not session.standing.asked:
        raise UsageError(f"{id} asks nothing", hint="without --answer it gets the text as a message")
    store = Store.of(workspace)
    if not session.alive:
        _revive(workspace, session)
    sent = store.send(id, message)
    deadline = time.monotonic() + wait
    while sent.exists() and time.monotonic() < deadline and host_runs(store, id):
        time.sleep(0.05)
    if not sent.exists():
        return f"{id} has taken it"
    if not host_runs(store, id):
        raise CoordError(
            f"{id} ended before it took the message", hint=f"coord logs {id}", exit=Exit.AGENT_FAILED
        )
    return f"{id} is busy ({session.standing.phase.value}): it gets the message when its turn ends"


def _revive(workspace: Workspace, session: Session) -> None:
    """Take up a session whose host is gone, so that it can be told something."""
    if not Path(session.record.worktree).is_dir():
        raise CoordError(
            f"{session.record.id} is over ({session.state.value}), and its worktree is gone",
            hint=f"coord spawn {session.record.task}" if session.record.task else "coord start NAME",
        )
    start_host(workspace, session.record.id)
