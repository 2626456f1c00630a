"""One run: observe, plan, apply, until there is nothing left to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from coord.apply import RACES, Ending, Learned, Moved, Raced, Site, apply
from coord.core.action import Block, Complete, Gate, Idle, Publish, Sweep
from coord.core.plan import next_action
from coord.core.queue import Queue, Result, make_queue
from coord.core.settings import Settings, Strategy
from coord.core.snapshot import Snapshot
from coord.core.trial import CouldNotRun, Found, MainRed, Red
from coord.errors import CoordError, Exit
from coord.events import record
from coord.freshness import fetch
from coord.gate import forget_versions
from coord.observe import View, observe
from coord.site import open_site
from coord.workspace import Workspace
from coord.worktree import Kept, Removed, tidy

#: How many lines of a red step's output are shown; the log holds all of them.
_LOG_LINES = 12

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


@dataclass
class _Run:
    """What a run has learned and done so far."""

    site: Site
    asked: frozenset[str] | None
    show: Callable[[str], None]
    view: View
    findings: list[Found] = field(default_factory=list)
    endings: dict[str, Ending] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    races: int = 0
    raced: bool = False

    @property
    def snapshot(self) -> Snapshot:
        return replace(self.view.snapshot, findings=tuple(self.findings), asked=self.asked)


def land(
    workspace: Workspace, asked: Sequence[str] = (), *, here: Path, show: Callable[[str], None]
) -> Report:
    """Land what is ready and return what happened; ``asked`` limits the run to some tasks.

    Killed at any point, the next call finishes the job: everything is read anew from git.
    """
    site = open_site(workspace, show)
    forget_versions()
    fetch(workspace)
    view = observe(workspace)
    for words in _not_yet(view.snapshot.settings):
        show(words)
    ids = resolve_tasks(view.snapshot, asked) if asked else None
    run = _Run(site, ids, show, view)
    base = view.snapshot.base
    rest = _until_idle(run)
    if not run.raced:
        run.remarks += tidy_local(workspace, run.view, here)
    return _report(run, base, rest)


def _not_yet(settings: Settings) -> list[str]:
    """Say which settings this version reads and does not follow, rather than pass them over in silence."""
    told = [
        (
            settings.land.strategy is not Strategy.EACH,
            '[land] strategy = "batch"',
            "branches land one by one",
        ),
        (
            settings.land.workers > 1,
            f"[land] workers = {settings.land.workers}",
            "one trial is validated at a time",
        ),
    ]
    return [f"{key} is not followed by this version: {instead}" for applies, key, instead in told if applies]


def _until_idle(run: _Run) -> str:
    """Ask for the next action and apply it until there is none; return why landing rests."""
    previous: object = None
    while not isinstance(action := next_action(run.snapshot), Idle):
        if action == previous:
            raise CoordError(
                f"no progress: {action.reason}", hint="a defect: please report it with coord plan --json"
            )
        previous = action
        _announce(run, action)
        match apply(run.site, run.view, action):
            case Learned(found):
                run.findings += found
                _show_why(run, found)
            case Moved() as moved:
                _take(run, moved)
            case Raced() as raced:
                previous = None
                if _lost(run, raced):
                    return f"lost the race for {raced.ref} {run.races} times: run it again"
    return action.reason


def _announce(run: _Run, action: Gate | Publish | Block | Complete | Sweep) -> None:
    match action:
        case Gate():
            run.show(f"next: {action.reason}")
        case Sweep():
            run.show(action.reason)
        case Publish() | Block() | Complete():
            pass  # how it ended is told, with the reason


def _show_why(run: _Run, found: Sequence[Found]) -> None:
    """Show the end of what a red step printed, and what helps a gate that could not run.

    The bar keeps a line of foreign output from being taken for ours.
    """
    for each in found:
        match each.finding:
            case Red(step, log) | MainRed(step, log):
                run.show(f"{step} printed (all of it is in {run.site.room.state / 'logs'}):")
                for line in log.splitlines()[-_LOG_LINES:]:
                    run.show(f"  | {line}")
            case CouldNotRun(reason, hint):
                run.show(f"the gate could not run: {reason}" + (f"\n  hint: {hint}" if hint else ""))
            case _:
                pass


def _take(run: _Run, moved: Moved) -> None:
    run.races = 0
    run.findings += moved.found
    run.remarks += moved.remarks
    for ending in moved.endings:
        run.endings[ending.branch.task] = ending
        _tell(run, ending)
    _look_again(run)


def _lost(run: _Run, raced: Raced) -> bool:
    """Count a lost race and look again; say whether it was one too many."""
    run.races += 1
    if run.races > RACES:
        run.raced = True
        result, why = Result.RACED, f"{raced.ref} kept moving"
        if raced.lock:
            result = Result.REFUSED
            why = f"{raced.lock} is in the way: a killed git left it; if no git is running there, remove it"
        for branch in raced.branches:
            run.endings[branch.task] = Ending(branch, result, why)
            run.show(f"{branch.name}: {result}: {why}")
        return True
    if raced.lock:
        # Another git may be at work on this ref: it lets go within moments, unless it was killed.
        time.sleep(0.1 * run.races)
    run.show(f"{raced.ref} moved meanwhile: looking again ({run.races} of {RACES})")
    _look_again(run)
    return False


def _tell(run: _Run, ending: Ending) -> None:
    run.show(_ending_words(ending))
    for line in ending.details:
        run.show(f"    {line}")
    record(
        run.site.workspace.state,
        run.view.snapshot.at,
        ending.result.value,
        task=ending.branch.task,
        branch=ending.branch.name,
        tip=ending.branch.tip,
        commit=ending.commit,
        reason=ending.reason,
        seconds=round(ending.seconds, 3),
        flaky=list(ending.flaky),
    )


def _ending_words(ending: Ending) -> str:
    if ending.reason.startswith(ending.result):
        return f"{ending.branch.name}: {ending.reason}"
    result = f"{ending.result} in {ending.commit[:7]}" if ending.commit else str(ending.result)
    return f"{ending.branch.name}: {result}" + (f" ({ending.reason})" if ending.reason else "")


def _look_again(run: _Run) -> None:
    fetch(run.site.workspace)
    run.view = observe(run.site.workspace)
    base = run.view.snapshot.base
    run.findings = [found for found in run.findings if found.base == base]


# -- the report ----------------------------------------------------------------------------------------------------


def _report(run: _Run, base: str, rest: str) -> Report:
    snapshot = run.snapshot
    queue = make_queue(snapshot)
    outcomes = {o.task: o for o in _standing(snapshot, queue, rest)}
    outcomes |= {task: _from(ending) for task, ending in run.endings.items() if _is_last(ending, snapshot)}
    if run.asked is not None:
        outcomes = {task: outcome for task, outcome in outcomes.items() if task in run.asked}
        for task in sorted(run.asked - outcomes.keys()):
            outcomes[task] = _without_branch(run, snapshot, task)
    ordered = tuple(outcomes[task] for task in sorted(outcomes))
    remarks = (*run.remarks, *_stranger_words(snapshot))
    return Report(base, snapshot.base, ordered, remarks, rest, _exit(run, snapshot, ordered))


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


def _without_branch(run: _Run, snapshot: Snapshot, task: str) -> TaskOutcome:
    prefix = snapshot.settings.project.prefixes[0]
    known = snapshot.graph.get(task)
    if known is not None and known.is_completed:
        commit = run.view.landed_in.get(task, "")
        return TaskOutcome(task, prefix + task, "", Result.LANDED, "completed on main", commit)
    where = run.site.workspace.remote or "this repository"
    return TaskOutcome(task, prefix + task, "", Result.WAITING, f"no branch {prefix}{task} on {where}")


def _stranger_words(snapshot: Snapshot) -> list[str]:
    return [
        f"{stranger.name} belongs to no task on main: ignored"
        + (f" (like {', '.join(stranger.near)})" if stranger.near else "")
        for stranger in snapshot.strangers
    ]


def _exit(run: _Run, snapshot: Snapshot, outcomes: tuple[TaskOutcome, ...]) -> Exit:
    present = [found.finding for found in run.findings if found.base == snapshot.base]
    codes = [Exit.ERROR for finding in present if isinstance(finding, CouldNotRun)]
    if run.asked is not None:
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
    codes += [Exit.RACED] if run.raced else []
    return max(codes, default=Exit.OK)


# -- what a run needs to know --------------------------------------------------------------------------------------


def resolve_tasks(snapshot: Snapshot, words: Sequence[str]) -> frozenset[str]:
    """Return the task ids that people mean by ids or branch names. Raises UsageError with near ids."""
    return frozenset(snapshot.resolve(word) for word in words)


# -- tidying up ----------------------------------------------------------------------------------------------------


def _is_over(snapshot: Snapshot, branch: str) -> bool:
    """Say whether a branch's task is over; one that starts on the landed commits of another is not."""
    task_id = snapshot.settings.task_of(branch)
    task = snapshot.graph.get(task_id) if task_id else None
    return task_id is not None and (task is None or task.is_completed)


def tidy_local(workspace: Workspace, view: View, here: Path) -> list[str]:
    """Remove local branches and worktrees of what has landed, and return what was removed or kept.

    Judged by what git says now, not by what this run did, so that a killed run's leftovers go as well: a task branch
    that the remote no longer has and whose tip main contains off its first-parent chain (so it once held work).
    """
    if workspace.remote is None:
        return []
    live = {branch.name for branch in view.snapshot.branches} | {s.name for s in view.snapshot.strangers}
    remarks = []
    for ref in workspace.git.contained_heads(view.snapshot.base):
        branch = ref.name.removeprefix("refs/heads/")
        if branch in live or ref.oid in view.on_chain or not _is_over(view.snapshot, branch):
            continue
        match tidy(workspace.git, branch, ref.oid, here=here):
            case Removed(name, path):
                remarks.append(
                    f"removed the local branch {name}" + (f" and its worktree {path}" if path else "")
                )
            case Kept(name, path, why):
                remarks.append(f"kept the local branch {name}" + (f" ({path})" if path else "") + f": {why}")
    return remarks
