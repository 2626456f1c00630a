"""``coord ci land --here``: plan, gate, land and report in one job, for agents that one trusts with the job's token."""

from __future__ import annotations

from dataclasses import replace

from coord.ci.job import Job, forge_of
from coord.ci.land import answer_of, outcomes_of
from coord.ci.plan import asked_for, tried, words_of
from coord.ci.report import answer
from coord.ci.summary import land_summary, plan_summary
from coord.core.ciplan import CiPlan
from coord.core.cireport import CiReport, encode_report, handed_on
from coord.core.trial import CouldNotRun, GatedTrial, Trial
from coord.errors import CoordError, Exit
from coord.freshness import fetch
from coord.gate import Failed, pass_gate
from coord.observe import View, observe
from coord.outcome import Site
from coord.reconcile import land
from coord.site import open_site
from coord.telling import tell_all
from coord.workspace import Workspace, open_workspace


def run(job: Job) -> Exit:
    """Land what is ready, validated in this job, and tell people. Set the output ``report``."""
    workspace = open_workspace(job.folder)
    forge = forge_of(workspace)
    fetch(workspace)
    view = observe(workspace)
    job.summarise(plan_summary(view.snapshot, ()))
    plan = asked_for(job, view)
    told, code = _try(job, workspace, view, plan) if plan.dry_run else _land(job, workspace, plan)
    job.set_output("report", encode_report(handed_on(told, plan.request.tasks if plan.request else ())))
    job.summarise(land_summary(told))
    tell_all(workspace, job.say, job.run_url)
    answer(forge, plan, told)
    return code


def _land(job: Job, workspace: Workspace, plan: CiPlan) -> tuple[CiReport, Exit]:
    words = answer_of(job, workspace, plan.request)
    report = land(workspace, (plan.branch,) if plan.branch else (), here=job.folder, show=job.say)
    told = CiReport(report.base, report.head, outcomes_of(report), report.rest, words, (), report.remarks)
    return told, report.exit if report.exit in (Exit.REFUSED, Exit.ERROR) else Exit.OK


def _try(job: Job, workspace: Workspace, view: View, plan: CiPlan) -> tuple[CiReport, Exit]:
    """Validate the branch that was asked for, if one was, and publish nothing."""
    base = view.snapshot.base
    told = CiReport(base, base, rest="nothing was to be published")
    if not plan.names_branch:
        return told, Exit.OK
    try:
        branch = tried(view, plan)
    except CoordError as error:
        return replace(told, answer=f"Not tried: {error.message}"), Exit.OK
    words = _gated(open_site(workspace, job.say), view, branch.name)
    return replace(told, legs=((f"main + {branch.name}", words),)), Exit.OK


def _gated(site: Site, view: View, name: str) -> str:
    profile, branch = site.choose_profile(view), view.snapshot.branch(name)
    _, trial = site.lines.build(view, profile, (branch,))
    if not isinstance(trial, Trial):
        return words_of(trial)
    site.workspace.git.flush()
    subject = site.lines.subject(view, profile, name, trial.commit, trial.tree)
    match pass_gate(trial, subject, profile, site.room):
        case GatedTrial():
            return "passed"
        case Failed(step):
            return f"{step} failed"
        case CouldNotRun(reason):
            return f"the gate could not run: {reason}"
