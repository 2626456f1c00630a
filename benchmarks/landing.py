"""Landing beside the plain shell sequence: a local bare origin, a validator that runs nothing.

The plain sequence a branch: fetch, checkout, merge, push, edit the task file and commit it, push, push --delete.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coord import reconcile
from coord.workspace import open_workspace

CONFIG = '[gate]\nprofile = "none"\n'


def git(folder: Path, *args: str, data: str | None = None) -> str:
    """Run git and return what it printed."""
    ended = subprocess.run(
        ["git", "-C", str(folder), *args], input=data, capture_output=True, text=True, check=True
    )
    return ended.stdout


def build(root: Path, files: int, branches: int) -> Path:
    """Make a bare origin with ``files`` files, a task for each branch, and the branches; return it."""
    origin = root / "template.git"
    git(root, "init", "-q", "--bare", "-b", "main", str(origin))
    lines = []
    mark = 0

    def blob(text: str) -> int:
        nonlocal mark
        mark += 1
        lines.append(f"blob\nmark :{mark}\ndata {len(text)}\n{text}\n")
        return mark

    changes = []
    for number in range(files):
        content = blob("".join(f"line {line} of {number}\n" for line in range(20)))
        changes.append(f"M 100644 :{content} src/d{number // 50:04d}/f{number:05d}.txt")
    for number in range(branches):
        task = (
            f"---\nid: t{number:04d}\nname: Task {number}\nstatus: pending\ndepends_on: []\n---\n\n"
            "## Description\n\nDo it.\n\n## Summary\n\n> To be filled on completion\n"
        )
        changes.append(f"M 100644 :{blob(task)} tasks/t{number:04d}.md")
    changes.append(f"M 100644 :{blob(CONFIG)} .coord.toml")
    who = "A <a@example.com>"
    lines.append(
        f"commit refs/heads/main\nmark :{mark + 1}\ncommitter {who} 1700000000 +0000\ndata 4\nseed\n"
    )
    lines += [change + "\n" for change in changes]
    main = mark + 1
    mark += 1
    for number in range(branches):
        content = blob(f"changed by {number}\n")
        added = blob(f"added by {number}\n")
        where = number * max(1, files // max(1, branches)) % files
        mark += 1
        lines.append(
            f"commit refs/heads/feat/t{number:04d}\nmark :{mark}\ncommitter {who} {1700000100 + number} +0000\n"
            f"data 4\nwork\nfrom :{main}\nM 100644 :{content} src/d{where // 50:04d}/f{where:05d}.txt\n"
            f"M 100644 :{added} src/d{where // 50:04d}/n{number:05d}.txt\n\n"
        )
    git(origin, "fast-import", "--quiet", data="".join(lines))
    git(origin, "repack", "-adq")
    return origin


def clone(origin: Path, root: Path, name: str) -> Path:
    """Copy the origin and clone the copy; return the clone."""
    own = root / f"{name}.git"
    shutil.copytree(origin, own)
    desk = root / name
    git(root, "clone", "-q", str(own), str(desk))
    git(desk, "config", "user.name", "A")
    git(desk, "config", "user.email", "a@example.com")
    git(desk, "config", "coord.gateFolder", str(root / "gates"))
    return desk


def plainly(desk: Path, branches: range) -> float:
    """Land by the shell sequence; return seconds a branch."""
    started = time.perf_counter()
    for number in branches:
        name = f"t{number:04d}"
        script = (
            f"set -e; git fetch -q; git checkout -q main; git merge -q --no-ff -m 'Merge {name}' origin/feat/{name}; "
            f"git push -q origin main; sed -i 's/^status: .*/status: completed/' tasks/{name}.md; "
            f"git commit -qam 'chore: {name}'; git push -q origin main; git push -q origin --delete feat/{name}"
        )
        subprocess.run(["sh", "-c", script], cwd=desk, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) / len(branches)


def with_coord(desk: Path, branches: range, group: int) -> float:
    """Land in one run of coord that publishes at most ``group`` branches a push; return seconds a branch."""
    tasks = [f"t{number:04d}" for number in branches]
    started = time.perf_counter()
    report = reconcile.land(open_workspace(desk), tasks, here=desk, show=lambda _line: None, group=group)
    seconds = time.perf_counter() - started
    assert all(outcome.result == "landed" for outcome in report.outcomes), report
    return seconds / len(branches)


def as_command(desk: Path, branches: range) -> float:
    """Land each branch by a command of its own; return seconds a branch."""
    started = time.perf_counter()
    for number in branches:
        subprocess.run(
            [sys.executable, "-m", "coord", "-C", str(desk), "land", f"t{number:04d}"],
            check=True,
            capture_output=True,
        )
    return (time.perf_counter() - started) / len(branches)


def measure(files: int = 5000) -> list[dict[str, object]]:
    """Return the figures, ratios from rounds in which each way takes its turn."""
    root = Path(tempfile.mkdtemp(prefix="coord-bench-"))
    rounds = 5
    ratios: dict[str, list[float]] = {"one": [], "group": [], "command": []}
    try:
        os.environ["HOME"] = str(root)
        one, many = build_at(root / "one", files, 12), build_at(root / "many", files, 200)
        for number in range(rounds):
            desks = [clone(one, root, f"{way}{number}") for way in ("plain", "one", "command")]
            plain = plainly(desks[0], range(12))
            ratios["one"].append(with_coord(desks[1], range(12), 1) / plain)
            ratios["command"].append(as_command(desks[2], range(12)) / plain)
            desk = clone(many, root, f"group{number}")
            ratios["group"].append(with_coord(desk, range(200), 256) / plain)
    finally:
        shutil.rmtree(root)
    beside = "fetch, checkout, merge, push, edit and commit the task file, push, push --delete"
    return [
        {"name": name, "value": statistics.median(ratios[key]), "unit": "ratio", "limit": limit, "beside": beside,
         "note": f"a branch, {files:,} files, profile none, local bare origin; median of {rounds} rounds"}
        for name, key, limit in (
            ("landing one at a time, in one run", "one", 0.3),
            ("landing 200 waiting branches, published in groups", "group", 0.08),
            ("landing one at a time, a command each", "command", None),
        )
    ]  # fmt: skip


def build_at(root: Path, files: int, branches: int) -> Path:
    """Make a folder and an origin in it."""
    root.mkdir()
    return build(root, files, branches)


if __name__ == "__main__":
    for row in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5000):
        print(f"{row['name']}: {row['value']:.3f} (at most {row['limit']})")
