"""Say that this task cannot go on, and push what is there: the safe exit.

The four facts help the person who takes it up: the reason, what was tried, how often, what you suggest. Your commits
are kept.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit
from coord.sessions.identity import note_signal
from coord.statement import say_blocked, where_am_i
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-m", "--message", required=True, metavar="REASON", help="what went wrong, in one line"
    )
    parser.add_argument(
        "--tried", action="append", default=[], metavar="TEXT", help="what was tried (repeatable)"
    )
    parser.add_argument("--attempts", default="", metavar="N", help="how often")
    parser.add_argument("--suggest", default="", metavar="TEXT", help="what might help")


def run(call: Call) -> Exit:
    args = call.args
    facts = {"tried": "; ".join(args.tried), "attempts": args.attempts, "suggestion": args.suggest}
    workspace = open_workspace(call.folder)
    here = where_am_i(workspace, call.inherited)
    said = say_blocked(workspace, here, args.message, facts)
    note_signal(workspace, os.environ, "blocked", branch=here.branch, text=args.message)
    for words in said:
        call.output.result(words)
    return Exit.OK
