"""Show on one screen what lands next and why, what waits and for what, what is blocked and who must act, sessions,
worktrees and drift.

Goes by the last fetch and says how old it is; --fetch fetches first. Each branch stands in one table, with whose turn it
is (coord: the next run does it; agent: its branch needs a push, or a word; maintainer: somebody with rights has to decide
or mend something; others: another branch or task goes first) and the command that helps.

--watch shows it live: at once when a ref, a session or the inbox changes here, and what the remote has every SECONDS (15).
q or Ctrl-C ends it. Where the output is no terminal, the whole page is printed again each time that something changed.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord import freshness
from coord.age import ago
from coord.core.page import page_of
from coord.errors import Exit, UsageError
from coord.present import look
from coord.status.plain import lines_of
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call
    from coord.core.present import Present

#: How many rows of each table are shown.
_ROWS = 10


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--watch",
        nargs="?",
        type=float,
        const=15.0,
        metavar="SECONDS",
        help="stay, and show what changes; fetch every SECONDS (15)",
    )


def run(call: Call) -> Exit:
    watch = call.args.watch
    if watch is not None and call.args.json:
        raise UsageError("--watch shows a screen, --json prints once", hint="give one of them")
    if watch is not None and not 0.5 <= watch < float("inf"):
        raise UsageError("--watch takes a number of seconds from 0.5")
    workspace = open_workspace(call.folder)
    if watch is not None:
        from coord.status.live import watch_over

        return watch_over(call.folder, call.output, watch)
    if call.args.fetch:
        freshness.fetch(workspace)
    _show(call, look(workspace, asks_forge=call.args.fetch))
    return Exit.OK


def _show(call: Call, present: Present) -> None:
    if call.output.json:
        from coord.status.facts import facts_of

        call.output.emit("status", facts_of(present), [problem.facts() for problem in present.problems])
        return
    page = page_of(present, ago).cut(_ROWS)
    if call.output.out.isatty():
        from coord.status.colour import console_of, show

        show(page, console_of(call.output.out))
    else:
        call.output.results(lines_of(page))
