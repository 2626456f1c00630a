"""Joins the hub to the fake of the REST API: each hears of what the other one is told."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.world.github.act_record import JobRecord
from tests.world.github.githttp import Push
from tests.world.github.hub_record import RunRecord
from tests.world.github.rest import Rest
from tests.world.github.rest.state import Dispatched, Remark, Run, RunJob
from tests.world.github.tokens import Token

if TYPE_CHECKING:
    from tests.world.github.hub import Hub

_READ = {"issues": "read", "pull-requests": "read"}


class RestApi:
    """The REST fake as the hub sees it."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self._reader = rest.tokens.issue("github", "app", _READ)

    @property
    def url(self) -> str:
        """The API's address."""
        return self.rest.url

    def join(self, hub: Hub) -> None:
        """Let the hub hear of comments and dispatches."""

        def commented(remark: Remark, token: Token) -> None:
            hub.commented(remark.number, self._get(f"issues/comments/{remark.id}"), token)

        def dispatched(made: Dispatched) -> None:
            hub.dispatch(made.workflow, made.ref, made.inputs, made.token)

        self.rest.state.on_comment = commented
        self.rest.state.on_dispatch = dispatched

    def pushed(self, push: Push) -> None:
        """Tell of a changed ref."""
        self.rest.pushed(push.ref, push.before, push.after, push.token.actor)

    def show(self, run: RunRecord) -> None:
        """Tell how a run stands now."""
        event, stem = run.event, run.workflow.file.rsplit(".", 1)[0]
        shown = Run(run.id, stem, event.name, event.branch, event.commit, run.attempt)
        shown.conclusion = run.conclusion or None
        shown.status = "completed" if run.conclusion else "in_progress"
        jobs = [_job(job, run.attempt) for job in run.jobs]
        with self.rest.state.lock:
            before = self.rest.state.runs.get(run.id, shown).jobs
            shown.jobs = [job for job in before if job.attempt != run.attempt] + jobs
            self.rest.state.runs[run.id] = shown

    def issue(self, number: int) -> Mapping[str, Any]:
        """Return an issue or pull request."""
        return self._get(f"issues/{number}")

    def _get(self, path: str) -> Mapping[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/repos/{self.rest.state.name}/{path}",
            headers={"Authorization": f"Bearer {self._reader.text}"},
        )
        with urllib.request.urlopen(request) as answer:
            found: Mapping[str, Any] = json.load(answer)
        return found


def _job(record: JobRecord, attempt: int) -> RunJob:
    status = "completed" if record.conclusion else "in_progress"
    steps = [(step.name, step.conclusion or None) for step in record.steps.values()]
    return RunJob(record.id, attempt, record.name, status, record.conclusion or None, steps, record.log)
