"""New task files in the working copy: which ids are free, and the one write that replaces nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from coord.core.graph import TaskGraph
from coord.core.settings import Settings
from coord.core.task import Task, Unreadable
from coord.core.taskfile import read_task
from coord.errors import UsageError
from coord.taskfolder import read_tasks_at, read_tasks_here
from coord.workspace import Workspace


def known_tasks(workspace: Workspace) -> tuple[Task, ...]:
    """Return the tasks of the working copy and of main: an id that is taken on either is taken."""
    graphs: list[TaskGraph] = [read_tasks_here(workspace.top, workspace.local_settings()).graph]
    if workspace.main_tip:
        graphs.append(read_tasks_at(workspace, workspace.main_tip, workspace.settings).graph)
    return tuple(task for graph in graphs for task in graph.tasks)


def refuse_collision(id: str, known: Iterable[Task]) -> None:
    """Raise UsageError when a task of this id, or its branch, cannot be beside those that there are."""
    folded = id.casefold()
    for task in known:
        other = task.id.casefold()
        if other == folded:
            words = "already exists" if task.id == id else f"differs only in case from '{task.id}'"
            raise UsageError(f"task '{id}' {words}: {task.path}", hint="choose another id")
        if other.startswith(folded + "/") or folded.startswith(other + "/"):
            raise UsageError(
                f"'{id}' and '{task.id}' ({task.path}) cannot both be branches: one lies below the other",
                hint="choose another id",
            )


def write_new(workspace: Workspace, settings: Settings, name: str, text: str, *, dry_run: bool) -> None:
    """Write a task file that is not there yet, when everybody will read it as a sound task (``dry_run``: only look).

    Raises UsageError where it would not be, where something is in the way, and where a link leads elsewhere.
    """
    _check(name, text)
    _write(workspace.top / name, workspace.top / settings.project.tasks, text, dry_run=dry_run)


def _check(name: str, text: str) -> None:
    """Read the file as everybody will, before it is written."""
    read = read_task(name, text.encode("utf-8", "replace"))
    if isinstance(read, Unreadable) or read.problems:
        raise UsageError(
            f"this would not be a sound task: {read.problems[0].message}", hint="coord new --help"
        )


def _write(path: Path, folder: Path, text: str, *, dry_run: bool) -> None:
    """Write the file if nothing is there; a link inside the task folder must not lead out of it."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} already exists", hint="choose another id")
    inside = folder.parent.resolve() / folder.name
    if folder.is_symlink() or not path.parent.resolve().is_relative_to(inside.resolve()):
        raise UsageError(f"{path} lies outside of the task folder", hint="remove the link that leads there")
    if not dry_run:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}", hint="choose another id"
            ) from error
