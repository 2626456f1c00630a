"""What main itself says: landings on its first-parent chain, reverts, and how a tip stands to it.

State is read from ancestry and trailers; git's own line ``This reverts commit <oid>`` is the one text that is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from coord.core.objects import Commit
from coord.core.signal import trailers

_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{40,64})\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Landing:
    """A merge that coord made: ``commit`` (M) on ``base`` carrying ``tip`` through ``status_commit`` (S).

    ``step`` is the first-parent commit of main that brought it: M itself, or the batch that it is part of.
    """

    task: str
    commit: str
    base: str
    status_commit: str
    tip: str
    step: str


def read_landing(commit: Commit, parents_of: Callable[[str], tuple[str, ...]]) -> Landing | None:
    """Return the landing that a first-parent commit is, or None.

    A trailer alone proves nothing: the tip it names must really be what the merge brought (the first parent of S, or
    the second parent itself for a branch without a task).
    """
    if len(commit.parents) != 2:
        return None
    said = trailers(commit.message)
    task, tip = said.get("Coord-Task"), said.get("Coord-Tip")
    base, second = commit.parents
    if not task or not tip or (second != tip and parents_of(second)[:1] != (tip,)):
        return None
    return Landing(task, commit.oid, base, second, tip, commit.oid)


def parts_of(step: Commit, read: Callable[[str], Commit]) -> tuple[Commit, ...]:
    """Return the single merges of a batch, newest first; none when the commit is no batch.

    They lead from its second parent, each by its first parent, to the main that the batch stands on.
    """
    if "Coord-Batch: " not in step.message or "Coord-Batch" not in trailers(step.message):
        return ()
    if len(step.parents) != 2:
        return ()
    base, oid = step.parents
    parts: list[Commit] = []
    while oid != base:
        part = read(oid)
        if len(part.parents) != 2:
            return ()  # a trailer alone proves nothing
        parts.append(part)
        oid = part.parents[0]
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Step:
    """What a first-parent commit of main says: the landings it made, and (tip, task) of all it names."""

    landings: tuple[Landing, ...]
    accounted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Revert:
    """Commit ``by`` on main says in its body that it reverts ``target``."""

    by: str
    target: str


def read_reverts(messages: Iterable[tuple[str, str]]) -> tuple[Revert, ...]:
    """Return the reverts that (id, message) pairs state in their bodies; a subject states nothing."""
    return tuple(
        Revert(oid, target)
        for oid, message in messages
        for target in _REVERTS.findall(message.partition("\n\n")[2])
    )


def reverted_by(target: str, reverts: Iterable[Revert]) -> str | None:
    """Return the commit that undid ``target`` and still stands: a revert that was reverted itself does not."""
    by_target: dict[str, list[str]] = {}
    for revert in reverts:
        by_target.setdefault(revert.target, []).append(revert.by)

    def standing(oid: str, above: frozenset[str]) -> str | None:
        for by in by_target.get(oid, ()):
            if by not in above and standing(by, above | {by}) is None:
                return by
        return None

    return standing(target, frozenset({target}))


# -- how a tip stands to main --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ahead:
    """The tip holds commits that main does not."""


@dataclass(frozen=True, slots=True)
class Reverted:
    """A landing of this task that the tip builds on was undone; a merge would silently bring only newer commits."""

    landing: str
    by: str


@dataclass(frozen=True, slots=True)
class LandedBy:
    """coord landed this tip in ``commit``; only the sweep is left."""

    commit: str


@dataclass(frozen=True, slots=True)
class MergedByHand:
    """Somebody merged the tip (``commit`` is the step of main that brought it)."""

    commit: str


@dataclass(frozen=True, slots=True)
class FastForwarded:
    """Main was moved onto the tip by hand, and the tip says that it is done."""


@dataclass(frozen=True, slots=True)
class Newborn:
    """The tip holds nothing of its own yet; ``on_main`` when it is a first-parent commit of main."""

    on_main: bool = False


Standing = Ahead | Reverted | LandedBy | MergedByHand | FastForwarded | Newborn


@dataclass(frozen=True, slots=True)
class TipFacts:
    """What git says of a tip: is it contained in main, is it on main's first-parent chain, the step of main that
    brought it (``carrier``), the landing that this step is (if any), and the undone landing that it builds on."""

    task: str
    contained: bool
    on_chain: bool = False
    carrier: str = ""
    carrier_landing: Landing | None = None
    undone: Reverted | None = None
    says_done: bool = False
    says_done_itself: bool = False


def standing_of(facts: TipFacts) -> Standing:
    """Return how a tip stands to main; the first rule that matches decides.

    1. an earlier landing of it was reverted: held; 2. coord landed it: sweep; 3. on main's first-parent chain:
    fast-forwarded by hand if its own trailer says done, else newborn; 4. contained, done, and not brought by a landing
    of another task: merged by hand; 5. otherwise newborn.
    """
    if facts.undone:
        return facts.undone
    if not facts.contained:
        return Ahead()
    landing = facts.carrier_landing
    if landing and landing.task == facts.task and not facts.on_chain:
        return LandedBy(landing.commit)
    if facts.on_chain:
        return FastForwarded() if facts.says_done_itself else Newborn(on_main=True)
    if facts.says_done and landing is None:
        return MergedByHand(facts.carrier)
    return Newborn()


# -- whose the commits are -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """A live branch with the commits that main does not have, for the question whose they are."""

    branch: str
    task: str
    tip: str
    since: int
    commits: frozenset[str]
    depends_on: frozenset[str]


def waits_for(holders: Iterable[Holder]) -> Mapping[str, str]:
    """Return, for each branch that holds commits of another, the branch that it waits for.

    The commits belong to the dependency first, else to the branch with fewer commits on top of them, else to the lower
    id. Two branches of one task: the older tip goes first. Should the answers form a ring, the lowest id is freed.
    """
    ordered = sorted(holders, key=lambda h: (h.task, h.since, h.branch))
    of_commit: dict[str, list[Holder]] = {}
    for holder in ordered:
        for commit in holder.commits:
            of_commit.setdefault(commit, []).append(holder)
    pairs = {
        (one.branch, other.branch): (one, other)
        for sharers in of_commit.values()
        for i, one in enumerate(sharers)
        for other in sharers[i + 1 :]
    }
    by_task: dict[str, list[Holder]] = {}
    for holder in ordered:
        by_task.setdefault(holder.task, []).append(holder)
    for same in by_task.values():
        pairs |= {(one.branch, other.branch): (one, other) for one, other in pairwise(same)}
    waits: dict[str, set[str]] = {}
    for one, other in pairs.values():
        owner, waiter = (one, other) if _owns(one, other) else (other, one)
        waits.setdefault(waiter.branch, set()).add(owner.branch)
    return {branch: min(owners) for branch, owners in sorted(_without_rings(waits).items()) if owners}


def _owns(one: Holder, other: Holder) -> bool:
    if one.task == other.task:
        return (one.since, one.branch) <= (other.since, other.branch)
    if (one.task in other.depends_on) != (other.task in one.depends_on):
        return one.task in other.depends_on
    shared = one.commits & other.commits
    mine, theirs = len(one.commits - shared), len(other.commits - shared)
    return (mine, one.task, one.branch) <= (theirs, other.task, other.branch)


def _without_rings(waits: dict[str, set[str]]) -> dict[str, set[str]]:
    left = {branch: set(owners) for branch, owners in waits.items()}
    while left:
        free = [branch for branch, owners in left.items() if not owners & left.keys()]
        for branch in free:
            del left[branch]
        if left and not free:
            ring = _ring(left)
            waits[min(ring)] -= ring
            left[min(ring)] -= ring
    return waits


def _ring(waits: Mapping[str, set[str]]) -> set[str]:
    """Return the branches of one ring; every branch in ``waits`` waits for another one in it."""
    seen = [min(waits)]
    while True:
        following = min(waits[seen[-1]] & waits.keys())
        if following in seen:
            return set(seen[seen.index(following) :])
        seen.append(following)


# -- what a tip stands on ---------------------------------------------------------------------------------------------


def below(
    tip: str, unlanded: Mapping[str, tuple[str, ...]], order: Mapping[str, int]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the unlanded commits that ``tip`` holds, oldest first, and the commits of main that they stand on.

    ``order`` says where each stands in ``unlanded``, newest first.
    """
    seen, boundary, todo = {tip}, set(), [tip]
    while todo:
        for parent in unlanded[todo.pop()]:
            if parent not in unlanded:
                boundary.add(parent)
            elif parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return tuple(sorted(seen, key=order.__getitem__, reverse=True)), frozenset(boundary)
