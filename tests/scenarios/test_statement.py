"""What agents say: done, block, notify, current."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import World, task_text


@pytest.fixture
def on_a(world: World) -> World:
    world.build({"a": task_text("a")}, config='[land]\nsignal = "explicit"\n[gate]\nprofile = "none"\n')
    world.git("checkout", "-q", "-b", "feat/a")
    world.commit("work", {"src/a.txt": "1\n"})
    return world


def _tip_message(world: World) -> str:
    return world.git("log", "-1", "--format=%B", "feat/a", at=world.origin)


def test_done_pushes_an_empty_commit_with_trailers_and_the_branch_lands(on_a: World) -> None:
    result = on_a.coord("done", "-m", "Wrote a.\n\nIt works.", at=on_a.agent)
    assert result.code == 0
    assert _tip_message(on_a) == (
        "coord: done\n\nCoord-Status: done\nCoord-Task: a\nCoord-Summary: Wrote a.\n .\n It works."
    )
    on_a.land()
    assert on_a.statuses() == {"a": "completed"}
    assert on_a.show("tasks/a.md").endswith("## Summary\n\nWrote a.\n\nIt works.")


def test_done_said_twice_changes_nothing(on_a: World) -> None:
    on_a.coord("done", at=on_a.agent)
    before = on_a.refs()
    assert "already said" in on_a.coord("done", at=on_a.agent).out
    assert on_a.refs() == before


def test_done_refuses_while_changes_are_not_committed_and_leaves_the_index_alone(on_a: World) -> None:
    (on_a.agent / "src/a.txt").write_text("2\n")
    result = on_a.coord("done", at=on_a.agent)
    assert result.code == 2
    assert "src/a.txt" in result.err
    on_a.git("stash", "-q")
    (on_a.agent / "new.txt").write_text("staged\n")
    assert "untracked and left out: new.txt" in on_a.coord("done", at=on_a.agent).out


def test_block_carries_the_four_facts_and_keeps_the_commits(on_a: World) -> None:
    result = on_a.coord(
        "block",
        "-m",
        "no\nAPI",
        "--tried",
        "v1",
        "--tried",
        "v2",
        "--attempts",
        "3",
        "--suggest",
        "ask",
        at=on_a.agent,
    )
    assert result.code == 0
    assert _tip_message(on_a) == (
        "coord: blocked\n\nCoord-Status: blocked\nCoord-Task: a\nCoord-Reason: no API\nCoord-Tried: v1; v2\n"
        "Coord-Attempts: 3\nCoord-Suggestion: ask"
    )
    on_a.land()
    assert on_a.statuses() == {"a": "blocked"}
    assert on_a.branches() == ["feat/a"]


def test_a_message_cannot_silence_the_wake(on_a: World) -> None:
    on_a.coord("done", "-m", "all [skip ci] done", at=on_a.agent)
    assert "[skip ci]" not in _tip_message(on_a)


def test_notify_blocking_is_block(on_a: World) -> None:
    on_a.coord("notify", "--level", "blocking", "-m", "stuck", at=on_a.agent)
    assert "Coord-Status: blocked" in _tip_message(on_a)


def test_task_completed_on_a_clean_pushed_branch_is_done(on_a: World) -> None:
    on_a.git("push", "-q", "origin", "feat/a")
    on_a.coord("notify", "--level", "info", "-m", "Task completed: wrote a", at=on_a.agent)
    assert "Coord-Status: done" in _tip_message(on_a)


@pytest.mark.parametrize("text", ["Task completed", "half way"])
def test_other_words_are_progress_and_never_mean_done(on_a: World, text: str) -> None:
    if text == "half way":
        on_a.git("push", "-q", "origin", "feat/a")
    result = on_a.coord("notify", "--level", "info", "-m", text, at=on_a.agent)
    assert "noted" in result.out
    assert "Coord-Status" not in on_a.git("log", "--all", "--format=%B")
    inbox = Path(on_a.agent, ".git/coord/inbox.ndjson").read_text()
    assert text in inbox


def test_current_tells_the_task_of_a_worktree(on_a: World) -> None:
    facts = on_a.coord("current", "--json", at=on_a.agent).data
    assert (facts["task"], facts["branch"], facts["status"], facts["ahead"]) == ("a", "feat/a", "pending", 1)
    assert (facts["pushed"], facts["clean"]) == (False, True)


@pytest.mark.parametrize("command", [("done",), ("current",), ("block", "-m", "x")])
def test_off_a_task_branch_they_say_what_to_do(on_a: World, command: tuple[str, ...]) -> None:
    result = on_a.coord(*command, at=on_a.desk)
    assert result.code == 2
    assert "git switch feat/<task>" in result.err


def test_the_identity_that_the_environment_names_signs(on_a: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Robot")
        monkeypatch.setenv(f"{name}_EMAIL", "robot@example.com")
    on_a.coord("done", at=on_a.agent)
    assert on_a.git("log", "-1", "--format=%an %ce", "feat/a", at=on_a.origin) == "Robot robot@example.com"
