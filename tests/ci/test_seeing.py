"""What the screens of a clone say of a repository on GitHub: with its pull requests when it is asked, and never two things."""

from __future__ import annotations

import pytest

from coord.dashboard.gathering import gather
from coord.freshness import fetch
from coord.present import Memory, look
from coord.workspace import open_workspace
from tests.ci.conftest import Make
from tests.forges.place import EVERYTHING


def test_a_screen_and_a_page_say_the_same_of_a_draft_and_of_what_is_not_read(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a", draft=True)
    here.world.git("fetch", "-q", "origin", at=here.world.desk)

    for words in (("status",), ("dashboard",), ("status", "--fetch"), ("dashboard", "--fetch")):
        present = here.desk(*words, "--json").data
        said = present["main"]["said"] if words[0] == "status" else present["head"]["said"]
        is_read = "--fetch" in words
        assert [one["branch"] for one in present["waiting"]] == ["feat/a"] * is_read, words
        assert [one["branch"] for one in present["queue"]] == ["feat/a"] * (not is_read), words
        assert ("are not read" in said) == (not is_read), words
    assert "pull requests are not read: there is no token" in here.desk("status", "--fetch", token=False).out


def test_who_looks_again_remembers_what_github_said(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = make("a")
    here.push("feat/a")
    number = here.pull("feat/a", draft=True)
    monkeypatch.setenv("GITHUB_API_URL", here.rest.url)
    monkeypatch.setenv("GITHUB_SERVER_URL", here.server.url)
    monkeypatch.setenv("GH_TOKEN", here.tokens.issue("alice", "user", EVERYTHING).text)
    workspace = open_workspace(here.world.desk)
    memory = Memory.of(workspace)
    fetch(workspace)

    first = look(workspace, memory, asks_forge=True)
    here.rest.state.tickets[number].draft = False
    again = look(workspace, memory)
    page = gather(workspace, memory).present

    assert [one.branch for one in first.waiting] == ["feat/a"]
    assert again.waiting == first.waiting == page.waiting
    assert "are not read" not in again.said
    fetch(workspace)
    assert look(workspace, memory, asks_forge=True).waiting == ()


def test_what_was_decided_is_told_without_asking_github(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.drain()
    here.world.git("fetch", "-q", "origin", "+refs/coord/*:refs/coord/*", "main", at=here.world.desk)
    here.rest.requests.clear()

    for words in (["log"], ["why", "a"], ["review"], ["dashboard", "-o", "-"]):
        told = here.desk(*words)
        assert told.code == 0, (words, told.err)
        assert "check.sh failed" in told.out, words
        assert not here.rest.requests, words
        assert ("are not read without --fetch" in told.err + told.out) == (words != ["review"]), words
    assert "are not read" not in here.desk("why", "a", "--fetch").err
    assert here.rest.requests
