"""What the coordinator sees and does through the tool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from coord import inbox
from coord.core.agentevent import Ended, Ending, Prompted, Started
from coord.core.session import SessionRecord
from tests.mcp.conftest import Bench

Works = Callable[..., None]


def test_it_sees_worktrees_sessions_and_notes_together(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth", events=(Started(1.0, "scripted"), Prompted(2.0, 1, "do it")))
    works(one)
    bench.call("notify", {"message": "half\x1b[2J of it\nworks"}, by=one)
    text = bench.call("dashboard").text
    for part in (
        one.id,
        "interrupted",
        "feat/auth",
        "auth (pending)",
        "0 changed, 1 untracked",
        "inbox: 1 unread",
    ):
        assert part in text
    assert f"auth ({one.id}): half of it works" in bench.call("inbox").text
    assert bench.call("inbox").text.startswith("nothing new")
    assert "half of it works" in bench.call("inbox", {"all": True}).text


def test_it_lists_and_shows_worktrees(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    assert "main checkout" in bench.call("list").text
    text = bench.call("status", {"path": "feat/auth", "porcelain": True}).text
    assert "1 untracked" in text
    assert "?? src/new.txt" in text
    reply = bench.call("status", {"path": "../../../etc"})
    assert reply.failed
    assert "no worktree '../../../etc'" in reply.text


def test_a_worktree_is_made_from_a_name_of_words(bench: Bench) -> None:
    reply = bench.call("create", {"name": "Feature audit"})
    assert not reply.failed
    assert (bench.desk / ".worktrees/feat/feature-audit/.git").exists()
    assert not bench.call("create", {"name": "audit", "branch": "wt/audit", "base": "main"}).failed
    assert (bench.desk / ".worktrees/wt/audit/.git").exists()


def test_names_and_paths_that_lead_elsewhere_are_refused(bench: Bench) -> None:
    before = bench.world.git("worktree", "list", at=bench.desk)
    for args in (
        {"name": "../../../tmp/x"},
        {"name": "x", "path": "../../outside"},
        {"name": "x", "branch": "wt/../../x"},
        {"name": "x", "branch": "refs/../x"},
        {"name": "--force"},
        {"name": "x", "base": "--exec=touch pwned"},
        {"name": "a\x00b"},
    ):
        reply = bench.call("create", args)
        assert reply.failed, args
        assert reply.text.startswith("error: ")
    for where in ("../../..", "/", "--all", "."):
        assert bench.call("open", {"pathOrBranch": where}).failed, where
        assert bench.call("cleanup", {"action": "remove", "pathOrBranch": where, "force": True}).failed, where
    assert bench.world.git("worktree", "list", at=bench.desk) == before
    assert bench.desk.is_dir()


def test_cleanup_keeps_work_and_says_why(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    reply = bench.call("cleanup", {"action": "remove", "pathOrBranch": "feat/auth"})
    assert reply.failed
    assert "kept feat/auth" in reply.text
    assert Path(one.worktree).is_dir()
    assert bench.call("cleanup", {"action": "prune", "force": True}).failed
    dry = bench.call(
        "cleanup", {"action": "remove", "pathOrBranch": "feat/auth", "force": True, "dryRun": True}
    )
    assert not dry.failed
    assert "would be removed" in dry.text
    assert Path(one.worktree).is_dir()


def test_a_remote_deletion_that_is_refused_is_not_told_as_not_found(bench: Bench, works: Works) -> None:
    """Remote deletion refused by the server was reported as not found."""
    one = bench.session("wt/look")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    bench.call("push", by=one)
    bench.world.git("config", "receive.denyDeletes", "true", at=bench.world.origin)
    reply = bench.call(
        "cleanup", {"action": "remove", "pathOrBranch": "wt/look", "force": True, "remote": True}
    )
    assert reply.failed
    assert "denied by the server, the remote's branch stays" in reply.text
    assert "no such branch" not in reply.text
    assert bench.remote("wt/look")


def test_a_remote_branch_that_is_not_there_is_told_as_that(bench: Bench) -> None:
    bench.session("wt/look")
    reply = bench.call(
        "cleanup", {"action": "remove", "pathOrBranch": "wt/look", "force": True, "remote": True}
    )
    assert not reply.failed
    assert "the remote has no such branch" in reply.text


def test_plan_and_merge_land_what_is_done(bench: Bench, works: Works) -> None:
    one = bench.session("feat/auth")
    works(one)
    bench.call("commit", {"message": "x"}, by=one)
    bench.call("done", {"message": "auth works"}, by=one)
    assert "feat/auth" in bench.call("plan").text
    reply = bench.call("merge", {"tasks": ["auth"]})
    assert not reply.failed, reply.text
    assert "landed" in reply.text
    assert bench.world.statuses()["auth"] == "completed"


def test_a_merge_that_does_not_land_is_an_error_with_its_reason(bench: Bench) -> None:
    bench.world.push("feat/auth", {"src/a.txt": "BROKEN\n"})
    reply = bench.call("merge", {"tasks": ["auth"]})
    assert reply.failed
    assert reply.text.startswith("error: gate failed")


def test_a_task_is_blocked_and_let_go_on(bench: Bench) -> None:
    one = bench.session("feat/auth")
    assert not bench.call("block", {"task": "docs", "reason": "no decision\n## Summary"}).failed
    assert bench.world.statuses()["docs"] == "blocked"
    reply = bench.call("unblock", {"task": "docs", "context": "--decided-- it is\nfine"})
    assert not reply.failed, reply.text
    assert bench.world.statuses()["docs"] == "pending"
    assert bench.call("block", {"task": "nothing", "reason": "x"}).failed
    assert bench.store.read(one.id) == one


def test_a_spawn_that_cannot_be_says_why_and_leaves_nothing(bench: Bench) -> None:
    reply = bench.call("spawn", {"tasks": ["nothing"]})
    assert reply.failed
    assert "not started" in reply.text
    assert bench.call("spawn", {"tasks": ["auth"], "prefix": "wt/"}).failed
    assert "did you mean 'scripted'?" in bench.call("spawn", {"tasks": ["auth"], "agent": "scriptd"}).text
    assert bench.store.ids() == ()
    assert bench.world.git("for-each-ref", "refs/coord/claims/", at=bench.world.origin) == ""


def test_a_session_that_nobody_has_is_not_found_by_any_word(bench: Bench) -> None:
    bench.session("feat/auth")
    for word in ("ses_000000000009", "../record", "feat/", "*", "ses_"):
        for action, more in (("message", {"message": "x"}), ("abort", {}), ("fork", {"name": "x"})):
            assert bench.call(action, {"sessionID": word, **more}).failed, (action, word)
    assert len(bench.store.ids()) == 1


def test_wait_returns_at_once_when_something_is_unread(bench: Bench) -> None:
    one = bench.session("feat/auth")
    bench.call("notify", {"message": "look here"}, by=one)
    reply = bench.call("wait", {"seconds": 300})
    assert "1 unread" in reply.text
    assert "look here" in reply.text
    assert "look here" in bench.call("inbox").text, "waiting has not marked it as read"


def test_wait_ends_when_a_note_arrives_or_a_session_changes(bench: Bench) -> None:
    one = bench.session("feat/auth")
    bench.store.append(one.id, Started(1.0, "scripted"))
    state = bench.desk / ".git" / "coord"

    def meanwhile(act: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=lambda: (time.sleep(0.3), act()))
        thread.start()
        return thread

    thread = meanwhile(lambda: inbox.leave(state, "info", "here I am", {}))
    assert "here I am" in bench.call("wait", {"seconds": 120}).text
    thread.join()
    bench.call("inbox")
    thread = meanwhile(lambda: bench.store.append(one.id, Ended(2.0, Ending.ABORTED, "x")))
    assert f"{one.id}: interrupted (auth) -> aborted (auth)" in bench.call("wait", {"seconds": 120}).text
    thread.join()


def test_wait_that_nothing_ends_says_so(bench: Bench) -> None:
    assert "nothing happened within 0 seconds" in bench.call("wait", {"seconds": 0, "until": "inbox"}).text


def test_an_answer_that_is_long_is_cut_and_says_so(bench: Bench) -> None:
    state = bench.desk / ".git" / "coord"
    for number in range(40):
        inbox.leave(state, "info", f"{number} " + "x" * 2000, {})
    text = bench.call("inbox").text
    assert len(text) < 25_000
    assert "characters left out" in text


def test_help_tells_what_the_role_may_do(bench: Bench) -> None:
    one: SessionRecord = bench.session("feat/auth")
    assert "spawn" in bench.call("help").text
    text = bench.call("help", by=one).text
    assert "spawn" not in text
    assert "commit" in text
    assert "the first that is configured, not wt/" in bench.call("help", {"action": "spawn"}).text
    assert bench.call("help", {"action": "spwan"}).text.startswith(
        "error: unknown action 'spwan'; did you mean 'spawn'?"
    )
    assert "four" not in bench.call("help", {"action": "block"}, by=one).text
    assert "tried" in bench.call("help", {"action": "block"}, by=one).text


def test_a_record_that_cannot_be_read_is_named_and_can_be_removed(bench: Bench) -> None:
    one = bench.session("feat/auth")
    (bench.store.folder(one.id) / "record.json").write_text("{")
    text = bench.call("sessions").text
    assert f"session {one.id}: its record cannot be read" in text
    assert f"coord abort {one.id}" in text
    assert not bench.call("abort", {"sessionID": one.id}).failed
    assert bench.store.ids() == ()
    assert Path(one.worktree).is_dir()
