"""What people say in comments on a forge: approvals, bound to the tip that the branch had then, and requests."""

from __future__ import annotations

from collections.abc import Iterator

from coord.core.request import Request, asked_in
from coord.core.slash import Approve, read_command
from coord.core.snapshot import Mark, Snapshot, TaskBranch
from coord.forges.base import Comment, Forge, Permission


def approvals(forge: Forge, snapshot: Snapshot) -> tuple[Mark, ...]:
    """Return the approvals of the present tips of those branches that change protected paths.

    An approval is a comment ``/coord approve`` on the branch's pull request, as it was written, by a person whom the
    settings allow it, at a time when the branch had this tip. It is read anew each time: nothing that can be pushed
    stands for it.
    """
    found = []
    for branch in snapshot.branches:
        pull = snapshot.pull(branch.name)
        if pull is not None and any(snapshot.settings.is_protected(path) for path in branch.files):
            found += list(_said(forge, snapshot, branch, pull.number))[:1]
    return tuple(found)


def _said(forge: Forge, snapshot: Snapshot, branch: TaskBranch, number: int) -> Iterator[Mark]:
    least = Permission[snapshot.settings.github.approvers.upper()]
    for comment in forge.comments(number):
        said = isinstance(read_command(comment.body), Approve) and not comment.edited
        if said and may(forge, comment, least) and forge.tip_at(branch.name, comment.created) == branch.tip:
            yield Mark(branch.task, "", "", branch.tip)


def may(forge: Forge, comment: Comment, least: Permission) -> bool:
    """Say whether the author of a comment is a person who may do at least this in the repository.

    ``author_association`` alone does not say it: a member of the organisation may have no right to this repository.
    """
    known = comment.association in ("OWNER", "MEMBER", "COLLABORATOR")
    return known and comment.author_is_person and forge.permission(comment.author) >= least


def may_ask(forge: Forge, comment: Comment, request: Request) -> bool:
    """Say whether a comment, as it stands now, asks for this, and its author is somebody who may."""
    command = read_command(comment.body)
    asked = asked_in(command) if command else None
    return asked == (request.ask, request.text) and may(forge, comment, Permission.WRITE)
