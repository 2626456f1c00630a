"""Watch seven agents land in a temporary folder, and look at what is left there.

A bare origin, a small crate (a Python package when cargo is absent), seven agents in worktrees: four land, one
conflicts, one fails the gate, one gives up; one of them tries to commit a task file. Everything is done by git and by
coord's own commands, in one folder. Exit code 0 when the outcome is as it should be.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from coord.call import Call
from coord.demo.cast import Project
from coord.demo.crate import CRATE
from coord.demo.package import PACKAGE
from coord.demo.picture import differences, look
from coord.demo.report import lines_of
from coord.demo.show import play
from coord.demo.stage import Stage
from coord.errors import Exit, UsageError
from coord.output import Output
from coord.room import rustup_home


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--keep-in", type=Path, metavar="DIR", help="work in DIR (new or empty), not in a temporary folder"
    )
    parser.add_argument("--profile", choices=("cargo", "python"), help="which project (default: by cargo)")


def run(call: Call) -> Exit:
    # Ended in whatever way, nothing goes on behind a visitor's back.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    project = _project(call.args.profile, call.output)
    chosen = call.args.keep_in
    root = _folder(call.folder / chosen) if chosen else Path(tempfile.mkdtemp(prefix="coord-demo-")).resolve()
    try:
        return _show(Stage(root), project, call.output)
    except KeyboardInterrupt:
        if not chosen:
            shutil.rmtree(root, ignore_errors=True)
        call.output.say(f"coord: interrupted; {root} is {'left as it is' if chosen else 'removed'}")
        return Exit.INTERRUPTED


def _show(stage: Stage, project: Project, output: Output) -> Exit:
    started = time.monotonic()
    output.say(f"coord demo works in {stage.root}")
    picture = look(stage, play(stage, project, output.say))
    wrong = differences(picture)
    output.say(f"\ndone in {time.monotonic() - started:.0f} s; this is what the repositories hold now\n")
    for line in lines_of(picture, stage):
        output.result(line)
    for words in wrong:
        output.say(f"coord: not as it should be: {words}")
    return Exit.ERROR if wrong else Exit.OK


def _project(chosen: str | None, output: Output) -> Project:
    missing = _missing()
    if chosen == "cargo" and missing:
        raise UsageError(f"{missing}: the crate cannot be built here", hint="coord demo --profile python")
    if chosen is None and missing:
        output.say(f"{missing}: a Python package takes the crate's place")
    return PACKAGE if chosen == "python" or missing else CRATE


def _missing() -> str:
    """Return which part of a Rust toolchain is absent, or '' when a crate can be built, linted and tested."""
    environment = {**os.environ, "RUSTUP_HOME": str(rustup_home())}
    words = ("cargo", "clippy", "--version")
    try:
        clippy = subprocess.run(words, env=environment, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "cargo is absent"
    if clippy.returncode != 0:
        return "clippy is absent"
    return "" if shutil.which("cc") else "the linker cc is absent"


def _folder(path: Path) -> Path:
    path = path.resolve()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is not empty", hint="name a folder that does not exist yet")
    path.mkdir(parents=True, exist_ok=True)
    return path
