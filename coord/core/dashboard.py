"""What the dashboard shows, as one value that JSON can hold: the schema ``coord/dashboard/1``. Pure, sorted, no clock.

Every text that came from an agent, a branch or a file is one plain line of limited length here; what makes a page of
it still has to escape it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coord.core.analysis import Study, faults
from coord.core.asking import answer_to
from coord.core.dashgraph import ID, NAME, Facts, graph_facts
from coord.core.forecast import Forecast, Shared
from coord.core.graphparts import Fact
from coord.core.history import Entry, History, Kind
from coord.core.present import AtWork, Drift, Held, Next, Oddity, Present, Tree
from coord.core.task import Problem
from coord.core.text import one_line
from coord.core.trial import ConflictPath

#: How many attempts the timeline shows, of each clash how many files, and how many rows and columns the matrix has.
ATTEMPTS, FILES, SIDE = 500, 50, 40

_REASON = 600
_TOLD = (
    Kind.LANDED, Kind.COMPLETED, Kind.CONFLICT, Kind.GATE_FAILED, Kind.BLOCKED, Kind.UNBLOCKED, Kind.RETRY, Kind.REVERTED,
    Kind.RACED, Kind.REFUSED, Kind.MAIN_RED, Kind.COULD_NOT_RUN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one page is made from."""

    present: Present
    history: History
    forecast: Forecast
    study: Study


def page_facts(seen: Seen) -> Facts:
    """Return what the page shows."""
    present = seen.present
    judged = {entry.tip: entry for entry in seen.history.entries if entry.kind is Kind.VALIDATED}
    return {
        "head": _head(present),
        "queue": [_next(row, _trial(row, seen, judged)) for row in present.queue],
        "validating": [
            {"branches": [_id(name) for name in one.branches], "since": one.since} for one in present.validating
        ],
        "blocked": [_held(row) for row in present.blocked],
        "waiting": [_held(row) for row in present.waiting],
        "ready": [{"task": _id(id), "name": _name(name)} for id, name in present.ready],
        "graph": graph_facts(seen.study, _words(present)),
        "problems": [_problem(problem) for problem in faults(seen.study.graph)],
        "history": _history(seen.history),
        "forecast": _forecast(seen.forecast),
        "sessions": [_session(row) for row in present.sessions],
        "worktrees": [_tree(row) for row in present.worktrees],
        "drift": [_drift(row) for row in present.drift],
        "strangers": [
            {"branch": _id(branch), "near": [_id(id) for id in near]} for branch, near in present.strangers
        ],
    }  # fmt: skip


def _head(present: Present) -> Facts:
    return {
        "main": _id(present.main),
        "base": _oid(present.base),
        "said": one_line(present.said),
        "at": present.at,
        "action": _reason(present.action),
        "frozen": None if present.frozen is None else _reason(present.frozen),
        "counts": {one_line(word, 40): count for word, count in present.counts.items()},
        "unread": present.unread,
    }


def _words(present: Present) -> dict[str, str]:
    """Return what holds of each task beside its status."""
    found = {id: "ready" for id, _ in present.ready}
    found |= {row.task: f"waiting: {row.reason}" for row in present.waiting}
    found |= {row.task: f"{row.result}: {row.reason}" for row in present.blocked}
    return found | {row.task: f"number {row.place} in the queue" for row in present.queue}


def _problem(problem: Problem) -> Facts:
    facts = problem.facts()
    return {key: _reason(value) if isinstance(value, str) else value for key, value in facts.items()}


# -- branches ------------------------------------------------------------------------------------------------------


def _trial(row: Next, seen: Seen, judged: Mapping[str, Entry]) -> str:
    """Return what is known of a branch's trial: that it runs, that it would conflict, or what it last gave."""
    running = next((one for one in seen.present.validating if one.branches[-1] == row.branch), None)
    if running is not None:
        after = f", merged after {', '.join(running.branches[:-1])}" if running.branches[1:] else ""
        return f"is being validated{after}"
    clash = next((one for one in seen.forecast.with_main if one.branch == row.branch), None)
    if clash is not None:
        return f"would conflict with main in {', '.join(path.path for path in clash.paths[:5])}"
    unasked = next((u for u in seen.forecast.unanswered if u.one == row.branch and not u.other), None)
    if unasked is not None:
        return f"git cannot merge it: {unasked.words}"
    last = judged.get(row.tip)
    words = f"last judged on {last.main[:7]}: {last.reason}" if last else "not judged yet"
    return f"merges with main; {words}"


def _next(row: Next, trial: str) -> Facts:
    return {
        "trial": _reason(trial),
        "place": row.place,
        "task": _id(row.task),
        "name": _name(row.name),
        "branch": _id(row.branch),
        "tip": _oid(row.tip),
        "why": _reason(row.why),
        "since": row.since,
        "overlaps": [{"branch": _id(branch), "paths": _files(paths)} for branch, paths in row.overlaps],
    }


def _held(row: Held) -> Facts:
    return {
        "task": _id(row.task),
        "name": _name(row.name),
        "branch": _id(row.branch),
        "tip": _oid(row.tip),
        "result": one_line(row.result, 40),
        "reason": _reason(row.reason),
        "turn": row.turn.value,
        "on": [_id(on) for on in row.on],
        "paths": _files(row.paths),
        "command": one_line(row.command, 1000),
        "since": row.since,
    }


# -- what has been ---------------------------------------------------------------------------------------------------


def _history(history: History) -> Facts:
    told = [entry for entry in history.entries if entry.kind in _TOLD]
    local = history.local
    return {
        "entries": [_entry(entry) for entry in told[-ATTEMPTS:]],
        "counts": dict(sorted(Counter(entry.kind.value for entry in told).items())),
        "older": max(0, len(told) - ATTEMPTS),
        "local": {"since": local.since, "unread": local.unread, "sessions": local.sessions},
    }


def _entry(entry: Entry) -> Facts:
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "task": _id(entry.task),
        "reason": _reason(entry.reason),
        "branch": _id(entry.branch),
        "tip": _oid(entry.tip),
        "commit": _oid(entry.commit),
        "by": _name(entry.by),
        "step": _name(entry.step),
        "seconds": round(entry.seconds, 1),
        "paths": _files(entry.paths),
        "others": [_id(other) for other in entry.others],
    }


# -- what will be ----------------------------------------------------------------------------------------------------


def _forecast(forecast: Forecast) -> Facts:
    clashing = {clash.branch for clash in forecast.with_main}
    clashing |= {name for pair in forecast.pairs for name in (pair.one, pair.other)}
    shown = sorted(clashing)[:SIDE]
    return {
        "branches": len(forecast.branches),
        "with_main": [{"branch": _id(c.branch), "task": _id(c.task), "paths": _clashes(c.paths)} for c in forecast.with_main],
        "pairs": [{"one": _id(p.one), "other": _id(p.other), "paths": _clashes(p.paths)} for p in forecast.pairs],
        "matrix": _matrix(forecast, shown),
        "left_out": len(clashing) - len(shown),
        "hubs": [_shared(hub) for hub in forecast.hubs[:FILES]],
        "unasked": forecast.unasked,
        "unanswered": [{"one": _id(u.one), "other": _id(u.other), "reason": _reason(u.words)} for u in forecast.unanswered],
    }  # fmt: skip


def _matrix(forecast: Forecast, shown: Sequence[str]) -> Facts:
    """Return how many files each branch would conflict in: with main, and with each branch of ``shown``."""
    with_main = {clash.branch: len(clash.paths) for clash in forecast.with_main}
    pairs = {frozenset((pair.one, pair.other)): len(pair.paths) for pair in forecast.pairs}
    rows = [
        [with_main.get(one, 0), *(pairs.get(frozenset((one, other)), 0) for other in shown)] for one in shown
    ]
    return {"names": [_id(name) for name in shown], "rows": rows}


def _clashes(paths: Iterable[ConflictPath]) -> list[Fact]:
    return [{"path": _id(clash.path), "kind": one_line(clash.kind, 60)} for clash in list(paths)[:FILES]]


def _shared(hub: Shared) -> Facts:
    return {"path": _id(hub.path), "branches": [_id(branch) for branch in hub.branches]}


# -- this machine ----------------------------------------------------------------------------------------------------


def _session(row: AtWork) -> Facts:
    return {
        "id": _id(row.id),
        "task": _id(row.task),
        "branch": _id(row.branch),
        "agent": one_line(row.agent, 80),
        "state": one_line(row.state, 40),
        "why": _reason(row.why),
        "made": row.made,
        "last": row.last,
        "turn": row.turn,
        "cost": round(row.cost, 4),
        "oddities": [_oddity(odd) for odd in row.oddities],
        "command": "" if row.oddities else answer_to(row) or "",
    }


def _oddity(odd: Oddity) -> Mapping[str, Fact]:
    return {
        "heuristic": one_line(odd.heuristic, 80),
        "severity": one_line(odd.severity, 40),
        "evidence": _reason(odd.evidence),
        "command": one_line(odd.command, 1000),
    }


def _tree(row: Tree) -> Facts:
    return {
        "path": one_line(row.path, 500),
        "branch": _id(row.branch),
        "task": _id(row.task),
        "words": _reason(row.words),
        "size": row.size,
        "at_least": row.at_least,
        "modified": row.modified,
        "untracked": row.untracked,
    }


def _drift(row: Drift) -> Facts:
    return {
        "check": one_line(row.check, 80),
        "subject": _name(row.subject),
        "message": _reason(row.message),
        "command": one_line(row.command, 1000),
    }


# -- foreign text ----------------------------------------------------------------------------------------------------


def _id(text: str) -> str:
    return one_line(text, ID)


def _oid(text: str) -> str:
    return one_line(text)[:7]


def _name(text: str) -> str:
    return one_line(text, NAME)


def _reason(text: str) -> str:
    return one_line(text, _REASON)


def _files(paths: Iterable[str]) -> list[Fact]:
    return [_id(path) for path in list(paths)[:FILES]]
