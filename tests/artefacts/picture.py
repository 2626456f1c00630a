"""The situation of the README's picture, and what its commands print there.

Commit ids differ from run to run (the committer date is the time of landing), so two transcripts are compared with
each id replaced by the order in which it first appears: the first is <1>, the second <2>, and so on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.world import World

_CONFIG = """[gate]
profile = "tests"
[profiles.tests]
steps = ["python3 -m unittest -q"]
"""

_TASK = """---
id: auth/keys
name: Read API keys from a file
status: pending
depends_on: []
scope: narrow
risk: low
impact: component
level: implementation
---

## Description

The server takes its keys from a file, one a line.

## Summary

> To be filled on completion
"""

_TEST = """import unittest


class Server(unittest.TestCase):
    def test_it_starts(self):
        import server
"""


def build(world: World) -> None:
    """One task on main, and an agent that has done it and not pushed it yet."""
    world.build(
        {"auth/keys": _TASK}, {"server.py": "def serve():\n    pass\n", "test_server.py": _TEST}, _CONFIG
    )
    world.git("checkout", "-q", "-b", "feat/auth/keys")
    world.commit(
        "auth: read keys from a file", {"keys.py": "def keys(path):\n    return open(path).read().split()\n"}
    )


def play(world: World, transcript: str) -> str:
    """Run the commands of a transcript (lines ``agent$ …`` and ``desk$ …``) and return it as it really is."""
    played = []
    for line in transcript.splitlines():
        prompt = re.match(r"(agent|desk)\$ (.*)", line)
        if prompt:
            where = world.agent if prompt[1] == "agent" else world.desk
            played += ["", line, *_run(prompt[2], where)]
    return "\n".join(played[1:]) + "\n"


def _run(command: str, where: Path) -> list[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        command, shell=True, cwd=where, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    return [line.rstrip() for line in ran.stdout.splitlines()]


def without_ids(text: str) -> str:
    """Return a transcript with every commit id replaced by the order in which it first appears."""
    seen: dict[str, int] = {}
    return re.sub(
        r"\b[0-9a-f]{7}(?:[0-9a-f]{33})?\b", lambda id: f"<{seen.setdefault(id[0][:7], len(seen) + 1)}>", text
    )
