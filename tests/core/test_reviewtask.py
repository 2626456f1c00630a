"""Acceptance criteria as task files hold them, and how a review stands by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.reviewtask import Checklist, GateFacts, GateResult, Reviewed, Standing, criteria, numbers

BODY = """---
id: a
---
# a

- [ ] before the section

## Acceptance Criteria

Words, and a list:

- [ ] **Fast**: answers
  within a second
- [x] Small
  - [X] even without cache
* [ ] starred
1. [ ] numbered
- no box
  and its second line
- []
- [ ]

```text
- [ ] in a fence
```
<!--
- [ ] in a comment
-->
~~~
## Acceptance Criteria
~~~
### Below
+ [ ] below a smaller heading

## Notes

- [ ] after the section
"""


def test_the_boxes_of_the_section_are_read_and_nothing_else() -> None:
    assert criteria(BODY.encode()) == (
        ("**Fast**: answers within a second", False),
        ("Small", True),
        ("even without cache", True),
        ("starred", False),
        ("numbered", False),
        ("below a smaller heading", False),
    )


def test_line_endings_and_the_titles_case_do_not_matter() -> None:
    text = BODY.replace("## Acceptance Criteria\n\nW", "## acceptance criteria\n\nW").replace("\n", "\r\n")
    assert criteria(text.encode()) == criteria(BODY.encode())


@pytest.mark.parametrize(
    "text", ["", "---\nid: a\n---\n", "## Acceptance Criteria\n", "\xff\xfe## Acceptance"]
)
def test_a_file_without_criteria_has_none(text: str) -> None:
    assert criteria(text.encode("latin-1")) == ()


@given(st.lists(st.tuples(st.text("abc XY`*", min_size=1), st.booleans()), max_size=8))
def test_what_is_written_as_boxes_is_read(items: list[tuple[str, bool]]) -> None:
    wanted = tuple((text.strip(), ticked) for text, ticked in items if text.strip())
    lines = "".join(f"- [{'x' if ticked else ' '}] {text}\n" for text, ticked in wanted)
    assert criteria(f"---\nid: a\n---\n\n## Acceptance Criteria\n\n{lines}".encode()) == wanted


def test_numbers_are_named_one_by_one_or_all_at_once() -> None:
    assert numbers([]) == frozenset()
    assert numbers(["1", "3, 2"]) == {1, 2, 3}
    assert numbers(["1", "all"]) is None
    for wrong in ("0", "-1", "x", "1-3", "²", ""):
        with pytest.raises(ValueError, match=r".*"):
            numbers([wrong])


PASSED = GateFacts(GateResult.PASSED)
OWN = Reviewed("r", "pending", (("one", False), ("two", True)))


def standing(gate: GateFacts = PASSED, about: tuple[Reviewed, ...] = (), *confirmed: int) -> Standing:
    return Checklist(OWN, about, "b" * 40, gate, frozenset(confirmed)).standing


def test_a_review_is_ready_when_every_criterion_holds_and_main_passes() -> None:
    assert standing() is Standing.OPEN
    assert standing(PASSED, (), 1) is Standing.READY
    assert standing(PASSED, (Reviewed("a", "completed"),), 1) is Standing.READY
    assert standing(PASSED, (Reviewed("a", "pending", open="is pending"),), 1) is Standing.OPEN
    assert standing(PASSED, (Reviewed("a", "completed", (("three", False),)),), 1) is Standing.OPEN
    assert standing(GateFacts(GateResult.FAILED), (), 1) is Standing.RED
    assert standing(GateFacts(GateResult.COULD_NOT_RUN), (), 1) is Standing.UNKNOWN


def test_criteria_are_numbered_through_the_review_first() -> None:
    about = (Reviewed("b", "completed", (("three", False),)), Reviewed("a", "completed", (("four", False),)))
    listed = Checklist(OWN, about, "b" * 40, PASSED, None).criteria
    assert [(c.number, c.task, c.text, c.holds) for c in listed] == [
        (1, "r", "one", True),
        (2, "r", "two", True),
        (3, "b", "three", True),
        (4, "a", "four", True),
    ]
