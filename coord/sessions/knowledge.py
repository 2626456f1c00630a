"""What one loop of ``coord run`` knows and has told; all of it may be forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from coord.core.agentevent import Ending
from coord.core.agents import Run
from coord.core.loop import Loop, Step
from coord.core.session import SessionRecord, Standing
from coord.freshness import fetch
from coord.observe import View, observe
from coord.sessions.landing import Landing
from coord.sessions.looking import Watcher
from coord.sessions.store import Store
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command asks for: the budget, one look only, whether to land, seconds between looks at the remote."""

    run: Run
    once: bool = False
    lands: bool = True
    interval: float = 2.0


@dataclass
class Running:
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


def view_of(running: Running) -> View:
    """Return the view that the loop goes by, after a first look where it has none."""
    if running.view is None:
        fetch(running.workspace)
        running.view = observe(running.workspace)
    return running.view


def attempts_after(record: SessionRecord, stood: Standing) -> int:
    """Return the attempts at a task after a session that is over."""
    spoke = stood.ended is not None and stood.ended.ending in (Ending.DONE, Ending.BLOCKED)
    return 0 if spoke or not stood.turn else record.attempt


def tell(running: Running, words: str) -> None:
    """Tell one thing that happened, and when."""
    running.told.add(words)
    running.say(f"{datetime.now().astimezone():%H:%M:%S}  {words}")


def tell_once(running: Running, words: str) -> None:
    """Tell what has not been told before."""
    if words not in running.told:
        tell(running, words)
