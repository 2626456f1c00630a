"""What people say in comments on a forge: approvals, bound to the tip that the branch had then, and requests."""

from __future__ import annotations

from coord.core.request import Request, asked_in
from coord.core.slash import Approve, read_command
from coord.core.snapshot import Mark, Snapshot, TaskBranch
from coord.forges.base import Comment, Forge, Permission


def approvals(forge: Forge, snapshot: Snapshot, known: dict[tuple[int, str], bool]) -> tuple[Mark, ...]:
    """Return the approvals of the present tips of those branches that change protected paths.

    An approval is a comment ``/coord approve`` on the branch's pull request, as it was written, by a person whom the
    settings allow it, at a time when the branch had this tip. Nothing that can be pushed stands for it. ``known`` is what
    this look has found out already.
    """
    return tuple(
        Mark(branch.task, "", "", branch.tip)
        for branch in snapshot.branches
        if (pull := snapshot.pull(branch.name))
        and any(snapshot.settings.is_protected(path) for path in branch.files)
        and _is_approved(forge, snapshot, branch, pull.number, known)
    )


def _is_approved(
    forge: Forge, snapshot: Snapshot, branch: TaskBranch, number: int, known: dict[tuple[int, str], bool]
) -> bool:
    asked = (number, branch.tip)
    if asked not in known:
        least = Permission[snapshot.settings.github.approvers.upper()]
        said = (c for c in forge.comments(number) if isinstance(read_command(c.body), Approve))
        known[asked] = any(
            not c.edited and may(forge, c, least) and forge.tip_at(branch.name, c.created) == branch.tip
            for c in said
        )
    return known[asked]


def may(forge: Forge, comment: Comment, least: Permission) -> bool:
    """Say whether the author of a comment is a person who may do at least this in the repository.

    ``author_association`` is not asked: a member of the organisation may have no right to this repository, and one whose
    membership is private (GitHub's default) is shown as a stranger to the tokens of jobs and Apps.
    """
    return comment.author_is_person and forge.permission(comment.author) >= least


def may_ask(forge: Forge, comment: Comment, request: Request) -> bool:
    """Say whether a comment, as it stands now, asks for this, and its author is somebody who may."""
    command = read_command(comment.body)
    asked = asked_in(command) if command else None
    return asked == (request.ask, request.text) and may(forge, comment, Permission.WRITE)
