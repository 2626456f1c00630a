"""What git shows of a session's branch, asked anew each time: no event is believed about it."""

from __future__ import annotations

from pathlib import Path

from coord.core.objects import Kind
from coord.core.session import SessionRecord
from coord.core.signal import Working, read_signal
from coord.core.turn import Evidence
from coord.errors import RefusedError
from coord.git import Git
from coord.workspace import Workspace


def evidence(workspace: Workspace, record: SessionRecord) -> Evidence:
    """Return how a session's branch stands here and on the remote. Raises RefusedError when the remote is silent."""
    git = workspace.git
    local = f"refs/heads/{record.branch}"
    remote = remote_tip(workspace, record.branch)
    tip = git.resolve(local) or ""
    main = workspace.main_tip
    known = bool(remote) and git.objects.holds(remote, Kind.COMMIT)
    message = git.objects.commit(remote).message if known else ""
    signal = read_signal(message, claimed=True, draft=False, push_means=workspace.settings.land.signal)
    return Evidence(
        tip=tip,
        remote=remote,
        signal=signal if remote else Working("nothing is pushed"),
        dirty=_is_dirty(record.worktree),
        landed=bool(known and main and git.ancestry.is_ancestor(remote, main)),
        ahead=len(git.ancestry.rev_list(remote, f"^{main}")) if known and main else 0,
    )


def remote_tip(workspace: Workspace, branch: str) -> str:
    """Return the branch's tip as the remote has it now, fetched when it is not here; ``""`` when there is none."""
    ref = f"refs/heads/{branch}"
    if workspace.remote is None:
        return workspace.git.resolve(ref) or ""
    tip = workspace.git.remote_refs(workspace.remote, [ref]).get(ref, "")
    if tip and workspace.git.objects.read(tip) is None:
        workspace.git.fetch(workspace.remote, [f"+{ref}:refs/remotes/{workspace.remote}/{branch}"])
    return tip


def _is_dirty(worktree: str) -> bool:
    try:
        answer = Git(Path(worktree)).run("status", "--porcelain", "--untracked-files=no", ok=(0, 128))
    except (OSError, RefusedError):
        return False
    return answer.code == 0 and bool(answer.out)
