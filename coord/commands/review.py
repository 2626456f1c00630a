"""Tell what went right, what went wrong, what could be better, and what to do about it: the after-action review.

Of everything that coord landed in this repository, or of what came since a commit of main or a date. Read from main and
the refs of verdicts; times of gates, flaky steps, lost races and a red main are known where a coordinator ran, and the
review says so where they are not. Markdown on stdout; --html writes one page with charts, --open-tasks a task file for
each action item into the working copy's task folder, and nothing else. Times are UTC.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from dataclasses import asdict, replace
from pathlib import Path

from coord.call import Call
from coord.core.review import Review, make_review
from coord.core.reviewfindings import Finding, Part
from coord.core.reviewitems import Item
from coord.core.reviewtables import known, period
from coord.core.reviewwords import lines, plain_words
from coord.core.session import SessionRole
from coord.core.task import Task
from coord.core.text import one_line
from coord.errors import CoordError, Exit, RefusedError, UsageError
from coord.freshness import as_of, fetch
from coord.newtask import known_tasks, refuse_collision, write_new
from coord.observe import observe
from coord.output import Json
from coord.render import render
from coord.review import gather
from coord.reviewpage import markdown, page
from coord.sessions.identity import SECRET, caller
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        metavar="REF|DATE",
        help="only what came after this commit of main or this date (default: everything)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the Markdown to FILE (-: stdout)")
    parser.add_argument(
        "--html", metavar="FILE", help="write one page with charts to FILE (-: stdout); it needs no network"
    )
    parser.add_argument("--open-tasks", action="store_true", help="write a task file for each action item")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="with --open-tasks: print the files instead"
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    args = call.args
    if args.dry_run and not args.open_tasks:
        raise UsageError("-n goes with --open-tasks", hint="without it, nothing is written anyway")
    if args.json and "-" in (args.output, args.html):
        raise UsageError("--json prints to stdout", hint="name a file, or leave --json away")
    workspace = open_workspace(call.folder)
    if args.fetch:
        fetch(workspace)
    view = observe(workspace.without_forge())  # nothing of it stands there
    review = make_review(gather(workspace, view, since=_since(args.since)))
    said = as_of(workspace, view.snapshot.base)
    call.output.say(said)
    written = _write_files(call, review, said)
    opened = _open_tasks(call, workspace, review) if args.open_tasks else []
    if not written and not args.open_tasks:
        call.output.results(markdown(review, said).rstrip("\n").split("\n"))
    call.output.emit("review", {"main": view.snapshot.base, **facts(review), "tasks": opened})
    failed = any(one["text"] and not one["written"] for one in opened) and not args.dry_run
    return Exit.ERROR if failed else Exit.OK


def _since(words: str | None) -> str:
    if words is not None and not words.strip():
        raise UsageError("no commit and no date is given", hint="leave --since away to see everything")
    return words or ""


# -- renderings --------------------------------------------------------------------------------------------------------


def _write_files(call: Call, review: Review, said: str) -> bool:
    for name, form in ((call.args.output, markdown), (call.args.html, page)):
        if name:
            _write(call, name, form(review, said))
    return bool(call.args.output or call.args.html)


def _write(call: Call, name: str, text: str) -> None:
    if name == "-":
        call.output.out.write(text)
        return
    path = call.folder / Path(name)
    try:
        path.write_text(text, "utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise CoordError(f"cannot write {path}: {error.strerror}", hint="name another file") from error
    call.output.say(f"written: {name}")


def facts(review: Review) -> dict[str, Json]:
    """Return a review as JSON."""
    return {
        "facts": asdict(review.facts),
        "known": list(known(review.facts)),
        **{part.value: [_finding(finding) for finding in review.part(part)] for part in Part},
        "items": [_item(item) for item in review.items],
    }


def _finding(finding: Finding) -> Json:
    evidence = [plain_words(words) for words in finding.evidence]
    return {"rule": finding.rule, "text": plain_words(finding.words), "evidence": evidence}


def _item(item: Item) -> Json:
    measure = item.measure
    return {
        "id": item.id,
        "title": plain_words(item.title),
        "priority": item.priority.word,
        "level": item.level,
        "evidence": [plain_words(words) for words in item.evidence],
        "touches": list(item.touches),
        "measure": {
            "what": plain_words(measure.what),
            "now": measure.now,
            "of": measure.of or None,
            "target": measure.target,
            "unit": measure.unit or None,
            "within": measure.within,
            "text": plain_words(measure.words),
        },
    }


# -- task files --------------------------------------------------------------------------------------------------------


def _open_tasks(call: Call, workspace: Workspace, review: Review) -> list[dict[str, Json]]:
    """Write a task file for each action item that has none yet."""
    _refuse_where_tasks_do_not_belong(call, workspace)
    there = known_tasks(workspace)
    opened = [_open_task(call, workspace, review, item, there) for item in review.items]
    wrote = [each for each in opened if each["written"]]
    if not review.items:
        call.output.say("no action items: nothing to write")
    if wrote:
        call.output.say(f"next: read them, then publish them on {workspace.main}: git add, commit, push")
    return opened


def _refuse_where_tasks_do_not_belong(call: Call, workspace: Workspace) -> None:
    if workspace.bare:
        raise UsageError(
            "a bare repository has no working copy to write to", hint="coord review --open-tasks in a clone"
        )
    who = caller(call.folder, os.environ) if os.environ.get(SECRET) else None
    if who and who.role is not SessionRole.COORDINATOR:
        raise RefusedError(
            f"opening tasks is the coordinator's, and this is an agent's session ({who.why})",
            hint="coord review without --open-tasks shows the same items",
        )
    branch = (workspace.git.head() or "").removeprefix("refs/heads/")
    if workspace.settings.task_of(branch):
        raise UsageError(
            f"'{one_line(branch)}' is a task branch: the hooks refuse changes of task files there",
            hint=f"coord review --open-tasks on {workspace.main}, in the main checkout",
        )


def _open_task(
    call: Call, workspace: Workspace, review: Review, item: Item, there: tuple[Task, ...]
) -> dict[str, Json]:
    item, taken = _next_free(item, there)
    if taken is not None:
        call.output.say(f"{item.id} is there already ({taken.status}): {taken.path}")
        return {"id": item.id, "path": taken.path, "written": False, "text": None}
    settings = workspace.local_settings()
    name = f"{settings.project.tasks}/{item.id}.md"
    text = task_text(item, period(review.facts))
    try:
        refuse_collision(item.id, there)
        write_new(workspace, settings, name, text, dry_run=call.args.dry_run)
    except UsageError as error:
        call.output.say(f"{item.id} is not written: {error.message}")
        return {"id": item.id, "path": name, "written": False, "text": text}
    call.output.result(text.rstrip("\n") + "\n" if call.args.dry_run else name)
    return {"id": item.id, "path": name, "written": not call.args.dry_run, "text": text}


def _next_free(item: Item, there: tuple[Task, ...]) -> tuple[Item, Task | None]:
    """Return the item and the task that it is already; what was completed and is there again gets a number of its own."""
    known = {task.id: task for task in there}
    number, id = 1, item.id
    while id in known and known[id].is_completed:
        number += 1
        id = f"{item.id}-{number}"
    return replace(item, id=id), known.get(id)


def task_text(item: Item, told: str) -> str:
    """Return the task file of an action item; ``told`` is the period that it was found in."""
    return render(
        "review/task.md.j2",
        item=item,
        title=plain_words(item.title),
        period=told,
        lines=lines,
        touches=[path for path in item.touches if not set("*?[\n") & set(path)],
    )
