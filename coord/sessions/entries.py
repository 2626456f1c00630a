"""What the sessions of this machine tell of their tasks: their logs, and what was left in the inbox, as entries of history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coord import inbox
from coord.core.agentevent import AgentEvent, Answered, Ended, Noted, Prompted, Started, Warned
from coord.core.history import Entry, Kind, Source
from coord.core.session import SessionRecord
from coord.core.text import one_line
from coord.sessions.store import EVENTS, Store, Unreadable, read_events
from coord.workspace import Workspace

#: How the lines of a session's log begin that are told of all sessions.
_TOLD_OF_ALL = (b'"event": "warned"', b'"event": "ended"')


def sessions(workspace: Workspace, task: str) -> Iterator[tuple[SessionRecord, list[AgentEvent]]]:
    """Yield the sessions (of one task: all its events; of all: what is told of all)."""
    store = Store.of(workspace)
    live = ((one, store.folder(one.id)) for one in store.records() if not isinstance(one, Unreadable))
    for record, folder in (*store.archived(), *live):
        if not task:
            yield record, read_events(folder / EVENTS, holding=_TOLD_OF_ALL)[0]
        elif record.task == task:
            yield record, read_events(folder / EVENTS)[0]


def of_sessions(
    sessions: Iterable[tuple[SessionRecord, list[AgentEvent]]], *, in_detail: bool
) -> Iterator[Entry]:
    """Yield what sessions did; ``in_detail``: their prompts, starts and notes, too."""
    for record, happened in sessions:
        words = f"{record.id} made for {one_line(record.agent)}, attempt {record.attempt}"
        yield _of_session(record, record.made, Kind.SESSION, words)
        for event in happened:
            told = _told_of(event, in_detail=in_detail)
            if told:
                yield _of_session(record, event.at, *told)


def of_notes(workspace: Workspace, task: str, known: Iterable[Entry]) -> Iterator[Entry]:
    """Yield what agents and the monitor told the coordinator about a task; a note stays unread, and one that tells what a
    session's own log told (``known``) is none."""
    told = [(one.by, *_parts(one.reason)) for one in known if one.kind in (Kind.ANOMALY, Kind.ENDED)]
    for note in inbox.read(workspace.state, unread_only=False, mark=False):
        is_told = any(
            note.session == session and note.text.startswith((f"{name} (", reason or f"{name} ("))
            for session, name, reason in told
        )
        if note.task == task and not is_told:
            words = f"{one_line(note.level, 20)}: {one_line(note.text, 500)}"
            yield Entry(note.at, Kind.TOLD, task, words, Source.SESSION, branch=note.branch, by=note.session)


def _parts(words: str) -> tuple[str, str]:
    """Return what a session's log names, and the beginning of what it says of it."""
    name, _, text = words.partition(": ")
    return name, text[:100]


def _told_of(event: AgentEvent, *, in_detail: bool) -> tuple[Kind, str] | None:
    match event:
        case Warned():
            return Kind.ANOMALY, f"{event.heuristic}: {one_line(event.evidence)}"
        case Ended():
            return Kind.ENDED, f"{event.ending.value}" + (
                f": {one_line(event.reason)}" if event.reason else ""
            )
        case Prompted() if in_detail:
            return Kind.PROMPTED, f"turn {event.turn} ({event.why.value})"
        case Started() if in_detail:
            return Kind.TOLD, f"the agent started: {one_line(event.agent)} {one_line(event.version)}".rstrip()
        case Answered(answer="reject") if in_detail and event.reason:
            return Kind.TOLD, f"what it asked was denied: {one_line(event.reason)}"
        # What was "delivered" is told by its number, which means nothing to a person.
        case Noted() if in_detail and event.text and event.what != "delivered":
            return Kind.TOLD, f"{one_line(event.what)}: {one_line(event.text)}"
        case _:
            return None


def _of_session(record: SessionRecord, at: float, kind: Kind, words: str) -> Entry:
    return Entry(int(at), kind, record.task, words, Source.SESSION, branch=record.branch, by=record.id)
