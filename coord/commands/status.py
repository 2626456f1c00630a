"""Show on one screen how the tasks of main stand: in progress, blocked, ready, and whether landing is frozen.

Each task is counted once: completed, blocked (or failed), in progress (a live branch or a claim), ready, waiting, not for
agents.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.errors import Exit
from coord.screen import show_status
from coord.taskfolder import published
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    reading = published(open_workspace(call.folder), fetch=call.args.fetch)
    show_status(reading, call.output)
    return Exit.OK
