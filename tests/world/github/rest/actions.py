"""Runs of workflows, their jobs and logs, and dispatches."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from tests.world.github.rest.routes import REPO, Answer, Refused, Request, page, route
from tests.world.github.rest.shapes import minimal_repository, node, number_of
from tests.world.github.rest.state import Dispatched, Run, RunJob, State, iso

Json = Any


@route("GET", f"{REPO}/actions/runs/{{run_id}}", "actions=read")
def get_run(state: State, request: Request) -> Answer:
    return Answer(200, _run_shape(request.base, state, _run(state, request)))


@route("GET", f"{REPO}/actions/runs/{{run_id}}/jobs", "actions=read")
def list_jobs(state: State, request: Request) -> Answer:
    """Return the jobs of the last attempt, or of all."""
    run = _run(state, request)
    every = request.query.get("filter") == "all"
    return _jobs(state, request, run, [j for j in run.jobs if every or j.attempt == run.attempt])


@route("GET", f"{REPO}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs", "actions=read")
def list_jobs_of_attempt(state: State, request: Request) -> Answer:
    """Return the jobs of one attempt."""
    run, attempt = _run(state, request), request.number("attempt_number")
    if not 1 <= attempt <= run.attempt:
        raise Refused(404, "Not Found")
    return _jobs(state, request, run, [job for job in run.jobs if job.attempt == attempt])


@route("GET", f"{REPO}/actions/jobs/{{job_id}}/logs", "actions=read")
def job_log(state: State, request: Request) -> Answer:
    """Say where the log is to be had, without credentials and for a short time."""
    for job in (job for run in state.runs.values() for job in run.jobs):
        if job.id == request.number("job_id"):
            if job.log is None:
                raise Refused(410, "Server Error")
            if job.conclusion is None:
                raise Refused(404, "Not Found")
            return Answer(302, headers={"Location": f"{request.base}/logs/{job.id}?sig=once"})
    raise Refused(404, "Not Found")


@route("POST", f"{REPO}/actions/workflows/{{workflow_id}}/dispatches", "actions=write", person="write")
def dispatch(state: State, request: Request) -> Answer:
    """Record that a workflow is to start, and let the hub know."""
    assert request.token is not None
    file, body = request.names["workflow_id"], request.body
    if state.bare.file(state.default_branch, f".github/workflows/{file}") is None:
        raise Refused(404, "Not Found")
    branch = body["ref"].removeprefix("refs/heads/")
    if state.bare.ref(f"refs/heads/{branch}") is None:
        raise Refused(422, f"No ref found for: {body['ref']}")
    inputs = body.get("inputs") or {}
    _check_inputs(state.bare.file(branch, f".github/workflows/{file}") or "", inputs)
    made = Dispatched(file, branch, inputs, request.token)
    state.dispatches.append(made)
    return Answer(204, then=partial(state.on_dispatch, made) if state.on_dispatch else None)


def _check_inputs(text: str, inputs: Json) -> None:
    events = (yaml.load(text, yaml.BaseLoader) or {}).get("on", {})
    if "workflow_dispatch" not in events:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    said = (events["workflow_dispatch"] if isinstance(events, dict) else None) or {}
    known = said.get("inputs") or {}
    if strange := sorted(set(inputs) - set(known)):
        raise Refused(422, f"Unexpected inputs provided: {strange}")
    for name, each in known.items():
        if (each or {}).get("required") == "true" and "default" not in each and name not in inputs:
            raise Refused(422, f"Required input '{name}' not provided")


def _run(state: State, request: Request) -> Run:
    run = state.runs.get(request.number("run_id"))
    if run is None:
        raise Refused(404, "Not Found")
    return run


def _jobs(state: State, request: Request, run: Run, jobs: list[RunJob]) -> Answer:
    return page(request, [_job_shape(request.base, state, run, job) for job in jobs], inside="jobs")


def _job_shape(base: str, state: State, run: Run, job: RunJob) -> Json:
    url, page_url = f"{base}/repos/{state.name}", f"{base}/{state.name}/actions/runs/{run.id}/job/{job.id}"
    now = iso(state.clock)
    ended = now if job.conclusion else None
    return {
        "id": job.id, "node_id": node(f"job {job.id}"), "run_id": run.id, "run_attempt": job.attempt,
        "run_url": f"{url}/actions/runs/{run.id}", "head_sha": run.commit, "head_branch": run.branch,
        "workflow_name": run.workflow, "name": job.name, "url": f"{url}/actions/jobs/{job.id}",
        "html_url": page_url, "status": job.status, "conclusion": job.conclusion, "created_at": now,
        "started_at": now, "completed_at": ended, "check_run_url": f"{url}/check-runs/{job.id}",
        "labels": ["ubuntu-24.04"], "runner_id": None, "runner_name": None, "runner_group_id": None,
        "runner_group_name": None,
        "steps": [_step(number, *step) for number, step in enumerate(job.steps, 1)],
    }  # fmt: skip


def _step(number: int, name: str, conclusion: str | None) -> Json:
    status = "completed" if conclusion else "in_progress"
    return {"number": number, "name": name, "status": status, "conclusion": conclusion}


def _run_shape(base: str, state: State, run: Run) -> Json:
    url = f"{base}/repos/{state.name}/actions/runs/{run.id}"
    links = ("jobs", "logs", "cancel", "rerun", "artifacts")
    commit = state.bare.commit(run.commit)
    people = [{"name": who[0], "email": who[1]} for who in (commit.author, commit.committer)]
    made = {
        "id": run.id, "node_id": node(f"run {run.id}"), "name": run.workflow, "head_branch": run.branch,
        "head_sha": run.commit, "path": f".github/workflows/{run.workflow}.yml", "run_number": run.id,
        "run_attempt": run.attempt, "event": run.event, "display_title": run.workflow, "status": run.status,
        "conclusion": run.conclusion, "workflow_id": number_of(run.workflow), "url": url,
        "html_url": f"{base}/{state.name}/actions/runs/{run.id}", "pull_requests": [],
        "created_at": iso(state.clock), "updated_at": iso(state.clock), "check_suite_url": f"{url}/suite",
        "workflow_url": f"{url}/workflow", "repository": minimal_repository(base, state),
        "head_repository": minimal_repository(base, state),
        "head_commit": {
            "id": commit.sha, "tree_id": commit.tree, "message": commit.message, "timestamp": commit.committer[2],
            "author": people[0], "committer": people[1],
        },
    }  # fmt: skip
    return made | {f"{name}_url": f"{url}/{name}" for name in links}
