"""The JSON schema of .coord.toml says what coord's own reader says."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from coord.config import parse
from coord.core.keys import FAMILIES, TABLES, Key
from coord.errors import UsageError
from tests.artefacts import ROOT, blocks, read

SCHEMA = json.loads(read("docs/coord.schema.json"))
JUDGE = Draft202012Validator(SCHEMA)
#: What Taplo reads, and so most editors.
OLD_JUDGE = Draft4Validator({key: value for key, value in SCHEMA.items() if key != "$schema"})

#: All pages that may show a configuration.
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if "_build" not in path.parts
)

BOTH_TAKE = [
    "",
    "[land]\nworkers = 4\nstrategy = 'batch'",
    "[profiles.cargo]\ntimeout = '90s'",
    "[profiles.mine]\nsteps = ['make', ['sh', '-c', 'make test']]",
    "[agents.claude]\nmodel = 'opus'",
    "[agents.mine]\nlike = 'claude'",
    "[agents.mine]\nadapter = 'command'\ncommand = ['x', '{prompt}']\nenvironment = { A = '' }",
    "[profiles.mine]\nsteps = []\ndisk = '0'\nmemory = '512M'\ninputs = ['src/**']",
    "[project]\ntasks = './work/tasks/'\nidentity = 'Build Bot <bot@example.com>'",
    "[monitor]\nabort = ['stall']\ntool = '1.5h'",
    "[sessions]\nby_prefix = { 'research/' = 'claude' }",
]

BOTH_REFUSE = [
    "lands = 1",
    "[lands]\nworkers = 4",
    "[land]\nworker = 4",
    "[land]\nworkers = 0",
    "[land]\nworkers = true",
    "[land]\nworkers = '4'",
    "[land]\nstrategy = 'all'",
    "[land]\nrequire_dependencies = 'yes'",
    "[project]\nprefixes = []",
    "[project]\nprefixes = ['feat']",
    "[project]\ntasks = '../tasks'",
    "[project]\ntasks = 'a/.git'",
    "[project]\ntasks = ' '",
    "[project]\nidentity = 'bot'",
    "[profiles.mine]\ntimeout = '1h'",
    "[profiles.mine]\nsteps = 'make'",
    "[profiles.mine]\nsteps = [[]]",
    "[profiles.cargo]\ntimeout = '0m'",
    "[profiles.cargo]\ntimeout = '5 days'",
    "[profiles.cargo]\ntimeout = 30",
    "[profiles.cargo]\ndisk = '32'",
    "[agents.mine]\nlike = 'cloud'",
    "[agents.mine]\nadapter = 'acp'",
    "[agents.mine]\nlike = 'claude'\nenvironment = { 'A-B' = '1' }",
    "[monitor]\nabort = ['stalls']",
    "[worktree]\nport_from = 80",
    "profiles = 1",
]

#: What no schema can say: names that have to exist, quotes that have to be closed, and that 4.0 is not 4.
ONLY_THE_READER_REFUSES = [
    "[gate]\nprofile = 'mine'",
    "[sessions]\nagent = 'mine'",
    '[profiles.mine]\nsteps = ["echo \'"]',
    "[land]\nworkers = 4.0",
]


def _reader_takes(text: str) -> bool:
    try:
        parse(text, ".coord.toml")
    except UsageError:
        return False
    return True


def _schema_takes(text: str) -> bool:
    taken = JUDGE.is_valid(tomllib.loads(text))
    assert OLD_JUDGE.is_valid(tomllib.loads(text)) == taken or "= 4.0" in text
    return taken


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", BOTH_TAKE)
def test_what_is_right_passes_both(text: str) -> None:
    assert _reader_takes(text)
    assert [problem.message for problem in JUDGE.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize("text", BOTH_REFUSE)
def test_what_is_wrong_passes_neither(text: str) -> None:
    assert not _reader_takes(text)
    assert not _schema_takes(text)


@pytest.mark.parametrize("text", ONLY_THE_READER_REFUSES)
def test_what_the_schema_cannot_say_the_reader_says(text: str) -> None:
    assert not _reader_takes(text)
    assert _schema_takes(text)


def test_every_default_of_the_schema_is_one_that_the_reader_takes() -> None:
    stated = {
        table: {key: said["default"] for key, said in body["properties"].items() if "default" in said}
        for table, body in SCHEMA["properties"].items()
        if "properties" in body and table in TABLES
    }
    text = "\n".join(
        f"[{table}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
        for table, keys in stated.items()
    )
    assert _schema_takes(text)
    assert parse(text, "defaults") == parse("", "nothing")


@pytest.mark.parametrize("page", PAGES)
def test_every_configuration_that_a_page_shows_passes_both(page: str) -> None:
    for text in blocks(read(page), "toml"):
        if text.startswith(("# .taskgraph.toml", "# bors.toml")):
            continue
        assert [problem.message for problem in JUDGE.iter_errors(tomllib.loads(text))] == []
        parse(text, page)


def test_the_configuration_of_this_project_passes() -> None:
    assert _schema_takes(read(".coord.toml"))


# -- any key with any value ----------------------------------------------------------------------------------------

_KEYS = [(table, word) for table, keys in [*TABLES.items(), *FAMILIES.items()] for word in keys]
_WORDS = st.text(st.sampled_from("ab.-/_ 019<>@MGsmh'"), max_size=8) | st.sampled_from(
    ["push", "each", "acp", "claude", "stall", "feat/", "30m", "0s", "1G", "a <b>", ".git", "./a/", "/"]
)
_LISTS = st.lists(_WORDS | st.lists(_WORDS, max_size=2), max_size=3)
_VALUES = st.one_of(
    _WORDS, _LISTS, st.booleans(), st.integers(-1, 70000), st.dictionaries(_WORDS.filter(bool), _WORDS, max_size=2)
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_KEYS), _VALUES)
@example(("project", "tasks"), "./")
@example(("profiles", "timeout"), "0.0m")
def test_both_say_the_same_of_any_value(place: tuple[str, str], value: Any) -> None:
    """Where the reader takes a value the schema does, and the other way round unless the value names something."""
    _compare(place, value)


_EDGES: list[Any] = [
    *(-1, 0, 1, 2, 3, 1023, 1024, 65000, 65001), True, *("", " ", "0", "0m", "1s", "1.5h", "1 h", "1d", "1M", "0M", "9G"),
    *("a/", "/a", "./a", "..", ".git", "a/.git/b", "a/../b", "a <b>", "<b>", "a <b"), *([], [""], ["a"], ["a/"], ["/"]),
    *([[]], [["a"]], [["a", ""]], ["stall"]), *({}, {"a": "b"}, {"a": ""}, {"1": "b"}, {"a-b": "c"}),
]  # fmt: skip


@pytest.mark.parametrize("place", _KEYS, ids=".".join)
def test_both_say_the_same_at_the_edges(place: tuple[str, str]) -> None:
    for value in _EDGES:
        _compare(place, value)


def _compare(place: tuple[str, str], value: Any) -> None:
    text = _with(place, value)
    reader, schema = _reader_takes(text), _schema_takes(text)
    if reader:
        assert schema, text
    elif not _names_something(place, value):
        assert not schema, text


def _with(place: tuple[str, str], value: Any) -> str:
    table, word = place
    more = {"profiles": "cargo", "agents": "claude"}
    return f"[{table}{'.' + more[table] if table in more else ''}]\n{word} = {_toml(value)}\n"


def _names_something(place: tuple[str, str], value: Any) -> bool:
    table, word = place
    key: Key = {**TABLES, **FAMILIES}[table][word]
    quotes = "command" in key.kind.takes and "'" in json.dumps(value)
    return quotes or place in {
        ("gate", "profile"),
        ("sessions", "agent"),
        ("sessions", "by_prefix"),
        ("sessions", "by_level"),
    }


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def test_the_patterns_are_of_the_kind_that_every_reader_of_schemas_knows() -> None:
    """No lookbehind, no Python-only syntax: TOML tools have regular expressions of their own."""
    patterns = re.findall(r'"pattern": (".*")', read("docs/coord.schema.json"))
    assert patterns
    for pattern in patterns:
        assert "(?<" not in pattern
        assert "(?P" not in pattern
