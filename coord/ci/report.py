"""``coord ci report``: tell people how things stand: statuses, one comment a branch, the answer to who asked.

It goes by what the repository says now; of the run before it, it only takes the answer to the one who asked for it.
"""

from __future__ import annotations

from coord.ci.command import answer_marker
from coord.ci.job import Job, forge_of
from coord.ci.summary import table
from coord.core.ciplan import CiPlan, decode_plan
from coord.core.cireport import CiReport, decode_report
from coord.core.markdown import cell, prose
from coord.core.request import Ask
from coord.errors import Exit
from coord.forges.base import Forge
from coord.telling import tell_all
from coord.workspace import open_workspace


def run(job: Job) -> Exit:
    """Tell people how every branch stands, and answer who asked for this run."""
    workspace = open_workspace(job.folder)
    forge = forge_of(workspace)
    tell_all(workspace, job.say, job.run_url)
    plan, report = decode_plan(job.given("COORD_PLAN")), decode_report(job.given("COORD_REPORT"))
    if plan is not None:
        answer(forge, plan, report)
    return Exit.OK


def answer(forge: Forge, plan: CiPlan, report: CiReport | None) -> None:
    """Let the answer to a comment say what came of it."""
    request = plan.request
    if request is None or not request.comment:
        return
    asking = forge.comment(request.comment)
    if asking is None or asking.number != request.number:
        return  # whoever may start a run could have us comment anywhere
    forge.upsert_comment(request.number, answer_marker(request.comment), _words(plan, report))


def _words(plan: CiPlan, report: CiReport | None) -> str:
    request = plan.request
    if plan.note:
        return f"Not tried: {prose(plan.note)}"
    if report is None:
        return "The run that was asked for ended without an answer; the next sweep looks again."
    if request is not None and request.ask is Ask.TRY:
        if not report.legs:
            return prose(report.answer) if report.answer else "Tried: there was nothing to validate."
        rows = [(cell(name), cell(words or "no answer")) for name, words in report.legs]
        return "Tried, nothing was published:\n\n" + table(("validated", "result"), rows)
    said = prose(report.answer, 1000) if report.answer else "Done."
    tasks = request.tasks if request else ()
    ended = [
        (cell(o.branch), o.outcome, cell(o.commit[:7]) if o.commit else "", cell(o.reason))
        for o in report.outcomes
        if o.task in tasks
    ]
    return said + ("\n\n" + table(("branch", "outcome", "commit", "why"), ended) if ended else "")
