"""The summaries of a run's jobs: a table first, then why each branch waits, then the task graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coord.core.analysis import Measure, Study
from coord.core.cireport import CiReport
from coord.core.drawing import draw, mermaid
from coord.core.graphparts import counted, everything
from coord.core.leg import Leg
from coord.core.markdown import cell, prose
from coord.core.queue import make_queue
from coord.core.snapshot import Snapshot, Stranger

#: How many tasks are drawn at most. Mermaid draws nothing at all of a text with more edges or characters than these.
_DRAWN, _EDGES, _LETTERS = 150, 500, 50_000


def plan_summary(snapshot: Snapshot, legs: Sequence[Leg]) -> str:
    """Return what the plan job tells: the queue, what is validated, why each other branch waits, the task graph."""
    queue = make_queue(snapshot)
    validated = {place.tip: leg for leg in legs for place in leg.line[-1:]}
    rows = [
        (cell(c.branch.name), "next", cell(f"validated as {validated[c.branch.tip].name.partition(': ')[2]}"))
        if c.branch.tip in validated
        else (cell(c.branch.name), "in the queue", "")
        for c in queue.candidates
    ]
    rows += [(cell(w.branch.name), w.result.value, cell(w.reason, 300)) for w in queue.waiting]
    rows += [(cell(s.name), "ignored", _stranger(s)) for s in snapshot.strangers]
    text = "## coord: plan\n\n" + table(("branch", "how it stands", "why"), rows)
    if snapshot.freeze is not None:
        text += f"\nAll landing is frozen: {prose(snapshot.freeze)}\n"
    return text + _graph(snapshot)


def _stranger(stranger: Stranger) -> str:
    near = ", ".join(cell(task) for task in stranger.near)
    return "belongs to no task" + (f"; is it one of these? {near}" if near else "")


def land_summary(report: CiReport) -> str:
    """Return what the land job tells: each outcome, what the validations gave, what was asked and answered."""
    rows = [
        (cell(o.branch), o.outcome, cell(o.commit[:7]) if o.commit else "", cell(o.reason, 300))
        for o in report.outcomes
    ]
    none = "This run judged no branch.\n"
    text = "## coord: land\n\n" + (table(("branch", "outcome", "commit", "why"), rows) if rows else none)
    moved = (
        f"main {report.base[:7]} is now {report.head[:7]}"
        if report.base != report.head
        else "main did not move"
    )
    text += f"\n{moved}; {prose(report.rest)}\n"
    if report.legs:
        text += "\n" + table(
            ("validated", "result"), [(cell(n), cell(words or "no answer")) for n, words in report.legs]
        )
    if report.answer:
        text += f"\nAsked for: {prose(report.answer, 1000)}\n"
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; its cells are Markdown already."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return "There are no task branches.\n"
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines]) + "\n"


def _graph(snapshot: Snapshot) -> str:
    study = Study.of_open(snapshot.graph, frozenset(branch.task for branch in snapshot.branches))
    if not study.tasks:
        return ""
    drawn, number = _drawn(study)
    left = f", the first {number}" if len(study.tasks) > number else ""
    title = f"The graph of {counted(len(study.tasks), 'open task')}{left}"
    return f"\n<details><summary>{title}</summary>\n\n```mermaid\n{drawn}\n```\n\n</details>\n"


def _drawn(study: Study) -> tuple[str, int]:
    """Return the graph of as many tasks as Mermaid draws, and how many these are."""
    path = study.critical(Measure.COUNT)
    for number in range(min(_DRAWN, len(study.tasks)), 1, -1):
        drawing = draw(study, everything(study)[:number], path)
        text = mermaid(drawing)
        if len(drawing.edges) <= _EDGES and len(text) < _LETTERS:
            return text, number
    return mermaid(draw(study, everything(study)[:1], path)), 1
