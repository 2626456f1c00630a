"""``coord ci land``: believe the legs by how their jobs ended, publish what passed, and start the run after this one.

It holds the credential that may push main and runs nothing of any branch. With ``--here`` the gate runs in this job as
well: one workflow for agents that one trusts with the job's token.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from coord.approvals import may_ask
from coord.ci.job import Job
from coord.ci.legs import Ran, ran
from coord.ci.plan import waiting_tips
from coord.ci.summary import land_summary
from coord.core.ciplan import CiPlan, decode_plan
from coord.core.cireport import CiOutcome, CiReport, encode_report, handed_on
from coord.core.queue import make_queue
from coord.core.request import Ask, Request
from coord.errors import CoordError, Exit, RefusedError, UsageError
from coord.forges.base import Comment, Forge, Permission
from coord.freshness import fetch
from coord.knowledge import Elsewhere
from coord.observe import View, observe
from coord.reconcile import land
from coord.report import Report
from coord.requests import carry_out, decision_of, pass_on
from coord.workspace import Workspace, open_workspace


def run(job: Job) -> Exit:
    """Land what the legs of this run proved. Set the output ``report``."""
    plan = decode_plan(job.given("COORD_PLAN"))
    if plan is None:
        raise UsageError("COORD_PLAN is no plan", hint="it is the output 'plan' of coord ci plan")
    missing = " and ".join(name for name in ("COORD_APP_ID", "COORD_APP_KEY") if not job.given(name))
    if not missing:
        return _land(job, plan)
    job.annotate(
        "warning", f"{missing} did not reach this job: what may push main otherwise? (docs/github.md)"
    )
    try:
        return _land(job, plan)
    except RefusedError as refused:
        # What the job's own token lacks is not what is wrong: its rights are as they are meant to be.
        raise RefusedError(
            f"{missing} did not reach this job, and its own token may not do it: {refused.message}",
            hint="docs/github.md, step 3: the secret COORD_APP_KEY of the environment coord, the variable COORD_APP_ID",
        ) from refused


def _land(job: Job, plan: CiPlan) -> Exit:
    workspace = open_workspace(job.folder)
    answer = answer_of(job, workspace, plan.request)
    legs = _legs(job, workspace, plan)
    if plan.dry_run:
        report = _tried(workspace, plan, legs)
        _tell(job, report, answer, legs, plan.request)
        return Exit.OK
    asked = (plan.branch,) if plan.branch else ()
    report = land(
        workspace,
        asked,
        here=job.folder,
        show=job.say,
        elsewhere=Elsewhere(legs.evidence, legs.tell, plan.base, plan.at),
    )
    _tell(job, report, answer, legs, plan.request)
    _go_on(job, workspace, plan, legs)
    return report.exit if report.exit in (Exit.REFUSED, Exit.ERROR) else Exit.OK


def _legs(job: Job, workspace: Workspace, plan: CiPlan) -> Ran:
    return ran(job, workspace, plan, run_forge(job))


def run_forge(job: Job) -> Forge:
    """Return the forge as the job's own token sees it: it reads the run's jobs. Raises RefusedError without a token."""
    from coord.forges.github import open_github

    slug = job.given("GITHUB_REPOSITORY")
    token = job.given("COORD_RUN_TOKEN") or job.given("COORD_TOKEN")
    own: Mapping[str, str] = {"COORD_TOKEN": token, **_addresses(job)}
    forge = open_github(slug, own) if slug and token else None
    if forge is None:
        raise RefusedError(
            "there is no token to read this run's jobs", hint="docs/github.md: input run-token"
        )
    return forge


def _addresses(job: Job) -> dict[str, str]:
    return {name: job.given(name) for name in ("GITHUB_API_URL", "GITHUB_SERVER_URL") if job.given(name)}


# -- what was asked ------------------------------------------------------------------------------------------------


def answer_of(job: Job, workspace: Workspace, request: Request | None) -> str:
    """Carry out what was asked and return what to say of it; a person's mistake is an answer, not a failure."""
    if request is None:
        return ""
    try:
        fetch(workspace)
        _check_rights(job, workspace, request)
        _check_tip(observe(workspace), request)
        return "; ".join(carry_out(workspace, request).words)
    except CoordError as error:
        job.say(f"not done: {error.message}")
        return f"Not done: {error.message}" + (f" ({error.hint})" if error.hint else "")


def _check_rights(job: Job, workspace: Workspace, request: Request) -> None:
    """Whoever asks must be allowed to: a request is believed as far as the comment, or the actor, that it comes from."""
    forge = workspace.hosting.forge
    if decision_of(request) is None or forge is None:
        return
    if request.comment:
        comment = forge.comment(request.comment)
        if comment is None or comment.edited or not may_ask(forge, comment, request):
            raise CoordError(
                "the comment that asks for this does not say so (any more), or not for somebody with write access"
            )
        _check_branch(forge, observe(workspace), comment, request)
        return
    actor = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR", "")
    if forge.permission(actor) < Permission.WRITE:
        raise CoordError(f"{actor or 'whoever started this'} has no write access here")


def _check_branch(forge: Forge, view: View, comment: Comment, request: Request) -> None:
    """What a comment asks for, it asks of the branch that it stands on, and of the tip that it was written about."""
    snapshot = view.snapshot
    heads = {pull.branch for pull in snapshot.pulls if pull.number == comment.number}
    branch = next((branch for branch in snapshot.branches if branch.name in heads), None)
    if branch is None:
        raise CoordError("the comment that asks for this stands on no open pull request of a branch here")
    if request.tasks != (branch.task,) or comment.number != request.number:
        raise CoordError("the comment that asks for this stands on another branch's pull request")
    if forge.tip_at(branch.name, comment.created) != branch.tip:
        raise CoordError(f"{branch.name} moved on since this was asked", hint="look at it, then ask again")


def _check_tip(view: View, request: Request) -> None:
    if not request.tip:
        return
    moved = [b for b in view.snapshot.branches if b.task in request.tasks and b.tip != request.tip]
    if moved:
        raise CoordError(f"{moved[0].name} moved on since this was asked", hint="look at it, then ask again")


# -- what follows --------------------------------------------------------------------------------------------------


def _tried(workspace: Workspace, plan: CiPlan, legs: Ran) -> Report:
    """Return what a run reports that publishes nothing."""
    fetch(workspace)
    view = observe(workspace)
    from coord.site import open_site

    legs.tell(open_site(workspace, lambda _line: None, legs.evidence), view)
    return Report(plan.base, view.snapshot.base, (), (), "nothing was to be published", Exit.OK)


def _tell(job: Job, report: Report, answer: str, legs: Ran, request: Request | None) -> None:
    outcomes = outcomes_of(report)
    named = tuple(
        (leg.name.partition(": ")[2], legs.words.get(leg.trial, "")) for leg in legs.legs if leg.line
    )
    told = CiReport(report.base, report.head, outcomes, report.rest, answer, named, report.remarks)
    job.set_output("report", encode_report(handed_on(told, request.tasks if request else ())))
    job.summarise(land_summary(told))


def outcomes_of(report: Report) -> tuple[CiOutcome, ...]:
    """Return a report's outcomes as they are handed on."""
    return tuple(
        CiOutcome(o.task, o.branch, o.tip, o.result.value, o.reason, o.commit) for o in report.outcomes
    )


def _go_on(job: Job, workspace: Workspace, plan: CiPlan, legs: Ran) -> None:
    """Start the run after this one when there is more to do and this run moved something; a sweep comes anyway."""
    if legs.doubts_main and not plan.validates_main:
        _start(job, workspace, Request(Ask.PROVE_MAIN))
        return
    snapshot = observe(workspace).snapshot
    branches = [candidate.branch for candidate in make_queue(snapshot).candidates]
    broke_off = legs.unanswered()
    over = legs.over | {branch.task for branch in branches if branch.name in broke_off}
    moved = snapshot.base != plan.base or waiting_tips(snapshot) != plan.candidates
    # A branch whose job never ends would be tried first for ever: what it keeps from being tried goes without it.
    if any(branch.task not in over for branch in branches) and (moved or over != legs.over):
        following = Request(Ask.WITHOUT, tuple(sorted(over))) if over else _following(plan.request)
        _start(job, workspace, following)


def _following(asked: Request | None) -> Request:
    """Return what the next run is asked for: to land, and to tell what came of it to whoever asked for this one."""
    if asked is None or asked.ask not in (Ask.RETRY, Ask.UNBLOCK, Ask.RELEASE, Ask.LAND):
        return Request(Ask.LAND)
    return Request(Ask.LAND, asked.tasks, "", asked.comment, asked.number)


def _start(job: Job, workspace: Workspace, request: Request) -> None:
    try:
        pass_on(workspace, request, workflow=job.workflow)
        job.say(f"started the next run ({request.ask})")
    except RefusedError as refused:
        job.annotate(
            "warning", f"the next run could not be started: {refused.message}; the schedule starts one"
        )
