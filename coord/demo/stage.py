"""The demo's folder and the processes that run in it: git and coord as people and agents call them.

Nothing of the machine's git configuration takes part, and no repository around the folder: every ``GIT_*`` is taken
out, the global configuration is a file of the demo's own, and the clone includes it, so that what a visitor does there
afterwards works as well.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coord.errors import CoordError

_SETTINGS = """\
[user]
\tname = demo
\temail = demo@localhost
[init]
\tdefaultBranch = main
[core]
\texcludesFile = /dev/null
\tattributesFile = /dev/null
\tautocrlf = false
[commit]
\tgpgSign = false
[push]
	default = current
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""

_COORD = (sys.executable, "-P", "-m", "coord")

#: How long an interrupted child may take to end what it started.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder of one demo: the bare ``origin.git``, the maintainer's ``clone``, the gate's folder."""

    root: Path

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    @property
    def clone(self) -> Path:
        return self.root / "clone"

    @property
    def settings(self) -> Path:
        return self.root / "gitconfig"

    @property
    def coord_word(self) -> str:
        """Return how a visitor of the clone calls this coord: by name when that finds it, else by a script here."""
        beside = Path(sys.executable).parent / "coord"
        found = shutil.which("coord")
        return "coord" if found and Path(found).resolve() == beside.resolve() else "../coord"

    def worktree(self, task: str) -> Path:
        """Return where the agent of a task works."""
        return self.clone / ".worktrees" / task

    def open(self) -> None:
        """Make the origin and a clone of it, which keeps its gate's folder here too."""
        self.settings.write_text(_SETTINGS, "utf-8")
        if self.coord_word != "coord":
            script = self.root / "coord"
            script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m coord "$@"\n', "utf-8")
            script.chmod(0o755)
        self.git("init", "--quiet", "--bare", "--template=", str(self.origin), at=self.root)
        self.git("clone", "--quiet", "--template=", str(self.origin), str(self.clone), at=self.root)
        self.git("config", "include.path", str(self.settings))
        self.git("config", "core.hooksPath", str(self.clone / ".git" / "hooks"))
        self.git("config", "coord.gateFolder", str(self.root / "gate"))

    def git(self, *args: str, at: Path | None = None, ok: bool = True) -> Answer:
        """Run git in the clone (or ``at``). Raises CoordError when it fails and ``ok`` is asked for."""
        return self._run(("git", *args), at or self.clone, ok=ok)

    def coord(self, *args: str, at: Path | None = None) -> Answer:
        """Run coord in the clone (or ``at``). Raises CoordError when it fails."""
        return self._run((*_COORD, *args), at or self.clone)

    def land(self, hear: Callable[[str], None]) -> Answer:
        """Run ``coord land``, whatever its exit code; ``hear`` gets its progress line by line."""
        return self._run((*_COORD, "land"), self.clone, ok=False, hear=hear)

    def _run(
        self, words: tuple[str, ...], at: Path, *, ok: bool = True, hear: Callable[[str], None] | None = None
    ) -> Answer:
        with _started(words, at, self._environment()) as process:
            err = _heard(process.stderr, hear) if hear else ""
            out, rest = process.communicate()
            err += rest
        answer = Answer(process.returncode, out, err)
        if ok and answer.code != 0:
            said = (answer.err or answer.out).strip()
            name = "git" if words[0] == "git" else "coord"
            command = " ".join(words[words.index(name) :])
            raise CoordError(f"the demo went wrong: '{command}' ended with {answer.code}: {said}")
        return answer

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COORD_"))}
        return kept | {
            "GIT_CONFIG_GLOBAL": str(self.settings),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "PYTHONUTF8": "1",
        }


def _heard(stream: IO[str] | None, hear: Callable[[str], None]) -> str:
    lines = []
    for line in stream or ():
        lines.append(line)
        hear(line.rstrip("\n"))
    return "".join(lines)


@contextlib.contextmanager
def _started(
    words: tuple[str, ...], at: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Lend a process that is gone at the end.

    It has a session of its own, so that Ctrl-C reaches it once, from here: a second one would interrupt it while it
    ends what it started.
    """
    process = subprocess.Popen(
        words,
        cwd=at,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
