"""What sessions said, as the tool ``memory`` tells it."""

from __future__ import annotations

from coord.core.agentevent import AgentEvent, Compacted, Prompted, Said, Tool, ToolState, Used
from tests.mcp.conftest import Bench

TALK: tuple[AgentEvent, ...] = (
    Prompted(1.0, 1, "do the auth task"),
    Said(2.0, "I read the ", message="m1"),
    Said(3.0, "code about Tokens", message="m1"),
    Tool(4.0, "c1", ToolState.RUNNING, name="shell", title="ls", input="ls"),
    Tool(5.0, "c1", ToolState.COMPLETED, output="a b c"),
    Compacted(6.0, "what mattered so far"),
    Said(7.0, "all is well", message="m2"),
    Used(8.0, 88_000, 100_000),
)


def test_a_session_reads_its_own_conversation(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    text = bench.recall("messages", by=one).text
    assert f"{one.id}/1\ndo the auth task" in text
    assert f"{one.id}/2\nI read the code about Tokens" in text
    assert "ls [completed]" not in text
    assert "ls [completed]" in bench.recall("messages", {"showTools": True}, by=one).text
    assert "do the auth" not in bench.recall("messages", {"role": "assistant"}, by=one).text


def test_the_newest_messages_are_kept_and_the_older_can_be_had(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    text = bench.recall("messages", {"limit": 1}, by=one).text
    assert "all is well" in text
    assert "do the auth" not in text
    assert '[3 older: "before": 5]' in text
    older = bench.recall("messages", {"before": 5, "showTools": True}, by=one).text
    assert "do the auth" in older
    assert "all is well" not in older


def test_one_message_is_read_by_its_id_and_cut_where_asked(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    assert "code about Tokens" in bench.recall("message", {"messageId": f"{one.id}/2"}, by=one).text
    cut = bench.recall("message", {"messageId": f"{one.id}/2", "maxLength": 6}, by=one).text
    assert cut.endswith("I read\n[... 22 more characters: maxLength]")
    for wrong in (f"{one.id}/99", f"{one.id}/x", "ses_zzzzzzzzzzzz/1", "../../record.json"):
        assert bench.recall("message", {"messageId": wrong}, by=one).failed, wrong


def test_another_session_is_as_good_as_not_there(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    other = bench.session("feat/db", events=(Prompted(1.0, 1, "a secret of db"),))
    for tool, args in (
        ("messages", {"sessionId": other.id}),
        ("message", {"messageId": f"{other.id}/1"}),
        ("summary", {"sessionId": "db"}),
        ("children", {"sessionId": "feat/db"}),
        ("context", {"sessionId": other.id}),
        ("compact", {"sessionId": other.id}),
        ("search", {"query": "secret", "sessionId": other.id}),
    ):
        reply = bench.recall(tool, args, by=one)
        assert reply.failed, tool
        assert "that you may read" in reply.text
        assert "secret" not in reply.text.replace(other.id, "")
    assert "nothing in 1 session(s)" in bench.recall("search", {"query": "a secret of"}, by=one).text
    assert other.id not in bench.recall("sessions", by=one).text
    assert "a secret of db" in bench.recall("messages", {"sessionId": "db"}).text, "the coordinator sees all"


def test_children_are_seen_and_searched(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    child = bench.session("wt/part", parent=one.id, events=(Prompted(1.0, 1, "look at the lexer"),))
    grandchild = bench.session("wt/deeper", parent=child.id, events=(Prompted(1.0, 1, "lexer tables"),))
    assert child.id in bench.recall("children", by=one).text
    assert grandchild.id not in bench.recall("children", by=one).text
    found = bench.recall("search", {"query": "LEXER"}, by=one).text
    assert f"{child.id}/1 user" in found
    assert f"{grandchild.id}/1 user" in found
    assert one.id not in bench.recall("sessions", by=child).text, "a child does not read its parent"


def test_a_retired_session_is_read_from_the_archive(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    bench.store.retire(one.id, keep=5)
    assert "all is well" in bench.recall("messages", {"sessionId": "auth"}).text
    assert "retired" in bench.recall("sessions").text
    assert "1 retired" in bench.recall("summary").text


def test_how_full_the_context_is(bench: Bench) -> None:
    one, quiet = bench.session("feat/auth", events=TALK), bench.session("feat/db")
    text = bench.recall("context", by=one).text
    assert "88% used (88000 of 100000 tokens), red" in text
    assert "compact" in text
    assert "not known" in bench.recall("context", by=quiet).text
    assert "coord did not start you" in bench.recall("context").text
    assert "sessionId is missing" in bench.recall("messages").text


def test_a_context_is_not_summarised_where_nothing_runs(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    assert "does not run" in bench.recall("compact", by=one).text
    assert bench.store.waiting(one.id) == []


def test_summaries_of_a_context_are_listed_and_read(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    assert "1. " in bench.recall("compactions", by=one).text
    assert bench.recall("compactions", {"read": 1}, by=one).text == "what mattered so far"
    assert bench.recall("compactions", {"read": 2}, by=one).failed


def test_a_session_is_summed_up(bench: Bench) -> None:
    one = bench.session("feat/auth", events=TALK)
    text = bench.recall("summary", {"sessionID": "auth"}).text
    for part in (one.id, "2 of assistant", "asked: do the auth task", "last said: all is well", "88% used"):
        assert part in text


def test_help_and_plans_say_what_there_is(bench: Bench) -> None:
    assert "search" in bench.recall("help").text
    assert "capitals do not matter" in bench.recall("help", {"tool": "search"}).text
    assert "no plan files" in bench.recall("plans").text
    assert "did you mean 'messages'?" in bench.recall("mesages").text


def test_what_was_said_cannot_write_on_a_terminal(bench: Bench) -> None:
    one = bench.session("feat/auth")
    with (bench.store.folder(one.id) / "events.ndjson").open("a") as log:
        log.write('{"event": "said", "at": 1, "text": "a\\u001b[2Jb\\u202ec"}\n')
    assert bench.recall("messages", by=one).text.endswith("\nabc")
