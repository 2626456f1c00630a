"""Install, uninstall or show the git hooks of this repository.

They go into the git directory that all worktrees share. A hook that is there already is kept as <hook>.legacy and
still run; uninstalling puts it back.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit
from coord.output import Json, table
from coord.shims import Change, Found, elsewhere, look, plan_install, plan_uninstall
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=("install", "uninstall", "status"), help="what to do")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="show what would be done, and do nothing"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    match call.args.action:
        case "status":
            found = look(workspace, workspace.settings.project)
            _show(call, found, elsewhere(workspace))
        case "install":
            apply_changes(call, plan_install(workspace, workspace.settings.project))
        case _:
            apply_changes(call, plan_uninstall(workspace))
    return Exit.OK


def apply_changes(call: Call, changes: tuple[Change, ...]) -> None:
    """Make the changes, or only show them with ``--dry-run``."""
    for change in changes:
        if change.do and not call.args.dry_run:
            change.do()
        call.output.result(f"{_would(call)}{change.hook}: {change.note}")
    done: list[Json] = [{"hook": c.hook, "change": c.note, "changed": c.do is not None} for c in changes]
    call.output.emit("hooks", {"dry_run": call.args.dry_run, "hooks": done})


def _would(call: Call) -> str:
    return "would be: " if call.args.dry_run else ""


def _show(call: Call, found: tuple[Found, ...], hooks_path: str) -> None:
    for line in table([(each.hook, _words(each)) for each in found]):
        call.output.result(line)
    if hooks_path:
        call.output.say(
            f"coord: git config core.hooksPath is '{hooks_path}': git runs the hooks there instead"
        )
    call.output.emit("hooks", {"hooks_path": hooks_path, "hooks": [_facts(each) for each in found]})


def _facts(found: Found) -> dict[str, Json]:
    return {
        "hook": found.hook,
        "path": str(found.path),
        "state": found.state.value,
        "why": found.why,
        "legacy": found.has_legacy,
    }


def _words(found: Found) -> str:
    why = f": {found.why}; run 'coord hooks install'" if found.why else ""
    legacy = f" ({found.hook}.legacy is run first)" if found.has_legacy else ""
    return f"{found.state}{why}{legacy}"
