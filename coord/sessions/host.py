"""The host of one session: a process of its own that owns the agent and watches over it.

It is started detached (``python -m coord.sessions.host FOLDER ID``), writes every event down, delivers messages at the
end of a turn, answers permissions by rule, runs the monitor, renews the claim, and ends when the session is over. It may
be killed at any time: what it knew is in the session's folder and in git, and another host takes the session up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from coord import inbox
from coord.agents.base import AgentAdapter, AgentError, Handle, SessionSpec
from coord.agents.registry import adapter_of
from coord.core.agentevent import (
    Ended,
    Ending,
    Gone,
    Phase,
    Prompted,
    Warned,
    Why,
)
from coord.core.anomaly import Anomaly, command_for, findings, untold
from coord.core.session import SessionRecord
from coord.core.settings import Settings
from coord.core.text import one_line
from coord.core.turn import CONTINUE, Evidence, Finish, Nudge, Rest, judge
from coord.errors import CoordError
from coord.processes import end, leftovers, own
from coord.sessions.evidence import evidence, remote_tip
from coord.sessions.launching import agent_kind, spec_of
from coord.sessions.questions import Questions
from coord.sessions.recorder import Recorder
from coord.sessions.store import CONTEXT, PROMPT, Message, Store, Unreadable
from coord.sessions.tenure import Tenure
from coord.sessions.unfinished import Branch, keep_back
from coord.workspace import Workspace, open_workspace

#: Seconds between two looks at the inbox and the clock when nothing happens.
_TICK = 0.2
#: Seconds between two runs of the monitor.
_WATCH = 1.0
#: Seconds that an agent has to end a turn it was told to end, before its process is ended.
_PATIENCE = 10.0
#: Seconds within which a start that fails may have met another start.
_SOON = 20.0
#: Seconds after which a remote that did not answer is asked again.
_AGAIN = 5.0
#: Seconds that the remote has to answer; it is asked again.
_PATIENCE_WITH_REMOTE = 120.0

_GO_ON = f"You were interrupted. Look at where your branch stands, then go on.\n{CONTINUE}"


class Host:
    """One session's host, from the start of its agent to the end of the session."""

    def __init__(self, workspace: Workspace, record: SessionRecord) -> None:
        workspace.git.patience = min(workspace.git.patience, _PATIENCE_WITH_REMOTE)
        self.workspace = workspace
        self.record = record
        self.store = Store.of(workspace)
        self.settings: Settings = workspace.settings
        self.log = Recorder(self.store, record.id)
        self.tenure = Tenure(workspace, record, self.log.note)
        self.questions = Questions(self.log, record.worktree, self.settings.sessions)
        self.handle: Handle | None = None
        self.over = False
        self.restarts = 0
        self.copied = True
        self.remembers = True
        self._judged = -1
        self._judges_after = 0.0
        self._watched = 0.0
        self._cancelled = 0.0

    # -- the whole ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Host the session until it is over."""
        try:
            await self._begin()
            while not self.over:
                await self._tick()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.log.woken.wait(), _TICK)
                self.log.woken.clear()
        finally:
            if self.handle is not None:
                await self.handle.close()
            self.log.flush()
        await self._left()

    async def _left(self) -> None:
        """Keep what was pushed and never called done from landing: nobody renews the claim any more."""
        ended = self.log.standing.ended
        if self.record.task and ended is not None and ended.ending in (Ending.FAILED, Ending.ATTENTION):
            branch = Branch(self.record.task, self.record.branch)
            kept = await asyncio.to_thread(keep_back, self.workspace, branch, ended.reason)
            if kept.trouble:
                self.log.note("work in progress", f"not marked on its branch: {kept.trouble}")

    async def _begin(self) -> None:
        resumed = bool(self.log.standing.turn)
        if self.log.standing.in_turn:
            self.log.take(Gone(time.time(), "its host was gone"))
        if not await self._start(self.log.standing.foreign if resumed else ""):
            return
        if resumed and any(message.mode == "queue" for message in self.store.waiting(self.record.id)):
            return  # it was taken up to be told something, and hears that first
        if resumed:
            await self._prompt(_GO_ON, Why.RESUME)
        elif prompt := self._first_prompt():
            await self._prompt(prompt, Why.TASK)

    def _first_prompt(self) -> str:
        folder = self.store.folder(self.record.id)
        prompt = (folder / PROMPT).read_text("utf-8")
        if not self.record.forked or self.copied:
            return prompt
        context = (folder / CONTEXT).read_text("utf-8")
        return f"You go on with the work of another session, in a worktree of your own. It went so far:\n\n{context}\n\n{prompt}"

    async def _start(self, foreign: str) -> bool:
        """Start the agent and say whether it answers; one that does not ends the session."""
        try:
            adapter = adapter_of(agent_kind(self.settings, self.record.agent).adapter)
            self.handle = await self._adapted(adapter, spec_of(self.workspace, self.record, foreign))
        except (AgentError, CoordError) as error:
            hint = f" ({error.hint})" if error.hint else ""
            self._end(Ending.FAILED, f"{self.record.agent} did not start: {error.message}{hint}")
            return False
        return True

    async def _adapted(self, adapter: AgentAdapter, spec: SessionSpec) -> Handle:
        """Start the agent; a session that it cannot take up begins anew, with the same work."""
        if self.log.standing.turn and not spec.foreign:
            self.remembers = False
        begun = time.monotonic()
        try:
            return await adapter.start(spec, self.log.take)
        except AgentError as error:
            at_once = time.monotonic() - begun <= min(_SOON, spec.deadline / 2)
            if not spec.foreign and not at_once:
                raise
            if not spec.foreign:
                # Some fail when several are started for the first time at once (OpenCode makes its database then).
                self.log.note("start", f"it failed at once, and is started again: {error.message}")
                await asyncio.sleep(1)
                return await adapter.start(spec, self.log.take)
            self.copied = self.remembers = False
            self.log.note("resume", f"the agent could not take the session up: {error.message}")
            spec = spec_of(self.workspace, replace(self.record, forked=""), "")
            return await adapter.start(spec, self.log.take)

    # -- one look ----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self.tenure.keep()
        if self.tenure.lost:
            self._end(Ending.ABORTED, f"{self.tenure.lost} holds the task's claim now")
            return
        await self._read_inbox()
        if self.over or self.handle is None:
            return
        stood = self.log.standing
        if stood.phase is Phase.GONE:
            await self._came_back()
            return
        if stood.asked and await self.questions.answer_all(self.handle):
            self._watched = 0.0  # the monitor tells it, now
        if stood.phase is Phase.ENDED and stood.turn and self._judged != stood.turn:
            await self._judge()
        if time.time() - self._watched >= _WATCH:
            self._watched = time.time()
            if not self.store.folder(self.record.id).is_dir():
                self.over = True  # somebody deleted it: nobody could talk to this session any more
                return
            self.log.flush()  # what it says is shown while it goes on thinking
            await self._watch()

    async def _came_back(self) -> None:
        """Take the session up again when its agent's process has ended, a few times; then it has failed."""
        detail = self.log.standing.detail
        if self.log.standing.ended is not None:
            self.over = True  # it waited for a person, who can take it up by a message
            return
        if self.restarts >= max(1, self.settings.monitor.nudges):
            self._end(Ending.FAILED, f"the agent's process ended{': ' if detail else ''}{detail}")
            return
        self.restarts += 1
        if self.handle is not None:
            await self.handle.close()
        await asyncio.to_thread(self._end_what_it_left)
        if await self._start(self.log.standing.foreign):
            await self._prompt(_GO_ON, Why.RESUME)

    def _end_what_it_left(self) -> None:
        """End what the agent has left running: shells in groups of their own would work beside the one that follows."""
        record = self.store.read(self.record.id)
        token = record.token if isinstance(record, SessionRecord) else ""
        end(leftovers(Path(self.record.worktree), frozenset({token} if token else ())))

    # -- messages ----------------------------------------------------------------------------------------------------

    async def _read_inbox(self) -> None:
        for message in self.store.waiting(self.record.id):
            if message.id in self.log.standing.delivered or await self._delivered(message):
                self.store.taken(self.record.id, message)
            if self.over:
                return

    async def _delivered(self, message: Message) -> bool:
        """Deliver one message and say whether it has been taken; what cannot be now stays where it is."""
        match message.mode:
            case "abort":
                self._end(Ending.ABORTED, message.text or "aborted")
                return True
            case "close":
                self.over = True
                if self.log.standing.ended is None:
                    self._end(Ending.ATTENTION, message.text or "closed")
                return True
            case "answer":
                if self.handle is not None:
                    await self.questions.answered(self.handle, message.text)
                return True
            case "compact":
                return await self._compacted()
            case _:
                return await self._prompted(message)

    async def _prompted(self, message: Message) -> bool:
        handle, stood = self.handle, self.log.standing
        if handle is None or stood.phase in (Phase.STARTING, Phase.GONE):
            return False
        if not stood.in_turn:
            why = Why(message.why) if message.why in list(Why) else Why.MESSAGE
            return await self._prompt(message.text, why, message.id)
        if message.mode == "interrupt":
            await self._interrupt()
        elif message.mode == "steer" and handle.caps.steer:
            await handle.steer(message.text)
            return True
        return False

    async def _interrupt(self) -> None:
        """Ask the agent to end its turn; one that does not is ended, and taken up again."""
        if self.handle is None:
            return
        if not self._cancelled:
            self._cancelled = time.time()
            self.log.note("interrupt", "its turn is cancelled for a message")
            await self.handle.cancel()
        elif time.time() - self._cancelled > _PATIENCE:
            self._cancelled = 0.0
            await self.handle.close()

    async def _compacted(self) -> bool:
        if self.handle is None or self.log.standing.in_turn:
            return False
        with contextlib.suppress(AgentError):
            await self.handle.compact()
        return True

    async def _prompt(self, text: str, why: Why, message: str = "") -> bool:
        if self.handle is None:
            return False
        tip = await asyncio.to_thread(self._tip) if why in (Why.TASK, Why.RETURNED) else ""
        self._cancelled = 0.0
        turn = self.log.standing.turn + 1
        if turn > 1 and not self.remembers:
            text = (
                f"{text}\n\nYou have no memory of it; this is what was asked for:\n\n{self._first_prompt()}"
            )
            self.remembers = True
        # It is written down first: the end of a short turn must not stand before its beginning.
        self.log.take(Prompted(time.time(), turn, text, why, tip))
        try:
            await self.handle.prompt(text)
        except AgentError as error:
            if self.log.standing.phase is not Phase.GONE:
                self.log.take(Gone(time.time(), f"it did not take a prompt: {error.message}"))
            return False
        if message:
            self.log.note("delivered", message)
        if why is Why.RESUME:
            self._drop_nudges()
        return True

    def _drop_nudges(self) -> None:
        """Forget nudges that wait: the session has just been asked to go on."""
        for waiting in self.store.waiting(self.record.id):
            if waiting.why == Why.NUDGE.value:
                self.store.taken(self.record.id, waiting)

    def _tip(self) -> str:
        if not self.record.task:
            return ""
        try:
            return remote_tip(self.workspace, self.record.branch)
        except CoordError:
            return ""

    # -- what follows a turn -----------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        stood = self.log.standing
        if time.monotonic() < self._judges_after or any(
            message.mode in ("queue", "interrupt", "steer") for message in self.store.waiting(self.record.id)
        ):
            return
        try:
            # The remote may be slow, and the agent's messages must not wait for it.
            seen = await asyncio.to_thread(self._evidence) if self.record.task else None
        except CoordError as error:
            self.log.note("evidence", error.message)
            self._judges_after = time.monotonic() + _AGAIN
            return
        if self.log.standing is not stood:
            return  # something happened meanwhile: it is looked at again
        self._judged = stood.turn
        match judge(stood, seen, self.settings.monitor.nudges):
            case Finish(Ending.ATTENTION, reason):
                self._needs_attention(reason)
            case Finish(ending, reason):
                self._end(ending, reason)
            case Nudge(text):
                await self._prompt(text, Why.NUDGE)
            case Rest(reason):
                self.log.note("rest", reason)

    def _evidence(self) -> Evidence:
        return evidence(self.workspace, self.record)

    def _needs_attention(self, reason: str) -> None:
        """Leave the session to a person; the agent lives on."""
        self.log.take(Ended(time.time(), Ending.ATTENTION, one_line(reason, 500)))
        words = f"{reason} -- coord message {self.record.id} TEXT, or coord abort {self.record.id}"
        self._tell("warning", words)

    def _end(self, ending: Ending, reason: str) -> None:
        self.log.take(Ended(time.time(), ending, one_line(reason, 500)))
        self.over = True
        if ending is Ending.FAILED:
            self._tell("warning", reason)

    # -- the monitor -------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        counted = self.log.counted
        found = findings(counted, self.settings.monitor, time.time())
        for anomaly in untold(found, counted.told):
            if anomaly.heuristic == "ended-without-done" and not self.record.task:
                continue  # nothing was asked of it that could be done
            command = command_for(anomaly, self.record.id)
            self.log.take(
                Warned(
                    time.time(),
                    anomaly.heuristic,
                    anomaly.severity.value,
                    anomaly.evidence,
                    command,
                    anomaly.episode,
                )
            )
            await self._act(anomaly, command)
            if self.over:
                return

    async def _act(self, anomaly: Anomaly, command: str) -> None:
        if anomaly.heuristic in self.settings.monitor.abort:
            self._end(Ending.FAILED, f"{anomaly.heuristic}: {anomaly.evidence}")
            return
        self._tell(
            "warning", f"{anomaly.heuristic} ({anomaly.severity.value}): {anomaly.evidence} -- {command}"
        )
        if anomaly.heuristic != "stall":
            return
        if self.log.standing.nudges < self.settings.monitor.nudges:
            message = Message(
                "Please continue." if not self.record.task else CONTINUE, "interrupt", Why.NUDGE.value
            )
            self.store.send(self.record.id, message)
        else:
            self._needs_attention(f"it stalled: {anomaly.evidence}")

    def _tell(self, level: str, text: str) -> None:
        about = {"task": self.record.task, "branch": self.record.branch, "session": self.record.id}
        with contextlib.suppress(OSError):
            inbox.leave(self.workspace.state, level, text, about)


def main(argv: list[str]) -> int:
    """Host the session that the arguments name: the repository's folder and the session's id."""
    folder, id = argv
    os.umask(0o077)
    workspace = open_workspace(Path(folder))
    store = Store.of(workspace)
    record = store.read(id)
    if record is None or isinstance(record, Unreadable):
        sys.stderr.write(f"coord: no session {id} that could be read\n")
        return 1
    if not _is_only_one(store.folder(id)):
        return 0
    store.hosted_by(id, own())
    asyncio.run(_hosted(Host(workspace, record)))
    return 0


def _is_only_one(folder: Path) -> bool:
    """Say who hosts the session; False when another host is at work. The lock ends with its process."""
    import fcntl

    lock = os.open(folder / "host.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


async def _hosted(host: Host) -> None:
    """Run a host; a signal that asks it to end leaves the session as interrupted, to be taken up again."""
    task = asyncio.ensure_future(host.run())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    from coord.gitrunner import drop_inherited

    drop_inherited()
    sys.exit(main(sys.argv[1:]))
