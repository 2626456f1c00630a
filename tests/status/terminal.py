"""A real terminal for tests: a tmux server of its own, in which coord runs as a person would run it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Terminal:
    """One window of one tmux server."""

    socket: Path
    folder: Path

    def tmux(self, *args: str) -> str:
        """Run tmux on this server."""
        ran = subprocess.run(
            ["tmux", "-S", str(self.socket), "-f", "/dev/null", *args],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def coord(self, *args: str) -> None:
        """Start coord in the window; ``ended N`` stands there when it ends."""
        words = shlex.join([sys.executable, "-P", "-m", "coord", *args])
        self.tmux("send-keys", "-t", "it", f"clear; {words}; echo ended $?", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.tmux("send-keys", "-t", "it", *keys)

    def screen(self, *, colours: bool = False) -> str:
        """Return what stands on the screen."""
        return self.tmux("capture-pane", "-p", "-t", "it", *(["-e"] if colours else []))

    def mode(self, name: str) -> str:
        """Return what tmux says of the window: ``alternate_on``, ``cursor_flag`` ..."""
        return self.tmux("display-message", "-p", "-t", "it", f"#{{{name}}}").strip()

    def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self.tmux("resize-window", "-t", "it", "-x", str(width), "-y", str(height))

    def until(self, holds: Callable[[str], object], seconds: float = 20) -> str:
        """Wait until the screen is as it should be, and return it; that it never is is a failure that shows it."""
        deadline = time.monotonic() + seconds
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline, (
                f"{screen}\n[{self.mode('pane_width')}x{self.mode('pane_height')}]"
            )
            time.sleep(0.05)
        return screen


@contextmanager
def terminal(
    folder: Path, socket: Path, *, width: int = 100, height: int = 30, **more: str
) -> Iterator[Terminal]:
    """Open a terminal in ``folder``; ``more`` are variables of its environment."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not on this machine")
    made = Terminal(socket, folder)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TMUX")
    } | more
    size = ["-x", str(width), "-y", str(height)]
    start = ["new-session", "-d", "-s", "it", *size, "-c", str(folder), "sh"]
    for attempt in range(3):
        ran = subprocess.run(
            ["tmux", "-S", str(socket), "-f", "/dev/null", *start],
            capture_output=True,
            text=True,
            timeout=20,
            env=environment,
        )
        # A server that is short of something at its start gives up: that is tmux's, and says nothing of coord.
        if ran.returncode == 0 or attempt == 2 or "server exited" not in ran.stderr:
            break
        time.sleep(1)
    assert ran.returncode == 0, ran.stderr
    try:
        yield made
    finally:
        made.tmux("kill-server")
