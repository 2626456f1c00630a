"""Agents that write where they should not: sessions' files, names, logs and messages are data, whoever wrote them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coord.core.agentevent import Said, decode, encode
from coord.core.session import SessionRecord, SessionRole
from coord.sessions.store import Message, Store, Unreadable, is_id
from tests.sessions.team import CONFIG, Team, script, spawned, task, team_of
from tests.world import World

GOOD = SessionRecord(
    "ses_aaaaaaaaaaaa",
    SessionRole.IMPLEMENTATION,
    "feat/a",
    "/nowhere/feat/a",
    "scripted",
    "here-123",
    5.0,
    "a",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "state/sessions")
    made.add(GOOD, "prompt")
    return made


@pytest.mark.parametrize(
    "id",
    [
        "../../etc",
        "ses_../../etc",
        "ses_a/../../b",
        "",
        ".",
        "ses_",
        "ses_aaaa\n",
        "ses_ａａａａ",
        "ses_" + "a" * 80,
        "--help",
    ],
)
def test_what_is_no_id_names_no_folder(store: Store, id: str) -> None:
    assert not is_id(id)
    with pytest.raises(ValueError, match="not a session's id"):
        store.folder(id)


def _record(**changes: object) -> bytes:
    return json.dumps({**dataclasses.asdict(GOOD), **changes}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"7", b'"text"', b"\xff\xfe", b"{", b"[" * 100_000,
        _record(made="yesterday"), _record(made=float("nan")), _record(made=-1), _record(made=None), _record(made=True),
        _record(attempt="1"), _record(attempt=2**70), _record(ports="80"), _record(ports=["80"]), _record(owns=[1]),
        _record(role="king"), _record(role=None), _record(task=None), _record(model=7), _record(forked={}),
        _record(worktree="relative"), _record(worktree="/a\0b"), _record(worktree=""), _record(branch=["x"]),
        _record(id="ses_bbbbbbbbbbbb"), _record(id="aaaa"), _record(id=5), _record(parent=[]), _record(token=1),
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_unreadable_and_named(store: Store, raw: bytes) -> None:
    (store.folder(GOOD.id) / "record.json").write_bytes(raw)
    assert isinstance(store.read(GOOD.id), Unreadable)


def test_a_record_that_is_a_pipe_a_link_a_folder_or_endless_is_unreadable(
    store: Store, tmp_path: Path
) -> None:
    path = store.folder(GOOD.id) / "record.json"
    elsewhere = tmp_path / "elsewhere.json"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert isinstance(store.read(GOOD.id), Unreadable)
    path.unlink()
    os.mkfifo(path)
    assert isinstance(store.read(GOOD.id), Unreadable)
    path.unlink()
    path.mkdir()
    assert isinstance(store.read(GOOD.id), Unreadable)
    path.rmdir()
    with path.open("wb") as stream:
        stream.truncate(2**40)
    assert isinstance(store.read(GOOD.id), Unreadable)
    path.unlink()
    elsewhere.rename(path)
    assert store.read(GOOD.id) == GOOD


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "said", "at": "now", "text": "x"}',
        b'{"event": "said", "at": null, "text": "x"}',
        b'{"event": "said", "at": 1e999, "text": "x"}',
        b'{"event": "said", "at": NaN, "text": "x"}',
        b'{"event": "said", "at": -99999999999999, "text": "x"}',
        b'{"event": "said", "at": 1, "text": ["x"]}',
        b'{"event": "said", "at": 1}',
        b'{"event": "prompted", "at": 1, "turn": "many", "text": "x"}',
        b'{"event": "asked", "at": 1, "request": "r", "phase": "permission", "text": "t", "paths": [1]}',
        b'{"event": "asked", "at": 1, "request": "r", "phase": "nowhere", "text": "t"}',
        b'{"event": "used", "at": 1, "used": 1e300, "cost": -1}',
        b'{"event": "ended", "at": 1, "ending": "won"}',
        b'{"event": "__class__", "at": 1}',
        b'{"event": "said", "at": 1, "text": "' + b"x" * 3 * 2**20 + b'"}',
        b"[" * 500_000,
        b"\x00\xff\xfe\x80",
        b"null",
    ],
    ids=range(17),
)
def test_a_line_of_a_log_that_is_no_event_is_passed_over(store: Store, line: bytes) -> None:
    path = store.folder(GOOD.id) / "events.ndjson"
    path.write_bytes(line + b"\n")
    store.append(GOOD.id, Said(2.0, "fine"))
    assert store.events(GOOD.id)[0] == [Said(2.0, "fine")]
    assert store.standing(GOOD.id).last == 2.0


def test_a_log_whose_writer_was_killed_within_a_line_goes_on_in_the_next(store: Store) -> None:
    path = store.folder(GOOD.id) / "events.ndjson"
    path.write_bytes(b'{"event": "said", "at": 1, "te')
    store.append(GOOD.id, Said(2.0, "fine"))
    assert store.events(GOOD.id)[0] == [Said(2.0, "fine")]
    assert len(path.read_bytes().splitlines()) == 2


def test_a_message_of_ten_million_characters_is_delivered_whole(store: Store) -> None:
    store.send(GOOD.id, Message("é" * 10_000_000))
    (message,) = store.waiting(GOOD.id)
    assert len(message.text) == 10_000_000
    store.taken(GOOD.id, message)
    assert store.waiting(GOOD.id) == []


def test_a_message_that_was_not_sent_by_coord_is_passed_over(store: Store, tmp_path: Path) -> None:
    inbox = store.folder(GOOD.id) / "inbox"
    (inbox / "1.json").write_text(json.dumps({"text": "x", "mode": "abort", "id": "../../record"}))
    (inbox / "2.json").write_text(json.dumps({"text": "x", "id": "1"}))
    (inbox / "3.json").write_text("[" * 100_000)
    (inbox / "4.json").mkdir()
    os.mkfifo(inbox / "5.json")
    (tmp_path / "away").write_text(json.dumps({"text": "x", "id": "6"}))
    (inbox / "6.json").symlink_to(tmp_path / "away")
    assert store.waiting(GOOD.id) == []


def test_an_inbox_that_is_a_link_is_not_written_through(store: Store, tmp_path: Path) -> None:
    inbox = store.folder(GOOD.id) / "inbox"
    inbox.rmdir()
    (tmp_path / "away").mkdir()
    inbox.symlink_to(tmp_path / "away")
    store.send(GOOD.id, Message("secret"))
    assert list((tmp_path / "away").iterdir()) == []
    assert [message.text for message in store.waiting(GOOD.id)] == ["secret"]


def test_control_characters_are_not_kept(store: Store) -> None:
    said = decode(encode(Said(1.0, "a\x1b[31mred\x1b[0m\x07\x00\u202eb\ud800")))
    assert said == Said(1.0, "aredb\ufffd")


# -- in a repository -----------------------------------------------------------------------------------------------


def _forge(state: Path, id: str, **changes: object) -> Path:
    folder = state / "sessions" / id
    (folder / "inbox").mkdir(parents=True)
    values = {**dataclasses.asdict(GOOD), "id": id, **changes}
    (folder / "record.json").write_text(json.dumps(values))
    (folder / "events.ndjson").touch()
    return folder


@pytest.fixture
def team(world: World) -> Iterator[Team]:
    with team_of(world, {"a": task("a", script([{"hang": True}]))}, CONFIG) as made:
        yield made


def test_whatever_lies_among_the_sessions_every_command_goes_on(team: Team, tmp_path: Path) -> None:
    state = team.desk / ".git/coord"
    evil = "\x1b[31mfeat/\u202eevil\x07\n2nd line"
    forged = _forge(state, "ses_bbbbbbbbbbbb", task="", branch=evil, agent=evil, model=evil, machine=evil)
    with (forged / "events.ndjson").open("wb") as log:
        log.write(
            b'{"event": "asked", "at": 1, "request": "r", "phase": "question", "text": "\\u001b[2Jcolour?"}\n'
        )
        log.write(b'{"event": "started", "at": 1, "agent": "\\u001b[31mx", "version": "\\n\\n1"}\n')
        log.write(b'{"event": "said", "at": "x"}\n' + b"\xff" * 4096 + b"\n" + b"[" * 200_000 + b"\n")
    (state / "sessions/ses_cccccccccccc").symlink_to(tmp_path)
    (state / "sessions/ses_dddddddddddd").write_text("a file")
    (state / "sessions/ses_eeeeeeeeeeee").mkdir()
    (state / "sessions/..ses_x").mkdir()
    (state / "archive").mkdir(exist_ok=True)
    (state / "archive/junk").mkdir()

    shown = team.world.coord("sessions", "--status")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == 1
    assert not set("\x1b\x07\u202e") & set(shown.out + shown.err)
    lost = {one["name"] for one in team.world.coord("sessions", "--json").data["lost"]}
    assert lost == {"ses_cccccccccccc", "ses_eeeeeeeeeeee"}
    for words in (
        ["logs", "ses_bbbbbbbbbbbb"],
        ["logs", "ses_bbbbbbbbbbbb", "-f"],
        ["plan"],
        ["worktree", "list"],
        ["doctor"],
    ):
        answer = team.world.coord(*words)
        assert not set("\x1b\x07\u202e") & set(answer.out + answer.err), words
    for id in ("ses_bbbbbbbbbbbb", "ses_cccccccccccc", "ses_eeeeeeeeeeee"):
        assert team.world.coord("abort", id).code == 0
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()), "what a link led to stays"
    assert team.sessions() == ()
    for word in ("../../x", "ses_../../x", "-x", "ses_ffffffffffff"):
        assert team.world.coord("abort", "--", word).code == 2, word
        assert team.world.coord("message", "--", word, "hi").code in (1, 2), word
        assert team.world.coord("logs", "--", word).code == 2, word


@pytest.mark.parametrize("where", ["", "..", "src", ".worktrees/../src"])
def test_a_forged_record_ends_no_process_and_removes_no_folder_that_is_not_a_sessions(
    team: Team, where: str
) -> None:
    place = team.desk / "src" if where in ("src", ".worktrees/../src") else team.desk
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=place)
    worktree = f"{team.desk}/{where}".rstrip("/")
    _forge(
        team.desk / ".git/coord",
        "ses_bbbbbbbbbbbb",
        worktree=worktree,
        task="",
        owns=["worktree", "branch"],
        branch="main",
    )
    try:
        team.world.coord("abort", "ses_bbbbbbbbbbbb")
        assert bystander.poll() is None
        assert (team.desk / "src/lib.txt").is_file()
        assert team.world.git("rev-parse", "--verify", "main", at=team.desk)
    finally:
        bystander.kill()
        bystander.wait()


def test_an_agent_that_asks_to_write_elsewhere_is_refused_also_through_a_link(world: World) -> None:
    def ask(path: str) -> dict[str, object]:
        return {"ask": {"title": f"write {path}", "paths": [path], "then": [{"say": f"may {path}"}]}}

    home = str(world.root / "home/.ssh/id")
    steps = [
        {"shell": ["sh", "-c", "ln -s / out && ln -s ../../.. up"]},
        *(
            ask(path)
            for path in (home, "../../../x", "out/etc/passwd", "up/x", ".git/hooks/pre-commit", "in.txt")
        ),
        {"hang": True},
    ]
    with team_of(world, {"a": task("a", script(steps))}) as team:
        (id,) = spawned(team, "a")
        team.until(lambda: "may in.txt" in team.world.coord("logs", id).out, 20)
        log = team.world.coord("logs", id).out
        assert log.count("answered: reject") == 5
        assert log.count("says: may") == 1


def test_text_that_looks_like_an_option_or_a_template_is_text(team: Team) -> None:
    spawned(team, "a")
    sent = team.world.coord("message", "a", "--wait", "0", "--", "--interrupt {{ task }} $(touch x) `id`")
    assert sent.code == 0
    (waiting,) = Store(team.desk / ".git/coord/sessions").waiting(team.session("a").record.id)
    assert waiting.text == "--interrupt {{ task }} $(touch x) `id`"
    assert waiting.mode == "queue"
