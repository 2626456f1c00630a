"""Start several sessions without tasks, each with a worktree of its own; all get the same prompt.

In the prompt {{ name }} and {{ task }} are the session's name.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.spawn import agent_options, text_of, waiting_options
from coord.errors import Exit
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.prompting import rendered
from coord.sessions.spawning import Order
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="+", metavar="NAME", help="what each is about")
    parser.add_argument(
        "--prefix", default="wt/", metavar="PREFIX", help="what stands before the names (wt/)"
    )
    agent_options(parser)
    parser.add_argument("--prompt", default="", metavar="TEMPLATE", help="what each is told first, or @FILE")
    waiting_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    template = text_of(args.prompt, call.folder)
    orders = [
        Order(
            branch=f"{args.prefix}{name}",
            agent=args.agent,
            model=args.model,
            prompt=rendered(template, {"name": name, "task": name}) if template else "",
        )
        for name in dict.fromkeys(args.name)
    ]
    made = order_tasks(
        open_workspace(call.folder), Asked(tuple(orders), wait=not args.no_wait), call.output.say
    )
    return report(call.output, "swarm", made)
