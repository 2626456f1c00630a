"""Tell a session something. It is delivered when its turn has ended; --interrupt ends the turn first.

The command returns when the agent has taken the message, or says that it waits. With --answer the text answers what the
agent asks: allow, always or deny for a permission, any text for a question.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import text_of
from coord.errors import Exit
from coord.sessions.finding import find
from coord.sessions.messaging import tell
from coord.sessions.store import Message
from coord.workspace import open_workspace


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
