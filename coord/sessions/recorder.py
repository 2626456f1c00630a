"""What a host writes down: the events of its session, and how it stands by them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from coord.core.agentevent import AgentEvent, Noted, Said, Tool, ToolState
from coord.core.counters import Counters, counters
from coord.core.session import Standing
from coord.sessions.store import Store

#: Characters of one message that are gathered before they are written: agents send their text in pieces of a word.
_GATHERED = 4000
#: Seconds after which a call that goes on is written down again.
_GOES_ON = 10.0


class Recorder:
    """Takes events as they come, writes them to the session's log and keeps the standing; ``woken`` tells the host."""

    def __init__(self, store: Store, id: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._id = id
        self._clock = clock
        self._said: Said | None = None
        self._calls: dict[str, tuple[Tool, float]] = {}
        self._counted = counters(store.events(id)[0])
        self._fresh: list[AgentEvent] = []
        self.woken = asyncio.Event()

    @property
    def counted(self) -> Counters:
        """Return what is counted of the session up to now."""
        if self._fresh:
            self._counted = counters(self._fresh, self._counted)
            self._fresh = []
        return self._counted

    @property
    def standing(self) -> Standing:
        """Return how the session stands now."""
        return self.counted.standing

    def take(self, event: AgentEvent) -> None:
        """Take one event. It never raises: what cannot be written is lost, and the session goes on."""
        if isinstance(event, Said):
            self._gather(event)
        elif not (isinstance(event, Tool) and self._is_told(event)):
            self.flush()
            self._write(event)
        self._fresh.append(event)
        self.woken.set()

    def note(self, what: str, text: str = "") -> None:
        """Write down what the host itself did."""
        self.take(Noted(self._clock(), what, text))

    def flush(self) -> None:
        """Write what was gathered of a message."""
        said, self._said = self._said, None
        if said is not None:
            self._write(said)

    def _gather(self, event: Said) -> None:
        said = self._said
        if said is None or (said.message, said.thought) != (event.message, event.thought):
            self.flush()
            self._said = event
        else:
            self._said = replace(said, text=said.text + event.text)
        if self._said and len(self._said.text) > _GATHERED:
            self.flush()

    def _is_told(self, event: Tool) -> bool:
        """Say whether the log knows of a call what matters until it is over: agents send its whole output again with each
        line that is added to it, and the log would grow with the square of it."""
        if event.state not in (ToolState.PENDING, ToolState.RUNNING):
            self._calls.pop(event.call, None)
            return False
        what = replace(event, at=0.0, output="", input=event.input[:1])
        before, at = self._calls.get(event.call, (None, 0.0))
        if before == what and event.at - at < _GOES_ON:
            return True
        self._calls[event.call] = what, event.at
        return False

    def _write(self, event: AgentEvent) -> None:
        try:
            self._store.append(self._id, event)
        except OSError:
            return
