"""List the tasks that can be started now: pending, all dependencies completed on main as last fetched."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.errors import Exit
from coord.screen import show_ready
from coord.taskfolder import published
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--explain", action="store_true", help="also say why the others wait")
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    reading = published(open_workspace(call.folder), fetch=call.args.fetch)
    show_ready(reading, call.output, explain=call.args.explain)
    return Exit.OK
