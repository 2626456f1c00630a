"""A workflow file as GitHub reads it, and the copies of it that act can run: one job at a time."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_DEFAULT_RIGHTS = {"contents": "read"}
_RIGHTS = (
    "actions", "checks", "contents", "deployments", "issues", "packages", "pull-requests", "repository-projects",
    "security-events", "statuses",
)  # fmt: skip
_COLLECT = "rig-result"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans, so that ``on`` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


class WorkflowError(Exception):
    """A workflow file that GitHub would not start."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What later jobs may know of a job: its result and its outputs."""

    result: str
    outputs: Mapping[str, str] = field(default_factory=dict)

    def as_file(self) -> str:
        """Return the outputs as a step writes them to GITHUB_OUTPUT."""
        end = secrets.token_hex(8)
        return "".join(f"{name}<<{end}\n{text}\n{end}\n" for name, text in self.outputs.items())


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow file of one commit."""

    path: str
    data: Mapping[str, Any]

    @classmethod
    def read(cls, path: str, text: str) -> Workflow:
        """Read a file; raise WorkflowError for one that is none."""
        try:
            data = yaml.load(text, _Loader)
        except yaml.YAMLError as error:
            raise WorkflowError(f"{path}: {error}") from error
        if not isinstance(data, dict) or not isinstance(data.get("jobs"), dict) or "on" not in data:
            raise WorkflowError(f"{path}: no jobs, or nothing that starts them")
        return cls(path, data)

    @property
    def file(self) -> str:
        """The file's name, by which it is dispatched."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        """The name that GitHub shows, and that ``workflow_run`` triggers go by."""
        return str(self.data.get("name") or self.path)

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        """The jobs by their ids."""
        found: Mapping[str, Mapping[str, Any]] = self.data["jobs"]
        return found

    def trigger(self, event: str) -> Mapping[str, Any] | None:
        """Return what ``on`` says of an event, or None when it does not name it."""
        on = self.data["on"]
        if isinstance(on, dict):
            if event not in on:
                return None
            return on[event] if isinstance(on[event], dict) else {}
        return {} if event in ([on] if isinstance(on, str) else on) else None

    def needs(self, job: str) -> tuple[str, ...]:
        """Return the jobs that a job waits for itself."""
        needs = self.jobs[job].get("needs", ())
        return (needs,) if isinstance(needs, str) else tuple(needs)

    def ancestors(self, job: str) -> tuple[str, ...]:
        """Return all jobs that a job waits for, first ones first."""
        found: dict[str, None] = {}
        for need in self.needs(job):
            found |= dict.fromkeys((*self.ancestors(need), need))
        return tuple(found)

    def order(self) -> tuple[str, ...]:
        """Return the jobs so that each comes after what it waits for."""
        found: dict[str, None] = {}
        for job in self.jobs:
            found |= dict.fromkeys((*self.ancestors(job), job))
        return tuple(found)

    def rights(self, job: str, default: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the rights of a job's token: its own ``permissions``, else the file's, else the repository's."""
        own = self.jobs[job].get("permissions", self.data.get("permissions"))
        if own is None:
            return dict(_DEFAULT_RIGHTS if default is None else default)
        if isinstance(own, str):
            return dict.fromkeys(_RIGHTS, own.removesuffix("-all"))
        return {right: level for right, level in own.items() if level != "none"}

    def environment(self, job: str) -> str:
        """Return the environment that a job names, or ''."""
        named = self.jobs[job].get("environment", "")
        return str(named.get("name", "") if isinstance(named, dict) else named or "")

    def uses(self) -> frozenset[str]:
        """Return the actions that are used, as ``owner/name@ref``."""
        steps = (step for job in self.jobs.values() for step in job.get("steps", ()))
        used = {str(step["uses"]) for step in steps if "uses" in step}
        return frozenset(use for use in used if not use.startswith("./"))

    def alone(self, job: str, finished: Mapping[str, Finished], folder: str, *, barred: bool = False) -> str:
        """Return a copy in which only ``job`` does something; ``folder`` holds what the stand-ins give (``JOB.outputs``)
        and takes what the job gave (``needs.json``). With ``barred`` the job fails before its first step.

        act is run job by job. So a job's act holds that job's token and secrets and nobody else's, ``github.token`` and
        ``secrets.X`` mean what they mean on GitHub in every expression and inside every action, and no file, memory or
        process of an earlier job is there. What the job waits for is replaced by jobs that give the outputs and results
        that the real ones gave; a last job writes down what a later one may know of this one.
        """
        jobs = {need: _stand_in(self, need, finished[need], folder) for need in self.ancestors(job)}
        jobs[job] = _barred(_runnable(self.jobs[job])) if barred else _runnable(self.jobs[job])
        jobs[_COLLECT] = _collector(job, folder)
        kept = {key: self.data[key] for key in ("name", "on", "env", "defaults") if key in self.data}
        kept["on"] = _plain_on(self.data["on"])
        return yaml.safe_dump(kept | {"jobs": jobs}, sort_keys=False, allow_unicode=True, width=10_000)


def _stand_in(workflow: Workflow, job: str, finished: Finished, folder: str) -> dict[str, Any]:
    # The outputs come from a file: in ``env`` act would read an expression that somebody put into one.
    return {
        "needs": list(workflow.needs(job)),
        "runs-on": workflow.jobs[job]["runs-on"],
        "if": "${{ false }}" if finished.result == "skipped" else "${{ always() }}",
        "outputs": {name: "${{ steps.told.outputs." + name + " }}" for name in finished.outputs},
        "steps": [
            {
                "id": "told",
                "run": 'cat "$OUTPUTS" >>"$GITHUB_OUTPUT"; exit "$CODE"',
                "env": {
                    "OUTPUTS": f"{folder}/{job}.outputs",
                    "CODE": "0" if finished.result == "success" else "1",
                },
            }
        ],
    }


def _runnable(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job without what act rejects; rights and environments are the hub's to enforce."""
    if "steps" not in job:
        raise WorkflowError("a job without steps (a reusable workflow) is more than the rig can run")
    return {
        key: value for key, value in job.items() if key not in {"permissions", "environment", "concurrency"}
    }


def _barred(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job that fails if its condition lets it begin at all."""
    kept = {key: value for key, value in job.items() if key in {"needs", "if", "runs-on"}}
    return kept | {"steps": [{"run": "exit 1"}]}


def _collector(job: str, folder: str) -> dict[str, Any]:
    return {
        "needs": [job],
        "if": "${{ always() }}",
        "runs-on": "ubuntu-24.04",
        "steps": [
            {
                "run": 'printf "%s" "$NEEDS" >"$RESULT"',
                "env": {"NEEDS": "${{ toJSON(needs) }}", "RESULT": f"{folder}/needs.json"},
            }
        ],
    }


def _plain_on(on: Any) -> Any:
    """Return the triggers without filters: what matches has been decided, and act would look at its clone."""
    if not isinstance(on, dict):
        return on
    return {event: how if event in {"workflow_dispatch", "schedule"} else None for event, how in on.items()}


def job_name(job_id: str, job: Mapping[str, Any], matrix: Mapping[str, Any]) -> str:
    """Return the name under which GitHub lists a job, ``${{ matrix.x }}`` replaced."""
    named = job.get("name")
    if named is None:
        return f"{job_id} ({', '.join(map(str, matrix.values()))})" if matrix else job_id
    pattern = r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}"
    return re.sub(pattern, lambda found: str(matrix.get(found[1], found[0])), str(named))


def steps_of(job: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Return each step's id in act's events, the name under which GitHub lists it, what it runs, and whether that is an
    action."""
    for index, step in enumerate(job.get("steps", ())):
        script = str(step.get("uses") or step.get("run", ""))
        name = step.get("name") or f"Run {script.split(chr(10), 1)[0]}"
        yield str(step.get("id", index)), str(name), script, "uses" in step
