"""A check, and how checks are run: each for itself, so that one that cannot look hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from coord.core.text import one_line
from coord.doctor.finding import Finding, Place, Severity
from coord.errors import CoordError


@dataclass(frozen=True, slots=True)
class Check:
    """A row of a table: the name that scripts see, why a finding matters, and the function that looks."""

    name: str
    why: str
    look: Callable[[Place], Iterator[Finding]]


def examine(place: Place, checks: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
    """Yield what every check finds; one that cannot look says so."""
    for check in checks:
        try:
            yield from ((check, _on_one_line(finding)) for finding in list(check.look(place)))
        except (CoordError, OSError) as error:
            told = f"could not be checked: {error}"
            yield check, Finding(Severity.WARNING, check.name, told, "coord doctor -v")


def _on_one_line(finding: Finding) -> Finding:
    """What is found was named by others: a line break in it must not look like a finding of its own."""
    return replace(finding, subject=one_line(finding.subject, 1000), message=one_line(finding.message, 1000))
