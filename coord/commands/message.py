"""Tell a session something. It is delivered when its turn has ended; --interrupt ends the turn first.

The command returns when the agent has taken the message, or says that it waits. With --answer the text answers what the
agent asks: allow, always or deny for a permission, any text for a question.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import text_of
from coord.errors import CoordError, Exit
from coord.sessions.finding import find
from coord.sessions.launching import start_host
from coord.sessions.looking import Session, host_runs
from coord.sessions.store import Message, Store
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", help="the session: its id, task or branch")
    parser.add_argument("text", metavar="TEXT", help="what to tell it, or @FILE")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--interrupt", action="store_true", help="end the turn under way first")
    how.add_argument("--steer", action="store_true", help="add to the turn under way, where the agent can")
    how.add_argument("--answer", action="store_true", help="answer what it asks")
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="SECONDS", help="how long to wait until it is taken (10)"
    )


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    session = find(workspace, args.session)
    mode = next((m for m in ("interrupt", "steer", "answer") if getattr(args, m)), "queue")
    text = text_of(args.text, call.folder)
    call.output.result(tell(workspace, session, Message(text, mode, sender="person"), args.wait))
    return Exit.OK


def tell(workspace: Workspace, session: Session, message: Message, wait: float) -> str:
    """Send a message and say what came of it. Raises CoordError for a session that no message reaches any more."""
    id = session.record.id
    store = Store(workspace.state / "sessions")
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
    from pathlib import Path

    if not Path(session.record.worktree).is_dir():
        raise CoordError(
            f"{session.record.id} is over ({session.state.value}), and its worktree is gone",
            hint=f"coord spawn {session.record.task}" if session.record.task else "coord start NAME",
        )
    start_host(workspace, session.record.id)
