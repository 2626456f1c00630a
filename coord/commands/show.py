"""Show one task of main as last fetched: its fields, what it waits for, what waits for it, its summary."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from coord.core.graph import TaskGraph
from coord.core.section import section_text
from coord.core.settings import Settings
from coord.core.task import Problem, Task
from coord.errors import Exit, UsageError
from coord.output import Json, table
from coord.taskfolder import published_tasks
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call

_FIELDS = (
    "level",
    "scope",
    "risk",
    "impact",
    "priority",
    "assignee",
    "due",
    "agent",
    "model",
    "superseded_by",
)


def options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the task's id, or its branch")
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    folder = published_tasks(workspace, call.output, fetch=call.args.fetch)
    graph = folder.graph
    task = find(graph, workspace.settings, call.args.id)
    file = folder.file_of(task.id)
    summary, notes = (section_text(file.data, title) if file else "" for title in ("Summary", "Notes"))
    problems = [p for p in graph.problems if p.path == task.path]
    for row in table([*_rows(graph, task, workspace.settings)]):
        call.output.result(row)
    for title, text in (("Summary", summary), ("Notes", notes)):
        if text:
            call.output.result(f"\n{title}\n{text}")
    for problem in problems:
        call.output.say(str(problem))
    facts = as_json(graph, task, problems)
    facts |= {field: getattr(task, field) for field in _FIELDS}
    facts |= {"tags": list(task.tags), "touches": list(task.touches), "summary": summary, "notes": notes}
    facts |= {
        "waits_for": [{"id": unmet.id, "reason": unmet.reason} for unmet in graph.unmet(task.id)],
        "dependents": list(graph.dependents(task.id)),
    }
    call.output.emit("show", facts, [p.facts() for p in problems])
    return Exit.OK


def find(graph: TaskGraph, settings: Settings, word: str) -> Task:
    """Return the task that ``word`` (an id or a branch name) means. Raises UsageError with the nearest ids."""
    task = graph.get(word) or graph.get(settings.task_of(word) or word)
    if task is not None:
        return task
    broken = next((file.path for file in graph.unreadable if file.id == word), None)
    if broken:
        raise UsageError(f"the file of task '{word}' cannot be read: {broken}", hint="coord check shows why")
    near = graph.near(word)
    hint = f"did you mean {' or '.join(near)}?" if near else "coord list shows all tasks"
    raise UsageError(f"there is no task '{word}'", hint=hint)


def _rows(graph: TaskGraph, task: Task, settings: Settings) -> list[tuple[str, str]]:
    status = task.status.value if task.status_text == task.status else f"{task.status} ({task.status_text})"
    rows = [
        ("id", task.id),
        ("name", task.name),
        ("status", status + (", ready" if graph.is_ready(task) else "")),
    ]
    rows += [("path", task.path), ("branch", settings.project.prefixes[0] + task.id)]
    rows += [(field, getattr(task, field)) for field in _FIELDS if getattr(task, field)]
    rows += [("tags", ", ".join(task.tags))] if task.tags else []
    rows += [("depends on", ", ".join(task.depends_on))] if task.depends_on else []
    rows += [("waits for", f"{unmet.id}: {unmet.reason}") for unmet in graph.unmet(task.id)]
    dependents = graph.dependents(task.id)
    return rows + ([("needed by", ", ".join(dependents))] if dependents else [])


def as_json(graph: TaskGraph, task: Task, problems: list[Problem]) -> dict[str, Json]:
    """Return the facts of one task, as ``list --json`` has them."""
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
