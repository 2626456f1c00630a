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
from coord.core.trial import CouldNotRun, Finding, Green, Red, Trial, Underway, Unfit, Unproven
from coord.evidence import Evidence, Subject, subject_of
from coord.gate import Judgement, judge, known_to_pass, words_of
from coord.merge import Resolver, make_trial, signature_of
from coord.observe import View
from coord.room import Room
from coord.step import Stop
from coord.workspace import Workspace


@dataclass
class Lines:
    """What one run of coord has made and learned about lines.

    What a validation of this run gave is known by its key: main may move under a line (a task file is edited), and what
    the profile sees of it stays the same. A failure is that of a tip: whoever pushes again is tried again. Trials are remembered by what they stand on, so the same line has the same
    commits for as long as the run lasts. ``one_by_one`` says that the remote takes no batches.
    """

    workspace: Workspace
    room: Room
    evidence: Evidence
    is_running: Callable[[str], bool]
    one_by_one: bool = False
    _passed: dict[str, Green] = field(default_factory=dict)
    _failed: dict[tuple[str, str], tuple[Red, str]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _bases: dict[str, Judgement] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _trials: dict[tuple[str | bool, ...], Trial] = field(default_factory=dict)
    _batches: dict[str, GitObject] = field(default_factory=dict)
    _resets: dict[str, bool] = field(default_factory=dict)

    def build(
        self, view: View, profile: Profile, line: Sequence[TaskBranch], resolver: Resolver | None = None
    ) -> tuple[tuple[str, ...], Trial | Finding]:
        """Return the trial of a line, or the beginning of it that cannot be made and why.

        A branch that changes the configuration, or says that it reverts something, is the last of its line: what comes
        after it is to be read and planned anew from the main that it makes.
        """
        batch = (
            view.snapshot.settings.land.strategy is Strategy.BATCH and not self.one_by_one and len(line) > 1
        )
        onto, parts = view.snapshot.base, list[Trial]()
        tips: tuple[str, ...] = ()
        for place, branch in enumerate(line):
            tips = (*tips, branch.tip)
            if place and (line[place - 1].reverts or self._changes_settings(parts[-1])):
                return tips, Unfit(f"{line[place - 1].name} has to land first: main is to be read anew then")
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
        approved = view.snapshot.approved(branch)
        key = (onto, branch.tip, branch.name, profile.name, part, approved)
        if key not in self._trials:
            made = make_trial(
                self.workspace, view, branch, profile.name, onto=onto, part=part, resolver=resolver
            )
            if not isinstance(made, Trial):
                return made
            self._trials[key] = made
        return self._trials[key]

    def _changes_settings(self, trial: Trial) -> bool:
        """Say whether a trial has other settings than what it stands on; asked once, however many lines it is part of."""
        if trial.commit not in self._resets:
            files = self.workspace.settings_files
            self._resets[trial.commit] = files(trial.base) != files(trial.commit)
        return self._resets[trial.commit]

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
            key = self.evidence.key(subject, profile)
            self._keys[trial.commit] = key
            gated = known_to_pass(trial, key, profile, self.evidence)
        except OSError as error:
            return CouldNotRun(*words_of(error))
        if passed := self._passed.get(key):
            return Green(replace(passed.gated, trial=trial))
        if gated is not None:
            return Green(gated)
        red, judged_beside = self._failed.get((key, trial.tip), (None, ""))
        if red is not None and self._main_passes(view, profile, judged_beside):
            return red
        return Underway() if self.is_running(key) else Unproven()

    def key_of(self, trial: Trial) -> str:
        """Return the key under which a trial is judged; what is known about it must have been asked before."""
        return self._keys[trial.commit]

    def learn(self, key: str, tip: str, finding: Finding, main: str) -> None:
        """Take what a validation gave that was started for a line with this last tip; ``main`` says what main was that
        the fault was looked for in."""
        match finding:
            case Green():
                self._passed[key] = finding
            case Red():
                self._failed[key, tip] = (finding, main)
            case _:
                pass

    def main_seen(self, view: View, profile: Profile) -> str:
        """Return what the profile sees of the present main, in one word."""
        return self.main(view, profile).seen

    def main(self, view: View, profile: Profile) -> Subject:
        """Return the present main as the gate sees it."""
        base = view.snapshot.base
        return self.subject(view, profile, "main", base, self.workspace.git.objects.commit(base).tree)

    def _main_passes(self, view: View, profile: Profile, known: str) -> bool:
        """Say whether the present main is known to pass: as the main ``known``, or by evidence of its own.

        A failure blames a branch beside a main that passes. Whoever brings the fault to main by hand takes the blame away.
        """
        main = self.main(view, profile)
        if main.seen == known:
            return True
        key = self.evidence.key(main, profile)
        return key in self._passed or self.evidence.passes(key)

    def is_judged_as(self, view: View, profile: Profile, line: Sequence[TaskBranch], key: str) -> bool:
        """Say whether a line, as main stands now, would be judged under this key."""
        _, made = self.build(view, profile, line)
        if not isinstance(made, Trial) or isinstance(self.known(view, profile, made), CouldNotRun):
            return False
        return self.key_of(made) == key

    def judge_once(self, base: Subject, profile: Profile, stop: Stop) -> Judgement:
        """Judge main itself, once a run however many lines fail on it; several threads may ask."""
        while not self._turn.acquire(timeout=0.1):
            stop.raise_if_set()
        try:
            stop.raise_if_set()
            if base.commit not in self._bases:
                self._bases[base.commit] = judge(base, profile, self.room, stop)
            return self._bases[base.commit]
        finally:
            self._turn.release()

    def subject(self, view: View, profile: Profile, name: str, commit: str, tree: str) -> Subject:
        """Return a commit as the gate sees it."""
        tasks = view.snapshot.settings.project.tasks
        return subject_of(name, commit, tree, self.workspace.git.objects.tree, tasks=tasks, profile=profile)
