"""Set a repository up: configuration, task folder with an example, hooks.

Nothing that exists is overwritten and nothing is committed; what to commit and push is said at the end.
"""

from __future__ import annotations

import os
import shlex
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coord.call import Call
from coord.core.profile import BUILT_IN, detect
from coord.core.settings import CONFIG_FILE, Settings
from coord.errors import Exit, UsageError
from coord.output import Json
from coord.render import render
from coord.shims import plan_install, write_atomically
from coord.workspace import Workspace, open_workspace

WORKTREES = ".worktrees/"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a set-up repository has: its name, what is (to be) done, and how (None: it is there)."""

    what: str
    note: str
    do: Callable[[], None] | None = None


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="show what would be done, and do nothing"
    )
    parser.add_argument(
        "--server",
        metavar="BARE.git",
        help="set a bare repository up instead: a push to a task branch then lands right there",
    )
    parser.add_argument("--no-hooks", action="store_true", help="leave the git hooks alone")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(call: Call) -> Exit:
    if call.args.server:
        return _server(call, call.folder / call.args.server)
    workspace = open_workspace(call.folder)
    if workspace.bare or workspace.top == workspace.common:
        raise UsageError(
            f"{workspace.top} has no working copy: there is nowhere to write {CONFIG_FILE}",
            hint=f"run it in a clone of this repository; for a server: coord init --server {shlex.quote(str(workspace.top))}",
        )
    settings = workspace.local_settings()
    parts = _parts(workspace, settings, with_hooks=not call.args.no_hooks)
    for part in parts:
        if part.do and not call.args.dry_run:
            part.do()
        call.output.result(f"{'would be: ' if call.args.dry_run else ''}{part.what}: {part.note}")
    steps = _next_steps(workspace, settings)
    call.output.result("\nnext" if steps else "\nnothing is left to do: everything is on main")
    for step in steps:
        call.output.result(f"  {step}")
    call.output.emit("init", {"dry_run": call.args.dry_run, "parts": _facts(parts), "next": steps})
    return Exit.OK


def _server(call: Call, folder: Path) -> Exit:
    """Install the server's hooks; configuration and tasks come with what people push to main."""
    workspace = open_workspace(folder)
    if not workspace.bare:
        raise UsageError(
            f"{folder} is no bare repository", hint="git init --bare DIR makes one; in a clone: coord init"
        )
    changes = plan_install(
        workspace, workspace.settings.project if workspace.main_tip else Settings().project
    )
    for change in changes:
        if change.do and not call.args.dry_run:
            change.do()
        call.output.result(f"{'would be: ' if call.args.dry_run else ''}hook {change.hook}: {change.note}")
    steps = [f"coord -C {shlex.quote(str(workspace.common))} plan     shows what waits there, and why"]
    if workspace.main_tip is None:
        steps.insert(
            0, f"push {workspace.main} with .coord.toml and tasks/ (coord init writes them in a clone)"
        )
    call.output.result("\nnext")
    for step in steps:
        call.output.result(f"  {step}")
    facts: list[Json] = [{"what": c.hook, "note": c.note, "changed": c.do is not None} for c in changes]
    call.output.emit("init", {"dry_run": call.args.dry_run, "parts": facts, "next": steps})
    return Exit.OK


def _parts(workspace: Workspace, settings: Settings, *, with_hooks: bool) -> tuple[Part, ...]:
    """Return everything first, so that what cannot be done is said before anything is."""
    # The hooks go by the names of this working copy: main has them only once it is pushed.
    hooks = plan_install(workspace, settings.project) if with_hooks else ()
    return (
        _configuration(workspace, settings),
        _example(workspace, settings),
        _exclude(workspace),
        *(Part(f"hook {change.hook}", change.note, change.do) for change in hooks),
    )


def _configuration(workspace: Workspace, settings: Settings) -> Part:
    path = workspace.top / CONFIG_FILE
    if os.path.lexists(path):
        return Part(CONFIG_FILE, "exists already: left as it is")
    text = configuration(workspace, settings, _root_names(workspace))
    return Part(CONFIG_FILE, "written", lambda: write_atomically(path, text, 0o644))


def _root_names(workspace: Workspace) -> frozenset[str]:
    return frozenset(path.name for path in workspace.top.iterdir())


def configuration(workspace: Workspace, settings: Settings, root_names: frozenset[str]) -> str:
    """Return a ``.coord.toml`` that says the defaults aloud and names the detected gate profile."""
    mark, profile = next(iter(detect(root_names)), ("", ""))
    project = settings.project
    return render(
        "init/coord.toml.j2",
        main=workspace.main_name,
        main_branch=workspace.main,
        tasks=project.tasks,
        prefixes=project.prefixes,
        identity=f"{project.identity.name} <{project.identity.email}>",
        protected=settings.land.protected,
        profile=profile,
        mark=mark,
        built_in=[each.name for each in BUILT_IN],
    )


def _example(workspace: Workspace, settings: Settings) -> Part:
    project = settings.project
    folder = workspace.top / project.tasks
    if os.path.lexists(folder) and (not folder.is_dir() or list(folder.rglob("*.md"))):
        return Part(f"{project.tasks}/", "exists already: left as it is")
    text = render("init/example.md.j2", prefix=project.prefixes[-1])
    return Part(
        f"{project.tasks}/example.md", "written", lambda: write_atomically(folder / "example.md", text, 0o644)
    )


def _exclude(workspace: Workspace) -> Part:
    path = workspace.common / "info" / "exclude"
    text = _read(path)
    if WORKTREES in text.splitlines():
        return Part("info/exclude", f"holds {WORKTREES} already")
    joint = "" if not text or text.endswith("\n") else "\n"
    return Part(
        "info/exclude",
        f"{WORKTREES} added",
        lambda: write_atomically(path, f"{text}{joint}{WORKTREES}\n", 0o644),
    )


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""


def _next_steps(workspace: Workspace, settings: Settings) -> list[str]:
    """Return what is still missing until coord can work here."""
    steps = []
    head = workspace.git.head()
    branch = (head or "").removeprefix("refs/heads/")
    if workspace.main_tip is None and branch and branch != workspace.main:
        steps.append(
            f"git config coord.main {shlex.quote(branch)}      (there is no {workspace.main_name}; or fetch it)"
        )
    if settings.gate.profile is None and not detect(_root_names(workspace)):
        steps.append(f"name a gate profile in {CONFIG_FILE}: what must succeed before anything is published")
    return [*steps, *_publishing(workspace, settings)]


def _publishing(workspace: Workspace, settings: Settings) -> list[str]:
    tasks = settings.project.tasks
    if workspace.main_tip and _has(workspace, workspace.main_tip, {CONFIG_FILE, tasks.split("/", 1)[0]}):
        return []
    steps = [f"git add {CONFIG_FILE} {shlex.quote(tasks)}", "git commit -m 'coord: set up'"]
    if workspace.remote:
        return [*steps, f"git push {workspace.remote} {workspace.main}"]
    return [
        *steps,
        f"git remote add origin URL && git push -u origin {workspace.main}      (coord lands on a remote)",
    ]


def _has(workspace: Workspace, commit: str, names: set[str]) -> bool:
    root = workspace.git.objects.tree(workspace.git.objects.commit(commit).tree)
    return names <= {entry.name.decode("utf-8", "surrogateescape") for entry in root}


def _facts(parts: tuple[Part, ...]) -> list[Json]:
    return [{"what": part.what, "note": part.note, "changed": part.do is not None} for part in parts]
