"""Asking git which live branches would conflict: a fixed number of processes whatever the number of branches.

Nothing is checked out, and nothing stays in the repository: what the merges write goes to a temporary object folder.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coord.core.answer import Conflicted, Merged, words
from coord.core.forecast import (
    LIMIT,
    Forecast,
    Marks,
    Pair,
    Shared,
    Unanswered,
    WithMain,
    choose,
    hubs,
    meet,
    numbers,
)
from coord.core.journal import Ahead
from coord.core.merges import Changes, read_changes, read_merges, union
from coord.core.objects import GitObject, Signature, find_entry, graft, make_commit, make_pack
from coord.core.queue import make_queue
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.trial import ConflictPath
from coord.observe import View
from coord.workspace import Workspace

#: git ends this way at a tree that was made by hand: 128, or an assertion of its own that fails.
_ENDS = (0, 128, -signal.SIGABRT, -signal.SIGSEGV)

#: Where Linux has a file system in memory, and how many free bytes it must have: in containers it may be tiny.
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own is made in it, with a name that nobody can foresee
_ROOM = 256 << 20

_UNRELATED = (ConflictPath(".", "unrelated histories"),)


def foretell(
    workspace: Workspace, view: View, *, asked: Collection[str] | None = None, limit: int | None = LIMIT
) -> Forecast:
    """Return what the live branches of a view would conflict in; ``asked`` are the tasks it is about (None: all).

    At most ``limit`` pairs are merged (None: all that meet).
    """
    branches = in_landing_order(view.snapshot)
    if not branches:
        return Forecast()
    with tempfile.TemporaryDirectory(prefix="coord-forecast-", dir=_memory()) as folder:
        teller = _Teller(workspace, view.snapshot, branches, Path(folder))
        wanted = {n for n, branch in enumerate(branches) if asked is None or branch.task in asked}
        return teller.tell(wanted, limit)


def _memory() -> str | None:
    """Return a folder in memory, or None where there is none with room: on a disk the writing is most of the time."""
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return None
    free = room.f_bavail * room.f_frsize
    return _SHARED_MEMORY if free >= _ROOM and os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None


def in_landing_order(snapshot: Snapshot) -> tuple[TaskBranch, ...]:
    """Return the live branches: those that may land now in their order, then the rest by name."""
    order = {candidate.branch.name: n for n, candidate in enumerate(make_queue(snapshot).candidates)}
    live = (branch for branch in snapshot.branches if isinstance(branch.standing, Ahead))
    return tuple(sorted(live, key=lambda branch: (order.get(branch.name, len(order)), branch.name)))


@dataclass
class _Teller:
    """One forecast. Branches are known by their index in the order in which they land."""

    workspace: Workspace
    snapshot: Snapshot
    branches: Sequence[TaskBranch]
    scratch: Path
    clashes: dict[int, tuple[ConflictPath, ...]] = field(default_factory=dict)
    unanswered: list[Unanswered] = field(default_factory=list)

    def tell(self, wanted: Collection[int], limit: int | None) -> Forecast:
        main = self.snapshot.base
        self.forks = self._forks()
        self.heads = self._heads()
        own = self._own_changes()
        met = self._meet_main(own)
        self.merged: dict[int, str] = {}
        self._merge_with_main(met)
        landed = [n for n in met if n in self.merged]
        on_main = self._compare((self.merged[n], main) for n in landed)
        for number, changes in zip(landed, on_main, strict=True):
            own[number] |= self._outside(changes)
        out = self.clashes.keys() | {n for n in met if n not in self.merged}
        chosen = choose([Marks.of(changes) for changes in own], wanted, out, limit)
        self._merge_with_main(sorted({one for one, _ in chosen.pairs if self._is_behind(one)} - set(landed)))
        pairs = self._ask_pairs(chosen.pairs)
        names = [branch.name for branch in self.branches]
        return Forecast(
            branches=tuple(sorted(names)),
            with_main=self._with_main(wanted),
            pairs=tuple(sorted(pairs, key=lambda pair: (pair.one, pair.other))),
            hubs=hubs({name: changes.paths for name, changes in zip(names, self.paths, strict=True)}),
            may=tuple(
                Shared(path, tuple(sorted(names[n] for n in numbers(bits))))
                for path, bits in sorted(chosen.may)
            ),
            unasked=chosen.unasked,
            unanswered=tuple(self.unanswered),
        )

    # -- what each side changes ------------------------------------------------------------------------------------

    def _forks(self) -> tuple[tuple[str, ...], ...]:
        """Return each branch's best common ancestors with main; none when the histories are unrelated.

        A branch that stands on one commit of main needs no question of its own.
        """
        git, main = self.workspace.git, self.snapshot.base
        unlanded = git.ancestry.unlanded((branch.tip for branch in self.branches), main)
        grounds = [_ground(branch.tip, unlanded) for branch in self.branches]
        return tuple(
            tuple(sorted(ground)) if len(ground) < 2 else git.ancestry.merge_bases(main, branch.tip)
            for branch, ground in zip(self.branches, grounds, strict=True)
        )

    def _heads(self) -> list[str]:
        """Return what is merged for each branch: its tip, or a stand-in that has main's task folder, as in landing."""
        made: list[GitObject] = []
        heads = [self._head(branch, made) if branch.dropped else branch.tip for branch in self.branches]
        self._store(made)
        return heads

    def _head(self, branch: TaskBranch, made: list[GitObject]) -> str:
        git, folder = self.workspace.git, self.snapshot.settings.project.tasks
        tip = git.objects.commit(branch.tip)
        theirs = find_entry(git.objects.commit(self.snapshot.base).tree, folder, git.objects.tree)
        entry = (theirs.mode, theirs.oid) if theirs else None
        tree, objects = graft(tip.tree, folder, entry, git.objects.tree, self.workspace.algorithm)
        stand_in = self._commit(tree, (branch.tip,))
        made += [*objects, stand_in]
        return stand_in.oid

    def _own_changes(self) -> list[Changes]:
        lines = [(number, fork) for number, forks in enumerate(self.forks) for fork in forks]
        found: list[list[Changes]] = [[] for _ in self.branches]
        for (number, _), changes in zip(
            lines, self._compare((self.heads[number], fork) for number, fork in lines), strict=True
        ):
            found[number].append(self._outside(changes))
        self.paths = [union(changes) for changes in found]
        return list(self.paths)

    def _outside(self, changes: Changes) -> Changes:
        """Return changes without those of the task folder, which is main's in every landing."""
        inside = self.snapshot.settings.is_task_path
        if not any(map(inside, changes.paths)):
            return changes
        paths, added, deleted = (
            frozenset(path for path in files if not inside(path))
            for files in (changes.paths, changes.added, changes.deleted)
        )
        return Changes(paths, added, deleted, changes.gone)

    def _compare(self, lines: Iterable[tuple[str, str]]) -> tuple[Changes, ...]:
        """Return what each commit changes against another, all in one process."""
        text = "".join(f"{new} {old}\n" for new, old in lines)
        if not text:
            return ()
        args = ("diff-tree", "--stdin", "-r", "-t", "-z", "--name-status", "--no-renames", "--always")
        return read_changes(self.workspace.git.aside(self.scratch, *args, data=text.encode()).text)

    # -- main ------------------------------------------------------------------------------------------------------

    def _meet_main(self, own: Sequence[Changes]) -> list[int]:
        """Return the branches that have to be merged with main to know what comes of it."""
        main = self.snapshot.base
        distinct = sorted({forks for forks in self.forks if forks and forks != (main,)})
        flat = sorted({fork for forks in distinct for fork in forks})
        gained = dict(zip(flat, self._compare((main, fork) for fork in flat), strict=True))
        marks = {forks: Marks.of(self._outside(union(gained[fork] for fork in forks))) for forks in distinct}
        found = []
        for number, (forks, changes) in enumerate(zip(self.forks, own, strict=True)):
            hidden = self._above_tasks(changes)
            if not forks:
                self.clashes[number] = _UNRELATED
            elif hidden:
                self.clashes[number] = (ConflictPath(hidden, "file/directory"),)
            elif forks in marks and (len(forks) > 1 or meet(Marks.of(changes), marks[forks])):
                found.append(number)
        return found

    def _above_tasks(self, changes: Changes) -> str:
        """Return the file that a branch has where the task folder's parent is, which landing refuses."""
        folder = self.snapshot.settings.project.tasks
        return next((path for path in sorted(changes.added) if folder.startswith(path + "/")), "")

    def _is_behind(self, number: int) -> bool:
        return self.forks[number] != (self.snapshot.base,)

    def _merge_with_main(self, several: Sequence[int]) -> None:
        """Merge branches with main: what does not merge is a clash, of the rest the merge commits are stored."""
        main, made = self.snapshot.base, []
        for number, answer in zip(
            several, self._merge([(main, self.heads[n]) for n in several]), strict=True
        ):
            match answer:
                case Merged(tree):
                    commit = self._commit(tree, (main, self.heads[number]))
                    made.append(commit)
                    self.merged[number] = commit.oid
                case Conflicted(paths):
                    self.clashes[number] = paths
                case str():
                    self.unanswered.append(Unanswered(self.branches[number].name, "", answer))
        self._store(made)

    def _with_main(self, wanted: Collection[int]) -> tuple[WithMain, ...]:
        found = (
            WithMain(self.branches[number].name, self.branches[number].task, paths)
            for number, paths in self.clashes.items()
            if number in wanted
        )
        return tuple(sorted(found, key=lambda clash: clash.branch))

    # -- pairs -----------------------------------------------------------------------------------------------------

    def _ask_pairs(self, pairs: Sequence[tuple[int, int]]) -> list[Pair]:
        """Return the pairs that conflict: main with ``one`` in it, and then ``other``."""
        there = [pair for pair in pairs if not self.clashes.keys() & set(pair)]
        there = [(one, other) for one, other in there if one in self.merged or not self._is_behind(one)]
        asked = [(self.merged.get(one, self.heads[one]), self.heads[other]) for one, other in there]
        found = []
        for (one, other), answer in zip(there, self._merge(asked), strict=True):
            names = (self.branches[one].name, self.branches[other].name)
            match answer:
                case Conflicted(paths):
                    found.append(Pair(*names, paths))
                case str():
                    self.unanswered.append(Unanswered(*names, answer))
        return found

    # -- git -------------------------------------------------------------------------------------------------------

    def _merge(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | Conflicted | str]:
        """Merge pairs of commits in one process; where git cannot, its words are the answer and it goes on after."""
        answers: list[Merged | Conflicted | str] = []
        while len(answers) < len(pairs):
            answers += self._merge_until_it_ends(pairs[len(answers) :])
        return [self._without_tasks(answer) for answer in answers]

    def _merge_until_it_ends(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | Conflicted | str]:
        lines = "".join(f"{base} {tip}\n" for base, tip in pairs)
        answer = self.workspace.git.aside(
            self.scratch, "merge-tree", "--write-tree", "--stdin", "--messages", data=lines.encode(), ok=_ENDS
        )
        done: list[Merged | Conflicted | str] = [*read_merges(answer.text, pairs)]
        if len(done) == len(pairs):
            return done
        # When an assertion fails git does not write out what it had answered: who was to blame is found by halves.
        rest = len(pairs) - len(done)
        if answer.code == 128 or rest == 1:
            return [*done, words(answer.err)]
        return [*done, *self._merge_until_it_ends(pairs[len(done) : len(done) + rest // 2])]

    def _without_tasks(self, answer: Merged | Conflicted | str) -> Merged | Conflicted | str:
        """Return an answer in which only what lies outside the task folder counts."""
        if not isinstance(answer, Conflicted):
            return answer
        inside = self.snapshot.settings.is_task_path
        if all(inside(conflict.path) for conflict in answer.paths):
            return Merged(answer.tree)
        return answer

    def _commit(self, tree: str, parents: tuple[str, ...]) -> GitObject:
        # The date of a landing: an older one than its parents' would make git walk the whole history.
        at = self.snapshot.at
        signature = Signature(self.snapshot.settings.project.identity, f"{at} +0000", at)
        return make_commit(tree, parents, "forecast\n", signature, self.workspace.algorithm)

    def _store(self, made: Sequence[GitObject]) -> None:
        if made:
            pack = make_pack(made, self.workspace.algorithm)
            self.workspace.git.aside(self.scratch, "index-pack", "--stdin", data=pack)


def _ground(tip: str, unlanded: dict[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the commits of main that the unlanded commits of ``tip`` stand on."""
    seen, found, todo = {tip}, set(), [tip]
    while todo:
        for parent in unlanded[todo.pop()]:
            if parent not in unlanded:
                found.add(parent)
            elif parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return frozenset(found)
