"""The task folder, read from a commit or from the working copy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coord import freshness
from coord.core.board import Board
from coord.core.graph import TaskGraph
from coord.core.objects import FILE_MODE, Entry
from coord.core.row import SIZE_LIMIT
from coord.core.settings import Settings
from coord.core.task import Problem, Severity, Task, Unreadable, shortened
from coord.core.taskfile import read_row, read_task, too_large
from coord.core.verdict import CLAIMS
from coord.errors import UsageError
from coord.output import Output
from coord.reading import Reading, in_progress
from coord.workspace import Workspace

_LINK_MODE = "120000"
_FILE_MODES = (FILE_MODE, "100755")


@dataclass(frozen=True)
class TaskFile:
    """One file of the task folder: its path from the repository's root, git's mode and its bytes."""

    path: str
    mode: str
    data: bytes

    @cached_property
    def stated(self) -> Task | Unreadable:
        """The task that the file states, or why it states none."""
        return read_task(self.path, self.data)


@dataclass(frozen=True)
class TaskFolder:
    """Every ``*.md`` file of a task folder, and what could not be opened."""

    files: tuple[TaskFile, ...]
    unopened: tuple[Unreadable, ...] = ()

    @cached_property
    def graph(self) -> TaskGraph:
        """The tasks that the files state."""
        read = [file.stated for file in self.files]
        tasks = [item for item in read if isinstance(item, Task)]
        others = [item for item in read if isinstance(item, Unreadable)]
        return TaskGraph.of(tasks, (*others, *self.unopened))

    def file_of(self, id: str) -> TaskFile | None:
        """Return the file of a task (the one ``graph.get(id)`` is read from), or None."""
        task = self.graph.get(id)
        return self._by_path.get(task.path) if task else None

    def bytes_of(self, id: str) -> bytes:
        """Return the bytes of a task's file; the task must be one of ``graph``."""
        file = self.file_of(id)
        if file is None:
            raise KeyError(id)
        return file.data

    @cached_property
    def _by_path(self) -> dict[str, TaskFile]:
        return {file.path: file for file in self.files}


def read_tasks_at(workspace: Workspace, commit: str, settings: Settings) -> TaskFolder:
    """Read the task folder in the tree of ``commit``; without one there are no tasks."""
    tree: str | None = workspace.git.objects.commit(commit).tree
    for part in settings.project.tasks.encode().split(b"/"):
        entries = workspace.git.objects.tree(tree) if tree else ()
        tree = next((entry.oid for entry in entries if entry.name == part and entry.is_tree), None)
    found = _walk_tree(workspace, tree, settings.project.tasks) if tree else ()
    return _folder(found)


def read_tasks_here(top: Path, settings: Settings) -> TaskFolder:
    """Read the task folder of the working copy at ``top``; without one there are no tasks."""
    return read_paths(top, [top / settings.project.tasks])


def read_paths(top: Path, paths: Iterable[Path]) -> TaskFolder:
    """Read the given files, and the ``*.md`` files below the given folders; links are not followed."""
    wanted = {path for start in paths for path in _walk_disk(start)}
    return _folder(_read_file(path, _name(top, path)) for path in sorted(wanted))


def published_tasks(workspace: Workspace, output: Output, *, fetch: bool) -> TaskFolder:
    """Read the tasks of main as last fetched and say how old that is; before main exists, the working copy's."""
    said, folder = _published(workspace, fetch=fetch)
    output.say(said)
    return folder


def published(workspace: Workspace, *, fetch: bool) -> Reading:
    """Return what ``ready`` and ``list`` show: as ``coord.quick`` does, for any repository."""
    said, folder = _published(workspace, fetch=fetch)
    rows = [(file.path, read_row(file.data)) for file in folder.files]
    rows += [(file.path, shortened(file)) for file in folder.unopened]
    reading = Reading(board=Board(rows), main=workspace.main_name, tip=workspace.main_tip or "", said=said)
    reading.live = tasks_in_progress(workspace)
    return reading


def _published(workspace: Workspace, *, fetch: bool) -> tuple[str, TaskFolder]:
    """Return the tasks of main, or of the working copy before main exists, and what to say of their age."""
    if fetch:
        freshness.fetch(workspace)
    tip = workspace.main_tip
    if tip is not None:
        return freshness.as_of(workspace, tip), read_tasks_at(workspace, tip, workspace.settings)
    if workspace.bare:
        raise UsageError(f"{workspace.main_name} does not exist here", hint="push main first")
    said = (
        f"{workspace.main_name} does not exist yet as last fetched: these are the files of the working copy"
    )
    return said, read_tasks_here(workspace.top, workspace.settings)


def tasks_in_progress(workspace: Workspace) -> dict[str, str]:
    """Return the tasks that a live branch or a claim makes in progress, with the branch (or the claim's ref)."""
    names = [ref.name for ref in workspace.git.refs(workspace.branch_refs, CLAIMS)]
    return in_progress(names, workspace.branch_refs, CLAIMS, workspace.settings.project.prefixes)


# -- reading -------------------------------------------------------------------------------------------------------


def _folder(found: Iterable[TaskFile | Unreadable]) -> TaskFolder:
    items = tuple(found)
    files = tuple(item for item in items if isinstance(item, TaskFile))
    return TaskFolder(files, tuple(item for item in items if isinstance(item, Unreadable)))


def _walk_tree(workspace: Workspace, tree: str, path: str) -> Iterator[TaskFile | Unreadable]:
    pending = [(tree, path)]
    while pending:
        oid, folder = pending.pop()
        for entry in workspace.git.objects.tree(oid):
            name = entry.name.decode("utf-8", "replace")
            if entry.is_tree:
                pending.append((entry.oid, f"{folder}/{name}"))
            elif name.endswith(".md"):
                yield _entry(workspace, entry, f"{folder}/{name}")


def _entry(workspace: Workspace, entry: Entry, path: str) -> TaskFile | Unreadable:
    if entry.mode not in _FILE_MODES:
        return _not_opened(path, "a link" if entry.mode == _LINK_MODE else "not a file")
    if "\ufffd" in path:
        return _not_opened(path, "in a path that is not UTF-8", Severity.ERROR)
    known: TaskFile | Unreadable | None = workspace.memo.get((path, entry.mode, entry.oid))
    if known is None:
        data = workspace.git.objects.blob(entry.oid)
        known = TaskFile(path, entry.mode, data) if len(data) <= SIZE_LIMIT else too_large(path)
        workspace.memo[path, entry.mode, entry.oid] = known
    return known


def _walk_disk(start: Path) -> Iterator[Path]:
    if not start.is_dir():
        yield from (start,) if os.path.lexists(start) else ()
        return
    for folder, folders, names in os.walk(start):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(folder, name) for name in names if name.endswith(".md"))


def _read_file(path: Path, name: str) -> TaskFile | Unreadable:
    if path.is_symlink():
        return _not_opened(name, "a link")
    try:
        name.encode()
        if path.stat().st_size > SIZE_LIMIT:
            return too_large(name)
        return (
            TaskFile(name, FILE_MODE, path.read_bytes())
            if path.is_file()
            else _not_opened(name, "not a file")
        )
    except UnicodeEncodeError:
        return _not_opened(
            name.encode("utf-8", "replace").decode(), "in a path that is not UTF-8", Severity.ERROR
        )
    except OSError as error:
        return _not_opened(name, f"not readable: {error.strerror}", Severity.ERROR)


def _not_opened(path: str, why: str, severity: Severity = Severity.WARNING) -> Unreadable:
    return Unreadable(path, (Problem(path, 1, 1, "not-a-file", f"{why}: not read", "", severity),))


def _name(top: Path, path: Path) -> str:
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else path.as_posix()
