"""What the plan job hands to the jobs after it: the legs to run, and what was asked of this run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coord.core.leg import Leg, decode_leg, encode_leg
from coord.core.request import Request, decode_request, encode_request


@dataclass(frozen=True, slots=True)
class CiPlan:
    """A plan: main as it was seen and when, the legs, the tips that may be tried, the branch that the run is limited to
    (``""``: none), whether nothing is to be published, and a decision to carry out first."""

    base: str
    at: int
    legs: tuple[Leg, ...] = ()
    candidates: tuple[str, ...] = ()
    branch: str = ""
    dry_run: bool = False
    request: Request | None = None

    @property
    def validates_main(self) -> bool:
        """Say whether main itself is among what is validated."""
        return any(not leg.line for leg in self.legs)


def encode_plan(plan: CiPlan) -> str:
    """Return a plan as one line of JSON."""
    return json.dumps(
        {
            "base": plan.base,
            "at": plan.at,
            "legs": [encode_leg(leg) for leg in plan.legs],
            "candidates": list(plan.candidates),
            "branch": plan.branch,
            "dry_run": plan.dry_run,
            "request": encode_request(plan.request) if plan.request else "",
        },
        sort_keys=True,
    )


def decode_plan(text: str) -> CiPlan | None:
    """Return the plan that a text states, or None when it states none."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        legs = tuple(decode_leg(leg) for leg in raw["legs"])
        request = decode_request(raw["request"]) if raw["request"] else None
        known = tuple(leg for leg in legs if leg is not None)
        plan = CiPlan(
            base=str(raw["base"]),
            at=int(raw["at"]),
            legs=known,
            candidates=tuple(map(str, raw["candidates"])),
            branch=str(raw["branch"]),
            dry_run=raw["dry_run"] is True,
            request=request,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return plan if len(known) == len(legs) and (request or not raw["request"]) else None


def matrix(legs: tuple[Leg, ...]) -> str:
    """Return the legs as the list that a job's matrix is made of."""
    return json.dumps([{"name": leg.name, "leg": encode_leg(leg)} for leg in legs])
