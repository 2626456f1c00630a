"""Start a session in a worktree that is there already, named by its branch or its path."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import agent_options, text_of, waiting_options
from coord.errors import Exit
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.spawning import Order
from coord.workspace import open_workspace
from coord.worktrees.listing import branch_at


def options(parser: ArgumentParser) -> None:
    parser.add_argument("where", metavar="PATH|BRANCH", help="the worktree")
    agent_options(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what it is told first, or @FILE")
    waiting_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    branch = branch_at(workspace.git, args.where, call.folder)
    order = Order(branch=branch, agent=args.agent, model=args.model, prompt=text_of(args.prompt, call.folder))
    made = order_tasks(workspace, Asked((order,), wait=not args.no_wait), call.output.say)
    return report(call.output, "open", made)
