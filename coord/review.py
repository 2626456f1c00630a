"""What a review is made from, read: the history, what each landing changed, and statuses that do not fit."""

from __future__ import annotations

from coord.core.history import History, Kind, Since, Source
from coord.core.present import Drift
from coord.core.reviewcounts import Change, Material
from coord.core.text import one_line
from coord.doctor.check import examine
from coord.doctor.finding import Place
from coord.doctor.untidy import UNTIDY
from coord.history import begins, put_aside, read_history
from coord.observe import View
from coord.workspace import Workspace

#: The checks of ``coord doctor`` that hold what main says against what is so.
_DRIFT = tuple(
    check
    for check in UNTIDY
    if check.name
    in {
        "landed-not-completed", "merged-by-hand", "open-dependencies", "blocked-without-verdict",
        "verdict-without-block",
    }
)  # fmt: skip


def gather(workspace: Workspace, view: View, *, since: str = "") -> Material:
    """Return what a review is made from; ``since`` is a commit of main or a date (``""``: everything).

    Raises UsageError when it is neither.
    """
    history = read_history(workspace, view)
    period = begins(workspace, view, history, since)
    return Material(
        history=history,
        snapshot=view.snapshot,
        now=view.snapshot.at,
        changes=_changes(workspace, view, history),
        drift=_drift(workspace, view),
        since=period,
        chain=view.on_chain,
        told=one_line(since),
        by_hand=_by_hand(workspace, view, period),
        aside=tuple(one for one in put_aside(workspace, view) if period.holds(one.at, one.commit)),
    )


def _by_hand(workspace: Workspace, view: View, period: Since) -> int:
    """Return how many merges on main in the period are not coord's."""
    merges = (c for c in workspace.git.first_parents(view.snapshot.base) if len(c.parents) > 1)
    return sum(
        "Coord-" not in commit.message and period.holds(commit.committed, commit.oid) for commit in merges
    )


def _changes(workspace: Workspace, view: View, history: History) -> tuple[Change, ...]:
    """Return what each landing changed against the main that it landed on."""
    landed = [e for e in history.entries if e.kind is Kind.LANDED and e.source is Source.MAIN]
    changed = workspace.git.ancestry.changed_by((entry.commit, entry.main) for entry in landed)
    is_task = view.snapshot.settings.is_task_path
    return tuple(
        Change(
            entry.commit,
            tuple(sorted(path for path in changed.get(entry.commit, ()) if not is_task(path))),
            workspace.git.objects.commit(entry.tip).committed,
        )
        for entry in landed
    )


def _drift(workspace: Workspace, view: View) -> tuple[Drift, ...]:
    place = Place(workspace, workspace.top, view.snapshot.at, view)
    found = examine(place, _DRIFT)
    return tuple(Drift(check.name, one.subject, one.message, one.command) for check, one in found)
