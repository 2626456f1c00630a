"""From a snapshot to how the repository stands now: what lands next and why, what waits, and whose turn it is. Pure.

Whose turn it is goes by the cause (``queue.Cause``), never by words. ``waiting`` goes on by itself, or when those who
work on it or keep it back say so; for what is ``blocked`` somebody has to mend or decide something first. Where a branch
needs work, it is the turn of the agent that has a session on it here (``coord message`` reaches it); without one nobody
that coord knows of will do it, so a maintainer's, who can give the task to another agent (``coord spawn``).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from coord.core.action import Block, Complete, Sweep
from coord.core.asking import answer_to
from coord.core.journal import Reverted
from coord.core.plan import next_action
from coord.core.present import AtWork, Held, Next, Present, Turn
from coord.core.queue import Candidate, Cause, Result, Waiting, make_queue, stands
from coord.core.snapshot import Ruling, Snapshot
from coord.core.spawning import why_not
from coord.core.task import Status, Task
from coord.core.text import few

#: Sessions that a message reaches: they have a host, or are taken up again by it.
_REACHABLE = frozenset(
    {"starting", "working", "waiting", "idle", "attention", "interrupted", "done", "blocked"}
)
#: Sessions that work, or are about to.
_AT_WORK = frozenset({"starting", "working", "waiting", "idle"})

#: What goes on by itself, or when who works on it or keeps it back says so.
_GOES_ON = frozenset(
    {
        Cause.HELD, Cause.LABELLED, Cause.ON_MAIN, Cause.NEWBORN, Cause.LANDED, Cause.BY_HAND, Cause.WORKING,
        Cause.UNBLOCKED, Cause.OTHERS, Cause.DEPENDENCIES,
    }
)  # fmt: skip

#: The words that tasks are counted under, in the order in which they are told.
WORDS = ("ready", "in_progress", "waiting", "blocked", "not_for_agents", "completed")


@dataclass(frozen=True, slots=True)
class _Scene:
    """What rows are made from: the snapshot and the newest session of each task."""

    snapshot: Snapshot
    sessions: Mapping[str, AtWork]

    def name(self, task: str) -> str:
        known = self.snapshot.graph.get(task)
        return known.name if known else ""

    def status(self, task: str) -> str:
        known = self.snapshot.graph.get(task)
        return known.status.value if known else ""

    def session(self, task: str) -> AtWork | None:
        return self.sessions.get(task)


def present_of(snapshot: Snapshot, sessions: tuple[AtWork, ...] = (), *, main: str, said: str) -> Present:
    """Return how the repository stands; ``main`` is what main is called, ``said`` how old it is.

    Every live branch is in exactly one of queue, waiting and blocked; so is every task without a branch that main calls
    blocked (in blocked), and every claim without one whose session is not of this machine (in waiting).
    """
    newest = {one.task: one for one in sorted(sessions, key=lambda one: (one.made, one.id)) if one.task}
    scene = _Scene(snapshot, newest)
    queue = make_queue(snapshot)
    waiting = [waits for waits in queue.waiting if _goes_on(waits, scene)]
    stopped = [waits for waits in queue.waiting if not _goes_on(waits, scene)]
    groups = _groups(snapshot)
    return Present(
        main=main,
        base=snapshot.base,
        said=said,
        at=snapshot.at,
        action=next_words(snapshot),
        frozen=snapshot.freeze,
        queue=tuple(_queue(queue.candidates, scene)),
        waiting=(*(_held(one, scene) for one in waiting), *_elsewhere(scene)),
        blocked=(*(_held(one, scene) for one in stopped), *_without_branch(scene)),
        ready=tuple((task.id, task.name) for task in groups["ready"]),
        sessions=sessions,
        strangers=tuple((stranger.name, stranger.near) for stranger in snapshot.strangers),
        counts={word: len(tasks) for word, tasks in groups.items()},
        underway=_underway(snapshot, groups["in_progress"]),
        problems=snapshot.graph.problems,
    )


def next_words(snapshot: Snapshot) -> str:
    """Return what the next run would do first, and why."""
    if not snapshot.base:
        return "nothing can land before main is there"
    match next_action(snapshot):
        case Block(reason=reason):
            return f"block {reason}"
        case Sweep(reason=reason):
            return f"sweep what is {reason}"
        case Complete(reason=reason, branch=branch):
            return f"complete {branch.task}: {reason}"
        case action:
            return action.reason


# -- the queue -----------------------------------------------------------------------------------------------------


def _queue(candidates: tuple[Candidate, ...], scene: _Scene) -> Iterator[Next]:
    for place, (before, one) in enumerate(zip((None, *candidates), candidates, strict=False), 1):
        branch = one.branch
        why = f"{_shares(one)}{_why_after(before, one) if before else ''}"
        name = scene.name(branch.task)
        yield Next(place, branch.task, name, branch.name, branch.tip, why, one.overlaps, branch.since)


def _shares(candidate: Candidate) -> str:
    if not candidate.overlaps:
        return "shares no file with another"
    files = "1 file" if candidate.shared == 1 else f"{candidate.shared} files"
    return f"shares {files} with {few((name for name, _ in candidate.overlaps), 2)}"


def _why_after(before: Candidate, candidate: Candidate) -> str:
    """Return by which rule a candidate comes after the one before it: the fewest shared files, the oldest tip, the id."""
    if before.shared < candidate.shared:
        return f"; {before.branch.name} shares {'fewer' if before.shared else 'none'}"
    older = before.branch.since < candidate.branch.since
    return f"; the tip of {before.branch.name} is older" if older else f"; after {before.branch.name} by name"


# -- what does not land now ----------------------------------------------------------------------------------------


def _held(waits: Waiting, scene: _Scene) -> Held:
    branch = waits.branch
    turn, command = _TURNS[waits.cause](waits, scene)
    return Held(
        task=branch.task,
        name=scene.name(branch.task),
        branch=branch.name,
        tip=branch.tip,
        result=waits.result.value,
        reason=_reason(waits, scene),
        turn=turn,
        on=waits.on,
        paths=waits.paths,
        command=command,
        since=branch.since,
        status=scene.status(branch.task),
    )


def _reason(waits: Waiting, scene: _Scene) -> str:
    """Return why a branch does not land: of one that is worked on by a session that asks a person, what it asks."""
    session = scene.session(waits.branch.task)
    if waits.cause is Cause.WORKING and session and answer_to(session):
        return (
            f"{session.id} needs a person: {session.why}" if session.why else f"{session.id} needs a person"
        )
    return waits.reason


def _goes_on(waits: Waiting, scene: _Scene) -> bool:
    return waits.cause in _GOES_ON and not _is_lost(waits, scene)


def _is_lost(waits: Waiting, scene: _Scene) -> bool:
    """Say whether what a branch waits for never comes by itself: no such task, or a circle of them."""
    if waits.circle:
        return True
    if waits.cause is not Cause.DEPENDENCIES:
        return False
    graph = scene.snapshot.graph
    circled = {task for circle in graph.cycles for task in circle}
    return any(graph.get(need) is None or need == waits.branch.task or need in circled for need in waits.on)


_Said = tuple[Turn, str]


def _by(turn: Turn, command: str = "") -> Callable[[Waiting, _Scene], _Said]:
    """Return a row of the table whose command needs the task's id at most (``{}``)."""
    return lambda waits, _: (turn, command.replace("{}", shlex.quote(waits.branch.task)))


def _work(waits: Waiting, scene: _Scene) -> _Said:
    """Who works on it goes on: here in a session, or elsewhere, and says done, or asks a person."""
    session = scene.session(waits.branch.task)
    if session and (answer := answer_to(session)):
        return Turn.MAINTAINER, answer
    if session and session.state in ("aborted", "failed"):
        return _lifted(waits, scene)
    return Turn.AGENT, "" if session and session.state in _AT_WORK else "coord done"


def _lifted(waits: Waiting, scene: _Scene) -> _Said:
    task, session = waits.branch.task, scene.session(waits.branch.task)
    if session and session.state in _AT_WORK:
        return Turn.AGENT, ""
    known = scene.snapshot.graph.get(task)
    return Turn.MAINTAINER, "" if why_not(known, task, scene.snapshot) else f"coord spawn {shlex.quote(task)}"


def _mend(waits: Waiting, scene: _Scene) -> _Said:
    """The branch needs another push: by the session that made it, else by one that is given the task again."""
    task, session = waits.branch.task, scene.session(waits.branch.task)
    if session and session.state in _REACHABLE:
        return Turn.AGENT, _message(session, _advice(waits, scene))
    return Turn.MAINTAINER, _again(task, scene)


def _stuck(waits: Waiting, scene: _Scene) -> _Said:
    """An agent said that it cannot go on: the next run tells main, then somebody has to know better."""
    ruling = scene.snapshot.ruling(waits.branch.task)
    if ruling is None or not stands(ruling, waits.branch):
        return Turn.COORD, "coord land"
    return Turn.MAINTAINER, f"coord unblock {shlex.quote(waits.branch.task)} -m 'WHAT HELPS'"


def _again(task: str, scene: _Scene) -> str:
    known, name = scene.snapshot.graph.get(task), shlex.quote(task)
    if why_not(known, task, scene.snapshot, mends=True):
        return f"coord retry {name}"
    return f"coord unblock {name} && coord spawn {name}"


def _message(session: AtWork, text: str) -> str:
    return shlex.join(["coord", "message", session.id, text])


def _advice(waits: Waiting, scene: _Scene) -> str:
    ruling = scene.snapshot.ruling(waits.branch.task)
    if ruling is not None and stands(ruling, waits.branch):
        return f"{ruling.verdict.reason}: merge main, mend it, push, say done"
    return f"{waits.reason}; then push, and say done"


def _reverted(waits: Waiting, scene: _Scene) -> _Said:
    session, standing = scene.session(waits.branch.task), waits.branch.standing
    if session and session.state in _REACHABLE:
        return Turn.AGENT, _message(
            session, "your landing was reverted: rebase the branch on main, mend it, push"
        )
    return Turn.MAINTAINER, f"git revert {standing.by[:7]}" if isinstance(standing, Reverted) else ""


def _task_file(waits: Waiting, scene: _Scene) -> _Said:
    task = scene.snapshot.graph.get(waits.branch.task)
    path = task.path if task else scene.snapshot.graph.unreadable_file(waits.branch.task)
    return Turn.MAINTAINER, f"coord check {shlex.quote(path)}"


def _dependencies(waits: Waiting, scene: _Scene) -> _Said:
    return (Turn.MAINTAINER, "coord check") if _is_lost(waits, scene) else (Turn.OTHERS, "")


def _others(waits: Waiting, scene: _Scene) -> _Said:
    return (Turn.MAINTAINER if waits.circle else Turn.OTHERS), ""


def _protected(waits: Waiting, scene: _Scene) -> _Said:
    if scene.snapshot.hosted:
        return Turn.MAINTAINER, "/coord approve"
    return Turn.MAINTAINER, f"coord approve {shlex.quote(waits.branch.task)}"


#: Whose turn it is, and what that one can type: one row for each cause.
_TURNS: Mapping[Cause, Callable[[Waiting, _Scene], _Said]] = {
    Cause.HELD: _by(Turn.MAINTAINER, "coord release {}"),
    Cause.LABELLED: _by(Turn.MAINTAINER),
    Cause.REVERTED: _reverted,
    Cause.ON_MAIN: _work,
    Cause.NEWBORN: _work,
    Cause.LANDED: _by(Turn.COORD, "coord land"),
    Cause.BY_HAND: _by(Turn.COORD, "coord land"),
    Cause.WORKING: _work,
    Cause.UNBLOCKED: _lifted,
    Cause.STUCK: _stuck,
    Cause.CONFLICT: _mend,
    Cause.GATE_FAILED: _mend,
    Cause.OTHERS: _others,
    Cause.TASK_FILE: _task_file,
    Cause.DEPENDENCIES: _dependencies,
    Cause.PROTECTED: _protected,
    Cause.MAIN_RED: _by(Turn.MAINTAINER, "coord land"),
    Cause.COULD_NOT_RUN: _by(Turn.MAINTAINER, "coord land"),
    Cause.UNFIT: _by(Turn.MAINTAINER, "coord land {}"),
    Cause.REFUSED: _by(Turn.MAINTAINER, "coord doctor"),
}


# -- what has no branch --------------------------------------------------------------------------------------------


def _without_branch(scene: _Scene) -> Iterator[Held]:
    """Yield the tasks that main calls blocked, or failed, and that no branch speaks for."""
    live = {branch.task for branch in scene.snapshot.branches}
    for task in scene.snapshot.graph.tasks:
        if task.status in (Status.BLOCKED, Status.FAILED) and task.id not in live:
            yield _stopped_task(task, scene.snapshot.ruling(task.id))


def _stopped_task(task: Task, ruling: Ruling | None) -> Held:
    told = ruling.verdict.reason if ruling is not None and ruling.verdict.stops else ""
    name = shlex.quote(task.id)
    is_blocked = task.status is Status.BLOCKED
    return Held(
        task=task.id,
        name=task.name,
        branch="",
        tip="",
        result=Result.BLOCKED.value,
        reason=told or f"main says so (status: {task.status_text}); coord show {name} tells more",
        turn=Turn.MAINTAINER,
        command=f"coord unblock {name} -m 'WHAT HELPS'" if is_blocked else f"coord show {name}",
        status=task.status.value,
    )


def _elsewhere(scene: _Scene) -> Iterator[Held]:
    """Yield the tasks that another machine's session has claimed and pushed nothing of yet."""
    live = {branch.task for branch in scene.snapshot.branches}
    here = {one.id for one in scene.sessions.values()}
    for claim in scene.snapshot.claims:
        task = scene.snapshot.graph.get(claim.task)
        if claim.task in live or task is None or task.is_completed or claim.holder.rpartition("/")[2] in here:
            continue
        yield Held(
            task=claim.task,
            name=task.name,
            branch="",
            tip="",
            result=Result.WAITING.value,
            reason=f"{claim.holder} works on it, and has pushed nothing yet",
            turn=Turn.AGENT,
            status=task.status.value,
        )


# -- tasks ---------------------------------------------------------------------------------------------------------


def _groups(snapshot: Snapshot) -> dict[str, list[Task]]:
    """Return the tasks under the first word that holds of each."""
    at_work = {branch.task for branch in snapshot.branches} | {claim.task for claim in snapshot.claims}
    groups: dict[str, list[Task]] = {word: [] for word in WORDS}
    ready = {task.id for task in snapshot.graph.ready}
    seen: set[str] = set()
    for task in snapshot.graph.tasks:
        if task.id not in seen:
            groups[_word(task, snapshot, at_work, ready)].append(task)
        seen.add(task.id)
    return groups


def _word(task: Task, snapshot: Snapshot, at_work: set[str], ready: set[str]) -> str:
    if task.is_completed:
        return "completed"
    if task.status in (Status.BLOCKED, Status.FAILED):
        return "blocked"
    if task.status is Status.IN_PROGRESS or task.id in at_work:
        return "in_progress"
    if task.id in ready:
        return "ready"
    return "not_for_agents" if task.apart and not snapshot.graph.unmet(task.id) else "waiting"


def _underway(snapshot: Snapshot, tasks: list[Task]) -> tuple[tuple[str, str, str], ...]:
    where = {claim.task: claim.ref for claim in snapshot.claims} | {b.task: b.name for b in snapshot.branches}
    return tuple((task.id, task.name, where.get(task.id, "")) for task in tasks)
