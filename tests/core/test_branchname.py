"""Of prefixes that begin alike the longest names the task, whatever their order in the configuration."""

from __future__ import annotations

from itertools import permutations

import pytest

from coord.core.branchname import task_in


@pytest.mark.parametrize(
    ("branch", "task"),
    [
        ("feat/a", "a"), ("fix/ui/a", "a"), ("fix/a", "a"), ("fix/a/b", "a/b"), ("fix/ui/", "ui/"), ("feat/", None),
        ("fix", None), ("main", None), ("", None), ("other/a", None),
    ],
)  # fmt: skip
def test_the_longest_prefix_says_it(branch: str, task: str | None) -> None:
    for prefixes in permutations(("feat/", "fix/", "fix/ui/")):
        assert task_in(branch, prefixes) == task
    assert task_in(branch, ()) is None
