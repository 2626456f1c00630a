"""Claims: which session works on a task, as a commit under ``refs/coord/claims/<id>`` says it, until it expires."""

from __future__ import annotations

from dataclasses import dataclass

from coord.core.signal import trailer_block, trailers
from coord.core.text import one_line, whole_number


@dataclass(frozen=True, slots=True)
class ClaimText:
    """What a claim says: the machine and session that hold it, and until when (seconds since the epoch)."""

    task: str
    machine: str
    session: str
    expires: int

    def is_live(self, now: float) -> bool:
        """Say whether it holds at ``now``; an expired claim is none."""
        return self.expires > now


def claim_message(claim: ClaimText, nonce: str) -> str:
    """Return the message of a claim's commit; ``nonce`` makes the object unique, so that two equal claims differ."""
    block = trailer_block(
        {
            "Coord-Task": claim.task,
            "Coord-Holder": f"{claim.machine}/{claim.session}",
            "Coord-Expires": str(claim.expires),
            "Coord-Nonce": nonce,
        }
    )
    return f"claim: {claim.task}\n\n{block}\n"


def read_claim(task: str, message: str) -> ClaimText:
    """Return what a claim's commit says; one that says no time has expired."""
    said = trailers(message)
    machine, _, session = one_line(said.get("Coord-Holder", "unknown")).rpartition("/")
    return ClaimText(task, machine or session, session, whole_number(said.get("Coord-Expires", "")) or 0)
