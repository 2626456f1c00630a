"""The journal as read from git: what main's first-parent commits say, what was undone, and how a tip stands to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from coord.core.journal import (
    Landing,
    Revert,
    Reverted,
    Step,
    TipFacts,
    parts_of,
    read_landing,
    read_reverts,
    reverted_by,
)
from coord.core.objects import Commit
from coord.core.signal import STATUS, trailers
from coord.workspace import Workspace

#: What git writes into the message of a revert.
REVERTS = "This reverts commit "


@dataclass
class Journal:
    """The journal of one observation: each question is asked once."""

    workspace: Workspace
    main: str

    def __post_init__(self) -> None:
        self.git = self.workspace.git

    def facts(self, task: str, tip: Commit, *, says_done: bool, contained: bool) -> TipFacts:
        """Return how a branch's tip stands to main; ``contained`` says that main holds it."""
        landings = self.landings_of.get(task, [])
        facts = TipFacts(task, contained, says_done=says_done, undone=self._undone(tip.oid, landings))
        if not contained or facts.undone:
            return facts
        on_chain = tip.oid in self.on_chain
        carrier = tip.oid if on_chain else self._carrier(tip.oid)
        said = trailers(tip.message)
        own = said.get(STATUS, "").lower() == "done" and said.get("Coord-Task", task) == task
        other = self.accounted.get(tip.oid, task) != task
        return replace(
            facts,
            on_chain=on_chain,
            carrier=carrier,
            carrier_landing=next((landing for landing in self.landings if landing.commit == carrier), None),
            undone=self._hand_merge_undone(carrier) if own or not on_chain else None,
            says_done=says_done and not other,
            says_done_itself=own and not other,
        )

    @cached_property
    def chain(self) -> tuple[Commit, ...]:
        """Return main's first-parent commits, newest first."""
        return self.git.first_parents(self.main)

    @cached_property
    def on_chain(self) -> frozenset[str]:
        return frozenset(commit.oid for commit in self.chain)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Return what each first-parent commit of main says, newest first; what was read before is remembered."""
        known: dict[str, Step] = self.workspace.memo
        for commit in self.chain:
            if commit.oid not in known:
                known[commit.oid] = self._step(commit)
        return tuple(known[commit.oid] for commit in self.chain)

    def _step(self, step: Commit) -> Step:
        landings, accounted = [], []
        for commit in (step, *parts_of(step, self.git.objects.commit)):
            said = trailers(commit.message) if "Coord-" in commit.message else {}
            if "Coord-Tip" in said and "Coord-Task" in said:
                accounted.append((said["Coord-Tip"], said["Coord-Task"]))
            landing = read_landing(commit, lambda oid: self.git.objects.commit(oid).parents) if said else None
            landings += [replace(landing, step=step.oid)] if landing else []
        return Step(tuple(landings), tuple(accounted))

    @cached_property
    def landings(self) -> tuple[Landing, ...]:
        return tuple(landing for step in self.steps for landing in step.landings)

    @cached_property
    def landings_of(self) -> dict[str, list[Landing]]:
        """Return each task's landings, newest first: one pass for all branches."""
        found: dict[str, list[Landing]] = {}
        for landing in self.landings:
            found.setdefault(landing.task, []).append(landing)
        return found

    @cached_property
    def accounted(self) -> dict[str, str]:
        """Return the tips that main's own commits name, each with the task that it was for."""
        return dict(pair for step in self.steps for pair in step.accounted)

    def _carrier(self, tip: str) -> str:
        """Return the oldest first-parent commit of main that contains ``tip`` (containing is monotone: bisect)."""
        landed = next((landing.commit for landing in self.landings if landing.tip == tip), None)
        if landed:
            return landed
        low, high = 0, len(self.chain) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.git.ancestry.is_ancestor(tip, self.chain[middle].oid):
                low = middle
            else:
                high = middle - 1
        return self.chain[low].oid

    # -- reverts ---------------------------------------------------------------------------------------------------

    @cached_property
    def reverts(self) -> tuple[Revert, ...]:
        said = read_reverts(self.git.ancestry.mentioning(REVERTS, self.main))
        return (*said, *self._reverted_with_their_merge(said))

    def _reverted_with_their_merge(self, said: tuple[Revert, ...]) -> Iterator[Revert]:
        """Yield the reverts that were undone by undoing the merge that had brought them to main."""
        makers = {revert.by for revert in said}
        merges = {commit.oid: commit.parents[0] for commit in self.chain if len(commit.parents) > 1}
        for revert in said:
            if revert.target in merges:
                brought = self.git.ancestry.rev_list(revert.target, f"^{merges[revert.target]}")
                yield from (
                    Revert(revert.by, oid) for oid in brought if oid in makers and oid != revert.target
                )

    def _undone(self, tip: str, landings: list[Landing]) -> Reverted | None:
        """Return the landing of this task that was undone and whose commits ``tip`` holds.

        A tip that holds the revert as well was made with it in view (rebased, or main merged): it says what it means.
        """
        for landing in landings if landings and self.reverts else ():
            reach = frozenset(self.git.ancestry.rev_list(tip, f"^{landing.base}"))
            held = reach & frozenset(self.git.ancestry.rev_list(landing.tip, f"^{landing.base}"))
            targets = {landing.commit, landing.step, landing.status_commit, *held} if held else set()
            by = self._undone_by(landing.step, targets, seen=reach)
            if by:
                return Reverted(landing.commit, by)
        return None

    def _hand_merge_undone(self, carrier: str) -> Reverted | None:
        by = self._undone_by(carrier, {carrier}, seen=frozenset())
        return Reverted(carrier, by) if by else None

    def _undone_by(self, step: str, targets: set[str], *, seen: frozenset[str]) -> str | None:
        """Return the standing revert of one of ``targets`` among the commits that main gained after ``step``."""
        if targets.isdisjoint(revert.target for revert in self.reverts):
            return None
        later = frozenset(self.git.ancestry.rev_list(self.main, f"^{step}"))
        reverts = tuple(
            revert
            for revert in self.reverts
            if revert.by in later and not (revert.target in targets and revert.by in seen)
        )
        return next(filter(None, (reverted_by(target, reverts) for target in sorted(targets))), None)
