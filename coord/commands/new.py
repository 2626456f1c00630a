"""Write a new task file in the working copy's task folder, and nothing else: publishing it is yours."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from coord.core.frontedit import quoted
from coord.core.row import ENUMS
from coord.core.task import Status
from coord.core.taskfile import branch_flaw
from coord.core.text import one_line, paragraph
from coord.errors import Exit, UsageError
from coord.newtask import known_tasks, refuse_collision, write_new
from coord.workspace import open_workspace

if TYPE_CHECKING:
    from coord.call import Call

_WORDS = ("priority", "assignee", "due", "agent", "model")
_LISTS = ("tags", "touches")


def options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the task's id; its branch will be feat/ID")
    parser.add_argument(
        "--name", default="", help="what the task does, in one line (default: made from the id)"
    )
    parser.add_argument(
        "--depends-on", action="append", default=[], metavar="ID", help="a dependency (may be repeated)"
    )
    for field, words in ENUMS.items():
        parser.add_argument(
            f"--{field}", choices=words, metavar=field.upper(), help=f"one of {', '.join(words)}"
        )
    for field in _WORDS:
        parser.add_argument(f"--{field}", default="", help=f"the field '{field}'")
    for field in _LISTS:
        parser.add_argument(
            f"--{field}", action="append", default=[], help=f"the field '{field}' (may be repeated)"
        )
    parser.add_argument(
        "-m", "--description", default="", metavar="TEXT", help="the text of the Description section"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="print the file instead of writing it")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    if workspace.bare:
        raise UsageError(
            "a bare repository has no working copy to write to", hint="write the task in a clone"
        )
    id = call.args.id
    if flaw := branch_flaw(id):
        raise UsageError(
            f"'{one_line(id)}' {flaw}: it cannot be a branch name", hint="use letters, digits, - and /"
        )
    settings = workspace.local_settings()
    known = known_tasks(workspace)
    refuse_collision(id, known)
    name = f"{settings.project.tasks}/{id}.md"
    text = _render(call.args)
    write_new(workspace, settings, name, text, dry_run=call.args.dry_run)
    for need in _needs(call.args):
        if all(task.id != need for task in known):
            call.output.say(f"there is no task '{need}' yet: {id} will wait until there is one")
    if call.args.dry_run:
        call.output.result(text.rstrip("\n"))
    else:
        call.output.result(name)
        path = shlex.quote(name)
        call.output.say(
            f"next: describe it, then publish it on {workspace.main}: git add {path} && git commit && git push"
        )
    call.output.emit("new", {"id": id, "path": name, "text": text, "written": not call.args.dry_run})
    return Exit.OK


def _needs(args: Namespace) -> list[str]:
    return [need.strip() for words in args.depends_on for need in words.split(",") if need.strip()]


def _render(args: Namespace) -> str:
    name = one_line(args.name) or args.id.rpartition("/")[2].replace("-", " ").replace("_", " ").capitalize()
    rows = [f"id: {quoted(args.id)}", f"name: {quoted(name)}", f"status: {Status.PENDING}"]
    rows += _list("depends_on", _needs(args)) or ["depends_on: []"]
    rows += [
        f"{field}: {getattr(args, field)}" for field in ("scope", "risk", "impact") if getattr(args, field)
    ]
    rows.append(f"level: {args.level or 'implementation'}")
    for field in _LISTS:
        rows += _list(field, getattr(args, field))
    rows += [f"{field}: {quoted(one_line(getattr(args, field)))}" for field in _WORDS if getattr(args, field)]
    description = paragraph(args.description) or "> To be filled"
    return "\n".join(
        ["---", *rows, "---", "", "## Description", "", description, "", "## Acceptance Criteria", "", "- [ ] ", "",
         "## Notes", "", "> To be filled by implementation", "", "## Summary", "", "> To be filled on completion", ""]
    )  # fmt: skip


def _list(field: str, items: list[str]) -> list[str]:
    return [f"{field}:", *(f"  - {quoted(one_line(item))}" for item in items)] if items else []
