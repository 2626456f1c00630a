"""What really happened to a repository, read by git alone: the truth that a story is held against."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.world import World


@dataclass(frozen=True)
class Told:
    """One thing that happened: what kind, to which task, in which commit (``""``: none), and the words that go with it."""

    kind: str
    task: str
    commit: str = ""
    tip: str = ""
    branch: str = ""
    reason: str = ""
    step: str = ""
    paths: tuple[str, ...] = ()
    batch: str = ""


@dataclass
class Present(World):
    """A world in which people commit about now, each a second after the one before: a seed is one story, however fast it is
    played."""

    clock: int = field(default_factory=lambda: int(time.time()) - 5000)

    def git(self, *args: str, **more: Any) -> str:
        self.clock -= 9
        return super().git(*args, **more)


@dataclass
class Record:
    """A world and the truth: ``decided`` is on every clone, ``marked`` what only the desk did and undid."""

    world: Present
    decided: list[Told] = field(default_factory=list)
    marked: list[Told] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._steps: set[str] = set()
        self._verdicts: set[str] = set()
        self._landings: list[Told] = []

    def chain(self) -> list[str]:
        return self.world.git("rev-list", "--first-parent", "--reverse", "main", at=self.world.origin).split()

    def _trailer(self, oid: str, key: str) -> str:
        return self.world.git(
            "log", "-1", f"--format=%(trailers:key={key},valueonly)", oid, at=self.world.origin
        ).strip()

    def _watch(self, act: str) -> None:
        """Write down the steps that main gained and the attempts that verdicts gained."""
        attempts = self._attempts()
        new = [oid for oid in self.chain() if oid not in self._steps]
        self._steps |= set(new)
        told: list[Told] = []
        for oid in new:
            told += self._of_step(oid)
        self._landings += [one for one in told if one.kind == "landed"]
        blocks = [one for one in told if one.kind == "blocked"]
        lifts = [one for one in told if one.kind == "unblocked"]
        for attempt in attempts:
            same = next((b for b in blocks if (b.task, b.tip) == (attempt.task, attempt.tip)), None)
            if same and attempt.kind in ("conflict", "gate-failed", "blocked"):
                blocks.remove(same)
                told[told.index(same)] = Told(
                    attempt.kind,
                    attempt.task,
                    same.commit,
                    attempt.tip,
                    attempt.branch,
                    attempt.reason,
                    attempt.step,
                    attempt.paths,
                )
            elif attempt.kind == "unblocked" and lifts:
                lift = lifts.pop(0)
                told[told.index(lift)] = Told(
                    "unblocked", attempt.task, lift.commit, attempt.tip, attempt.branch, attempt.reason
                )
            else:
                told.append(attempt)
        self.decided += told

    def _of_step(self, oid: str) -> list[Told]:
        git, at = self.world.git, self.world.origin
        subject = git("log", "-1", "--format=%s", oid, at=at)
        batch, task, tip = (self._trailer(oid, key) for key in ("Coord-Batch", "Coord-Task", "Coord-Tip"))
        if batch and not task:
            base, inner = git("log", "-1", "--format=%P", oid, at=at).split()
            parts = git("rev-list", "--first-parent", "--reverse", f"{base}..{inner}", at=at).split()
            return [Told(**{**asdict(one), "batch": oid}) for part in parts for one in self._of_step(part)]
        if not task:
            return []
        if subject.startswith("Merge "):
            branch = subject.partition("'")[2].rstrip("'")
            return [Told("landed", task, oid, tip, branch)]
        if subject.startswith("blocked("):
            return [Told("blocked", task, oid, tip, reason=subject.partition("): ")[2])]
        if subject.startswith("unblocked("):
            return [Told("unblocked", task, oid, tip, reason=subject.partition("): ")[2])]
        assert subject.startswith("chore: update task"), subject
        return [Told("completed", one, oid, tip) for one in task.split(", ")]

    def _attempts(self) -> list[Told]:
        git, at = self.world.git, self.world.origin
        refs = git(
            "for-each-ref", "--format=%(refname)", "refs/coord/verdicts/", "refs/coord/history/", at=at
        ).split()
        found = git("rev-list", "--reverse", "--topo-order", *refs, at=at).split() if refs else []
        told = []
        for oid in found:
            if oid in self._verdicts:
                continue
            self._verdicts.add(oid)
            said = json.loads(git("show", f"{oid}:verdict.json", at=at))
            paths = tuple(sorted(p["path"] for p in said.get("paths", [])))
            if said["kind"] in ("conflict", "gate-failed", "blocked", "retry", "unblocked"):
                told.append(
                    Told(
                        said["kind"],
                        said["task"],
                        oid,
                        said["tip"],
                        said["branch"],
                        said["reason"],
                        said.get("step", ""),
                        paths,
                    )
                )
        return told


def copy_of(world: World, root: Path) -> World:
    """Return a copy of a world that acts on itself alone."""
    shutil.copytree(world.root, root, symlinks=True)
    copy = World(root, world.clock, world.environment, world.expected)
    for clone in ("desk", "agent", "other"):
        if (root / clone).is_dir():
            copy.git("remote", "set-url", "origin", str(copy.origin), at=root / clone)
    return copy
