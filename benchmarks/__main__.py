"""Runs the measurements and writes docs/benchmarks.md.

    python -m benchmarks            # all of them: make bench
    python -m benchmarks hooks gate # some; the rest of the page stays as it was

Exit code 1: a figure is over its limit by more than the slack of measuring.py.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measuring import SLACK, Row, figure, over, show

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "benchmarks.md"

#: Modules of this folder that measure nothing themselves.
_HELPERS = {"__init__", "__main__", "fleet", "measuring"}

_HEAD = """# Benchmarks

`make bench` measures this and writes this page; `make bench BENCH='hooks gate'` measures some of it and leaves the rest.

A ratio is the median over rounds in which both sides are timed in turns, each in a process of its own as a user starts
it, so that what else the machine does falls on both. HOME is a scratch folder: no settings of the machine take part. The
figures in the second column are limits that the project sets itself; `make bench` fails when one is passed by more than
{slack:g} times, since machines differ. What must not depend on the machine (how many git processes, imported modules, gate
runs, written files) is not timed but counted, in the tests.
"""
_PART = "\n## {name}\n\n{about}\n\nMeasured {when} on {machine}.\n\n| what | figure | at most | beside | |\n|---|---|---|---|---|\n"


def main(words: list[str]) -> int:
    """Measure what is named (everything when nothing is) and return the exit code."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in _HELPERS)
    unknown = [word for word in words if word not in names]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    parts = _parts(PAGE.read_text("utf-8") if PAGE.is_file() else "")
    bad: list[Row] = []
    for name in words or names:
        print(f"{name}", flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        rows = [_whole(row) for row in module.measure()]
        for row in rows:
            print(show(row), flush=True)
        bad += [row for row in rows if over(row)]
        parts[name] = _part(name, (module.__doc__ or "").split("\n", 1)[0], rows)
        page = _HEAD.format(slack=SLACK) + "".join(parts[key] for key in sorted(parts) if key in names)
        PAGE.write_text(page, "utf-8")
    for row in bad:
        print(f"over its limit: {row['name']} (beside {row['beside'] or 'nothing'}): {figure(row)}")
    return int(any(over(row, SLACK) for row in bad))


def _whole(row: Row) -> Row:
    """Return a row with every field; a module may leave out what it has nothing to say for."""
    given = dict(row)
    if "ratio" in given:
        given = {"value": given.pop("ratio"), "unit": "times", **given}
    return {"unit": "", "limit": None, "beside": "", "note": "", **given}


def _part(name: str, about: str, rows: list[Row]) -> str:
    lines = []
    for row in rows:
        limit = "" if row["limit"] is None else f"{row['limit']:g}"
        value = f"**{figure(row)}**, over the limit" if over(row) else figure(row)
        cells = (row["name"], value, limit, row["beside"], row["note"])
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n")
    when = time.strftime("%Y-%m-%d")
    return _PART.format(name=name, about=about, when=when, machine=_machine()) + "".join(lines)


def _parts(page: str) -> dict[str, str]:
    """Return the parts of the page as it is, by name."""
    return {text.split("\n", 1)[0]: f"\n## {text.rstrip()}\n" for text in page.split("\n## ")[1:]}


def _machine() -> str:
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    cores = len(_cores())
    return f"{cores} cores of {_model()}, {platform.system()}, git {git}, Python {platform.python_version()}"


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
