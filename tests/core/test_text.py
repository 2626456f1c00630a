"""What comes from outside cannot forge what people and parsers believe."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.text import one_line, paragraph, plain


@pytest.mark.parametrize(
    ("foreign", "harmless"),
    [
        ("# Title", "\\# Title"),
        ("   ## Summary", "\\## Summary"),
        ("a\n> ## Summary", "a\n> \\## Summary"),
        ("- # x", "- \\# x"),
        ("1. > - ## x", "1. > - \\## x"),
        ("\u00a0# x", "\\# x"),
        ("\ufeff# x", "\\# x"),
        ("a\n---\nid: evil\n---", "a\n\\---\nid: evil\n\\---"),
        ("a\n-", "a\n\\-"),
        ("a\n=", "a\n\\="),
        ("a\n- - -", "a\n\\- - -"),
        ("a\n> ===", "a\n> \\==="),
        ("```rust", "\\```rust"),
        ("- ~~~", "- \\~~~"),
        ("a\u2028## x", "a\n\\## x"),
        ("a\r## x", "a## x"),
        ("<!-- x", "\\<!-- x"),
        ("\\<!-- x", "\\<!-- x"),
        ("\\\\<!-- x", "\\\\\\<!-- x"),
        ("x <h2>Summary</h2>", "x \\<h2>Summary\\</h2>"),
        ("<script", "\\<script"),
        ("returns `Vec<u8>` and Result<T>", "returns `Vec<u8>` and Result<T>"),
        ("thanks @octocat", "thanks @\u200boctocat"),
        ("(@a/b) `@c` /@d .@e", "(@\u200ba/b) `@\u200bc` /@\u200bd .@\u200be"),
        ("mail a@b.example", "mail a@b.example"),
        ("&#64;octocat &commat;x &amp;", "&\u200b#64;octocat &\u200bcommat;x &amp;"),
        ("- item\n- [x] done\n* star", "- item\n- [x] done\n* star"),
        ("a\x1b[31mred\x1b[0m\x07", "ared"),
        ("broken \udcff byte", "broken \ufffd byte"),
    ],
)
def test_foreign_prose_is_made_harmless(foreign: str, harmless: str):
    assert paragraph(foreign) == harmless


@given(st.text(st.sampled_from("#`~-=<>!@&;\\ \n\tah2\r\u2028\x1b*1.)\ufeff\udc80[")) | st.text())
def test_no_foreign_text_forges_structure(foreign: str):
    text = paragraph(foreign)
    text.encode("utf-8")
    for line in text.split("\n"):
        bare = line.lstrip(" \t>").rstrip()
        assert not re.match(r"#|```|~~~|-+\s*\Z|=+\s*\Z|<!--", bare), line
        assert not re.search(r"(?<!\w)@\w", line)
        assert not re.search(r"(?<!\\)<!--", line)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@given(st.text())
def test_prose_is_capped(foreign: str):
    assert len(paragraph(foreign * 50, 100).replace("\\", "").replace("\u200b", "")) <= 101


@given(st.text())
def test_plain_text_can_always_be_written(foreign: str):
    assert plain(foreign).encode("utf-8").decode() == plain(foreign)
    assert "\n" not in one_line(foreign)
