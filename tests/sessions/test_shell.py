"""What an agent can do by coord's command line in its own shell: what its tools let it do, and no more."""

from __future__ import annotations

import pytest

from tests.sessions.team import CONFIG, finish, script, spawned, task, team_of
from tests.world import World

COORDINATORS = (
    "complete other -m done", "approve a", "abort b", "spawn other --no-wait", "start more", "land", "merge", "hold a",
    "release a", "freeze", "thaw", "retry a", "unblock other", "message b hello", "run --once", "inbox",
)  # fmt: skip


@pytest.mark.long
def test_an_agent_does_nothing_of_the_coordinators_in_its_shell(world: World) -> None:
    tries = [f"coord {words} >> told 2>&1; echo $? >> codes" for words in COORDINATORS]
    elsewhere = (
        'coord -C "$(git rev-parse --git-common-dir)/.." complete other >> told 2>&1; echo $? >> codes'
    )
    steps = [{"shell": ["sh", "-c", "; ".join([*tries, elsewhere])]}, *finish("a")]
    tasks = {
        "a": task("a", script(steps)),
        "b": task("b", script([{"hang": True}])),
        "other": task("other"),
    }
    with team_of(world, tasks, CONFIG.replace('model = "6s"', 'model = "60s"')) as team:
        spawned(team, "b", "a")
        team.settled("a")
        tree = team.desk / ".worktrees/feat/a"
        assert (tree / "codes").read_text().split() == ["8"] * (len(COORDINATORS) + 1)
        assert (
            "coord complete is the coordinator's, and this is an agent's session"
            in (tree / "told").read_text()
        )
        assert team.session("a").state.value == "done", "what is its own it may say"
        assert team.session("b").alive
        assert team.statuses() == {"a": "pending", "b": "pending", "other": "pending"}


def test_an_agent_gets_none_of_the_coordinators_tokens_but_one_that_is_meant_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "COORD_TOKEN", "COORD_APP_KEY"):
        monkeypatch.setenv(name, "the-maintainers")
    look = {"shell": ["sh", "-c", "env > half && mv half seen"]}
    tasks = {"without": task("without", script([look])), "with": task("with", script([look]))}
    with team_of(world, tasks, CONFIG) as team:
        trees = {id: team.desk / f".worktrees/feat/{id}" for id in tasks}
        spawned(team, "without")
        monkeypatch.setenv("COORD_AGENT_TOKEN", "the-agents")
        spawned(team, "with")
        team.until(lambda: all((tree / "seen").is_file() for tree in trees.values()))
        seen = {id: (tree / "seen").read_text() for id, tree in trees.items()}
        assert "the-maintainers" not in seen["without"] + seen["with"]
        assert "GH_TOKEN" not in seen["without"]
        assert "GH_TOKEN=the-agents\n" in seen["with"]
