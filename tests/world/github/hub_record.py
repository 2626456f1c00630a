"""What an event is, and what a run of a workflow has come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.world.github.act_record import JobRecord
from tests.world.github.act_workflow import Workflow


@dataclass(frozen=True, slots=True)
class Event:
    """Something that started workflows: ``ref`` and ``commit`` are what its runs see as theirs."""

    name: str
    ref: str
    commit: str
    actor: str
    payload: Mapping[str, Any]

    @property
    def branch(self) -> str:
        """The branch, without ``refs/heads/``."""
        return self.ref.removeprefix("refs/heads/")


@dataclass
class RunRecord:
    """A run: its conclusion is '' while it waits or runs."""

    id: int
    workflow: Workflow
    event: Event
    attempt: int = 1
    conclusion: str = ""
    jobs: list[JobRecord] = field(default_factory=list)
    error: str = ""

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.workflow.name

    def job(self, name: str) -> JobRecord:
        """Return the job of a name as the API shows it."""
        return next(job for job in self.jobs if job.name == name)

    def outline(self) -> dict[str, str]:
        """Return the conclusion of each job."""
        return {job.name: job.conclusion for job in self.jobs}

    def text(self) -> str:
        """Return what all jobs printed."""
        return "\n".join(job.text for job in self.jobs)

    def summary(self) -> str:
        """Return the job summaries, one after the other."""
        return "\n".join(job.summary for job in self.jobs if job.summary)

    def annotations(self) -> list[tuple[str, str]]:
        """Return (level, text) of each annotation."""
        return [(note.level, note.text) for job in self.jobs for note in job.annotations]

    def conclude(self) -> None:
        """Derive the run's conclusion from its jobs."""
        ends = {job.conclusion for job in self.jobs}
        worst = ("cancelled", "failure", "success", "skipped")
        self.conclusion = next((end for end in worst if end in ends), "startup_failure")


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: the branches whose runs may use it, its secrets and variables."""

    branches: tuple[str, ...] = ("main",)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)

    def lets_in(self, ref: str) -> bool:
        """Say whether a run on a ref may use it."""
        return ref.removeprefix("refs/heads/") in self.branches
