"""GitHub out of order: limits, outages, lost answers; nothing is done twice, nothing is waited for without end."""

from __future__ import annotations

import pytest

from coord.errors import Exit, RefusedError
from coord.forges.base import State, Upserted
from coord.forges.github_calls import Answer, limit_of, next_page
from tests.forges.place import Clock, Place

MARKER = "blocked:a"


@pytest.fixture
def pull(place: Place) -> int:
    place.push("feat/a")
    return place.rest.open_pull("feat/a").number


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for_as_long_as_github_says(place: Place, status: int) -> None:
    clock = Clock()
    place.rest.fail_next("GET", "/pulls$", status, times=2, headers={"Retry-After": "7"})
    assert place.forge(place.user(), clock.patience()).open_pulls() == ()
    assert clock.slept == [7, 7]


def test_a_primary_limit_is_waited_for_until_it_is_reset(place: Place) -> None:
    clock = Clock()
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 30)}
    place.rest.fail_next("GET", "/pulls$", 403, headers=headers, message="API rate limit exceeded for x")
    place.forge(place.user(), clock.patience(jitter=0.5)).open_pulls()
    assert clock.slept == [31.5]


def test_a_limit_without_a_time_is_waited_for_longer_each_time(place: Place) -> None:
    clock = Clock()
    place.rest.fail_next("GET", "/pulls$", 429, times=2)
    place.forge(place.user(), clock.patience(limit=200)).open_pulls()
    assert clock.slept == [60, 120]


def test_a_limit_that_holds_too_long_ends_the_call_with_githubs_words(place: Place) -> None:
    clock = Clock()
    place.rest.fail_next("GET", "/pulls$", 429, times=99, headers={"Retry-After": "50"})
    with pytest.raises(RefusedError) as caught:
        place.forge(place.user(), clock.patience()).open_pulls()
    assert clock.slept == [50, 50]
    assert "You have exceeded a secondary rate limit" in caught.value.message
    assert "for another 50 s" in caught.value.hint
    assert caught.value.exit is Exit.REFUSED


def test_while_a_limit_holds_nothing_more_is_asked(place: Place) -> None:
    clock = Clock()
    forge = place.forge(place.user(), clock.patience())
    place.rest.fail_next("GET", "/pulls$", 429, headers={"Retry-After": "500"})
    for _ in range(3):
        with pytest.raises(RefusedError):
            forge.open_pulls()
    assert place.asked("GET") == 1
    clock.now += 501
    assert forge.open_pulls() == ()


def test_a_comment_that_a_limit_put_off_is_made_once(place: Place, pull: int) -> None:
    clock = Clock()
    place.rest.fail_next("POST", "/comments$", 403, headers={"Retry-After": "3"})
    forge = place.forge(place.user(), clock.patience())
    assert forge.upsert_comment(pull, MARKER, "x") is Upserted.CREATED
    assert (len(place.rest.comments(pull)), clock.slept) == (1, [3])


# -- outages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_outage_is_waited_out_with_growing_pauses(place: Place, status: int) -> None:
    clock = Clock()
    place.rest.fail_next("GET", "/pulls$", status, times=3)
    assert place.forge(place.user(), clock.patience(jitter=1)).open_pulls() == ()
    assert clock.slept == [1, 2, 4]


def test_an_outage_that_lasts_ends_the_call(place: Place) -> None:
    clock = Clock()
    place.rest.fail_next("GET", "/pulls$", 502, times=99)
    with pytest.raises(RefusedError, match=r"\(502\): Server Error"):
        place.forge(place.user(), clock.patience()).open_pulls()
    assert place.asked("GET") == 4


def test_a_connection_that_breaks_is_made_again(place: Place) -> None:
    place.rest.reset_next("GET", "/pulls$", times=2)
    assert place.forge(place.user(), Clock().patience()).open_pulls() == ()


def test_an_answer_that_does_not_come_is_asked_for_again(place: Place) -> None:
    place.rest.slow_next("GET", "/pulls$", seconds=3)
    assert place.forge(place.user(), Clock().patience(timeout=1)).open_pulls() == ()
    assert place.asked("GET", "/pulls") == 2


def test_nobody_there_is_told_as_such(place: Place) -> None:
    forge = place.opened({"COORD_TOKEN": "ghp_x", "GITHUB_API_URL": "http://127.0.0.1:1"}, Clock().patience())
    with pytest.raises(RefusedError, match="no answer") as caught:
        forge.open_pulls()
    assert "out of reach" in caught.value.hint


# -- lost answers ------------------------------------------------------------------------------------------------------


def test_a_comment_whose_answer_was_lost_is_not_made_twice(place: Place, pull: int) -> None:
    place.rest.reset_next("POST", "/comments$", after=True)
    forge = place.forge(place.user(), Clock().patience())
    assert forge.upsert_comment(pull, MARKER, "x") is Upserted.CREATED
    assert len(place.rest.comments(pull)) == 1
    assert place.asked("POST", "/comments") == 1


def test_a_comment_that_an_outage_swallowed_is_made(place: Place, pull: int) -> None:
    place.rest.fail_next("POST", "/comments$", 502)
    place.rest.reset_next("POST", "/comments$")
    forge = place.forge(place.user(), Clock().patience())
    assert forge.upsert_comment(pull, MARKER, "x") is Upserted.CREATED
    assert len(place.rest.comments(pull)) == 1
    assert place.asked("POST", "/comments") == 3


def test_a_comment_that_cannot_be_made_ends_the_call(place: Place, pull: int) -> None:
    place.rest.fail_next("POST", "/comments$", 502, times=99)
    with pytest.raises(RefusedError, match="502"):
        place.forge(place.user(), Clock().patience()).upsert_comment(pull, MARKER, "x")
    assert place.asked("POST", "/comments") == 4


def test_an_issue_and_a_draft_whose_answers_were_lost_are_not_made_twice(place: Place) -> None:
    place.push("feat/a")
    place.rest.fail_next("POST", "/issues$", 502, after=True)
    place.rest.fail_next("POST", "/pulls$", 502, after=True)
    forge = place.forge(place.user(), Clock().patience())
    assert forge.upsert_issue("audit", "Audit", "x") is Upserted.CREATED
    assert forge.open_draft("feat/a", "main", "a", "b").number == 2
    assert len(place.rest.state.tickets) == 2


def test_a_change_and_a_status_whose_answers_were_lost_are_repeated(place: Place, pull: int) -> None:
    forge = place.forge(place.user(), Clock().patience())
    forge.upsert_comment(pull, MARKER, "x")
    place.rest.reset_next("PATCH", "/comments/", after=True)
    place.rest.reset_next("POST", "/statuses/", after=True)
    assert forge.upsert_comment(pull, MARKER, "y") is Upserted.CHANGED
    assert forge.set_status(forge.open_pulls()[0].tip, State.PENDING, "waits")
    assert [each.body.rpartition("\n")[2] for each in place.rest.comments(pull)] == ["y"]


# -- rights ------------------------------------------------------------------------------------------------------------


def test_a_missing_right_is_named(place: Place, pull: int) -> None:
    forge = place.forge(place.job(contents="read", pull_requests="read"), Clock().patience())
    with pytest.raises(RefusedError, match="Resource not accessible by integration") as caught:
        forge.upsert_comment(pull, MARKER, "x")
    assert caught.value.hint == "the token needs one of these rights: issues=write; pull_requests=write"


def test_a_token_that_is_not_valid_any_more_is_named(place: Place) -> None:
    token = place.user()
    place.tokens.revoke(token)
    with pytest.raises(RefusedError, match="Bad credentials") as caught:
        place.forge(token, Clock().patience()).open_pulls()
    assert "COORD_TOKEN" in caught.value.hint


# -- the rules by themselves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(403, {"retry-after": "5"}), 5),
        (Answer(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}), 11),
        (Answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}), 1),
        (Answer(429), 60),
        (Answer(403, {}, {"message": "You have exceeded a secondary rate limit."}), 60),
        (Answer(403, {}, {"message": "Resource not accessible by integration"}), None),
        (Answer(403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1010"}), None),
        (Answer(502, {"retry-after": "5"}), None),
    ],
)
def test_a_limit_is_told_from_a_missing_right(answer: Answer, seconds: float | None) -> None:
    assert limit_of(answer, 1000.0, 0) == seconds


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("", ""),
        ('<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel="next"', "https://x/a?page=3"),
        ('<https://x/a?page=1>; rel="first"', ""),
    ],
)
def test_the_next_page_is_where_the_header_says(link: str, address: str) -> None:
    assert next_page(link) == address
