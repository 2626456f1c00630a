"""Tell the coordinator something about this task.

blocking is coord block. info whose text begins with "Task completed", on a branch that is clean, pushed and ahead of
main, is coord done with that text as the summary. Everything else is progress: it goes to the coordinator's inbox and
never means done.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from dataclasses import replace

from coord.call import Call
from coord.errors import Exit
from coord.sessions.identity import SECRET, note_signal, session_of
from coord.statement import notify, where_am_i
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--level", required=True, choices=("info", "warning", "blocking"), help="how much it matters"
    )
    parser.add_argument("-m", "--message", required=True, metavar="TEXT", help="what to tell")


def run(call: Call) -> Exit:
    level, text = call.args.level, call.args.message
    workspace = open_workspace(call.folder)
    record = session_of(workspace, os.environ.get(SECRET, ""))
    here = replace(where_am_i(workspace, call.inherited), session=record.id if record else "")
    told = notify(workspace, here, level, text)
    if told.signal:
        note_signal(workspace, os.environ, told.signal, branch=here.branch, text=text)
    for line in told.words:
        call.output.result(line)
    return Exit.OK
