"""Show what one run of coord land would do, in which order and why, and why each other branch waits.

Fetches first; nothing is changed. A merge with the present main is tried in the object database, so that conflicts
are told before they happen, and so are those between branches (coord forecast tells more); no gate runs.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coord.call import Call
from coord.commands.forecast import facts, left_open, where
from coord.core.action import Idle
from coord.core.forecast import Forecast
from coord.core.overview import next_words
from coord.core.plan import next_action
from coord.core.queue import Candidate, Queue, make_queue
from coord.core.snapshot import Snapshot
from coord.core.trial import Clash, TouchesProtected, Trial, Unfit
from coord.errors import Exit
from coord.forecast import foretell
from coord.freshness import fetch
from coord.merge import make_trial
from coord.observe import View, observe
from coord.output import Json, Output
from coord.site import open_site
from coord.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class Prospect:
    """A candidate, and what a merge with the present main gives."""

    candidate: Candidate
    merges: bool
    words: str


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", nargs="*", metavar="TASK", help="plan only these (ids or branch names)")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 10 when there is something to do, 0 when not"
    )


def run(call: Call) -> Exit:
    return show_plan(call, call.args.task)


def show_plan(call: Call, asked: Sequence[str]) -> Exit:
    """Print the plan and return its exit code."""
    workspace = open_workspace(call.folder)
    open_site(workspace, call.output.detail)
    fetch(workspace)
    view = observe(workspace)
    ids = frozenset(view.snapshot.resolve(word) for word in asked) if asked else None
    snapshot = replace(view.snapshot, asked=ids)
    action = next_action(snapshot)
    queue = make_queue(snapshot)
    prospects = [_prospect(workspace, view, candidate) for candidate in queue.candidates]
    forecast = foretell(workspace, view, asked=ids)
    plan = _json(snapshot, next_words(snapshot), prospects, queue, idle=isinstance(action, Idle))
    call.output.emit("plan", {**plan, "forecast": facts(forecast)})
    _print(call, workspace, snapshot, prospects, queue, first=next_words(snapshot))
    _print_conflicts(call.output, forecast, prospects)
    if getattr(call.args, "detailed_exitcode", False) and not isinstance(action, Idle):
        return Exit.CHANGES
    return Exit.OK


def _prospect(workspace: Workspace, view: View, candidate: Candidate) -> Prospect:
    made = make_trial(workspace, view, candidate.branch, view.snapshot.settings.gate.profile or "none")
    match made:
        case Trial():
            return Prospect(candidate, merges=True, words="merges")
        case Clash(paths=paths, by=by):
            other = f" with {', '.join(by)}" if by else ""
            return Prospect(
                candidate, merges=False, words=f"conflict in {', '.join(p.path for p in paths)}{other}"
            )
        case Unfit(reason):
            return Prospect(candidate, merges=False, words=reason)
        case TouchesProtected(names):
            return Prospect(candidate, merges=False, words=f"changes protected paths: {', '.join(names)}")


def _print(
    call: Call,
    workspace: Workspace,
    snapshot: Snapshot,
    prospects: list[Prospect],
    queue: Queue,
    *,
    first: str,
) -> None:
    output = call.output
    output.result(f"main is {workspace.main_name} at {snapshot.base[:7]}")
    output.result(f"next: {first}")
    if prospects:
        output.result("\nthe queue, in order")
    for number, prospect in enumerate(prospects, 1):
        branch = prospect.candidate.branch
        output.result(f"  {number}. {branch.name} at {branch.tip[:7]}: {prospect.words}")
        for name, paths in prospect.candidate.overlaps:
            output.result(f"     shares with {name}: {', '.join(paths)}")
    others = [w for w in queue.waiting if snapshot.is_asked(w.branch.task)]
    if others:
        output.result("\nthe rest, and why")
    for waiting in others:
        output.result(f"  {waiting.branch.name}: {waiting.result}: {waiting.reason}")
    for stranger in snapshot.strangers:
        near = f" (like {', '.join(stranger.near)})" if stranger.near else ""
        output.result(f"  {stranger.name}: belongs to no task on main: ignored{near}")
    for mark in snapshot.debris:
        output.result(f"  {mark.ref}: belongs to nothing any more: to be swept")


def _print_conflicts(output: Output, forecast: Forecast, prospects: list[Prospect]) -> None:
    """Print the conflicts that the queue does not tell: a candidate's with main stands beside it."""
    tried = {prospect.candidate.branch.name for prospect in prospects}
    lines = [
        f"{clash.branch} with main: {where(clash.paths)}"
        for clash in forecast.with_main
        if clash.branch not in tried
    ]
    lines += [f"{pair.one} with {pair.other}: {where(pair.paths)}" for pair in forecast.pairs]
    if lines:
        output.result("\nconflicts to come")
    for line in lines:
        output.result(f"  {line}")
    for line in left_open(forecast):
        output.say(line)


def _json(
    snapshot: Snapshot, first: str, prospects: list[Prospect], queue: Queue, *, idle: bool
) -> dict[str, Json]:
    return {
        "base": snapshot.base,
        "next": first,
        "idle": idle,
        "queue": [
            {
                "task": prospect.candidate.branch.task,
                "branch": prospect.candidate.branch.name,
                "tip": prospect.candidate.branch.tip,
                "merges": prospect.merges,
                "forecast": prospect.words,
                "files": sorted(prospect.candidate.branch.files),
                "overlaps": [
                    {"branch": name, "files": list(paths)} for name, paths in prospect.candidate.overlaps
                ],
            }
            for prospect in prospects
        ],
        "waiting": [
            {
                "task": waiting.branch.task,
                "branch": waiting.branch.name,
                "tip": waiting.branch.tip,
                "outcome": waiting.result.value,
                "reason": waiting.reason,
                "on": list(waiting.on),
                "paths": list(waiting.paths),
            }
            for waiting in queue.waiting
            if snapshot.is_asked(waiting.branch.task)
        ],
        "unknown": [{"branch": s.name, "tip": s.tip, "near": list(s.near)} for s in snapshot.strangers],
    }
