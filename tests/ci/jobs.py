"""A repository on the GitHub on loopback whose runs are played by calling the verbs themselves, job by job.

It is as the shipped workflow has it (rights, order, what is handed on), without a runner: the stories of tests/rig and
tests/github run the workflow files themselves.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from coord import cli
from coord.core.leg import BESIDE, VALIDATE
from tests.forges.place import EVERYTHING, key_pair
from tests.world import CHECK, Result, World
from tests.world.github.githttp import GitServer, Push
from tests.world.github.rest import App, Rest
from tests.world.github.tokens import Tokens

NAME = "acme/demo"
APP_ID = 77
WORKFLOW = "name: {name}\non:\n  workflow_dispatch:\n    inputs:\n      request: {{description: asked}}\n      branch: {{description: which}}\njobs: {{}}\n"
FILES = {
    f".github/workflows/{name}.yml": WORKFLOW.format(name=name) for name in ("coord-land", "coord-command")
}

#: The rights of each job, as in the workflow.
RIGHTS: dict[str, dict[str, str]] = {
    "plan": {"contents": "read", "pull-requests": "read"},
    "gate": {"contents": "read"},
    "land": {"contents": "read", "actions": "read"},
    "report": {"contents": "read", "issues": "write", "pull-requests": "write", "statuses": "write"},
    "command": {"contents": "read", "issues": "write", "pull-requests": "write", "actions": "write"},
    "audit": {"contents": "read", "issues": "write", "pull-requests": "read"},
    "simple": dict.fromkeys(("contents", "issues", "pull-requests", "statuses", "actions"), "write"),
}


@dataclass
class Verb:
    """How a job ended: its exit code, its outputs, its summary, what it printed."""

    code: int
    outputs: dict[str, str]
    summary: str
    text: str


@dataclass
class Site:
    """The repository, its servers, and who holds which token."""

    world: World
    rest: Rest
    server: GitServer
    tokens: Tokens
    patch: pytest.MonkeyPatch
    runs: int = 100
    numbers: Iterator[int] = field(default_factory=count)
    between: dict[str, Any] = field(default_factory=dict)
    bends: Any = None
    concludes: str | None = None
    actor: str = "github-actions[bot]"
    dies_before_report: bool = False
    played: int = 0
    main: str = "main"
    on_push: Callable[[Push], None] = lambda push: None

    # -- people and agents -----------------------------------------------------------------------------------------

    def push(
        self, branch: str, files: Mapping[str, str | None] | None = None, message: str = "", **how: Any
    ) -> str:
        """Let an agent push a branch over HTTP."""
        return self.world.push(branch, dict(files) if files is not None else None, message, **how)

    def pull(self, branch: str, **more: Any) -> int:
        """Open a pull request and return its number."""
        return int(self.rest.open_pull(branch, **more).number)

    def say(self, branch: str, body: str, author: str = "alice") -> Verb:
        """Comment on a branch's pull request, and let the workflow of commands answer."""
        number = next(n for n, t in self.rest.state.tickets.items() if t.is_pull and t.head == branch)
        remark = self.rest.comment(number, author, body)
        event = self.world.root / "event.json"
        event.write_text(json.dumps({"comment": {"id": remark.id}}))
        return self.job("command", GITHUB_EVENT_PATH=str(event))

    def comments(self, branch: str) -> list[str]:
        """Return the comments on a branch's pull requests that coord wrote, without their markers."""
        numbers = [n for n, t in self.rest.state.tickets.items() if t.is_pull and t.head == branch]
        bodies = [r.body for n in numbers for r in self.rest.comments(n) if r.body.startswith("<!-- coord:")]
        return [body.partition("\n")[2] for body in bodies]

    def status(self, tip: str) -> tuple[str, str] | None:
        """Return state and words of the last status of a commit."""
        said = [s for s in self.rest.state.statuses if s.commit == tip]
        return (said[-1].state, said[-1].description) if said else None

    def by_alice(self, files: Mapping[str, str | None]) -> None:
        """Let a person who may push main do it."""
        desk = self.world.desk
        self.world.git("pull", "-q", "--rebase", at=desk)
        self.world.commit("by hand", dict(files), at=desk)
        self.world.git("push", "-q", "origin", "HEAD:main", at=desk)

    def impatient(self) -> None:
        """Let git and GitHub be waited for no longer than a second."""
        self.world.git("config", "--global", "coord.patience", "1", at=self.world.root)

    def merge_by_alice(self, branch: str) -> None:
        """Let a person merge a branch by hand, however it stands."""
        desk = self.world.desk
        self.world.git("pull", "-q", "--rebase", at=desk)
        self.world.git("fetch", "-q", at=desk)
        self.world.git("merge", "-q", "--no-ff", f"origin/{branch}", at=desk)
        self.world.git("push", "-q", "origin", "HEAD:main", at=desk)

    # -- jobs ------------------------------------------------------------------------------------------------------

    def job(self, verb: str, **given: str) -> Verb:
        """Run one verb as a job with its own token."""
        scratch, environment = self._prepared(verb, given)
        words = ["ci", "land", "--here"] if verb == "simple" else ["ci", verb]
        text = io.StringIO()
        with self.patch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                code = cli.run(["-C", str(scratch / "work"), *words])
        assert code != 70, text.getvalue()
        assert environment["COORD_TOKEN"] not in text.getvalue()
        summary = scratch / "summary"
        said = summary.read_text() if summary.exists() else ""
        return Verb(code, _outputs(scratch / "output"), said, text.getvalue())

    def _prepared(self, verb: str, given: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
        """Make a job's machine: a folder with a clone of main, and the environment."""
        token = self.tokens.issue("github-actions[bot]", "job", RIGHTS[verb])
        scratch = self.world.root / f"job-{self.runs}-{verb}-{next(self.numbers)}"
        scratch.mkdir()
        clone = scratch / "work"
        self.world.git("clone", "-q", "--shared", str(self.world.origin), str(clone), at=self.world.root)
        self.world.git("remote", "set-url", "origin", self.server.remote, at=clone)
        # actions/checkout fetches into a new repository: nothing there says which branch is main.
        self.world.git("remote", "set-head", "origin", "--delete", at=clone)
        environment = {
            "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(scratch / "output"),
            "GITHUB_STEP_SUMMARY": str(scratch / "summary"), "GITHUB_SERVER_URL": self.server.url,
            "GITHUB_API_URL": self.rest.url, "GITHUB_REPOSITORY": NAME, "GITHUB_RUN_ID": str(self.runs),
            "GITHUB_RUN_ATTEMPT": "1", "RUNNER_TEMP": str(scratch), "COORD_TOKEN": token.text,
            "GITHUB_TRIGGERING_ACTOR": self.actor, "COORD_MAIN": self.main,
            "GITHUB_WORKFLOW_REF": f"{NAME}/.github/workflows/coord-land.yml@refs/heads/main", **given,
        }  # fmt: skip
        return scratch, environment

    def run(self, *, request: str = "", branch: str = "", dry_run: bool = False) -> list[str]:
        """Play one run of coord-land; return the inputs of the runs that it started."""
        inputs = {"COORD_REQUEST": request, "COORD_BRANCH": branch, "COORD_DRY_RUN": str(dry_run).lower()}
        before = len(self.rest.state.dispatches)
        plan = self._planned(**inputs)
        self._meanwhile("gate")
        report = Verb(0, {}, "", "")
        if plan.outputs["any"] == "true" or plan.outputs["act"] == "true":
            report = self.land(plan, **inputs)
            assert report.code == 0, report.text
        self._meanwhile("land")
        if self.dies_before_report:
            raise KeyboardInterrupt
        told = self.job(
            "report", COORD_PLAN=plan.outputs["plan"], COORD_REPORT=report.outputs.get("report", "")
        )
        assert told.code == 0, told.text
        return [d.inputs.get("request", "") for d in self.rest.state.dispatches[before:]]

    def land(self, plan: Verb, **inputs: str) -> Verb:
        """Play the job that publishes."""
        ended = self.job("land", **self._for_land(plan), **inputs)
        assert key_pair()[0].splitlines()[3] not in ended.text
        return ended

    def _for_land(self, plan: Verb) -> dict[str, str]:
        run_token = self.tokens.issue("github-actions[bot]", "job", RIGHTS["land"])
        return {
            "COORD_APP_ID": str(APP_ID), "COORD_APP_KEY": key_pair()[0], "COORD_RUN_TOKEN": run_token.text,
            "COORD_PLAN": plan.outputs["plan"],
        }  # fmt: skip

    def run_until_land(self, **inputs: str) -> Verb:
        """Play the jobs of a run as far as the one that publishes, and return how that ended."""
        plan = self._planned(**inputs)
        return self.land(plan, **inputs)

    def _planned(self, **inputs: str) -> Verb:
        self.runs += 1
        main = self.world.ref("refs/heads/main")
        self.rest.begin_run(self.runs, "coord-land.yml", "workflow_dispatch", branch="main", commit=main)
        plan = self.job("plan", **inputs)
        assert plan.code == 0, plan.text
        for leg in json.loads(plan.outputs["legs"]):
            self._leg(leg)
        return plan

    def kill_land(self, when: Callable[[], bool]) -> None:
        """Play a run whose land job is killed as soon as ``when`` says so."""
        scratch, environment = self._prepared("land", self._for_land(self._planned()))
        process = subprocess.Popen(
            [sys.executable, "-m", "coord", "-C", str(scratch / "work"), "ci", "land"],
            env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not when():
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
        process.wait()

    def legs(self) -> list[str]:
        """Return the legs that a plan would run now."""
        return [leg["leg"] for leg in json.loads(self.job("plan").outputs["legs"])]

    def desk(self, *words: str, token: bool = True) -> Result:
        """Let alice run coord at her desk, with her token or without."""
        alice = self.tokens.issue("alice", "user", dict(EVERYTHING))
        with self.patch.context() as patch:
            patch.setenv("GITHUB_API_URL", self.rest.url)
            patch.setenv("GITHUB_SERVER_URL", self.server.url)
            if token:
                patch.setenv("GH_TOKEN", alice.text)
            return self.world.coord(*words)

    def drain_asked(self) -> None:
        """Play the runs that were dispatched and not played yet, and those that they start."""
        while self.played < len(self.rest.state.dispatches):
            asked = self.rest.state.dispatches[self.played]
            self.played += 1
            self.run(request=asked.inputs.get("request", ""))

    def drain(self, most: int = 10) -> int:
        """Play runs until none starts another; return how many there were."""
        following = ""
        for number in range(1, most + 1):
            requests = self.run(request=following)
            self.played = len(self.rest.state.dispatches)
            if not requests:
                return number
            following = requests[-1]
        raise AssertionError(f"still going on after {most} runs")

    def _meanwhile(self, job: str) -> None:
        happening = self.between.pop(job, None)
        if happening:
            happening()

    def _leg(self, leg: dict[str, str]) -> None:
        validate = self.job("gate", COORD_LEG=leg["leg"])
        steps = [("Set up job", "success"), (VALIDATE, "success" if validate.code == 0 else "failure")]
        log = validate.text
        if validate.code != 0 and validate.outputs.get("unable") != "true":
            beside = self.job("gate", COORD_LEG=leg["leg"], COORD_BESIDE="true")
            steps.append((BESIDE, "success" if beside.code == 0 else "failure"))
            log += beside.text
        else:
            steps.append((BESIDE, "skipped"))
        conclusion = self.concludes or ("success" if validate.code == 0 else "failure")
        steps = self.bends(steps) if self.bends and not leg["name"].endswith(": main") else steps
        stamped = "".join(f"2026-11-22T10:00:00.0000000Z {line}\n" for line in log.splitlines())
        self.rest.put_job(self.runs, leg["name"], conclusion=conclusion, steps=steps, log=stamped)


def _outputs(path: Path) -> dict[str, str]:
    text = path.read_text() if path.exists() else ""
    return {
        name: value
        for name, _, value in re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
    }


@contextmanager
def site(root: Path, patch: pytest.MonkeyPatch, tasks: dict[str, str], config: str = CHECK) -> Iterator[Site]:
    """Build it: main is protected, and only the App may push it."""
    world = World(root).build(tasks, FILES, config)
    tokens = Tokens()
    people = {"alice": "admin", "bob": "write", "carol": "read", "agent": "write"}
    app = App(APP_ID, "coord-app", key_pair()[1], 4711, dict(EVERYTHING))
    with Rest(world.origin, NAME, tokens, people, app=app) as rest:

        def heard(push: Push) -> None:
            rest.pushed(push.ref, push.before, push.after, push.token.actor)

        server = GitServer(world.origin, NAME, tokens, people, heard)
        server.protect("refs/heads/main", "coord-app[bot]", "alice")
        agent = tokens.issue("agent", "user", {"contents": "write"})
        alice = tokens.issue("alice", "user", dict(EVERYTHING))
        world.git("remote", "set-url", "origin", server.remote_for(agent), at=world.agent)
        world.git("remote", "set-url", "origin", server.remote_for(alice), at=world.desk)
        try:
            yield Site(world, rest, server, tokens, patch)
        finally:
            server.close()
    assert not rest.violations, "\n".join(rest.violations)
    world.assert_sound()


__all__ = ["Result", "Site", "site"]
