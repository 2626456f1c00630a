"""``coord ci command``: a slash command in a comment on a pull request, answered by a reaction and one comment.

The event only says which comment; the comment, its author's rights and the branch's tip are asked for. What moves
anything is handed on to the workflow that lands, bound to the tip that the branch had when the comment was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coord.approvals import may
from coord.ci.job import Job, forge_of
from coord.core.markdown import code, prose
from coord.core.pull import Pull
from coord.core.queue import Result, make_queue
from coord.core.request import Request, asked_in
from coord.core.slash import HELP, Approve, Command, Status, Unknown, read_command
from coord.core.snapshot import Snapshot, TaskBranch
from coord.errors import CoordError, Exit, UsageError
from coord.forges.base import Comment, Forge, Permission
from coord.freshness import fetch
from coord.observe import observe
from coord.render import render
from coord.requests import LAND_WORKFLOW, SIMPLE_WORKFLOW, lands_on_forge, pass_on
from coord.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class _Case:
    """One command to answer, the comment that it stands in, and where."""

    workspace: Workspace
    forge: Forge
    comment: Comment
    command: Command


def run(job: Job) -> Exit:
    """Answer the comment that started this run."""
    workspace = open_workspace(job.folder)
    forge = forge_of(workspace)
    comment = forge.comment(_comment_id(job))
    command = read_command(comment.body) if comment else None
    if comment is None or command is None:
        job.say("the comment holds no command (any more)")
        return Exit.OK
    if not may(forge, comment, Permission.WRITE):
        # An answer would let anybody make coord write: the reaction says it.
        forge.react(comment.id, "-1")
        job.say(f"{comment.author} has no write access here: nothing is done")
        return Exit.OK
    reaction, answer = _answered(_Case(workspace, forge, comment, command))
    forge.react(comment.id, reaction)
    forge.upsert_comment(comment.number, answer_marker(comment.id), answer)
    return Exit.OK


def answer_marker(comment: int) -> str:
    """Return what finds the answer to a comment again."""
    return f"answer-{comment}"


def _comment_id(job: Job) -> int:
    path = job.given("GITHUB_EVENT_PATH")
    try:
        event: Mapping[str, Any] = json.loads(Path(path).read_text("utf-8"))
        return int(event["comment"]["id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "this run was not started by a comment", hint="it belongs in coord-command.yml"
        ) from error


def _answered(case: _Case) -> tuple[str, str]:
    """Return the reaction and the answer."""
    if isinstance(case.command, Unknown):
        return "confused", render("comments/help.md.j2", word=case.command.word, commands=HELP)
    try:
        return "eyes", _done(case)
    except CoordError as error:
        hint = f" ({prose(error.hint)})" if error.hint else ""
        return "confused", f"Not done: {prose(error.message)}{hint}"


def _done(case: _Case) -> str:
    fetch(case.workspace)
    snapshot = observe(case.workspace).snapshot
    pull = next((pull for pull in snapshot.pulls if pull.number == case.comment.number), None)
    branch = _branch(snapshot, pull)
    if isinstance(case.command, Status):
        return _standing(snapshot, branch)
    tip = case.forge.tip_at(branch.name, case.comment.created)
    if tip != branch.tip:
        raise CoordError(
            f"{branch.name} moved to {branch.tip[:7]} after this was written",
            hint="look at it, then say it again",
        )
    return _asked(case, snapshot, branch)


def _branch(snapshot: Snapshot, pull: Pull | None) -> TaskBranch:
    if pull is None:
        raise CoordError("this is no open pull request of a branch of this repository")
    branch = next((branch for branch in snapshot.branches if branch.name == pull.branch), None)
    if branch is None:
        raise CoordError(
            f"{pull.branch} belongs to no task on main", hint="coord lands the branches of tasks"
        )
    return branch


def _asked(case: _Case, snapshot: Snapshot, branch: TaskBranch) -> str:
    if isinstance(case.command, Approve):
        return _approved(case, snapshot, branch)
    asked = asked_in(case.command)
    if asked is None:
        raise CoordError("this asks for nothing that a run can do")
    ask, text = asked
    request = Request(ask, (branch.task,), text, case.comment.id, case.comment.number, branch.tip)
    _start(case, request)
    return f"Asked for: {code(ask.value)} of {code(branch.name)} at {code(branch.tip[:7])}. What came of it will be said here."


def _approved(case: _Case, snapshot: Snapshot, branch: TaskBranch) -> str:
    """The comment itself is the approval: whoever lands reads it. This only says what it is worth, and wakes them."""
    least = snapshot.settings.github.approvers
    if case.forge.permission(case.comment.author) < Permission[least.upper()]:
        raise CoordError(f"an approval takes {least} access here")
    paths = sorted(path for path in branch.files if snapshot.settings.is_protected(path))
    if not paths:
        return f"There is nothing to approve: {code(branch.name)} at {code(branch.tip[:7])} changes no protected path."
    _start(case, None)
    what = ", ".join(code(path) for path in paths[:10])
    return f"Approved: {code(branch.name)} at {code(branch.tip[:7])} may change {what}. A later tip needs another approval."


def _start(case: _Case, request: Request | None) -> None:
    """Start the workflow of this repository that lands: the hardened one, else the simple one."""
    workflow = LAND_WORKFLOW if lands_on_forge(case.workspace) else SIMPLE_WORKFLOW
    if request is None:
        case.forge.dispatch(workflow, case.workspace.main, {})
        return
    pass_on(case.workspace, request, workflow=workflow)


def _standing(snapshot: Snapshot, branch: TaskBranch) -> str:
    """Return how a branch stands, as an answer."""
    queue = make_queue(snapshot)
    waiting = next((w for w in queue.waiting if w.branch.name == branch.name), None)
    names = [candidate.branch.name for candidate in queue.candidates]
    head = f"{code(branch.name)} at {code(branch.tip[:7])}: "
    if snapshot.freeze is not None:
        return f"{head}all landing is frozen: {prose(snapshot.freeze)}"
    if waiting is not None:
        word = "waiting" if waiting.result is Result.WAITING else waiting.result.value
        return f"{head}**{word}**: {prose(waiting.reason)}"
    before = ", ".join(code(name) for name in names[: names.index(branch.name)][:5]) or "nothing"
    return f"{head}in the queue, place {names.index(branch.name) + 1} of {len(names)}; before it: {before}"
