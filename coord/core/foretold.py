"""What a forecast tells of the merge queue: with main, or with a branch that lands before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from coord.core.forecast import Forecast
from coord.core.present import Next
from coord.core.text import few
from coord.core.trial import ConflictPath


def with_clashes(queue: tuple[Next, ...], forecast: Forecast) -> tuple[Next, ...]:
    """Return the queue, each branch with what it would conflict with when its turn comes: main, or else the branches that
    land before it. A branch that does not land itself is in nobody's way."""
    main = {clash.branch: clash.paths for clash in forecast.with_main}
    place = {one.branch: one.place for one in queue}
    before: dict[str, list[tuple[str, tuple[ConflictPath, ...]]]] = {}
    for pair in forecast.pairs:
        if pair.one in place and pair.other in place:
            first, later = sorted((pair.one, pair.other), key=place.__getitem__)
            before.setdefault(later, []).append((first, pair.paths))
    found: dict[str, str] = {}
    for name in sorted(place, key=place.__getitem__):
        met = [one for one in before.get(name, ()) if not found[one[0]]]
        found[name] = (
            f"would conflict with main in {_named(main[name])}" if name in main else _with(met, place)
        )
    return tuple(replace(one, clash=found[one.branch]) for one in queue)


def _with(met: list[tuple[str, tuple[ConflictPath, ...]]], place: Mapping[str, int]) -> str:
    if not met:
        return ""
    (first, paths), *others = sorted(met, key=lambda one: place[one[0]])
    more = f"; and with {few((name for name, _ in others), 2)}" if others else ""
    return f"would conflict with {first}, which lands before it, in {_named(paths)}{more}"


def _named(paths: Iterable[ConflictPath]) -> str:
    return few(path.shown for path in paths)
