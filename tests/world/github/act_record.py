"""What is known of a job while it runs and after: its steps, what it printed, and what it told GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.world.github.act_workflow import job_name, steps_of

_BEGUN = "⭐ Run Main "
_SHOWN = ("error", "warning", "notice", "group", "endgroup", "debug")


@dataclass(frozen=True, slots=True)
class Annotation:
    """An error, warning or notice: its level, its text and where it points (``file``, ``line`` …)."""

    level: str
    text: str
    where: Mapping[str, str]


@dataclass
class StepRecord:
    """A step: '' as its conclusion while it waits or runs."""

    name: str
    script: str = ""
    uses: bool = False
    conclusion: str = ""
    begun: str = ""
    ended: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass
class JobRecord:
    """A job (one leg of a matrix), as the jobs API tells it, with the workflow commands that the runner took from it."""

    id: int
    job: str
    name: str
    matrix: Mapping[str, Any]
    steps: dict[str, StepRecord]
    forgiven: frozenset[str]
    conclusion: str = ""
    begun: str = ""
    ended: str = ""
    failed: bool = False
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, job_id: int, key: str, job: Mapping[str, Any], matrix: Mapping[str, Any]) -> JobRecord:
        """Return the record of a job that has just begun."""
        forgiven = frozenset(
            str(step.get("id", index))
            for index, step in enumerate(job.get("steps", ()))
            if step.get("continue-on-error") is True
        )
        named = {key: StepRecord(name, script, uses) for key, name, script, uses in steps_of(job)}
        steps = {
            "--setup-job": StepRecord("Set up job"),
            **named,
            "--complete-job": StepRecord("Complete job"),
        }
        return cls(job_id, key, job_name(key, job, matrix), matrix, steps, forgiven)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in one event of act."""
        self.begun = self.begun or event["time"]
        self.ended = event["time"]
        if event.get("command", "ignored") not in ("ignored", "summary"):
            self.commands.append((event["command"], str(event.get("raw", ""))))
        path = event.get("stepID") or event.get("stepid") or ["--setup-job"]
        if event.get("stepResult") == "failure" and len(path) == 1 and path[0] not in self.forgiven:
            self.failed = True
        if path[0] in self.steps and event.get("stage", "Main") == "Main":
            self._step(self.steps[path[0]], event, nested=len(path) > 1)
        if "jobResult" in event:
            # Not act's word: it gives a leg that ends after a red one that leg's result.
            said = event["jobResult"] if not self.matrix else "success"
            self._conclude("failure" if self.failed else said)

    def _step(self, step: StepRecord, event: Mapping[str, Any], *, nested: bool) -> None:
        step.begun = step.begun or event["time"]
        if "${{" in step.name and not nested:
            first = event["step"].split("\n", 1)[0]
            step.name = f"Run {first}" if step.name.startswith("Run ") else first
        step.lines += [f"{event['time'][:19]}.0000000Z {line}" for line in _lines(event, step, nested=nested)]
        if event.get("command") in _SHOWN[:3]:
            self.annotations.append(Annotation(event["command"], event["arg"], event.get("kvPairs", {})))
        if nested:
            return
        if event.get("command") == "summary":
            self.summary += event["content"]
        if "stepResult" in event:
            key = next(key for key, known in self.steps.items() if known is step)
            step.conclusion = "success" if key in self.forgiven else event["stepResult"]
            step.ended = event["time"]

    def _conclude(self, conclusion: str) -> None:
        self.conclusion = conclusion
        for step in self.steps.values():
            step.conclusion = step.conclusion or "skipped"

    def skip(self) -> None:
        """Note that the job's condition was false; GitHub lists it then with its name as written, and no steps."""
        self.conclusion, self.steps = "skipped", {}

    def end(self, otherwise: str) -> None:
        """Note that nothing more comes; a job that did not say how it ended has ended ``otherwise``."""
        if not self.conclusion:
            for step in self.steps.values():
                step.conclusion = step.conclusion or (otherwise if step.begun else "skipped")
            self.conclusion = otherwise

    @property
    def log(self) -> str:
        """What the job printed, as GitHub hands it out: each line after a time, steps one after the other with no mark
        but the line that begins them, and a byte order mark at the start."""
        lines = [line for step in self.steps.values() for line in step.lines]
        return "\ufeff" + "".join(f"{line}\n" for line in lines)

    @property
    def text(self) -> str:
        """What the job printed, without the times."""
        lines = self.log.removeprefix("\ufeff").split("\n")[:-1]
        return "\n".join(line.split(" ", 1)[1] for line in lines)

    def outline(self) -> dict[str, str]:
        """Return the conclusions of the steps that the file names."""
        return {step.name: step.conclusion for key, step in self.steps.items() if not key.endswith(("-job",))}


def _lines(event: Mapping[str, Any], step: StepRecord, *, nested: bool) -> Iterator[str]:
    """Return the lines of GitHub's log for an event of act."""
    command, said = event.get("command"), str(event["msg"])
    if command in _SHOWN:
        yield from f"##[{command}]{event['arg']}".split("\n")
    elif command == "ignored":
        yield str(event["raw"]).rstrip("\n")
    elif event.get("raw_output"):
        yield from said.rstrip("\n").split("\n")
    elif said.startswith(_BEGUN):
        yield from _header(said.removeprefix(_BEGUN), step, nested=nested)
    elif said.startswith("exit status "):
        yield f"##[error]Process completed with exit code {said.removeprefix('exit status ')}."
    elif event.get("level") == "error":
        yield f"##[error]{said}"


def _header(said: str, step: StepRecord, *, nested: bool) -> Iterator[str]:
    """Return how a step begins: with what it runs, whatever its name. The steps of an action that is not composite on
    GitHub (checkout) are not to be seen there."""
    if nested and step.script.startswith("actions/"):
        return
    lines = (said if nested else step.script).rstrip("\n").split("\n")
    yield f"##[group]Run {lines[0]}"
    if nested or not step.uses:
        yield from (f"\x1b[36;1m{line}\x1b[0m" for line in lines)
        yield "shell: /usr/bin/bash --noprofile --norc -e -o pipefail {0}"
    yield "##[endgroup]"
