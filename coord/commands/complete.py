"""Complete tasks by the coordinator's own word: one commit on main, whatever the number of tasks.

Open dependencies are worth a warning. Nothing to change: exit 0, no commit.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.core.request import Ask, Request
from coord.errors import Exit


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", nargs="+", metavar="ID", help="the tasks (ids or branch names)")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="kept as the task's Summary")
    decision_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    return carry_out(call, "complete", Request(Ask.COMPLETE, tuple(args.task), args.message))
