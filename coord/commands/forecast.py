"""Tell which live branches would conflict, with main and with each other, before it happens: which files, who with whom.

Every live branch counts, finished or not. Of two branches the one named first goes first as the queue stands. Nothing
is changed or checked out. Of very many pairs that share files only the first are merged; --all merges all of them.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable

from coord import freshness
from coord.call import Call
from coord.core.forecast import LIMIT, Forecast, Shared
from coord.core.text import few, one_line
from coord.core.trial import ConflictPath
from coord.errors import Exit
from coord.forecast import foretell
from coord.observe import observe
from coord.output import Json, Output
from coord.workspace import open_workspace

#: How many hub files, and how many files and branches on one line, people are shown; JSON has them all.
_HUBS, _WORDS = 10, 6


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "task", nargs="*", metavar="TASK", help="only conflicts of these (ids or branch names)"
    )
    parser.add_argument(
        "--all", action="store_true", help=f"merge every pair that meets, also beyond {LIMIT}"
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--exit-code", action="store_true", help="exit 5 when a conflict is foretold")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    if call.args.fetch:
        freshness.fetch(workspace)
    view = observe(workspace)
    call.output.say(freshness.as_of(workspace, view.snapshot.base))
    asked = frozenset(view.snapshot.resolve(word) for word in call.args.task) if call.args.task else None
    forecast = foretell(workspace, view, asked=asked, limit=None if call.args.all else LIMIT)
    call.output.emit("forecast", {"main": view.snapshot.base, **facts(forecast)})
    _print(call.output, forecast)
    return Exit.CONFLICT if call.args.exit_code and forecast.conflicts else Exit.OK


def facts(forecast: Forecast) -> dict[str, Json]:
    """Return a forecast as JSON."""
    return {
        "branches": list(forecast.branches),
        "with_main": [
            {"branch": clash.branch, "task": clash.task, "paths": _kinds(clash.paths)}
            for clash in forecast.with_main
        ],
        "pairs": [
            {"one": pair.one, "other": pair.other, "paths": [c.path for c in pair.paths]}
            for pair in forecast.pairs
        ],
        "hubs": [_shared(hub) for hub in forecast.hubs],
        "unasked": [_shared(may) for may in forecast.may],
        "unasked_pairs": forecast.unasked,
        "unanswered": [
            {"one": found.one, "other": found.other or None, "reason": found.words}
            for found in forecast.unanswered
        ],
    }


def _kinds(paths: Iterable[ConflictPath]) -> list[Json]:
    return [{"path": conflict.path, "kind": conflict.kind} for conflict in paths]


def _shared(found: Shared) -> Json:
    return {"path": found.path, "branches": list(found.branches)}


def _print(output: Output, forecast: Forecast) -> None:
    for clash in forecast.with_main:
        output.result(f"{clash.branch} with main: {where(clash.paths)}")
    for pair in forecast.pairs:
        output.result(f"{pair.one} with {pair.other}: {where(pair.paths)}")
    if not forecast.conflicts:
        output.result(f"no conflicts among {len(forecast.branches)} branches")
    if forecast.hubs:
        output.result("\nfiles that many branches change")
    for hub in forecast.hubs[:_HUBS]:
        output.result(f"  {one_line(hub.path)}: {len(hub.branches)} branches: {_some(hub.branches)}")
    if len(forecast.hubs) > _HUBS:
        output.result(f"  and {len(forecast.hubs) - _HUBS} more: --json has them all")
    for line in left_open(forecast):
        output.say(line)


def left_open(forecast: Forecast) -> list[str]:
    """Return what a forecast does not say."""
    lines = [
        f"{found.one} with {found.other or 'main'}: git cannot merge it: {found.words}"
        for found in forecast.unanswered
    ]
    if forecast.unasked:
        lines.append(
            f"{forecast.unasked} pairs share files and were not merged: they may conflict; coord forecast --all asks them"
        )
    return lines


def where(paths: Iterable[ConflictPath]) -> str:
    """Return conflicted paths as one line for people."""
    return _some(conflict.shown for conflict in paths)


def _some(names: Iterable[str]) -> str:
    return few(map(one_line, names), _WORDS)
