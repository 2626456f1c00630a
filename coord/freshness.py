"""Fetching, and how old what was fetched is: what a command that reads says beside its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coord import age
from coord.age import fetched_at
from coord.core.answer import RefUpdate, Stale
from coord.core.snapshot import Snapshot
from coord.core.verdict import FREEZE
from coord.workspace import Workspace

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
    for known in ("pulls", "said"):
        vars(workspace).pop(known, None)
    forget(workspace)


def note_push(workspace: Workspace, updates: Sequence[RefUpdate]) -> None:
    """Take over here what a push of ours has just moved on the remote, so that nobody needs to ask for it."""
    if workspace.remote is None:
        return
    heads = f"refs/remotes/{workspace.remote}/"
    local = [replace(update, ref=update.ref.replace("refs/heads/", heads, 1), old="") for update in updates]
    if isinstance(workspace.git.update_refs(local), Stale):
        fetch(workspace)  # another git holds a lock here: the remote tells the same
    forget(workspace)


def forget(workspace: Workspace) -> None:
    """Forget what the workspace knows of main: somebody else may have fetched."""
    for known in ("main_tip", "settings"):
        vars(workspace).pop(known, None)


def as_of(workspace: Workspace, tip: str) -> str:
    """Return what main was read and how old that is: ``as of origin/main 3f2a1b0, fetched 5 minutes ago``."""
    at = fetched_at(str(workspace.common), workspace.main_ref) if workspace.remote else None
    committed = workspace.git.objects.commit(tip).committed if at is None else 0
    return age.as_of(workspace.main_name, tip, at, committed)


def unread(workspace: Workspace, snapshot: Snapshot, *, is_asked: bool) -> str:
    """Return the words about pull requests that nobody has read, to stand behind what ``as_of`` says."""
    if not snapshot.hosted or (is_asked and workspace.hosting.forge is not None):
        return ""
    return (
        f"; pull requests are not read{': there is no token for GitHub' if is_asked else ' without --fetch'}"
    )
