"""The commands of a page, run one after the other in a world of the page's own.

A block in ``sh`` or ``console`` says in a comment before it whether it is run::

    <!-- run -->                       by this module: a script has to end with 0, a console's output to be what is shown
    <!-- run by tests/x/test_y.py -->  by a test of its own, which names the page
    <!-- not run: it needs GitHub -->  by nobody, and why

What readers do not need to see stands in a comment ``<!-- setup: … -->`` of shell lines. All blocks of a page are one
script in one shell, so a folder or variable set in one holds in the next. ``/srv`` on a page is the world's folder: it
holds ``origin.git``, ``desk`` (where the script begins) and ``agent``, a second clone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.artefacts.picture import without_ids
from tests.world import World

_FENCE = re.compile(
    r"(?:^ *<!-- (?P<mark>(?:run|not run|compared|picture)[^>]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>sh|console)\n(?P<text>.*?)^(?P=indent)```$"
    r"|^<!-- setup:\n(?P<setup>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_BEGINS = "\x1e"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page; ``mark`` is what the comment before it says, ``""`` when there is none."""

    line: int
    language: str
    text: str
    mark: str

    @property
    def runs(self) -> bool:
        return self.mark == "run"


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page in ``sh`` and ``console``, and its setups (language ``setup``), in order."""
    found = []
    for match in _FENCE.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        if match["setup"] is not None:
            found.append(Block(line, "setup", match["setup"], "run"))
        else:
            found.append(Block(line, match["language"], textwrap.dedent(match["text"]), match["mark"] or ""))
    return found


def walk(world: World, page: str) -> Iterator[tuple[Block, str, str]]:
    """Run a page's blocks in ``world.desk``; yield each console with what it shows and what it really printed.

    Raises AssertionError, with the block's line, when a command ends with anything but 0.
    """
    blocks = [block for block in blocks_of(page) if block.runs]
    script = "".join(f"echo '{_BEGINS}'\n{_script(block)}\n" for block in blocks)
    code, printed = _run(world, script.replace("/srv/", f"{world.root}/"))
    parts = [part.removeprefix("\n") for part in printed.split(_BEGINS)[1:]]
    assert code == 0, f"line {blocks[len(parts) - 1].line}: exit code {code}\n{parts[-1]}"
    for block, part in zip(blocks, parts, strict=True):
        if block.language == "console":
            yield block, comparable(block.text, world), comparable(part, world)


def _script(block: Block) -> str:
    if block.language != "console":
        return block.text
    commands = re.findall(r"^\$ (.*(?:\\\n.*)*)", block.text, re.MULTILINE)
    assert commands, f"line {block.line}: a console shows at least one command"
    return "\n".join(f"echo {_quoted('$ ' + command)}\n{command}" for command in commands)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _run(world: World, script: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-ec", script], cwd=world.desk, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    return ran.returncode, ran.stdout


def comparable(text: str, world: World) -> str:
    """Return printed text without what differs each time: ids, times, dates and the world's folder."""
    text = text.replace(f"{world.root}/", "/srv/")
    text = re.sub(r"\b\d+(?:\.\d+)? ?(?:ms|s|min|m|h)\b", "<time>", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d(?:[T ][\d:]+(?:Z|[+-][\d:]+)?)?", "<date>", text)
    lines = (line.rstrip() for line in without_ids(text).splitlines())
    return "\n".join(line for line in lines if line)
