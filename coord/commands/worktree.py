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

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from coord.call import Call
from coord.commands.removals import prune_all, remove_merged, remove_one
from coord.core.text import few, one_line
from coord.core.worktrees import branch_of, size_text
from coord.errors import Exit, UsageError
from coord.freshness import fetch
from coord.output import Json, table
from coord.taskfolder import read_tasks_at
from coord.workspace import Workspace, open_workspace
from coord.worktrees.listing import Worktree, list_worktrees, shown
from coord.worktrees.looking import Distance, Looked, look
from coord.worktrees.making import Made, Wanted, make, plan

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
        "remove": remove_one,
        "prune": prune_all,
        "merged": remove_merged,
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
        [(tree.name or f"({tree.head[:7] or 'bare'})", _notes(tree), shown(tree.path)) for tree in trees]
    ):
        call.output.result(line)
    if not trees:
        call.output.say(
            "there is no worktree; coord worktree create TASK makes one, coord spawn TASK starts an agent in one"
        )
    _emit(call, worktrees=[_tree_facts(tree) for tree in trees])
    return Exit.OK


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
        call.output.result(f"{one.tree.name or one.tree.head[:7]}  {shown(one.tree.path)}")
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
