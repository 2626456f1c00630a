"""The removals of ``coord worktree``: one by name, those that are over, those that main contains, and how each is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coord.call import Call
from coord.core.worktrees import Reason, size_text
from coord.errors import Exit
from coord.output import Json
from coord.sessions.ending import stop
from coord.sessions.looking import look as sessions
from coord.workspace import Workspace
from coord.worktrees.listing import shown
from coord.worktrees.pruning import Dropped, merged, prune
from coord.worktrees.removing import Kept, RemoteEnd, Removal, Removed, find, remove
from coord.worktrees.rescue import how_to_get_back


def remove_one(call: Call, workspace: Workspace) -> Exit:
    """Remove the worktree that was named."""
    args = call.args
    removal = Removal(args.name, force=args.force, remote=args.remote, dry_run=args.dry_run)
    if args.force:
        _end_sessions(call, workspace)
    return _tell(call, [remove(workspace, removal, int(time.time()))], _strictly)


def _end_sessions(call: Call, workspace: Workspace) -> None:
    """End the sessions of the worktree that is to go, so that no loop takes them up again."""
    if not (workspace.state / "sessions").is_dir():
        return
    path = find(workspace, call.args.name).path
    for session in sessions(workspace):
        if path is None or Path(session.record.worktree).resolve() != path.resolve():
            continue
        if call.args.dry_run:
            call.output.say(f"would end {session.record.id} ({session.state.value})")
            continue
        for words in stop(workspace, session, "its worktree was removed by a person"):
            call.output.say(words)


def prune_all(call: Call, workspace: Workspace) -> Exit:
    """Remove the worktrees that are over, and what is kept for folders that are gone."""
    return _tell(call, prune(workspace, dry_run=call.args.dry_run), _loosely)


def remove_merged(call: Call, workspace: Workspace) -> Exit:
    """Remove the branches that main contains, with their worktrees."""
    args = call.args
    prefixes = tuple(args.prefix or workspace.settings.project.prefixes)
    found = merged(workspace, prefixes, remote=args.remote, dry_run=args.dry_run)
    return _tell(call, found, _loosely)


def _tell(
    call: Call, found: Sequence[Removed | Kept | Dropped], code: Callable[[Removed | Kept | Dropped], Exit]
) -> Exit:
    would = "would be " if call.args.dry_run else ""
    for one in found:
        match one:
            case Removed():
                _tell_removed(call, one, would)
            case Kept():
                _tell_kept(call, one)
            case Dropped():
                what = f"ports {', '.join(map(str, one.ports))} of" if one.ports else "git's entry of"
                call.output.result(f"{would}dropped: {what} {shown(one.path)}, whose folder is gone")
    size = sum(one.size for one in found if isinstance(one, Removed))
    if len(found) != 1 or isinstance(found[0], Dropped):
        call.output.say(
            f"{size_text(size)} {'would be ' if would else ''}freed" if found else "nothing to remove"
        )
    removed = [_removed_facts(one) for one in found if isinstance(one, Removed)]
    kept = [_kept_facts(one) for one in found if isinstance(one, Kept)]
    dropped: list[Json] = [
        {"what": one.what, "path": str(one.path), "ports": list(one.ports)}
        for one in found
        if isinstance(one, Dropped)
    ]
    facts: dict[str, Json] = {"removed": removed, "kept": kept, "dropped": dropped, "size": size}
    call.output.emit("worktree", {"action": call.args.action, "dry_run": call.args.dry_run, **facts})
    return max((code(one) for one in found), default=Exit.OK)


def _tell_removed(call: Call, one: Removed, would: str) -> None:
    tree = f"worktree {shown(one.path)} ({size_text(one.size)})" if one.path else ""
    branch = f"branch {one.branch}" if one.branch else ""
    call.output.result(f"{would}removed: {' and '.join(filter(None, [tree, branch]))}")
    if one.ended:
        call.output.result(f"  ended what ran in it: {', '.join(one.ended)}")
    for ref in one.saved:
        call.output.result(f"  {how_to_get_back(ref)}")
    words = _REMOTE[one.remote]
    if words:
        call.output.result(f"  {words}" + (f": {one.words}" if one.words else ""))


_REMOTE = {
    RemoteEnd.NOT_ASKED: "",
    RemoteEnd.DELETED: "the remote's branch as well",
    RemoteEnd.ABSENT: "the remote has no such branch",
    RemoteEnd.DENIED: "denied by the server, the remote's branch stays",
    RemoteEnd.RACED: "the remote's branch moved meanwhile and stays: look at what was pushed, then run it again",
    RemoteEnd.UNKNOWN: "the remote gave no answer: run it again to see what it did",
}


def _tell_kept(call: Call, one: Kept) -> None:
    where = f" ({shown(one.path)})" if one.path else ""
    call.output.result(f"kept {one.branch or 'the worktree'}{where}: {one.obstacle.words}")
    if one.obstacle.hint:
        call.output.result(f"  {one.obstacle.hint}")


def _removed_facts(one: Removed) -> dict[str, Json]:
    return {
        "branch": one.branch,
        "path": str(one.path) if one.path else None,
        "size": one.size,
        "saved": list(one.saved),
        "ended": list(one.ended),
        "remote": one.remote.value,
        "words": one.words,
    }


def _kept_facts(one: Kept) -> dict[str, Json]:
    return {
        "branch": one.branch,
        "path": str(one.path) if one.path else None,
        "reason": one.obstacle.reason.value,
        "words": one.obstacle.words,
        "hint": one.obstacle.hint,
    }


def _strictly(one: Removed | Kept | Dropped) -> Exit:
    """Return the exit code of one removal that was asked for by name."""
    if isinstance(one, Kept):
        return {Reason.RACED: Exit.RACED, Reason.REFUSED: Exit.ERROR}.get(one.obstacle.reason, Exit.WAITING)
    return _loosely(one)


def _loosely(one: Removed | Kept | Dropped) -> Exit:
    """Return the exit code where what is kept is no failure: only what the remote did counts."""
    match one:
        case Removed(remote=RemoteEnd.DENIED | RemoteEnd.UNKNOWN):
            return Exit.REFUSED
        case Removed(remote=RemoteEnd.RACED):
            return Exit.RACED
        case _:
            return Exit.OK
