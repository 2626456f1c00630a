"""What the land job hands to the report job: outcomes, and answers to what was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CiOutcome:
    """One task's outcome in a run, as ``land --json`` tells it."""

    task: str
    branch: str
    tip: str
    outcome: str
    reason: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class CiReport:
    """A run: main before and after, its outcomes, why it rests, what it says to the one who asked (``answer``), and what
    the legs concluded (``legs``: words for people, by the name of the leg)."""

    base: str
    head: str
    outcomes: tuple[CiOutcome, ...] = ()
    rest: str = ""
    answer: str = ""
    legs: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def encode_report(report: CiReport) -> str:
    """Return a report as one line of JSON."""
    return json.dumps(asdict(report), sort_keys=True)


def decode_report(text: str) -> CiReport | None:
    """Return the report that a text states, or None when it states none."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        outcomes = tuple(
            CiOutcome(**{key: str(value) for key, value in each.items()}) for each in raw["outcomes"]
        )
        legs = tuple((str(name), str(words)) for name, words in raw["legs"])
        return CiReport(
            base=str(raw["base"]),
            head=str(raw["head"]),
            outcomes=outcomes,
            rest=str(raw["rest"]),
            answer=str(raw["answer"]),
            legs=legs,
            remarks=tuple(map(str, raw["remarks"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
