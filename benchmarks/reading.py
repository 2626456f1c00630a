"""How long ``coord ready`` and ``list`` take, as multiples of ``python -c pass``.

Warm: one task file on main is another one at each call (so an answer cannot be replayed); cold: nothing under .git/coord.
Medians of interleaved pairs, so that what else the machine does falls on both.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PAIRS = 15
COMMANDS = (
    ("ready",),
    ("ready", "--json"),
    ("list",),
    ("list", "--json"),
)
WARM = {1_000: 2.5, 10_000: 8.0}
COLD = {1_000: 6.0}
#: How many files one folder holds, so that ids have folders as people give them.
_IN_A_FOLDER = 50

_PYTHON = sys.executable
_COORD = str(Path(sys.executable).with_name("coord"))
_SECTION = "What is to be done, and how one sees that it is: a paragraph of the length that people write. "


def measure() -> list[dict[str, object]]:
    """Return a row for each command: name, ratio, limit (None: no limit is stated)."""
    rows: list[dict[str, object]] = []
    warm: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count, limit in WARM.items():
            clone = _Clone(Path(scratch, str(count)), count)
            for command in COMMANDS:
                name = " ".join(command)
                warm[name, count] = ratio = clone.ratio(command, clone.change)
                rows.append({"name": f"{name}, {count:,} tasks, warm", "ratio": ratio, "limit": limit})
            for command in COMMANDS:
                ratio = clone.ratio(command, clone.forget, pairs=PAIRS if count in COLD else 5)
                name = f"{' '.join(command)}, {count:,} tasks, cold"
                rows.append({"name": name, "ratio": ratio, "limit": COLD.get(count)})
        for command in COMMANDS:
            name = " ".join(command)
            growth = warm[name, 10_000] / warm[name, 1_000]
            rows.append({"name": f"{name}, 10,000 against 1,000 tasks, warm", "ratio": growth, "limit": 10.0})
    return rows


class _Clone:
    """A clone of a bare origin with ``count`` tasks, each with up to three dependencies."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        self.count = count
        self.clone = root / "clone"
        self.environment = {
            name: v for name, v in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))
        }
        self.environment |= {"HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
        self._turn = 0
        root.mkdir(parents=True)
        (root / ".gitconfig").write_text("[user]\n\tname = Bench\n\temail = bench@example.com\n")
        self._git("init", "-q", "--bare", "-b", "main", str(root / "origin.git"), at=root)
        self._git("clone", "-q", str(root / "origin.git"), str(self.clone), at=root)
        for number in range(count):
            path = self.clone / "tasks" / f"{_id(number)}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_text(number, count))
        (self.clone / ".coord.toml").write_text('[project]\ntasks = "tasks"\n\n[gate]\nprofile = "python"\n')
        self._git("checkout", "-q", "-B", "main")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "tasks: write them")
        self._git("push", "-q", "origin", "main")
        self._git("remote", "set-head", "origin", "-a")
        self._git("gc", "-q")
        # An index as young as its files makes git read them all again: no clone stays like that for long.
        time.sleep(1.1)
        self._git("read-tree", "HEAD")
        self._git("update-index", "-q", "--refresh")

    def ratio(self, command: tuple[str, ...], before: Callable[[], None], pairs: int = PAIRS) -> float:
        """Return the median time of ``coord command`` over that of Python doing nothing."""
        self._time([_COORD, *command])
        ours, theirs = [], []
        for _ in range(pairs):
            before()
            ours.append(self._time([_COORD, *command]))
            theirs.append(self._time([_PYTHON, "-c", "pass"]))
        return statistics.median(ours) / statistics.median(theirs)

    def change(self) -> None:
        """Put another version of one task file on main as fetched."""
        self._turn += 1
        number = (self._turn * 37) % self.count
        text = _text(number, self.count) + f"\nChanged {self._turn}.\n"
        blob = self._git("hash-object", "-w", "--stdin", data=text)
        index = {"GIT_INDEX_FILE": str(self.root / "index")}
        self._git("read-tree", "refs/remotes/origin/main", env=index)
        self._git("update-index", "--cacheinfo", f"100644,{blob},tasks/{_id(number)}.md", env=index)
        tree = self._git("write-tree", env=index)
        commit = self._git("commit-tree", "-p", "refs/remotes/origin/main", "-m", "change one", tree)
        self._git("update-ref", "refs/remotes/origin/main", commit)

    def forget(self) -> None:
        """Take away what coord remembers."""
        shutil.rmtree(self.clone / ".git" / "coord", ignore_errors=True)

    def _time(self, command: list[str]) -> float:
        started = time.perf_counter()
        subprocess.run(command, cwd=self.clone, env=self.environment, capture_output=True, check=True)
        return time.perf_counter() - started

    def _git(
        self, *args: str, at: Path | None = None, data: str = "", env: dict[str, str] | None = None
    ) -> str:
        return subprocess.run(
            ["git", *args], cwd=at or self.clone, env=self.environment | (env or {}), input=data, text=True,
            capture_output=True, check=True,
        ).stdout.strip()  # fmt: skip


def _id(number: int) -> str:
    return f"area-{number // _IN_A_FOLDER:03}/task-{number:05}"


def _text(number: int, count: int) -> str:
    needs = sorted({number * 7 // 11, number * 2 // 3, number - 1} - {number, -1})
    status = "completed" if number < count // 3 else "pending"
    lines = "".join(f"\n  - {_id(need)}" for need in needs) or " []"
    return (
        f"---\nid: {_id(number)}\nname: Do the work of number {number}\nstatus: {status}\ndepends_on:{lines}\n"
        "scope: narrow\nrisk: low\nimpact: component\nlevel: implementation\ntags: [bench, generated]\n---\n\n"
        f"## Description\n\n{_SECTION * 10}\n\n## Acceptance criteria\n\n- [ ] it works\n\n"
        "## Notes\n\n> To be filled by implementation\n\n## Summary\n\n> To be filled on completion\n"
    )


def main() -> int:
    """Print the table and return 1 when a limit is passed."""
    failed = False
    for row in measure():
        ratio, limit = float(str(row["ratio"])), row["limit"]
        over = limit is not None and ratio > float(str(limit))
        failed = failed or over
        said = "" if limit is None else f"limit {limit:g}" + (" PASSED" if over else "")  # type: ignore[str-format]
        print(f"{row['name']:<52} {ratio:6.2f}  {said}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
