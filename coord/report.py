"""What a run of ``coord land`` reports: every task's last outcome, what is worth saying, the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coord.core.queue import Queue, Result, make_queue
from coord.core.snapshot import Snapshot
from coord.core.trial import CouldNotRun, MainRed
from coord.errors import Exit
from coord.outcome import Ending

_CODES = {
    Result.LANDED: Exit.OK,
    Result.CONFLICT: Exit.CONFLICT,
    Result.GATE_FAILED: Exit.GATE_FAILED,
    Result.BLOCKED: Exit.WAITING,
    Result.PROTECTED: Exit.WAITING,
    Result.WAITING: Exit.WAITING,
    Result.RACED: Exit.RACED,
    Result.REFUSED: Exit.REFUSED,
}


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """One task's last outcome in a run."""

    task: str
    branch: str
    tip: str
    result: Result
    reason: str
    commit: str = ""
    paths: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: main before and after, every task's outcome, what is worth saying, the exit code."""

    base: str
    head: str
    outcomes: tuple[TaskOutcome, ...]
    remarks: tuple[str, ...]
    rest: str
    exit: Exit


@dataclass(frozen=True, slots=True)
class Past:
    """What a run did: main before it, each task's last ending, its remarks, why it rests, whether it lost every race."""

    base: str
    endings: Mapping[str, Ending]
    remarks: Sequence[str]
    rest: str
    raced: bool


def make_report(past: Past, snapshot: Snapshot, landed_in: Mapping[str, str], remote: str | None) -> Report:
    """Return the report of a run; ``snapshot`` is how the repository was left, ``landed_in`` each task's last landing."""
    queue = make_queue(snapshot)
    outcomes = {o.task: o for o in _standing(snapshot, queue, past.rest)}
    outcomes |= {task: _from(ending) for task, ending in past.endings.items() if _is_last(ending, snapshot)}
    if snapshot.asked is not None:
        outcomes = {task: outcome for task, outcome in outcomes.items() if task in snapshot.asked}
        for task in sorted(snapshot.asked - outcomes.keys()):
            outcomes[task] = _without_branch(snapshot, task, landed_in.get(task, ""), remote)
    ordered = tuple(outcomes[task] for task in sorted(outcomes))
    remarks = (*past.remarks, *_stranger_words(snapshot))
    code = _exit(snapshot, ordered, raced=past.raced)
    return Report(past.base, snapshot.base, ordered, remarks, past.rest, code)


def _from(ending: Ending) -> TaskOutcome:
    branch = ending.branch
    return TaskOutcome(
        branch.task,
        branch.name,
        branch.tip,
        ending.result,
        ending.reason,
        ending.commit,
        ending.paths,
        ending.seconds,
    )


def _is_last(ending: Ending, snapshot: Snapshot) -> bool:
    """Say whether nothing newer is known: a branch that moved on since is told as it stands now."""
    live = [branch for branch in snapshot.branches if branch.task == ending.branch.task]
    return not live or any(branch.tip == ending.branch.tip for branch in live)


def _standing(snapshot: Snapshot, queue: Queue, rest: str) -> list[TaskOutcome]:
    waiting = [
        TaskOutcome(w.branch.task, w.branch.name, w.branch.tip, w.result, w.reason, paths=w.paths)
        for w in queue.waiting
    ]
    waiting += [
        TaskOutcome(c.branch.task, c.branch.name, c.branch.tip, Result.WAITING, rest)
        for c in queue.candidates
    ]
    return sorted(waiting, key=lambda outcome: (outcome.task, outcome.branch), reverse=True)


def _without_branch(snapshot: Snapshot, task: str, commit: str, remote: str | None) -> TaskOutcome:
    prefix = snapshot.settings.project.prefixes[0]
    known = snapshot.graph.get(task)
    if known is not None and known.is_completed:
        return TaskOutcome(task, prefix + task, "", Result.LANDED, "completed on main", commit)
    where = remote or "this repository"
    return TaskOutcome(task, prefix + task, "", Result.WAITING, f"no branch {prefix}{task} on {where}")


def _stranger_words(snapshot: Snapshot) -> list[str]:
    return [
        f"{stranger.name} belongs to no task on main: ignored"
        + (f" (like {', '.join(stranger.near)})" if stranger.near else "")
        for stranger in snapshot.strangers
    ]


def _exit(snapshot: Snapshot, outcomes: tuple[TaskOutcome, ...], *, raced: bool) -> Exit:
    present = snapshot.lines.values()
    codes = [Exit.ERROR for finding in present if isinstance(finding, CouldNotRun)]
    if snapshot.asked is not None:
        stuck_machine = bool(codes)
        codes += [
            _CODES[outcome.result]
            for outcome in outcomes
            if not (stuck_machine and outcome.result is Result.WAITING)
        ]
        return max(codes, default=Exit.OK)
    codes += [Exit.WAITING for finding in present if isinstance(finding, MainRed)]
    codes += [_CODES[o.result] for o in outcomes if o.result in (Result.RACED, Result.REFUSED)]
    codes += [Exit.WAITING] if snapshot.freeze is not None else []
    codes += [Exit.RACED] if raced else []
    return max(codes, default=Exit.OK)
