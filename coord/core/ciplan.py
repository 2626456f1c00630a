"""What the plan job hands to the jobs after it: the legs to run, and what was asked of this run."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coord.core.leg import Leg, Place, decode_leg, encode_leg
from coord.core.request import Request, decode_request, encode_request


@dataclass(frozen=True, slots=True)
class CiPlan:
    """A plan: main as it was seen and when, the legs, a digest of the tips that may be tried, the branch that the run is
    limited to (``""``: none), whether nothing is to be published, a decision to carry out first, and why there is nothing
    to validate although somebody asked for it."""

    base: str
    at: int
    legs: tuple[Leg, ...] = ()
    candidates: str = ""
    branch: str = ""
    dry_run: bool = False
    request: Request | None = None
    note: str = ""

    @property
    def names_branch(self) -> bool:
        """Say whether this run was asked for about one branch."""
        return bool(self.branch or (self.request and self.request.tasks))

    @property
    def validates_main(self) -> bool:
        """Say whether main itself is among what is validated."""
        return any(not leg.line for leg in self.legs)


def digest(tips: Iterable[str]) -> str:
    """Return one word for a set of tips."""
    return hashlib.sha256(" ".join(sorted(tips)).encode()).hexdigest()[:16]


def encode_plan(plan: CiPlan) -> str:
    """Return a plan as one word.

    It goes to the other jobs in a variable of the environment, which Linux caps at 128 KiB (MAX_ARG_STRLEN): branches
    stand in it once, legs as their places, and it is packed.
    """
    places = list(dict.fromkeys(place for leg in plan.legs for place in leg.line))
    number = {place: n for n, place in enumerate(places)}
    facts = {
        "base": plan.base,
        "at": plan.at,
        "places": [[place.branch, place.tip, place.approved] for place in places],
        "legs": [[leg.trial, *(number[place] for place in leg.line)] for leg in plan.legs],
        "candidates": plan.candidates,
        "branch": plan.branch,
        "dry_run": plan.dry_run,
        "request": encode_request(plan.request) if plan.request else "",
        "note": plan.note,
    }
    return base64.b64encode(zlib.compress(json.dumps(facts, sort_keys=True).encode(), 9)).decode()


def decode_plan(text: str) -> CiPlan | None:
    """Return the plan that a text states, or None when it states none."""
    try:
        raw: Mapping[str, Any] = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
        base, at = str(raw["base"]), int(raw["at"])
        places = [Place(str(name), str(tip), approved is True) for name, tip, approved in raw["places"]]
        legs = tuple(
            Leg(str(trial), base, at, tuple(places[n] for n in line)) for trial, *line in raw["legs"]
        )
        request = decode_request(raw["request"]) if raw["request"] else None
        plan = CiPlan(
            base=base,
            at=at,
            legs=legs,
            candidates=str(raw["candidates"]),
            branch=str(raw["branch"]),
            dry_run=raw["dry_run"] is True,
            request=request,
            note=str(raw["note"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error):
        return None
    sound = all(decode_leg(encode_leg(leg)) == leg for leg in legs)
    return plan if sound and (request or not raw["request"]) else None


#: A matrix holds 256 jobs; all that a job hands on, one MB as UTF-16: the legs, and the plan beside them.
_LEGS, _ROOM = 256, 400_000


def fitting(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """Return as many of the legs as one run takes, the first ones: the next run has the rest."""
    room, kept = _ROOM, list[Leg]()
    for leg in legs[:_LEGS]:
        room -= len(encode_leg(leg)) + len(leg.name) + 40
        if room < 0:
            break
        kept.append(leg)
    return tuple(kept)


def matrix(legs: tuple[Leg, ...]) -> str:
    """Return the legs as the list that a job's matrix is made of."""
    return json.dumps([{"name": leg.name, "leg": encode_leg(leg)} for leg in legs])
