"""The hook shims: what git runs, put into the git directory that all worktrees share, and taken away again.

A foreign hook is kept beside ours as ``<hook>.legacy`` and still run; nothing that is not ours is ever overwritten.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from coord.core.guard import SILENCER, SILENCING
from coord.core.settings import Project
from coord.errors import UsageError
from coord.render import render
from coord.workspace import Workspace

HOOKS = ("pre-commit", "pre-merge-commit", "pre-push")
SERVER_HOOKS = ("pre-receive", "post-receive")

_MARK = "# coord hook shim: "
_PYTHON = re.compile(r"^\tpython=(.*)$", re.MULTILINE)


class State(StrEnum):
    """What stands at a hook's place."""

    INSTALLED = "installed"
    OUT_OF_DATE = "out of date"
    FOREIGN = "foreign"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a hook's place, why it is out of date, and whether a foreign hook is kept beside it."""

    hook: str
    path: Path
    state: State
    why: str
    has_legacy: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one hook; ``note`` says it in words, ``do`` does it (None: nothing to do)."""

    hook: str
    note: str
    do: Callable[[], None] | None = None


def hooks_of(workspace: Workspace) -> tuple[str, ...]:
    """Return the hooks of a repository: those of a server in a bare one, where nobody commits."""
    return SERVER_HOOKS if workspace.bare else HOOKS


def shim(
    hook: str,
    project: Project,
    python: str | None,
    main: str = "main",
    main_ref: str = "refs/remotes/origin/main",
) -> str:
    """Return the text of a shim; without ``python`` (an absolute path) it uses the ``coord`` found on PATH.

    ``main_ref`` says where main is, as last fetched.
    """
    names = [f"--tasks={project.tasks}", *(f"--prefix={prefix}" for prefix in project.prefixes)]
    return render(
        f"hooks/{hook}.j2",
        hook=hook,
        tasks=project.tasks,
        prefixes=project.prefixes,
        names=shlex.join(names),
        python=python or "",
        main=main,
        main_ref=main_ref,
        silencer=SILENCER,
        silencing=[*(f"[{words}]" for words in SILENCING), "skip-checks:"],
    )


def folder_of(workspace: Workspace) -> Path:
    """Return the folder of hooks that all worktrees share. Raises UsageError when git does not look there."""
    folder = workspace.common / "hooks"
    if away := elsewhere(workspace):
        raise UsageError(
            f"git config core.hooksPath is '{away}': git does not run the hooks in {folder}",
            hint="add coord's lines to the hooks there (docs/hooks.md has them for lefthook, husky and the pre-commit "
            "framework), or 'git config --unset core.hooksPath' and run it again",
        )
    return folder


def elsewhere(workspace: Workspace) -> str:
    """Return git's core.hooksPath when it names another folder than the usual one, else ''."""
    chosen = workspace.hooks_path
    return chosen if chosen and Path(chosen).expanduser() != workspace.common / "hooks" else ""


def look(workspace: Workspace, project: Project) -> tuple[Found, ...]:
    """Return what stands at the place of each hook."""
    folder = workspace.common / "hooks"
    return tuple(_found(folder / hook, project, workspace) for hook in hooks_of(workspace))


def plan_install(workspace: Workspace, project: Project) -> tuple[Change, ...]:
    """Return what installing would do. Raises UsageError when a foreign hook cannot be kept."""
    folder_of(workspace)
    found = look(workspace, project)
    for each in found:
        if each.state is State.FOREIGN and each.has_legacy:
            raise UsageError(
                f"{each.path} is not coord's, and {each.path.name}.legacy, where it would be kept, exists already",
                hint=f"if another hook manager wrote it, add coord's line there (docs/hooks.md); else move "
                f"{each.path.name}.legacy away and run it again",
            )
    return tuple(_installing(each, project, workspace) for each in found)


def plan_uninstall(workspace: Workspace) -> tuple[Change, ...]:
    """Return what uninstalling would do: the foreign hook goes back to its place, the rest is plain git."""
    return tuple(_uninstalling(each) for each in look(workspace, Project()))


def write_atomically(path: Path, text: str, mode: int) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_bytes(text.encode("utf-8", "surrogateescape"))
    beside.chmod(mode)
    beside.replace(path)


def _found(path: Path, project: Project, workspace: Workspace) -> Found:
    state, why = _state(path, project, workspace)
    return Found(path.name, path, state, why, _exists(_legacy(path)))


def _state(path: Path, project: Project, workspace: Workspace) -> tuple[State, str]:
    if not _exists(path):
        return State.ABSENT, ""
    text = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
    if f"\n{_MARK}{path.name} " not in text:
        return State.FOREIGN, ""
    python = _python(text)
    if text != shim(path.name, project, python, workspace.main, workspace.main_ref):
        return State.OUT_OF_DATE, "the task folder, a branch prefix, main or coord itself has changed"
    if python and not os.access(python, os.X_OK):
        return State.OUT_OF_DATE, f"the Python it names is gone: {python}"
    if not os.access(path, os.X_OK):
        return State.OUT_OF_DATE, "it is not executable"
    return State.INSTALLED, ""


def _python(text: str) -> str | None:
    match = _PYTHON.search(text)
    return "".join(shlex.split(match[1])) if match else None


def _installing(found: Found, project: Project, workspace: Workspace) -> Change:
    text = shim(found.hook, project, sys.executable or None, workspace.main, workspace.main_ref)
    kept = f"; {found.hook}.legacy is run first" if found.has_legacy else ""

    def write() -> None:
        write_atomically(found.path, text, 0o755)

    def keep_and_write() -> None:
        found.path.rename(_legacy(found.path))
        write()

    match found.state:
        case State.INSTALLED:
            return Change(found.hook, f"installed already{kept}")
        case State.OUT_OF_DATE:
            return Change(found.hook, f"brought up to date ({found.why}){kept}", write)
        case State.ABSENT:
            return Change(found.hook, f"installed{kept}", write)
        case State.FOREIGN:
            note = f"installed; the hook that was there is kept as {found.hook}.legacy and run first"
            return Change(found.hook, note, keep_and_write)


def _uninstalling(found: Found) -> Change:
    def restore() -> None:
        _legacy(found.path).replace(found.path)

    def remove() -> None:
        found.path.unlink()
        # git does without an empty hooks folder, and where there was none before there is none after.
        if not any(found.path.parent.iterdir()):
            found.path.parent.rmdir()

    match found.state:
        case State.ABSENT:
            return Change(found.hook, "is not installed")
        case State.FOREIGN:
            return Change(found.hook, "is not coord's: left as it is")
        case State.INSTALLED | State.OUT_OF_DATE:
            if found.has_legacy:
                return Change(found.hook, f"removed; {found.hook}.legacy is {found.hook} again", restore)
            return Change(found.hook, "removed", remove)


def _legacy(path: Path) -> Path:
    return path.with_name(f"{path.name}.legacy")


def _exists(path: Path) -> bool:
    """Say whether something is there, be it a link that leads nowhere."""
    return os.path.lexists(path)
