"""What the summaries of jobs hold, beside what the stories of landing look at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ci.conftest import Make
from tests.ci.jobs import site
from tests.world import task_text


def test_a_graph_has_no_more_edges_than_mermaid_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"t{number:02}" for number in range(50)]
    texts = {name: task_text(name, depends_on=tuple(names[:at])) for at, name in enumerate(names)}

    with site(tmp_path, monkeypatch, texts) as here:
        summary = here.job("plan").summary

    assert "<summary>The graph of 50 open tasks, the first 32</summary>" in summary
    assert len(re.findall(r"-->|==>", summary)) == 32 * 31 // 2


def test_a_run_that_only_tries_is_not_said_to_find_no_branch(make: Make) -> None:
    here = make("a")
    here.push("feat/a")

    ended = here.run_until_land(COORD_DRY_RUN="true")

    assert "This run judged no branch." in ended.summary
    assert "no task branches" not in ended.summary


def test_a_branch_without_a_task_is_told_with_tasks_of_a_like_name(make: Make) -> None:
    here = make("keys")
    here.push("feat/kyes")

    summary = here.job("plan").summary

    assert "| `feat/kyes` | ignored | belongs to no task; is it one of these? `keys` |" in summary
