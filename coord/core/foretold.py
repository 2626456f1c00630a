"""What a forecast tells of the merge queue: with main, or with a branch that lands before it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from coord.core.forecast import Forecast
from coord.core.present import Next
from coord.core.trial import ConflictPath

#: How many paths are named.
_PATHS = 3


def with_clashes(queue: tuple[Next, ...], forecast: Forecast) -> tuple[Next, ...]:
    """Return the queue, each branch with the first thing that it would conflict with when its turn comes."""
    main = {clash.branch: clash.paths for clash in forecast.with_main}
    place = {one.branch: one.place for one in queue}
    found = dict.fromkeys(place, "")
    for pair in forecast.pairs:
        if pair.one in place and pair.other in place:
            first, later = sorted((pair.one, pair.other), key=place.__getitem__)
            # A branch that does not land itself is in nobody's way.
            if first not in main and not found[later]:
                found[later] = f"would conflict with {first}, which lands before it, in {_named(pair.paths)}"
    for branch, paths in main.items():
        if branch in found:
            found[branch] = f"would conflict with main in {_named(paths)}"
    return tuple(replace(one, clash=found[one.branch]) for one in queue)


def _named(paths: Iterable[ConflictPath]) -> str:
    names = [path.path if path.path != "." else path.kind for path in paths]
    more = f" and {len(names) - _PATHS} more" if len(names) > _PATHS else ""
    return ", ".join(names[:_PATHS]) + more
