"""Validations side by side: each in a thread of its own, their results handed over in the order in which they end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from coord.core.trial import Finding
from coord.step import Stop, Stopped

#: How much longer than the one that ended others are waited for, as a part of its time and in seconds, and from which
#: part of its age on. (Simulated: with lengths that differ by 1 %, planning at each single end costs half as much again.)
_LONGER, _AT_MOST, _AS_OLD = 0.05, 10.0, 0.8

#: What runs in a lane: it says what it found out, and raises Stopped when it was stopped.
Work = Callable[[Stop], Finding]


@dataclass(slots=True)
class Lane:
    """A validation under way: the key of what is judged, the line it was started for, as main stands now (empty once
    main has gone another way), the tips of that line as it was started, what the profile saw of main then, and when
    (seconds of the monotonic clock)."""

    key: str
    tips: tuple[str, ...]
    about: tuple[str, ...]
    main: str
    stop: Stop
    started: float
    thread: threading.Thread | None = None


class Lanes:
    """The validations of one run of coord; used from one thread."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._ended: SimpleQueue[tuple[Lane, Finding | BaseException]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Return what is under way."""
        return tuple(self._lanes.values())

    def is_running(self, key: str) -> bool:
        """Say whether this is being judged."""
        return key in self._lanes

    def start(self, key: str, tips: tuple[str, ...], main: str, work: Work) -> None:
        """Start a validation; one with the same key must not be under way."""
        lane = Lane(key, tips, tips, main, Stop(), time.monotonic())
        lane.thread = threading.Thread(target=self._run, args=(lane, work), name=f"gate {key[:7]}")
        lane.thread.start()
        self._lanes[key] = lane

    def _run(self, lane: Lane, work: Work) -> None:
        try:
            self._ended.put((lane, work(lane.stop)))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is read
            self._ended.put((lane, error))

    def stop(self, key: str) -> None:
        """Stop a validation and wait until nothing of it is left."""
        lane = self._lanes.pop(key, None)
        if lane is not None:
            lane.stop.set()
            _join(lane)

    def wait(self) -> list[tuple[Lane, Finding]]:
        """Wait until a validation has ended and return all that have; raises what one of them raised.

        Validations that were started together mostly end together, give or take a little: those that are as old as the
        one that ended are waited for a moment longer, so that what they tell is planned with as one.
        """
        ended: list[tuple[Lane, Finding]] = []
        deadline = 0.0
        while self._lanes:
            patience = None if not ended else max(0.0, deadline - time.monotonic())
            try:
                lane, result = self._ended.get(timeout=patience)
            except Empty:
                break
            if self._lanes.get(lane.key) is not lane:
                continue  # it was stopped, and its last word came late
            del self._lanes[lane.key]
            now = time.monotonic()
            age = now - lane.started
            if not ended and any(now - other.started > _AS_OLD * age for other in self.lanes):
                deadline = now + min(_LONGER * age, _AT_MOST)
            _join(lane)
            if isinstance(result, BaseException):
                if not isinstance(result, Stopped):
                    raise result
                continue
            ended.append((lane, result))
        return ended

    def close(self) -> None:
        """Stop everything; nothing is left running."""
        lanes, self._lanes = self.lanes, {}
        for lane in lanes:
            lane.stop.set()
        for lane in lanes:
            with contextlib.suppress(KeyboardInterrupt):
                _join(lane)


def _join(lane: Lane) -> None:
    if lane.thread is not None:
        lane.thread.join()
