"""Lift a block by hand; its history is kept, and the task is pending again."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.core.request import Ask, Request
from coord.errors import Exit


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="ID", help="the task (id or branch name)")
    parser.add_argument("-m", "--message", default="", metavar="CONTEXT", help="kept in the task's Notes")
    decision_options(parser)


def run(call: Call) -> Exit:
    args = call.args
    return carry_out(call, "unblock", Request(Ask.UNBLOCK, (args.task,), args.message))
