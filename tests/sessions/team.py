"""Tasks whose scripted agents behave as agents do: the script stands in the task's own text, and so in its prompt."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from coord.core.session import LIVE
from coord.sessions.looking import Session, look
from coord.workspace import open_workspace
from tests.world import CHECK, Result, World, task_text

Step = Mapping[str, Any]

CONFIG = (
    CHECK
    + '[sessions]\nagent = "scripted"\n[run]\nmax = 7\nmemory = "0"\nattempts = 2\n'
    + '[monitor]\nnudges = 1\nmodel = "6s"\n'
)


def calm(config: str) -> str:
    """Return settings with which nothing stalls and nobody is nudged: what a test looks at stays as it is."""
    return re.sub(r'model = "\d+s"', 'model = "60s"', re.sub(r"nudges = \d+", "nudges = 0", config))


def script(steps: Sequence[Step], tag: str = "") -> str:
    """Return the fenced block that the scripted agent plays: at the first prompt, or when the first line says ``tag``."""
    return f"\n```script{' ' + tag if tag else ''}\n{json.dumps(list(steps))}\n```\n"


def finish(id: str, text: str = "", path: str = "") -> list[Step]:
    """Return the steps of an agent that does its work and says so."""
    return [
        {"edit": {"path": path or f"src/{id}.txt", "content": text or f"{id}\n"}},
        {"commit": f"add {id}"},
        {"push": []},
        {"done": f"made {id}"},
    ]


def task(id: str, *scripts: str, depends_on: tuple[str, ...] = (), extra: str = "") -> str:
    """Return a task file with scripts in its description."""
    text = task_text(id, depends_on=depends_on, extra=extra)
    return text.replace("Do it.\n", "Do it.\n" + "".join(scripts))


@dataclass
class Team:
    """A world with agents at work in the maintainer's clone."""

    world: World

    @property
    def desk(self) -> Path:
        return self.world.desk

    def sessions(self) -> tuple[Session, ...]:
        """Return the sessions as they stand now."""
        return look(open_workspace(self.desk))

    def session(self, task: str) -> Session:
        """Return the session of a task."""
        return next(session for session in self.sessions() if session.record.task == task)

    def settled(self, *tasks: str, seconds: float = 30.0) -> None:
        """Wait until the hosts of these tasks' sessions (all: no name) have ended."""
        self.until(
            lambda: not any(s.alive for s in self.sessions() if not tasks or s.record.task in tasks), seconds
        )

    def until(self, holds: Any, seconds: float = 30.0) -> None:
        """Wait until something holds; that it never does is a failure, with what the hosts wrote."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.05)

    def last_words(self) -> str:
        """Return what the sessions' logs and hosts say last."""
        said = [
            f"{s.record.id} {s.record.task} {s.state.value} {s.why} {s.standing.phase}"
            for s in self.sessions()
        ]
        logs = (self.desk / ".git/coord/sessions").glob("*/*.log")
        return "\n".join([*said, *(f"{log}: {log.read_text('utf-8', 'replace')[-2000:]}" for log in logs)])

    def run(self, *args: str) -> Result:
        """Run the whole loop."""
        return self.world.coord("run", "--json", "--interval", "0.3", *args)

    def start_run(self) -> subprocess.Popen[str]:
        """Start the loop as a process of its own, to be killed."""
        return self.begin("run", "--json", "--interval", "0.3")

    def begin(self, *words: str, at: Path | None = None) -> subprocess.Popen[str]:
        """Start coord as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "coord", "-C", str(at or self.desk), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *words: str, at: Path | None = None) -> Result:
        """Run coord as a process of its own."""
        process = self.begin(*words, at=at)
        out, err = process.communicate(timeout=60)
        return Result(process.returncode, out, err)

    def processes(self) -> list[str]:
        """Return the processes that work for this world: hosts, agents, and what they have left."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                words = " ".join(process.cmdline())
                if "cat-file --batch" in words and process.ppid() == os.getpid():
                    continue  # the test's own
                inside = process.cwd().startswith(str(self.desk)) or str(self.desk) in words
                if process.pid != os.getpid() and inside and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(words)
        return found

    def left_over(self) -> list[str]:
        """Return what is left lying around: worktrees, branches, claims, leases, session records, processes.

        A process that has been told to end gets a moment for it."""
        deadline = time.monotonic() + 5
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        worktrees = self.world.git("worktree", "list", "--porcelain", at=self.desk).count("worktree ") - 1
        branches = self.world.git("for-each-ref", "--format=%(refname)", "refs/heads/", at=self.desk).split()
        claims = self.world.git(
            "for-each-ref", "--format=%(refname)", "refs/coord/claims/", at=self.world.origin
        )
        leases = list((self.desk / ".git/coord/ports").glob("*.json"))
        folders = list((self.desk / ".worktrees").glob("*")) if (self.desk / ".worktrees").is_dir() else []
        return [
            *([f"{worktrees} worktrees"] if worktrees else []),
            *(f"branch {name}" for name in branches if name != "refs/heads/main"),
            *(f"claim {name}" for name in claims.split()),
            *(f"lease {lease.name}" for lease in leases),
            *(f"folder {folder.name}" for folder in folders),
            *(f"session {session.record.id}" for session in self.sessions()),
            *(f"process {words}" for words in self.processes()),
        ]

    def statuses(self) -> dict[str, str]:
        """Return the status of each task on the remote's main."""
        self.world.git("fetch", "-q", "origin", at=self.desk)
        return {t["id"]: t["status"] for t in self.world.coord("list", "--json").data["tasks"]}

    def kill_all(self) -> None:
        """End everything, whatever it does: what a test leaves must not trouble the next."""
        for session in self.sessions():
            if session.alive or session.state in LIVE:
                with contextlib.suppress(Exception):
                    self.world.coord("abort", session.record.id)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and str(self.desk) in " ".join(process.cmdline()):
                    process.kill()


@contextlib.contextmanager
def team_of(world: World, tasks: Mapping[str, str], config: str = CONFIG) -> Iterator[Team]:
    """Build a world with these tasks and end all that was started in it."""
    team = Team(world.build(dict(tasks), config=config))
    world.coord("hooks", "install")
    try:
        yield team
    finally:
        team.kill_all()


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process as the kernel would, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def spawned(team: Team, *words: str) -> list[str]:
    """Start sessions with ``coord spawn`` and return their ids."""
    answer = team.world.coord("spawn", "--json", *words)
    assert answer.code == 0, answer.err
    return [session["id"] for session in answer.data["sessions"]]
