"""The copy of the layout library is what the lock names."""

from __future__ import annotations

import json

import pytest

from tests.browser.vendored import FILES, FOLDER, INSTALLED, record


def test_what_is_noted_beside_the_copy_is_what_the_lock_and_the_file_say() -> None:
    assert json.loads((FOLDER / "dagre.json").read_text("utf-8")) == record()


@pytest.mark.skipif(
    not INSTALLED.is_dir(), reason="the library is not installed: make browser (npm is needed)"
)
def test_the_copy_is_what_npm_checked_against_the_lock() -> None:
    for name in FILES:
        assert (FOLDER / name).read_bytes() == (INSTALLED / name).read_bytes()


def test_the_licence_allows_the_copy_and_goes_with_it() -> None:
    assert record()["license"] == "MIT"
    assert "Permission is hereby granted, free of charge" in (FOLDER / FILES[1]).read_text("utf-8")
