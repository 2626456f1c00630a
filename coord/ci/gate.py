"""``coord ci gate``: one leg. The only verb that runs a branch's code; its job can do nothing but read the repository.

How its process ends is all that counts: 0 passed, otherwise it failed, unless it says itself that it could not run: then
nobody is blamed. Code under test that says so spares itself a verdict, and does not land. What is printed is for people.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from coord.ci.job import Job
from coord.ci.legs import FAILED_STEP, view_of
from coord.core.leg import Leg, decode_leg
from coord.core.text import plain
from coord.core.trial import CouldNotRun, Trial
from coord.errors import CoordError, Exit, UsageError
from coord.gate import Failed, Passed, judge
from coord.outcome import Site
from coord.room import Room
from coord.site import open_site
from coord.workspace import open_workspace

#: How often what a step prints is shown, in seconds.
_SHOW_EVERY = 0.5


def run(job: Job) -> Exit:
    """Validate the trial that the leg names, or, with ``COORD_BESIDE``, main as the leg has it."""
    leg = decode_leg(job.given("COORD_LEG"))
    if leg is None:
        raise UsageError(
            "COORD_LEG names no leg", hint="it is one entry of the output 'legs' of coord ci plan"
        )
    beside = job.flag("COORD_BESIDE")
    if beside and not leg.line:
        raise CoordError("this leg is main itself", hint="nothing to do: there is nothing to compare it with")
    try:
        with _shown(job) as follow:
            return _validate(job, leg, follow, beside=beside)
    except Exception:
        # The workflow then leaves main alone: whoever looks at the steps sees that nothing was judged.
        job.set_output("unable", "true")
        raise


def _validate(job: Job, leg: Leg, follow: _Follower, *, beside: bool) -> Exit:
    workspace = open_workspace(job.folder)
    approved = frozenset(place.branch for place in leg.line if place.approved)
    view, line = view_of(workspace, leg, approved)
    site = open_site(workspace, job.say)
    site = replace(site, room=_room(job, site.room, follow))
    profile = site.choose_profile(view)
    subject = site.lines.main(view, profile)
    if line and not beside:
        _, trial = site.lines.build(view, profile, line)
        if not isinstance(trial, Trial) or trial.commit != leg.trial:
            raise CoordError(
                "this job makes another trial than the plan", hint="its branch or main has moved: plan again"
            )
        subject = site.lines.subject(view, profile, trial.branch, trial.commit, trial.tree)
    _forget(site)
    match judge(subject, profile, site.room):
        case Passed(_, seconds):
            job.say(f"passed in {seconds:.0f} s")
            return Exit.OK
        case Failed(step, log):
            follow.stop()
            job.annotate("error", f"{step} failed\n{log[-1000:]}")
            job.say(f"{FAILED_STEP}{step}")
            return Exit.GATE_FAILED
        case CouldNotRun(reason, hint):
            raise CoordError(f"the gate could not run: {reason}", hint=hint)


def _room(job: Job, room: Room, follow: _Follower) -> Room:
    """Return where the gate works: a folder that the runner empties after the job, unless the machine's owner names one.

    What a branch leaves there for the next one to build with is the owner's choice, not ours.
    """
    room = replace(room, logging=follow.start)
    scratch = job.given("RUNNER_TEMP")
    chosen = job.given("COORD_GATE_FOLDER")
    folder = chosen or (f"{scratch}/coord-gate" if scratch else "")
    return replace(room, folder=Path(folder)) if folder else room


def _forget(site: Site) -> None:
    """Believe no evidence that lies on this machine: the code under test runs here, and may have written it."""
    site.workspace.git.flush()
    shutil.rmtree(site.room.state / "evidence", ignore_errors=True)


class _Follower:
    """Prints what is appended to a log, as it comes."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, log: Path) -> None:
        """Follow a log until ``stop``."""
        thread = threading.Thread(target=self._follow, args=(log,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Print what is left, and follow no more."""
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _follow(self, log: Path) -> None:
        with log.open("r", encoding="utf-8", errors="replace", newline="") as stream:
            while True:
                last = self._done.is_set()
                while text := stream.read(1 << 16):
                    self._job.output.err.write(plain(text))
                self._job.output.err.flush()
                if last:
                    return
                self._done.wait(_SHOW_EVERY)


@contextlib.contextmanager
def _shown(job: Job) -> Iterator[_Follower]:
    follower = _Follower(job)
    try:
        yield follower
    finally:
        follower.stop()
