"""Everything a plan is made from, read once: the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from coord.core.journal import Standing
from coord.core.pull import Pull
from coord.core.settings import Settings
from coord.core.signal import Signal
from coord.core.trial import Finding, Found
from coord.core.verdict import Verdict
from coord.errors import UsageError

if TYPE_CHECKING:
    from coord.core.graph import TaskGraph


#: How many branches one push publishes at most: some servers refuse pushes of very many refs.
GROUP = 256


@dataclass(frozen=True, slots=True)
class TaskBranch:
    """A live branch of a task, as the remote has it.

    ``commits`` are those that main lacks, oldest first; ``files`` what they change against the merge base, the task
    folder aside; ``dropped`` what they change in the task folder; ``since`` the tip's committer date (seconds);
    ``fork`` the merge base with main when there is one only; ``reverts`` that one of its commits says it reverts
    another: once it is on main, others may stand differently.
    """

    name: str
    ref: str
    task: str
    tip: str
    since: int
    author_date: str
    signal: Signal
    standing: Standing
    commits: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    dropped: tuple[str, ...] = ()
    fork: str = ""
    reverts: bool = False


@dataclass(frozen=True, slots=True)
class Stranger:
    """A branch with a task prefix but no task: its name, and the ids that look like it."""

    name: str
    tip: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A small coord ref: whose task, the commit it names, and what that commit says. An approval that was said on a forge
    has no ref."""

    task: str
    ref: str
    oid: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A session's claim on a task, until ``expires`` (seconds since the epoch)."""

    task: str
    ref: str
    oid: str
    holder: str
    expires: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """The last verdict on a task: the ref, its commit, and whether main has since changed a conflicted path."""

    ref: str
    oid: str
    verdict: Verdict
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A validation that has ended in this run, for a line on a main of then: where to look, and no proof of anything."""

    tips: tuple[str, ...]
    passed: bool


@dataclass(frozen=True)
class Snapshot:
    """The state that one plan is made from.

    ``base`` is main's tip; ``at`` the committer date of everything made from this snapshot; ``asked`` the ids given to
    the command (None: all); ``upstream`` is main as agents write it. Claims that have expired are not in it.
    ``hosted`` says that a forge hosts it, where people approve in comments; ``pulls`` are the open pull requests that it
    shows; ``validates`` is false where validations run elsewhere, so
    that what is not known yet is left to them.
    ``group`` is how many branches one push publishes at most; ``running`` counts the validations under way, ``ended`` are those of this run, ``landed`` and ``rejected`` count the
    branches that it has decided.
    """

    base: str
    at: int
    settings: Settings
    graph: TaskGraph
    branches: tuple[TaskBranch, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    approvals: tuple[Mark, ...] = ()
    holds: tuple[Mark, ...] = ()
    claims: tuple[Claim, ...] = ()
    debris: tuple[Mark, ...] = ()
    freeze: str | None = None
    findings: tuple[Found, ...] = ()
    group: int = GROUP
    running: int = 0
    ended: tuple[Ended, ...] = ()
    landed: int = 0
    rejected: int = 0
    asked: frozenset[str] | None = None
    upstream: str = "origin/main"
    pulls: tuple[Pull, ...] = ()
    hosted: bool = False
    validates: bool = True

    def ruling(self, task: str) -> Ruling | None:
        """Return the last verdict on a task."""
        return self._rulings.get(task)

    def hold(self, task: str) -> Mark | None:
        """Return what holds a task's branch back, or None."""
        return self._holds.get(task)

    def pull(self, branch: str) -> Pull | None:
        """Return the oldest open pull request of a branch."""
        return self._pulls.get(branch)

    def branch(self, name: str) -> TaskBranch:
        """Return the live branch of that name."""
        return self._branches[name]

    def approved(self, branch: TaskBranch) -> bool:
        """Say whether a person approved exactly this tip."""
        return any(mark.task == branch.task and mark.text == branch.tip for mark in self.approvals)

    def finding(self, tip: str) -> Finding | None:
        """Return what this run found out about a tip on the present base."""
        return self.lines.get((tip,))

    @cached_property
    def lines(self) -> Mapping[tuple[str, ...], Finding]:
        """What this run found out about lines on the present base."""
        return {found.tips: found.finding for found in self.findings if found.base == self.base}

    @cached_property
    def _rulings(self) -> Mapping[str, Ruling]:
        return {ruling.verdict.task: ruling for ruling in reversed(self.rulings)}

    @cached_property
    def _holds(self) -> Mapping[str, Mark]:
        return {mark.task: mark for mark in reversed(self.holds)}

    @cached_property
    def _pulls(self) -> Mapping[str, Pull]:
        return {pull.branch: pull for pull in sorted(self.pulls, key=lambda p: p.number, reverse=True)}

    @cached_property
    def _branches(self) -> Mapping[str, TaskBranch]:
        return {branch.name: branch for branch in self.branches}

    def is_asked(self, task: str) -> bool:
        """Say whether the command is about this task."""
        return self.asked is None or task in self.asked

    def resolve(self, word: str) -> str:
        """Return the task id that ``word`` (an id or a branch name) means. Raises UsageError with near ids."""
        known = {task.id for task in self.graph.tasks} | {branch.task for branch in self.branches}
        if word in known:
            return word
        task = self.settings.task_of(word)
        if task in known:
            return str(task)
        near = get_close_matches(word, sorted(known), 3, 0.5)
        hint = f"did you mean: {', '.join(near)}?" if near else "coord list shows the tasks on main"
        raise UsageError(f"no task '{word}' on main", hint=hint)
