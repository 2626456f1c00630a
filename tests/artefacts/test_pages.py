"""What the pages under docs/ show to be typed is run, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.artefacts import ROOT, read
from tests.artefacts.walk import blocks_of, walk
from tests.world import World

PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts
)
WALKED = [name for name in PAGES if any(block.runs for block in blocks_of(read(name)))]

#: Pages whose commands take more than some seconds.
LONG = {"docs/sessions.md", "docs/simulate.md"}

#: What the world of a page holds before its first setup.
FILES = {"Makefile": "test:\n\t@echo fine\n"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", *PAGES])
def test_every_block_is_run_or_says_why_not(name: str) -> None:
    for block in blocks_of(read(name)):
        by = re.search(r"\bby (tests/\S+\.py)$", block.mark)
        if by:
            assert Path(name).name in read(by[1]), f"{name}:{block.line}: {by[1]} does not name the page"
        else:
            # The picture is played again by test_readme.py.
            assert block.runs or re.fullmatch(r"not run: \S.*|picture", block.mark), (
                f"{name}:{block.line}: {block.mark!r}"
            )


def _one(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.long) if name in LONG else name


@pytest.mark.parametrize("name", [_one(name) for name in WALKED])
def test_the_commands_of_a_page_do_what_it_shows(world: World, name: str) -> None:
    world.build(files=FILES, config="")
    for block, shown, real in walk(world, read(name)):
        assert shown == real, f"{name}:{block.line}: what is real now:\n{real}"


def test_pages_are_walked() -> None:
    assert len(WALKED) >= 5


# -- a walk notices ------------------------------------------------------------------------------------------------


def _page(*blocks: str) -> str:
    return "# A page\n\n" + "\n".join(blocks)


def test_a_command_that_fails_is_told_with_its_line(world: World) -> None:
    world.build()
    page = _page("<!-- run -->\n```sh\ntrue\n```\n", "<!-- run -->\n```sh\necho before; false\n```\n")
    with pytest.raises(AssertionError, match=r"(?s)line 8: exit code 1.*before"):
        list(walk(world, page))


def test_a_folder_and_a_variable_hold_in_the_next_block(world: World) -> None:
    world.build()
    page = _page(
        "<!-- setup:\nwho=you\ncd /srv/agent\n-->\n",
        "<!-- run -->\n```console\n$ echo hello $who; pwd\nhello you\n/srv/agent\n```\n",
    )
    ((_, shown, real),) = walk(world, page)
    assert shown == real


def test_other_output_is_a_difference_and_other_ids_and_times_are_not(world: World) -> None:
    world.build()
    commands = "$ git log -1 --format='%h took 3.2 s'\n", "$ echo more\n"
    console = f"<!-- run -->\n```console\n{commands[0]}abcdef0 took 3.2 s\n{commands[1]}less\n```\n"
    ((_, shown, real),) = walk(world, _page(console))
    assert shown.splitlines()[1] == real.splitlines()[1] == "<1> took <time>"
    assert (shown.splitlines()[-1], real.splitlines()[-1]) == ("less", "more")
