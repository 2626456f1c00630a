"""Who calls: found by the server, at each call, and in doubt an implementation."""

from __future__ import annotations

import shutil
from pathlib import Path

from coord.core.agentevent import Ended, Ending
from tests.mcp.conftest import Bench

COORDINATOR_ONLY = [
    ("list", {}), ("dashboard", {}), ("create", {"name": "x"}), ("start", {"name": "x"}), ("open", {"pathOrBranch": "x"}),
    ("fork", {"name": "x"}), ("swarm", {"tasks": ["x"]}), ("spawn", {"tasks": ["db"]}),
    ("message", {"sessionID": "x", "message": "x"}), ("sessions", {}), ("abort", {"sessionID": "x"}),
    ("cleanup", {"action": "prune"}), ("merge", {}), ("plan", {}), ("unblock", {"task": "db"}), ("inbox", {}),
    ("wait", {"seconds": 0}),
]  # fmt: skip


def test_the_main_checkout_is_the_coordinators(bench: Bench) -> None:
    reply = bench.call("current")
    assert not reply.failed
    assert "role: coordinator (by the main checkout)" in reply.text
    assert "role: coordinator" in bench.call("current", at=bench.desk / "src").text
    assert "role: implementation" in bench.call("current", at=bench.world.origin).text, (
        "a server has no coordinator"
    )


def test_a_secret_makes_an_implementation_even_in_the_main_checkout(bench: Bench) -> None:
    one = bench.session("feat/auth")
    text = bench.call("current", by=one).text
    assert "role: implementation (by its secret)" in text
    assert f"session: {one.id}" in text
    assert "feat/auth" in text


def test_a_worktree_without_a_secret_is_an_implementations(bench: Bench) -> None:
    one = bench.session("feat/auth")
    assert "role: implementation (by the worktree" in bench.call("current", at=Path(one.worktree)).text


def test_what_is_left_of_a_worktree_is_not_taken_for_the_main_checkout(bench: Bench) -> None:
    folder = bench.desk / ".worktrees" / "feat" / "gone"
    folder.mkdir(parents=True)
    assert bench.call("spawn", {"tasks": ["db"]}, at=folder).failed
    assert "role: implementation" in bench.call("current", at=folder).text


def test_the_environment_can_only_take_away(bench: Bench) -> None:
    for said in ({"COORD_ROLE": "implementation"}, {"COORD_TASK": "auth"}):
        bench.environment = said
        assert "role: implementation" in bench.call("current").text


def test_what_a_session_says_of_its_role_is_not_believed(bench: Bench) -> None:
    one = bench.session("feat/auth")
    bench.environment["COORD_ROLE"] = "coordinator"
    assert bench.call("spawn", {"tasks": ["db"]}, by=one).failed
    assert bench.call("spawn", {"tasks": ["db"]}, at=Path(one.worktree)).failed


def test_coordinator_actions_are_refused_to_an_implementation(bench: Bench) -> None:
    bench.environment["COORD_TASK"] = "auth"
    for action, args in COORDINATOR_ONLY:
        reply = bench.call(action, args)
        assert reply.failed
        assert reply.text == (
            f"error: '{action}' is not for implementation sessions\n"
            "hint: you may use: help, current, status, commit, push, notify, done, block"
        )


def test_the_coordinator_has_no_branch_to_speak_for(bench: Bench) -> None:
    for action in ("commit", "push", "done"):
        assert f"'{action}' is not for coordinator sessions" in bench.call(action, {"message": "x"}).text


def test_a_secret_that_nobody_has_gives_no_worktree_and_no_coordinator(bench: Bench) -> None:
    one = bench.session("feat/auth")
    for secret in ("guessed", "sécret", hashed_as_secret(bench)):
        bench.environment["COORD_SESSION"] = secret
        assert bench.call("spawn", {"tasks": ["db"]}).failed
        reply = bench.call("commit", {"message": "x"}, at=Path(one.worktree))
        assert reply.failed
        assert "you have no worktree here" in reply.text


def hashed_as_secret(bench: Bench) -> str:
    """Who can read the records still has no secret."""
    record = bench.store.read(bench.store.ids()[0])
    return str(getattr(record, "token", ""))


def test_a_corrupt_state_file_makes_nobody_a_coordinator(bench: Bench) -> None:
    one, other = bench.session("feat/auth"), bench.session("feat/db")
    (bench.store.folder(one.id) / "record.json").write_text('{"role": "coordinator", "id"')
    reply = bench.call("spawn", {"tasks": ["docs"]}, by=one)
    assert reply.failed
    assert "'spawn' is not for implementation sessions" in reply.text
    assert "you have no worktree" in bench.call("push", by=one).text
    assert not bench.call("status", by=other).failed
    assert "role: coordinator" in bench.call("current").text


def test_a_record_with_an_empty_secret_is_nobodys(bench: Bench) -> None:
    one = bench.session("feat/auth")
    path = bench.store.folder(one.id) / "record.json"
    path.write_text(path.read_text().replace(one.token, ""))
    assert "role: coordinator" in bench.call("current").text
    assert "you have no worktree" in bench.call("push", by=one).text


def test_a_session_that_is_over_changes_nothing_more(bench: Bench) -> None:
    one = bench.session("feat/auth", events=(Ended(1.0, Ending.ABORTED, "a person said so"),))
    (Path(one.worktree) / "new.txt").write_text("new\n")
    reply = bench.call("commit", {"message": "late"}, by=one)
    assert reply.failed
    assert "this session is over (aborted: a person said so)" in reply.text
    assert bench.call("notify", {"message": "still here"}, by=one).failed
    assert bench.notes() == []
    assert not bench.call("current", by=one).failed


def test_the_role_is_looked_up_anew_at_each_call(bench: Bench) -> None:
    one = bench.session("feat/auth")
    assert not bench.call("status", by=one).failed
    bench.store.retire(one.id, keep=5)
    assert "you have no worktree here" in bench.call("status", by=one).text


def test_the_sessions_folder_is_used_and_not_the_servers(bench: Bench) -> None:
    """The server's directory was used instead of the session's."""
    one = bench.session("feat/auth")
    (bench.desk / "mine.txt").write_text("a person's\n")
    (Path(one.worktree) / "ours.txt").write_text("the agent's\n")
    assert not bench.call("commit", {"message": "ours"}, by=one).failed
    assert bench.world.git("show", "--name-only", "--format=%s", "feat/auth", at=bench.desk).split() == [
        "ours",
        "ours.txt",
    ]
    assert bench.world.git("status", "--porcelain", "mine.txt", at=bench.desk) == "?? mine.txt"


def test_a_server_started_elsewhere_finds_the_session_by_its_worktree(bench: Bench, tmp_path: Path) -> None:
    one = bench.session("feat/auth")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.environment["COORD_WORKTREE"] = one.worktree
    assert f"session: {one.id}" in bench.call("current", by=one, at=elsewhere).text


def test_outside_of_every_repository_nothing_works(bench: Bench, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    reply = bench.call("list", at=elsewhere)
    assert reply.failed
    assert reply.text.startswith("error: ")


def test_a_session_whose_worktree_is_gone_may_change_nothing(bench: Bench) -> None:
    one = bench.session("feat/auth")
    shutil.rmtree(one.worktree)
    assert "is gone" in bench.call("push", by=one).text
    Path(one.worktree).mkdir(parents=True)
    assert "is gone" in bench.call("commit", {"message": "x"}, by=one).text


def test_another_branch_in_the_worktree_is_not_the_sessions(bench: Bench) -> None:
    one = bench.session("feat/auth")
    bench.world.git("switch", "-q", "-c", "feat/db", at=Path(one.worktree))
    reply = bench.call("push", by=one)
    assert reply.failed
    assert "your worktree is on 'feat/db', your branch is feat/auth" in reply.text
    assert bench.remote("feat/db") == ""
