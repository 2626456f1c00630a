"""Copy a session into a new worktree: the agent goes on there with what it knows, where it can be copied.

An agent that cannot be copied gets the conversation so far as its first prompt.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import text_of, waiting_options
from coord.errors import Exit
from coord.sessions.finding import find
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.spawning import Order
from coord.sessions.store import Store
from coord.sessions.transcript import told
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", help="the session: its id, task or branch")
    parser.add_argument("name", metavar="NAME", help="what the copy is about; its branch is wt/NAME")
    parser.add_argument("--branch", default="", metavar="BRANCH", help="another branch")
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what the copy is told first, or @FILE")
    waiting_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    session = find(workspace, args.session)
    events, _ = Store.of(workspace).events(session.record.id)
    tip = workspace.git.resolve(f"refs/heads/{session.record.branch}") or ""
    order = Order(
        branch=args.branch or f"wt/{args.name}",
        base=tip,
        agent=session.record.agent,
        model=session.record.model,
        prompt=text_of(args.prompt, call.folder),
        context=told(events),
        parent=session.record.id,
        forked=session.standing.foreign,
    )
    made = order_tasks(workspace, Asked((order,), wait=not args.no_wait), call.output.say)
    return report(call.output, "fork", made)
