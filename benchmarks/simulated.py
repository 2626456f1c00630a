"""The simulation beside the clock: the same twelve branches, two of them bad, in the simulator and on real git.

    python benchmarks/simulated.py

A validator sleeps for T seconds and fails where a branch has left its mark. What ``coord land`` takes, as a process of its own,
is divided by T and compared with the simulated makespan. Main is known to pass before the clock starts: otherwise the
first failure takes one more run, to find out whose fault it is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from coord.core.settings import Strategy
from coord.core.simulation import MODELS, coord, deal, plant

BRANCHES, BAD, WORKERS = 12, (4, 9), 4
T = 6.0

SEEDS = 100
_CELLS = (
    (Strategy.EACH, 32, 0.05, 4, "T", 8.9),
    (Strategy.EACH, 128, 0.05, 16, "T", 12.3),
    (Strategy.BATCH, 128, 0.05, 1, "runs", 46),
)

#: How much longer than simulated it may take.
LIMIT = 1.1

_CHECK = "sleep {seconds}; for mark in bad.*; do if [ -e $mark ]; then echo $mark; exit 1; fi; done\n"
_TASK = "---\nid: {0}\nname: Task {0}\nstatus: pending\ndepends_on: []\n---\n\n## Description\n\nDo it.\n\n## Summary\n\n> To be filled on completion\n"
_WHO = "A <a@example.com>"


def measure(seconds: float = T) -> list[dict[str, object]]:
    """Return the simulated figures that have a limit, and for each strategy the time on real git beside the simulated."""
    rows = [_cell(*cell) for cell in _CELLS]
    for strategy in Strategy:
        simulated = coord(strategy)(plant(BRANCHES, BAD), WORKERS)
        with tempfile.TemporaryDirectory(prefix="coord-bench-") as folder:
            taken, runs = played(Path(folder), strategy, seconds)
        rows.append(
            {
                "name": f"coord land beside its simulation, {strategy}, {BRANCHES} branches, {WORKERS} workers",
                "value": round(taken / seconds / simulated.makespan, 3),
                "unit": "times",
                "limit": LIMIT,
                "beside": f"simulated {simulated.makespan:g} T and {simulated.runs} runs",
                "note": f"T = {seconds:g} s, took {taken:.2f} s and {runs} runs",
            }
        )
    return rows


def _cell(strategy: Strategy, n: int, p: float, workers: int, unit: str, limit: float) -> dict[str, object]:
    """Return what ``coord simulate`` says of one cell: means over its default seeds."""
    deals = [deal(n, p, Random(f"{seed}").random) for seed in range(1, SEEDS + 1)]
    runs = [coord(strategy)(dealt, workers) for dealt in deals]
    github = statistics.fmean(MODELS["github"](dealt, workers).makespan for dealt in deals)
    bors = statistics.fmean(MODELS["bors"](dealt, workers).runs for dealt in deals)
    value = statistics.fmean(run.makespan if unit == "T" else run.runs for run in runs)
    return {
        "name": f"coord simulate, {strategy}: {n} branches, {p:.0%} bad, {workers} workers",
        "value": round(value, 2),
        "unit": unit,
        "limit": limit,
        "beside": f"GitHub's window {github:.2f} T" if unit == "T" else f"bors-ng {bors:.1f} runs",
        "note": f"{SEEDS} seeds; T is the time of one validation",
    }


def played(root: Path, strategy: Strategy, seconds: float) -> tuple[float, int]:
    """Land the branches in a new repository below ``root``; return how long that took and how many runs it was."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "COORD_"))}
    environment |= {"HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    desk = _built(root, strategy, seconds, environment)
    seen = root / "seen"
    _land(desk, environment, "first")
    before = len(seen.read_text().split())
    started = time.perf_counter()
    _land(desk, environment)
    taken = time.perf_counter() - started
    left = subprocess.run(
        ["git", "-C", str(root / "origin.git"), "for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/feat/"],
        check=True, capture_output=True, text=True, env=environment,
    ).stdout.split()  # fmt: skip
    if left != [f"t{place:02d}" for place in BAD]:
        raise RuntimeError(f"left over: {left}")
    return taken, len(seen.read_text().split()) - before


def _land(desk: Path, environment: dict[str, str], *tasks: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "coord", "-C", str(desk), "land", *tasks],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip


def _built(root: Path, strategy: Strategy, seconds: float, environment: dict[str, str]) -> Path:
    """Make an origin with the branches, in the queue's order by their dates, and a clone of it; return the clone."""

    def git(*args: str, data: str | None = None) -> None:
        subprocess.run(["git", "-C", str(root), *args], input=data, text=True, check=True, env=environment)

    names = ["first", *(f"t{place:02d}" for place in range(BRANCHES))]
    steps = f"echo run >> {root / 'seen'}; {_CHECK.format(seconds=seconds)}"
    files = {f"tasks/{name}.md": _TASK.format(name) for name in names} | {
        "check.sh": steps,
        ".coord.toml": f'[land]\nstrategy = "{strategy}"\nworkers = {WORKERS}\n[gate]\nprofile = "check"\n'
        '[profiles.check]\nsteps = ["sh check.sh"]\n',
    }
    stream = [f"commit refs/heads/main\nmark :1\ncommitter {_WHO} 1700000000 +0000\ndata 4\nseed\n"]
    stream += [_file(path, text) for path, text in files.items()]
    for place, name in enumerate(names, -1):
        stream.append(
            f"commit refs/heads/feat/{name}\ncommitter {_WHO} {1700000100 + place} +0000\ndata 4\nwork\nfrom :1\n"
        )
        stream.append(_file(f"bad.{name}" if place in BAD else f"src/{name}", f"{name}\n"))
    git("init", "-q", "--bare", "-b", "main", "origin.git")
    git("-C", "origin.git", "fast-import", "--quiet", data="".join(stream))
    git("clone", "-q", "origin.git", "desk")
    git("-C", "desk", "config", "coord.gateFolder", str(root / "gates"))
    return root / "desk"


def _file(path: str, text: str) -> str:
    return f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"


if __name__ == "__main__":
    for row in measure(float(sys.argv[1]) if sys.argv[1:] else T):
        print(
            f"{row['name']}: {row['value']} {row['unit']} (limit {row['limit']}; {row['beside']}; {row['note']})"
        )
