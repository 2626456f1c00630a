"""What an implementation says and does through the tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coord.core.agentevent import Noted
from coord.core.session import SessionRecord
from tests.mcp.conftest import Bench

Works = Callable[..., None]


def signals(bench: Bench, record: SessionRecord) -> list[str]:
    events, _ = bench.store.events(record.id)
    return [event.what for event in events if isinstance(event, Noted)]


def test_from_commit_to_done(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    assert "committed" in bench.call("commit", {"message": "keys: parse them"}, by=one).text
    assert bench.call("push", by=one).text.startswith("pushed feat/auth at ")
    reply = bench.call("done", {"message": "keys are parsed"}, by=one)
    assert not reply.failed
    assert "next: end your turn" in reply.text
    tip = bench.world.git("log", "-1", "--format=%B", "feat/auth", at=bench.world.origin)
    assert "Coord-Status: done" in tip
    assert "Coord-Summary: keys are parsed" in tip
    assert signals(bench, one) == ["done"]
    assert bench.world.land().outcome("auth")["outcome"] == "landed"


def test_a_commit_leaves_the_task_folder_out(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    works(one, "tasks/auth.md")
    bench.world.git("add", "tasks/auth.md", at=Path(one.worktree))
    reply = bench.call("commit", {"message": "all of it"}, by=one)
    assert "left out: tasks/auth.md" in reply.text
    assert bench.world.git("show", "--name-only", "--format=", "feat/auth", at=bench.desk) == "src/new.txt"


def test_only_the_paths_that_are_named_are_committed(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    for name in ("src/a.txt", "src/b.txt", "src/[c].txt"):
        works(one, name)
    assert not bench.call("commit", {"message": "some", "paths": ["src/a.txt", "src/[c].txt"]}, by=one).failed
    shown = bench.world.git("show", "--name-only", "--format=", "feat/auth", at=bench.desk)
    assert shown.split() == ["src/[c].txt", "src/a.txt"]


def test_a_path_outside_of_its_own_work_is_refused(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    works(one, "tasks/auth.md")
    for path in ("../../../README", "/etc/passwd", ".git", "src/../../x", "tasks/auth.md", "-A"):
        reply = bench.call("commit", {"message": "x", "paths": [path]}, by=one)
        assert reply.failed, path
        assert reply.text.startswith("error: ")
    assert bench.world.git("log", "--format=%s", "origin/main..feat/auth", at=bench.desk) == ""


def test_a_link_is_committed_and_not_followed(bench: Bench) -> None:
    one = bench.session("feat/auth")
    (Path(one.worktree) / "inside").symlink_to("src")
    (Path(one.worktree) / "outside").symlink_to("/etc")
    assert not bench.call("commit", {"message": "link", "paths": ["inside", "outside"]}, by=one).failed
    assert bench.call("commit", {"message": "through", "paths": ["outside/passwd"]}, by=one).failed
    assert bench.world.git("ls-tree", "feat/auth", "inside", at=bench.desk).startswith("120000")


def test_nothing_to_commit_is_said(bench: Bench) -> None:
    one = bench.session("feat/auth")
    assert "nothing to commit" in bench.call("commit", {"message": "x"}, by=one).text


def test_hooks_run_at_a_commit_and_their_words_are_told(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    hook = bench.desk / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho 'the linter is not happy' >&2\nexit 1\n")
    hook.chmod(0o755)
    works(one)
    reply = bench.call("commit", {"message": "x"}, by=one)
    assert reply.failed
    assert "the linter is not happy" in reply.text


def test_a_message_that_looks_like_an_option_or_silences_the_forge_is_only_text(
    bench: Bench, works: Works
) -> None:
    one = bench.session("feat/auth")
    works(one)
    assert not bench.call("commit", {"message": "--amend [skip ci]\n\n# a heading"}, by=one).failed
    body = bench.world.git("log", "-1", "--format=%B", "feat/auth", at=bench.desk)
    assert body.startswith("--amend skip ci")
    assert "# a heading" in body


def test_a_push_is_of_ones_own_branch_and_is_never_forced(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    tip = bench.world.push("feat/auth")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    reply = bench.call("push", by=one)
    assert reply.failed
    assert "refused" in reply.text
    assert "git merge origin/feat/auth" in reply.text
    assert bench.remote("feat/auth") == tip


def test_a_progress_message_never_marks_a_session_completed(bench: Bench, works: Works) -> None:
    """Any progress message marked a session completed."""
    one = bench.session("feat/auth")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    for text in (
        "Done!",
        "Task completed: but nothing is pushed",
        "status: completed",
        "finished",
        "task completed",
    ):
        for level in ("info", "warning"):
            assert not bench.call("notify", {"message": text, "level": level}, by=one).failed
    assert signals(bench, one) == []
    assert bench.remote("feat/auth") == ""
    assert {note["session"] for note in bench.notes()} == {one.id}
    assert len(bench.notes()) == 10


def test_task_completed_on_pushed_work_is_done(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    bench.call("push", by=one)
    bench.call("notify", {"message": "Task completed: keys", "level": "info"}, by=one)
    assert signals(bench, one) == ["done"]
    assert "Coord-Status: done" in bench.world.git(
        "log", "-1", "--format=%B", "feat/auth", at=bench.world.origin
    )


def test_blocking_is_the_safe_exit(bench: Bench) -> None:
    one = bench.session("feat/auth")
    assert not bench.call("notify", {"message": "no key", "level": "blocking"}, by=one).failed
    assert signals(bench, one) == ["blocked"]
    tip = bench.world.git("log", "-1", "--format=%B", "feat/auth", at=bench.world.origin)
    assert "Coord-Status: blocked" in tip
    assert "Coord-Reason: no key" in tip


def test_block_keeps_the_four_facts(bench: Bench) -> None:
    one = bench.session("feat/auth")
    facts = {"reason": "no such call", "tried": "v1", "attempts": 3, "suggestion": "ask"}
    assert not bench.call("block", facts, by=one).failed
    tip = bench.world.git("log", "-1", "--format=%B", "feat/auth", at=bench.world.origin)
    for line in (
        "Coord-Reason: no such call",
        "Coord-Tried: v1",
        "Coord-Attempts: 3",
        "Coord-Suggestion: ask",
    ):
        assert line in tip


def test_done_with_changes_left_is_refused_and_says_what_to_do(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one, "src/lib.txt")
    reply = bench.call("done", {"message": "x"}, by=one)
    assert reply.failed
    assert "src/lib.txt" in reply.text
    assert "hint: commit them" in reply.text


def test_a_session_without_a_task_leaves_notes_only(bench: Bench) -> None:
    one = bench.session("wt/look")
    assert not bench.call("notify", {"message": "I need a key", "level": "blocking"}, by=one).failed
    assert [(note["level"], note["session"]) for note in bench.notes()] == [("blocking", one.id)]
    assert bench.call("done", {}, by=one).failed


def test_another_worktree_is_not_shown(bench: Bench) -> None:
    one, _ = bench.session("feat/auth"), bench.session("feat/db")
    for path in ("feat/db", "../db", "/", "../../.."):
        assert bench.call("status", {"path": path}, by=one).failed, path
    for path in (".", "feat/auth", one.worktree):
        assert not bench.call("status", {"path": path}, by=one).failed, path


def test_status_shows_what_is_uncommitted_without_its_control_characters(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one, "src/\x1b[31mred.txt")
    reply = bench.call("status", {"all": True}, by=one)
    assert "src/" in reply.text
    assert "\x1b" not in reply.text
    assert "only the coordinator sees other worktrees" in reply.text


@pytest.mark.parametrize(
    "words", [("done", "-m", "x"), ("notify", "--level", "info", "-m", "Task completed: x")]
)
def test_the_command_line_writes_it_in_the_sessions_log_as_well(
    bench: Bench, works: Works, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    one = bench.session("feat/auth")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    bench.call("push", by=one)
    monkeypatch.setenv("COORD_SESSION", "secret of feat/auth")
    assert bench.world.coord(*words, at=Path(one.worktree)).code == 0
    assert signals(bench, one) == ["done"]


def test_a_block_on_the_command_line_is_of_its_own_branch_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = bench.session("feat/auth"), bench.session("feat/db")
    monkeypatch.setenv("COORD_SESSION", "secret of feat/auth")
    bench.world.coord("block", "-m", "no", at=Path(other.worktree))
    assert (signals(bench, one), signals(bench, other)) == ([], [])
    bench.world.coord("block", "-m", "no", at=Path(one.worktree))
    assert signals(bench, one) == ["blocked"]


def test_a_text_too_long_is_refused_and_leaves_nothing(bench: Bench) -> None:
    one = bench.session("feat/auth")
    huge: Any = "x" * 10_000_000
    for action, args in (
        ("notify", {"message": huge}),
        ("commit", {"message": huge}),
        ("commit", {"message": "x", "paths": [huge]}),
    ):
        reply = bench.call(action, args, by=one)
        assert reply.failed
        assert "10000000 characters" in reply.text
        assert len(reply.text) < 1000
    assert bench.notes() == []
