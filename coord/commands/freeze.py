"""Stop all landing until it is thawed."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.decision import freeze
from coord.errors import Exit


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-m", "--message", default="no reason given", metavar="WHY", help="why, for those who wait"
    )
    decision_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    return carry_out(call, "freeze", lambda ws, view: freeze(ws, view, args.message))
