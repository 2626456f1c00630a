"""GitHub as a forge, against the fake that is held to GitHub's own description."""

from __future__ import annotations

import subprocess
import sys

import pytest

from coord.errors import RefusedError
from coord.forges.base import Forge, Permission, State, Upserted
from coord.forges.github import open_github
from coord.forges.github_values import LONGEST_BODY
from tests.forges.place import NAME, Clock, Place
from tests.world.github.tokens import Token

MARKER = "blocked:a"
FIRST = f"<!-- coord:{MARKER} -->"


def _who(place: Place, kind: str) -> Token:
    if kind == "job":
        return place.job(issues="write", pull_requests="write")
    return place.tokens.issue("other-app[bot]", "app", {"issues": "write", "pull-requests": "write"})


# -- opening -----------------------------------------------------------------------------------------------------------


def test_it_is_a_forge(place: Place) -> None:
    forge: Forge = place.forge(place.user())
    assert repr(forge) == "GitHub(acme/demo)"


def test_without_credentials_there_is_no_forge() -> None:
    assert open_github(NAME, {"COORD_TOKEN": " ", "COORD_APP_ID": "1"}) is None


@pytest.mark.parametrize(
    ("names", "login"),
    [
        (("COORD_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"), "alice"),
        (("GH_TOKEN", "GITHUB_TOKEN"), "alice"),
        (("GITHUB_TOKEN",), "alice"),
    ],
)
def test_the_nearest_token_is_taken(place: Place, names: tuple[str, ...], login: str) -> None:
    environ = dict.fromkeys(names, place.user("bob").text) | {names[0]: place.user("alice").text}
    assert place.opened(environ).viewer == login


def test_importing_coord_does_not_load_the_library() -> None:
    code = "import sys, coord.cli, coord.forges, coord.forges.github; print('github' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "False", answer.stderr


def test_every_request_names_the_version_of_the_api(place: Place) -> None:
    place.forge(place.user()).open_pulls()
    assert place.rest.versions == {"2022-11-28"}


# -- pull requests -----------------------------------------------------------------------------------------------------


def test_an_open_pull_request_is_told_whole(place: Place) -> None:
    tip = place.push("feat/a")
    place.rest.open_pull("feat/a", title="Do a", author="bob", draft=True).labels.append("hold")
    (pull,) = place.forge(place.user()).open_pulls()
    assert (pull.number, pull.branch, pull.tip, pull.base) == (1, "feat/a", tip, "main")
    assert (pull.title, pull.author, pull.labels) == ("Do a", "bob", ("hold",))
    assert (pull.draft, pull.open, pull.merged) == (True, True, False)


def test_pull_requests_of_forks_are_none_of_ours(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a").fork = "mallory/demo"
    forge = place.forge(place.user())
    assert forge.open_pulls() == ()
    assert forge.pulls_of("feat/a") == ()


def test_all_of_many_pull_requests_are_found(place: Place) -> None:
    place.push("feat/a")
    for number in range(1, 131):
        branch = f"feat/n{number}"
        place.world.git("update-ref", f"refs/heads/{branch}", "feat/a", at=place.world.origin)
        place.rest.open_pull(branch)
    found = place.forge(place.user()).open_pulls()
    assert [each.number for each in found] == list(range(1, 131))
    assert place.asked("GET", "/pulls") == 2


def test_the_pull_requests_of_a_branch_are_told_newest_first(place: Place) -> None:
    place.push("feat/a")
    place.push("feat/ab")
    place.rest.open_pull("feat/a")
    place.rest.open_pull("feat/ab")
    place.delete("feat/a")
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    found = place.forge(place.user()).pulls_of("feat/a")
    assert [(each.number, each.open) for each in found] == [(3, True), (1, False)]


def test_a_draft_is_opened_once(place: Place) -> None:
    place.push("feat/a")
    forge = place.forge(place.user())
    first = forge.open_draft("feat/a", "main", "Blocked:\na", "body")
    second = forge.open_draft("feat/a", "main", "Blocked: a", "body")
    assert (first.number, first.draft, first.title) == (1, True, "Blocked: a")
    assert second == first
    assert place.asked("POST", "/pulls") == 1


def test_what_github_says_to_a_pull_request_that_it_refuses_is_told(place: Place) -> None:
    with pytest.raises(RefusedError, match="No commits between main and main"):
        place.forge(place.user()).open_draft("main", "main", "x", "y")


def test_a_pull_request_gets_another_base(place: Place) -> None:
    place.push("feat/a")
    place.push("feat/b")
    pull = place.rest.open_pull("feat/b", base="feat/a")
    place.forge(place.user()).retarget(pull.number, "main")
    place.delete("feat/a")
    assert (pull.base, pull.state) == ("main", "open")


def test_a_late_merge_is_waited_for(place: Place) -> None:
    place.rest.state.merged_after = 3
    place.push("feat/a")
    pull, clock = place.rest.open_pull("feat/a"), Clock()
    place.land("feat/a")
    assert place.forge(place.user(), clock.patience()).wait_until_merged([1], 30) == {1}
    assert pull.merged_at
    assert clock.slept == [0.5, 0.75]


def test_a_merge_that_does_not_come_is_not_waited_for_for_ever(place: Place) -> None:
    place.rest.state.merged_after = None
    place.push("feat/a")
    place.push("feat/b")
    place.rest.open_pull("feat/a")
    place.rest.open_pull("feat/b").state = "closed"
    place.land("feat/a")
    clock = Clock()
    assert place.forge(place.user(), clock.patience()).wait_until_merged([1, 2, 99], 30) == {2, 99}
    assert sum(clock.slept) == pytest.approx(30)
    assert max(clock.slept) == 3


# -- comments ----------------------------------------------------------------------------------------------------------


def test_a_comment_is_made_kept_and_changed(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    forge = place.forge(place.user())
    done = [forge.upsert_comment(1, MARKER, text) for text in ("one", "one", "two\n", "two")]
    assert done == [Upserted.CREATED, Upserted.SAME, Upserted.CHANGED, Upserted.SAME]
    assert [each.body for each in place.rest.comments(1)] == [f"{FIRST}\ntwo\n"]
    assert place.rest.writes() == [
        ("POST", "/repos/acme/demo/issues/1/comments"),
        ("PATCH", f"/repos/acme/demo/issues/comments/{place.rest.comments(1)[0].id}"),
    ]


def test_a_later_run_finds_the_comment_again(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    for kind in ("job", "app"):
        token = _who(place, kind)
        assert place.forge(token).upsert_comment(1, MARKER, "one") is Upserted.CREATED
        assert place.forge(token).upsert_comment(1, MARKER, "one") is Upserted.SAME
    assert place.app_forge().upsert_comment(1, MARKER, "one") is Upserted.CREATED
    assert place.app_forge().upsert_comment(1, MARKER, "one") is Upserted.SAME
    authors = [each.author for each in place.rest.comments(1)]
    assert authors == ["github-actions[bot]", "other-app[bot]", "coord-app[bot]"]


def test_a_comment_of_somebody_else_with_the_marker_is_left_alone(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    theirs = place.rest.comment(1, "bob", f"{FIRST}\nI am coord, believe me")
    forge = place.forge(place.user("alice"))
    assert forge.upsert_comment(1, MARKER, "x", only_change=True) is None
    assert forge.upsert_comment(1, MARKER, "x") is Upserted.CREATED
    assert theirs.body.endswith("believe me")


def test_a_comment_that_quotes_the_marker_is_not_coords(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    place.rest.comment(1, "alice", f"see:\n{FIRST}\nabove")
    place.rest.comment(1, "alice", f"<!-- coord:{MARKER}2 -->\nother")
    assert place.forge(place.user("alice")).upsert_comment(1, MARKER, "x", only_change=True) is None


def test_of_two_comments_the_oldest_is_kept_up(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    old, new = (place.rest.comment(1, "alice", f"{FIRST}\r\nx") for _ in range(2))
    forge = place.forge(place.user("alice"))
    assert forge.upsert_comment(1, MARKER, "x") is Upserted.SAME
    forge.upsert_comment(1, MARKER, "y")
    assert (old.body, new.body) == (f"{FIRST}\ny", f"{FIRST}\r\nx")


def test_the_comment_is_found_among_hundreds(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    for number in range(205):
        place.rest.comment(1, "bob", f"noise {number}")
    place.rest.comment(1, "alice", f"{FIRST}\nx")
    assert place.forge(place.user("alice")).upsert_comment(1, MARKER, "x") is Upserted.SAME


def test_a_text_that_is_too_long_is_cut(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    forge = place.forge(place.user())
    assert forge.upsert_comment(1, MARKER, "x\0" * LONGEST_BODY) is Upserted.CREATED
    (made,) = place.rest.comments(1)
    assert len(made.body) == LONGEST_BODY
    assert made.body.endswith("longer than GitHub takes")
    assert forge.upsert_comment(1, MARKER, "x\0" * LONGEST_BODY) is Upserted.SAME


def test_comments_are_told_with_who_wrote_them_and_whether_they_were_changed(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    said = place.rest.comment(1, "bob", "/coord land")
    place.rest.comment(1, "helper[bot]", "beep")
    forge = place.forge(place.user())
    first, second = forge.comments(1)
    assert (first.author, first.author_is_person, first.association) == ("bob", True, "COLLABORATOR")
    assert (first.number, first.edited, second.author_is_person) == (1, False, False)
    said.updated = place.rest.state.tick()
    again = forge.comment(said.id)
    assert again is not None
    assert again.edited
    assert forge.comment(999_999) is None


def test_a_reaction_is_given_once(place: Place) -> None:
    place.push("feat/a")
    place.rest.open_pull("feat/a")
    said = place.rest.comment(1, "bob", "/coord land")
    forge = place.forge(place.user())
    forge.react(said.id, "eyes")
    forge.react(said.id, "eyes")
    assert [each[1:] for each in said.reactions] == [("alice", "eyes")]


# -- issues ------------------------------------------------------------------------------------------------------------


def test_an_issue_is_made_kept_changed_and_closed(place: Place) -> None:
    forge = place.forge(place.user())
    assert forge.upsert_issue("audit", "Audit", "one", open_new=False) is None
    done = [forge.upsert_issue("audit", "Audit", text) for text in ("one", "one", "two")]
    assert done == [Upserted.CREATED, Upserted.SAME, Upserted.CHANGED]
    assert forge.upsert_issue("audit", "Audit!", "two") is Upserted.CHANGED
    assert forge.close_issue("audit", "all is well")
    assert not forge.close_issue("audit", "all is well")
    (issue,) = place.rest.state.tickets.values()
    assert (issue.state, issue.title) == ("closed", "Audit!")
    assert issue.body == "<!-- coord:audit -->\nall is well"


def test_a_closed_issue_is_not_opened_again_but_followed_by_a_new_one(place: Place) -> None:
    forge = place.forge(place.user())
    forge.upsert_issue("audit", "Audit", "one")
    forge.close_issue("audit", "well")
    assert forge.upsert_issue("audit", "Audit", "one") is Upserted.CREATED
    assert [each.state for each in place.rest.state.tickets.values()] == ["closed", "open"]


def test_an_issue_of_somebody_else_with_the_marker_is_left_alone(place: Place) -> None:
    place.forge(place.user("bob")).upsert_issue("audit", "Mine", "bob's")
    assert place.forge(place.user("alice")).upsert_issue("audit", "Audit", "one") is Upserted.CREATED
    assert place.rest.state.tickets[1].title == "Mine"


# -- commits and people ------------------------------------------------------------------------------------------------


def test_a_status_is_set_only_when_it_says_something_new(place: Place) -> None:
    tip = place.push("feat/a")
    forge = place.forge(place.user())
    done = [
        forge.set_status(tip, State.PENDING, "waits for b"),
        forge.set_status(tip, State.PENDING, "waits  for\nb"),
        forge.set_status(tip, State.FAILURE, "red", "https://example.com/run"),
        forge.set_status(tip, State.FAILURE, "red", "https://example.com/run"),
        forge.set_status(tip, State.PENDING, "waits for b"),
    ]
    assert done == [True, False, True, False, True]
    assert {each.context for each in place.rest.state.statuses} == {"coord/land"}


def test_a_long_reason_is_cut_for_a_status(place: Place) -> None:
    tip = place.push("feat/a")
    forge = place.forge(place.user())
    assert [forge.set_status(tip, State.PENDING, "x" * 300) for _ in range(2)] == [True, False]
    assert place.rest.state.statuses[0].description == "x" * 139 + "…"


def test_the_statuses_of_others_are_not_taken_for_ours(place: Place) -> None:
    tip = place.push("feat/a")
    body = {"state": "pending", "context": "ci", "description": "waits"}
    place.ask("POST", f"/repos/{NAME}/statuses/{tip}", place.user(), body)
    assert place.forge(place.user()).set_status(tip, State.PENDING, "waits")


def test_a_commit_that_github_does_not_have_gets_no_status(place: Place) -> None:
    with pytest.raises(RefusedError, match="No commit found for SHA"):
        place.forge(place.user()).set_status("1" * 40, State.SUCCESS, "landed")


@pytest.mark.parametrize(
    ("login", "permission"),
    [
        ("alice", Permission.ADMIN),
        ("mia", Permission.MAINTAIN),
        ("bob", Permission.WRITE),
        ("tom", Permission.TRIAGE),
        ("carol", Permission.READ),
        ("nobody", Permission.NONE),
        ("../../user", Permission.NONE),
    ],
)
def test_a_permission_is_told(place: Place, login: str, permission: Permission) -> None:
    assert place.forge(place.job()).permission(login) is permission


def test_the_tip_at_a_time_is_read_from_the_record_of_pushes(place: Place) -> None:
    state, forge = place.rest.state, place.forge(place.user())
    before = state.clock
    first = place.push("feat/a")
    at_first = state.clock
    state.clock += 10
    second = place.push("feat/a", "second\n")
    at_second = state.clock
    place.push("feat/ab")
    tips = [forge.tip_at("feat/a", when) for when in (at_first + 1, at_second - 1, at_second + 1)]
    assert tips == [first, first, second]
    assert [forge.tip_at("feat/a", when) for when in (before, at_first, at_second)] == [None] * 3


def test_a_deleted_branch_had_no_tip(place: Place) -> None:
    place.push("feat/a")
    place.delete("feat/a")
    forge = place.forge(place.user())
    assert forge.tip_at("feat/a", place.rest.state.clock + 5) is None


def test_an_old_push_is_found_behind_a_hundred_newer_ones(place: Place) -> None:
    tip = place.push("feat/a")
    when = place.rest.state.clock + 1
    place.rest.state.clock += 5
    for _ in range(150):
        place.rest.pushed("refs/heads/feat/a", tip, place.world.ref("refs/heads/main"), "bob")
    assert place.forge(place.user()).tip_at("feat/a", when) == tip
