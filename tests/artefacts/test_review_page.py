"""docs/review.md shows a review as coord writes it, and its tables say what the code says."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from coord.commands.review import markdown, page, task_text
from coord.core.estimates import FILES
from coord.core.history import Entry, Kind
from coord.core.review import Review, make_review
from coord.core.reviewcounts import STALE, Change
from coord.core.reviewitems import Item, Measure, Priority, slug
from coord.core.reviewtask import criteria
from coord.core.reviewwords import Name
from coord.core.task import Task
from coord.core.taskfile import read_task
from tests.artefacts import blocks, read
from tests.core.histories import DAY, T, a_conflict, a_landing, a_red_gate, an_event, make_task, material_of

SAID = "as of origin/main 3f2a1b0, fetched 5 minutes ago"

#: Tasks of a small server: when each was first seen and landed (minutes), and the files that it changed.
_LANDED = {
    "errors": (0, 6, ("src/error.rs",)),
    "keys": (2, 10, ("src/keys.rs", "src/error.rs")),
    "login": (4, 95, ("src/login.rs", "src/error.rs")),
    "session": (50, 120, ("src/session.rs", "src/error.rs")),
    "limits": (60, 66, tuple(f"src/limits/{n}.rs" for n in range(14))),
    "report": (1500, 1512, ("src/report.rs",)),
}


def _at(minutes: int) -> int:
    return T + 60 * minutes


def _review() -> Review:
    entries: list[Entry] = []
    for task, (seen, landed, _) in _LANDED.items():
        landing = a_landing(task, _at(landed))
        ran = an_event(Kind.VALIDATED, task, _at(landed) - 5, tip=landing.tip, seconds=140.0)
        entries += [an_event(Kind.SEEN, task, _at(seen)), ran, landing]
    entries += [
        a_conflict("login", _at(9), other="errors"),
        a_conflict("session", _at(100), other="login"),
        a_red_gate("keys", _at(5), "cargo test"),
        an_event(Kind.VALIDATED, "report", _at(1505), tip="x", seconds=150.0, flaky=("cargo test",)),
        Entry(_at(1400), Kind.BLOCKED, "export", "which format? | see #12", a_landing("x", 0).source, commit="b" * 40),
    ]  # fmt: skip
    tasks = [replace(make_task(task), scope="narrow", risk="medium") for task in _LANDED]
    tasks += [make_task("export", status="blocked")]
    tasks[2] = replace(tasks[2], depends_on=("keys",))
    changes = tuple(
        Change(a_landing(task, 0).commit, paths, _at(landed)) for task, (_, landed, paths) in _LANDED.items()
    )
    return make_review(material_of(*entries, tasks=tuple(tasks), changes=changes, now=T + 2 * DAY))


def test_the_sample_in_the_docs_is_what_coord_writes() -> None:
    (sample,) = blocks(read("docs/review.md"), "markdown")
    assert sample == markdown(_review(), SAID)


def test_the_tables_in_the_docs_are_the_limits_of_the_code() -> None:
    text = read("docs/review.md")
    rows = re.findall(r"^\| (\w+) \| (?:at most (\d+)|more) \|$", text, re.MULTILINE)
    assert rows == [*((scope, str(limit)) for scope, limit in FILES.items()), ("system", "")]
    assert f"{STALE // DAY} days without a push" in text


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_task_file_is_sound_whatever_the_names_in_it(name: str, other: str) -> None:
    measure = Measure(("in ", Name(name)), 3, 1, "of the next 4", 4)
    item = Item(
        slug("conflicts", name), ("Split ", Name(name)), Priority.HIGH, ((Name(other), " there"),), measure, touches=(name,)
    )  # fmt: skip
    text = task_text(item, "Then")

    read = read_task("tasks/x.md", text.encode("utf-8", "replace"))
    assert isinstance(read, Task)
    assert (read.id, read.problems) == (item.id, ())
    assert re.findall(r"^#+ .*", text, re.MULTILINE) == [
        "## Description", "## Acceptance Criteria", "## Notes", "## Summary",
    ]  # fmt: skip
    assert len(criteria(text.encode("utf-8", "replace"))) == 2


class _Tags(HTMLParser):
    """Every tag that is opened is closed, in order."""

    _VOID = frozenset({"meta", "rect", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_sound_and_has_a_table_beside_each_chart() -> None:
    text = page(_review(), SAID)
    tags = _Tags()
    tags.feed(text)

    assert tags.open == []
    for figure in re.findall(r"<figure>.*?</figure>", text, re.DOTALL):
        bars, rows = figure.count("<rect "), figure.count("<tr>") - 1
        assert bars == rows > 0
    assert tags.seen.count("figure") == tags.seen.count("svg") == 6
    assert text.count('scope="col"') >= 10
