"""A review as people read it: Markdown, or one page of HTML with charts."""

from __future__ import annotations

from coord.core.review import Review
from coord.core.reviewfindings import Part
from coord.core.reviewtables import SHOWN, figures, known, landed_row, period, summary
from coord.core.reviewwords import lines
from coord.render import render, render_page

_TITLES = {
    Part.RIGHT: "What Went Right",
    Part.WRONG: "What Went Wrong",
    Part.BETTER: "What Could Be Better",
}


def markdown(review: Review, said: str) -> str:
    """Return a review as Markdown; ``said`` is how old what it was read from is."""
    return render("review/review.md.j2", **_values(review, said))


def page(review: Review, said: str) -> str:
    """Return a review as one page of HTML with charts."""
    return render_page("review/review.html.j2", **_values(review, said), figures=figures(review.facts))


def _values(review: Review, said: str) -> dict[str, object]:
    landings = review.facts.landings
    return {
        "period": period(review.facts),
        "told": review.facts.period.told,
        "said": said,
        "known": known(review.facts),
        "summary": summary(review.facts),
        "landings": [landed_row(landed) for landed in landings[-SHOWN:]],
        "more": max(0, len(landings) - SHOWN),
        "parts": [(title, review.part(part)) for part, title in _TITLES.items()],
        "items": review.items,
        "lines": lines,
    }
