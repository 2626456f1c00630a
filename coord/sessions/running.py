"""``coord run``: look, do what ``core.loop`` says, look again, until only people can go on.

The loop owns nothing. Sessions have hosts of their own, landing is a process of its own, and what has to be known is in
refs, task files and session folders: the loop may be killed at any time, and the next one goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import assert_never

from coord.core.action import Idle
from coord.core.agentevent import Ending, Why
from coord.core.agents import Run
from coord.core.loop import (
    Close,
    GiveUp,
    Loop,
    Means,
    Resume,
    Retire,
    Return,
    Spawn,
    Step,
    Waits,
    Worker,
    next_steps,
)
from coord.core.plan import next_action
from coord.core.queue import make_queue
from coord.core.session import SessionRecord, SessionState, Standing, standing
from coord.core.text import one_line
from coord.decision import block, decide
from coord.errors import CoordError, Exit, RefusedError
from coord.freshness import fetch
from coord.observe import View, observe
from coord.requests import lands_on_forge
from coord.sessions.claims import machine
from coord.sessions.ending import give_up, retire
from coord.sessions.landing import Landed, Landing
from coord.sessions.launching import start_host
from coord.sessions.looking import Session, Watcher
from coord.sessions.ordering import say_hooks
from coord.sessions.spawning import NotSpawned, Order, spawn
from coord.sessions.store import EVENTS, Message, Store, read_events
from coord.workspace import Workspace

#: Seconds between two looks at the sessions.
_TICK = 0.2
#: Seconds after which a landing that ended badly is tried again, though nothing has moved.
_AGAIN = 60.0
#: So many starts that failed in a row mean that an agent does not start.
_BROKEN = 2
#: So many times in a row a task is tried again when the remote refused its claim; then a person has to look.
_DENIALS = 3
#: So many times a step is tried that this machine refuses.
_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command asks for: the budget, one look only, whether to land, seconds between looks at the remote."""

    run: Run
    once: bool = False
    lands: bool = True
    interval: float = 2.0


@dataclass(frozen=True, slots=True)
class Rest:
    """Why the loop ended: what waits, and how many tasks are completed."""

    waits: tuple[Waits, ...]
    completed: int
    total: int
    exit: Exit


@dataclass
class _Running:
    """What one loop has seen; all of it may be forgotten."""

    workspace: Workspace
    wish: Wish
    say: Callable[[str], None]
    view: View | None = None
    remote: str = ""
    looked: float = 0.0
    landed_at: str = ""
    states: tuple[tuple[str, str], ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    denied: dict[str, int] = field(default_factory=dict)
    unlanded: dict[str, str] = field(default_factory=dict)
    put_off: dict[str, tuple[str, str]] = field(default_factory=dict)
    tried: dict[str, tuple[str, int]] = field(default_factory=dict)
    resumed: dict[str, int] = field(default_factory=dict)
    failed: dict[Step, int] = field(default_factory=dict)
    planned: tuple[View, object, Loop] | None = None
    told: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)

    @cached_property
    def landing(self) -> Landing:
        return Landing(self.workspace)

    @cached_property
    def watcher(self) -> Watcher:
        return Watcher(self.workspace)

    @property
    def store(self) -> Store:
        return Store.of(self.workspace)


def run_loop(workspace: Workspace, wish: Wish, say: Callable[[str], None]) -> Rest:
    """Run until only people (or time) can go on; with ``once`` take one look, do what it says, and land once.

    Raises CoordError when another loop is at work in this clone.
    """
    with _alone(workspace):
        say_hooks(workspace, say)
        running = _Running(workspace, wish, say)
        try:
            return _until_rest(running)
        except KeyboardInterrupt:
            _say_what_goes_on(running)
            raise
        finally:
            _wait_for_landing(running)


def _until_rest(running: _Running) -> Rest:
    while True:
        try:
            sessions = running.watcher.look()
            moved = _look_at_remote(running, sessions)
            _show_changes(running, sessions)
            loop = _plan(running, sessions)
            taken = [_take_step(running, step, sessions) for step in loop.steps]
            acted = any(taken)
            if acted:
                running.looked = 0.0
            landing = _land(running)
            if running.wish.once:
                _wait_for_landing(running)
                return _rest(running, loop)
            if not acted and not landing and not moved and _is_at_rest(running, sessions, loop):
                return _rest(running, loop)
        except RefusedError as refused:
            if running.wish.once:
                raise
            _tell_once(running, f"the remote: {refused.message}; looking again")
            time.sleep(running.wish.interval)
        time.sleep(_TICK)


def _say_what_goes_on(running: _Running) -> None:
    """Say that the end of the loop is not the end of its sessions."""
    alive = sum(session.alive for session in running.watcher.look())
    if alive:
        running.say(
            f"{alive} session{'s go' if alive > 1 else ' goes'} on without the loop: coord sessions; coord abort ID ends one"
        )


# -- looking -----------------------------------------------------------------------------------------------------------


def _look_at_remote(running: _Running, sessions: tuple[Session, ...]) -> bool:
    """Look at the remote when a session changed or some time has passed; say whether anything moved there."""
    states = tuple((session.record.id, session.state.value) for session in sessions)
    is_time = time.monotonic() - running.looked >= running.wish.interval
    if running.view is not None and states == running.states and not is_time:
        return False
    running.states = states
    running.looked = time.monotonic()
    now = running.workspace.git.remote_state(running.workspace.remote or ".")
    if now == running.remote and running.view is not None:
        return False
    fetch(running.workspace)
    running.view = observe(running.workspace)
    running.remote = now
    return True


def _plan(running: _Running, sessions: tuple[Session, ...]) -> Loop:
    """Return what is to be done; what was decided of the same facts is not decided again: with 1,000 tasks that takes a
    quarter of the time between two looks."""
    view = _view(running)
    means = Means(
        run=running.wish.run,
        machine=machine(running.workspace),
        free=_free_memory() if running.wish.run.memory else None,
        tried={task: count for task, (_, count) in _tried(running).items()},
        broken=dict(running.broken),
        refused=running.refused | _put_off(running),
        unlanded=dict(running.unlanded),
    )
    workers = tuple(_worker(running, one) for one in sessions)
    is_tight = means.free is not None and means.free < means.run.memory
    facts = (workers, replace(means, free=0 if is_tight else None))
    if running.planned is None or running.planned[0] is not view or running.planned[1] != facts:
        loop = next_steps(view.snapshot, make_queue(view.snapshot), workers, means)
        running.planned = view, facts, loop
    return running.planned[2]


def _put_off(running: _Running) -> dict[str, str]:
    """Return the tasks for which no session could be made as the remote stands, and why."""
    return {task: why for task, (remote, why) in running.put_off.items() if remote == running.remote}


def _view(running: _Running) -> View:
    if running.view is None:
        fetch(running.workspace)
        running.view = observe(running.workspace)
    return running.view


def _worker(running: _Running, session: Session) -> Worker:
    record, stood = session.record, session.standing
    return Worker(
        id=record.id,
        task=record.task,
        state=session.state,
        alive=session.alive,
        attempt=record.attempt,
        # A host that ends before its agent answers leaves no trace in the log.
        starts=max(stood.starts, running.resumed.get(record.id, 0)),
        turns=stood.turn,
        agent=record.agent,
        reason=session.why,
    )


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _tried(running: _Running) -> dict[str, tuple[str, int]]:
    """Return how many sessions of each task have ended without a word, since one of it last said done or blocked."""
    seen = {folder for folder, _ in running.tried.values()}
    for record, folder in running.store.archived():
        if not record.task or folder.name in seen:
            continue
        before = running.tried.get(record.task)
        if before is not None and before[0] >= folder.name:
            continue
        running.tried[record.task] = (folder.name, _counts(record, standing(read_events(folder / EVENTS)[0])))
    return running.tried


def _counts(record: SessionRecord, stood: Standing) -> int:
    """Return the attempts at a task after a session that is over."""
    spoke = stood.ended is not None and stood.ended.ending in (Ending.DONE, Ending.BLOCKED)
    return 0 if spoke or not stood.turn else record.attempt


# -- acting ------------------------------------------------------------------------------------------------------------


def _take_step(running: _Running, step: Step, sessions: tuple[Session, ...]) -> bool:
    """Take a step and say whether something came of it, or may: one that fails again and again is left to a person."""
    by_id = {session.record.id: session for session in sessions}
    try:
        match step:
            case Spawn():
                _spawn(running, step)
            case Return():
                _return(running, step)
            case Resume(session, reason):
                _tell(running, f"{by_id[session].record.task}: {session} is taken up again: {reason}")
                running.resumed[session] = running.resumed.get(session, 0) + 1
                start_host(running.workspace, session)
            case Close(session, reason):
                _close(running, session, reason)
            case GiveUp():
                _give_up(running, step, by_id[step.session])
            case Retire(session, reason, goes_on):
                _retire(running, by_id[session], reason, goes_on=goes_on)
            case _:
                assert_never(step)
    except RefusedError:
        raise
    except CoordError as error:
        hint = f" ({error.hint})" if error.hint else ""
        _tell_once(running, f"{error.message}{hint}")
        running.failed[step] = running.failed.get(step, 0) + 1
    return running.failed.get(step, 0) < _FAILURES


def _spawn(running: _Running, step: Spawn) -> None:
    for shared in step.shared:
        what = ", ".join(shared.what[:3])
        _tell(running, f"note: {step.task} is expected to change what {shared.who} changes: {what}")
    order = Order(task=step.task, context=step.context, attempt=step.attempt, mends=step.mends)
    made = spawn(running.workspace, _view(running), order, running.say)
    if isinstance(made, NotSpawned):
        _tell_once(running, f"{step.task}: not started: {made.reason}")
        if made.exit is Exit.REFUSED and running.denied.get(step.task, 0) < _DENIALS:
            # The remote may be gone for a while: then the next look says so, and waits for it.
            running.denied[step.task] = running.denied.get(step.task, 0) + 1
            raise RefusedError(made.reason)
        if made.exit is Exit.WAITING:
            running.put_off[step.task] = (running.remote, made.reason)
        else:
            running.refused[step.task] = made.reason
        return
    attempt = f", attempt {step.attempt}" if step.attempt > 1 else ""
    _tell(running, f"{step.task}: given to {made.record.agent} as {made.record.id} ({step.reason}{attempt})")


def _return(running: _Running, step: Return) -> None:
    _tell(running, f"{step.task}: goes back to {step.session}: {one_line(step.reason)}")
    for kind in ("conflict", "gate-failed"):  # what the landing will tell of it
        running.told.add(one_line(f"{step.task}: {kind}: {step.reason}", 500))
    if not any(message.why == Why.RETURNED.value for message in running.store.waiting(step.session)):
        message = Message(step.context, "queue", Why.RETURNED.value, sender="coord")
        running.store.send(step.session, message)
    start_host(running.workspace, step.session)


def _close(running: _Running, session: str, reason: str) -> None:
    if not any(message.mode == "close" for message in running.store.waiting(session)):
        running.store.send(session, Message(reason, "close", sender="coord"))


def _give_up(running: _Running, step: GiveUp, session: Session) -> None:
    words = (
        f"{step.attempts} sessions ended without done: {step.reason}" if step.attempts > 1 else step.reason
    )
    _tell(running, f"{step.task}: given up: {one_line(words)}")
    running.told.add(f"{step.task}: blocked: {one_line(words, 300)}")  # its own word now, said already
    try:
        give_up(running.workspace, session.record, words, step.attempts)
    except CoordError as error:
        # The branch cannot say it (a hook refuses what the agent committed, say): main says it.
        _tell(running, f"{step.task}: its branch could not be pushed ({one_line(error.message)})")
        decide(running.workspace, lambda workspace, view: block(workspace, view, step.task, words))
        _retire(running, session, "blocked")


def _retire(running: _Running, session: Session, reason: str, *, goes_on: bool = False) -> None:
    record = session.record
    never = session.state in (SessionState.FAILED, SessionState.INTERRUPTED) and not session.standing.turn
    if never:
        running.starts[record.agent] = running.starts.get(record.agent, 0) + 1
        if running.starts[record.agent] >= _BROKEN:
            running.broken[record.agent] = (
                session.why or f"the hosts of its sessions end at once: coord logs {record.id}"
            )
    else:
        running.starts.pop(record.agent, None)
    retire(running.workspace, record, lambda words: _tell(running, words), goes_on=goes_on)
    # The archive tells it too, unless it holds too many or none.
    running.tried[record.task] = (f"{time.time_ns():020d}", _counts(record, session.standing))
    told = (SessionState.DONE, SessionState.BLOCKED, SessionState.FAILED, SessionState.ATTENTION)
    if not goes_on and session.state not in told:
        _tell(running, f"{record.task}: {record.id} is over: {one_line(reason)}")


# -- landing -----------------------------------------------------------------------------------------------------------


def _land(running: _Running) -> bool:
    """Land in a process of its own when there is something to land; say whether one is at work."""
    if running.landing.is_under_way:
        landed = running.landing.result()
        if landed is not None:
            _tell_landing(running, landed)
        return True  # what it changed is looked at first
    if not running.wish.lands or (running.remote == running.landed_at and not _is_time_again(running)):
        return False
    running.landed_at = running.remote
    if isinstance(next_action(_view(running).snapshot), Idle):
        return False
    running.landing.start()
    return True


def _is_time_again(running: _Running) -> bool:
    landing = running.landing
    return landing.went_badly and time.monotonic() - landing.ended > _AGAIN


def _tell_landing(running: _Running, landed: Landed) -> None:
    running.looked = 0.0
    running.unlanded = dict(landed.unlanded) | ({"": landed.trouble} if landed.trouble else {})
    if landed.trouble:
        _tell_once(running, f"landing: {landed.trouble}")
    for words in landed.outcomes:
        _tell_once(running, words)


def _wait_for_landing(running: _Running) -> None:
    landed = running.landing.result(wait=True)
    if landed is not None:
        _tell_landing(running, landed)


# -- rest --------------------------------------------------------------------------------------------------------------


def _is_at_rest(running: _Running, sessions: tuple[Session, ...], loop: Loop) -> bool:
    """Say whether nothing goes on that could change anything."""
    if any(session.alive and session.record.task for session in sessions):
        return False
    elsewhere = not running.wish.lands and any("about to land" in waits.reason for waits in loop.waits)
    return not elsewhere


def _rest(running: _Running, loop: Loop) -> Rest:
    graph = _view(running).snapshot.graph
    completed = sum(task.is_completed for task in graph.tasks)
    if running.broken or running.refused:
        return Rest(loop.waits, completed, len(graph.tasks), Exit.AGENT_FAILED)
    is_all = completed == len(graph.tasks)
    return Rest(loop.waits, completed, len(graph.tasks), Exit.OK if is_all else Exit.WAITING)


def _show_changes(running: _Running, sessions: tuple[Session, ...]) -> None:
    """Tell what changed of each session since the last look, once."""
    for session in sessions:
        words = f"{session.record.task or session.record.branch}: {session.state.value}"
        words += f": {session.why}" if session.why else ""
        if session.state is SessionState.WAITING:
            words += f" -- coord message {session.record.id} --answer allow|deny|TEXT"
        known = running.shown.get(session.record.id)
        running.shown[session.record.id] = words
        quiet = session.state in (SessionState.STARTING, SessionState.WORKING, SessionState.IDLE)
        if words != known and not quiet:
            _tell_once(running, words)


def _tell(running: _Running, words: str) -> None:
    """Tell one thing that happened, and when."""
    running.told.add(words)
    running.say(f"{datetime.now().astimezone():%H:%M:%S}  {words}")


def _tell_once(running: _Running, words: str) -> None:
    if words not in running.told:
        _tell(running, words)


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    workspace.state.mkdir(parents=True, exist_ok=True)
    with (workspace.state / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CoordError(
                "another coord run is at work in this clone",
                hint="coord sessions shows what it does",
                exit=Exit.WAITING,
            ) from None
        yield


def wish_of(
    workspace: Workspace, *, most: int | None, once: bool, lands: bool | None, interval: float
) -> Wish:
    """Return what a command's words and main's settings ask for; where a workflow lands, the loop does not."""
    run = workspace.settings.run
    decided = (not lands_on_forge(workspace)) if lands is None else lands
    return Wish(replace(run, max=most) if most else run, once, decided, interval)
