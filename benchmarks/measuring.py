"""What the measurements share: interleaved rounds, medians, rows, and a HOME without anybody's configuration."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]

#: By how much a figure may pass its limit before the run fails: time ratios differ from machine to machine.
SLACK = 1.3


def row(
    name: str,
    value: float | None,
    unit: str = "times",
    limit: float | None = None,
    *,
    beside: str = "",
    note: str = "",
) -> Row:
    """Return one figure; ``value`` None: it could not be measured, and ``note`` says why."""
    return {"name": name, "value": value, "unit": unit, "limit": limit, "beside": beside, "note": note}


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def rounds(
    sides: Mapping[str, Callable[[], float]], count: int, *, warm_up: int = 1
) -> dict[str, list[float]]:
    """Time each side once a round, each round beginning with another side; a side returns its own seconds.

    Whatever else the machine does falls on all sides alike, so that their ratios in one round can be compared.
    """
    names = list(sides)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, count):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            took = sides[name]()
            if number >= 0:
                taken[name].append(took)
    return taken


def ratio(taken: Mapping[str, list[float]], ours: str, plain: str) -> float:
    """Return the median over the rounds of what ours took in terms of the other."""
    return statistics.median(one / other for one, other in zip(taken[ours], taken[plain], strict=True))


def in_milliseconds(taken: Mapping[str, list[float]], *names: str) -> str:
    """Return the medians of some sides, for a note."""
    return ", ".join(f"{name} {statistics.median(taken[name]) * 1000:.0f} ms" for name in names)


@contextlib.contextmanager
def scratch_home(folder: Path) -> Iterator[None]:
    """Give git, and all that is started, a HOME with an identity and no settings of this machine or its user.

    git repacks nothing by itself: whether it would do so just then is chance.
    """
    before = dict(os.environ)
    home = folder / "home"
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n"
        f"[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[coord]\n\tgateFolder = {folder / 'gates'}\n"
        "[advice]\n\tdetachedHead = false\n"
    )
    for name in [name for name in os.environ if name.startswith(("GIT_", "COORD_", "CARGO_", "PRE_COMMIT"))]:
        del os.environ[name]
    os.environ.update(HOME=str(home), GIT_CONFIG_NOSYSTEM="1", LC_ALL="C.UTF-8")
    os.environ.pop("XDG_CONFIG_HOME", None)
    os.environ.pop("XDG_CACHE_HOME", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(*words: str | Path, at: Path, data: str | None = None) -> str:
    """Run a program that must succeed and return what it prints."""
    answer = subprocess.run(
        [str(word) for word in words], cwd=at, input=data, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {answer.stderr}{answer.stdout}")
    return answer.stdout.rstrip("\n")


def git(*words: str | Path, at: Path, data: str | None = None) -> str:
    """Run git, which must succeed, and return what it prints."""
    return run("git", *words, at=at, data=data)


def coord(*words: str | Path, at: Path) -> str:
    """Run the coord of this checkout as its users do, in a process of its own."""
    return run(sys.executable, "-P", "-m", "coord", *words, at=at)


def beside_python(name: str) -> Path | None:
    """Return a program of this virtual environment, or None when it is not installed."""
    path = Path(sys.executable).with_name(name)
    return path if os.access(path, os.X_OK) else None


def show(row: Row) -> str:
    """Return a figure as one line of text."""
    goal = "" if row["limit"] is None else f"  (at most {row['limit']:g})"
    return f"{figure(row):>16}  {row['name']}{goal}{'  ' + row['note'] if row['note'] else ''}"


def figure(row: Row) -> str:
    """Return a figure's value with its unit."""
    if row["value"] is None:
        return "not measured"
    value = row["value"]
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {row['unit']}".rstrip()


def main(measure: Callable[[], list[Row]]) -> int:
    """Print a module's figures; what ``python benchmarks/NAME.py`` does."""
    found = measure()
    for each in found:
        print(show(each))
    return int(any(over(each) for each in found))


def over(row: Row, slack: float = 1.0) -> bool:
    """Say whether a figure is over its limit, times ``slack``."""
    return row["limit"] is not None and row["value"] is not None and row["value"] > row["limit"] * slack
