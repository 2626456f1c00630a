"""What is made ready while a push is on its way: the derived view is what looking would give, and a lost push undoes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coord.advance import after_publish
from coord.apply import apply
from coord.core.action import Publish
from coord.core.plan import next_action
from coord.core.trial import Found
from coord.freshness import fetch
from coord.observe import View, observe
from coord.outcome import Learned, Moved
from coord.publishing import prepare
from coord.site import open_site
from coord.workspace import open_workspace
from tests.world import CHECK, World, task_text

NONE = '[gate]\nprofile = "none"\n'


def config(strategy: str) -> str:
    return f'[land]\nstrategy = "{strategy}"\n{NONE}'


def derive_and_look(world: World) -> list[tuple[View | None, View]]:
    """Publish one push after the other by hand; return each derived view with what a look gives when it was taken."""
    workspace = open_workspace(world.desk)
    site = open_site(workspace, lambda _line: None)
    fetch(workspace)
    view, pairs, findings = observe(workspace), list[tuple[View | None, View]](), list[Found]()
    while True:
        action = next_action(replace(view.snapshot, findings=tuple(findings)))
        if isinstance(action, Publish):
            # One trial a push: the others are still waiting when it is taken.
            one = action.trials[:1]
            count = len(one[0].trial.parts) or 1
            sending = prepare(site, view, one, action.branches[:count])
            derived = after_publish(workspace, view, one, action.branches[:count], sending.updates)
            outcome = apply(site, view, Publish(one, action.branches[:count], ""))
            assert isinstance(outcome, Moved)
            fetch(workspace)
            view, findings = observe(workspace, now=derived.snapshot.at if derived else None), []
            pairs.append((derived, view))
            continue
        if action.reason == "nothing is ready to land":
            return pairs
        match apply(site, view, action):
            case Learned(found):
                findings += found
            case _:
                fetch(workspace)
                view, findings = observe(workspace), []


def same(derived: View, looked: View) -> None:
    assert derived.snapshot.graph.tasks == looked.snapshot.graph.tasks
    for name in derived.snapshot.__dataclass_fields__:
        if name not in ("graph", "findings", "upstream", "settings"):
            assert getattr(derived.snapshot, name) == getattr(looked.snapshot, name), name
    assert derived.snapshot.settings == looked.snapshot.settings
    assert [file.data for file in derived.tasks.files] == [file.data for file in looked.tasks.files]
    assert derived.coord_refs == looked.coord_refs
    assert derived.on_chain == looked.on_chain
    assert derived.landed_in == looked.landed_in


@pytest.mark.parametrize("strategy", ["each", "batch"])
def test_the_derived_view_is_what_a_look_would_give(world: World, strategy: str) -> None:
    """With everything that a repository may hold beside what lands."""
    names = [f"t{number}" for number in range(6)]
    tasks = {name: task_text(name) for name in names} | {
        "next": task_text("next", depends_on=("t0",)),
        "held": task_text("held"),
        "stuck": task_text("stuck"),
        "unborn": task_text("unborn"),
        "again": task_text("again"),
    }
    world.build(tasks, config=config(strategy))
    stuck = "stop\n\nCoord-Status: blocked\nCoord-Reason: no API\n"
    world.push("feat/again", {"src/again.txt": "1\n"}, stuck)
    world.push("feat/stuck", {"src/stuck.txt": "1\n"}, stuck)
    world.land()
    world.push("feat/again", {"src/again.txt": "2\n"})
    for name in names:
        world.push(f"feat/{name}")
    world.push("feat/next")
    world.push("feat/held")
    world.push("feat/stranger")
    world.git("push", "-q", "origin", "main:refs/heads/feat/unborn")
    world.coord("hold", "held", "-m", "not yet")
    world.coord("approve", "t3")
    said = "claim\n\nCoord-Holder: somebody\nCoord-Expires: 9999999999\n"
    claim = world.git("commit-tree", "-m", said, "HEAD^{tree}")
    world.git("push", "-q", "origin", f"{claim}:refs/coord/claims/held")

    pairs = derive_and_look(world)

    assert len(pairs) == (8 if strategy == "each" else 2)
    for derived, looked in pairs:
        assert derived is not None
        same(derived, looked)
    assert {name: world.statuses()[name] for name in names} == dict.fromkeys(names, "completed")
    assert world.statuses()["next"] == "completed"


def test_nothing_is_derived_where_more_may_follow(world: World) -> None:
    """A branch on top of one that lands, a conflict that may be overtaken."""
    world.build({name: task_text(name) for name in ("base", "top", "free", "clash")}, config=config("each"))
    world.push("feat/clash", {"src/lib.txt": "MINE\n"})
    world.main({"src/lib.txt": "theirs\n"})
    world.land()
    assert world.verdicts() == {"clash": "conflict"}
    world.push("feat/base", {"src/base.txt": "1\n"})
    world.push("feat/top", {"src/top.txt": "1\n"}, start="feat/base")
    world.push("feat/free")
    pairs = derive_and_look(world)
    assert [derived for derived, _ in pairs] == [None, None, None]
    assert [world.statuses()[name] for name in ("base", "top", "free")] == ["completed"] * 3


def test_a_push_that_is_refused_undoes_what_was_made_ready(world: World) -> None:
    names = [f"t{number}" for number in range(4)]
    world.build({name: task_text(name) for name in names}, config=CHECK)
    for name in names:
        world.push(f"feat/{name}")
    hook = world.origin / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\nwhile read -r old new ref; do [ $ref = refs/heads/feat/t1 ] && { echo not t1; exit 1; }; done; exit 0\n"
    )
    hook.chmod(0o755)
    result = world.land()
    assert result.outcome("t1")["outcome"] == "refused"
    assert "not t1" in result.outcome("t1")["reason"]
    assert world.statuses() == {"t0": "completed", "t1": "pending", "t2": "completed", "t3": "completed"}
    assert world.branches() == ["feat/t1"]


def test_somebody_who_moves_main_meanwhile_is_not_overrun(world: World, tmp_path: Path) -> None:
    """Main moves with the first push: the second one is on its way to a main that is another by then."""
    names = [f"t{number}" for number in range(4)]
    world.build({name: task_text(name) for name in names}, config=CHECK)
    for name in names:
        world.push(f"feat/{name}")
    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    hook = world.origin / "hooks" / "post-receive"
    once = tmp_path / "once"
    hook.write_text(
        f"#!/bin/sh\n[ -e {once} ] && exit 0; touch {once}; unset $(git rev-parse --local-env-vars)\n"
        f"cd {world.agent} && git pull -q --rebase origin main && echo person > person.txt && git add person.txt &&"
        " git commit -q --no-verify -m person && git push -q origin HEAD:main\n"
    )
    hook.chmod(0o755)
    assert world.land().code == 0
    assert world.show("person.txt") == "person"
    assert world.statuses() == dict.fromkeys(names, "completed")
    assert "person" in world.history()
