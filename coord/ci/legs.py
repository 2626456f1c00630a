"""Legs on both sides: made by plan, run by gate, believed by land."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from coord.ci.job import Job
from coord.core.ciplan import CiPlan
from coord.core.complaint import excerpt
from coord.core.leg import VALIDATE, Conclusion, Failed, Leg, Passed, Place, Unknown, conclude, trial_named
from coord.core.profile import Profile, program
from coord.core.request import passed_over
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.trial import Found, MainRed, Red, Trial, Unfit
from coord.errors import CoordError
from coord.evidence import Subject
from coord.forges.base import Forge
from coord.forges.base import Job as ForgeJob
from coord.observe import Then, View, observe_then
from coord.outcome import Site
from coord.workspace import Workspace

#: What ``coord ci gate`` prints when a step has failed; the step's name follows.
FAILED_STEP = "coord: failed: "

#: How the forge begins each line of a log.
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Concluded:
    """Evidence from the jobs of one run, believed for what a profile sees of a tree."""

    green: set[str] = field(default_factory=set)

    def key(self, subject: Subject, profile: Profile) -> str:
        parts = ["coord leg 1", json.dumps([profile.name, profile.steps, profile.wrap]), subject.seen]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def passes(self, key: str) -> bool:
        return key in self.green


def leg_of(view: View, line: Sequence[TaskBranch], trial: Trial) -> Leg:
    """Return the leg that validates a line's trial."""
    places = (Place(branch.name, branch.tip, view.snapshot.approved(branch)) for branch in line)
    return Leg(trial.commit, view.snapshot.base, view.snapshot.at, tuple(places))


def main_leg(view: View) -> Leg:
    """Return the leg that validates main itself."""
    return Leg(view.snapshot.base, view.snapshot.base, view.snapshot.at)


def view_of(workspace: Workspace, leg: Leg, approved: frozenset[str]) -> tuple[View, tuple[TaskBranch, ...]]:
    """Return the view that a leg was planned from and its line. Raises UsageError when a commit of it is not here."""
    heads = {place.branch: place.tip for place in leg.line}
    view = observe_then(workspace, Then(leg.base, heads, approved, leg.at))
    by_name = {branch.name: branch for branch in view.snapshot.branches}
    gone = next((place.branch for place in leg.line if place.branch not in by_name), None)
    if gone is not None:
        raise CoordError(f"{gone} belongs to no task on main", hint="it is planned anew by the next run")
    return view, tuple(by_name[place.branch] for place in leg.line)


@dataclass
class Ran:
    """The legs of a run, their jobs by the trial that each validated, and what came of believing them.

    ``over`` are the tasks that this run passes over. ``doubts_main`` says that a gate failed beside a main that
    failed on the same machine, so that main is to be validated by itself.
    """

    workspace: Workspace
    legs: Sequence[Leg]
    jobs: Mapping[str, ForgeJob]
    forge: Forge
    over: frozenset[str] = frozenset()
    evidence: Concluded = field(default_factory=Concluded)
    doubts_main: bool = False
    words: dict[str, str] = field(default_factory=dict)

    def tell(self, site: Site, view: View) -> Sequence[Found]:
        """Take what the legs prove into the site's lines and return what is known of lines on main as it is viewed."""
        told = [found for leg in self.legs if leg.line for found in self._believe(leg, site, view)]
        return [*told, *set_aside(view.snapshot, self.over)]

    def unanswered(self) -> frozenset[str]:
        """Return the branches whose code was running when their job ended without an answer; of a longer line it is the
        last one, unless the line holds another such branch."""
        found = set[str]()
        for leg in sorted(self.legs, key=lambda leg: len(leg.line)):
            names = [place.branch for place in leg.line]
            if names and found.isdisjoint(names) and self._broke_off(leg.trial):
                found.add(names[-1])
        return frozenset(found)

    def _broke_off(self, trial: str) -> bool:
        """Say whether a job ended without an answer in the step that runs the branch's code, and not before it."""
        job = self.jobs.get(trial)
        steps = job.steps if job else ()
        reached = any(step.name == VALIDATE and step.conclusion != "skipped" for step in steps)
        return reached and isinstance(self.conclusion(trial), Unknown)

    def _believe(self, leg: Leg, site: Site, view: View) -> Iterator[Found]:
        approved = frozenset(b.name for b in view.snapshot.branches if view.snapshot.approved(b))
        try:
            then, line = view_of(self.workspace, leg, approved)
        except CoordError as gone:
            site.room.show(f"{leg.name}: not believed: {gone.message}")
            return
        profile = site.choose_profile(then)
        tips, trial = site.lines.build(then, profile, line)
        if not isinstance(trial, Trial) or trial.commit != leg.trial:
            # Whatever was validated there, it is not what these values make: nothing follows from it.
            site.room.show(f"{leg.name}: not believed: the trial is another one here")
            return
        subject = site.lines.subject(then, profile, trial.branch, trial.commit, trial.tree)
        key = self.evidence.key(subject, profile)
        conclusion = self.conclusion(leg.trial)
        match conclusion:
            case Passed():
                self.words[leg.trial] = "passed"
                self.evidence.green.add(key)
            case Failed() as failed if self._main_passes(leg, failed):
                step, log = self._why(leg.trial, profile)
                self.words[leg.trial] = f"{step} failed"
                site.lines.learn(key, tips[-1], Red(step, log), site.lines.main_seen(then, profile))
            case Failed():
                yield from self._without_blame(leg, profile, Found(view.snapshot.base, tips, Unfit("")))
            case Unknown(why):
                self.words[leg.trial] = f"the gate could not run: {why}"
                yield Found(view.snapshot.base, tips, Unfit(self.words[leg.trial]))

    def _main_passes(self, leg: Leg, failed: Failed) -> bool:
        """Say whether main is known to pass: beside the failure, or, which counts more, on a machine of its own."""
        by_itself = self.conclusion(leg.base)
        return isinstance(by_itself, Passed) or (isinstance(by_itself, Unknown) and failed.main_passes)

    def _without_blame(self, leg: Leg, profile: Profile, found: Found) -> Iterator[Found]:
        if isinstance(self.conclusion(leg.base), Failed):
            step, log = self._why(leg.base, profile)
            self.words[leg.trial] = f"main is red: {step}"
            yield replace(found, finding=MainRed(step, log))
            return
        self.doubts_main = True
        self.words[leg.trial] = "failed, and so did main beside it: main is validated by itself next"
        yield replace(found, finding=Unfit(f"its gate {self.words[leg.trial]}"))

    def conclusion(self, trial: str) -> Conclusion:
        """Return how the leg for a trial has ended."""
        job = self.jobs.get(trial)
        if job is None:
            return Unknown("it has no job in this run")
        return conclude(job.conclusion, {step.name: step.conclusion for step in job.steps})

    def _why(self, trial: str, profile: Profile) -> tuple[str, str]:
        """Return the step that failed and the end of what it printed: foreign text, for people only."""
        job = self.jobs[trial]
        return read_log(self.forge.log(job.id), profile)


def set_aside(snapshot: Snapshot, tasks: Collection[str]) -> tuple[Found, ...]:
    """Return what lets the branches of these tasks wait."""
    left = [branch for branch in snapshot.branches if branch.task in tasks]
    words = "its gate could not run: the others go first, a later run tries it again"
    return tuple(Found(snapshot.base, (branch.tip,), Unfit(words)) for branch in left)


def ran(job: Job, workspace: Workspace, plan: CiPlan, forge: Forge) -> Ran:
    """Return the legs of this run with their jobs, as the forge tells how they have ended."""
    legs = plan.legs
    jobs = forge.jobs(*job.run) if legs else ()
    by_trial = {trial: each for each in jobs if (trial := trial_named(each.name))}
    return Ran(workspace, legs, by_trial, forge, passed_over(plan.request))


def read_log(text: str, profile: Profile) -> tuple[str, str]:
    """Return (step, excerpt) from a job's log; a step that the profile does not have is none.

    What the runner says of the step before it starts (``##[group]`` to ``##[endgroup]``) is no part of it.
    """
    lines = _STAMP.sub("", text).replace("\r\n", "\n").split("\n")
    steps = {program(step) for step in profile.steps}
    ends = (
        n for n, line in enumerate(lines) if line.removeprefix(FAILED_STEP) in steps and FAILED_STEP in line
    )
    end = max(ends, default=len(lines))
    begin = max((n + 1 for n, line in enumerate(lines[:end]) if line.startswith("##[endgroup]")), default=0)
    step = lines[end].removeprefix(FAILED_STEP) if end < len(lines) else "the gate"
    return step, excerpt("\n".join(line for line in lines[begin:end] if not line.startswith("##[")))
