"""``coord run``: look, do what ``core.loop`` says, look again, until only people can go on.

The loop owns nothing. Sessions have hosts of their own, landing is a process of its own, and what has to be known is in
refs, task files and session folders: the loop may be killed at any time, and the next one goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from coord.core.action import Idle
from coord.core.loop import Loop, Means, Waits, Worker, next_steps
from coord.core.plan import next_action
from coord.core.queue import make_queue
from coord.core.session import SessionState, standing
from coord.errors import CoordError, Exit, RefusedError
from coord.freshness import fetch
from coord.observe import observe
from coord.requests import lands_on_forge
from coord.sessions.acting import take_step
from coord.sessions.claims import machine
from coord.sessions.knowledge import Running, Wish, attempts_after, tell_once, view_of
from coord.sessions.landing import Landed
from coord.sessions.looking import Session
from coord.sessions.ordering import say_hooks
from coord.sessions.store import EVENTS, read_events
from coord.workspace import Workspace

#: Seconds between two looks at the sessions.
_TICK = 0.2
#: Seconds after which a landing that ended badly is tried again, though nothing has moved.
_AGAIN = 60.0


@dataclass(frozen=True, slots=True)
class Rest:
    """Why the loop ended: what waits, and how many tasks are completed."""

    waits: tuple[Waits, ...]
    completed: int
    total: int
    exit: Exit


def run_loop(workspace: Workspace, wish: Wish, say: Callable[[str], None]) -> Rest:
    """Run until only people (or time) can go on; with ``once`` take one look, do what it says, and land once.

    Raises CoordError when another loop is at work in this clone.
    """
    with _alone(workspace):
        say_hooks(workspace, say)
        running = Running(workspace, wish, say)
        try:
            return _until_rest(running)
        except KeyboardInterrupt:
            _say_what_goes_on(running)
            raise
        finally:
            _wait_for_landing(running)


def _until_rest(running: Running) -> Rest:
    while True:
        try:
            sessions = running.watcher.look()
            moved = _look_at_remote(running, sessions)
            _show_changes(running, sessions)
            loop = _plan(running, sessions)
            taken = [take_step(running, step, sessions) for step in loop.steps]
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
            tell_once(running, f"the remote: {refused.message}; looking again")
            time.sleep(running.wish.interval)
        time.sleep(_TICK)


def _say_what_goes_on(running: Running) -> None:
    """Say that the end of the loop is not the end of its sessions."""
    alive = sum(session.alive for session in running.watcher.look())
    if alive:
        running.say(
            f"{alive} session{'s go' if alive > 1 else ' goes'} on without the loop: coord sessions; coord abort ID ends one"
        )


# -- looking -----------------------------------------------------------------------------------------------------------


def _look_at_remote(running: Running, sessions: tuple[Session, ...]) -> bool:
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


def _plan(running: Running, sessions: tuple[Session, ...]) -> Loop:
    """Return what is to be done; what was decided of the same facts is not decided again: with 1,000 tasks that takes a
    quarter of the time between two looks."""
    view = view_of(running)
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


def _put_off(running: Running) -> dict[str, str]:
    """Return the tasks for which no session could be made as the remote stands, and why."""
    return {task: why for task, (remote, why) in running.put_off.items() if remote == running.remote}


def _worker(running: Running, session: Session) -> Worker:
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


def _tried(running: Running) -> dict[str, tuple[str, int]]:
    """Return how many sessions of each task have ended without a word, since one of it last said done or blocked."""
    seen = {folder for folder, _ in running.tried.values()}
    for record, folder in running.store.archived():
        if not record.task or folder.name in seen:
            continue
        before = running.tried.get(record.task)
        if before is not None and before[0] >= folder.name:
            continue
        running.tried[record.task] = (
            folder.name,
            attempts_after(record, standing(read_events(folder / EVENTS)[0])),
        )
    return running.tried


# -- landing -----------------------------------------------------------------------------------------------------------


def _land(running: Running) -> bool:
    """Land in a process of its own when there is something to land; say whether one is at work."""
    if running.landing.is_under_way:
        landed = running.landing.result()
        if landed is not None:
            _tell_landing(running, landed)
        return True  # what it changed is looked at first
    if not running.wish.lands or (running.remote == running.landed_at and not _is_time_again(running)):
        return False
    running.landed_at = running.remote
    if isinstance(next_action(view_of(running).snapshot), Idle):
        return False
    running.landing.start()
    return True


def _is_time_again(running: Running) -> bool:
    landing = running.landing
    return landing.went_badly and time.monotonic() - landing.ended > _AGAIN


def _tell_landing(running: Running, landed: Landed) -> None:
    running.looked = 0.0
    running.unlanded = dict(landed.unlanded) | ({"": landed.trouble} if landed.trouble else {})
    if landed.trouble:
        tell_once(running, f"landing: {landed.trouble}")
    for words in landed.outcomes:
        tell_once(running, words)


def _wait_for_landing(running: Running) -> None:
    landed = running.landing.result(wait=True)
    if landed is not None:
        _tell_landing(running, landed)


# -- rest --------------------------------------------------------------------------------------------------------------


def _is_at_rest(running: Running, sessions: tuple[Session, ...], loop: Loop) -> bool:
    """Say whether nothing goes on that could change anything."""
    if any(session.alive and session.record.task for session in sessions):
        return False
    elsewhere = not running.wish.lands and any("about to land" in waits.reason for waits in loop.waits)
    return not elsewhere


def _rest(running: Running, loop: Loop) -> Rest:
    graph = view_of(running).snapshot.graph
    completed = sum(task.is_completed for task in graph.tasks)
    if running.broken or running.refused:
        return Rest(loop.waits, completed, len(graph.tasks), Exit.AGENT_FAILED)
    is_all = completed == len(graph.tasks)
    return Rest(loop.waits, completed, len(graph.tasks), Exit.OK if is_all else Exit.WAITING)


def _show_changes(running: Running, sessions: tuple[Session, ...]) -> None:
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
            tell_once(running, words)


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
