"""What the repository looks like once a push of ours has been taken, without asking git for it.

The next trial can then be made, and its validation started, while the push is still on its way. Where anything else
could follow from the landing, there is no answer, and the repository is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from coord.core.answer import RefUpdate
from coord.core.snapshot import TaskBranch
from coord.core.trial import GatedTrial
from coord.core.verdict import VerdictKind
from coord.observe import View
from coord.taskfolder import read_tasks_at
from coord.workspace import Workspace


def after_publish(
    workspace: Workspace,
    view: View,
    trials: Sequence[GatedTrial],
    landed: Sequence[TaskBranch],
    updates: Sequence[RefUpdate],
) -> View | None:
    """Return the view after ``landed`` were published, equal to what observing would give; None when that has to be
    looked at: settings changed, a branch holds commits of one that landed or reverts something, a conflict may be
    overtaken, a claim has expired."""
    snapshot, objects = view.snapshot, workspace.git.objects
    steps = [gated.trial for gated in trials]
    base = steps[-1].commit
    gone = {branch.name for branch in landed}
    tasks_gone = {branch.task for branch in landed}
    left = tuple(branch for branch in snapshot.branches if branch.name not in gone)
    commits = frozenset(oid for branch in landed for oid in branch.commits)
    moved = {update.ref: update.new for update in updates}
    rulings = tuple(ruling for ruling in snapshot.rulings if ruling.ref not in moved)
    if any(
        branch.task in tasks_gone or not commits.isdisjoint((*branch.commits, branch.tip)) for branch in left
    ):
        return None
    if workspace.hosting.has_pulls:
        return None  # the branches stay until the forge has seen their landing: the sweep comes next
    if any(branch.reverts for branch in landed) or any(c.expires <= time.time() for c in snapshot.claims):
        return None
    if any(ruling.verdict.kind is VerdictKind.CONFLICT for ruling in rulings):
        return None
    if workspace.settings_files(snapshot.base) != workspace.settings_files(base):
        return None
    tasks = read_tasks_at(workspace, base, snapshot.settings)
    coord_refs = {name: oid for name, oid in view.coord_refs.items() if name not in moved}
    coord_refs |= {ref: new for ref, new in moved.items() if new and ref.startswith("refs/coord/")}
    singles = [part for step in steps for part in (step.parts or (step,))]
    return replace(
        view,
        snapshot=replace(
            snapshot,
            base=base,
            at=max(int(time.time()), objects.commit(base).committed),
            graph=tasks.graph,
            branches=left,
            rulings=rulings,
            approvals=tuple(mark for mark in snapshot.approvals if mark.ref not in moved),
            claims=tuple(claim for claim in snapshot.claims if claim.ref not in moved),
            debris=tuple(mark for mark in snapshot.debris if mark.ref not in moved),
        ),
        tasks=tasks,
        coord_refs=dict(sorted(coord_refs.items())),
        on_chain=view.on_chain.union(step.commit for step in steps),
        landed_in=view.landed_in | {part.task: part.commit for part in singles},
    )
