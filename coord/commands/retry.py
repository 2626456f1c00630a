"""Let a branch be tried again whose tip conflicted or failed."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.decision import retry
from coord.errors import Exit


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="ID", help="the task (id or branch name)")
    decision_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    return carry_out(call, "retry", lambda ws, view: retry(ws, view, args.task))
