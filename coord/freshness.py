"""Fetching, and how old what was fetched is: what a command that reads says beside its answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from coord.core.answer import RefUpdate, Stale
from coord.core.verdict import FREEZE
from coord.workspace import Workspace

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


#: The families of coord's refs that the remote keeps; ``refs/coord/rescue`` is local and never fetched.
FAMILIES = ("verdicts", "history", "claims", "approvals", "hold")


def fetch(workspace: Workspace) -> None:
    """Bring the remote's branches and coord's refs here, and forget what the workspace knew of main.

    Without a remote nothing happens. Raises RefusedError with git's words.
    """
    if workspace.remote is None:
        return
    refspecs = [f"+refs/heads/*:refs/remotes/{workspace.remote}/*"]
    refspecs += [f"+refs/coord/{family}/*:refs/coord/{family}/*" for family in FAMILIES]
    refspecs.append(f"+{FREEZE}*:{FREEZE}*")
    workspace.git.fetch(workspace.remote, refspecs)
    # Our fetches write no FETCH_HEAD: it belongs to the person. This file only tells when the last one was.
    workspace.state.mkdir(parents=True, exist_ok=True)
    (workspace.state / "fetched").touch()
    _forget(workspace)


def note_push(workspace: Workspace, updates: Sequence[RefUpdate]) -> None:
    """Take over here what a push of ours has just moved on the remote, so that nobody needs to ask for it."""
    if workspace.remote is None:
        return
    heads = f"refs/remotes/{workspace.remote}/"
    local = [replace(update, ref=update.ref.replace("refs/heads/", heads, 1), old="") for update in updates]
    if isinstance(workspace.git.update_refs(local), Stale):
        fetch(workspace)  # another git holds a lock here: the remote tells the same
    _forget(workspace)


def _forget(workspace: Workspace) -> None:
    for known in ("main_tip", "settings"):
        vars(workspace).pop(known, None)


def as_of(workspace: Workspace, tip: str) -> str:
    """Return what main was read and how old that is: ``as of origin/main 3f2a1b0, fetched 5 minutes ago``."""
    now = time.time()
    at = _fetched(workspace)
    if at is not None:
        return f"as of {workspace.main_name} {tip[:7]}, fetched {ago(now - at)}"
    committed = workspace.git.objects.commit(tip).committed
    return f"as of {workspace.main_name} {tip[:7]}, committed {ago(now - committed)}"


def ago(seconds: float) -> str:
    """Return a duration as people say it: ``just now``, ``5 minutes ago``."""
    for unit, length in _UNITS:
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def _fetched(workspace: Workspace) -> float | None:
    """Return when the remote was last asked, as far as files tell: git keeps no such record of its own."""
    if workspace.remote is None:
        return None
    traces = (
        workspace.state / "fetched",
        workspace.common / "FETCH_HEAD",
        workspace.common / workspace.main_ref,
        workspace.common / "logs" / workspace.main_ref,
    )
    times = []
    for trace in traces:
        try:
            times.append(trace.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=None)
