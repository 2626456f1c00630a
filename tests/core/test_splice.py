"""Additions to files that belong to people: what is meant is added, every other byte stays."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.splice import Other, Spliced, Unreadable, with_json, with_section, with_toml

KEYS = ("mcpServers", "coord")
ENTRY = {"command": "coord", "args": ["mcp"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "mcpServers": {\n    "coord": {\n      "x": "y"\n    }\n  }\n}\n'),
        ("{}", '{\n  "mcpServers": {\n    "coord": {\n      "x": "y"\n    }\n  }\n}'),
        (
            '{\n    "a": 1\n}\n',
            '{\n    "mcpServers": {\n      "coord": {\n        "x": "y"\n      }\n    },\n    "a": 1\n}\n',
        ),
        (
            '{"a": [{"mcpServers": {}}], "mcpServers" : {"b": {}}}',
            '{"a": [{"mcpServers": {}}], "mcpServers" : {\n  "coord": {\n    "x": "y"\n  },\n  "b": {}}}',
        ),
        (
            '{\r\n\t"mcpServers": {\r\n\t}\r\n}\r\n',
            '{\r\n\t"mcpServers": {\r\n\t  "coord": {\r\n\t    "x": "y"\r\n\t  }\r\n\t}\r\n}\r\n',
        ),
    ],
)
def test_an_entry_is_put_into_json_and_the_rest_stays(before: str, after: str) -> None:
    assert with_json(before, KEYS, {"x": "y"}) == Spliced(after, True)


def test_an_entry_that_is_there_is_not_added_again_and_another_one_is_left_alone() -> None:
    made = with_json("", KEYS, ENTRY)
    assert isinstance(made, Spliced)
    assert with_json(made.text, KEYS, ENTRY) == Spliced(made.text, False)
    assert with_json('{"mcpServers": {"coord": {"command": "mine"}}}', KEYS, ENTRY) == Other()


@pytest.mark.parametrize(
    ("text", "why", "line", "column"),
    [
        ('{\n  // a comment\n  "a": 1}', "Expecting property name enclosed in double quotes", 2, 3),
        ('{"a": 1,\n}', "Illegal trailing comma before end of object", 1, 8),
        ("[]", "what stands above 'mcpServers' is no table of names", 0, 0),
        ('{"mcpServers": []}', "what stands above 'coord' is no table of names", 0, 0),
        ('{"mcpServers": {}, "mcpServers": {"a": 1}}', "a key stands in it twice", 0, 0),
        ("[" * 100_000, "it is nested too deeply", 0, 0),
    ],
)
def test_json_that_cannot_be_added_to_is_told_with_its_place(
    text: str, why: str, line: int, column: int
) -> None:
    answer = with_json(text, KEYS, ENTRY)
    assert isinstance(answer, Unreadable)
    if "trailing" not in why:  # Python 3.13 says it better than those before it
        assert (answer.why, answer.line, answer.column) == (why, line, column)


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text('ab"\\{}[]:,\n é', max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", '"{', "coord", "mcpServers"]), inner, max_size=3),
    ),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", '"{', "mcpServers"]), _VALUES, max_size=3)


@given(_OBJECTS, st.sampled_from([None, 1, 4, "\t"]), st.booleans())
def test_whatever_json_holds_it_holds_afterwards(
    before: dict[str, Any], indent: int | str | None, escaped: bool
) -> None:
    text = json.dumps(before, indent=indent, ensure_ascii=escaped)
    match with_json(text, KEYS, ENTRY):
        case Spliced(made, True):
            after = json.loads(made)
            assert after["mcpServers"].pop("coord") == ENTRY
            assert after == {"mcpServers": {}} | before
            assert with_json(made, KEYS, ENTRY) == Spliced(made, False)
        case Spliced(made, False):
            assert before["mcpServers"]["coord"] == ENTRY
        case Other():
            assert "coord" in before["mcpServers"]
        case Unreadable():
            assert not isinstance(before["mcpServers"], dict)


TABLE = ("mcp_servers", "coord")


def test_a_table_is_put_at_the_end_of_toml() -> None:
    before = 'model = "x" # mine\n\n[mcp_servers.docs]\nurl = "y"'
    made = with_toml(before, TABLE, ENTRY)
    assert made == Spliced(before + '\n\n[mcp_servers.coord]\ncommand = "coord"\nargs = ["mcp"]\n', True)
    assert with_toml(made.text, TABLE, ENTRY) == Spliced(made.text, False)
    assert tomllib.loads(made.text)["mcp_servers"]["docs"] == {"url": "y"}
    assert with_toml("", TABLE, ENTRY) == Spliced(
        '[mcp_servers.coord]\ncommand = "coord"\nargs = ["mcp"]\n', True
    )
    assert with_toml('[mcp_servers.coord]\ncommand = "mine"\n', TABLE, ENTRY) == Other()


def test_toml_that_cannot_be_added_to_is_told() -> None:
    broken = with_toml('a = 1\nb = "', TABLE, ENTRY)
    assert isinstance(broken, Unreadable)
    assert broken.line == 2
    assert isinstance(with_toml("mcp_servers = {}\n", TABLE, ENTRY), Unreadable)


BODY = "## coord\n\nwords\n"


def test_a_section_is_put_at_the_end_and_brought_up_to_date_and_only_there() -> None:
    made = with_section("# Mine\r\n\r\ntext", BODY.replace("words", "old words"))
    assert isinstance(made, Spliced)
    grown = made.text + "\r\nmore of mine\r\n"
    again = with_section(grown, BODY)
    assert isinstance(again, Spliced)
    assert again.text.startswith("# Mine\r\n\r\ntext\r\n\r\n<!-- coord:begin ")
    assert again.text.endswith("-->\r\n## coord\r\n\r\nwords\r\n<!-- coord:end -->\r\n\r\nmore of mine\r\n")
    assert with_section(again.text, BODY) == Spliced(again.text, False)


def test_a_section_that_a_person_changed_is_left_alone() -> None:
    made = with_section("", BODY)
    assert isinstance(made, Spliced)
    assert with_section(made.text.replace("words", "my words"), BODY + "new\n") == Other()
    assert with_section("<!-- coord:begin -->\nmine\n<!-- coord:end -->\n", BODY) == Other()
    assert isinstance(with_section("<!-- coord:end -->", BODY), Unreadable)
