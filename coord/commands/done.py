"""Say that the work on this task branch is finished, and push it.

Makes an empty commit with trailers on the branch. What lands is what is committed: changes to tracked files that are
not committed stop it.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit
from coord.statement import say_done, where_am_i
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--message", default="", metavar="SUMMARY", help="kept as the task's Summary")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    for words in say_done(workspace, where_am_i(workspace, call.inherited), call.args.message):
        call.output.result(words)
    return Exit.OK
