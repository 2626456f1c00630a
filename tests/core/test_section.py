"""Sections are found as Markdown has them, filled once, and nothing else moves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.section import append_to_section, fill_section, section_text

FRONT = "---\nid: x\n---\n"


def filled(text: str, new: str = "It works.", title: str = "Summary") -> str:
    return fill_section(text.encode(), title, new).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FRONT, ""),
        (
            FRONT + "## Summary\n\nDone.\n\n- a\n\n### More\n\nb\n\n## Notes\n\nn\n",
            "Done.\n\n- a\n\n### More\n\nb",
        ),
        (FRONT + "## Summary\r\n\r\n> a\r\n> b\r\n", "> a\n> b"),
        (FRONT + "## Summary\n\nfirst\n\n## Summary\n\nsecond\n", "first"),
        (FRONT + "```\n## Summary\n\ncode\n```\n## Summary ##\nreal", "real"),
        (FRONT + "<!--\n## Summary\n\nhidden\n-->\n\n## summary\nreal\n# Next\n", "real"),
        (FRONT + "### Summary\n\nno\n", ""),
        (FRONT + "    ## Summary\n\nno\n", ""),
        (FRONT + "## Summary of it\n\nno\n", ""),
        (
            FRONT + "## Summary\n````\n```\n## In\n```\n````\nend\n## Out\n",
            "````\n```\n## In\n```\n````\nend",
        ),
        ("## Summary\n\nno front matter\n", "no front matter"),
        (FRONT + "## Summary\n\n> To be filled on completion\n", ""),
        (FRONT + "## Summary\n\n> To be filled by implementation agent\n", ""),
        (FRONT + "## Summary\n\nTBD\n", ""),
        (FRONT + "## Summary\n\n_TBD_\n", ""),
        (FRONT + "## Summary\n\n<!-- to be filled in -->\n", ""),
        (FRONT + "## Summary\n\n\n", ""),
        (FRONT + "## Summary", ""),
        (
            FRONT + "## Summary\n\nTo be filled forms are now validated.\n",
            "To be filled forms are now validated.",
        ),
    ],
)
def test_the_text_of_a_section_is_read(text: str, expected: str):
    assert section_text(text.encode(), "Summary") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## Summary\n\n> To be filled on completion\n", "## Summary\n\nIt works.\n"),
        ("## Summary\n\n> To be filled on completion", "## Summary\n\nIt works."),
        ("## Summary\r\n\r\nTBD\r\n\r\n## Notes\r\n", "## Summary\r\n\r\nIt works.\r\n\r\n## Notes\r\n"),
        ("## Summary\n\nOld.\n", "## Summary\n\nOld.\n\nIt works.\n"),
        ("## Summary\n\nOld.", "## Summary\n\nOld.\n\nIt works."),
        ("## Summary\nOld.\n## Notes\nn", "## Summary\nOld.\n\nIt works.\n\n## Notes\nn"),
        ("## Summary\n\nIt works.\n\nMore.\n", "## Summary\n\nIt works.\n\nMore.\n"),
        ("## Summary", "## Summary\n\nIt works."),
        ("## Summary\n", "## Summary\n\nIt works.\n"),
        ("## Summary\n\n\n\n## Notes\n", "## Summary\n\nIt works.\n\n## Notes\n"),
        ("", "## Summary\n\nIt works.\n"),
        ("## Summary\n\n---\n", "## Summary\n\n---\n\nIt works.\n"),
        ("Text.\n\n\xa0", "Text.\n\n\xa0\n\n## Summary\n\nIt works."),
        ("Text.\n\n    ", "Text.\n\n    \n## Summary\n\nIt works."),
        ("Text.\n", "Text.\n\n## Summary\n\nIt works.\n"),
        ("Text.", "Text.\n\n## Summary\n\nIt works."),
        ("Text.\r\n", "Text.\r\n\r\n## Summary\r\n\r\nIt works.\r\n"),
        ("## Notes\n\n\n", "## Notes\n\n\n## Summary\n\nIt works.\n"),
    ],
)
def test_a_section_is_filled_and_every_other_byte_stays(before: str, after: str):
    assert filled(before) == after


def test_a_new_section_after_front_matter_without_a_final_newline_leaves_it_closed():
    assert filled("---\nid: x\n---") == "---\nid: x\n---\n\n## Summary\n\nIt works."
    assert filled(FRONT) == FRONT + "\n## Summary\n\nIt works.\n"


def test_nothing_is_written_into_code_that_is_never_closed():
    assert filled("## Notes\n\nn\n```\ncode\n## Summary\n") == (
        "## Notes\n\nn\n\n## Summary\n\nIt works.\n\n```\ncode\n## Summary\n"
    )
    assert filled("## Summary\n\nOld.\n~~~\ncode\n") == "## Summary\n\nOld.\n\nIt works.\n\n~~~\ncode\n"
    assert filled("## Summary\n<!-- open\n") == "## Summary\n\nIt works.\n\n<!-- open\n"


def test_notes_grow_and_a_placeholder_goes():
    once = append_to_section(b"## Notes\n\n> To be filled by implementation\n", "Notes", "Blocked: a")
    twice = append_to_section(once, "Notes", "Blocked: b")
    assert twice == b"## Notes\n\nBlocked: a\n\nBlocked: b\n"


def test_bytes_that_are_not_utf8_stay_as_they_are():
    assert fill_section(b"\xff\n", "Summary", "a") == b"\xff\n\n## Summary\n\na\n"


def test_empty_text_changes_nothing():
    assert fill_section(b"## Summary\n\nTBD\n", "Summary", " \n") == b"## Summary\n\nTBD\n"


LINES = st.sampled_from(
    ["## Summary", "## Notes", "# Top", "### Sub", "```", "~~~", "````", "text", "", "> To be filled on completion",
     "TBD", "<!--", "-->", "    ## Summary", "- item", "---", "\xa0", "<!-- x -->", "## Summary ##", "  "]
)  # fmt: skip
FOREIGN = st.lists(LINES | st.text("#`~-=<>!@&; \n\tab\r\u2028\\\x1b*1.)", max_size=12), max_size=6).map(
    "\n".join
)


@given(st.lists(LINES, max_size=10), FOREIGN, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_filling_twice_is_filling_once_and_only_adds(
    rows: list[str], new: str, newline: str, ended: bool, front: bool
):
    text = newline.join([*(["---", "id: x", "---"] if front else ["start"]), *rows]) + (
        newline if ended else ""
    )
    data = text.encode()
    once = fill_section(data, "Summary", new)
    assert fill_section(once, "Summary", new) == once
    kept = [
        line
        for line in re.split(r"\r?\n", text)
        if line.strip() and "TBD" not in line and "To be" not in line
    ]
    remaining = iter(re.split(r"\r?\n", once.decode()))
    assert all(line in remaining for line in kept), "a line of the author is gone"


@given(FOREIGN, FOREIGN)
def test_foreign_text_stays_inside_its_section(summary: str, notes: str):
    data = FRONT.encode() + b"\n## Summary\n\nTBD\n\n## Notes\n\nTBD\n\n## End\n\nend\n"
    edited = append_to_section(fill_section(data, "Summary", summary), "Notes", notes)
    assert edited.startswith(FRONT.encode() + b"\n## Summary\n\n")
    assert section_text(edited, "End") == "end"
    assert edited.count(b"\n## ") == 3
