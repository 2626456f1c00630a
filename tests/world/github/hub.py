"""The hub: turns pushes, comments and dispatches into events, and runs the workflows that they start, one at a time.

What act ignores is enforced here: which commit's workflow file is used, branch filters, each job's rights, and which
job gets the secrets of an environment. Concurrency is not shown: runs never overlap, in the order of their events.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.world.github import hub_payloads as payloads
from tests.world.github.act import Act, Setting, Stop
from tests.world.github.act_record import JobRecord
from tests.world.github.act_workflow import Finished, Workflow, WorkflowError
from tests.world.github.githttp import GitServer, Push
from tests.world.github.hub_record import Environment, Event, RunRecord
from tests.world.github.hub_triggers import (
    dispatched_inputs,
    silenced,
    starts_on_push,
    starts_on_run,
)
from tests.world.github.tokens import Token, Tokens

_FOLDER = ".github/workflows/"
_BOT = "github-actions[bot]"
_MOST_RUNS = 40

#: act gives each step a terminal; GitHub gives it pipes, and programs behave otherwise on a terminal.
_BASH = """#!/bin/bash
[ -t 1 ] || exec /bin/bash "$@"
set -o pipefail
/bin/bash "$@" </dev/null 2>&1 | cat
"""


class Api(Protocol):
    """What the hub tells the REST fake."""

    @property
    def url(self) -> str:
        """The API's address."""
        ...

    def pushed(self, push: Push) -> None:
        """A ref has changed."""
        ...

    def show(self, run: RunRecord) -> None:
        """This is how a run stands now."""
        ...

    def issue(self, number: int) -> Mapping[str, Any]:
        """Return an issue or pull request as an event holds it."""
        ...


class Hub:
    """GitHub for one repository. ``secrets`` and ``variables`` are the repository's own, which every job gets; the ones
    of ``environments`` reach only jobs that name the environment, on its branches."""

    def __init__(self, git: GitServer, scratch: Path, api: Api, *, runner: Mapping[str, str]) -> None:
        self.git, self.api = git, api
        self.tokens: Tokens = git.tokens
        self.actions: dict[str, Path] = {
            name: Path(__file__).with_name("actions") / name.partition("/")[2]
            for name in ("actions/checkout", "actions/upload-artifact")
        }
        self.runner = dict(runner)
        self.environments: dict[str, Environment] = {}
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.default_rights: Mapping[str, str] = {"contents": "read"}
        self.default_branch = "main"
        self.runs: list[RunRecord] = []
        self._act = Act(git.bare, scratch, self.actions, self.runner)
        self._queue: deque[RunRecord] = deque()
        self._lock = threading.Lock()
        self._ids = itertools.count(17_000_000_001)
        self._before: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)
        self._kills: dict[str, str] = {}
        git.on_push = self.pushed

    # -- what starts runs ------------------------------------------------------------------------------------------

    def pushed(self, push: Push) -> None:
        """Note a changed ref and start what it starts; pushes with a job's token start nothing."""
        self.api.pushed(push)
        if push.token.kind == "job" or not push.ref.startswith(("refs/heads/", "refs/tags/")):
            return
        # A deletion has no commit of its own: its runs are those of the default branch.
        commit = self._tip() if push.deletes else push.after
        head = payloads.commit(self.git.bare, commit)
        if not push.deletes and silenced(head["message"]):
            return
        ref = f"refs/heads/{self.default_branch}" if push.deletes else push.ref
        event = Event("push", ref, commit, push.token.actor, payloads.push(self.git, push, head))
        self._start(event, lambda workflow: starts_on_push(workflow, push.ref))

    def commented(self, number: int, comment: Mapping[str, Any], token: Token) -> None:
        """Start what a new comment starts."""
        if token.kind != "job":
            body = payloads.comment(self.git, self.api.issue(number), comment, token.actor)
            self._start_on_main("issue_comment", token.actor, body, "created")

    def dispatch(self, file: str, ref: str, inputs: Mapping[str, str], token: Token) -> None:
        """Start a workflow by hand, from the branch that is named; jobs may do that too."""
        ref = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        commit = self._git("rev-parse", "--verify", f"{ref}^{{commit}}")
        for workflow in (found for found in self.workflows(commit) if found.file == file):
            given = dispatched_inputs(workflow, inputs)
            body = payloads.dispatch(self.git, workflow.path, ref, given, token.actor)
            self._queue_run(workflow, Event("workflow_dispatch", ref, commit, token.actor, body))
            return
        raise ValueError(f"{file}: no such workflow on {ref}")

    def tick(self, workflow: str) -> None:
        """Let a schedule of the default branch come due; ``workflow`` is a file's name without its ending."""
        commit = self._tip()
        found = next(each for each in self.workflows(commit) if each.file.rsplit(".", 1)[0] == workflow)
        assert found.trigger("schedule") is not None or "schedule" in found.data["on"], (
            f"{workflow}: no schedule"
        )
        cron = found.data["on"]["schedule"][0]["cron"]
        body = {"schedule": cron, **payloads.base(self.git, _BOT)}
        self._queue_run(found, Event("schedule", f"refs/heads/{self.default_branch}", commit, _BOT, body))

    def rerun(self, run: RunRecord) -> None:
        """Run something again, as GitHub does it: with the same event and the same commit."""
        with self._lock:
            self._queue.append(RunRecord(run.id, run.workflow, run.event, run.attempt + 1))

    def _completed(self, run: RunRecord) -> None:
        body = payloads.workflow_run(self.git, run)
        event = self._main_event("workflow_run", run.event.actor, body)
        self._start(event, lambda workflow: starts_on_run(workflow, run.name, run.event.branch))

    def _start_on_main(self, name: str, actor: str, body: Mapping[str, Any], action: str) -> None:
        def starts(workflow: Workflow) -> bool:
            trigger = workflow.trigger(name)
            return trigger is not None and action in trigger.get("types", (action,))

        self._start(self._main_event(name, actor, body), starts)

    def _main_event(self, name: str, actor: str, body: Mapping[str, Any]) -> Event:
        return Event(name, f"refs/heads/{self.default_branch}", self._tip(), actor, body)

    def _start(self, event: Event, starts: Callable[[Workflow], bool]) -> None:
        for workflow in self.workflows(event.commit):
            if starts(workflow):
                self._queue_run(workflow, event)

    def _queue_run(self, workflow: Workflow, event: Event) -> None:
        with self._lock:
            self._queue.append(RunRecord(next(self._ids), workflow, event))

    def workflows(self, commit: str) -> Iterator[Workflow]:
        """Return the workflow files of a commit; one that GitHub could not read starts nothing, and on the default branch
        ``drain`` complains of it."""
        listed = self._git("ls-tree", "--name-only", "-z", commit, "--", _FOLDER).split("\0")
        for path in (name for name in listed if name.endswith((".yml", ".yaml"))):
            try:
                yield Workflow.read(path, self._git("cat-file", "blob", f"{commit}:{path}"))
            except WorkflowError as error:
                if commit == self._tip():
                    self.git.problems.append(error)

    # -- running ---------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> list[str]:
        """The names of the workflows whose runs are queued."""
        return [run.name for run in self._queue]

    def drain(self, most: int = _MOST_RUNS) -> list[RunRecord]:
        """Run what is queued and what comes of it until nothing waits; return these runs."""
        done: list[RunRecord] = []
        while self._queue and not self.git.problems:
            assert len(done) < most, (
                f"no end after {most} runs: {[run.name for run in done]}, then {self.waiting}"
            )
            done.append(self.run_one())
        if self.git.problems:
            raise self.git.problems.pop()
        return done

    def run_one(self) -> RunRecord:
        """Run what has waited longest."""
        with self._lock:
            run = self._queue.popleft()
        self.runs.append(run)
        self.api.show(run)
        finished: dict[str, Finished] = {}
        for job in run.workflow.order():
            for action in self._before.pop(job, ()):
                action()
            finished[job] = self._job(run, job, finished)
        run.conclude()
        self.api.show(run)
        self._completed(run)
        return run

    def before(self, job: str, action: Callable[[], object]) -> None:
        """Do something once, just before the next job of this id begins."""
        self._before[job].append(action)

    def kill(self, job: str, when: str) -> None:
        """Kill the next job of this id, and all it started, once it has printed a line that holds a text."""
        self._kills[job] = when

    def _job(self, run: RunRecord, job: str, finished: Mapping[str, Finished]) -> Finished:
        named = run.workflow.environment(job)
        environment = self.environments.get(named, Environment(branches=(run.event.branch,)))
        barred = not environment.lets_in(run.event.ref)
        token = self.tokens.issue(_BOT, "job", run.workflow.rights(job, self.default_rights))
        inside = Environment() if barred else environment
        setting = Setting(
            run.event.name, run.event.payload, self._github(run), run.event.commit, token.text,
            {**self.secrets, **inside.secrets}, {**self.variables, **inside.variables}, barred,
        )  # fmt: skip
        try:
            records, result = self._act.run(
                run.workflow, job, finished=finished, setting=setting, told=self._listener(run)
            )
        finally:
            self.tokens.revoke(token)
        for record in records if barred else ():
            record.steps = {}
        self.api.show(run)
        return result

    def _listener(self, run: RunRecord) -> Callable[[JobRecord, Mapping[str, Any]], None]:
        def told(record: JobRecord, event: Mapping[str, Any]) -> None:
            if record not in run.jobs:
                run.jobs.append(record)
            if not event or event.keys() & {"stepResult", "jobResult"} or "Run Main" in event["msg"]:
                self.api.show(run)
            if event and self._kills.get(record.job, "\0") in event["msg"] and event.get("raw_output"):
                del self._kills[record.job]
                raise Stop

        return told

    def _github(self, run: RunRecord) -> dict[str, str]:
        owner = self.git.name.partition("/")[0]
        source = f"{self.git.name}/{run.workflow.path}@{run.event.ref}"
        return {
            "GITHUB_SERVER_URL": self.git.url, "GITHUB_API_URL": self.api.url,
            "GITHUB_GRAPHQL_URL": f"{self.api.url}/graphql",
            "GITHUB_REPOSITORY": self.git.name, "GITHUB_REPOSITORY_OWNER": owner,
            "GITHUB_RUN_ID": str(run.id), "GITHUB_RUN_NUMBER": str(len(self.runs)),
            "GITHUB_RUN_ATTEMPT": str(run.attempt), "GITHUB_REF": run.event.ref, "GITHUB_ACTOR": run.event.actor,
            "GITHUB_TRIGGERING_ACTOR": run.event.actor, "GITHUB_WORKFLOW_REF": source,
            "GITHUB_WORKFLOW_SHA": run.event.commit,
        }  # fmt: skip

    def _tip(self) -> str:
        return self._git("rev-parse", "--verify", f"refs/heads/{self.default_branch}")

    def _git(self, *args: str) -> str:
        return payloads.git(self.git.bare, *args)


def runner(home: Path, environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return the environment of a machine that runs jobs: the programs of this one, and nothing else of it."""
    programs = home / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "bash").write_text(_BASH)
    (programs / "bash").chmod(0o755)
    kept = {name: environ[name] for name in ("CARGO_HOME", "RUSTUP_HOME") if name in environ}
    return kept | {
        "PATH": f"{programs}:{environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
        "CARGO_TERM_COLOR": "never", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0", **more,
    }  # fmt: skip
