"""What the land job hands to the report job: outcomes, and answers to what was asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
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


#: What is handed on goes through a variable of the environment, which Linux caps at 128 KiB.
_ROOM = 100_000


def handed_on(report: CiReport, tasks: Collection[str]) -> CiReport:
    """Return as much of a report as another job can be given: the outcomes of ``tasks`` first, then the others."""
    small = replace(report, legs=report.legs[:256], remarks=(), outcomes=())
    room, kept = _ROOM - len(encode_report(small)), list[CiOutcome]()
    for outcome in sorted(report.outcomes, key=lambda o: (o.task not in tasks, o.outcome != "landed")):
        room -= len(json.dumps(asdict(outcome)))
        if room < 0:
            break
        kept.append(outcome)
    return replace(small, outcomes=tuple(kept))


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
