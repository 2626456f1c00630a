"""Checks of what main says about its tasks: statuses that do not fit the facts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from coord.core.journal import FastForwarded, MergedByHand
from coord.core.settings import Settings
from coord.core.signal import trailers
from coord.core.task import Status
from coord.core.text import few
from coord.core.verdict import VERDICTS
from coord.doctor.finding import Finding, Place, Severity

#: What git and GitHub write as the subject of a merge made by hand. It only makes a proposal, it decides nothing.
_MERGED = re.compile(r"Merge (?:remote-tracking )?branch '([^']+)'|Merge pull request #\d+ from (\S+)")


def landed_not_completed(place: Place) -> Iterator[Finding]:
    """Say which tasks have landed and are not completed: merged before coord was there, or reopened by a person."""
    if place.view is None:
        return
    graph = place.view.snapshot.graph
    live = {branch.task for branch in place.view.snapshot.branches}
    merged = _merged(place, place.view.snapshot.settings)
    found = [
        task.id
        for task in graph.tasks
        if task.id in merged and task.id not in live and task.status is not Status.COMPLETED
    ]
    if found:
        command = f"coord complete {shlex.join(found)} -m {shlex.quote('merged before')}"
        named = few((f"{task} ({merged[task][:7]})" for task in found), 5)
        told = f"merged to main and not completed: {named}; if reopened on purpose, push a new branch"
        yield Finding(Severity.WARNING, " ".join(found), told, command)


def _merged(place: Place, settings: Settings) -> dict[str, str]:
    """Return the tasks that first-parent merges brought to main and nobody reverted, with the merge."""
    main = place.workspace.main_tip or ""
    git = place.workspace.git
    undone = {
        oid
        for _, message in git.ancestry.mentioning("This reverts commit ", main)
        for oid in re.findall(r"^This reverts commit ([0-9a-f]{40,64})\b", message, re.MULTILINE)
    }
    found: dict[str, str] = {}
    for commit in git.first_parents(main):
        if len(commit.parents) < 2 or undone.intersection((commit.oid, *commit.parents[1:])):
            continue
        task = trailers(commit.message).get("Coord-Task") or _task_in(commit.subject, settings)
        if task:
            found.setdefault(task, commit.oid)
    return found


def _task_in(subject: str, settings: Settings) -> str | None:
    match = _MERGED.match(subject)
    branch = (match[1] or match[2]) if match else ""
    names = (branch, branch.partition("/")[2])
    return next((task for name in names if (task := settings.task_of(name))), None)


def open_dependencies(place: Place) -> Iterator[Finding]:
    """Say which tasks were completed before what they need; work under way on that is not to be completed by word."""
    graph = place.view.snapshot.graph if place.view else None
    live = {branch.task: branch.name for branch in place.view.snapshot.branches} if place.view else {}
    for task in graph.tasks if graph else ():
        unmet = [need.id for need in graph.unmet(task.id)] if graph and task.is_completed else []
        # One that is completed, and unmet by a circle or by its file, is no matter of its status.
        known = [need for need in unmet if graph and (other := graph.get(need)) and not other.is_completed]
        if known:
            under_way = [need for need in known if need in live]
            told = f"completed, and {', '.join(known)} {'is' if len(known) == 1 else 'are'} not"
            told += f" ({', '.join(live[need] for need in under_way)} has not landed)" if under_way else ""
            command = (
                f"coord why {shlex.quote(under_way[0])}"
                if under_way
                else f"coord complete {shlex.join(known)}"
            )
            yield Finding(Severity.WARNING, task.id, told, command)


def blocked_without_verdict(place: Place) -> Iterator[Finding]:
    if place.view is None:
        return
    snapshot = place.view.snapshot
    for task in snapshot.graph.tasks:
        ruling = snapshot.ruling(task.id)
        if task.status is Status.BLOCKED and (ruling is None or not ruling.verdict.stops):
            told = f"blocked, and no verdict ({VERDICTS}{task.id}) tells why"
            yield Finding(Severity.WARNING, task.id, told, f"coord unblock {shlex.quote(task.id)}")


def verdict_without_block(place: Place) -> Iterator[Finding]:
    """Say where a verdict stops a tip while main does not call the task blocked: somebody edited the file."""
    if place.view is None:
        return
    snapshot = place.view.snapshot
    for ruling in snapshot.rulings:
        task = snapshot.graph.get(ruling.verdict.task)
        stopped = [
            b for b in snapshot.branches if (b.task, b.tip) == (ruling.verdict.task, ruling.verdict.tip)
        ]
        if task and stopped and ruling.verdict.stops and task.status is not Status.BLOCKED:
            told = f"{task.status}, and a verdict stops its branch: {ruling.verdict.reason}"
            yield Finding(Severity.WARNING, task.id, told, f"coord unblock {shlex.quote(task.id)}")


def merged_by_hand(place: Place) -> Iterator[Finding]:
    for branch in place.view.snapshot.branches if place.view else ():
        task = place.view.snapshot.graph.get(branch.task) if place.view else None
        if isinstance(branch.standing, MergedByHand | FastForwarded) and task and not task.is_completed:
            told = f"{branch.name} was brought to main by hand; landing completes its task"
            yield Finding(Severity.WARNING, branch.task, told, f"coord land {shlex.quote(branch.task)}")
