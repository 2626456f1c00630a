"""``coord ci plan``: look at everything, run nothing, and say which trials are to be validated by jobs of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coord.ci.job import Job
from coord.ci.legs import Concluded, leg_of, main_leg, set_aside
from coord.ci.summary import plan_summary
from coord.core.action import Idle
from coord.core.ciplan import CiPlan, digest, encode_plan, fitting, matrix
from coord.core.leg import Leg
from coord.core.plan import lines_to_validate, next_action
from coord.core.queue import make_queue
from coord.core.request import Ask, Request, decode_request, passed_over
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.task import Severity
from coord.core.trial import (
    Clash,
    CouldNotRun,
    Finding,
    Found,
    Green,
    Red,
    TouchesProtected,
    Trial,
    Unfit,
    Unproven,
)
from coord.errors import CoordError, Exit, UsageError
from coord.freshness import fetch
from coord.observe import View, observe
from coord.outcome import Site
from coord.site import open_site
from coord.workspace import open_workspace


def run(job: Job) -> Exit:
    """Plan a run: set the outputs ``plan``, ``legs``, ``any`` and ``act``."""
    workspace = open_workspace(job.folder)
    fetch(workspace)
    view = observe(workspace)
    plan = asked_for(job, view)
    asked = frozenset({view.snapshot.resolve(plan.branch)}) if plan.branch else None
    over = set_aside(view.snapshot, passed_over(plan.request))
    view = replace(view, snapshot=replace(view.snapshot, asked=asked, validates=False, findings=over))
    snapshot, legs, note = _looked(open_site(workspace, job.say, Concluded()), view, plan)
    if plan.request is not None and plan.request.ask is Ask.PROVE_MAIN:
        legs = (main_leg(view), *legs)
    waiting = waiting_tips(view.snapshot)
    _hand_on(job, snapshot, replace(plan, legs=fitting(legs), candidates=waiting, note=note))
    return Exit.OK


def _hand_on(job: Job, snapshot: Snapshot, plan: CiPlan) -> None:
    job.set_output("plan", encode_plan(plan))
    job.set_output("legs", matrix(plan.legs))
    job.set_output("any", str(bool(plan.legs)).lower())
    job.set_output("act", str(_acts(snapshot, plan)).lower())
    for problem in snapshot.graph.problems:
        if problem.severity is Severity.ERROR:
            job.annotate("error", problem.message, file=problem.path, line=problem.line)
    for leg in plan.legs:
        job.say(f"to validate: {leg.name}")
    job.summarise(plan_summary(snapshot, plan.legs))


def asked_for(job: Job, view: View) -> CiPlan:
    """Return what was asked of this run, with no legs yet. Raises UsageError when the request is none that coord writes."""
    request = request_of(job)
    tries = job.flag("COORD_DRY_RUN") or (request is not None and request.ask is Ask.TRY)
    snapshot, branch = view.snapshot, job.given("COORD_BRANCH")
    return CiPlan(snapshot.base, snapshot.at, branch=branch, dry_run=tries, request=request)


def request_of(job: Job) -> Request | None:
    """Return the decision that this run is asked to carry out first. Raises UsageError when it is none."""
    text = job.given("COORD_REQUEST")
    request = decode_request(text) if text else None
    if text and request is None:
        raise UsageError(
            "the input 'request' is none that coord writes",
            hint="leave it empty when you start a run by hand",
        )
    return request


def waiting_tips(snapshot: Snapshot) -> str:
    """Return one word for the tips that may be tried, before anything is found out about them: whatever a run is limited
    to and has learned, before it and after it the same word means that nothing moved."""
    everything = replace(snapshot, asked=None, findings=())
    return digest(candidate.branch.tip for candidate in make_queue(everything).candidates)


def _acts(snapshot: Snapshot, plan: CiPlan) -> bool:
    """Say whether there is something to do beside validating."""
    asked = plan.request is not None and plan.request.ask not in (Ask.PROVE_MAIN, Ask.WITHOUT)
    return (asked and not plan.note) or (not plan.dry_run and not isinstance(next_action(snapshot), Idle))


def tried(view: View, plan: CiPlan) -> TaskBranch:
    """Return the branch that is to be tried, however it stands. Raises UsageError when it is not there or moved on."""
    request = plan.request
    word = plan.branch or (request.tasks[0] if request and request.tasks else "")
    task = view.snapshot.resolve(word)
    branch = next((branch for branch in view.snapshot.branches if branch.task == task), None)
    if branch is None:
        raise UsageError(f"there is no branch for {task} on the remote", hint="coord plan shows the branches")
    if request and request.tip and request.tip != branch.tip:
        raise UsageError(f"{branch.name} moved on since it was asked for", hint="ask again: /coord try")
    return branch


def _looked(site: Site, view: View, plan: CiPlan) -> tuple[Snapshot, tuple[Leg, ...], str]:
    """Return what was found out, the legs, and why a branch that somebody wants tried cannot be."""
    if not plan.dry_run or not plan.names_branch:
        return *_legs(site, view, None), ""
    try:
        snapshot, legs = _legs(site, view, tried(view, plan))
    except CoordError as error:
        return view.snapshot, (), error.message
    known = next(iter(snapshot.lines.values()), None)
    return snapshot, legs, "" if legs or known is None else words_of(known)


def _legs(site: Site, view: View, only: TaskBranch | None) -> tuple[Snapshot, tuple[Leg, ...]]:
    """Return what was found out about lines, and the legs that validate those of which nothing is known."""
    snapshot = view.snapshot
    profile = site.choose_profile(view)
    if only is not None:
        tips, made = site.lines.build(view, profile, (only,))
        known = made if not isinstance(made, Trial) else site.lines.known(view, profile, made)
        found = replace(snapshot, findings=(Found(snapshot.base, tips, known),))
        wanted = isinstance(made, Trial) and isinstance(known, Unproven)
        return found, (leg_of(view, (only,), made),) if wanted and isinstance(made, Trial) else ()
    while True:
        lines = lines_to_validate(snapshot)
        unknown = next((line for line in lines if _tips(line) not in snapshot.lines), None)
        if unknown is None:
            break
        looked = Found(snapshot.base, *site.lines.look(view, profile, unknown))
        snapshot = replace(snapshot, findings=(*snapshot.findings, looked))
    fresh = [line for line in lines if isinstance(snapshot.lines.get(_tips(line)), Unproven)]
    return snapshot, tuple(_leg(site, view, line) for line in fresh)


def words_of(finding: Finding) -> str:
    """Return what a finding says of a branch that somebody wanted tried."""
    match finding:
        case Clash(paths, by):
            with_whom = f" with {', '.join(by)}" if by else ""
            return f"it conflicts with main{with_whom} in {', '.join(path.path for path in paths[:5])}"
        case Green():
            return "it passes: nothing is left to validate"
        case Red(step):
            return f"{step} failed"
        case TouchesProtected(paths):
            return f"it changes protected paths ({', '.join(paths[:5])}): an approval comes first"
        case Unfit(reason) | CouldNotRun(reason):
            return reason
        case _:
            return "there is nothing to validate"


def _tips(line: Sequence[TaskBranch]) -> tuple[str, ...]:
    return tuple(branch.tip for branch in line)


def _leg(site: Site, view: View, line: Sequence[TaskBranch]) -> Leg:
    tips, trial = site.lines.build(view, site.choose_profile(view), line)
    if not isinstance(trial, Trial):
        raise TypeError(f"the line {tips} was made a moment ago")
    return leg_of(view, line, trial)
