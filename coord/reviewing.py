"""Reviewing: what a review task goes by is gathered from main, the gate included."""

from __future__ import annotations

import shlex

from coord.core.objects import changed_paths
from coord.core.reviewtask import Checklist, GateFacts, GateResult, Reviewed, criteria
from coord.core.task import Task
from coord.core.text import one_line
from coord.core.trial import CouldNotRun
from coord.decision import the_task
from coord.errors import UsageError
from coord.gate import Failed, Judgement, Passed, judge
from coord.observe import View
from coord.outcome import Site


def review_of(view: View, word: str) -> Task:
    """Return the review task that ``word`` means. Raises UsageError when it is no review."""
    task = the_task(view, word)
    if task.level != "review":
        raise UsageError(
            f"{task.id} is no review task (its level is {one_line(task.level) or 'not said'})",
            hint=f"coord land {shlex.quote(task.id)} lands its branch; "
            f"coord complete {shlex.quote(task.id)} completes it by your own word",
        )
    return task


def gather(
    site: Site, view: View, task: Task, confirmed: frozenset[int] | None, *, gated: bool = True
) -> Checklist:
    """Return the checklist of a review as main stands; ``gated`` says whether the gate is asked.

    Raises UsageError when a number is confirmed that no criterion has.
    """
    unmet = {each.id: each.reason for each in view.snapshot.graph.unmet(task.id)}
    about = tuple(_reviewed(site, view, need, unmet.get(need, "")) for need in task.depends_on)
    gate = _gate(site, view) if gated else GateFacts()
    checklist = Checklist(_reviewed(site, view, task.id, ""), about, view.snapshot.base, gate, confirmed)
    beyond = sorted((confirmed or frozenset()) - {c.number for c in checklist.criteria})
    if beyond:
        raise UsageError(
            f"there is no criterion {beyond[0]}", hint=f"there are {len(checklist.criteria)}: --confirm all"
        )
    return checklist


def _reviewed(site: Site, view: View, id: str, unmet: str) -> Reviewed:
    task = view.snapshot.graph.get(id)
    if task is None:
        return Reviewed(id, "missing", open=unmet)
    landed = view.landed_in.get(id, "")
    return Reviewed(
        id,
        task.status.value,
        criteria(view.tasks.bytes_of(id)),
        unmet,
        landed,
        _protected(site, view, landed) if landed else (),
    )


def _protected(site: Site, view: View, landed: str) -> tuple[str, ...]:
    """Return the protected paths that a landing changed: somebody approved them, and a review looks at them again."""
    objects = site.workspace.git.objects
    commit = objects.commit(landed)
    base = objects.commit(commit.parents[0])
    changed = changed_paths(base.tree, commit.tree, objects.tree)
    return tuple(sorted(path for path in changed if view.snapshot.settings.is_protected(path)))


def _gate(site: Site, view: View) -> GateFacts:
    profile = site.choose_profile(view)
    subject = site.lines.main(view, profile)
    judgement = judge(subject, profile, site.room)
    tree = site.workspace.git.objects.commit(view.snapshot.base).tree
    return _facts(judgement, profile.name, tuple(map(shlex.join, profile.steps)), tree)


def _facts(judgement: Judgement, profile: str, steps: tuple[str, ...], tree: str) -> GateFacts:
    match judgement:
        case Passed(_, seconds, known, _):
            return GateFacts(GateResult.PASSED, profile, steps, tree, known, seconds)
        case Failed(step, log, seconds):
            return GateFacts(GateResult.FAILED, profile, steps, tree, False, seconds, step, log)
        case CouldNotRun(reason, hint):
            return GateFacts(GateResult.COULD_NOT_RUN, profile, steps, tree, step=reason, hint=hint)
