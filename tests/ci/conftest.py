"""The sites that stories of runs play on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ci.jobs import Site, site
from tests.world import CHECK, task_text

Make = Callable[..., Site]

#: Four trials side by side.
WORKERS = "[land]\nworkers = 4\n" + CHECK


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Return what builds a site with tasks of these names."""
    with contextlib.ExitStack() as stack:

        def build(*tasks: str, config: str = WORKERS) -> Site:
            texts = {task: task_text(task) for task in tasks}
            return stack.enter_context(site(tmp_path, monkeypatch, texts, config))

        yield build
