"""Check the task files of the working copy: bad YAML, missing fields, unknown words, duplicate and colliding ids,
missing and cyclic dependencies. One line a problem: path:line:col: message [rule]. Exit 3 on errors, 0 on warnings."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from coord.core.task import Problem, Severity
from coord.core.taskfile import mend
from coord.core.text import one_line
from coord.core.workflowtext import command_line
from coord.errors import Exit, UsageError
from coord.taskfolder import TaskFolder, read_paths, read_tasks_here
from coord.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from coord.call import Call


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders (default: the task folder)"
    )
    parser.add_argument("--fix", action="store_true", help="write aliases in the words of the format")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--github", action="store_true", help="print workflow commands, shown as annotations")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    if workspace.bare:
        raise UsageError("a bare repository has no working copy to check", hint="check a clone of it")
    paths = [_existing(call.folder, path) for path in call.args.paths]
    folder, asked = _read(workspace, paths)
    fixed = _fix(workspace, folder, asked) if call.args.fix else []
    if fixed:
        folder, asked = _read(workspace, paths)
    problems = [p for p in folder.graph.problems if p.path in asked]
    errors = sum(p.severity is Severity.ERROR for p in problems)
    for path, change in fixed:
        call.output.say(f"fixed {path}: {change}")
    for problem in problems:
        call.output.result(annotation(problem) if call.args.github else line(problem))
    call.output.say(_summary(len(asked), errors, len(problems) - errors))
    call.output.emit(
        "check",
        {
            "files": len(asked),
            "errors": errors,
            "warnings": len(problems) - errors,
            "fixed": [{"path": path, "change": change} for path, change in fixed],
        },
        [problem.facts() for problem in problems],
    )
    return Exit.INVALID_TASKS if errors else Exit.OK


def line(problem: Problem) -> str:
    """Return a problem as compilers print one; a warning says so."""
    mark = "warning: " if problem.severity is Severity.WARNING else ""
    message = one_line(mark + problem.message, 500)
    return str(replace(problem, path=one_line(problem.path, 500), message=message))


def annotation(problem: Problem) -> str:
    """Return a problem as GitHub's workflow command."""
    words = f"{problem.message} [{problem.rule}]"
    return command_line(problem.severity, words, file=problem.path, line=problem.line, col=problem.column)


def _existing(folder: Path, name: str) -> Path:
    path = (folder / name).absolute()
    if not path.exists():
        raise UsageError(f"{name} does not exist", hint="name task files or folders")
    return path.parent.resolve() / path.name if not path.is_dir() else path.resolve()


def _read(workspace: Workspace, paths: Sequence[Path]) -> tuple[TaskFolder, frozenset[str]]:
    """Read the whole task folder (dependencies need it) and what was asked for; return all, and the paths asked."""
    top = workspace.top.resolve()
    here = read_tasks_here(top, workspace.local_settings())
    asked = read_paths(top, paths) if paths else here
    known = _paths(here)
    extra = TaskFolder(
        (*here.files, *(f for f in asked.files if f.path not in known)),
        (*here.unopened, *(u for u in asked.unopened if u.path not in known)),
    )
    return extra, _paths(asked)


def _paths(folder: TaskFolder) -> frozenset[str]:
    return frozenset([*(f.path for f in folder.files), *(u.path for u in folder.unopened)])


def _fix(workspace: Workspace, folder: TaskFolder, asked: frozenset[str]) -> list[tuple[str, str]]:
    fixed = []
    for file in folder.files:
        if file.path not in asked:
            continue
        mended, changes = mend(file.data)
        if changes:
            (workspace.top / file.path).write_bytes(mended)
            fixed += [(file.path, change) for change in changes]
    return fixed


def _summary(files: int, errors: int, warnings: int) -> str:
    counts = ((files, "file"), (errors, "error"), (warnings, "warning"))
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
