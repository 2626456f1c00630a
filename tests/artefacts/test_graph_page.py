"""docs/graph.md shows what ``coord graph`` prints, and names every view and every figure."""

from __future__ import annotations

import re

import pytest

from coord.cli import run
from coord.core.analysis import ASSUMED, ATTEMPTS, COST, GIVEN_UP, KEPT, SUCCESS, WEIGHT
from coord.core.betweenness import EXACT
from coord.core.graphview import ALIASES, VIEWS
from coord.core.row import ENUMS
from tests.artefacts import blocks, read
from tests.world import World

PAGE = "docs/graph.md"

TASKS = (
    ("setup", "Set the project up", "completed", ""),
    ("auth/keys", "Read keys from a file", "pending", "setup"),
    ("ui", "Draw the first page", "pending", "setup"),
    ("review", "Review the first release", "pending", "auth/keys, ui"),
    ("docs", "Write the manual", "pending", ""),
)


def test_the_example_is_what_the_command_prints(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        f"tasks/{id}.md": f"---\nid: {id}\nname: {name}\nstatus: {status}\ndepends_on: [{needs}]\n---\n"
        for id, name, status, needs in TASKS
    }
    world.build(files=files)
    capsys.readouterr()
    code = run(["-C", str(world.desk), "graph"])
    shown = blocks(read(PAGE), "text")[0].removeprefix("$ coord graph\n")
    assert (code, capsys.readouterr().out) == (0, shown)


def test_every_view_has_its_row_and_its_other_name() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`([\w-]+)` )?\| ", read(PAGE), re.MULTILINE)
    also = {view: alias for alias, view in ALIASES.items()}
    assert rows == [*((view, also.get(view, "")) for view in VIEWS), ("validate", "")]


def test_the_figures_are_those_of_the_code() -> None:
    text = read(PAGE)
    for field, figures in (("risk", SUCCESS), ("impact", WEIGHT), ("scope", COST)):
        row = re.search(rf"^\| `{field}` \| .*: (.*) \|$", text, re.MULTILINE)
        assert row
        stated = {word: float(figure) for word, figure in (each.split() for each in row[1].split(", "))}
        assert stated == figures
        assert list(stated) == list(ENUMS[field])
    assert f"with {', '.join(ASSUMED.values())}." in text
    assert f"+ {GIVEN_UP:g} * {'*'.join('q' * ATTEMPTS)})" in text
    assert f"e + {KEPT:g} * (1 - e)" in text
    assert f"more than {EXACT:,} tasks" in text
