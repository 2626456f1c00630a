"""Refs below refs/coord that an agent pushed: they delay at most the task that they are about."""

from __future__ import annotations

import json

import pytest

from tests.ci.conftest import Make
from tests.ci.jobs import Site

#: Half a minute in all: run by make long, and by CI.
pytestmark = pytest.mark.long


def _pushed(here: Site, ref: str, verdict: str) -> None:
    """Let an agent push a verdict of its own making."""
    git, agent = here.world.git, here.world.agent
    blob = git("hash-object", "-w", "--stdin", at=agent, data=verdict)
    tree = git("mktree", at=agent, data=f"100644 blob {blob}\tverdict.json\n")
    commit = git("commit-tree", "-m", "x", tree, at=agent)
    git("push", "-q", "origin", f"{commit}:{ref}", at=agent)


def _verdict(**facts: object) -> str:
    return json.dumps({"task": "a", "branch": "feat/a", "kind": "conflict", "reason": "x", **facts})


@pytest.mark.parametrize("place", ["base", "tip"])
def test_a_verdict_that_names_no_commit_stops_nobody_else(make: Make, place: str) -> None:
    here = make("a", "b")
    tip = here.push("feat/a")
    here.push("feat/b")
    git, agent = here.world.git, here.world.agent
    ids = {"base": git("rev-parse", "origin/main", at=agent), "tip": tip}
    ids[place] = git("rev-parse", "HEAD:tasks/a.md", at=agent)
    _pushed(here, "refs/coord/verdicts/a", _verdict(**ids, paths=[{"path": "no/such", "kind": "x"}]))
    here.by_alice({"src/other.txt": "moves main\n"})

    here.drain()

    assert "feat/b" not in here.world.branches()


def test_a_verdict_that_is_nested_without_end_stops_nobody(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    _pushed(here, "refs/coord/verdicts/a", "[" * 100_000)

    here.drain()

    assert here.world.branches() == []


@pytest.mark.parametrize("space", ["verdicts", "history", "hold", "claims"])
@pytest.mark.parametrize("what", ["HEAD:tasks/a.md", "HEAD^{tree}"])
def test_a_ref_that_is_no_commit_stops_nobody_else(make: Make, space: str, what: str) -> None:
    here = make("a", "b")
    here.push("feat/a")
    here.push("feat/b")
    oid = here.world.git("rev-parse", what, at=here.world.agent)
    here.world.git("push", "-q", "origin", f"{oid}:refs/coord/{space}/a", at=here.world.agent)

    here.drain()

    assert "feat/b" not in here.world.branches()
