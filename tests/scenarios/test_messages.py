"""What people read while it works."""

from __future__ import annotations

from tests.world import CHECK, World, task_text


def test_the_end_of_a_red_steps_output_is_shown_and_where_all_of_it_is(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})

    said = world.coord("land").err

    assert "  | error: something is BROKEN\n" in said
    assert str(world.desk / ".git/coord/logs") in said
    assert "BROKEN" in (world.desk / ".git/coord/logs/feat-a.log").read_text()


def test_the_profile_is_told_once_a_run(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b")
    assert world.coord("land").err.count("profile check: sh check.sh\n") == 1


def test_a_gate_that_cannot_run_says_what_helps(world: World) -> None:
    world.build({"a": task_text("a")}, config=CHECK.replace("sh check.sh", "no-such-program"))
    world.push("feat/a")

    result = world.coord("land")

    assert result.code == 1
    assert "hint: install no-such-program" in result.err


def test_unblock_says_what_comes_next(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.push("feat/b", {"src/b.txt": "b\n"}, "x\n\nCoord-Status: blocked\nCoord-Reason: no key")
    world.land()
    assert world.coord("unblock", "a").out == "a is unblocked; coord land tries it again\n"
    assert world.coord("unblock", "b").out == "b is unblocked; its branch waits for a new push\n"
