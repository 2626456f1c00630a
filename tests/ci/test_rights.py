"""What docs/github.md says of rights and costs is enough, and is not exceeded."""

from __future__ import annotations

import re

import pytest

from tests.artefacts import read
from tests.ci.conftest import Make


def _rights_of_the_page() -> dict[str, str]:
    """Return the App's permissions as docs/github.md states them, in the words of tokens."""
    table = read("docs/github.md").split("| permission |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([A-Z][\w ]+) \| ([\w ]+) \|", table, re.MULTILINE)
    return {name.lower().replace(" ", "-"): "write" if "write" in how else "read" for name, how in rows}


def test_the_rights_that_the_page_gives_the_app_are_enough(make: Make) -> None:
    here = make("a", "b", "c")
    assert here.rest.state.app
    here.rest.state.app.rights = _rights_of_the_page()
    here.push("feat/a", {".github/workflows/mine.yml": "name: mine\n"})
    here.pull("feat/a")
    here.say("feat/a", "/coord approve")
    here.push("feat/b", {"src/lib.txt": "b\n"})
    here.push("feat/c", {"src/lib.txt": "c\n"})
    stacked = here.pull("feat/c", base="feat/b")

    here.drain()

    assert here.world.statuses() == {"a": "completed", "b": "completed", "c": "blocked"}
    assert here.rest.state.tickets[stacked].base == "main"
    assert here.rest.state.dispatches


@pytest.mark.long
def test_a_run_makes_as_many_calls_as_the_page_says(make: Make) -> None:
    here = make(*"abcdefghij")
    for name in "abcdefghij":
        here.push(f"feat/{name}", message="wip" if name == "a" else "wip\n\nCoord-Status: working")
        here.pull(f"feat/{name}")
    before = len(here.rest.requests)

    here.run()

    made = len(here.rest.requests) - before
    assert here.world.statuses()["a"] == "completed"
    assert "ten open pull requests of which one lands makes about 30 calls" in read("docs/github.md")
    assert 25 <= made <= 35


def test_the_weekly_look_needs_no_more_than_its_job_has(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    assert here.job("audit").code == 0
