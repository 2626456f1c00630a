"""Lines of branches on main: their trials, made once each, and what is known about their trees."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from coord.core.message import batch_message
from coord.core.objects import GitObject, make_commit
from coord.core.profile import Profile
from coord.core.settings import Strategy
from coord.core.snapshot import TaskBranch
from coord.core.trial import CouldNotRun, Finding, Green, Red, Trial, Underway, Unproven
from coord.gate import (
    Judgement,
    Room,
    Subject,
    evidence_key,
    judge,
    known_to_pass,
    subject_of,
    words_of,
)
from coord.merge import Resolver, make_trial, signature_of
from coord.observe import View
from coord.step import Stop
from coord.workspace import Workspace


@dataclass
class Lines:
    """What one run of coord has made and learned about lines.

    What a validation of this run gave is known by its key: main may move under a line (a task file is edited), and what
    the profile sees of it stays the same. A failure is that of a tip: whoever pushes again is tried again. Trials are remembered by what they stand on, so the same line has the same
    commits for as long as the run lasts.
    """

    workspace: Workspace
    room: Room
    is_running: Callable[[str], bool]
    _passed: dict[str, Green] = field(default_factory=dict)
    _failed: dict[tuple[str, str], Red] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _bases: dict[str, Judgement] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _trials: dict[tuple[str, str, str, bool], Trial] = field(default_factory=dict)
    _batches: dict[str, GitObject] = field(default_factory=dict)

    def build(
        self, view: View, profile: Profile, line: Sequence[TaskBranch], resolver: Resolver | None = None
    ) -> tuple[tuple[str, ...], Trial | Finding]:
        """Return the trial of a line, or the beginning of it that cannot be made and why."""
        batch = view.snapshot.settings.land.strategy is Strategy.BATCH and len(line) > 1
        onto, parts = view.snapshot.base, list[Trial]()
        tips: tuple[str, ...] = ()
        for branch in line:
            tips = (*tips, branch.tip)
            made = self._trial(view, profile, branch, onto, batch, resolver if len(line) == 1 else None)
            if not isinstance(made, Trial):
                return tips, made
            parts.append(made)
            onto = made.commit
        return tips, self._joined(view, profile, parts) if batch else parts[-1]

    def _trial(
        self,
        view: View,
        profile: Profile,
        branch: TaskBranch,
        onto: str,
        part: bool,
        resolver: Resolver | None,
    ) -> Trial | Finding:
        key = (onto, branch.tip, profile.name, part)
        if key not in self._trials:
            made = make_trial(
                self.workspace, view, branch, profile.name, onto=onto, part=part, resolver=resolver
            )
            if not isinstance(made, Trial):
                return made
            self._trials[key] = made
        return self._trials[key]

    def _joined(self, view: View, profile: Profile, parts: list[Trial]) -> Trial:
        """Return the one step that carries several merges: its parents are main and the last of them."""
        base, last = view.snapshot.base, parts[-1]
        message = batch_message([part.branch for part in parts], f"{profile.name} {last.tree}")
        commit = make_commit(
            last.tree, (base, last.commit), message, signature_of(view), self.workspace.algorithm
        )
        self._batches[commit.oid] = commit
        return replace(last, base=base, commit=commit.oid, parts=tuple(parts))

    def keep(self, trial: Trial) -> None:
        """Store what is only made when it is needed: the commit of a batch."""
        if batch := self._batches.get(trial.commit):
            self.workspace.git.stage((batch,))

    def look(
        self, view: View, profile: Profile, line: Sequence[TaskBranch], resolver: Resolver | None = None
    ) -> tuple[tuple[str, ...], Finding]:
        """Return what is known about a line, or about the beginning of it that cannot be made."""
        tips, made = self.build(view, profile, line, resolver)
        if not isinstance(made, Trial):
            return tips, made
        return tips, self.known(view, profile, made)

    def known(self, view: View, profile: Profile, trial: Trial) -> Finding:
        """Return what is known about a trial's tree without running anything."""
        subject = self.subject(view, profile, trial.branch, trial.commit, trial.tree)
        try:
            key = evidence_key(subject, profile, self.room)
            self._keys[trial.commit] = key
            gated = known_to_pass(trial, key, profile, self.room)
        except OSError as error:
            return CouldNotRun(*words_of(error))
        if passed := self._passed.get(key):
            return Green(replace(passed.gated, trial=trial))
        if gated is not None:
            return Green(gated)
        failed = self._failed.get((key, trial.tip))
        return failed or (Underway() if self.is_running(key) else Unproven())

    def learn(self, key: str, tip: str, finding: Finding) -> None:
        """Take what a validation gave that was started for a line with this last tip."""
        match finding:
            case Green():
                self._passed[key] = finding
            case Red():
                self._failed[key, tip] = finding
            case _:
                pass

    def is_judged_as(self, view: View, profile: Profile, line: Sequence[TaskBranch], key: str) -> bool:
        """Say whether a line, as main stands now, would be judged under this key."""
        _, made = self.build(view, profile, line)
        if not isinstance(made, Trial) or isinstance(self.known(view, profile, made), CouldNotRun):
            return False
        return self._keys[made.commit] == key

    def judge_once(self, base: Subject, profile: Profile, stop: Stop) -> Judgement:
        """Judge main itself, once a run however many lines fail on it; several threads may ask."""
        with self._turn:
            stop.raise_if_set()
            if base.commit not in self._bases:
                self._bases[base.commit] = judge(base, profile, self.room, stop)
            return self._bases[base.commit]

    def subject(self, view: View, profile: Profile, name: str, commit: str, tree: str) -> Subject:
        """Return a commit as the gate sees it."""
        tasks = view.snapshot.settings.project.tasks
        return subject_of(name, commit, tree, self.workspace.git.objects.tree, tasks=tasks, profile=profile)
