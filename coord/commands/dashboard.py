"""Write one page that shows how everything stands: task graph, queue, what is blocked and whose turn it is, conflicts to
come, landings, sessions, worktrees, drift.

The file needs no network and no server. --serve shows the same live, to this machine only, until Ctrl-C ends it.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from coord.core.text import whole_number
from coord.errors import CoordError, Exit, UsageError
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call

_FILE = "coord-dashboard.html"


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"write it there (default: {_FILE}; -: stdout)"
    )
    parser.add_argument("--serve", action="store_true", help="serve it live on 127.0.0.1 instead")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="for --serve: the port (default: 0, any free one)"
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first; with --serve, every minute")
    parser.add_argument("--json", action="store_true", help="print the data of the page as JSON instead")


def run(call: Call) -> Exit:
    from coord import freshness
    from coord.core.dashboard import page_facts
    from coord.dashboard.gathering import gather

    _refuse(call)
    workspace = open_workspace(call.folder)
    if call.args.serve:
        return _serve(call)
    if call.args.fetch:
        freshness.fetch(workspace)
    facts = page_facts(gather(workspace, asks_forge=call.args.fetch))
    if call.output.json:
        call.output.emit("dashboard", facts)
        return Exit.OK
    from coord.dashboard.page import make_page

    _write(call, make_page(facts).text)
    return Exit.OK


def _write(call: Call, text: str) -> None:
    name = call.args.output or _FILE
    if name == "-":
        call.output.out.write(text)
        return
    path = Path(call.folder, name)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CoordError(
            f"cannot write {path}: {error.strerror}", hint="-o FILE writes it elsewhere"
        ) from None
    call.output.say(f"{path}: {len(text.encode()) // 1024} KiB; open it in a browser")


def _serve(call: Call) -> Exit:
    from coord.dashboard.server import Live, serve

    live = Live(call.folder, fetch=call.args.fetch)
    live.page()  # what cannot be read is said now, not to a browser
    serve(live, call.args.port or 0, call.output)
    return Exit.OK


def _refuse(call: Call) -> None:
    args = call.args
    if args.serve and (args.output or args.json):
        raise UsageError("--serve writes no file", hint="leave -o and --json away")
    if args.port is not None and not args.serve:
        raise UsageError("--port is for --serve", hint=f"coord dashboard --serve --port {args.port}")
    if args.output and args.json:
        raise UsageError("--json prints to stdout", hint="leave -o away, or > FILE")


def _port(text: str) -> int:
    number = whole_number(text)
    if number is None or number > 65535:
        raise ArgumentTypeError(f"'{text}' is no port: 0 to 65535")
    return number
