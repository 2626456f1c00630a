"""Sweeping: deleting branches that main contains, there and here, and refs that belong to nothing any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from coord.core.action import Sweep
from coord.core.answer import Pushed, RefUpdate, Rejected, Stale
from coord.core.pull import Pull
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.trial import Found, ServerRefused
from coord.errors import RefusedError
from coord.forges.base import Forge
from coord.observe import View
from coord.outcome import Learned, Moved, OneByOne, Outcome, Raced, Site
from coord.publishing import ended, main_update, push
from coord.workspace import Workspace
from coord.worktrees.tidying import Kept, Removed, tidy

#: Seconds within which a forge shows that a pull request is merged: it does so within moments, mostly.
_SEEN_WITHIN = 30.0


def sweep(site: Site, view: View, action: Sweep) -> Outcome:
    """Delete what main contains; on a forge, only once that is seen there."""
    kept = _kept(site, view, action.branches)
    base = view.snapshot.base
    found = tuple(
        Found(base, (b.tip,), ServerRefused(kept[b.name])) for b in action.branches if b.name in kept
    )
    left = tuple(branch for branch in action.branches if branch.name not in kept)
    if not left and not action.marks:
        return Learned(found)
    match _sweep_seen(site, view, replace(action, branches=left)):
        case (Moved() | Learned()) as outcome:
            return replace(outcome, found=(*outcome.found, *found))
        case other:
            return other


def _kept(site: Site, view: View, branches: Sequence[TaskBranch]) -> Mapping[str, str]:
    """Return the branches that are not to be deleted yet, each with why: the forge does not show them as merged.

    Deleted before that, a pull request counts as closed without its work, for good.
    """
    hosting = site.workspace.hosting
    if not hosting.has_pulls:
        return {}
    if hosting.forge is None:
        words = "its branch is swept by the next run, when GitHub has seen that main contains it"
        return {branch.name: words for branch in branches if branch.name in site.kept}
    names = {branch.name for branch in branches}
    pulls = [pull for pull in view.snapshot.pulls if pull.branch in names]
    here = [pull for pull in pulls if pull.base == site.workspace.main]
    # What main contains does not end a pull request onto another branch: nobody needs to wait for that.
    kept = {
        pull.branch: f"#{pull.number} asks for it to be merged into {pull.base}: its branch stays until that is closed"
        for pull in pulls
        if pull.base != site.workspace.main
    }
    try:
        seen = _seen(site, hosting.forge, here)
    except RefusedError as refused:
        return {branch.name: refused.message for branch in branches}
    kept |= {
        pull.branch: f"GitHub does not show #{pull.number} as merged yet: the next run sweeps its branch"
        for pull in here
        if pull.number not in seen
    }
    return {**kept, **_retarget(site, hosting.forge, view, names - kept.keys())}


def _seen(site: Site, forge: Forge, pulls: Sequence[Pull]) -> frozenset[int]:
    patience = min(_SEEN_WITHIN, site.workspace.git.patience)
    return forge.wait_until_merged([pull.number for pull in pulls], patience) if pulls else frozenset()


def _retarget(site: Site, forge: Forge, view: View, gone: Set[str]) -> Mapping[str, str]:
    """Point at main what would be merged into a branch that goes: it would be closed with it. Return the branches that
    have to stay because the forge does not take that, each with why."""
    kept = {}
    for pull in view.snapshot.pulls:
        if pull.base in gone and pull.branch not in gone:
            try:
                forge.retarget(pull.number, site.workspace.main)
            except RefusedError as refused:
                kept[pull.base] = refused.message
    return kept


def _sweep_seen(site: Site, view: View, action: Sweep) -> Outcome:
    remarks = tuple(f"swept {branch.name}: main contains {branch.tip[:7]}" for branch in action.branches)
    updates = {branch.tip: RefUpdate(branch.ref, branch.tip, None) for branch in action.branches}
    updates |= {mark.oid: RefUpdate(mark.ref, mark.oid, None) for mark in action.marks}
    outcome = ended(
        site,
        view,
        [main_update(site.workspace, view), *updates.values()],
        action.branches,
        Moved((), remarks),
    )
    if isinstance(outcome, Learned | OneByOne) and len(updates) > 1:
        return _sweep_one_by_one(site, view, updates)
    if isinstance(outcome, Learned):
        refused = outcome.found[0].finding if outcome.found else ServerRefused("")
        return Learned(tuple(Found(view.snapshot.base, (oid,), refused) for oid in updates))
    return outcome


def _sweep_one_by_one(site: Site, view: View, updates: dict[str, RefUpdate]) -> Outcome:
    """Sweep what the remote allows; one protected branch must not keep the others."""
    found, moved = [], []
    for oid, update in updates.items():
        match push(site.workspace, [main_update(site.workspace, view), update]):
            case Rejected(words):
                found.append(Found(view.snapshot.base, (oid,), ServerRefused(words)))
            case Stale(ref, lock):
                return Raced(ref, (), lock)
            case Pushed():
                moved.append(update)
    return Moved(found=tuple(found), updates=tuple(moved))


# -- what lies here --------------------------------------------------------------------------------------------------


def _is_over(snapshot: Snapshot, branch: str) -> bool:
    """Say whether a branch's task is over; one that starts on the landed commits of another is not."""
    task_id = snapshot.settings.task_of(branch)
    task = snapshot.graph.get(task_id) if task_id else None
    return task_id is not None and (task is None or task.is_completed)


def tidy_local(workspace: Workspace, view: View, here: Path) -> list[str]:
    """Remove local branches and worktrees of what has landed, and return what was removed or kept.

    Judged by what git says now, not by what this run did, so that a killed run's leftovers go as well: a task branch
    that the remote no longer has and whose tip main contains off its first-parent chain (so it once held work).
    """
    if workspace.remote is None:
        return []
    live = {branch.name for branch in view.snapshot.branches} | {s.name for s in view.snapshot.strangers}
    remarks = []
    for ref in workspace.git.contained_heads(view.snapshot.base):
        branch = ref.name.removeprefix("refs/heads/")
        if branch in live or ref.oid in view.on_chain or not _is_over(view.snapshot, branch):
            continue
        match tidy(workspace, branch, ref.oid, here=here):
            case Removed(name, path):
                remarks.append(
                    f"removed the local branch {name}" + (f" and its worktree {path}" if path else "")
                )
            case Kept(name, path, why):
                remarks.append(f"kept the local branch {name}" + (f" ({path})" if path else "") + f": {why}")
    return remarks
