"""Give every ready task to an agent, watch, land what is done, and send back what does not land, until the graph is
completed or only people can go on.

It owns nothing: end it at any time, and the next one goes on. Sessions go on without it.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.core.loop import Waits
from coord.errors import Exit, UsageError
from coord.output import Json
from coord.sessions.running import Rest, run_loop, wish_of
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--max", type=int, default=None, metavar="N", help="sessions at a time ([run] max)")
    parser.add_argument("--once", action="store_true", help="take one look, do what it says, land once")
    parser.add_argument("--no-land", action="store_true", help="leave landing to somebody else")
    parser.add_argument(
        "--interval", type=float, default=2.0, metavar="SECONDS", help="how often to look at the remote (2)"
    )
    parser.add_argument("--json", action="store_true", help="print how it ended as JSON")


def run(call: Call) -> Exit:
    args = call.args
    if (args.max is not None and args.max < 1) or not 0 < args.interval < float("inf"):
        raise UsageError("--max takes a whole number from 1, --interval a number of seconds above 0")
    workspace = open_workspace(call.folder)
    wish = wish_of(
        workspace,
        most=args.max,
        once=args.once,
        lands=False if args.no_land else None,
        interval=args.interval,
    )
    rest = run_loop(workspace, wish, call.output.say)
    call.output.emit("run", _json(rest))
    for line in _words(rest):
        call.output.result(line)
    return rest.exit


def _words(rest: Rest) -> list[str]:
    return [
        f"{rest.completed} of {rest.total} tasks are completed",
        *(f"{'for a person' if w.person else 'waits'}: {_about(w)}" for w in rest.waits),
    ]


def _about(one: Waits) -> str:
    # Some reasons begin with the task's id themselves.
    return one.reason if one.reason.startswith(f"{one.task} ") else f"{one.task}: {one.reason}"


def _json(rest: Rest) -> dict[str, Json]:
    return {
        "completed": rest.completed,
        "total": rest.total,
        "waits": [{"task": w.task, "reason": w.reason, "person": w.person} for w in rest.waits],
    }
