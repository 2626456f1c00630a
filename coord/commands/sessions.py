"""Show the sessions of this repository, and what is left of sessions that are gone.

--status shows what each does; with a word (working, waiting, attention, done ...) only those are shown.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser

from coord.age import ago
from coord.call import Call
from coord.core.session import SessionState
from coord.core.text import one_line
from coord.errors import Exit
from coord.output import Json, table
from coord.sessions.looking import Session, look, lost
from coord.sessions.ordering import facts
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    states = [state.value for state in SessionState]
    parser.add_argument(
        "--status",
        nargs="?",
        const="",
        choices=["", *states],
        metavar="STATE",
        help="show what each does, or only some",
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    wanted = call.args.status
    shown = [session for session in look(workspace) if not wanted or session.state.value == wanted]
    left = lost(workspace)
    call.output.emit(
        "sessions",
        {
            "sessions": [shown_as_json(session) for session in shown],
            "lost": [
                {"what": one.what, "name": one.name, "why": one.why, "command": one.command} for one in left
            ],
        },
    )
    detailed = wanted is not None
    now = time.time()
    for line in table([row(session, now, detailed=detailed) for session in shown]):
        call.output.result(line)
    for one in left:
        call.output.say(f"{one.what} {one.name}: {one.why}: {one.command}")
    if not shown and not left:
        call.output.say("there is no session; coord spawn TASK starts one")
    return Exit.OK


def row(session: Session, now: float, *, detailed: bool) -> list[str]:
    """Return a session as a row of a table."""
    record, stood = session.record, session.standing
    cells = [record.id, session.state.value, record.task or "-", record.branch, record.agent]
    if detailed:
        cells += [stood.phase.value, f"turn {stood.turn}", f"{ago(now - (stood.last or record.made))}"]
    return [*map(one_line, cells), session.why or "-"]


def shown_as_json(session: Session) -> dict[str, Json]:
    """Return a session as JSON shows it."""
    stood = session.standing
    return facts(session.record) | {
        "state": session.state.value,
        "why": session.why or None,
        "phase": stood.phase.value,
        "turn": stood.turn,
        "since": int(stood.since),
        "last": int(stood.last),
        "asked": [{"request": one.request, "text": one.text} for one in stood.asked],
        "used": stood.used,
        "size": stood.size,
        "cost": round(stood.cost, 4),
    }
