"""Set a repository up: configuration, task folder with an example, hooks, workflows for GitHub, and what agents read.

Nothing that exists is overwritten but workflows of coord's own, and nothing is committed; what to commit and push is said
at the end.
"""

from __future__ import annotations

import os
import shlex
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coord import agentfiles
from coord.call import Call
from coord.core.mode import Mode
from coord.core.objects import Kind, find_entry, make
from coord.core.profile import BUILT_IN, detect
from coord.core.settings import CONFIG_FILE, Settings
from coord.errors import Exit, UsageError
from coord.output import Json
from coord.render import render
from coord.shims import plan_install, write_atomically
from coord.workflows import (
    FILES,
    FOLDER,
    NAMES,
    RUNNER,
    Wanted,
    check_action,
    check_runner,
    installed_from,
    is_pinned,
    minute_of,
    repository_name,
    standing,
)
from coord.workflows import plan as plan_workflows
from coord.workflows import render as render_workflow
from coord.workspace import Workspace, open_workspace

WORKTREES = ".worktrees/"
#: What coord writes into a checkout and nobody means to commit: worktrees, and the page of the dashboard.
EXCLUDED = (WORKTREES, "/coord-dashboard.html")

#: On GitHub each trial that is validated beside others is a job of its own.
WORKERS_ON_GITHUB = 4


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
    parser.add_argument(
        "--github", action="store_true", help="write the workflows that land on GitHub too (docs/github.md)"
    )
    parser.add_argument(
        "--simple",
        action="store_true",
        help="with --github: one workflow with GitHub's own token, for agents that are trusted",
    )
    parser.add_argument(
        "--action",
        metavar="OWNER/REPO@COMMIT",
        help="with --github: where the workflows take coord from (default: as before, or as coord was installed)",
    )
    parser.add_argument(
        "--runner",
        metavar="LABEL",
        help=f"with --github: the runners that validate (default: as before, or {RUNNER})",
    )
    parser.add_argument(
        "--agents",
        nargs="?",
        const="",
        metavar="NAMES",
        help="write what agents read too: a section of AGENTS.md, role prompts, and where coord's tools are, for all "
        "presets or those named (opencode,claude)",
    )
    parser.add_argument("--no-hooks", action="store_true", help="leave the git hooks alone")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(call: Call) -> Exit:
    _check_options(call)
    if call.args.server:
        return _server(call, call.folder / call.args.server)
    workspace = open_workspace(call.folder)
    if workspace.bare or workspace.top == workspace.common:
        raise UsageError(
            f"{workspace.top} has no working copy: there is nowhere to write {CONFIG_FILE}",
            hint=f"run it in a clone of this repository; for a server: coord init --server {shlex.quote(str(workspace.top))}",
        )
    settings = workspace.local_settings()
    wanted = _wanted(call, workspace, settings) if call.args.github else None
    agents = None if call.args.agents is None else agentfiles.chosen(call.args.agents)
    read = agentfiles.plan(workspace.top, settings, workspace.main, agents) if agents else ()
    parts = _parts(workspace, settings, wanted, with_hooks=not call.args.no_hooks)
    parts += tuple(Part(change.path, change.note, change.do) for change in read)
    for part in parts:
        if part.do and not call.args.dry_run:
            part.do()
        call.output.result(f"{_whether(call, part.do)}{part.what}: {part.note}")
    steps = _next_steps(workspace, settings, wanted, tuple(change.path for change in read))
    notes = agentfiles.words(workspace.top, agents) if agents else ()
    for line in ("\nabout the agents", *(f"  {note}" for note in notes)) if notes else ():
        call.output.result(line)
    call.output.result("\nnext" if steps else "\nnothing is left to do: everything is on main")
    for step in steps:
        call.output.result(f"  {step}")
    facts: dict[str, Json] = {"dry_run": call.args.dry_run, "parts": _facts(parts), "next": steps}
    call.output.emit("init", facts | ({"notes": notes} if agents else {}))
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
        call.output.result(f"{_whether(call, change.do)}hook {change.hook}: {change.note}")
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


def _whether(call: Call, do: Callable[[], None] | None) -> str:
    """Return what stands before a note that is not true yet; what is left alone is as it says."""
    return "would be: " if call.args.dry_run and do else ""


def _check_options(call: Call) -> None:
    args = call.args
    given = [f"--{name}" for name in ("simple", "action", "runner") if getattr(args, name)]
    if given and not args.github:
        raise UsageError(f"{given[0]} is about the workflows", hint="add --github")
    for_clones = [f"--{name}" for name in ("github", "agents") if getattr(args, name) not in (None, False)]
    if for_clones and args.server:
        raise UsageError(
            f"{for_clones[0]} is for a clone, --server for a bare repository", hint="give one of them"
        )


def _wanted(call: Call, workspace: Workspace, settings: Settings) -> Wanted:
    before = standing(workspace.top)
    action = call.args.action or before.action or installed_from(_direct_url())
    if action is None:
        raise UsageError(
            "coord was not installed from a git repository: it does not know where the workflows shall take it from",
            hint="--action OWNER/REPO@COMMIT, with coord's repository on GitHub",
        )
    if not is_pinned(check_action(action)):
        call.output.say(
            f"warning: {action} is no commit: whoever can move that tag or branch decides what runs with your rights"
        )
    return Wanted(
        mode=Mode.SIMPLE if call.args.simple else Mode.HARDENED,
        main=workspace.main,
        prefixes=settings.project.prefixes,
        action=action,
        runner=check_runner(call.args.runner or before.runner or RUNNER),
        minute=before.minute or minute_of(repository_name(workspace.url, workspace.top.name)),
    )


def _direct_url() -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("coord").read_text("direct_url.json")
    except PackageNotFoundError:
        return None


def _parts(
    workspace: Workspace, settings: Settings, wanted: Wanted | None, *, with_hooks: bool
) -> tuple[Part, ...]:
    """Return everything first, so that what cannot be done is said before anything is."""
    # The hooks go by the names of this working copy: main has them only once it is pushed.
    hooks = plan_install(workspace, settings.project) if with_hooks else ()
    workflows = plan_workflows(workspace.top, wanted) if wanted else ()
    return (
        _configuration(workspace, settings, WORKERS_ON_GITHUB if wanted else settings.land.workers),
        _example(workspace, settings),
        _exclude(workspace),
        *(Part(change.path, change.note, change.do) for change in workflows),
        *(Part(f"hook {change.hook}", change.note, change.do) for change in hooks),
    )


def _configuration(workspace: Workspace, settings: Settings, workers: int) -> Part:
    path = workspace.top / CONFIG_FILE
    if os.path.lexists(path):
        return Part(CONFIG_FILE, "exists already: left as it is")
    text = configuration(workspace, settings, _root_names(workspace), workers)
    return Part(CONFIG_FILE, "written", lambda: write_atomically(path, text, 0o644))


def _root_names(workspace: Workspace) -> frozenset[str]:
    return frozenset(path.name for path in workspace.top.iterdir())


def configuration(
    workspace: Workspace, settings: Settings, root_names: frozenset[str], workers: int = 1
) -> str:
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
        workers=workers,
        profile=profile,
        mark=mark,
        built_in=[each.name for each in BUILT_IN],
    )


def _example(workspace: Workspace, settings: Settings) -> Part:
    project = settings.project
    folder = workspace.top / project.tasks
    if os.path.lexists(folder) and (not folder.is_dir() or list(folder.rglob("*.md"))):
        return Part(f"{project.tasks}/", "exists already: left as it is")
    text = render("init/example.md.j2", prefix=project.prefixes[0])
    return Part(
        f"{project.tasks}/example.md", "written", lambda: write_atomically(folder / "example.md", text, 0o644)
    )


def _exclude(workspace: Workspace) -> Part:
    path = workspace.common / "info" / "exclude"
    text = _read(path)
    missing = [line for line in EXCLUDED if line not in text.splitlines()]
    if not missing:
        return Part("info/exclude", f"holds {' and '.join(EXCLUDED)} already")
    joint = "" if not text or text.endswith("\n") else "\n"
    lines = "".join(f"{line}\n" for line in missing)
    return Part(
        "info/exclude",
        f"{' and '.join(missing)} added",
        lambda: write_atomically(path, f"{text}{joint}{lines}", 0o644),
    )


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""


def _next_steps(
    workspace: Workspace, settings: Settings, wanted: Wanted | None, agents: tuple[str, ...]
) -> list[str]:
    """Return what is still missing until coord can work here."""
    steps = []
    head = workspace.git.head()
    branch = (head or "").removeprefix("refs/heads/")
    if workspace.main_tip is None and branch and branch != workspace.main:
        steps.append(
            f"git config coord.main {shlex.quote(branch)}      (there is no {workspace.main_name}; or fetch it)"
        )
        if wanted:
            # The workflows say main's name: what comes next would push them as they are.
            return [*steps, "coord init --github, with the options of this time, once more"]
    if settings.gate.profile is None and not detect(_root_names(workspace)):
        steps.append(f"name a gate profile in {CONFIG_FILE}: what must succeed before anything is published")
    steps += _publishing(workspace, settings, wanted, agents)
    if wanted and wanted.mode is Mode.HARDENED:
        steps.append("coord doctor --github      says what the repository still lacks (docs/github.md)")
    return steps


def _publishing(
    workspace: Workspace, settings: Settings, wanted: Wanted | None, agents: tuple[str, ...]
) -> list[str]:
    tasks = settings.project.tasks
    tip = workspace.main_tip
    is_there = tip is not None and _has(workspace, tip, {CONFIG_FILE, tasks.split("/", 1)[0]})
    if tip and is_there and _runs(workspace, tip, wanted) and _are_on(workspace, tip, agents):
        return []
    names = [CONFIG_FILE, shlex.quote(tasks), *([f"'{FOLDER}/coord-*.yml'"] if wanted else []), *agents]
    steps = [f"git add {' '.join(names)}", "git commit -m 'coord: set up'"]
    if workspace.remote:
        return [*steps, f"git push {workspace.remote} {workspace.main}"]
    return [
        *steps,
        f"git remote add origin URL && git push -u origin {workspace.main}      (coord lands on a remote)",
    ]


def _are_on(workspace: Workspace, commit: str, paths: tuple[str, ...]) -> bool:
    """Say whether a commit has these files as the working copy has them."""
    objects = workspace.git.objects
    found = {path: find_entry(objects.commit(commit).tree, path, objects.tree) for path in paths}
    here = {path: make(Kind.BLOB, (workspace.top / path).read_bytes(), workspace.algorithm).oid
            for path in paths if (workspace.top / path).is_file()}  # fmt: skip
    return all(entry and here.get(path) == entry.oid for path, entry in found.items())


def _has(workspace: Workspace, commit: str, names: set[str]) -> bool:
    root = workspace.git.objects.tree(workspace.git.objects.commit(commit).tree)
    return names <= {entry.name.decode("utf-8", "surrogateescape") for entry in root}


def _runs(workspace: Workspace, commit: str, wanted: Wanted | None) -> bool:
    """Say whether a commit has the workflows that are wanted, and none that was removed."""
    if wanted is None:
        return True
    listed = workspace.git.run("ls-tree", "-z", "--full-tree", commit, "--", f"{FOLDER}/").text.split("\0")
    there = {path: info.split()[2] for info, _, path in (line.partition("\t") for line in listed) if path}
    ours = {
        f"{FOLDER}/{name}": make(Kind.BLOB, render_workflow(name, wanted).encode(), workspace.algorithm).oid
        for name in FILES[wanted.mode]
    }
    gone = [
        name for name in NAMES if f"{FOLDER}/{name}" in there and not (workspace.top / FOLDER / name).exists()
    ]
    return not gone and ours.items() <= there.items()


def _facts(parts: tuple[Part, ...]) -> list[Json]:
    return [{"what": part.what, "note": part.note, "changed": part.do is not None} for part in parts]
