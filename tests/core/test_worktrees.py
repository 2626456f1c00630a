"""Names of branches, paths that may not leave a folder, and what may go by itself."""

from __future__ import annotations

import subprocess
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coord.core.worktrees import (
    ALWAYS,
    Obstacle,
    Reason,
    TaskState,
    branch_of,
    flaw_of_branch,
    leaves_root,
    size_text,
    why_kept,
    why_open,
)

HARMFUL = (
    "", "-f", "--upload-pack=x", "../x", "a/../../b", "feat/../x", "/etc/passwd", ".git/hooks", "feat/.git/hooks", "@",
    "feat//x", "feat/x/", "feat/x.", "feat/x.lock", "feat/x.lock/y", "feat/a b", "feat/\x1b[31m", "feat/a\nb", "feat/\x7f",
    "feat/*", "feat/a~1", "feat/a^", "feat/a:b", "feat/a?", "feat/[a]", "feat/a\\b", "feat/@{-1}", "feat/\u202ex",
    "HEAD", "refs/heads/main", "0" * 40,
)  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_a_name_that_could_mean_something_else_is_no_branch(name: str) -> None:
    assert flaw_of_branch(name)


@pytest.mark.parametrize(
    "name", ["feat/x", "feat/auth/keys", "fix/2.0-b", "feat/äöü", "a@b", "v1.0", "feat/-f"]
)
def test_usual_names_are_branches(name: str) -> None:
    assert flaw_of_branch(name) == ""


def test_git_takes_every_name_that_is_let_through() -> None:
    alphabet = ["a", "-", ".", "/", "@", "{", "~", " ", "lock", ":", "\\", "\x01"]
    names = [f"{x}{y}{z}" for x in alphabet for y in alphabet for z in ("", "a", ".", "/", ".lock")]
    let_through = [name for name in names if not flaw_of_branch(name)]
    assert len(let_through) > 20
    for name in let_through[::4]:
        assert subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"]).returncode == 0, name


@given(st.lists(st.sampled_from(["a", "b", "..", ".", ""]), min_size=1, max_size=8))
@example(["", "", ".."])
def test_a_path_leaves_its_folder_when_some_beginning_of_it_does(parts: list[str]) -> None:
    depth, left = 0, False
    for part in PurePosixPath("/".join(parts)).parts:
        depth += {"..": -1, "/": 0, "//": 0}.get(part, 1)  # two slashes are a root of their own to pathlib
        left |= depth < 0
    assert leaves_root("/".join(parts)) == left


def test_a_name_is_a_branch_when_it_has_a_prefix_or_exists_and_else_a_task() -> None:
    assert branch_of("auth/keys", ("feat/", "fix/"), ()) == "feat/auth/keys"
    assert branch_of("fix/typo", ("feat/", "fix/"), ()) == "fix/typo"
    assert branch_of("experiment", ("feat/",), {"experiment"}) == "experiment"


def test_force_passes_over_what_can_be_saved_and_over_nothing_else() -> None:
    for reason in Reason:
        stands = why_kept([Obstacle(reason, "x")], force=True)
        assert (stands is not None) == (reason in ALWAYS)
        assert why_kept([Obstacle(reason, "x")], force=False) is not None
    assert why_kept([], force=False) is None


def test_what_was_only_just_begun_is_open_though_main_contains_it() -> None:
    assert why_open("a", TaskState.OPEN, is_new=True) == "its task a is not completed"
    assert why_open("a", TaskState.OPEN, is_new=False) == "its task a is not completed"
    assert why_open("", TaskState.NO_TASK, is_new=True) == "it has no commit of its own yet"
    assert why_open("", TaskState.NO_TASK, is_new=False) == ""
    assert why_open("a", TaskState.OVER, is_new=True) == ""


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (80_000_000_000, "80.0 GB")]
)
def test_sizes_are_said_with_a_unit(size: int, words: str) -> None:
    assert size_text(size) == words
