"""Ending sessions: a person's abort, the loop's giving up, and taking away what is not needed any more. Work is never
lost: what no branch on the remote holds is kept where it is, or saved to ``refs/coord/rescue/`` first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coord.core.agentevent import Ended, Ending
from coord.core.journal import Ahead
from coord.core.session import SessionRecord
from coord.core.text import one_line
from coord.core.turn import Evidence
from coord.core.worktrees import FOLDER
from coord.errors import CoordError
from coord.observe import observe
from coord.processes import end, leftovers
from coord.sessions.claims import release
from coord.sessions.evidence import evidence
from coord.sessions.looking import Session, host_runs, look
from coord.sessions.store import Message, Store
from coord.sessions.unfinished import Branch, keep_back
from coord.statement import Here, say_blocked
from coord.workspace import Workspace, open_workspace
from coord.worktrees.listing import list_worktrees
from coord.worktrees.removing import Removal, Removed, remove
from coord.worktrees.rescue import how_to_get_back

#: Seconds that a host has to end its session when it is told to, before its processes are ended.
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Stopped:
    """What an abort left: ``kept`` are words about work that stays, empty when nothing was there to keep."""

    words: tuple[str, ...]
    kept: tuple[str, ...] = ()


def abort(workspace: Workspace, session: Session, reason: str) -> Stopped:
    """End a session on a person's word: its processes, its claim, and its worktree when that holds no work.

    Nothing that is not on the remote is removed. The session stays in the list as aborted, so that no loop starts it again.
    """
    words = stop(workspace, session, reason)
    kept = _remove_if_empty(workspace, session.record)
    if not session.record.task and not kept:
        Store.of(workspace).retire(session.record.id, workspace.settings.sessions.keep)
    return Stopped(words, tuple(kept))


def stop(workspace: Workspace, session: Session, reason: str) -> tuple[str, ...]:
    """End a session's processes and give its claim back, and leave its worktree; return what to tell."""
    record = session.record
    store = Store.of(workspace)
    stop_host(workspace, record, Message(reason, "abort", sender="person"))
    stood = store.standing(record.id)
    if stood.ended is None or stood.ended.ending is not Ending.ABORTED:
        store.append(record.id, Ended(time.time(), Ending.ABORTED, one_line(reason, 500) or "aborted"))
    words = [f"{record.id} is aborted"]
    if record.task:
        words += _let_go(workspace, record, f"session aborted: {reason}")
    return tuple(words)


def stop_host(workspace: Workspace, record: SessionRecord, message: Message) -> None:
    """End a session's host and agent: told first, then by signal, then by force; returns when none of them runs."""
    store = Store.of(workspace)
    if host_runs(store, record.id):
        sent = store.send(record.id, message)
        # A host whose agent has not answered yet reads no messages: it ends by signal.
        deadline = time.monotonic() + (_PATIENCE if store.standing(record.id).starts else 0.0)
        while host_runs(store, record.id) and time.monotonic() < deadline:
            time.sleep(0.05)
        sent.unlink(missing_ok=True)
    end_processes(workspace, record)


def end_processes(workspace: Workspace, record: SessionRecord) -> None:
    """End what a session has left running: its host, and whatever bears its secret or stands in its worktree."""
    host = Store.of(workspace).host(record.id)
    end([host] if host else [])
    secrets = frozenset({record.token} if record.token else ())
    end(leftovers(_folder_of(workspace, record), secrets))


def _folder_of(workspace: Workspace, record: SessionRecord) -> Path | None:
    """Return a session's worktree, None when the record names another place: whoever stands there is not of the session."""
    main, *others = list_worktrees(workspace.git)
    folder = Path(record.worktree)
    is_ours = any(tree.path == folder for tree in others) or main.path / FOLDER in folder.parents
    return folder if is_ours and ".." not in folder.parts else None


def _let_go(workspace: Workspace, record: SessionRecord, reason: str) -> list[str]:
    """Give the claim back, and keep what is pushed from landing; while that cannot be said, the claim stays and does it."""
    kept = keep_back(workspace, Branch(record.task, record.branch), reason)
    if kept.trouble:
        hint = f"its claim keeps it from landing until it expires; after that: coord hold {record.task}"
        return [f"note: {record.branch} could not be marked as not finished: {kept.trouble}", hint]
    release(workspace, record.task, record.id)
    return [f"{record.branch} stays on the remote as work in progress"] if kept.marked else []


def give_up(workspace: Workspace, record: SessionRecord, reason: str, attempts: int) -> None:
    """Say blocked for an agent that could not, with what is known, and push what it committed: the safe exit."""
    seen = evidence(workspace, record)
    facts = {
        "tried": f"{attempts} session{'s' if attempts > 1 else ''} with {record.agent}",
        "attempts": str(attempts),
        "suggestion": f"read coord logs {record.task}, mend the task or say more, then coord unblock {record.task}",
    }
    say_blocked(_at(workspace, record), _here(record, seen), one_line(reason, 300), facts)
    Store.of(workspace).append(record.id, Ended(time.time(), Ending.BLOCKED, one_line(reason, 500)))


def _here(record: SessionRecord, seen: Evidence) -> Here:
    identity = {
        "GIT_AUTHOR_NAME": "coord",
        "GIT_AUTHOR_EMAIL": "coord@localhost",
        "GIT_COMMITTER_NAME": "coord",
        "GIT_COMMITTER_EMAIL": "coord@localhost",
    }
    return Here(record.task, record.branch, seen.tip, identity)


def _at(workspace: Workspace, record: SessionRecord) -> Workspace:
    """Return the workspace of a session's worktree, or the caller's when that is gone."""
    folder = Path(record.worktree)
    return open_workspace(folder) if folder.is_dir() else workspace


def retire_landed(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Take away the sessions that are over and whose tasks are completed on main, whoever landed them."""
    over = [session for session in look(workspace) if session.record.task and not session.alive]
    if not over:
        return
    snapshot = observe(workspace).snapshot
    live = {branch.task for branch in snapshot.branches if isinstance(branch.standing, Ahead)}
    for session in over:
        task = snapshot.graph.get(session.record.task)
        if task is not None and task.is_completed and task.id not in live:
            retire(workspace, session.record, say)


def _take_away(workspace: Workspace, record: SessionRecord, say: Callable[[str], None]) -> None:
    # One that was killed here may have removed the worktree and not the branch.
    is_there = Path(record.worktree).is_dir()
    if not is_there and workspace.git.resolve(f"refs/heads/{record.branch}") is None:
        return
    try:
        outcome = remove(workspace, Removal(record.worktree if is_there else record.branch, force=True))
    except CoordError:
        if not Path(record.worktree).is_dir():
            return  # the landing of its branch has removed it meanwhile
        raise
    if isinstance(outcome, Removed):
        for ref in outcome.saved:
            say(f"{record.branch}: {how_to_get_back(ref)}")
    elif Path(record.worktree).is_dir():  # else the landing of its branch was faster
        say(f"kept: {record.worktree} ({outcome.obstacle.words})")


def is_coords_own(workspace: Workspace, record: SessionRecord) -> bool:
    """Say whether a session's worktree was made for it, or for an earlier session of its task, and goes with it."""
    if "worktree" in record.owns:
        return True
    root = list_worktrees(workspace.git)[0].path / FOLDER
    return bool(record.task) and root in Path(record.worktree).parents


def _remove_if_empty(workspace: Workspace, record: SessionRecord) -> list[str]:
    if not Path(record.worktree).is_dir() or not is_coords_own(workspace, record):
        return []
    outcome = remove(workspace, Removal(record.worktree))
    if isinstance(outcome, Removed):
        return []
    return [f"kept: {record.worktree} ({outcome.obstacle.words})"]


def retire(
    workspace: Workspace, record: SessionRecord, say: Callable[[str], None], *, goes_on: bool = False
) -> None:
    """Take a session away with all that was made for it: processes, claim, worktree, local branch, record.

    Work that main and the remote's branch lack is saved to ``refs/coord/rescue/`` first, and named. With ``goes_on``
    worktree and claim stay as they are: the task's next session takes them over.
    """
    end_processes(workspace, record)
    if goes_on:
        # Its claim is renewed by nobody until the next one takes it over, and that may be long.
        kept = keep_back(
            workspace, Branch(record.task, record.branch), "its session is over, another goes on"
        )
        if kept.trouble:
            say(f"note: {record.branch} could not be marked as not finished: {kept.trouble}")
        Store.of(workspace).retire(record.id, workspace.settings.sessions.keep)
        return
    if is_coords_own(workspace, record):
        _take_away(workspace, record, say)
    if record.task:
        for words in _let_go(workspace, record, "its session is over"):
            say(words)
    Store.of(workspace).retire(record.id, workspace.settings.sessions.keep)
