"""Acting: the steps that ``core.loop`` names, taken."""

from __future__ import annotations

import time
from typing import assert_never

from coord.core.agentevent import Why
from coord.core.loop import Close, GiveUp, Resume, Retire, Return, Spawn, Step
from coord.core.session import SessionState
from coord.core.text import one_line
from coord.decision import block, decide
from coord.errors import CoordError, Exit, RefusedError
from coord.sessions.ending import give_up, retire
from coord.sessions.knowledge import Running, attempts_after, tell, tell_once, view_of
from coord.sessions.launching import start_host
from coord.sessions.looking import Session
from coord.sessions.spawning import NotSpawned, Order, spawn
from coord.sessions.store import Message

#: So many starts that failed in a row mean that an agent does not start.
_BROKEN = 2
#: So many times in a row a task is tried again when the remote refused its claim; then a person has to look.
_DENIALS = 3
#: So many times a step is tried that this machine refuses.
_FAILURES = 5


def take_step(running: Running, step: Step, sessions: tuple[Session, ...]) -> bool:
    """Take a step and say whether something came of it, or may: one that fails again and again is left to a person."""
    by_id = {session.record.id: session for session in sessions}
    try:
        match step:
            case Spawn():
                _spawn(running, step)
            case Return():
                _return(running, step)
            case Resume(session, reason):
                tell(running, f"{by_id[session].record.task}: {session} is taken up again: {reason}")
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
        tell_once(running, f"{error.message}{hint}")
        running.failed[step] = running.failed.get(step, 0) + 1
    return running.failed.get(step, 0) < _FAILURES


def _spawn(running: Running, step: Spawn) -> None:
    for shared in step.shared:
        what = ", ".join(shared.what[:3])
        tell(running, f"note: {step.task} is expected to change what {shared.who} changes: {what}")
    order = Order(task=step.task, context=step.context, attempt=step.attempt, mends=step.mends)
    made = spawn(running.workspace, view_of(running), order, running.say)
    if isinstance(made, NotSpawned):
        tell_once(running, f"{step.task}: not started: {made.reason}")
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
    tell(running, f"{step.task}: given to {made.record.agent} as {made.record.id} ({step.reason}{attempt})")


def _return(running: Running, step: Return) -> None:
    tell(running, f"{step.task}: goes back to {step.session}: {one_line(step.reason)}")
    for kind in ("conflict", "gate-failed"):  # what the landing will tell of it
        running.told.add(one_line(f"{step.task}: {kind}: {step.reason}", 500))
    if not any(message.why == Why.RETURNED.value for message in running.store.waiting(step.session)):
        message = Message(step.context, "queue", Why.RETURNED.value, sender="coord")
        running.store.send(step.session, message)
    start_host(running.workspace, step.session)


def _close(running: Running, session: str, reason: str) -> None:
    if not any(message.mode == "close" for message in running.store.waiting(session)):
        running.store.send(session, Message(reason, "close", sender="coord"))


def _give_up(running: Running, step: GiveUp, session: Session) -> None:
    words = (
        f"{step.attempts} sessions ended without done: {step.reason}" if step.attempts > 1 else step.reason
    )
    tell(running, f"{step.task}: given up: {one_line(words)}")
    running.told.add(f"{step.task}: blocked: {one_line(words, 300)}")  # its own word now, said already
    try:
        give_up(running.workspace, session.record, words, step.attempts)
    except CoordError as error:
        # The branch cannot say it (a hook refuses what the agent committed, say): main says it.
        tell(running, f"{step.task}: its branch could not be pushed ({one_line(error.message)})")
        decide(running.workspace, lambda workspace, view: block(workspace, view, step.task, words))
        _retire(running, session, "blocked")


def _retire(running: Running, session: Session, reason: str, *, goes_on: bool = False) -> None:
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
    retire(running.workspace, record, lambda words: tell(running, words), goes_on=goes_on)
    # The archive tells it too, unless it holds too many or none.
    running.tried[record.task] = (f"{time.time_ns():020d}", attempts_after(record, session.standing))
    told = (SessionState.DONE, SessionState.BLOCKED, SessionState.FAILED, SessionState.ATTENTION)
    if not goes_on and session.state not in told:
        tell(running, f"{record.task}: {record.id} is over: {one_line(reason)}")
