"""Make, show and remove worktrees: one folder and one branch for each task.

create NAME   make one for a task or branch; a branch that exists is continued where the remote has it
list          name them
status        show for each what is in it and what main has of it (--all: also the main checkout and others)
remove NAME   remove one with its branch, by path, branch or task: only when it is clean and main contains it
prune         remove those that are over, and what is kept for folders that are gone
merged        remove the branches that main contains (task branches, or those that begin with --prefix)

--force saves what would be lost to refs/coord/rescue first. --remote deletes the remote's branch as well, if it did not
move. Exit code 4: something was kept; 8: the remote denied it. See docs/worktrees.md.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from coord.call import Call
from coord.core.text import few, one_line
from coord.core.worktrees import Reason, branch_of, size_text
from coord.errors import Exit, UsageError
from coord.freshness import fetch
from coord.output import Json, table
from coord.sessions.ending import stop
from coord.sessions.looking import look as sessions
from coord.taskfolder import read_tasks_at
from coord.workspace import Workspace, open_workspace
from coord.worktrees.listing import Worktree, list_worktrees
from coord.worktrees.looking import Distance, Looked, look
from coord.worktrees.making import Made, Wanted, make, plan
from coord.worktrees.pruning import Dropped, merged, prune
from coord.worktrees.removing import Kept, RemoteEnd, Removal, Removed, find, remove
from coord.worktrees.rescue import how_to_get_back

_ACTIONS = ("list", "status", "create", "remove", "prune", "merged")

#: Which options belong to which actions: the others are refused instead of passed over.
_OPTIONS = {
    "all": ("list", "status"),
    "fetch": ("status",),
    "branch": ("create",),
    "base": ("create",),
    "path": ("create",),
    "force": ("remove",),
    "remote": ("remove", "merged"),
    "prefix": ("merged",),
    "dry_run": ("create", "remove", "prune", "merged"),
}


def options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a task, a branch, or (remove) a path")
    parser.add_argument("--branch", metavar="BRANCH", help="create: the branch, when NAME does not say it")
    parser.add_argument(
        "--base", metavar="COMMIT", help="create: start there instead of at the remote's main"
    )
    parser.add_argument(
        "--path",
        metavar="DIR",
        help="create: where, from the main checkout's root (default: .worktrees/BRANCH)",
    )
    parser.add_argument(
        "--all", action="store_true", help="list, status: the main checkout (and status: other branches) too"
    )
    parser.add_argument("--fetch", action="store_true", help="status: fetch first")
    parser.add_argument(
        "--force", action="store_true", help="remove: save to refs/coord/rescue what would be lost"
    )
    parser.add_argument("--remote", action="store_true", help="remove, merged: the remote's branch as well")
    parser.add_argument(
        "--prefix", action="append", metavar="PREFIX", help="merged: branches that begin so (may be repeated)"
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would change and change nothing"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(call: Call) -> Exit:
    args = call.args
    _check(args)
    workspace = open_workspace(call.folder)
    doing: dict[str, Callable[[Call, Workspace], Exit]] = {
        "list": _list,
        "status": _status,
        "create": _create,
        "remove": _remove,
        "prune": _prune,
        "merged": _merged,
    }
    return doing[args.action](call, workspace)


def _check(args: Namespace) -> None:
    for name, actions in _OPTIONS.items():
        if getattr(args, name) and args.action not in actions:
            raise UsageError(f"--{name.replace('_', '-')} goes with {' and '.join(actions)}")
    takes_name = args.action in ("create", "remove")
    if takes_name and not args.name:
        raise UsageError(f"coord worktree {args.action} needs a name", hint="coord worktree --help")
    if not takes_name and args.name:
        raise UsageError(f"coord worktree {args.action} takes no name", hint="coord worktree --help")
    if args.prefix and not all(args.prefix):
        raise UsageError("--prefix needs a text", hint="coord worktree merged --prefix fix/")


def _emit(call: Call, **facts: Json) -> None:
    call.output.emit("worktree", {"action": call.args.action, **facts})


# -- looking -------------------------------------------------------------------------------------------------------


def _list(call: Call, workspace: Workspace) -> Exit:
    trees = [tree for tree in list_worktrees(workspace.git) if not tree.is_main or call.args.all]
    for line in table(
        [(tree.name or f"({tree.head[:7] or 'bare'})", _notes(tree), _shown(tree.path)) for tree in trees]
    ):
        call.output.result(line)
    if not trees:
        call.output.say(
            "there is no worktree; coord worktree create TASK makes one, coord spawn TASK starts an agent in one"
        )
    _emit(call, worktrees=[_tree_facts(tree) for tree in trees])
    return Exit.OK


def _shown(path: Path) -> str:
    """Return a path as it may stand in a line: whoever named it may have put another line into it."""
    return one_line(str(path), 1000)


def _notes(tree: Worktree) -> str:
    notes = {"main": tree.is_main, "locked": tree.locked, "gone": tree.is_gone}
    return " ".join(name for name, holds in notes.items() if holds) or "-"


def _tree_facts(tree: Worktree) -> dict[str, Json]:
    return {
        "path": str(tree.path),
        "branch": tree.name,
        "head": tree.head,
        "main": tree.is_main,
        "locked": tree.locked,
        "gone": tree.is_gone,
    }


def _status(call: Call, workspace: Workspace) -> Exit:
    if call.args.fetch:
        fetch(workspace)
    found = look(workspace, every=call.args.all)
    for one in found:
        call.output.result(f"{one.tree.name or one.tree.head[:7]}  {_shown(one.tree.path)}")
        for line in table([(f"  {name}", words) for name, words in _rows(workspace, one) if words]):
            call.output.result(line)
    if not found:
        call.output.say("no worktree of a task branch" + ("" if call.args.all else " (--all shows others)"))
    _emit(call, worktrees=[_facts(one) for one in found])
    return Exit.OK


def _rows(workspace: Workspace, one: Looked) -> list[tuple[str, str]]:
    working = [f"{process.name} ({process.id.pid})" for process in one.processes]
    return [
        ("task", f"{one.task}: {one.status or 'not on main'}" if one.task else ""),
        ("state", _notes(one.tree) if _notes(one.tree) != "-" else ""),
        ("main", _distance(one.main, workspace.main_name)),
        ("pushed", _pushed(one)),
        ("changes", "" if one.is_clean else f"{one.modified} changed, {one.untracked} untracked"),
        ("size", size_text(one.size)),
        ("ports", ", ".join(map(str, one.ports))),
        ("session", ", ".join(one.sessions)),
        ("processes", few(working, 5)),
    ]


def _distance(distance: Distance | None, name: str) -> str:
    if distance is None:
        return ""
    return f"{distance.ahead} ahead of {name}, {distance.behind} behind"


def _pushed(one: Looked) -> str:
    if one.pushed is None:
        return "no" if one.tree.name else ""
    if one.pushed.ahead:
        return f"all but {one.pushed.ahead}"
    return "yes" + (f", and the remote has {one.pushed.behind} more" if one.pushed.behind else "")


def _facts(one: Looked) -> dict[str, Json]:
    return {
        **_tree_facts(one.tree),
        "task": one.task,
        "status": one.status,
        "ahead": one.main.ahead if one.main else None,
        "behind": one.main.behind if one.main else None,
        "pushed": one.pushed is not None and not one.pushed.ahead,
        "unpushed": one.pushed.ahead if one.pushed else None,
        "modified": one.modified,
        "untracked": one.untracked,
        "size": one.size,
        "ports": list(one.ports),
        "sessions": list(one.sessions),
        "processes": [{"pid": process.id.pid, "name": process.name} for process in one.processes],
    }


# -- making --------------------------------------------------------------------------------------------------------


def _create(call: Call, workspace: Workspace) -> Exit:
    args = call.args
    known = {ref.name.removeprefix("refs/heads/") for ref in workspace.git.refs("refs/heads/")}
    known |= {
        ref.name.removeprefix(workspace.branch_refs) for ref in workspace.git.refs(workspace.branch_refs)
    }
    branch = args.branch or branch_of(args.name, workspace.settings.project.prefixes, known)
    wanted = Wanted(branch, args.base, args.path)
    _say_without_task(call, workspace, branch)
    if args.dry_run:
        place = plan(workspace, wanted)
        call.output.result(f"would: {_made_words(place.made, branch)} at {place.path} from {place.start[:7]}")
        _emit(
            call, dry_run=True, path=str(place.path), branch=branch, base=place.start, made=sorted(place.made)
        )
        return Exit.OK
    made = make(workspace, wanted, call.output.say)
    call.output.result(f"{_made_words(made.made, branch)} at {made.path} from {made.base[:7]}")
    for path in made.copied:
        call.output.detail(f"copied {path}")
    if made.ports:
        call.output.result(f"ports: {', '.join(map(str, made.ports))}")
    _emit(call, dry_run=False, **_made_facts(made))
    return Exit.OK


def _say_without_task(call: Call, workspace: Workspace, branch: str) -> None:
    """Say that a branch belongs to no task: what is pushed there does not land, mostly for a misspelt id."""
    task = workspace.settings.task_of(branch)
    if task is None or workspace.main_tip is None:
        return
    graph = read_tasks_at(workspace, workspace.main_tip, workspace.settings).graph
    if graph.get(task) is None and not graph.unreadable_file(task):
        near = graph.near(task)
        like = f" (like {', '.join(near)})" if near else ""
        call.output.say(
            f"warning: there is no task '{one_line(task)}' on main{like}: its branch is ignored until there is"
        )


def _made_words(made: frozenset[str], branch: str) -> str:
    if "branch" in made:
        return f"worktree with the new branch {branch}"
    return f"worktree of the branch {branch}" if made else f"the worktree that {branch} has"


def _made_facts(made: Made) -> dict[str, Json]:
    return {
        "path": str(made.path),
        "branch": made.branch,
        "base": made.base,
        "ports": list(made.ports),
        "made": sorted(made.made),
        "copied": list(made.copied),
    }


# -- removing ------------------------------------------------------------------------------------------------------


def _remove(call: Call, workspace: Workspace) -> Exit:
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


def _prune(call: Call, workspace: Workspace) -> Exit:
    return _tell(call, prune(workspace, dry_run=call.args.dry_run), _loosely)


def _merged(call: Call, workspace: Workspace) -> Exit:
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
                call.output.result(f"{would}dropped: {what} {_shown(one.path)}, whose folder is gone")
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
    _emit(call, dry_run=call.args.dry_run, removed=removed, kept=kept, dropped=dropped, size=size)
    return max((code(one) for one in found), default=Exit.OK)


def _tell_removed(call: Call, one: Removed, would: str) -> None:
    tree = f"worktree {_shown(one.path)} ({size_text(one.size)})" if one.path else ""
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
    where = f" ({_shown(one.path)})" if one.path else ""
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
