"""The merge queue: which branches may be tried, in which order, and why the others wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from shlex import quote
from typing import assert_never

from coord.core.circles import way
from coord.core.journal import (
    Ahead,
    FastForwarded,
    Holder,
    LandedBy,
    MergedByHand,
    Newborn,
    Reverted,
    waits_for,
)
from coord.core.signal import Done, Stuck, Working
from coord.core.snapshot import Ruling, Snapshot, TaskBranch
from coord.core.text import few
from coord.core.trial import (
    Clash,
    CouldNotRun,
    Green,
    MainRed,
    Red,
    ServerRefused,
    TouchesProtected,
    Underway,
    Unfit,
    Unproven,
)
from coord.core.verdict import Verdict, VerdictKind


class Result(StrEnum):
    """How a branch stands at the end of a run (``land --json``)."""

    LANDED = "landed"
    CONFLICT = "conflict"
    GATE_FAILED = "gate-failed"
    BLOCKED = "blocked"
    PROTECTED = "protected"
    RACED = "raced"
    REFUSED = "refused"
    WAITING = "waiting"


class Cause(StrEnum):
    """Why a branch waits, for programs: who shows it decides by this whose turn it is, never by the words."""

    HELD = "held"
    LABELLED = "labelled"
    REVERTED = "reverted"
    ON_MAIN = "on-main"  # newborn, and its task is open
    NEWBORN = "newborn"
    LANDED = "landed"
    BY_HAND = "by-hand"
    WORKING = "working"
    UNBLOCKED = "unblocked"
    STUCK = "stuck"
    CONFLICT = "conflict"
    GATE_FAILED = "gate-failed"
    OTHERS = "others"  # it holds commits of another branch, or another branch of its task goes first
    TASK_FILE = "task-file"
    DEPENDENCIES = "dependencies"
    PROTECTED = "protected"
    MAIN_RED = "main-red"
    COULD_NOT_RUN = "could-not-run"
    UNFIT = "unfit"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A done branch that may be tried; ``overlaps`` says which files it shares, and with which candidates."""

    branch: TaskBranch
    overlaps: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def shared(self) -> int:
        """Return how many of its files other candidates change too."""
        return len({path for _, paths in self.overlaps for path in paths})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A branch that is not to be tried now: how it stands, why in words and as a ``cause``, and the conflicted or
    protected paths; ``circle`` are the tasks that wait for each other when it holds commits of one that waits for it."""

    branch: TaskBranch
    result: Result
    reason: str
    paths: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    cause: Cause = Cause.OTHERS
    circle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """Candidates in the order in which they are tried, and everybody else with a reason."""

    candidates: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]


def make_queue(snapshot: Snapshot) -> Queue:
    """Return the merge queue of a snapshot.

    A candidate has a task, says done, holds new commits, has its dependencies completed on main, no verdict on its
    tip, and changes nothing protected unless that tip was approved. Candidates that share no file with another go
    first; then by fewest shared files; then oldest tip; then id. The task folder does not count.
    """
    owners = _owners(snapshot)
    judged = [(branch, _why_not(branch, snapshot, owners)) for branch in snapshot.branches]
    free = [branch for branch, waiting in judged if waiting is None]
    sharers = _sharers(free)
    candidates = [Candidate(branch, _overlaps(branch, sharers)) for branch in free]
    candidates.sort(key=lambda c: (c.shared, c.branch.since, c.branch.task, c.branch.name))
    asked = (c for c in candidates if snapshot.is_asked(c.branch.task))
    waiting = tuple(w for _, w in judged if w is not None)
    return Queue(tuple(asked), _with_circles(waiting, free, snapshot))


def _owners(snapshot: Snapshot) -> Mapping[str, str]:
    live = [branch for branch in snapshot.branches if isinstance(branch.standing, Ahead)]
    return waits_for(
        Holder(
            branch=branch.name,
            task=branch.task,
            tip=branch.tip,
            since=branch.since,
            commits=frozenset(branch.commits),
            depends_on=frozenset(task.depends_on)
            if (task := snapshot.graph.get(branch.task))
            else frozenset(),
        )
        for branch in live
    )


def _sharers(branches: list[TaskBranch]) -> dict[str, list[str]]:
    """Return the names of the branches that change each file which more than one changes."""
    by_path: dict[str, list[str]] = {}
    for branch in branches:
        for path in branch.files:
            by_path.setdefault(path, []).append(branch.name)
    return {path: names for path, names in by_path.items() if len(names) > 1}


def _overlaps(branch: TaskBranch, sharers: dict[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    shared: dict[str, list[str]] = {}
    for path in sorted(branch.files & sharers.keys()):
        for name in sharers[path]:
            if name != branch.name:
                shared.setdefault(name, []).append(path)
    return tuple((name, tuple(paths)) for name, paths in sorted(shared.items()))


# -- why a branch waits: the first reason that applies ---------------------------------------------------------


def _why_not(branch: TaskBranch, snapshot: Snapshot, owners: Mapping[str, str]) -> Waiting | None:
    return (
        _held(branch, snapshot)
        or _labelled(branch, snapshot)
        or _not_ahead(branch, snapshot)
        or _says_otherwise(branch, snapshot)
        or _ruled_out(branch, snapshot)
        or _holds_others_commits(branch, snapshot, owners)
        or _task_stands_in_the_way(branch, snapshot)
        or _protected(branch, snapshot)
        or _found_out(branch, snapshot)
    )


def _wait(branch: TaskBranch, cause: Cause, reason: str, on: tuple[str, ...] = ()) -> Waiting:
    return Waiting(branch, Result.WAITING, reason, on=on, cause=cause)


def _held(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    hold = snapshot.hold(branch.task)
    return (
        _wait(
            branch, Cause.HELD, f"held: {hold.text or 'no reason given'} (coord release {quote(branch.task)})"
        )
        if hold
        else None
    )


def _labelled(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    pull = snapshot.pull(branch.name)
    held = [label for label in snapshot.settings.github.hold_labels if pull and label in pull.labels]
    return (
        _wait(branch, Cause.LABELLED, f"held: pull request #{pull.number} bears the label '{held[0]}'")
        if pull and held
        else None
    )


def _not_ahead(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    match branch.standing:
        case Ahead():
            return None
        case Reverted(landing, by):
            return _wait(
                branch,
                Cause.REVERTED,
                f"held: its landing {landing[:7]} was reverted by {by[:7]}, and a merge would bring only newer commits: "
                "revert the revert, or rebase the branch",
            )
        case Newborn(on_main=True) if (task := snapshot.graph.get(branch.task)) and not task.is_completed:
            return _wait(
                branch,
                Cause.ON_MAIN,
                "newborn: its tip is a commit of main (if the work was pushed to main by hand: "
                f"coord complete {quote(branch.task)})",
            )
        case Newborn():
            return _wait(branch, Cause.NEWBORN, "newborn: it holds no commits of its own yet")
        case LandedBy(commit):
            return _wait(branch, Cause.LANDED, f"landed in {commit[:7]}; its branch is to be swept")
        case MergedByHand(commit):
            return _wait(
                branch, Cause.BY_HAND, f"merged by hand in {commit[:7]}; its task is to be completed"
            )
        case FastForwarded():
            words = "main was fast-forwarded to it by hand; its task is to be completed"
            return _wait(branch, Cause.BY_HAND, words)
    assert_never(branch.standing)


def _says_otherwise(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    match branch.signal:
        case Done():
            return None
        case Working(why):
            return _wait(branch, Cause.WORKING, f"working: {why}")
        case Stuck(reason):
            ruling = snapshot.ruling(branch.task)
            if ruling and ruling.verdict.tip == branch.tip and not ruling.verdict.stops:
                return _wait(branch, Cause.UNBLOCKED, "unblocked; it waits for a new push")
            return Waiting(branch, Result.BLOCKED, reason, cause=Cause.STUCK)
    assert_never(branch.signal)


def _ruled_out(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    ruling = snapshot.ruling(branch.task)
    if ruling is None or not stands(ruling, branch):
        return None
    result = result_of(ruling.verdict)
    if (
        result is Result.CONFLICT
        and ruling.overtaken
        and not isinstance(snapshot.finding(branch.tip), ServerRefused)
    ):
        return None
    paths = tuple(conflict.path for conflict in ruling.verdict.paths)
    return Waiting(branch, result, ruling.verdict.reason, paths, cause=_CAUSES[result])


_CAUSES = {
    Result.CONFLICT: Cause.CONFLICT,
    Result.GATE_FAILED: Cause.GATE_FAILED,
    Result.BLOCKED: Cause.STUCK,
}


def result_of(verdict: Verdict) -> Result:
    """Return how a branch stands that a verdict stops."""
    match verdict.kind:
        case VerdictKind.CONFLICT:
            return Result.CONFLICT
        case VerdictKind.GATE_FAILED:
            return Result.GATE_FAILED
        case _:
            return Result.BLOCKED


def stands(ruling: Ruling, branch: TaskBranch) -> bool:
    """Say whether a verdict is about this tip and stops it; a verdict belongs to a tip, a new push lifts it."""
    return ruling.verdict.stops and ruling.verdict.tip == branch.tip


def _holds_others_commits(
    branch: TaskBranch, snapshot: Snapshot, owners: Mapping[str, str]
) -> Waiting | None:
    owner = owners.get(branch.name)
    if owner is None:
        return None
    other = snapshot.branch(owner)
    if other.task == branch.task:
        words = f"{owner} is a branch of the same task with an older tip"
        return _wait(branch, Cause.OTHERS, words, (owner,))
    if other.tip == branch.tip:
        return _wait(branch, Cause.OTHERS, f"newborn: its tip is that of {owner}", (owner,))
    return _wait(branch, Cause.OTHERS, f"it holds commits of {owner}, which has not landed", (owner,))


def _with_circles(
    waiting: tuple[Waiting, ...], free: list[TaskBranch], snapshot: Snapshot
) -> tuple[Waiting, ...]:
    """Return what waits, and of a branch that holds commits of one that waits for it, that they wait for each other.

    No task file says so: one of the ways round is that commits lie on others.
    """
    if all(w.cause is not Cause.OTHERS for w in waiting):
        return waiting
    needs = _needs(waiting, snapshot) | {branch.task: () for branch in free}
    return tuple(_with_circle(w, needs, snapshot) if w.cause is Cause.OTHERS else w for w in waiting)


def _needs(waiting: tuple[Waiting, ...], snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the tasks that each task with a branch that waits needs; none where it has several, and may go on by one."""
    found: dict[str, tuple[str, ...]] = {}
    for w in waiting:
        of_branches = w.cause is Cause.OTHERS
        on = tuple(snapshot.branch(name).task for name in w.on) if of_branches else w.on
        found[w.branch.task] = () if w.branch.task in found else on
    return found


def _with_circle(w: Waiting, needs: Mapping[str, tuple[str, ...]], snapshot: Snapshot) -> Waiting:
    owner = snapshot.branch(w.on[0])
    is_own = owner.task == w.branch.task
    circle = () if is_own else way(owner.task, w.branch.task, lambda id: _needs_of(id, needs, snapshot))
    if not circle:
        return w
    words = f"it holds commits of {owner.name}, which waits for it in turn ({' -> '.join(circle)}): rebase it without them"
    return replace(w, reason=words, circle=circle)


def _needs_of(task: str, needs: Mapping[str, tuple[str, ...]], snapshot: Snapshot) -> tuple[str, ...]:
    if task in needs:
        return needs[task]
    known = snapshot.graph.get(task)
    is_open = known is not None and not known.is_completed and snapshot.settings.land.require_dependencies
    return tuple(need.id for need in snapshot.graph.unmet(task)) if is_open else ()


def _task_stands_in_the_way(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    task = snapshot.graph.get(branch.task)
    if task is None:
        broken = snapshot.graph.unreadable_file(branch.task)
        words = f"its task file cannot be read: coord check {quote(broken)}"
        return _wait(branch, Cause.TASK_FILE, words) if broken else None
    if not task.is_readable:
        return _wait(branch, Cause.TASK_FILE, f"its task file has errors: {task.problems[0]}")
    unmet = snapshot.graph.unmet(branch.task) if snapshot.settings.land.require_dependencies else ()
    if unmet:
        return _wait(
            branch,
            Cause.DEPENDENCIES,
            "waits for " + ", ".join(f"{u.id} ({u.reason})" for u in unmet),
            tuple(u.id for u in unmet),
        )
    return None


def _protected(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    found = snapshot.finding(branch.tip)
    in_trial = frozenset(found.paths) if isinstance(found, TouchesProtected) else frozenset()
    paths = tuple(sorted({p for p in branch.files if snapshot.settings.is_protected(p)} | in_trial))
    if not paths or snapshot.approved(branch):
        return None
    how = "/coord approve on its pull request" if snapshot.hosted else f"coord approve {quote(branch.task)}"
    reason = f"changes protected paths ({few(paths)}): read them, then {how}"
    return Waiting(branch, Result.PROTECTED, reason, paths, cause=Cause.PROTECTED)


def _found_out(branch: TaskBranch, snapshot: Snapshot) -> Waiting | None:
    match snapshot.finding(branch.tip):
        case None | Green() | Clash() | Red() | TouchesProtected() | Unproven() | Underway():
            return None
        case MainRed(step):
            return _wait(branch, Cause.MAIN_RED, f"main is red: {step}")
        case CouldNotRun(reason):
            return _wait(branch, Cause.COULD_NOT_RUN, f"the gate could not run: {reason}")
        case Unfit(reason):
            return _wait(branch, Cause.UNFIT, reason)
        case ServerRefused(words):
            reason = f"the remote refused: {words}"
            return Waiting(branch, Result.REFUSED, reason, cause=Cause.REFUSED)
