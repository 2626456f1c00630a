"""Checks of the set-up: git, remote, main, configuration, hooks."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator

from coord.core.answer import words
from coord.core.objects import find_entry
from coord.core.settings import CONFIG_FILE
from coord.core.task import Severity as TaskSeverity
from coord.doctor.finding import Finding, Place, Severity
from coord.errors import CoordError
from coord.git import MINIMUM
from coord.shims import State, elsewhere, look
from coord.site import choose_profile


def git_version(place: Place) -> Iterator[Finding]:
    version = place.workspace.git.version()
    if version < MINIMUM:
        told = f"git {version[0]}.{version[1]} is older than {MINIMUM[0]}.{MINIMUM[1]}: install a newer one"
        yield Finding(Severity.ERROR, "git", told, "git --version")


def remote(place: Place) -> Iterator[Finding]:
    workspace = place.workspace
    if workspace.remote is None and not workspace.bare:
        other = shlex.quote(workspace.remotes[0]) if workspace.remotes else ""
        command = f"git config coord.remote {other}" if other else "git remote add origin URL"
        yield Finding(Severity.ERROR, "remote", "there is no remote to land on", command)
    if workspace.remote is None:
        return
    if place.unfetched:
        command = f"git fetch {shlex.quote(workspace.remote)}"
        yield Finding(Severity.ERROR, workspace.remote, place.unfetched, command)


def rights(place: Place) -> Iterator[Finding]:
    """A push that would change nothing shows whether the remote lets us in; what its rules forbid shows when landing."""
    workspace = place.workspace
    if workspace.remote is None or workspace.main_tip is None:
        return
    main = f"refs/heads/{workspace.main}"
    args = ("push", "--dry-run", "--quiet", "--no-verify", workspace.remote, f"{workspace.main_tip}:{main}")
    answer = workspace.git.run(*args, ok=(0, 1, 128))
    if answer.code == 128:
        told = f"{workspace.remote} takes no push from here: {words(answer.err)}"
        command = f"git push --dry-run {shlex.quote(workspace.remote)} {shlex.quote(workspace.main)}"
        yield Finding(Severity.ERROR, workspace.remote, told, command)


def main_branch(place: Place) -> Iterator[Finding]:
    workspace = place.workspace
    if workspace.main_tip is not None:
        return
    command = f"git push -u {shlex.quote(workspace.remote or 'origin')} HEAD:{shlex.quote(workspace.main)}"
    told = f"{workspace.main_name} does not exist (if main has another name: git config coord.main NAME)"
    yield Finding(Severity.ERROR, workspace.main, told, command)


def shallow(place: Place) -> Iterator[Finding]:
    if (place.workspace.common / "shallow").is_file():
        yield Finding(Severity.ERROR, "history", "this clone is shallow", "git fetch --unshallow")


def configuration(place: Place) -> Iterator[Finding]:
    tip = place.workspace.main_tip
    if tip is None:
        return
    try:
        place.workspace.settings_at(tip)
    except CoordError as error:
        command = f"git show {shlex.quote(place.workspace.main_name + ':.coord.toml')}"
        yield Finding(Severity.ERROR, ".coord.toml", f"{error.message} ({error.hint})", command)


def state(place: Place) -> Iterator[Finding]:
    """Say why the state cannot be read, when neither main's absence nor its configuration is the reason."""
    message, hint = place.unread
    if message and place.workspace.main_tip is not None and not list(configuration(place)):
        yield Finding(Severity.ERROR, "repository", f"{message} ({hint})", "git fsck --connectivity-only")


def profile(place: Place) -> Iterator[Finding]:
    if place.view is None:
        return
    try:
        chosen = choose_profile(place.workspace, place.view, lambda _line: None)
    except CoordError as error:
        told = f"{error.message}: {error.hint}"
        yield Finding(Severity.ERROR, CONFIG_FILE, told, _look_or_init(place))
        return
    for step in ([*chosen.wrap[:1]], *chosen.steps):
        if step and "/" not in step[0] and shutil.which(step[0]) is None:
            told = f"the gate's program '{step[0]}' is not installed"
            yield Finding(
                Severity.ERROR, f"profile {chosen.name}", told, f"command -v {shlex.quote(step[0])}"
            )


def _look_or_init(place: Place) -> str:
    """Return what shows main's configuration, or makes one: ``coord init`` leaves the one that is there as it is."""
    workspace = place.workspace
    if workspace.main_tip is None:
        return "coord init"
    objects = workspace.git.objects
    entry = find_entry(objects.commit(workspace.main_tip).tree, CONFIG_FILE, objects.tree)
    return f"git show {shlex.quote(f'{workspace.main_name}:{CONFIG_FILE}')}" if entry else "coord init"


def task_files(place: Place) -> Iterator[Finding]:
    problems = place.view.snapshot.graph.problems if place.view else ()
    errors = [problem for problem in problems if problem.severity is TaskSeverity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        yield Finding(Severity.ERROR, errors[0].path, f"{errors[0]}{more}", "coord check")


def hooks(place: Place) -> Iterator[Finding]:
    workspace = place.workspace
    if away := elsewhere(workspace):
        told = f"git config core.hooksPath is '{away}': git runs no hook of coord's (docs/hooks.md)"
        yield Finding(Severity.INFO, "hooks", told, "git config --unset core.hooksPath")
        return
    project = workspace.settings.project if place.view else workspace.local_settings().project
    for found in look(workspace, project):
        match found.state:
            case State.OUT_OF_DATE:
                yield Finding(
                    Severity.WARNING, found.hook, f"out of date: {found.why}", "coord hooks install"
                )
            case State.ABSENT if workspace.bare:
                pass  # a bare repository need not be a server
            case State.ABSENT:
                yield Finding(Severity.INFO, found.hook, "not installed", "coord hooks install")
            case State.FOREIGN if found.has_legacy:
                aside = (
                    f"mv {shlex.quote(f'{found.path}.legacy')} {shlex.quote(f'{found.path}.before-coord')}"
                )
                told = f"another tool's, and {found.hook}.legacy, where it would be kept, is taken"
                yield Finding(Severity.WARNING, found.hook, told, f"{aside} && coord hooks install")
            case State.FOREIGN:
                told = "another tool's hook stands there; installing keeps it and runs it first"
                yield Finding(Severity.WARNING, found.hook, told, "coord hooks install")
            case State.INSTALLED:
                pass
