"""Which session a word means: its id, the beginning of it, its task or its branch."""

from __future__ import annotations

from coord.core.session import SessionRecord
from coord.core.text import one_line
from coord.errors import UsageError
from coord.sessions.looking import Session, look
from coord.sessions.store import Store
from coord.workspace import Workspace


def find(workspace: Workspace, word: str) -> Session:
    """Return the session that ``word`` means. Raises UsageError with those there are; of two, the newer is meant when it
    is the only one at work."""
    sessions = look(workspace)
    for meant in (_by_id, _by_beginning, _by_work):
        found = [session for session in sessions if meant(session, word)]
        at_work = [session for session in found if session.alive]
        if len(found) == 1 or len(at_work) == 1:
            return (at_work or found)[0]
        if found:
            ids = ", ".join(session.record.id for session in found)
            raise UsageError(f"'{one_line(word)}' means several sessions: {ids}", hint="name one by its id")
    if over := _over(workspace, word):
        raise UsageError(
            f"the session of '{one_line(word)}' is over: {over.id}", hint=f"coord logs {over.id} shows it"
        )
    known = ", ".join(session.record.id for session in sessions[:5])
    raise UsageError(
        f"no session '{one_line(word)}'",
        hint=f"there are: {known}" if known else "there is none; coord spawn TASK starts one",
    )


def _over(workspace: Workspace, word: str) -> SessionRecord | None:
    """Return the newest of the retired sessions that a word means."""
    retired = (record for record, _ in Store.of(workspace).archived())
    meant = [record for record in retired if word and word in (record.id, record.task, record.branch)]
    return max(meant, key=lambda record: record.made, default=None)


def _by_id(session: Session, word: str) -> bool:
    return session.record.id == word


def _by_beginning(session: Session, word: str) -> bool:
    return len(word) >= 6 and session.record.id.startswith(word)


def _by_work(session: Session, word: str) -> bool:
    return word in (session.record.task, session.record.branch) and bool(word)
