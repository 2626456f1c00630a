"""The checker's reading of a task file: what may differ, and what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.bytes_meant import only_meant_bytes_differ
from coord.core.frontedit import Refusal, set_scalar
from coord.core.section import append_to_section, fill_section

FILE = "---\nid: a\nstatus: pending\n---\n\n# A\n\nDo it.\n\n## Notes\n\nold\n\n## Other\n\ntext\n\n## Summary\n\n> later\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status: pending", "status: completed"),
        ("status: pending", "status: 'completed'"),
        ("\nold\n", "\nold\n\nnew\n"),
        ("> later", "done"),
        ("status: pending\n", ""),
        ("\n## Summary\n\n> later\n", ""),
        ("## Notes\n\nold\n\n", ""),
    ],
)
def test_status_notes_and_summary_may_differ(old: str, new: str) -> None:
    assert only_meant_bytes_differ(FILE.encode(), FILE.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: a", "id: b"),
        ("id: a", "id:  a"),
        ("status: pending", "state: pending"),
        ("# A", "# B"),
        ("Do it.", "Do it"),
        ("text", "texts"),
        ("## Other", "## Others"),
        ("Do it.\n", "Do it.\r\n"),
        ("text\n\n", "text\n\n## Summary\n\nmore\n\nafter\n\n# End\n\n"),
    ],
)
def test_nothing_else_may_differ(old: str, new: str) -> None:
    assert not only_meant_bytes_differ(FILE.encode(), FILE.replace(old, new).encode())


_LINES = st.sampled_from(
    ["", "text", "# One", "## Two", "## Notes", "## Summary", "##  summary ##", "### Three", "```", "~~~", "<!-- x",
     "-->", "> later", "---", "    ## Summary", "``` a`b", "## Notes", "TODO"]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_what_coord_writes_is_never_called_more_than_it_may(
    lines: list[str], newline: str, ended: bool, stated: bool
) -> None:
    front = ["---", "id: a", *(["status: pending  # why"] if stated else []), "---"]
    before = (newline.join([*front, *lines]) + (newline if ended else "")).encode()
    after = set_scalar(before, "status", "completed")
    assert not isinstance(after, Refusal)
    after = append_to_section(after, "Notes", "Blocked: one\n## two")
    after = fill_section(after, "Summary", "three")
    assert only_meant_bytes_differ(before, after)
