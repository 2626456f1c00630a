"""What the last runs on this machine found and no ref tells: a red main, a gate that could not run, a refused push. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from coord.core.history import Entry, Kind
from coord.core.snapshot import Snapshot
from coord.core.trial import CouldNotRun, Finding, Found, MainRed, ServerRefused


def with_remembered(snapshot: Snapshot, events: Iterable[Entry]) -> Snapshot:
    """Return the snapshot with what the last run on this machine found and no verdict tells: a red main, a gate that
    could not run (both on the present main only), a refused push. ``events`` are in the order in which they happened.

    A red main is everybody's: nothing lands on it, whichever branch it was found with.
    """
    told = [entry for entry in events if entry.kind in _JUDGING]
    last = {entry.tip: entry for entry in told}
    tips = {branch.tip for branch in snapshot.branches}
    red = _red(snapshot.base, [entry for entry in told if entry.tip in tips])
    found = (
        Found(snapshot.base, (tip,), finding)
        for tip in sorted(tips)
        if (finding := _finding(last[tip], snapshot.base) if tip in last else red)
    )
    return replace(snapshot, findings=(*snapshot.findings, *found))


def _red(base: str, told: list[Entry]) -> MainRed | None:
    """Return that main is red, when nothing was validated on it since."""
    on_it = [entry for entry in told if entry.main == base and entry.kind in (Kind.MAIN_RED, Kind.VALIDATED)]
    return MainRed(on_it[-1].step) if on_it and on_it[-1].kind is Kind.MAIN_RED else None


def _finding(entry: Entry, base: str) -> Finding | None:
    match entry.kind:
        case Kind.MAIN_RED if entry.main == base:
            return MainRed(entry.step)
        case Kind.COULD_NOT_RUN if entry.main == base:
            return CouldNotRun(entry.reason)
        case Kind.REFUSED:
            return ServerRefused(entry.reason)
        case _:
            return None


#: What is known of a tip after a run; of each tip the last counts.
_JUDGING = frozenset(
    {
        Kind.MAIN_RED, Kind.COULD_NOT_RUN, Kind.REFUSED, Kind.VALIDATED, Kind.LANDED, Kind.CONFLICT,
        Kind.GATE_FAILED, Kind.BLOCKED,
    }
)  # fmt: skip
