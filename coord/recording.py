"""What a run writes into the log of local events: tips that are new here, validations that ended, how branches ended."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from coord import events
from coord import underway as underway_file
from coord.core.history import Entry, Kind, Source
from coord.core.present import Validation
from coord.core.signal import Working
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.text import one_line
from coord.core.trial import CouldNotRun, Found, Green, MainRed, Red, ServerRefused
from coord.lanes import Lane
from coord.outcome import Ended, Ending
from coord.workspace import Workspace


def seen(workspace: Workspace, snapshot: Snapshot) -> None:
    """Record the tips that this machine sees for the first time, and those that are done now."""
    at = int(time.time())
    sights = [
        Entry(
            at, Kind.SEEN, branch.task, "", Source.EVENT, branch=branch.name, tip=branch.tip,
            working=isinstance(branch.signal, Working),
        )
        for branch in snapshot.branches
    ]  # fmt: skip
    events.note_seen(workspace.state, sights)


def ended(workspace: Workspace, ending: Ending) -> None:
    """Record how a branch ended."""
    branch = ending.branch
    entry = Entry(
        at=int(time.time()),
        kind=Kind(ending.result.value),
        task=branch.task,
        reason=ending.reason,
        source=Source.EVENT,
        branch=branch.name,
        tip=branch.tip,
        commit=ending.commit,
        paths=ending.paths,
        seconds=round(ending.seconds, 3),
        flaky=ending.flaky,
    )
    events.record(workspace.state, entry)


def validated(
    workspace: Workspace, base: str, ended: Sequence[Ended], branches: Mapping[str, TaskBranch]
) -> None:
    """Record the validations that have ended; ``branches`` are those that may be tried, by their tips."""
    at = int(time.time())
    found = (_validation(each, base, branches, at) for each in ended)
    events.record(workspace.state, *(entry for entry in found if entry))


def _validation(each: Ended, base: str, branches: Mapping[str, TaskBranch], at: int) -> Entry | None:
    """A validation is that of the last branch of its line, given the others."""
    line = [branches[tip] for tip in each.about if tip in branches]
    last = line[-1] if line and line[-1].tip == each.about[-1] else None
    judged = _judged(each.finding)
    if judged is None:
        return None
    kind, reason, step, seconds, flaky = judged
    return Entry(
        at=at,
        kind=kind,
        task=last.task if last else "",
        reason=reason,
        source=Source.EVENT,
        branch=last.name if last else "",
        tip=each.about[-1],
        main=base,
        others=tuple(branch.name for branch in line[:-1]),
        step=step,
        seconds=round(seconds, 3),
        flaky=flaky,
    )


def _judged(finding: object) -> tuple[Kind, str, str, float, tuple[str, ...]] | None:
    """Return the kind, the words, the red step, the seconds and the flaky steps of what a validation gave."""
    match finding:
        case Green(gated):
            return Kind.VALIDATED, f"{gated.profile} passed", "", gated.seconds, gated.flaky
        case Red(step, _, seconds):
            return Kind.VALIDATED, f"{step} failed", step, seconds, ()
        case MainRed(step):
            return Kind.MAIN_RED, f"{step} fails on main too", step, 0.0, ()
        case CouldNotRun(reason):
            return Kind.COULD_NOT_RUN, reason, "", 0.0, ()
        case _:
            return None


def refused(workspace: Workspace, snapshot: Snapshot, found: Sequence[Found]) -> None:
    """Record which branches the remote did not take, in its own words."""
    words = {each.tips[-1]: each.finding.words for each in found if isinstance(each.finding, ServerRefused)}
    at = int(time.time())
    entries = [
        Entry(
            at, Kind.REFUSED, b.task, words[b.tip], Source.EVENT, branch=b.name, tip=b.tip, main=snapshot.base
        )
        for b in snapshot.branches
        if b.tip in words
    ]
    events.record(workspace.state, *entries)


def underway(workspace: Workspace, lanes: Iterable[Lane], branches: Mapping[str, TaskBranch]) -> None:
    """Say which validations run now; ``branches`` are those that may be tried, by their tips."""
    now, clock = time.time(), time.monotonic()
    running = []
    for lane in lanes:
        names = tuple(branches[tip].name for tip in lane.tips if tip in branches)
        if names:
            running.append(Validation(names, int(now - (clock - lane.started))))
    underway_file.write(workspace.state, running)


def raced(workspace: Workspace, ref: str, branches: Sequence[TaskBranch], *, times: int) -> None:
    """Record a lost race about ``ref``; ``times`` counts those of this run."""
    at, words = int(time.time()), f"{ref} moved meanwhile ({times})"
    entries = [Entry(at, Kind.RACED, b.task, words, Source.EVENT, branch=b.name, tip=b.tip) for b in branches]
    events.record(workspace.state, *entries)


def decided(workspace: Workspace, kind: Kind, tasks: Sequence[str], reason: str, commit: str) -> None:
    """Record what a person has decided about tasks (``""``: about all landing), the ``commit`` that says it (``""``: a ref
    is gone), and who it was by git's configuration."""
    who = workspace.git.config(r"^user\.name$").get("user.name", "")
    at = int(time.time())
    entries = [
        Entry(at, kind, task, one_line(reason), Source.EVENT, commit=commit, by=one_line(who))
        for task in tasks
    ]
    events.record(workspace.state, *entries)
