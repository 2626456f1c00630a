"""``pre-push``: judges, ref by ref, what is about to leave for the remote."""

from __future__ import annotations

from typing import NamedTuple

from coord.core.guard import Push, RefPush, Step, Verdict, is_task_branch, judge_push
from coord.hooks.occasion import Occasion


class Line(NamedTuple):
    """One line of what git feeds to the hook (githooks(5)); an id of zeros means that nothing is there."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def deletes(self) -> bool:
        return not self.local_oid.strip("0")


def judge(occasion: Occasion) -> Verdict:
    """Return whether the push may be made."""
    return judge_push(
        Push(
            branch=occasion.branch(),
            main=occasion.workspace.main,
            project=occasion.project,
            refs=tuple(_ref_push(occasion, line) for line in _lines(occasion)),
            role=occasion.role,
        )
    )


def _lines(occasion: Occasion) -> tuple[Line, ...]:
    """Return the refs to be pushed; the pre-commit framework eats stdin and names one ref in variables instead."""
    told = occasion.environment
    if "PRE_COMMIT_REMOTE_BRANCH" in told and "PRE_COMMIT_TO_REF" in told:
        return (Line("", told["PRE_COMMIT_TO_REF"], told["PRE_COMMIT_REMOTE_BRANCH"], ""),)
    rows = (line.split() for line in occasion.stdin)
    return tuple(Line(*row) for row in rows if len(row) == 4)


def _ref_push(occasion: Occasion, line: Line) -> RefPush:
    if line.deletes:
        return RefPush(line.remote_ref, Step.DELETE)
    branch = line.remote_ref.removeprefix("refs/heads/")
    if branch == line.remote_ref or not is_task_branch(branch, occasion.project):
        return RefPush(line.remote_ref)
    bases = _bases(occasion, line.local_oid)
    return RefPush(
        line.remote_ref,
        edits=_edits(occasion, bases, line.local_oid),
        message=occasion.git.objects.commit(line.local_oid).message,
        restore=bases[0][:12] if bases else "HEAD",
    )


def _bases(occasion: Occasion, tip: str) -> tuple[str, ...]:
    """Return the commits of main that ``tip`` stands on; main's tip when the histories have nothing in common."""
    main = occasion.workspace.main_tip
    if main is None:
        return ()
    bases = occasion.git.ancestry.merge_bases(main, tip)
    # A shallow clone may lack the base; what cannot be compared here is dropped by the landing anyway.
    is_shallow = (occasion.workspace.common / "shallow").is_file()
    return bases or (() if is_shallow else (main,))


def _edits(occasion: Occasion, bases: tuple[str, ...], tip: str) -> tuple[str, ...]:
    differing = [occasion.git.changed(occasion.project.tasks, base, tip) for base in bases]
    return tuple(sorted(frozenset.intersection(*differing))) if differing else ()
