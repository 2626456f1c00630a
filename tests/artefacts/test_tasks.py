"""This project's own roadmap and configuration, in its own formats."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from coord import cli
from coord.config import parse
from coord.core.graph import TaskGraph
from coord.core.section import section_text
from coord.core.settings import Settings
from coord.taskfolder import TaskFolder, read_tasks_here
from tests.artefacts import ROOT, read

SECTIONS = ("Description", "Acceptance Criteria", "Notes", "Summary")


@pytest.fixture(scope="module")
def folder() -> TaskFolder:
    return read_tasks_here(ROOT, Settings())


@pytest.fixture(scope="module")
def graph(folder: TaskFolder) -> TaskGraph:
    return folder.graph


def test_check_finds_no_error_and_no_warning(graph: TaskGraph) -> None:
    assert graph.tasks
    assert [str(problem) for problem in graph.problems] == []


def test_coord_check_says_so() -> None:
    """As ``make lint`` and CI call it."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run(["-C", str(ROOT), "check", "tasks"])
    assert (code, out.getvalue()) == (0, ""), err.getvalue()
    assert err.getvalue().endswith("files, 0 errors, 0 warnings\n")


def test_every_task_has_the_parts_of_a_task(folder: TaskFolder, graph: TaskGraph) -> None:
    for task in graph.tasks:
        assert task.path == f"tasks/{task.id}.md"
        assert all((task.scope, task.risk, task.impact, task.level, task.tags)), task.id
        data = folder.file_of(task.id).data.decode()  # type: ignore[union-attr]
        for title in SECTIONS:
            assert f"\n## {title}\n" in data, f"{task.id} has no {title}"


def test_what_is_completed_says_what_was_done(folder: TaskFolder, graph: TaskGraph) -> None:
    for task in graph.tasks:
        file = folder.file_of(task.id)
        assert file is not None
        summary = section_text(file.data, "Summary")
        assert bool(summary) == task.is_completed, task.id


def test_what_comes_later_needs_the_thread_first(graph: TaskGraph) -> None:
    """The first issue is the ground of all: no later task stands on nothing, and none of the first on a later one."""
    first = {task.id for task in graph.tasks if "thread" in task.tags}
    for task in graph.tasks:
        if task.id in first:
            assert set(task.depends_on) <= first, task.id
        else:
            assert task.depends_on, task.id
    roots = graph.generations[0]
    assert roots == ("project/ground-floor",)


def test_the_configuration_of_this_repository_is_sound() -> None:
    settings = parse(read(".coord.toml"), ".coord.toml")
    (profile,) = settings.profiles
    assert settings.gate.profile == profile.name == "coord"
    targets = {step[1] for step in profile.steps if step[0] == "make"}
    assert targets == {"lint", "test"}
    makefile = read("Makefile")
    assert all(f"\n{target}: " in makefile for target in targets)
