"""The committed part of GitHub's OpenAPI description."""

from __future__ import annotations

import json

from tests.world.github.openapi.regenerate import OPERATIONS, TARGET, VERSION, cut, text_of


def test_cutting_what_is_cut_changes_nothing() -> None:
    text = TARGET.read_text()
    assert text_of(cut(json.loads(text))) == text


def test_it_says_which_version_it_is_and_whose() -> None:
    info = json.loads(TARGET.read_text())["info"]
    assert (info["version"], info["license"]["name"]) == (VERSION, "MIT")
    assert "MIT License" in TARGET.with_name("LICENSE").read_text()


def test_it_is_the_version_of_the_api_that_coord_asks_for() -> None:
    """2026-03-10 dropped ``merge_commit_sha``; 2022-11-28 has it."""
    pull = json.loads(TARGET.read_text())["components"]["schemas"]["pull-request"]
    assert "merge_commit_sha" in pull["properties"]


def test_it_has_no_prose_and_nothing_that_nobody_asks_for() -> None:
    document = json.loads(TARGET.read_text())
    assert set(document["paths"]) == set(OPERATIONS)
    assert "examples" not in document["components"]
    assert len(TARGET.read_text()) < 160_000
