"""List the tasks that can be started now: pending, all dependencies completed on main as last fetched."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.core.graph import TaskGraph
from coord.core.task import Task
from coord.errors import Exit
from coord.output import Output, table
from coord.taskfolder import published_tasks
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--explain", action="store_true", help="also say why the others wait")
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    graph = published_tasks(workspace, call.output, fetch=call.args.fetch).graph
    open_tasks = [task for task in graph.tasks if not task.is_completed]
    waiting = [task for task in open_tasks if graph.unmet(task.id)]
    apart = [task for task in open_tasks if task.apart and not graph.unmet(task.id)]
    for row in table([(task.id, task.name) for task in graph.ready]):
        call.output.result(row)
    if call.args.explain:
        _explain(graph, waiting, apart, call.output)
    else:
        call.output.say(_counts(graph, waiting, apart))
    call.output.emit(
        "ready",
        {
            "ready": [task.id for task in graph.ready],
            "waiting": [
                {
                    "id": task.id,
                    "on": [unmet.id for unmet in graph.unmet(task.id)],
                    "reasons": [f"{unmet.id} {unmet.reason}" for unmet in graph.unmet(task.id)],
                }
                for task in waiting
            ],
            "apart": [{"id": task.id, "why": task.apart} for task in apart],
        },
        [problem.facts() for problem in graph.problems],
    )
    return Exit.OK


def _explain(graph: TaskGraph, waiting: list[Task], apart: list[Task], output: Output) -> None:
    if waiting:
        output.result("\nwaiting")
        rows = [(f"  {task.id}", f"{u.id} {u.reason}") for task in waiting for u in graph.unmet(task.id)]
        for row in table(rows):
            output.result(row)
    if apart:
        output.result("\nready, but not for agents")
        for row in table([(f"  {task.id}", task.apart) for task in apart]):
            output.result(row)


def _counts(graph: TaskGraph, waiting: list[Task], apart: list[Task]) -> str:
    words = [f"{len(graph.ready)} ready", f"{len(waiting)} waiting"]
    words += [f"{len(apart)} not for agents"] if apart else []
    return ", ".join(words) + (" (--explain says why)" if waiting or apart else "")
