"""List the tasks of main as last fetched, with their status and what they wait for."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.core.graph import TaskGraph
from coord.core.task import STATUS_ALIASES, Problem, Status, Task
from coord.errors import Exit, UsageError
from coord.output import Json, Output, table
from coord.taskfolder import published_tasks, read_tasks_here, tasks_in_progress
from coord.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help=f"only these: {', '.join(Status)} (may be repeated)",
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    wanted = {_status(word) for words in call.args.status for word in words.split(",")}
    workspace = open_workspace(call.folder)
    graph = published_tasks(workspace, call.output, fetch=call.args.fetch).graph
    tasks = [task for task in graph.tasks if not wanted or task.status in wanted]
    live = tasks_in_progress(workspace)
    for row in table([(t.status, t.id, _remark(graph, t, live.get(t.id)), t.name) for t in tasks]):
        call.output.result(row)
    _say_unpublished(workspace, graph, call.output)
    if graph.problems:
        call.output.say(
            f"{len(graph.problems)} problems in the task files: coord check shows those of the working copy"
        )
    by_path: dict[str, list[Problem]] = {}
    for problem in graph.problems:
        by_path.setdefault(problem.path, []).append(problem)
    rows = [as_json(graph, task, by_path.get(task.path, [])) for task in tasks]
    call.output.emit("list", {"tasks": rows}, [p.facts() for p in graph.problems])
    return Exit.OK


def as_json(graph: TaskGraph, task: Task, problems: list[Problem]) -> dict[str, Json]:
    """Return the facts of one task."""
    return {
        "id": task.id,
        "name": task.name,
        "status": task.status.value,
        "path": task.path,
        "depends_on": list(task.depends_on),
        "level": task.level,
        "ready": graph.is_ready(task),
        "problems": [problem.facts() for problem in problems],
    }


def _status(word: str) -> Status:
    folded = word.strip().casefold()
    found = next((s for s in Status if s == folded), None) or STATUS_ALIASES.get(folded)
    if found is None:
        raise UsageError(f"unknown status '{word}'", hint=f"one of {', '.join(Status)}")
    return found


def _remark(graph: TaskGraph, task: Task, branch: str | None) -> str:
    if branch is not None:
        return f"in progress: {branch}"
    if task.is_completed:
        return ""
    if graph.is_ready(task):
        return "ready"
    waits = [unmet.id for unmet in graph.unmet(task.id)]
    more = f" and {len(waits) - 2} more" if len(waits) > 2 else ""
    return f"waits for {', '.join(waits[:2])}{more}" if waits else task.apart


def _say_unpublished(workspace: Workspace, graph: TaskGraph, output: Output) -> None:
    """A task that is only in the working copy is in no plan: say so, since it looks as if it were."""
    if workspace.bare or workspace.main_tip is None:
        return
    here = read_tasks_here(workspace.top, workspace.settings).graph
    only_here = sorted({task.id for task in here.tasks if graph.get(task.id) is None})
    if only_here:
        more = f" and {len(only_here) - 5} more" if len(only_here) > 5 else ""
        output.say(f"not on {workspace.main_name} yet, so not listed: {', '.join(only_here[:5])}{more}")
