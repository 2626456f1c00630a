"""The commands of the quick starts work, word by word, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.artefacts import read
from tests.world import World

_MARK = "<!-- run by tests/artefacts/test_quickstart.py -->"


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_the_commands_of_a_quick_start_land_a_task(world: World, page: str) -> None:
    """In a Python project, whose profile ``coord init`` finds; the gate needs pytest, which runs this test."""
    world.build(
        files={"pyproject.toml": "[project]\nname = 'x'\n", "test_x.py": "def test_x():\n    pass\n"},
        config="",
    )
    script = "\n".join(re.findall(rf"^{_MARK}\n```sh\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL))
    assert "coord land" in script

    ran = subprocess.run(
        ["sh", "-ec", script], cwd=world.desk, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout
    assert world.statuses() == {"auth/keys": "completed", "example": "pending"}
    assert world.branches() == []
    assert world.has("keys.py")
    assert (world.desk / "keys.py").is_file()
    assert world.git("worktree", "list", at=world.desk).count("\n") == 0
