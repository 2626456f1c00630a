"""The reader of usual configurations says what the TOML reader says, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coord.config import parse
from coord.core.plainconfig import plain_folder

_LINES = st.sampled_from(
    ["[project]", "[land]", "[gate]", "[server]", "[other]", 'tasks = "tasks"', 'tasks = "work"', 'tasks = ".git"',
     'tasks = ""', 'tasks = "a/b"', 'tasks = "work" # words', "tasks = 'work'", "tasks = work", 'strategy = "each"',
     'strategy = "none"', 'profile = "python"', 'profile = "mine"', "require_dependencies = true", "workers = 2",
     'main = "open"', 'unknown_branch = "land"', 'signal = "explicit"', "# words", "# \x07", "", " ", "\r", "x"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(_LINES, max_size=7))
def test_a_usual_configuration_is_sound_and_means_the_same(lines: list[str]) -> None:
    text = "\n".join(lines)
    folder = plain_folder(text)
    if folder is not None:
        project = parse(text, "x").project
        assert (project.tasks, project.prefixes) == (folder, ("feat/",))


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", "tasks"),
        ('[project]\ntasks = "work"\n\n# why\n[gate]\nprofile = "cargo"\n', "work"),
        ("[land]\nworkers = 2\n", None),
    ],
)
def test_usual_configurations(text: str, folder: str | None) -> None:
    assert plain_folder(text) == folder
