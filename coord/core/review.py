"""The after-action review: what went right, what went wrong, what could be better, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.reviewcounts import Material, count
from coord.core.reviewfacts import Facts
from coord.core.reviewfindings import Finding, Part, findings
from coord.core.reviewitems import Item, items


@dataclass(frozen=True, slots=True)
class Review:
    """A review: the facts, what they show, and the action items, the most urgent first."""

    facts: Facts
    findings: tuple[Finding, ...]
    items: tuple[Item, ...]

    def part(self, part: Part) -> tuple[Finding, ...]:
        """Return the findings of one part."""
        return tuple(finding for finding in self.findings if finding.part is part)


def make_review(material: Material) -> Review:
    """Return the review of a period: the same material gives the same review."""
    facts = count(material)
    return Review(facts, findings(facts), items(facts, material.snapshot.graph))
