"""``coord ci audit``: once a week, look at the task files and at the repository, keep one issue about what is wrong, and
pages that show how everything stands and how it went."""

from __future__ import annotations

import time
from collections.abc import Iterable

from coord.ci.job import Job, forge_of
from coord.ci.pages import keep_pages
from coord.ci.summary import table
from coord.core.audit import audit
from coord.core.markdown import cell, prose
from coord.core.task import Severity
from coord.doctor.check import examine
from coord.doctor.checks import CHECKS
from coord.doctor.finding import Place
from coord.doctor.finding import Severity as Weight
from coord.errors import Exit
from coord.freshness import fetch
from coord.observe import View, observe
from coord.verify import gather
from coord.workspace import Workspace, open_workspace

#: What finds the issue again.
MARKER = "audit"

TITLE = "coord: what the audit found"


def run(job: Job) -> Exit:
    """Examine main's task files, the repository and its history; write the findings to one issue, or close it."""
    workspace = open_workspace(job.folder)
    forge = forge_of(workspace)
    fetch(workspace)
    view = observe(workspace)
    rows = [*_tasks(job, view), *_repository(workspace, view, job), *_history(workspace)]
    text = f"As of {view.snapshot.base[:7]}:\n\n" + table(("where", "what", "what to do"), rows)
    job.summarise("## coord: audit\n\n" + (text if rows else "Nothing is wrong.\n"))
    if rows:
        forge.upsert_issue(MARKER, TITLE, text)
    else:
        forge.close_issue(MARKER, f"As of {view.snapshot.base[:7]} nothing is wrong.")
    keep_pages(job, workspace, view)
    return Exit.OK


def _tasks(job: Job, view: View) -> Iterable[tuple[str, str, str]]:
    for problem in view.snapshot.graph.problems:
        if problem.severity is Severity.ERROR:
            job.annotate("error", problem.message, file=problem.path, line=problem.line)
            yield cell(f"{problem.path}:{problem.line}"), prose(problem.message), "`coord check --fix`"


def _repository(workspace: Workspace, view: View, job: Job) -> Iterable[tuple[str, str, str]]:
    place = Place(workspace, job.folder, int(time.time()), view, "", ("", ""))
    for check, finding in examine(place, CHECKS):
        if finding.severity is not Weight.INFO and check.name not in _OF_A_CLONE:
            yield cell(finding.subject), prose(finding.message), cell(finding.command)


#: Checks that are about a person's clone and mean nothing in a job's.
_OF_A_CLONE = ("git-version", "hooks", "lock-file", "local-branch", "rights", "worktree")


def _history(workspace: Workspace) -> Iterable[tuple[str, str, str]]:
    for violation in audit(gather(workspace, pushed=())):
        yield (
            cell(violation.subject),
            prose(f"{violation.message} (guarantee {violation.guarantee})"),
            cell(violation.command),
        )
