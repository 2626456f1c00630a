"""List the tasks of main as last fetched, with their status and what they wait for."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.core.row import STATUS_ALIASES, STATUSES
from coord.errors import Exit, UsageError
from coord.here import only_here
from coord.screen import show_list
from coord.taskfolder import published
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help=f"only these: {', '.join(STATUSES)} (may be repeated)",
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    wanted = {_status(word) for words in call.args.status for word in words.split(",")}
    workspace = open_workspace(call.folder)
    reading = published(workspace, fetch=call.args.fetch)
    if reading.tip and not workspace.bare:
        reading.only_here = only_here(
            str(workspace.top), workspace.settings.project.tasks, reading.board.by_id
        )
    show_list(reading, call.output, wanted=wanted)
    return Exit.OK


def _status(word: str) -> str:
    folded = word.strip().casefold()
    found = STATUS_ALIASES.get(folded, folded)
    if found not in STATUSES:
        raise UsageError(f"unknown status '{word}'", hint=f"one of {', '.join(STATUSES)}")
    return found
