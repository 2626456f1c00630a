"""Work in progress that a session has pushed and leaves: without its claim the push would mean done, and land."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coord.core.answer import Pushed, RefUpdate, Rejected, Stale, Unanswered
from coord.core.guard import unsilenced
from coord.core.objects import GitObject, Kind, Signature, make_commit
from coord.core.signal import REASON, STATUS, Done, read_signal, trailer_block
from coord.core.text import one_line
from coord.errors import CoordError
from coord.freshness import note_push
from coord.sessions.claims import machine, standing_claim
from coord.sessions.evidence import remote_tip
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Branch:
    """A task's branch."""

    task: str
    name: str


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Whether the branch was marked as not finished, and what was in the way (``""``: nothing of it lands by itself)."""

    marked: bool = False
    trouble: str = ""


def keep_back(workspace: Workspace, branch: Branch, reason: str) -> KeptBack:
    """Say on the remote's branch that it is not finished, unless it speaks for itself or holds nothing.

    The commit is coord's own and stands on what the remote has: what an agent committed and did not push stays here, and
    no hook of the agent's worktree has a say.
    """
    if workspace.settings.task_of(branch.name) != branch.task:
        return KeptBack()  # nothing lands from there
    try:
        for _ in range(3):
            tip = remote_tip(workspace, branch.name)
            if not tip or not _means_done(workspace, tip) or _is_of_others(workspace, branch):
                return KeptBack()
            match _say(workspace, branch, tip, reason):
                case Pushed():
                    return KeptBack(marked=True)
                case Rejected(words) | Unanswered(words):
                    return KeptBack(trouble=one_line(words, 300))
                case Stale():
                    continue
    except CoordError as error:
        return KeptBack(trouble=one_line(error.message, 300))
    return KeptBack(trouble="it moved meanwhile")


def _means_done(workspace: Workspace, tip: str) -> bool:
    """Say whether this tip would be taken as done by nothing but its being pushed."""
    git, main = workspace.git, workspace.main_tip
    if main is not None and git.ancestry.is_ancestor(tip, main):
        return False
    message = git.objects.commit(tip).message if git.objects.holds(tip, Kind.COMMIT) else ""
    said = read_signal(message, claimed=False, draft=False, push_means=workspace.settings.land.signal)
    return isinstance(said, Done) and not said.explicit


def _is_of_others(workspace: Workspace, branch: Branch) -> bool:
    """Say whether another machine works on the task now: the branch is its own, and its claim keeps it back."""
    seen = standing_claim(workspace, branch.task)
    return seen is not None and seen[1].is_live(time.time()) and seen[1].machine != machine(workspace)


def _say(
    workspace: Workspace, branch: Branch, tip: str, reason: str
) -> Pushed | Stale | Rejected | Unanswered:
    git, now = workspace.git, int(time.time())
    said = {STATUS: "working", "Coord-Task": branch.task, REASON: unsilenced(one_line(reason, 500))}
    signature = Signature(workspace.settings.project.identity, f"{now} +0000", now)
    words = f"coord: work in progress\n\n{trailer_block(said)}\n"
    commit = make_commit(git.objects.commit(tip).tree, (tip,), words, signature, workspace.algorithm)
    git.write([commit])
    ref = f"refs/heads/{branch.name}"
    update = RefUpdate(ref, tip, commit.oid)
    if workspace.remote is None:
        return git.update_refs([update])
    answer = git.push(workspace.remote, [update])
    if isinstance(answer, Pushed):
        note_push(workspace, [update])
        _go_along(
            workspace,
            update,
            lambda tree, parents: make_commit(tree, parents, words, signature, workspace.algorithm),
        )
    return answer


def _go_along(
    workspace: Workspace, said: RefUpdate, made: Callable[[str, tuple[str, ...]], GitObject]
) -> None:
    """Bring the branch here behind the remote's, so that the next push from here is taken; no file changes by it.

    What was committed here and not pushed stays, with a merge on top that keeps its tree."""
    git, here = workspace.git, workspace.git.resolve(said.ref)
    if here is None or said.old is None or said.new is None:
        return
    if here == said.old:
        git.update_refs([said])
    elif git.ancestry.is_ancestor(said.old, here):
        merge = made(git.objects.commit(here).tree, (here, said.new))
        git.write([merge])
        git.update_refs([RefUpdate(said.ref, here, merge.oid)])
