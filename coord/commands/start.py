"""Start a session without a task: a worktree and an agent in it that waits for messages.

NAME becomes the branch wt/NAME unless --branch names another. With --prompt the agent begins at once.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import agent_options, text_of, waiting_options
from coord.errors import Exit
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.spawning import Order
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what it is about")
    parser.add_argument("--branch", default="", metavar="BRANCH", help="the branch (wt/NAME)")
    parser.add_argument(
        "--base", default="", metavar="COMMIT", help="where a new branch starts (the remote's main)"
    )
    parser.add_argument(
        "--path", default="", metavar="PATH", help="where the worktree lies (.worktrees/BRANCH)"
    )
    agent_options(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what it is told first, or @FILE")
    waiting_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    order = Order(
        branch=args.branch or f"wt/{args.name}",
        base=args.base,
        path=args.path,
        agent=args.agent,
        model=args.model,
        prompt=text_of(args.prompt, call.folder),
    )
    made = order_tasks(open_workspace(call.folder), Asked((order,), wait=not args.no_wait), call.output.say)
    return report(call.output, "start", made)
