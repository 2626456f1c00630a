"""The plan: from a snapshot to the one thing to do next. Pure; the specification of a run is this file and the queue.

``next_action`` is asked, its answer applied, the world looked at again, until it answers Idle. Killed at any point,
the next run asks it the same question.
"""

from __future__ import annotations

from shlex import quote

from coord.core.action import Action, Block, Complete, Gate, Idle, Look, Publish, Sweep, Wait
from coord.core.journal import FastForwarded, LandedBy, MergedByHand, Newborn
from coord.core.queue import Candidate, Queue, make_queue, stands
from coord.core.schedule import Facts, Line, Schedule, green_line, make_schedule
from coord.core.settings import Strategy
from coord.core.signal import Stuck
from coord.core.snapshot import Mark, Snapshot, TaskBranch
from coord.core.text import few, whole_number
from coord.core.trial import (
    Clash,
    CouldNotRun,
    GatedTrial,
    Green,
    MainRed,
    Red,
    ServerRefused,
    TouchesProtected,
    Underway,
    Unfit,
    Unproven,
)
from coord.core.verdict import Verdict, VerdictKind, same_result


def next_action(snapshot: Snapshot) -> Action:
    """Return what to do next.

    Tidying what has landed comes first, then what people must be told, then publishing what is validated, then
    validating what the schedule wants. A red main, or a gate that cannot run, pauses landing but not the rest.
    """
    if snapshot.freeze is not None:
        return Idle(f"all landing is frozen: {snapshot.freeze} (coord thaw)")
    queue = make_queue(snapshot)
    return (
        _sweep(snapshot)
        or _complete(snapshot)
        or _block(snapshot, queue)
        or _land(snapshot, queue)
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
    paths = few(conflict.shown for conflict in clash.paths)
    other = f" with {', '.join(clash.by)}" if clash.by else ""
    return Verdict(
        task=branch.task,
        branch=branch.name,
        tip=branch.tip,
        base=snapshot.base,
        kind=VerdictKind.CONFLICT,
        reason=f"conflict in {paths}{other}" + (f" ({clash.note})" if clash.note else ""),
        paths=clash.paths,
        by=clash.by,
        tried=f"merging {branch.name} into main",
        attempts=_attempt(branch, snapshot),
        suggestion=f"on {branch.name}: merge main, resolve the paths named, push",
        reproduce=reproduce(branch, snapshot),
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
        reproduce=(*reproduce(branch, snapshot), red.step),
    )


def reproduce(branch: TaskBranch, snapshot: Snapshot) -> tuple[str, ...]:
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


def _land(snapshot: Snapshot, queue: Queue) -> Action | None:
    """Return the next step of landing: look at what may be known, keep the workers busy, publish, wait.

    With one worker what passed is published before the next is validated; with several, none of them waits for a push.
    """
    candidates = {candidate.branch.tip: candidate for candidate in queue.candidates}
    facts = facts_of(snapshot)
    workers = snapshot.settings.land.workers if snapshot.validates else 1
    schedule = make_schedule(_strategy(snapshot), tuple(candidates), facts, workers)
    paused = _paused(snapshot)
    if paused is not None:
        return _publish(snapshot, candidates, schedule.land) or paused
    return (
        _walk(snapshot, candidates, facts)
        or (_keep_busy(snapshot, candidates, schedule) if workers > 1 else None)
        or _publish(snapshot, candidates, schedule.land)
        or _keep_busy(snapshot, candidates, schedule)
        or (Wait(_waiting_words(snapshot)) if snapshot.running and candidates else None)
    )


def lines_to_validate(snapshot: Snapshot) -> tuple[tuple[TaskBranch, ...], ...]:
    """Return the lines that the schedule wants validated side by side, the most useful first, whatever is known of them.

    It is what a run starts whose validations happen elsewhere: a line that is not known yet is looked at first, since
    one that cannot be made changes what is wanted.
    """
    if snapshot.freeze is not None or _paused(snapshot) is not None:
        return ()
    candidates = {candidate.branch.tip: candidate.branch for candidate in make_queue(snapshot).candidates}
    workers = snapshot.settings.land.workers
    schedule = make_schedule(_strategy(snapshot), tuple(candidates), facts_of(snapshot), workers)
    return tuple(tuple(candidates[tip] for tip in line) for line in schedule.run)


def _strategy(snapshot: Snapshot) -> Strategy:
    """Return how branches land: where the remote takes them one by one only, each has to be a step of its own."""
    return snapshot.settings.land.strategy if snapshot.group > 1 else Strategy.EACH


def facts_of(snapshot: Snapshot) -> Facts:
    """Return what this run knows about lines on the present main, for the schedule."""
    by_kind: dict[type, set[Line]] = {}
    for line, finding in snapshot.lines.items():
        by_kind.setdefault(type(finding), set()).add(line)

    def lines(*kinds: type) -> frozenset[Line]:
        return frozenset().union(*(by_kind.get(kind, ()) for kind in kinds))

    underway = lines(Underway)
    passed = (ended.tips for ended in snapshot.ended if ended.passed)
    failed = (frozenset(ended.tips) for ended in snapshot.ended if not ended.passed)
    return Facts(
        green=lines(Green),
        red=lines(Red),
        unfit=lines(Clash, Unfit, TouchesProtected, ServerRefused),
        running=underway,
        elsewhere=max(0, snapshot.running - len(underway)),
        good=frozenset(tip for tips in passed for tip in tips),
        doubted=tuple(failed),
        landed=snapshot.landed,
        rejected=snapshot.rejected,
    )


def _walk(snapshot: Snapshot, candidates: dict[str, Candidate], facts: Facts) -> Look | None:
    """Look on along the queue while what comes next may be known to pass: all of that is published in one push."""
    passed = green_line(tuple(candidates), facts)
    nexts = {tip: snapshot.lines.get((*passed, tip)) for tip in candidates if tip not in passed}
    if any(isinstance(finding, Unproven | Underway) for finding in nexts.values()):
        return None
    then = [candidates[tip] for tip, finding in nexts.items() if finding is None][
        : snapshot.group - len(passed)
    ]
    if not then:
        return None
    onto = tuple(candidates[tip].branch for tip in passed)
    return Look(_why_next(then[0]), onto=onto, then=tuple(candidate.branch for candidate in then))


def _why_next(head: Candidate) -> str:
    if not head.overlaps:
        return f"try {head.branch.name}: it shares no file with another candidate"
    with_whom = ", ".join(name for name, _ in head.overlaps)
    files = "1 file" if head.shared == 1 else f"{head.shared} files"
    return f"try {head.branch.name}: it shares {files} with {with_whom}; none shares fewer"


def _keep_busy(
    snapshot: Snapshot, candidates: dict[str, Candidate], schedule: Schedule
) -> Look | Gate | Idle | None:
    def branches(line: Line) -> tuple[TaskBranch, ...]:
        return tuple(candidates[tip].branch for tip in line)

    unknown = tuple(branches(line) for line in schedule.run if line not in snapshot.lines)
    if unknown:
        return Look("see what is known about the next lines", lines=unknown)
    fresh = tuple(branches(line) for line in schedule.run if isinstance(snapshot.lines.get(line), Unproven))
    if not fresh and not schedule.cancel:
        return None
    if not snapshot.validates:
        return Idle(f"left to the next run: {_gate_words(fresh, candidates)}")
    if not fresh:
        return Gate((), "stop what can be of no use any more", schedule.cancel)
    return Gate(fresh, _gate_words(fresh, candidates), schedule.cancel)


def _gate_words(lines: tuple[tuple[TaskBranch, ...], ...], candidates: dict[str, Candidate]) -> str:
    if len(lines) == 1 and len(lines[0]) == 1:
        return _why_next(candidates[lines[0][0].tip])
    said = ("main+" + "+".join(branch.task for branch in line) for line in lines)
    return f"validate {', '.join(said)}"


def _waiting_words(snapshot: Snapshot) -> str:
    return f"{snapshot.running} {'validation runs' if snapshot.running == 1 else 'validations run'}"


def _publish(snapshot: Snapshot, candidates: dict[str, Candidate], line: Line) -> Publish | None:
    if not line:
        return None
    each = _strategy(snapshot) is Strategy.EACH
    line = line[: snapshot.group] if each else line
    branches = tuple(candidates[tip].branch for tip in line)
    steps = [line[:length] for length in range(1, len(line) + 1)] if each else [line]
    trials = tuple(gated for step in steps if (gated := _gated(snapshot, step)))
    names = few(branch.name for branch in branches)
    return Publish(trials, branches, f"publish {names}: validated as exactly what main will be")


def _gated(snapshot: Snapshot, line: Line) -> GatedTrial | None:
    finding = snapshot.lines.get(line)
    return finding.gated if isinstance(finding, Green) else None


def _paused(snapshot: Snapshot) -> Idle | None:
    for finding in snapshot.lines.values():
        match finding:
            case MainRed(step):
                return Idle(f"main is red: {step}; nobody is blamed, landing rests until main is mended")
            case CouldNotRun(reason):
                return Idle(f"the gate could not run: {reason}")
            case _:
                pass
    return None


def _actionable(branch: TaskBranch, snapshot: Snapshot) -> bool:
    held = snapshot.hold(branch.task) is not None
    return snapshot.is_asked(branch.task) and not held and not _refused(branch.tip, snapshot)


def _refused(oid: str, snapshot: Snapshot) -> bool:
    """Say whether an action on this object failed in this run: it is not asked again before main moves."""
    return isinstance(snapshot.finding(oid), ServerRefused | Unfit)
