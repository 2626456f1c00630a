"""Who calls: by the session's secret where there is one, else by where the call is made. In doubt, an implementation.

What a caller says of its role is not believed when it has a secret, and without one it can only take away.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.agentevent import Ending
from coord.core.session import SessionRecord, SessionRole
from coord.core.text import one_line
from coord.core.worktrees import FOLDER
from coord.errors import CoordError
from coord.sessions.launching import hashed
from coord.sessions.store import Store
from coord.workspace import Workspace, open_workspace
from coord.worktrees.listing import list_worktrees

SECRET = "COORD_SESSION"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. ``worktree`` is the one that an implementation may act on (None: none), ``why`` says by what the role was
    found, ``over`` why it may change nothing any more (``""``: it may)."""

    role: SessionRole
    workspace: Workspace
    why: str
    record: SessionRecord | None = None
    worktree: Path | None = None
    over: str = ""

    @property
    def store(self) -> Store:
        """Return where the sessions of its repository are kept."""
        return Store.of(self.workspace)


def caller(folder: Path, environment: Mapping[str, str]) -> Caller:
    """Return who calls from ``folder`` with this environment. Raises UsageError where there is no repository."""
    token = environment.get(SECRET, "")
    return _by_secret(folder, environment, token) if token else _by_place(folder, environment)


def session_of(workspace: Workspace, token: str) -> SessionRecord | None:
    """Return the session whose secret this is. A record that cannot be read is nobody's."""
    if not token or not token.isascii():
        return None
    wanted = hashed(token).encode()
    found = None
    for record in Store.of(workspace).records():
        if isinstance(record, SessionRecord) and hmac.compare_digest(record.token.encode(), wanted):
            found = record
    return found


def note_signal(
    workspace: Workspace, environment: Mapping[str, str], what: str, *, branch: str, text: str
) -> None:
    """Write down in the session's log that its agent has said ``done`` or ``blocked`` of its own branch."""
    record = session_of(workspace, environment.get(SECRET, ""))
    if record is None or record.branch != branch:
        return
    # The word itself is on the branch; without the note only the monitor knows less.
    with contextlib.suppress(OSError):
        Store.of(workspace).note(record.id, what, one_line(text, 500))


def _by_secret(folder: Path, environment: Mapping[str, str], token: str) -> Caller:
    """Look the secret up where the call is made, else where the session's worktree is said to be: some agents start their
    servers somewhere else. What is found there is believed only if the secret is known there."""
    first: Workspace | None = None
    for place in (folder, Path(environment.get("COORD_WORKTREE") or folder)):
        try:
            workspace = open_workspace(place)
        except CoordError:
            continue
        first = first or workspace
        if record := session_of(workspace, token):
            return _session(workspace, record)
    implementation = SessionRole.IMPLEMENTATION
    return Caller(
        implementation, first or open_workspace(folder), f"{SECRET} is the secret of no session here"
    )


def _session(workspace: Workspace, record: SessionRecord) -> Caller:
    """Return a session as a caller: it acts in its own worktree, wherever the server was started."""
    over = _over(Store.of(workspace), record)
    own = Path(record.worktree)
    try:
        there = open_workspace(own)
    except CoordError:
        there = None
    if there is None or there.common != workspace.common or there.top.resolve() != own.resolve():
        over = over or f"its worktree {one_line(record.worktree)} is gone"
        return Caller(record.role, workspace, "its secret", record, None, over)
    return Caller(record.role, there, "its secret", record, own, over)


def _over(store: Store, record: SessionRecord) -> str:
    ended = store.standing(record.id).ended
    if ended is None or ended.ending is Ending.ATTENTION:
        return ""
    return (
        f"this session is over ({ended.ending.value}{': ' if ended.reason else ''}{one_line(ended.reason)})"
    )


def _by_place(folder: Path, environment: Mapping[str, str]) -> Caller:
    workspace = open_workspace(folder)
    trees = [] if workspace.bare else [tree for tree in list_worktrees(workspace.git) if not tree.is_bare]
    here = next((tree for tree in trees if tree.path.resolve() == workspace.top.resolve()), None)
    if here is not None and not here.is_main:
        return Caller(SessionRole.IMPLEMENTATION, workspace, "the worktree it is in", None, workspace.top)
    if here is None or _is_below_worktrees(folder, workspace.top):
        return Caller(SessionRole.IMPLEMENTATION, workspace, "it is in no worktree and in no main checkout")
    if environment.get("COORD_ROLE", "") == SessionRole.IMPLEMENTATION or environment.get("COORD_TASK"):
        return Caller(SessionRole.IMPLEMENTATION, workspace, "its environment is that of a session")
    return Caller(SessionRole.COORDINATOR, workspace, "the main checkout", None, workspace.top)


def _is_below_worktrees(folder: Path, top: Path) -> bool:
    """Say whether a folder is where a worktree lay: git would take it for the main checkout."""
    try:
        return folder.resolve().relative_to(top.resolve()).parts[:1] == (FOLDER,)
    except ValueError:
        return False
