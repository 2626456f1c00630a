"""``coord doctor --fix``: what can be mended without a decision, and without deleting anything main does not contain."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coord.apply import apply
from coord.core.action import Sweep
from coord.core.plan import next_action
from coord.doctor.finding import Place
from coord.doctor.leftovers import stale_locks
from coord.errors import CoordError
from coord.freshness import fetch
from coord.observe import observe
from coord.outcome import Moved, Raced
from coord.shims import State, elsewhere, look, plan_install
from coord.site import open_site
from coord.sweeping import tidy_local
from coord.worktrees.ports import free_stale


@dataclass(frozen=True, slots=True)
class Mend:
    """A row of the table: what is mended, and how; it yields a line for everything done or left."""

    name: str
    do: Callable[[Place], Iterator[str]]


def mend(place: Place) -> Iterator[str]:
    """Mend what is safe and yield what was done, and what was left and why."""
    for each in MENDS:
        try:
            yield from each.do(place)
        except (CoordError, OSError) as error:
            yield f"left {each.name}: {error}"


def _locks(place: Place) -> Iterator[str]:
    for lock in stale_locks(place.workspace.common, place.now):
        if _git_is_alive(place.workspace.common, place.workspace.top):
            yield f"left {lock}: a git process may be at work here"
            continue
        lock.unlink(missing_ok=True)
        yield f"removed {lock}"


def _git_is_alive(common: Path, top: Path) -> bool:
    """Say whether another git works in this repository; where processes cannot be seen, it may."""
    processes = Path("/proc")
    if not (processes / "self").exists():
        return True
    # What a reader of objects of our own does is known: it takes no lock.
    ours = {str(os.getpid())}
    for process in processes.iterdir():
        with contextlib.suppress(OSError):
            is_git = process.name.isdigit() and (process / "comm").read_text().startswith("git")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1] if is_git else ""
            if is_git and parent not in ours and _works_in((process / "cwd").readlink(), (common, top)):
                return True
    return False


def _works_in(folder: Path, roots: tuple[Path, ...]) -> bool:
    return any(folder == root or root in folder.parents for root in roots)


def _hooks(place: Place) -> Iterator[str]:
    workspace = place.workspace
    if elsewhere(workspace) or place.view is None:
        return
    project = workspace.settings.project
    if not any(found.state is State.OUT_OF_DATE for found in look(workspace, project)):
        return
    stale = {found.hook for found in look(workspace, project) if found.state is State.OUT_OF_DATE}
    for change in plan_install(workspace, project):
        if change.do and change.hook in stale:
            change.do()
            yield f"{change.hook}: {change.note}"


def _worktrees(place: Place) -> Iterator[str]:
    answer = place.workspace.git.run("worktree", "prune", "--verbose")
    yield from (line for line in (answer.text + answer.err).splitlines() if line)
    for lease in free_stale(place.workspace.state):
        yield f"gave back the ports of {lease.worktree}"


def _sweep(place: Place) -> Iterator[str]:
    """Sweep as the next landing would: each deletion under a lease, main named in the same push."""
    if place.view is None:
        return
    site = open_site(place.workspace, lambda _line: None)
    view = place.view
    while isinstance(action := next_action(view.snapshot), Sweep):
        outcome = apply(site, view, action)
        if not isinstance(outcome, Moved):
            yield f"left {action.reason}: " + (
                "it moved meanwhile" if isinstance(outcome, Raced) else "refused"
            )
            return
        yield f"swept: {action.reason}"
        if outcome.found:
            yield "left what the remote did not let go"
            return
        fetch(place.workspace)
        view = observe(place.workspace)
    yield from tidy_local(place.workspace, view, place.here)


MENDS: tuple[Mend, ...] = (
    Mend("lock files", _locks),
    Mend("hooks", _hooks),
    Mend("worktrees", _worktrees),
    Mend("branches", _sweep),
)
