"""A repository with sessions whose secrets are known, and calls of the tools without a process between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from coord.commands.mcp import runner
from coord.core.agentevent import AgentEvent
from coord.core.session import SessionRecord, SessionRole
from coord.mcp.call import Reply, Setting
from coord.mcp.tools import answer
from coord.sessions.launching import hashed
from coord.sessions.store import Store
from tests.world import CHECK, World, task_text


@dataclass
class Bench:
    """A world, the sessions made in it, and how they call."""

    world: World
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def desk(self) -> Path:
        return self.world.desk

    @property
    def store(self) -> Store:
        return Store(self.desk / ".git" / "coord" / "sessions")

    def session(self, branch: str, *, parent: str = "", events: tuple[AgentEvent, ...] = ()) -> SessionRecord:
        """Make a session with a worktree of its own; its secret is ``secret of BRANCH``."""
        worktree = self.desk / ".worktrees" / branch
        self.world.git("worktree", "add", "-q", "-b", branch, str(worktree), "origin/main", at=self.desk)
        number = len(self.store.ids()) + 1
        record = SessionRecord(
            id=f"ses_{number:012x}",
            role=SessionRole.IMPLEMENTATION,
            branch=branch,
            worktree=str(worktree),
            agent="scripted",
            machine="here",
            made=1_700_000_000.0 + number,
            task=branch.removeprefix("feat/") if branch.startswith("feat/") else "",
            token=hashed(f"secret of {branch}"),
            parent=parent,
        )
        self.store.add(record, "do it")
        if events:
            self.store.append(record.id, *events)
        return record

    def call(
        self,
        action: str,
        args: Any = None,
        *,
        by: SessionRecord | None = None,
        at: Path | None = None,
        tool: str = "worktree",
    ) -> Reply:
        """Call a tool as a session does, or (without one) as whoever stands ``at`` (the main checkout)."""
        environment = dict(self.environment)
        if by is not None:
            environment["COORD_SESSION"] = f"secret of {by.branch}"
        setting = Setting(at or self.desk, environment, {}, runner({}))
        raw = {"action" if tool == "worktree" else "tool": action}
        return answer(setting, tool, raw if args is None else {**raw, "args": args})

    def recall(self, tool: str, args: Any = None, *, by: SessionRecord | None = None) -> Reply:
        """Call the tool ``memory``."""
        return self.call(tool, args, by=by, tool="memory")

    def notes(self) -> list[dict[str, Any]]:
        """Return what lies in the inbox."""
        path = self.desk / ".git" / "coord" / "inbox.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def remote(self, branch: str) -> str:
        """Return the branch's tip on the origin, or ''."""
        return self.world.ref(f"refs/heads/{branch}")


@pytest.fixture
def bench(world: World) -> Bench:
    tasks = {name: task_text(name) for name in ("auth", "db", "docs")}
    world.build(tasks, config=CHECK + '[sessions]\nagent = "scripted"\n')
    return Bench(world)


@pytest.fixture
def works(bench: Bench) -> Callable[[SessionRecord, str], None]:
    """Return what writes a file in a session's worktree."""

    def write(record: SessionRecord, name: str = "src/new.txt") -> None:
        path = Path(record.worktree) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new\n")

    return write
