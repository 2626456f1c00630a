"""The tokens of the GitHub on loopback."""

from __future__ import annotations

import base64

import pytest

from tests.world.github.tokens import Tokens


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_token_is_known_in_every_form_of_the_header() -> None:
    tokens = Tokens()
    token = tokens.issue("alice", "user", {"contents": "write"})
    for header in (f"Bearer {token.text}", f"token {token.text}", _basic("x-access-token", token.text)):
        assert tokens.of(header) is token


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nothing", "Basic ???", _basic("x", "y")])
def test_other_headers_are_nobody(header: str | None) -> None:
    tokens = Tokens()
    tokens.issue("alice", "user", {"contents": "write"})
    assert tokens.of(header) is None


def test_write_includes_read_and_what_is_not_given_is_not_allowed() -> None:
    token = Tokens().issue("alice", "user", {"contents": "write", "issues": "read"})
    assert token.may("contents", "read")
    assert token.may("contents", "write")
    assert token.may("issues", "read")
    assert not token.may("issues", "write")
    assert not token.may("actions", "read")


def test_a_revoked_token_is_nobody() -> None:
    tokens = Tokens()
    token = tokens.issue("alice", "user", {})
    tokens.revoke(token)
    assert tokens.of(f"Bearer {token.text}") is None


def test_a_token_does_not_print_its_text() -> None:
    token = Tokens().issue("alice", "user", {})
    assert token.text not in repr(token)
