"""The plan: from a snapshot to the one thing to do next. Pure; the specification of a run is this file and the queue.

``next_action`` is asked, its answer applied, the world looked at again, until it answers Idle. Killed at any point,
the next run asks it the same question.
"""

from __future__ import annotations

from shlex import quote

from coord.core.action import Action, Block, Complete, Gate, Idle, Publish, Sweep
from coord.core.journal import FastForwarded, LandedBy, MergedByHand, Newborn
from coord.core.queue import Queue, make_queue, stands
from coord.core.signal import Stuck
from coord.core.snapshot import Mark, Snapshot, TaskBranch
from coord.core.text import whole_number
from coord.core.trial import Clash, CouldNotRun, Found, Green, MainRed, Red, ServerRefused, Unfit
from coord.core.verdict import Verdict, VerdictKind, same_result


def next_action(snapshot: Snapshot) -> Action:
    """Return what to do next.

    Tidying what has landed comes first, then what people must be told, then publishing what is validated, then
    validating the head of the queue. A red main, or a gate that cannot run, pauses landing but not the rest.
    """
    if snapshot.freeze is not None:
        return Idle(f"all landing is frozen: {snapshot.freeze} (coord thaw)")
    queue = make_queue(snapshot)
    return (
        _sweep(snapshot)
        or _complete(snapshot)
        or _block(snapshot, queue)
        or _publish(snapshot, queue)
        or _paused(snapshot)
        or _gate(queue)
        or Idle("nothing is ready to land")
    )


def _sweep(snapshot: Snapshot) -> Sweep | None:
    branches = tuple(
        branch
        for branch in snapshot.branches
        if _actionable(branch, snapshot) and _is_done_with(branch, snapshot)
    )
    marks = tuple(
        mark for mark in snapshot.debris if snapshot.is_asked(mark.task) and not _refused(mark.oid, snapshot)
    )
    if not branches and not marks:
        return None
    return Sweep(branches, marks, "landed, nothing left to do: " + ", ".join(_names(branches, marks)))


def _names(branches: tuple[TaskBranch, ...], marks: tuple[Mark, ...]) -> list[str]:
    return [*(branch.name for branch in branches), *(mark.ref for mark in marks)]


def _is_done_with(branch: TaskBranch, snapshot: Snapshot) -> bool:
    task = snapshot.graph.get(branch.task)
    completed = task is not None and task.is_completed
    match branch.standing:
        case LandedBy():
            return True
        case MergedByHand() | FastForwarded():
            return completed
        case Newborn():
            return completed and all(claim.task != branch.task for claim in snapshot.claims)
        case _:
            return False


def _complete(snapshot: Snapshot) -> Complete | None:
    for branch in snapshot.branches:
        if not _actionable(branch, snapshot):
            continue
        match branch.standing:
            case MergedByHand(commit):
                return Complete(branch, commit, f"{branch.name} was merged by hand in {commit[:7]}")
            case FastForwarded():
                return Complete(branch, branch.tip, f"main was fast-forwarded to {branch.name} by hand")
            case _:
                pass
    return None


def _block(snapshot: Snapshot, queue: Queue) -> Block | None:
    tried = {candidate.branch.name for candidate in queue.candidates}
    for branch in snapshot.branches:
        if not snapshot.is_asked(branch.task):
            continue
        verdict = (
            _verdict_of(branch, snapshot) if branch.name in tried else _own_word(branch, snapshot, queue)
        )
        if verdict is None:
            continue
        ruling = snapshot.ruling(branch.task)
        known = ruling is not None and stands(ruling, branch) and same_result(ruling.verdict, verdict)
        found = snapshot.finding(branch.tip)
        seconds = found.seconds if isinstance(found, Red) else 0.0
        reason = f"{branch.name}: {verdict.reason}"
        return Block(branch, verdict, ruling, episode=not known, reason=reason, seconds=seconds)
    return None


def _own_word(branch: TaskBranch, snapshot: Snapshot, queue: Queue) -> Verdict | None:
    """Return the verdict that a branch pronounces on itself (an agent's safe exit), once a tip."""
    if not isinstance(branch.signal, Stuck) or not _actionable(branch, snapshot):
        return None
    ruling = snapshot.ruling(branch.task)
    if ruling is not None and ruling.verdict.tip == branch.tip:
        return None
    blocked = any(w.branch is branch and w.result == "blocked" for w in queue.waiting)
    if not blocked:
        return None
    stuck = branch.signal
    return Verdict(
        task=branch.task,
        branch=branch.name,
        tip=branch.tip,
        base=snapshot.base,
        kind=VerdictKind.BLOCKED,
        reason=stuck.reason,
        tried=stuck.tried,
        attempts=stuck.attempts,
        suggestion=stuck.suggestion,
    )


def _verdict_of(branch: TaskBranch, snapshot: Snapshot) -> Verdict | None:
    match snapshot.finding(branch.tip):
        case Clash() as clash:
            return _conflict(branch, snapshot, clash)
        case Red() as red:
            return _gate_failed(branch, snapshot, red)
        case _:
            return None


def _conflict(branch: TaskBranch, snapshot: Snapshot, clash: Clash) -> Verdict:
    paths = ", ".join(conflict.path for conflict in clash.paths[:3])
    more = f" and {len(clash.paths) - 3} more" if len(clash.paths) > 3 else ""
    other = f" with {', '.join(clash.by)}" if clash.by else ""
    return Verdict(
        task=branch.task,
        branch=branch.name,
        tip=branch.tip,
        base=snapshot.base,
        kind=VerdictKind.CONFLICT,
        reason=f"conflict in {paths}{more}{other}" + (f" ({clash.note})" if clash.note else ""),
        paths=clash.paths,
        by=clash.by,
        tried=f"merging {branch.name} into main",
        attempts=_attempt(branch, snapshot),
        suggestion=f"on {branch.name}: merge main, resolve the paths named, push",
        reproduce=_reproduce(branch, snapshot),
    )


def _gate_failed(branch: TaskBranch, snapshot: Snapshot, red: Red) -> Verdict:
    return Verdict(
        task=branch.task,
        branch=branch.name,
        tip=branch.tip,
        base=snapshot.base,
        kind=VerdictKind.GATE_FAILED,
        reason=f"{red.step} failed",
        step=red.step,
        log=red.log,
        tried=f"{red.step} on {branch.name} merged into main (main alone passes)",
        attempts=_attempt(branch, snapshot),
        suggestion=f"on {branch.name}: merge main, run {red.step}, mend it, push",
        reproduce=(*_reproduce(branch, snapshot), red.step),
    )


def _reproduce(branch: TaskBranch, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the commands that show it again; a branch name is data, so it is quoted for the shell."""
    remote = snapshot.upstream.partition("/")[0]
    return (
        f"git fetch {quote(remote)}",
        f"git switch {quote(branch.name)}",
        f"git merge {quote(snapshot.upstream)}",
    )


def _attempt(branch: TaskBranch, snapshot: Snapshot) -> str:
    ruling = snapshot.ruling(branch.task)
    before = whole_number(ruling.verdict.attempts) if ruling else None
    return str((before or 0) + 1)


def _publish(snapshot: Snapshot, queue: Queue) -> Publish | None:
    for candidate in queue.candidates:
        found = snapshot.finding(candidate.branch.tip)
        if isinstance(found, Green):
            return Publish(
                (found.gated,),
                (candidate.branch,),
                f"publish {candidate.branch.name}: it passed on exactly this tree",
            )
    return None


def _paused(snapshot: Snapshot) -> Idle | None:
    for found in _present(snapshot):
        match found.finding:
            case MainRed(step):
                return Idle(f"main is red: {step}; nobody is blamed, landing rests until main is mended")
            case CouldNotRun(reason):
                return Idle(f"the gate could not run: {reason}")
            case _:
                pass
    return None


def _present(snapshot: Snapshot) -> list[Found]:
    return [found for found in snapshot.findings if found.base == snapshot.base]


def _gate(queue: Queue) -> Gate | None:
    if not queue.candidates:
        return None
    head = queue.candidates[0]
    if not head.overlaps:
        return Gate((head,), f"try {head.branch.name}: it shares no file with another candidate")
    with_whom = ", ".join(name for name, _ in head.overlaps)
    files = "1 file" if head.shared == 1 else f"{head.shared} files"
    return Gate((head,), f"try {head.branch.name}: it shares {files} with {with_whom}; none shares fewer")


def _actionable(branch: TaskBranch, snapshot: Snapshot) -> bool:
    held = any(mark.task == branch.task for mark in snapshot.holds)
    return snapshot.is_asked(branch.task) and not held and not _refused(branch.tip, snapshot)


def _refused(oid: str, snapshot: Snapshot) -> bool:
    """Say whether an action on this object failed in this run: it is not asked again before main moves."""
    return isinstance(snapshot.finding(oid), ServerRefused | Unfit)
