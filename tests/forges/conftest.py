"""The place that tests of the forge play in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forges.place import Place
from tests.forges.place import place as build


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with build(tmp_path) as made:
        yield made
