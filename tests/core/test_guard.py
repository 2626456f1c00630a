"""The guard's rules, as tables and properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.guard import (
    Allowed,
    Checkout,
    Denied,
    Push,
    RefPush,
    Role,
    StagedCommit,
    Step,
    is_task_branch,
    judge_commit,
    judge_push,
    silencer,
)
from coord.core.settings import Project

PROJECT = Project(prefixes=("research/", "feat/"))
EDIT = ("tasks/a.md",)
PLAIN = StagedCommit("feat/a", PROJECT)
OWN = RefPush("refs/heads/feat/a")


def _push(*refs: RefPush, branch: str | None = "feat/a") -> Push:
    return Push(branch, "main", PROJECT, refs)


@pytest.mark.parametrize(
    ("commit", "denied_for"),
    [
        (PLAIN, None),
        (replace(PLAIN, edits=EDIT), "feat/a may not change task files: tasks/a.md"),
        (replace(PLAIN, branch="research/a", edits=EDIT), "research/a may not change task files: tasks/a.md"),
        (replace(PLAIN, branch="main", edits=EDIT), None),
        (replace(PLAIN, branch="feat/", edits=EDIT), None),
        (replace(PLAIN, branch=None, edits=EDIT), None),
        (replace(PLAIN, edits=EDIT, role=Role.COORDINATOR), None),
        (replace(PLAIN, session="s1"), None),
        (replace(PLAIN, checkout=Checkout.MAIN), None),
        (
            replace(PLAIN, branch="main", session="s1", checkout=Checkout.MAIN),
            "a task session does not commit in the main checkout",
        ),
        (replace(PLAIN, session="s1", checkout=Checkout.MAIN, role=Role.COORDINATOR), None),
    ],
)
def test_a_commit_is_denied_for(commit, denied_for):
    verdict = judge_commit(commit)
    assert (verdict.reason if isinstance(verdict, Denied) else None) == denied_for


@pytest.mark.parametrize(
    ("push", "denied_for"),
    [
        (_push(), None),
        (_push(OWN), None),
        (_push(RefPush("refs/heads/main")), "feat/a may not push main: main moves only by landing"),
        (_push(RefPush("refs/heads/feat/b")), "feat/a may not push feat/b: it may push only itself"),
        (_push(RefPush("refs/tags/v1")), "feat/a may not push refs/tags/v1: it may push only itself"),
        (_push(OWN, RefPush("refs/heads/main")), "feat/a may not push main: main moves only by landing"),
        (_push(replace(OWN, step=Step.DELETE)), "feat/a may not delete feat/a"),
        (_push(RefPush("refs/heads/main", Step.DELETE)), "feat/a may not delete main"),
        (_push(replace(OWN, edits=EDIT)), "feat/a changes task files: tasks/a.md"),
        (
            _push(replace(OWN, message="x\n\n[skip ci]")),
            "the last commit of feat/a says '[skip ci]', so nothing would notice this push",
        ),
        (_push(replace(OWN, edits=EDIT), branch="main"), "feat/a changes task files: tasks/a.md"),
        (_push(replace(OWN, edits=EDIT), branch=None), "feat/a changes task files: tasks/a.md"),
        (_push(RefPush("refs/heads/main", edits=EDIT, message="[skip ci]"), branch="main"), None),
        (_push(RefPush("refs/tags/feat/a", edits=EDIT, message="[skip ci]"), branch="main"), None),
        (_push(replace(OWN, step=Step.DELETE, edits=EDIT, message="[skip ci]"), branch="main"), None),
    ],
)
def test_a_push_is_denied_for(push, denied_for):
    verdict = judge_push(push)
    assert (verdict.reason if isinstance(verdict, Denied) else None) == denied_for
    assert judge_push(replace(push, role=Role.COORDINATOR)) == Allowed()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("fix the thing", None),
        ("docs [skip ci]", "[skip ci]"),
        ("docs\n\n[Actions Skip] more", "[Actions Skip]"),
        ("docs\n\n\nskip-checks: true\n", "skip-checks: true"),
        ("docs\n\nskip-checks:true", "skip-checks:true"),
        ("we no longer skip-checks: true enough", None),
        ("skip ci", None),
        ("[skip  ci]", None),
    ],
)
def test_the_words_that_silence_the_wake(message, words):
    assert silencer(message) == words


_PATHS = st.lists(st.text(min_size=1), max_size=9).map(tuple)
_COMMITS = st.builds(
    StagedCommit,
    branch=st.none() | st.sampled_from(["main", "feat/a", "feat/", "research/x", "feat"]) | st.text(),
    project=st.just(PROJECT),
    role=st.sampled_from(Role),
    checkout=st.sampled_from(Checkout),
    session=st.sampled_from(["", "s1"]),
    edits=_PATHS,
)


@given(_COMMITS)
def test_a_commit_without_edits_and_without_a_session_is_always_allowed(commit):
    assert judge_commit(replace(commit, edits=(), session="")) == Allowed()


@given(_COMMITS)
def test_the_coordinator_commits_what_it_likes(commit):
    assert judge_commit(replace(commit, role=Role.COORDINATOR)) == Allowed()


@given(_COMMITS, _PATHS)
def test_more_edits_never_turn_a_denial_into_an_allowance(commit, more):
    if isinstance(judge_commit(commit), Denied):
        assert isinstance(judge_commit(replace(commit, edits=(*commit.edits, *more))), Denied)


@given(_COMMITS)
def test_every_denial_says_what_to_do_instead(commit):
    verdict = judge_commit(commit)
    assert isinstance(verdict, Allowed) or (verdict.reason and verdict.advice)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_task_branch_never_pushes_another_ref(name, other):
    ref = f"refs/heads/feat/{other}"
    own = f"refs/heads/feat/{name}"
    verdict = judge_push(_push(RefPush(ref), branch=f"feat/{name}"))
    assert isinstance(verdict, Allowed) == (ref == own)


@given(st.text())
def test_a_task_branch_has_a_prefix_and_more(name):
    assert is_task_branch(f"feat/{name}", PROJECT) == bool(name)
