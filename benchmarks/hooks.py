"""What the hooks cost: ``git commit`` and ``git push`` with them, beside the same without and beside hook managers.

    python -m benchmarks hooks

prek and the pre-commit framework get the least work that does the same: one ``language: system`` hook, the one question to
git that coord's shim asks. Each side has a clone of its own; a push goes to a fresh copy of its server each time.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import (
    Row,
    beside_python,
    coord,
    git,
    in_milliseconds,
    main,
    ratio,
    rounds,
    row,
    run,
    scratch_home,
    seconds,
)  # fmt: skip

_COMMITS = 31
_PUSHES = 21
_FILES = 1000

#: What the hook managers run.
_MANAGED = """repos:
  - repo: local
    hooks:
      - id: tasks
        name: task files change on main only
        language: system
        entry: git diff --cached --quiet -- tasks
        pass_filenames: false
        always_run: true
"""


def measure() -> list[Row]:
    """Return the figures of commits and pushes."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as name:
        folder = Path(name)
        with scratch_home(folder):
            origin = _origin(folder)
            return [*_commits(folder / "commits", origin), *_pushes(folder / "pushes", origin)]


def _origin(folder: Path) -> Path:
    """Make a bare repository with a task folder and some hundred files."""
    origin, seed = folder / "origin.git", folder / "seed"
    git("init", "-q", "--bare", origin, at=folder)
    git("clone", "-q", origin, seed, at=folder)
    for number in range(_FILES):
        path = seed / f"src/m{number % 10}/f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    (seed / "tasks").mkdir()
    (seed / "tasks/a.md").write_text("---\nid: a\nname: Do a\nstatus: pending\ndepends_on: []\n---\n")
    (seed / ".coord.toml").write_text('[gate]\nprofile = "none"\n')
    (seed / ".pre-commit-config.yaml").write_text(_MANAGED)
    git("add", "-A", at=seed)
    git("commit", "-qm", "seed", at=seed)
    git("push", "-q", "origin", "HEAD:main", at=seed)
    return origin


def _clone(origin: Path, folder: Path) -> Path:
    git("clone", "-q", origin, folder, at=origin.parent)
    git("checkout", "-q", "-b", "feat/a", at=folder)
    return folder


# -- commits -------------------------------------------------------------------------------------------------------


def _commits(folder: Path, origin: Path) -> list[Row]:
    folder.mkdir()
    plain, ours = _clone(origin, folder / "plain"), _clone(origin, folder / "coord")
    coord("hooks", "install", at=ours)
    sides = {"no hook": _committing(plain), "coord": _committing(ours)}
    absent = []
    for manager in ("prek", "pre-commit"):
        program = beside_python(manager)
        if program is None:
            absent.append(manager)
            continue
        clone = _clone(origin, folder / manager)
        run(program, "install", at=clone)
        sides[manager] = _committing(clone)
    taken = rounds(sides, _COMMITS, warm_up=3)
    rows = [
        row(
            "git commit, nothing under the task folder",
            ratio(taken, "coord", "no hook"),
            limit=1.55,
            beside="no hook",
            note=in_milliseconds(taken, "coord", "no hook"),
        )
    ]
    for manager, limit in (("prek", 0.55), ("pre-commit", 0.08)):
        if manager in absent:
            rows.append(
                row("the same", None, limit=limit, beside=manager, note=f"{manager} is not installed")
            )
            continue
        note = in_milliseconds(taken, manager)
        rows.append(row("the same", ratio(taken, "coord", manager), limit=limit, beside=manager, note=note))
    return rows


def _committing(clone: Path) -> Callable[[], float]:
    """Return a side of the rounds: one commit of one changed file, of which ``git commit`` is timed."""
    made = 0

    def commit() -> float:
        nonlocal made
        made += 1
        (clone / "src/m0/f0.txt").write_text(f"change {made}\n")
        git("add", "-A", at=clone)
        return seconds(lambda: git("commit", "-qm", f"change {made}", at=clone))

    return commit


# -- pushes --------------------------------------------------------------------------------------------------------


def _pushes(folder: Path, origin: Path) -> list[Row]:
    folder.mkdir()
    rows = []
    for name, branches, commits in (("1 commit", 1, 1), ("1,000 commits", 1, 1000), ("100 branches", 100, 1)):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        sides = {}
        for side in ("no hook", "coord"):
            (place / side).mkdir()
            sides[side] = _pushing(place / side, origin, branches, commits, hooked=side == "coord")
        taken = rounds(sides, _PUSHES)
        rows.append(
            row(
                f"git push of {name}, hooks of client and server",
                ratio(taken, "coord", "no hook"),
                limit=1.3,
                beside="no hook",
                note=in_milliseconds(taken, "coord", "no hook"),
            )
        )
    return rows


def _pushing(place: Path, origin: Path, branches: int, commits: int, *, hooked: bool) -> Callable[[], float]:
    """Return a side of the rounds: a push of new branches to a fresh copy of a server.

    The branches belong to no task, so that the landing which the server starts finds nothing to land; it is waited for
    before the next round all the same.
    """
    template, server, client = place / "template.git", place / "server.git", place / "client"
    shutil.copytree(origin, template)
    git("clone", "-q", template, client, at=place)
    git("remote", "set-url", "origin", server, at=client)
    git("fast-import", "--quiet", at=client, data=_history(client, branches, commits))
    git("checkout", "-q", "feat/p0", at=client)
    if hooked:
        coord("init", "--server", template, at=place)
        coord("-C", template, "land", at=place)  # a server that has been at work
        coord("hooks", "install", at=client)
    # A task branch pushes itself; several are pushed from elsewhere (its own hook refuses the others).
    what = ["feat/p0"] if branches == 1 else ["refs/heads/feat/*:refs/heads/feat/*"]
    if branches > 1:
        git("checkout", "-q", "--detach", at=client)

    def push() -> float:
        shutil.rmtree(server, ignore_errors=True)
        shutil.copytree(template, server)
        refs = git("for-each-ref", "--format=delete %(refname)", "refs/remotes/origin/feat", at=client)
        git("update-ref", "--stdin", at=client, data=refs + "\n" if refs else "")
        took = seconds(lambda: git("push", "-q", "origin", *what, at=client))
        _until_idle(server)
        return took

    return push


def _history(client: Path, branches: int, commits: int) -> str:
    start = git("rev-parse", "origin/main", at=client)
    parts = []
    for branch in range(branches):
        for number in range(commits):
            path = f"src/m{number % 10}/f{number % _FILES}.txt" if branches == 1 else f"src/new{branch}.txt"
            words = f"work {number}\n"
            parts.append(
                f"commit refs/heads/feat/p{branch}\n"
                f"committer Bench <bench@example.com> {1_700_000_000 + number} +0000\n"
                f"data {len(words)}\n{words}" + (f"from {start}\n" if number == 0 else "")
                + f"M 100644 inline {path}\ndata {len(words) + 2}\n{branch % 10} {words}\n"
            )  # fmt: skip
    return "".join(parts)


def _until_idle(server: Path) -> None:
    """Wait until the landing that a push has started on the server is over."""
    deadline = time.monotonic() + 120
    while (server / "coord/wake").exists() or _is_draining(server):
        if time.monotonic() > deadline:
            raise RuntimeError(f"a landing in {server} does not end")
        time.sleep(0.02)


def _is_draining(server: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"--drain" in words and (process / "cwd").readlink() == server:
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    sys.exit(main(measure))
