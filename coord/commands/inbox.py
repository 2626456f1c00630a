"""Show what agents and the monitor have told the coordinator since it was last shown."""

from __future__ import annotations

import time
from argparse import ArgumentParser

from coord.age import ago
from coord.call import Call
from coord.core.text import one_line
from coord.errors import Exit
from coord.inbox import Note, read
from coord.output import table
from coord.sessions.store import Store
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="show what was shown before, too")
    parser.add_argument("--keep", action="store_true", help="show it again next time")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(call: Call) -> Exit:
    state = open_workspace(call.folder).state
    notes = read(state, unread_only=not call.args.all, mark=not call.args.keep)
    call.output.emit(
        "inbox",
        {
            "notes": [
                {
                    "at": note.at,
                    "level": note.level,
                    "task": note.task or None,
                    "branch": note.branch or None,
                    "session": note.session or None,
                    "text": note.text,
                }
                for note in notes
            ]
        },
    )
    now = int(time.time())
    known = frozenset(Store(state / "sessions").ids())
    rows = [
        [
            f"{ago(now - note.at)}",
            note.level,
            note.task or note.branch or "-",
            one_line(_told(note, known), 2000),
        ]
        for note in notes
    ]
    for line in table(rows):
        call.output.result(line)
    if not notes:
        call.output.say("nothing new; coord inbox --all shows what was shown before")
    return Exit.OK


def _told(note: Note, known: frozenset[str]) -> str:
    """Return a note's text. The command of one whose session is over would not be heard: then the log is named."""
    if not note.session or note.session in known:
        return note.text
    told = note.text.partition(" -- coord ")[0]
    return f"{told} -- it is over: coord logs {note.session}"
