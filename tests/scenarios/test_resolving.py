"""``[resolve] command``: it settles a conflict only inside the fence, and the gate has the last word."""

from __future__ import annotations

import pytest

from tests.world import CHECK, World, task_text

UNION = "sed -e /^[\\<=\\>][\\<=\\>][\\<=\\>]/d -i src/lib.txt"


def _conflict(world: World, script: str) -> World:
    command = world.root / "resolver"
    config = f'{CHECK}[resolve]\ncommand = "sh {command}"\n'
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/other.txt": "enum\n"}, config)
    command.write_text(script)
    world.push("feat/a", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n"})
    world.push("feat/b", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    return world


def test_what_it_settles_lands_after_the_gate(world: World) -> None:
    seen = world.root / "seen"
    _conflict(
        world,
        f"cat $COORD_CONFLICT/paths $COORD_CONFLICT/task.md $COORD_CONFLICT/other-1.md > {seen}\n{UNION}\n",
    )
    result = world.land()
    assert result.code == 0, result.err
    assert world.history()[0] == "Merge feat/b: resolve conflicts with a"
    assert world.show("src/lib.txt") == "AAA\nBBB\ntwo\nthree\nfour\nfive"
    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert world.branches() == []
    assert "src/lib.txt\tcontents\n" in seen.read_text()
    assert "id: b\n" in seen.read_text()
    assert "id: a\n" in seen.read_text()
    before = world.refs()
    world.land()
    assert world.refs() == before


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("true", "it left src/lib.txt as it was"),
        ("echo more >> src/lib.txt", "a conflict marker is left in src/lib.txt"),
        (f"{UNION}; echo > src/other.txt", "it changed what did not conflict: src/other.txt"),
        (f"{UNION}; rm src/other.txt", "it changed what did not conflict: src/other.txt"),
        (f"{UNION}; echo x > src/new.txt", "it changed what did not conflict: src/new.txt"),
        ("exit 3", "ended with 3"),
        ("echo BROKEN > src/lib.txt", "what the resolver made fails sh check.sh"),
    ],
)
def test_what_does_not_count_leaves_the_conflict_as_it_is(world: World, script: str, why: str) -> None:
    _conflict(world, script + "\n")
    result = world.land()
    assert result.code == 0
    assert world.verdicts() == {"b": "conflict"}
    assert why in result.outcome("b")["reason"]
    assert world.show("src/other.txt") == "enum"
    assert list((world.root / "gates").rglob("resolve-*")) == []


def test_a_side_that_is_right_as_it_stands_is_named_as_settled(world: World) -> None:
    command = world.root / "resolver"
    config = f'{CHECK}[resolve]\ncommand = "sh {command}"\n'
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/x.txt": "1\n"}, config)
    command.write_text('cut -f1 "$COORD_CONFLICT/paths" >> "$COORD_CONFLICT/settled"\n')
    world.push("feat/a", {"src/x.txt": "2\n", "src/a.txt": "1\n"})
    world.push("feat/b", {"src/x.txt": None, "src/b.txt": "quite another thing\n"})
    world.land()
    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert world.show("src/x.txt") == "2"
