"""What the hook shims call: judge what git is about to do. Exit code 2 denies it."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import assert_never

from coord.call import Call
from coord.core.guard import Allowed, Denied
from coord.core.settings import Project
from coord.errors import CoordError, Exit, UsageError
from coord.git import Git
from coord.hooks import HOOKS
from coord.hooks.occasion import HookModule, Occasion, workspace_of_hook
from coord.output import Output
from coord.workspace import Workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("hook", choices=sorted(HOOKS), metavar="HOOK", help=", ".join(sorted(HOOKS)))
    parser.add_argument("words", nargs="*", metavar="ARG", help="what git passed to the hook")
    parser.add_argument(
        "--tasks", metavar="DIR", help="task folder to go by when main's settings are unreadable"
    )
    parser.add_argument(
        "--prefix", metavar="P", action="append", help="branch prefix to go by then (may be repeated)"
    )


def run(call: Call) -> Exit:
    module: HookModule = import_module(f"coord.hooks.{HOOKS[call.args.hook]}")
    try:
        verdict = module.judge(_occasion(call))
    except CoordError as error:
        raise UsageError(
            f"refused: the {call.args.hook} hook could not judge this: {error.message}",
            hint=error.hint or "run 'coord hooks status' to see what is installed here",
        ) from error
    match verdict:
        case Allowed():
            return Exit.OK
        case Denied(reason, advice):
            call.output.say(f"coord: refused: {reason}\n  instead: {advice}")
            return Exit.USAGE
    assert_never(verdict)


def _occasion(call: Call) -> Occasion:
    workspace = workspace_of_hook(call.folder, call.inherited)
    return Occasion(
        git=Git(call.folder, hook=call.inherited),
        workspace=workspace,
        project=_project(workspace, _fallback(call), call.output),
        environment=os.environ,
        stdin=sys.stdin,
    )


def _project(workspace: Workspace, fallback: Project, output: Output) -> Project:
    """Return main's names. A slip in main's settings must neither stop all work nor open the guard: it is told, and
    the names that the shim was installed with serve."""
    try:
        return workspace.settings.project
    except UsageError as error:
        output.say(
            f"coord: {error.message}\n  until that is mended on main, '{fallback.tasks}' is taken for the task folder "
            f"and {', '.join(fallback.prefixes)} for task branches"
        )
        return fallback


def _fallback(call: Call) -> Project:
    default = Project()
    return Project(
        tasks=call.args.tasks or default.tasks,
        prefixes=tuple(call.args.prefix or default.prefixes),
    )
