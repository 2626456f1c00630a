"""As whom coord speaks to GitHub, and that no secret is told to anybody."""

from __future__ import annotations

import logging

import pytest

from coord.errors import RefusedError
from coord.forges.github import open_github
from coord.forges.github_login import RIGHTS, least, masked
from tests.forges.place import NAME, Clock, Place, key_pair


def _minted(place: Place) -> int:
    return place.asked("POST", "/access_tokens")


def test_an_app_gets_a_token_with_what_landing_needs_and_no_more(place: Place) -> None:
    token = place.tokens.of(f"token {place.app_forge().token()}")
    assert token is not None
    rights = {name.replace("_", "-"): level for name, level in RIGHTS.items() if name != "metadata"}
    assert (token.actor, dict(token.rights)) == ("coord-app[bot]", rights)


def test_an_app_that_was_granted_less_asks_for_less(place: Place) -> None:
    assert place.rest.state.app is not None
    place.rest.state.app.rights = {"contents": "read", "issues": "write", "administration": "write"}
    token = place.tokens.of(f"token {place.app_forge().token()}")
    assert token is not None
    assert dict(token.rights) == {"contents": "read", "issues": "write"}


def test_least_takes_the_lower_of_wanted_and_granted() -> None:
    assert least({"contents": "admin", "metadata": "write", "pages": "write"}) == {
        "contents": "write",
        "metadata": "read",
    }


def test_a_token_of_an_app_is_used_until_its_last_minutes(place: Place) -> None:
    clock = Clock()
    clock.now = float(place.rest.state.clock)
    forge = place.app_forge(clock.patience())
    first = forge.token()
    forge.open_pulls()
    clock.now += 3000
    assert (forge.token() == first, _minted(place)) == (True, 1)
    clock.now += 400
    assert (forge.token() == first, _minted(place)) == (False, 2)


def test_a_token_of_an_app_that_is_not_accepted_is_got_anew(place: Place) -> None:
    forge = place.app_forge(Clock().patience())
    token = place.tokens.of(f"token {forge.token()}")
    assert token is not None
    place.tokens.revoke(token)
    assert forge.open_pulls() == ()
    assert _minted(place) == 2


def test_an_app_that_is_never_accepted_is_not_asked_for_ever(place: Place) -> None:
    place.rest.fail_next("GET", "/pulls$", 401, times=99)
    with pytest.raises(RefusedError, match="Bad credentials"):
        place.app_forge(Clock().patience()).open_pulls()
    assert place.asked("GET", "/pulls") == 2


def test_an_app_that_is_not_installed_is_told_so(place: Place) -> None:
    place.rest.fail_next("GET", "/installation$", 404)
    with pytest.raises(RefusedError, match="not installed in acme/demo"):
        place.app_forge().token()


def test_a_key_in_one_line_is_understood(place: Place) -> None:
    environ = {"COORD_APP_ID": "77", "COORD_APP_KEY": key_pair()[0].replace("\n", "\\n")}
    assert place.opened(environ).viewer == "coord-app[bot]"


def test_the_app_goes_before_a_token(place: Place) -> None:
    environ = {"COORD_APP_ID": "77", "COORD_APP_KEY": key_pair()[0], "COORD_TOKEN": place.user().text}
    assert place.opened(environ).viewer == "coord-app[bot]"


@pytest.mark.parametrize("kind", ["user", "job", "app"])
def test_who_it_is_is_learned_without_graphql_too(place: Place, kind: str) -> None:
    place.rest.fail_next("POST", "/graphql", 404)
    token = place.job() if kind != "user" else place.user()
    names = {"user": "alice", "job": "github-actions[bot]", "app": "coord-app[bot]"}
    assert (place.app_forge() if kind == "app" else place.forge(token)).viewer == names[kind]


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_no_secret_stands_in_what_is_printed_of_the_objects(place: Place) -> None:
    token, app = place.user(), place.app_forge()
    forge = place.forge(token)
    app.token()
    shown = "".join(repr(each) for each in (forge, vars(forge), app, vars(app)))
    assert token.text not in shown
    assert app.token() not in shown
    assert key_pair()[0].splitlines()[1] not in shown


def test_a_secret_in_what_github_says_is_masked(place: Place) -> None:
    token = place.user()
    place.rest.fail_next("GET", "/pulls$", 422, message=f"you sent {token.text}, did you not")
    with pytest.raises(RefusedError) as caught:
        place.forge(token).open_pulls()
    assert token.text not in str(caught.value)
    assert "you sent ***, did you not" in str(caught.value)


@pytest.mark.parametrize("character", ["\n", "\r\nX-Evil: 1", " ", "é"])
def test_a_token_that_cannot_be_sent_is_refused_without_being_told(character: str) -> None:
    with pytest.raises(RefusedError) as caught:
        open_github(NAME, {"COORD_TOKEN": f"ghp_secret{character}secret"})
    assert "secret" not in str(caught.value)
    assert "COORD_TOKEN" in str(caught.value)


@pytest.mark.parametrize("key", ["nonsense-that-is-secret", "-----BEGIN X-----\nc2VjcmV0\n-----END X-----"])
def test_a_key_that_is_none_is_refused_without_being_told(place: Place, key: str) -> None:
    with pytest.raises(RefusedError) as caught:
        place.opened({"COORD_APP_ID": "77", "COORD_APP_KEY": key}).token()
    assert "COORD_APP_KEY" in str(caught.value)
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


def test_no_secret_is_logged(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="github.Requester")
    app, token = place.app_forge(), place.user()
    app.open_pulls()
    place.forge(token).open_pulls()
    assert "/access_tokens" in caplog.text
    for secret in (app.token(), token.text, key_pair()[0].splitlines()[1]):
        assert secret not in caplog.text


def test_every_line_of_a_key_is_masked_and_nothing_else() -> None:
    key = key_pair()[0]
    line = key.splitlines()[3]
    assert masked(f"a {line} b -----END c", key) == "a *** b -----END c"
    assert masked("nothing here", key, "") == "nothing here"
