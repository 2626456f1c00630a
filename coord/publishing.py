"""Publishing: what one push moves, made ready, sent (in a thread of its own where that helps) and answered.

Every ref moves from the value that was observed; main is named in every push.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coord.core.answer import Pushed, RefUpdate, Rejected, Stale, Unanswered
from coord.core.queue import Result
from coord.core.snapshot import Ruling, TaskBranch
from coord.core.trial import Found, GatedTrial, ServerRefused
from coord.core.verdict import HISTORY, VERDICT_FILE, VERDICTS, Verdict, VerdictKind, encode, message
from coord.gate import NOTHING_TO_RUN
from coord.merge import note_commit, signature_of
from coord.observe import View
from coord.outcome import Ending, Learned, Moved, OneByOne, Outcome, Raced, Site
from coord.workspace import Workspace


def publish(site: Site, view: View, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]) -> Outcome:
    """Publish trials in one push."""
    sending = prepare(site, view, trials, branches)
    return ended(site, view, sending.updates, branches, sending.moved)


@dataclass(frozen=True, slots=True)
class Sending:
    """A publish that is ready: the updates of its one push, and what will have ended with it."""

    trials: tuple[GatedTrial, ...]
    branches: tuple[TaskBranch, ...]
    updates: tuple[RefUpdate, ...]
    moved: Moved


def prepare(site: Site, view: View, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]) -> Sending:
    """Make ready what publishes these trials; all objects that it takes are stored."""
    last = trials[-1].trial
    site.lines.keep(last)
    singles = [(gated, part) for gated in trials for part in (gated.trial.parts or (gated.trial,))]
    updates = [main_update(site.workspace, view, last.commit)]
    # A pull request is shown as merged only while its branch is there: the sweep deletes it once that is seen.
    keeps = site.workspace.hosting.has_pulls
    endings = []
    for (gated, part), branch in zip(singles, branches, strict=True):
        updates += [
            RefUpdate(branch.ref, branch.tip, branch.tip if keeps else None),
            *closing(site.workspace, view, branch.task, part.commit),
        ]
        words = _landed_words(gated)
        endings.append(
            Ending(branch, Result.LANDED, words, part.commit, seconds=gated.seconds, flaky=gated.flaky)
        )
    remarks = tuple(
        f"{part.branch}: its edits in the task folder were left out ({', '.join(part.dropped[:3])})"
        for _, part in singles
        if part.dropped
    )
    site.workspace.git.flush()
    if keeps:
        site.kept.update(branch.name for branch in branches)
    moved = Moved(tuple(endings), remarks, landed=True, updates=tuple(updates))
    return Sending(tuple(trials), tuple(branches), tuple(updates), moved)


class Send:
    """A push on its way, in a thread of its own."""

    def __init__(self, site: Site, view: View, sending: Sending) -> None:
        self.sending = sending
        self._outcome: Outcome | BaseException | None = None
        workspace = site.workspace
        pusher = replace(workspace, git=workspace.git.twin())

        def send() -> None:
            try:
                self._outcome = answered(push(pusher, sending.updates), view, sending.branches, sending.moved)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the outcome is read
                self._outcome = error

        self._thread = threading.Thread(target=send, name="push")
        self._thread.start()

    def wait(self) -> None:
        """Wait until the push has ended, however it did."""
        self._thread.join()

    def ends_within(self, seconds: float) -> bool:
        """Wait at most so long and say whether the push has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def outcome(self) -> Outcome:
        """Wait for the answer and return it; raises what the push raised."""
        self.wait()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        if self._outcome is None:
            raise KeyboardInterrupt
        return self._outcome


def _landed_words(gated: GatedTrial) -> str:
    flaky = f"; flaky: {', '.join(gated.flaky)}" if gated.flaky else ""
    if gated.evidence == NOTHING_TO_RUN:
        return f"not validated: profile {gated.profile} runs nothing"
    if gated.trial.parts:
        together = f"with {len(gated.trial.parts) - 1} more in {gated.trial.commit[:7]}"
        return f"{gated.profile} passed on exactly that tree, {together}{flaky}"
    return f"{gated.profile} passed on exactly this tree{flaky}"


def main_update(workspace: Workspace, view: View, new: str | None = None) -> RefUpdate:
    """Return main's step to ``new``, or the lease on where it is."""
    return RefUpdate(f"refs/heads/{workspace.main}", view.snapshot.base, new or view.snapshot.base)


def closing(workspace: Workspace, view: View, task: str, commit: str) -> list[RefUpdate]:
    """Return what becomes of a landed task's small refs: the verdict's history is kept, the rest goes."""
    approved = (mark for mark in view.snapshot.approvals if mark.task == task and mark.ref)
    updates = [RefUpdate(mark.ref, mark.oid, None) for mark in approved]
    updates += [RefUpdate(claim.ref, claim.oid, None) for claim in view.snapshot.claims if claim.task == task]
    ruling = view.snapshot.ruling(task)
    unread = view.coord_refs.get(VERDICTS + task)
    if ruling is None and unread:
        updates.append(RefUpdate(VERDICTS + task, unread, None))
    if ruling is not None:
        landed = replace(
            ruling.verdict,
            kind=VerdictKind.LANDED,
            base=view.snapshot.base,
            reason=f"landed in {commit[:7]}",
            log="",
        )
        updates += _to_history(workspace, view, ruling, landed)
    return updates


def _to_history(workspace: Workspace, view: View, ruling: Ruling, last: Verdict) -> list[RefUpdate]:
    history = HISTORY + last.task
    before = view.coord_refs.get(history)
    known = before is not None and workspace.git.resolve(history) == before
    parents = (ruling.oid, before) if before and known else (ruling.oid,)
    closed = verdict_commit(workspace, view, last, parents)
    return [RefUpdate(ruling.ref, ruling.oid, None), RefUpdate(history, before, closed)]


def verdict_commit(workspace: Workspace, view: View, verdict: Verdict, parents: tuple[str, ...]) -> str:
    """Store a verdict as a commit and return its id."""
    return note_commit(
        workspace, {VERDICT_FILE: encode(verdict)}, parents, message(verdict), signature_of(view)
    )


# -- the one push --------------------------------------------------------------------------------------------------


def ended(
    site: Site, view: View, updates: Sequence[RefUpdate], branches: Sequence[TaskBranch], moved: Moved
) -> Outcome:
    """Push, and return what came of it for these branches."""
    return answered(push(site.workspace, updates), view, branches, replace(moved, updates=tuple(updates)))


def answered(
    answer: Pushed | Stale | Rejected, view: View, branches: Sequence[TaskBranch], moved: Moved
) -> Outcome:
    """Return what an answer to a push means for the branches that it was about."""
    match answer:
        case Pushed():
            return moved
        case Stale(ref, lock):
            return Raced(ref, tuple(branches), lock)
        case Rejected(words) if len(branches) > 1:
            return OneByOne(words)
        case Rejected(words):
            base = view.snapshot.base
            return Learned(tuple(Found(base, (branch.tip,), ServerRefused(words)) for branch in branches))


def push(workspace: Workspace, updates: Sequence[RefUpdate]) -> Pushed | Stale | Rejected:
    """Move refs on the remote in one atomic push; on a server, in one transaction of its own.

    A push whose answer is lost is read back: it was taken whole or not at all. Raises RefusedError when the remote
    cannot be asked.
    """
    if workspace.remote is None:
        return workspace.git.update_refs(updates)
    answer = workspace.git.push(workspace.remote, updates)
    if not isinstance(answer, Unanswered):
        return answer
    now = workspace.git.remote_refs(workspace.remote, [update.ref for update in updates])
    taken = all(now.get(update.ref) == update.new for update in updates)
    return Pushed() if taken else Stale(f"the connection ({answer.words})")
