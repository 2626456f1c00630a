"""How long a forecast takes: 1,000 and 100 branches in 5,000 files, beside a ``git merge-tree`` process for each pair.

    python -m benchmarks forecast

What is timed is the forecast from what an observation knows (branches, tips, main): the questions to git and the core.
The whole command is timed apart, with the observation in it.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import coord.forecast
from benchmarks.fleet import build
from coord import cli
from coord.forecast import foretell
from coord.observe import observe
from coord.workspace import open_workspace

_TIMES = 5


def measure() -> list[dict[str, Any]]:
    """Return one row a figure: name, value, unit, and the limit that it should stay under (None: told for information)."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as folder:
        for count, spread, limit in ((1000, False, 0.5), (100, False, None), (1000, True, None)):
            where = build(Path(folder) / f"{count}{spread}.git", count, spread=spread)
            rows += _rows(where, f"{count} branches{' at random' if spread else ''}", limit)
            if count == 100:
                rows += _beside_the_plain_way(where)
    return rows


def _rows(where: Path, name: str, limit: float | None) -> list[dict[str, Any]]:
    workspace = open_workspace(where)
    view = observe(workspace)
    forecast = foretell(workspace, view)
    seconds = _median(lambda: foretell(workspace, view))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        whole = _median(lambda: cli.run(["-C", str(where), "forecast", "--json"]))
    return [
        _row(f"forecast, {name}", seconds, "s", limit),
        _row(f"coord forecast, whole command, {name}", whole, "s"),
        _row(f"pairs merged, {name}", len(_asked(where)), ""),
        _row(f"pairs that meet and were not merged, {name}", forecast.unasked, ""),
        _row(f"conflicts found, {name}", forecast.conflicts, ""),
    ]


def _beside_the_plain_way(where: Path) -> list[dict[str, Any]]:
    """Time the same merges (main with a branch, pairs that meet) with a process each; in turns, as ratios are taken."""
    workspace = open_workspace(where)
    view = observe(workspace)
    asked = _asked(where)

    def plain() -> None:
        for base, tip in asked:
            words = ["git", "-C", str(where), "merge-tree", "--write-tree", "--name-only", base, tip]
            subprocess.run(words, capture_output=True, check=False)

    ratios = []
    for _ in range(_TIMES):
        slow, fast = _once(plain), _once(lambda: foretell(workspace, view))
        ratios.append(fast / slow)
    name = f"forecast / a process for each of its {len(asked)} pairs, 100 branches"
    return [_row(name, statistics.median(ratios), "ratio")]


def _asked(where: Path) -> list[tuple[str, str]]:
    """Return the pairs of tips that a forecast merges, main's new commits aside."""
    workspace = open_workspace(where)
    view = observe(workspace)
    tips: list[tuple[str, str]] = []
    choose = coord.forecast.choose

    def watched(*args: Any) -> Any:
        chosen = choose(*args)
        branches = coord.forecast.in_landing_order(view.snapshot)
        tips.extend((branches[one].tip, branches[other].tip) for one, other in chosen.pairs)
        return chosen

    with patch.object(coord.forecast, "choose", watched):
        foretell(workspace, view)
    return tips


def _row(name: str, value: float, unit: str, limit: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "limit": limit}


def _median(action: Callable[[], object]) -> float:
    return statistics.median(_once(action) for _ in range(_TIMES))


def _once(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    rows = measure()
    for row in rows:
        goal = "" if row["limit"] is None else f"   (at most {row['limit']:g})"
        sys.stdout.write(f"{row['value']:10.3f} {row['unit']:<6} {row['name']}{goal}\n")
    sys.exit(any(row["limit"] is not None and row["value"] > row["limit"] for row in rows))
