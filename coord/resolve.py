"""The resolver: a command of the maintainer's that may settle a conflict, inside a fence.

It works in a scratch folder outside the repository that holds the merge with its markers. Its result counts only when
no marker is left, every conflicted path was settled, and **nothing but the conflicted paths changed** (a resolution
that also deleted an enum from a file that had merged cleanly broke a main once). The gate judges it afterwards.

The command gets ``COORD_TASK``, ``COORD_BRANCH`` and ``COORD_CONFLICT``: a folder with ``paths`` (one a line: path, tab,
kind), ``task.md``, the other sides' tasks as ``other-<n>.md``, and ``settled``, to which it adds a path that is right as
it stands.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coord.core.answer import Conflicted
from coord.core.objects import GitObject, Kind, TreeFile, graft, make, tree_files
from coord.core.profile import program
from coord.core.snapshot import TaskBranch
from coord.folder import materialise, remove
from coord.taskfolder import TaskFolder
from coord.workspace import Workspace

#: Seconds; a resolver that takes longer is ended.
TIMEOUT = 1800.0

_MARKER = re.compile(rb"^(?:<{7}|>{7}|\|{7})(?:[ \r\n]|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The tree without conflicts."""

    tree: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why the command's result does not count; the conflict stands."""

    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """One conflict to be settled: the branch, the merge with its markers, and the tasks that brought the other side."""

    branch: TaskBranch
    merged: Conflicted
    by: tuple[str, ...]


def resolve(
    workspace: Workspace, tasks: TaskFolder, command: tuple[str, ...], case: Case, scratch: Path
) -> Resolved | Unresolved:
    """Run the command on the conflict and return the tree it made, or why that does not count."""
    if not case.merged.tree:
        return Unresolved("there is no merge to work on")
    folder = scratch / f"resolve-{os.getpid()}"
    remove(folder)
    try:
        return _in(folder, workspace, tasks, command, case)
    finally:
        remove(folder)


def _in(
    folder: Path, workspace: Workspace, tasks: TaskFolder, command: tuple[str, ...], case: Case
) -> Resolved | Unresolved:
    tree, context = folder / "tree", folder / "conflict"
    context.mkdir(parents=True)
    settings = workspace.settings
    everything = tree_files(case.merged.tree, workspace.git.objects.tree)
    files = tuple(file for file in everything if not settings.is_task_path(file.path))
    materialise(tree, folder / "manifest.json", files, (), workspace.git.objects.blob)
    _lay_out(context, tasks, case)
    failed = _run(command, tree, context, case)
    if failed:
        return Unresolved(failed)
    return _taken_over(workspace, tree, context, files, case)


def _lay_out(context: Path, tasks: TaskFolder, case: Case) -> None:
    lines = "".join(f"{conflict.path}\t{conflict.kind}\n" for conflict in case.merged.paths)
    (context / "paths").write_bytes(lines.encode("utf-8", "surrogateescape"))
    (context / "settled").touch()
    (context / "task.md").write_bytes(_text_of(tasks, case.branch.task))
    for number, task in enumerate(case.by, 1):
        (context / f"other-{number}.md").write_bytes(_text_of(tasks, task))


def _text_of(tasks: TaskFolder, task: str) -> bytes:
    file = tasks.file_of(task)
    return file.data if file else b""


def _run(command: tuple[str, ...], tree: Path, context: Path, case: Case) -> str:
    """Run the command and return why it failed, or ''."""
    told = {"COORD_TASK": case.branch.task, "COORD_BRANCH": case.branch.name, "COORD_CONFLICT": str(context)}
    with (context.parent / "log").open("wb") as log:
        try:
            process = subprocess.Popen(
                command,
                cwd=tree,
                env={**os.environ, **told},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"{program(command)} cannot be run: {error.strerror}"
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"{program(command)} took longer than {TIMEOUT:g} s"
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return "" if code == 0 else f"{program(command)} ended with {code}"


def _taken_over(
    workspace: Workspace, tree: Path, context: Path, files: tuple[TreeFile, ...], case: Case
) -> Resolved | Unresolved:
    paths = {conflict.path for conflict in case.merged.paths}
    before = {file.path: file for file in files}
    after = _blobs(tree, workspace.algorithm)
    changed = {
        path
        for path in before.keys() | after.keys()
        if (
            path in before
            and before[path].mode != "160000"
            and _oid(before.get(path)) != _oid(after.get(path))
        )
        or path not in before
    }
    if changed - paths:
        return Unresolved(f"it changed what did not conflict: {', '.join(sorted(changed - paths)[:3])}")
    settled = set((context / "settled").read_text("utf-8", "surrogateescape").splitlines())
    open_paths = sorted(paths - changed - settled)
    if open_paths:
        return Unresolved(f"it left {', '.join(open_paths[:3])} as it was")
    marked = sorted(path for path in paths if path in after and _MARKER.search(after[path].body))
    if marked:
        return Unresolved(f"a conflict marker is left in {', '.join(marked[:3])}")
    return _grafted(workspace, case.merged.tree, {path: after.get(path) for path in sorted(changed)}, before)


def _oid(item: TreeFile | GitObject | None) -> str:
    return item.oid if item else ""


def _blobs(tree: Path, algorithm: str) -> dict[str, GitObject]:
    """Return every file below a folder as a blob; a link is what it says, and is not followed."""
    found = {}
    for root, folders, names in os.walk(tree):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in [*names, *links]:
            path = Path(root) / name
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(tree))] = make(Kind.BLOB, content, algorithm)
    return found


def _grafted(
    workspace: Workspace, tree: str, changed: dict[str, GitObject | None], before: dict[str, TreeFile]
) -> Resolved:
    reader = workspace.git.objects
    for path, blob in changed.items():
        mode = before[path].mode if path in before else "100644"
        entry = (mode, blob.oid) if blob else None
        tree, objects = graft(tree, path, entry, reader.tree, workspace.algorithm)
        reader.remember(objects)
        workspace.git.write([*([blob] if blob else []), *objects])
    return Resolved(tree)
