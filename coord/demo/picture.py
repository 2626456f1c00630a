"""The picture at the end: read from the repositories that the demo leaves, and compared with what it should be.

Nothing here remembers what the show did, but for the words of a hook, which leave no trace in git.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.verdict import VERDICT_FILE, VERDICTS, Verdict, decode
from coord.demo.cast import AGENTS, UNLOCKED, WAITING
from coord.demo.stage import Stage

_TRAILER = "%(trailers:key={},valueonly,separator=%x20)"

#: The fields of one step of main.
_FORMAT = "%x00".join(("%h", "%s", "%T", _TRAILER.format("Coord-Task"), _TRAILER.format("Coord-Gate")))


@dataclass(frozen=True, slots=True)
class Step:
    """A first-parent commit of main. ``gate`` is the profile that passed, empty when none is named; ``exact`` says
    that it passed on this very tree."""

    commit: str
    subject: str
    task: str
    gate: str
    exact: bool


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task as main states it, and the tasks it waits for."""

    id: str
    name: str
    status: str
    ready: bool
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What the repositories hold: main (newest first), the tasks, the verdicts, the origin's task branches and the
    worktrees that are left; and what hooks refused."""

    steps: tuple[Step, ...]
    tasks: tuple[TaskLine, ...]
    verdicts: tuple[Verdict, ...]
    branches: tuple[str, ...]
    worktrees: Mapping[str, Path]
    refused: Mapping[str, str]

    def landed_in(self, task: str) -> Step | None:
        """Return the step that landed a task's branch."""
        return next((step for step in self.steps if step.task == task and step.gate), None)

    def verdict(self, task: str) -> Verdict | None:
        """Return what stops a task's branch."""
        return next((verdict for verdict in self.verdicts if verdict.task == task), None)


# -- reading -------------------------------------------------------------------------------------------------------


def look(stage: Stage, refused: Mapping[str, str]) -> Picture:
    """Read the picture from the origin and the clone."""
    heads = stage.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/feat/", at=stage.origin)
    return Picture(
        _steps(stage), _tasks(stage), _verdicts(stage), tuple(heads.out.split()), _worktrees(stage), refused
    )


def _steps(stage: Stage) -> tuple[Step, ...]:
    log = stage.git("log", "--first-parent", f"--format={_FORMAT}", "main", at=stage.origin).out
    return tuple(_step(*line.split("\0")) for line in log.splitlines())


def _step(commit: str, subject: str, tree: str, task: str, gate: str) -> Step:
    profile, _, judged = gate.partition(" ")
    return Step(commit, subject, task, profile, judged == tree)


def _tasks(stage: Stage) -> tuple[TaskLine, ...]:
    tasks = json.loads(stage.coord("list", "--fetch", "--json").out)["data"]["tasks"]
    waiting = json.loads(stage.coord("ready", "--json").out)["data"]["waiting"]
    waits = {row["id"]: tuple(row["on"]) for row in waiting}
    return tuple(
        TaskLine(task["id"], task["name"], task["status"], task["ready"], waits.get(task["id"], ()))
        for task in tasks
    )


def _verdicts(stage: Stage) -> tuple[Verdict, ...]:
    refs = stage.git("for-each-ref", "--format=%(refname)", VERDICTS, at=stage.origin).out.split()
    texts = (stage.git("show", f"{ref}:{VERDICT_FILE}", at=stage.origin).out for ref in refs)
    return tuple(verdict for text in texts if (verdict := decode(text.encode())))


def _worktrees(stage: Stage) -> dict[str, Path]:
    listed = stage.git("worktree", "list", "--porcelain", "-z").out
    found = {}
    for block in filter(None, listed.split("\0\0")):
        fields = dict(line.partition(" ")[::2] for line in block.strip("\0").split("\0"))
        branch = fields.get("branch", "").removeprefix("refs/heads/")
        if branch.startswith("feat/"):
            found[branch] = Path(fields["worktree"]).relative_to(stage.clone)
    return found


# -- checking ------------------------------------------------------------------------------------------------------


def differences(picture: Picture) -> list[str]:
    """Return how the picture differs from what it should be, in words; empty when it is right."""
    pairs = [*_statuses(picture), *_refs(picture)]
    wrong = [f"{what} is {found}, and should be {right}" for what, found, right in pairs if found != right]
    wrong += [f"{s.commit} was not validated as this tree" for s in picture.steps if s.gate and not s.exact]
    return wrong + [
        f"{agent.task}: the hook refused nothing"
        for agent in AGENTS
        if agent.oversteps and "refused" not in picture.refused.get(agent.task, "")
    ]


_Pair = tuple[str, object, object]


def _statuses(picture: Picture) -> list[_Pair]:
    found = {task.id: task for task in picture.tasks}
    pairs: list[_Pair] = [
        (f"the status of {agent.task}", found[agent.task].status, "blocked" if agent.verdict else "completed")
        for agent in AGENTS
    ]
    pairs += [(f"{task} ready to start", found[task].ready, True) for task in UNLOCKED]
    return pairs + [(f"{task} waiting", bool(found[task].waits_for), True) for task in WAITING]


def _refs(picture: Picture) -> list[_Pair]:
    landed = {agent.task for agent in AGENTS if agent.verdict is None}
    stopped = {agent.task: agent.verdict for agent in AGENTS if agent.verdict}
    branches = sorted(f"feat/{task}" for task in stopped)
    return [
        ("what landed on main", sorted(s.task for s in picture.steps if s.gate), sorted(landed)),
        ("what was stopped", {verdict.task: verdict.kind for verdict in picture.verdicts}, stopped),
        ("the list of branches left", sorted(picture.branches), branches),
        ("the list of worktrees left", sorted(picture.worktrees), branches),
    ]
