"""Show what a session did: prompts, answers, tools, warnings. -f goes on until the session is over."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from coord.call import Call
from coord.core.agentevent import AgentEvent, Ended, encode
from coord.errors import Exit, UsageError
from coord.sessions.finding import find
from coord.sessions.looking import host_runs
from coord.sessions.store import EVENTS, Store, read_events
from coord.sessions.transcript import line
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "session", metavar="SESSION", help="the session: its id, task or branch; also one that has ended"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it is over")
    parser.add_argument("-n", "--lines", type=int, default=0, metavar="N", help="only the last N")
    parser.add_argument("--json", action="store_true", help="print the events, one JSON object a line")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    path, id = _log(workspace, call.args.session)
    events, at = read_events(path)
    _show(call, events[-call.args.lines :] if call.args.lines > 0 else events)
    store = Store.of(workspace)
    while call.args.follow and id:
        running = host_runs(store, id)
        fresh, at = read_events(path, at)
        _show(call, fresh)
        call.output.out.flush()
        if not running or any(isinstance(event, Ended) for event in fresh):
            break
        time.sleep(0.2)
    return Exit.OK


def _log(workspace: Workspace, word: str) -> tuple[Path, str]:
    """Return the log of a session, or of the last one that has ended of that name (then no id)."""
    store = Store.of(workspace)
    try:
        session = find(workspace, word)
    except UsageError:
        ended = [
            folder
            for record, folder in store.archived()
            if word in (record.id, record.task, record.branch) and word
        ]
        if not ended:
            raise
        return ended[-1] / EVENTS, ""
    return store.folder(session.record.id) / EVENTS, session.record.id


def _show(call: Call, events: Sequence[AgentEvent]) -> None:
    for event in events:
        if call.args.json:
            call.output.write_json(json.dumps(encode(event), ensure_ascii=False, sort_keys=True))
            continue
        words = line(event)
        if words:
            when = datetime.fromtimestamp(event.at).astimezone()
            call.output.result(f"{when:%H:%M:%S}  {words}")
