"""Say that the work on this task branch is finished, and push it.

Makes an empty commit with trailers on the branch. What lands is what is committed: changes to tracked files that are
not committed stop it.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit
from coord.sessions.identity import note_signal
from coord.statement import say_done, where_am_i
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--message", default="", metavar="SUMMARY", help="kept as the task's Summary")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    here = where_am_i(workspace, call.inherited)
    said = say_done(workspace, here, call.args.message)
    note_signal(workspace, os.environ, "done", branch=here.branch, text=call.args.message)
    for words in said:
        call.output.result(words)
    return Exit.OK
