"""Foreign text in Markdown stays text: no mention, no reference, no link, no way out of its block."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.markdown import block, cell, code, prose
from coord.core.workflowtext import capped, command_line, output_lines

hostile = st.text(st.sampled_from("`~@#|*_[]()<>!\\-=:/&; \n\rabGH-12\u202e\x1b\u2028")) | st.text()


@given(hostile)
def test_prose_mentions_nobody_and_refers_to_nothing(text: str) -> None:
    line = prose(text, 10_000)
    assert "\n" not in line
    assert not re.search(r"@\w|#\d|(?i:gh-\d)|\w://", line)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~]", line), "every mark has a backslash of its own"


@pytest.mark.parametrize(
    "text", ["fixes #12", "Closes owner/repo#3", "resolves GH-7", "closes https://github.com/o/r/issues/1"]
)
def test_prose_closes_no_issue(text: str) -> None:
    assert not re.search(
        r"(?i)(close[sd]?|fix(e[sd])?|resolve[sd]?)\s+(#\d|\S+#\d|gh-\d|https://)", prose(text)
    )


@given(hostile)
def test_a_code_span_ends_where_it_ends(text: str) -> None:
    span = code(text, 10_000)
    fence = re.match(r"`+", span)
    assert fence
    assert span.endswith(fence[0])
    assert "\n" not in span
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall(r"`+", inside)


@given(hostile)
def test_a_cell_holds_no_bar(text: str) -> None:
    assert "|" not in cell(text)


@given(hostile)
def test_nothing_in_a_block_closes_its_fence(text: str) -> None:
    lines = block(text).split("\n")
    fence = lines[0]
    assert lines[-1] == fence
    assert set(fence) == {"`"}
    closing = re.compile(rf"^ {{0,3}}`{{{len(fence)},}}\s*$")
    assert not any(closing.match(line) for line in lines[1:-1])


@given(st.text())
def test_a_workflow_command_is_one_line(text: str) -> None:
    line = command_line("error", text, file=text, line=3)
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::error ")
    assert line.count("\n") == 0


def test_a_file_name_cannot_add_properties() -> None:
    line = command_line("error", "m", file="a,line=99::x", line=3)
    assert line == "::error file=a%2Cline=99%3A%3Ax,line=3::m"


def test_an_output_cannot_hold_its_own_end() -> None:
    assert output_lines("plan", "a\nb", "end-1") == "plan<<end-1\na\nb\nend-1\n"
    with pytest.raises(ValueError, match="delimiter"):
        output_lines("plan", "a\nend-1\nlegs<<x", "end-1")


@given(st.text(), st.integers(20, 200))
def test_what_is_capped_fits(text: str, limit: int) -> None:
    assert len(capped(text, limit, "more").encode("utf-8", "replace")) <= max(limit, 0)
