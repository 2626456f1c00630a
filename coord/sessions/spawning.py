"""Giving a task to an agent: claim, worktree, record, host, in this order; what fails takes back what it made, and
nothing that was there before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coord.core.agentevent import Ending
from coord.core.claim import ClaimText
from coord.core.session import LIVE, SessionRecord, SessionRole
from coord.core.spawning import branch_for, why_not
from coord.core.text import one_line
from coord.errors import CoordError, Exit, RefusedError, UsageError
from coord.observe import View
from coord.sessions.claims import Held, NotTaken, Taken, machine, release, take
from coord.sessions.launching import agent_for, resolved, start_host
from coord.sessions.looking import host_runs, look
from coord.sessions.prompting import Place, prompt_of
from coord.sessions.store import HOST_LOG, Store, new_id
from coord.workspace import Workspace
from coord.worktrees.making import Made, Wanted, make, unmake


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started: a task, or (``task`` empty) a session on a branch without one. ``context`` says why the task
    is given again, ``mends`` that its branch did not land; ``forked`` is the agent's own name of the session to copy."""

    task: str = ""
    branch: str = ""
    prefix: str = ""
    agent: str = ""
    model: str = ""
    template: str = ""
    prompt: str = ""
    context: str = ""
    parent: str = ""
    base: str = ""
    path: str = ""
    attempt: int = 1
    forked: str = ""
    mends: bool = False


@dataclass(frozen=True, slots=True)
class Spawned:
    """A session whose host has been started."""

    record: SessionRecord


@dataclass(frozen=True, slots=True)
class NotSpawned:
    """Why no session was started; nothing of it is left."""

    task: str
    reason: str
    exit: Exit = Exit.WAITING


def spawn(workspace: Workspace, view: View, order: Order, say: Callable[[str], None]) -> Spawned | NotSpawned:
    """Start a session for a task, or on a branch; return as soon as its host runs."""
    try:
        return _Spawning(workspace, view, order, say).run()
    except CoordError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return NotSpawned(order.task or order.branch, f"{error.message}{hint}", error.exit)
    except OSError as error:  # the disk is full, or something is in the way
        words = f"{error.filename or workspace.state}: {error.strerror or error}"
        return NotSpawned(order.task or order.branch, words, Exit.ERROR)


class _Spawning:
    """One session being made; every step adds what takes it back."""

    def __init__(self, workspace: Workspace, view: View, order: Order, say: Callable[[str], None]) -> None:
        self.workspace, self.view, self.order, self.say = workspace, view, order, say
        self.store = Store.of(workspace)
        self.id = new_id()
        self.undo: list[Callable[[], object]] = []

    def run(self) -> Spawned | NotSpawned:
        order, snapshot = self.order, self.view.snapshot
        task = snapshot.graph.get(order.task) if order.task else None
        if order.task and (reason := why_not(task, order.task, snapshot, mends=order.mends)):
            return NotSpawned(order.task, reason, Exit.USAGE if task is None else Exit.WAITING)
        branch = order.branch or branch_for(order.task, snapshot, order.prefix)
        if order.task and snapshot.settings.task_of(branch) != order.task:
            raise UsageError(
                f"'{order.prefix}' is no prefix of task branches",
                hint=f"[project] prefixes on main has: {', '.join(snapshot.settings.project.prefixes)}",
            )
        if held := self._held_here(branch):
            return NotSpawned(order.task or branch, held)
        kind = resolved(agent_for(snapshot.settings, task, branch, order.agent))
        if order.task and (refused := self._claim()):
            return refused
        try:
            made = self._worktree(branch)
            record = self._record(branch, made, kind.name, order.model or (task.model if task else ""))
            place = Place(branch, made.path, made.ports[0] if made.ports else None)
            prompt = order.prompt
            if task is not None:
                prompt = prompt_of(
                    self.workspace, self.view, task, place, template=order.template, context=order.context
                )
            self.store.add(record, prompt, order.context if order.forked else "")
            self.undo.append(lambda: self.store.retire(self.id, keep=snapshot.settings.sessions.keep))
            start_host(self.workspace, self.id)
        except BaseException:
            self._take_back()
            raise
        finally:
            self.undo.clear()  # each step knows this object: a ring that would keep git's reader running
        return Spawned(record)

    def _held_here(self, branch: str) -> str:
        """Return who works on the task, or in the branch's worktree: two agents in one would mix their work up."""
        task = self.order.task
        for session in look(self.workspace):
            record = session.record
            if session.state in LIVE and (record.branch == branch or (task and record.task == task)):
                return f"{task or branch} is being worked on by {record.id} ({session.state.value})"
        return ""

    def _claim(self) -> NotSpawned | None:
        now = time.time()
        task, length = self.order.task, self.view.snapshot.settings.sessions.claim
        wanted = ClaimText(task, machine(self.workspace), self.id, int(now + length))
        match take(self.workspace, wanted, now, ours=self._former(task)):
            case Taken():
                self.undo.append(lambda: release(self.workspace, task, self.id))
                return None
            case Held(claim):
                left = max(0, int(claim.expires - now))
                who = f"{claim.machine}/{claim.session}"
                return NotSpawned(task, f"{task} is claimed by {who} for another {left} s")
            case NotTaken(words):
                raise RefusedError(
                    f"the claim on {task} was not taken: {one_line(words)}", hint="run it again"
                )

    def _former(self, task: str) -> str:
        """Return the session of this machine that held the claim and works no more: its claim is ours to take over."""
        seen = self.view.snapshot.claims
        holder = next((claim.holder for claim in seen if claim.task == task), "")
        name, _, session = holder.partition("/")
        return session if name == machine(self.workspace) and not is_at_work(self.workspace, session) else ""

    def _worktree(self, branch: str) -> Made:
        order = self.order
        made = make(
            self.workspace, Wanted(branch, base=order.base or None, path=order.path or None), self.say
        )
        self.undo.append(lambda: unmake(self.workspace, made))
        return made

    def _record(self, branch: str, made: Made, agent: str, model: str) -> SessionRecord:
        order = self.order
        return SessionRecord(
            id=self.id,
            role=SessionRole.IMPLEMENTATION,
            branch=branch,
            worktree=str(made.path),
            agent=agent,
            machine=machine(self.workspace),
            made=time.time(),
            task=order.task,
            model=model,
            parent=order.parent,
            attempt=order.attempt,
            base=made.base,
            ports=tuple(made.ports),
            owns=tuple(sorted(made.made)),
            forked=order.forked,
        )

    def _take_back(self) -> None:
        for step in reversed(self.undo):
            try:
                step()
            except (CoordError, OSError) as error:
                self.say(f"could not take back: {error}")


def is_at_work(workspace: Workspace, id: str) -> bool:
    """Say whether a session of this machine has a host that runs."""
    return any(session.record.id == id and session.state in LIVE for session in look(workspace))


def why_not_started(store: Store, id: str, deadline: float) -> str:
    """Wait until a session's agent answers, or has failed to, or its host is gone, at most until ``deadline`` (monotonic
    seconds); return why it never started, or ``""``: it has, or its host has not given up yet."""
    while True:
        # Whether the host lives is asked first: what it wrote before it ended is then read for sure.
        alive = host_runs(store, id)
        stood = store.standing(id)
        if stood.ended is not None:
            return stood.ended.reason if stood.ended.ending is Ending.FAILED and stood.turn == 0 else ""
        if stood.starts:
            return ""
        if not alive:
            return f"its host ended before the agent answered{_last_words(store, id)}"
        if time.monotonic() > deadline:
            return ""
        time.sleep(0.05)


def _last_words(store: Store, id: str) -> str:
    """Return the last line that a session's host wrote: how Python ended it, when it did not say so itself."""
    try:
        lines = (store.folder(id) / HOST_LOG).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return f": {one_line(lines[-1], 300)}" if lines else ""
