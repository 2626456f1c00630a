"""Legs: validations that run as jobs on other machines, and what their conclusions prove.

Whoever plans and whoever lands make the same trials from the same few values, so a leg is named by the trial's id and
nothing that a leg says is needed: only how its job, and the steps in it, have ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coord.core.text import one_line

#: The steps of a leg's job in the workflow: the gate on the trial, and, where that failed, on main beside it.
VALIDATE = "Validate"
BESIDE = "Validate main beside it"

_NAME = re.compile(r"\Atrial ([0-9a-f]{40}|[0-9a-f]{64}): ")
_ENDED = ("success", "failure")
_OID = re.compile(r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A branch in a line: its name, its tip, and whether a person approved that tip's changes of protected paths."""

    branch: str
    tip: str
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """One validation: the line of branches on ``base`` at ``at`` (seconds), and the trial that they make.

    An empty line is main itself; its trial is the base.
    """

    trial: str
    base: str
    at: int
    line: tuple[Place, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the leg's job: the trial's id first, then words for people."""
        words = "main + " + " + ".join(place.branch for place in self.line) if self.line else "main"
        return f"trial {self.trial}: {one_line(words, 80)}"


def trial_named(job: str) -> str | None:
    """Return the trial that a job of this name validates, or None when it is no leg."""
    match = _NAME.match(job)
    return match[1] if match else None


def encode_leg(leg: Leg) -> str:
    """Return a leg as one line of JSON."""
    line = [[place.branch, place.tip, place.approved] for place in leg.line]
    return json.dumps({"trial": leg.trial, "base": leg.base, "at": leg.at, "line": line}, sort_keys=True)


def decode_leg(text: str) -> Leg | None:
    """Return the leg that a text states, or None when it states none."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        line = tuple(Place(str(name), str(tip), approved is True) for name, tip, approved in raw["line"])
        leg = Leg(str(raw["trial"]), str(raw["base"]), int(raw["at"]), line)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    ids = (leg.trial, leg.base, *(place.tip for place in line))
    return leg if all(_OID.match(oid) for oid in ids) else None


# -- conclusions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passed:
    """The leg's gate passed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The leg's gate failed; ``main_passes`` when main, validated beside it on the same machine, passed."""

    main_passes: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """The leg tells nothing about the trial, and why."""

    why: str


Conclusion = Passed | Failed | Unknown


def conclude(conclusion: str, steps: Mapping[str, str]) -> Conclusion:
    """Return what a job's conclusion and those of its steps (by their names) prove.

    Only these are believed: the code under test cannot write them. It can make its own gate fail or never end, and what
    runs after it on the same machine is no proof against main, only a reason to look there. A gate that could not run is
    told from one that failed by main not being validated beside it.
    """
    if conclusion == "success":
        return Passed() if steps.get(VALIDATE) == "success" else Unknown("its gate did not run")
    if conclusion == "failure" and steps.get(VALIDATE) == "failure" and steps.get(BESIDE) in _ENDED:
        return Failed(main_passes=steps.get(BESIDE) == "success")
    failed = next((name for name, ended in steps.items() if ended not in ("success", "skipped", "")), "")
    where = f" in '{one_line(failed, 60)}'" if failed else ""
    return Unknown(f"its job ended with {one_line(conclusion, 30) or 'nothing'}{where}")
