"""What ``coord run`` does next: from the snapshot and the sessions to steps. Pure; the specification of the loop is here.

The loop looks, does what it is told, looks again, and ends when there is nothing to do that it could do itself. Killed at
any point, the next one is asked the same question: nothing is remembered but sessions, refs and task files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coord.core.agents import Overlap, Run, chosen
from coord.core.graph import TaskGraph
from coord.core.journal import Ahead
from coord.core.queue import Queue
from coord.core.session import LIVE, SessionState
from coord.core.signal import Done, Stuck, Working
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.spawning import Shared, branch_for, is_lifted, overlap, why_not
from coord.core.task import Status, Task
from coord.core.text import whole_number
from coord.core.verdict import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Worker:
    """A session as the loop sees it: ``starts`` is how often its agent was started, ``turns`` how many prompts it took,
    ``reason`` why it stands as it does."""

    id: str
    task: str
    state: SessionState
    alive: bool
    attempt: int = 1
    starts: int = 1
    turns: int = 1
    agent: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What the loop may use: ``run`` is the budget, ``free`` the free memory in bytes (None: not known), ``machine`` the
    name under which this machine's claims are known, ``tried`` how many sessions of each task have ended without
    landing, ``broken`` the agents that do not start and ``refused`` the tasks for which no session could be made, with the
    reason, ``unlanded`` why the last landing let a task wait (``""``: why it did not come to any)."""

    run: Run
    machine: str
    free: int | None = None
    tried: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    unlanded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a session for a task; ``shared`` are the files it is expected to share with others, ``mends`` says that its
    branch did not land."""

    task: str
    reason: str
    context: str = ""
    attempt: int = 1
    shared: tuple[Shared, ...] = ()
    mends: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """Give a branch that did not land back to the session that made it, with the evidence."""

    session: str
    task: str
    reason: str
    context: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Take up a session whose host is gone."""

    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """End a session that nobody but a person could help, so that its place is free."""

    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Say blocked for an agent that could not: the safe exit, with what is known."""

    session: str
    task: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Retire:
    """Take a session out of the list, with its worktree and its claim: what it made has landed, or lies on its branch.

    ``goes_on``: the worktree and the claim stay for the session that follows."""

    session: str
    reason: str
    goes_on: bool = False


Step = Spawn | Return | Resume | Close | GiveUp | Retire


@dataclass(frozen=True, slots=True)
class Waits:
    """A task that nobody works on now, and why: ``person`` when only a person can change that."""

    task: str
    reason: str
    person: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """What is to be done now, in this order, and what waits."""

    steps: tuple[Step, ...]
    waits: tuple[Waits, ...]


def next_steps(snapshot: Snapshot, queue: Queue, workers: tuple[Worker, ...], means: Means) -> Loop:
    """Return the steps that the loop takes now. What ends or is taken up comes first, so that places are free."""
    steps: list[Step] = []
    for worker in workers:
        step = _of_worker(worker, snapshot, means)
        if step is not None:
            steps.append(step)
    leaving = {step.session for step in steps if isinstance(step, Close | GiveUp | Retire)}
    staying = [worker for worker in workers if worker.id not in leaving]
    taken = {worker.task for worker in workers if worker.task}
    places = means.run.max - sum(_takes_place(worker, steps) for worker in staying)
    spawns, waits = _of_tasks(snapshot, queue, means, taken, places)
    return Loop((*steps, *spawns), (*waits, *_of_stopped(staying, steps, means)))


def _takes_place(worker: Worker, steps: list[Step]) -> bool:
    comes_back = any(isinstance(step, Return | Resume) and step.session == worker.id for step in steps)
    return (worker.alive and worker.state in LIVE) or comes_back


def _of_stopped(workers: list[Worker], steps: list[Step], means: Means) -> tuple[Waits, ...]:
    acted = {step.session for step in steps if not isinstance(step, Spawn)}
    idle = [worker for worker in workers if worker.task and worker.id not in acted]
    return tuple(
        Waits(worker.task, words, person=True) for worker in idle if (words := _why_stopped(worker, means))
    )


def _why_stopped(worker: Worker, means: Means) -> str:
    if worker.state is SessionState.ABORTED:
        return f"stopped by a person: coord spawn {worker.task} starts it again"
    if worker.state is SessionState.DONE and not worker.alive:
        return means.unlanded.get(worker.task) or means.unlanded.get("", "it is done and has not landed yet")
    return ""


# -- sessions ----------------------------------------------------------------------------------------------------------


def _of_worker(worker: Worker, snapshot: Snapshot, means: Means) -> Step | None:
    if not worker.task:
        return None
    task = snapshot.graph.get(worker.task)
    branch = _branch(snapshot, worker.task)
    if not worker.alive and (gone := _is_over(task, branch)):
        return Retire(worker.id, gone)
    match worker.state:
        case SessionState.INTERRUPTED:
            return _interrupted(worker, means)
        case SessionState.ATTENTION if worker.alive:
            return Close(worker.id, worker.reason)
        case SessionState.FAILED | SessionState.ATTENTION if not worker.alive:
            return _failed(worker, means)
        case SessionState.DONE if not worker.alive:
            return _done(worker, snapshot, branch, means)
        case SessionState.BLOCKED if not worker.alive:
            return _blocked(worker, snapshot, task, branch)
        case _:
            return None


def _is_over(task: Task | None, branch: TaskBranch | None) -> str:
    if task is None:
        return "its task is gone from main"
    if task.is_completed and (branch is None or not isinstance(branch.standing, Ahead)):
        return "it has landed"
    return ""


def _interrupted(worker: Worker, means: Means) -> Step:
    if worker.starts > means.run.attempts * 2:
        return _failed(worker, means)
    return Resume(worker.id, "its host is gone")


def _failed(worker: Worker, means: Means) -> Step:
    """A session that ended without a word of its own makes room for another one, as often as the budget allows."""
    if not worker.turns:
        return Retire(worker.id, f"its agent did not start: {worker.reason}")
    if worker.attempt < means.run.attempts:
        return Retire(worker.id, f"it ended without done: {worker.reason}", goes_on=True)
    return GiveUp(worker.id, worker.task, worker.reason, worker.attempt)


def _done(worker: Worker, snapshot: Snapshot, branch: TaskBranch | None, means: Means) -> Step | None:
    if branch is None:
        return Retire(worker.id, "its branch is gone from the remote")
    verdict = _verdict(snapshot, branch)
    if verdict is None:
        return None
    if not _may_be_tried_again(verdict, means):
        return Retire(worker.id, f"blocked: {verdict.reason}")
    return Return(worker.id, worker.task, verdict.reason, evidence_of(verdict, snapshot))


def _blocked(worker: Worker, snapshot: Snapshot, task: Task | None, branch: TaskBranch | None) -> Step | None:
    """A block is on main before its session goes, so that a kill in between loses nothing."""
    ruling = snapshot.ruling(worker.task)
    told = ruling is not None and branch is not None and ruling.verdict.tip == branch.tip
    if told or branch is None or (task is not None and task.status is Status.BLOCKED):
        return Retire(worker.id, f"blocked: {worker.reason}")
    return None


def _may_be_tried_again(verdict: Verdict, means: Means) -> bool:
    tries = whole_number(verdict.attempts) or 1
    return verdict.kind in (VerdictKind.CONFLICT, VerdictKind.GATE_FAILED) and tries < means.run.attempts


def evidence_of(verdict: Verdict, snapshot: Snapshot) -> str:
    """Return what an agent is told of a verdict on its branch."""
    what = "conflict" if verdict.kind is VerdictKind.CONFLICT else "red gate"
    lines = [f"Your branch was not landed: {what}. {verdict.reason}.", ""]
    if verdict.paths:
        lines += ["Conflicted:", *(f"- {path.path} ({path.kind})" for path in verdict.paths), ""]
    if verdict.reproduce:
        lines += ["See it with:", *(f"    {command}" for command in verdict.reproduce), ""]
    if verdict.log:
        lines += [
            "The end of what it printed:",
            "",
            *(f"    {line}" for line in verdict.log.splitlines()[-60:]),
            "",
        ]
    lines.append(f"Merge {snapshot.upstream}, mend it, run the checks, commit, push, and say done again.")
    return "\n".join(lines)


# -- tasks -------------------------------------------------------------------------------------------------------------


def _of_tasks(
    snapshot: Snapshot, queue: Queue, means: Means, taken: set[str], places: int
) -> tuple[list[Spawn], list[Waits]]:
    spawns: list[Spawn] = []
    waits: list[Waits] = []
    underway = {id: task.touches for id in sorted(taken) if (task := snapshot.graph.get(id))}
    for task in _most_waited_for(snapshot.graph):
        if task.id in taken or task.is_completed:
            continue
        wanted = _wanted(task, snapshot, queue, means)
        if isinstance(wanted, Spawn):
            wanted = _placed(wanted, task, snapshot, means, _Room(places - len(spawns), underway))
        if isinstance(wanted, Spawn):
            spawns.append(wanted)
            underway[task.id] = task.touches
        else:
            waits.append(wanted)
    return spawns, waits


def _most_waited_for(graph: TaskGraph) -> list[Task]:
    """Return the tasks in the order in which places go to them: the longest chain of tasks behind one first, then by id."""
    behind: dict[str, int] = {}
    for generation in reversed(graph.generations):
        for id in generation:
            behind[id] = 1 + max((behind.get(one, 0) for one in graph.dependents(id)), default=0)
    return sorted(graph.tasks, key=lambda task: (-behind.get(task.id, 0), task.id))


@dataclass(frozen=True, slots=True)
class _Room:
    places: int
    underway: Mapping[str, tuple[str, ...]]


def _placed(wanted: Spawn, task: Task, snapshot: Snapshot, means: Means, room: _Room) -> Spawn | Waits:
    settings = snapshot.settings
    name = branch_for(task.id, snapshot)
    agent = chosen(settings.sessions, own=task.agent, branch=name, level=task.level)
    if agent in means.broken:
        return Waits(task.id, means.broken[agent], person=True)
    if task.id in means.refused:
        return Waits(task.id, means.refused[task.id], person=True)
    # First: who has no place need not be compared with all others.
    if room.places <= 0:
        return Waits(task.id, f"{means.run.max} sessions are at work", person=False)
    shared = overlap(task, snapshot, room.underway)
    if shared and means.run.overlap is Overlap.HOLD:
        return Waits(
            task.id,
            f"expected to change what {shared[0].who} is changing ({shared[0].what[0]})",
            person=False,
        )
    if means.free is not None and means.free < means.run.memory:
        return Waits(task.id, f"only {means.free >> 20} MiB of memory are free", person=False)
    return replace(wanted, shared=shared)


def _wanted(task: Task, snapshot: Snapshot, queue: Queue, means: Means) -> Spawn | Waits:
    """Return the session that a task needs, or why it needs none now."""
    branch = _branch(snapshot, task.id)
    claim = next((claim for claim in snapshot.claims if claim.task == task.id), None)
    if claim is not None and claim.holder.partition("/")[0] != means.machine:
        return Waits(task.id, f"{claim.holder} works on it", person=False)
    attempt = means.tried.get(task.id, 0) + 1
    if branch is not None:
        verdict = _verdict(snapshot, branch)
        if verdict is not None and _may_be_tried_again(verdict, means):
            context = evidence_of(verdict, snapshot)
            reason = f"its branch did not land: {verdict.reason}"
            return Spawn(task.id, reason, context, attempt, mends=True)
    reason = why_not(task, task.id, snapshot)
    if reason:
        return Waits(task.id, reason, person=_is_for_people(task, snapshot))
    if attempt > means.run.attempts:
        return Waits(task.id, f"{attempt - 1} sessions have tried it: coord spawn {task.id}", person=True)
    return _with_branch(task, branch, snapshot, queue, attempt)


def _with_branch(
    task: Task, branch: TaskBranch | None, snapshot: Snapshot, queue: Queue, attempt: int
) -> Spawn | Waits:
    if branch is None:
        return Spawn(task.id, "it is ready", "", attempt)
    if isinstance(branch.signal, Stuck) and is_lifted(branch, snapshot):
        ruling = snapshot.ruling(task.id)
        said = ruling.verdict.context if ruling else ""
        words = f"The task was blocked ({branch.signal.reason}) and a person has lifted the block."
        context = f"{words}\nThey say: {said}" if said else words
        return Spawn(task.id, "its block was lifted", context, attempt)
    if isinstance(branch.signal, Working) or not isinstance(branch.standing, Ahead):
        words = "Its branch holds work of an earlier session that was not finished. Look at it, and go on from there."
        return Spawn(task.id, "its branch is not finished", words if branch.commits else "", attempt)
    waiting = next((one for one in queue.waiting if one.branch.name == branch.name), None)
    if waiting is None:
        return Waits(
            task.id, "its branch is about to land" if isinstance(branch.signal, Done) else "", person=False
        )
    return Waits(task.id, waiting.reason, person=True)


def _is_for_people(task: Task, snapshot: Snapshot) -> bool:
    """Say whether only people can change that no agent is started: a task that waits for others is theirs to finish."""
    unmet = snapshot.graph.unmet(task.id)
    return bool(task.apart) or task.status is not Status.PENDING or not unmet


def _branch(snapshot: Snapshot, task: str) -> TaskBranch | None:
    return next((branch for branch in snapshot.branches if branch.task == task), None)


def _verdict(snapshot: Snapshot, branch: TaskBranch) -> Verdict | None:
    """Return the verdict that stops this tip."""
    ruling = snapshot.ruling(branch.task)
    if ruling is None or not ruling.verdict.stops or ruling.verdict.tip != branch.tip or ruling.overtaken:
        return None
    return ruling.verdict
