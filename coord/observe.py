"""Observation: fetch, look at refs, task files and ancestry, and return a snapshot. Decides nothing.

git is asked a fixed number of questions whatever the number of branches; what is rare (a hand-made merge, a revert, a
branch that merged main several times) costs a question each.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from coord.approvals import approvals
from coord.core.journal import (
    below,
    standing_of,
)
from coord.core.objects import Commit, Kind, changed_paths, find_entry
from coord.core.settings import Settings, UnknownBranch
from coord.core.signal import Done, read_signal, trailers
from coord.core.snapshot import Claim, Mark, Ruling, Snapshot, Stranger, TaskBranch
from coord.core.text import one_line, whole_number
from coord.core.verdict import (
    APPROVALS,
    CLAIMS,
    FREEZE,
    HOLDS,
    VERDICT_FILE,
    VERDICTS,
    Verdict,
    VerdictKind,
    decode,
)
from coord.errors import CoordError, UsageError
from coord.git import Ref
from coord.journal import REVERTS, Journal
from coord.taskfolder import TaskFolder, read_tasks_at
from coord.workspace import Workspace

#: How many branches without a task are compared with the tasks that there are.
_COMPARED = 50


@dataclass(frozen=True)
class View:
    """A snapshot, and what applying an action needs beside it.

    ``tasks`` are the task files at its base, ``coord_refs`` the refs under refs/coord/, ``on_chain`` main's first-parent
    commits, ``landed_in`` the last landing of each task.
    """

    snapshot: Snapshot
    tasks: TaskFolder
    coord_refs: dict[str, str]
    on_chain: frozenset[str]
    landed_in: dict[str, str]


@dataclass(frozen=True, slots=True)
class Then:
    """How a repository stood when somebody else looked at it: main, the branches that are asked about by their names,
    those of them that were approved, and when (seconds since the epoch)."""

    main: str
    heads: Mapping[str, str]
    approved: frozenset[str]
    at: int


def observe(workspace: Workspace, *, now: int | None = None) -> View:
    """Return the present view of a repository, as last fetched. Raises UsageError when main is not there."""
    refs = {ref.name: ref for ref in workspace.git.refs(workspace.branch_refs, "refs/coord/")}
    drafts = frozenset(pull.branch for pull in workspace.pulls if pull.draft and not pull.ours)
    view = _view(workspace, refs, now, drafts)
    if not workspace.hosting.has_pulls:
        return view
    # Refs cannot be protected on a forge: an approval there is what a person said, and nothing else.
    snapshot = replace(view.snapshot, pulls=workspace.pulls, hosted=True, approvals=())
    if workspace.hosting.forge is not None:
        snapshot = replace(snapshot, approvals=approvals(workspace.hosting.forge, snapshot, workspace.said))
    return replace(view, snapshot=snapshot)


def observe_then(workspace: Workspace, then: Then) -> View:
    """Return the view from which somebody made trials, equal in all that their ids depend on.

    Raises UsageError when main of then, or a tip, is not in this repository.
    """
    wanted = [then.main, *then.heads.values()]
    gone = [oid for oid in wanted if workspace.git.objects.read(oid) is None]
    if gone:
        raise UsageError(f"{gone[0][:7]} is not in this clone", hint="it moved on since: plan again")
    refs = {workspace.main_ref: Ref(workspace.main_ref, then.main)}
    for branch, tip in then.heads.items():
        name = workspace.branch_refs + branch
        refs[name] = Ref(name, tip)
    view = _view(workspace, refs, then.at, frozenset())
    marks = tuple(
        Mark(branch.task, "", "", branch.tip)
        for branch in view.snapshot.branches
        if branch.name in then.approved
    )
    return replace(view, snapshot=replace(view.snapshot, approvals=marks))


def _view(workspace: Workspace, refs: dict[str, Ref], now: int | None, drafts: frozenset[str]) -> View:
    main = refs.get(workspace.main_ref)
    if main is None:
        raise _no_main(workspace)
    if (workspace.common / "shallow").is_file():
        raise _shallow(workspace)
    settings = workspace.settings_at(main.oid)
    tasks = read_tasks_at(workspace, main.oid, settings)
    looker = _Looker(workspace, main.oid, settings, tasks, int(time.time()) if now is None else now, drafts)
    claims = looker.claims(refs)
    branches, strangers = looker.branches(refs, claims)
    at = max(looker.now, looker.commit(main.oid).committed)
    snapshot = Snapshot(
        base=main.oid,
        at=at,
        settings=settings,
        graph=tasks.graph,
        branches=branches,
        strangers=strangers,
        rulings=looker.rulings(refs),
        approvals=looker.marks(refs, APPROVALS),
        holds=looker.marks(refs, HOLDS),
        claims=claims,
        debris=looker.debris(refs, branches),
        freeze=looker.freeze(refs),
        upstream=f"{workspace.remote or 'origin'}/{workspace.main}",
    )
    coord_refs = {name: ref.oid for name, ref in refs.items() if name.startswith("refs/coord/")}
    landed_in = {landing.task: landing.commit for landing in reversed(looker.journal.landings)}
    return View(snapshot, tasks, coord_refs, looker.journal.on_chain, landed_in)


def _shallow(workspace: Workspace) -> CoordError:
    """Where history is cut off, a branch looks unrelated to main, and what has landed looks new."""
    fetch = f"git fetch --unshallow {workspace.remote or 'REMOTE'}"
    return CoordError("this clone is shallow: what has landed cannot be told", hint=fetch)


def _no_main(workspace: Workspace) -> UsageError:
    if workspace.remote is None:
        hint = "git remote add origin URL, then git push -u origin main; or git config coord.remote NAME"
        return UsageError(f"there is no branch '{workspace.main}' here, and no remote to land on", hint=hint)
    hint = (
        f"git push {workspace.remote} {workspace.main}; if main has another name: git config coord.main NAME"
    )
    return UsageError(f"{workspace.remote} has no branch '{workspace.main}'", hint=hint)


@dataclass
class _Looker:
    """One observation: the questions, each asked once."""

    workspace: Workspace
    main: str
    settings: Settings
    tasks: TaskFolder
    now: int
    drafts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.git = self.workspace.git
        self.journal = Journal(self.workspace, self.main)
        self._commits: dict[str, Commit] = {}
        self.place_of: dict[str, int] = {}
        self.reverting: frozenset[str] = frozenset()

    def commit(self, oid: str) -> Commit:
        if oid not in self._commits:
            self._commits[oid] = self.git.objects.commit(oid)
        return self._commits[oid]

    # -- branches --------------------------------------------------------------------------------------------------

    def branches(
        self, refs: dict[str, Ref], claims: tuple[Claim, ...]
    ) -> tuple[tuple[TaskBranch, ...], tuple[Stranger, ...]]:
        heads: list[tuple[str, str, str, str]] = []
        strangers: list[Stranger] = []
        for name, ref in refs.items():
            branch = name.removeprefix(self.workspace.branch_refs)
            task = self.settings.task_of(branch) if name.startswith(self.workspace.branch_refs) else None
            if task is None or ref.symref:
                continue
            if self._is_unknown(task) and self.settings.land.unknown_branch is UnknownBranch.IGNORE:
                # Comparing words takes a while: with thousands of strange branches nobody reads what each is like.
                near = self._near(task) if len(strangers) < _COMPARED else ()
                strangers.append(Stranger(branch, ref.oid, near))
            else:
                heads.append((branch, f"refs/heads/{branch}", task, ref.oid))
        unlanded = self.git.ancestry.unlanded((tip for *_, tip in heads), self.main) if heads else {}
        self.place_of = {oid: place for place, oid in enumerate(unlanded)}
        self.reverting = self.git.ancestry.those_mentioning(REVERTS, unlanded)
        claimed = {claim.task for claim in claims}
        branches = [
            self._branch(*head, unlanded=unlanded, claimed=head[2] in claimed) for head in sorted(heads)
        ]
        return tuple(branches), tuple(sorted(strangers, key=lambda s: s.name))

    def _is_unknown(self, task: str) -> bool:
        return self.tasks.graph.get(task) is None and not self.tasks.graph.unreadable_file(task)

    def _near(self, task: str) -> tuple[str, ...]:
        return tuple(difflib.get_close_matches(task, [t.id for t in self.tasks.graph.tasks], 3, 0.6))

    def _branch(
        self, name: str, ref: str, task: str, tip: str, *, unlanded: dict[str, tuple[str, ...]], claimed: bool
    ) -> TaskBranch:
        commit = self.commit(tip)
        signal = read_signal(
            commit.message,
            claimed=claimed,
            draft=name in self.drafts,
            push_means=self.settings.land.signal,
        )
        facts = self.journal.facts(
            task, commit, says_done=isinstance(signal, Done), contained=tip not in unlanded
        )
        branch = TaskBranch(
            name, ref, task, tip, commit.committed, commit.author_date, signal, standing_of(facts)
        )
        if facts.contained:
            return branch
        commits, boundary = below(tip, unlanded, self.place_of)
        changed = self._changed(tip, boundary)
        return replace(
            branch,
            commits=commits,
            files=frozenset(path for path in changed if not self.settings.is_task_path(path)),
            dropped=tuple(sorted(path for path in changed if self.settings.is_task_path(path))),
            fork=_only(boundary),
            reverts=not self.reverting.isdisjoint(commits),
        )

    def _changed(self, tip: str, boundary: frozenset[str]) -> frozenset[str]:
        """Return the net difference of a tip against its merge base with main."""
        base = _only(boundary) or self.git.ancestry.merge_base(self.main, tip)
        trees = (self.commit(base).tree if base else None, self.commit(tip).tree)
        return changed_paths(*trees, self.git.objects.tree)

    # -- coord's own refs ------------------------------------------------------------------------------------------

    def marks(self, refs: dict[str, Ref], family: str) -> tuple[Mark, ...]:
        return tuple(self._mark(ref, family) for name, ref in refs.items() if name.startswith(family))

    def _mark(self, ref: Ref, family: str) -> Mark:
        commit = self.commit(ref.oid) if ref.is_commit else None
        text = one_line(commit.subject) if commit else ""
        if family == APPROVALS:
            text = trailers(commit.message).get("Coord-Tip", "") if commit else ""
        return Mark(ref.name.removeprefix(family), ref.name, ref.oid, text)

    def freeze(self, refs: dict[str, Ref]) -> str | None:
        ref = refs.get(FREEZE)
        if ref is None:
            return None
        return one_line(self.commit(ref.oid).subject) if ref.is_commit else "no reason given"

    def claims(self, refs: dict[str, Ref]) -> tuple[Claim, ...]:
        """Return the claims that hold now; an expired one is absent, and so is what is no commit."""
        found = (self._claim(ref) for name, ref in refs.items() if name.startswith(CLAIMS) and ref.is_commit)
        return tuple(claim for claim in found if claim.expires > self.now)

    def _claim(self, ref: Ref) -> Claim:
        said = trailers(self.commit(ref.oid).message)
        expires = whole_number(said.get("Coord-Expires", "")) or 0
        holder = one_line(said.get("Coord-Holder", "unknown"))
        return Claim(ref.name.removeprefix(CLAIMS), ref.name, ref.oid, holder, expires)

    def rulings(self, refs: dict[str, Ref]) -> tuple[Ruling, ...]:
        found = (
            self._ruling(ref) for name, ref in refs.items() if name.startswith(VERDICTS) and ref.is_commit
        )
        return tuple(ruling for ruling in found if ruling)

    def _ruling(self, ref: Ref) -> Ruling | None:
        entry = find_entry(self.commit(ref.oid).tree, VERDICT_FILE, self.git.objects.tree)
        readable = entry is not None and self.git.objects.holds(entry.oid, Kind.BLOB)
        verdict = decode(self.git.objects.blob(entry.oid)) if entry and readable else None
        if verdict is None or verdict.task != ref.name.removeprefix(VERDICTS):
            return None
        overtaken = verdict.kind is VerdictKind.CONFLICT and self._overtaken(verdict)
        return Ruling(ref.name, ref.oid, verdict, overtaken)

    def _overtaken(self, verdict: Verdict) -> bool:
        """Say whether main changed one of the conflicted paths since the verdict."""
        if not self.git.objects.holds(verdict.base, Kind.COMMIT):
            return True
        before, read = self.commit(verdict.base).tree, self.git.objects.tree
        changed = changed_paths(before, self.commit(self.main).tree, read)
        paths = {conflict.path for conflict in verdict.paths}
        if any(find_entry(before, path, read) is None for path in paths):
            paths |= self._brought(verdict)
        return any(_touch(one, other) for one in paths for other in changed)

    def _brought(self, verdict: Verdict) -> frozenset[str]:
        """Return what the branch itself changed: where it renamed a file, main knows the conflict by the old name."""
        if not self.git.objects.holds(verdict.tip, Kind.COMMIT):
            return frozenset()
        fork = self.git.ancestry.merge_base(verdict.base, verdict.tip)
        trees = (self.commit(fork).tree if fork else None, self.commit(verdict.tip).tree)
        return changed_paths(*trees, self.git.objects.tree)

    def debris(self, refs: dict[str, Ref], branches: tuple[TaskBranch, ...]) -> tuple[Mark, ...]:
        """Return refs that belong to nothing any more: approvals of tips that moved on, claims that have expired."""
        tips = {(branch.task, branch.tip) for branch in branches}
        held = {claim.ref for claim in self.claims(refs)}
        stale = [mark for mark in self.marks(refs, APPROVALS) if (mark.task, mark.text) not in tips]
        stale += [mark for mark in self.marks(refs, CLAIMS) if mark.ref not in held]
        return tuple(stale)


def _only(boundary: frozenset[str]) -> str:
    """Return the one commit of main that a branch stands on, which is then its merge base; ``""`` when there are more."""
    return next(iter(boundary)) if len(boundary) == 1 else ""


def _touch(one: str, other: str) -> bool:
    """Say whether two paths are the same, or one would lie below the other."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")
