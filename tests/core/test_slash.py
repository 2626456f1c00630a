"""Slash commands in comments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.request import Ask, Request, asked_in, decode_request, encode_request
from coord.core.slash import (
    HELP,
    Approve,
    Hold,
    Land,
    Release,
    Retry,
    Status,
    Try,
    Unblock,
    Unknown,
    read_command,
)


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("/coord status", Status()),
        ("/coord land", Land()),
        ("/coord merge", Land()),
        ("/coord RETRY", Retry()),
        ("Looks right to me.\r\n\r\n/coord approve\r\n", Approve()),
        ("/coord hold   until the release is out  ", Hold("until the release is out")),
        ("/coord release", Release()),
        ("/coord unblock the key is in vault `x`", Unblock("the key is in vault `x`")),
        ("/coord try", Try()),
        ("/coord", Unknown("")),
        ("/coord frobnicate now", Unknown("frobnicate")),
        ("/coord retry\n/coord approve", Retry()),
    ],
)
def test_a_command_stands_at_the_beginning_of_a_line(body: str, command: object) -> None:
    assert read_command(body) == command


@pytest.mark.parametrize(
    "body",
    ["", "say /coord approve", "> /coord approve", "    /coord approve", "/coordinate", "```\n/coord approve\n```",
     "~~~sh\n/coord approve", "````\n```\n/coord approve\n````", "`/coord approve`", "/coord\u00a0approve x\u2028y"],
)  # fmt: skip
def test_quotations_and_code_are_no_commands(body: str) -> None:
    assert not isinstance(read_command(body), Approve)


def test_every_command_of_the_help_is_understood() -> None:
    for name in HELP:
        command = read_command(f"/coord {name.split()[0]}")
        assert not isinstance(command, Unknown | None)


@given(st.builds(Request, st.sampled_from(Ask), st.lists(st.sampled_from(["a", "x/y"]), max_size=3).map(tuple),
                 st.sampled_from(["", "why not"]), st.integers(0, 99), st.integers(0, 99)))  # fmt: skip
def test_a_request_survives_its_encoding(request: Request) -> None:
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ask": "approve"}', '{"ask": "rm"}', "null", "1"])
def test_what_is_no_request_is_refused(text: str) -> None:
    """An approval in particular can be asked of nobody: it is a comment, and read as one."""
    assert decode_request(text) is None


def test_what_only_tells_or_approves_asks_nothing_of_a_run() -> None:
    assert asked_in(Approve()) is None
    assert asked_in(Status()) is None
    assert asked_in(Unknown("x")) is None
    assert asked_in(Hold("why")) == (Ask.HOLD, "why")
