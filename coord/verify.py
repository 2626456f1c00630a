"""The checker's eyes: reads from refs and objects what ``coord.core.audit`` judges, and runs greens again.

It shares no code with the engine (observe, plan, merge, apply, reconcile), which an import contract holds it to.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from coord.core.answer import Conflicted
from coord.core.audit import Violation
from coord.core.auditfacts import Branch, Edit, Facts, Note, PushedTip, Record, Step, StepKind, kind_of
from coord.core.objects import (
    Commit,
    Entry,
    Kind,
    Signature,
    TreeFile,
    changed_paths,
    find_entry,
    graft,
    make_commit,
    tree_files,
)
from coord.core.profile import Profile, built_in
from coord.core.settings import CONFIG_FILE, TASKGRAPH_FILE, Settings
from coord.core.signal import trailers
from coord.core.task import Task
from coord.core.taskfile import read_task
from coord.core.text import whole_number
from coord.core.trial import CouldNotRun
from coord.core.verdict import (
    APPROVALS,
    CLAIMS,
    FREEZE,
    HISTORY,
    HOLDS,
    VERDICT_FILE,
    VERDICTS,
    Verdict,
    decode,
)
from coord.errors import CoordError, UsageError
from coord.evidence import Subject, subject_of
from coord.folder import remove
from coord.gate import Failed, Passed, judge
from coord.git import Ref
from coord.room import Room, default_folder
from coord.workspace import Workspace

_FILE_MODES = ("100644", "100755")


def read_pushed(path: Path) -> tuple[PushedTip, ...]:
    """Read a list of pushes: lines ``<oid> <ref>`` in their order, zeros for a deletion. Raises UsageError."""
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="--pushed FILE: lines '<oid> <ref>'") from error
    found = []
    for number, line in enumerate(filter(str.strip, lines), 1):
        oid, _, ref = line.strip().partition(" ")
        if len(oid) not in (40, 64) or not ref:
            raise UsageError(f"{path}: line {number} is not '<oid> <ref>'")
        found.append(PushedTip(oid, ref.strip()))
    return tuple(found)


def gather(workspace: Workspace, *, pushed: tuple[PushedTip, ...] = (), now: int | None = None) -> Facts:
    """Read what there is to judge, as last fetched. Raises CoordError when main is not there, or not all of it."""
    if workspace.main_tip is None:
        raise UsageError(f"{workspace.main_name} does not exist here", hint="git fetch, or push main first")
    if (workspace.common / "shallow").is_file():
        words = "this is a shallow clone: what is not here cannot be judged"
        raise CoordError(words, hint="git fetch --unshallow")
    return _Reading(workspace, workspace.main_tip).facts(pushed, int(time.time()) if now is None else now)


@dataclass
class _Reading:
    """One reading of a repository; everything is read once."""

    workspace: Workspace
    main: str
    _settings: dict[tuple[Entry | None, ...], Settings] = field(default_factory=dict)
    _parsed: dict[str, Task | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.git = self.workspace.git
        self.objects = self.git.objects

    def facts(self, pushed: tuple[PushedTip, ...], now: int) -> Facts:
        refs = self.git.refs(self.workspace.branch_refs, "refs/coord/")
        branches = tuple(self.branches(refs))
        steps, by_hand, on_main = self.steps()
        above = self.git.ancestry.unlanded((b.oid for b in self.heads(refs)), self.main)
        return Facts(
            steps=steps,
            by_hand=by_hand,
            tasks=self.tasks(self.objects.commit(self.main).tree, self.settings(self.main)),
            branches=branches,
            records=tuple(self.record(r) for r in refs if r.name.startswith((VERDICTS, HISTORY))),
            notes=tuple(self.note(r) for r in refs if r.name.startswith((APPROVALS, CLAIMS, HOLDS))),
            pushed=pushed,
            on_main=on_main,
            on_branches=frozenset(above),
            frozen=any(ref.name == FREEZE for ref in refs),
            now=now,
            remote=self.workspace.remote,
        )

    # -- refs ------------------------------------------------------------------------------------------------------

    def heads(self, refs: tuple[Ref, ...]) -> list[Ref]:
        return [ref for ref in refs if ref.name.startswith(self.workspace.branch_refs) and not ref.symref]

    def branches(self, refs: tuple[Ref, ...]) -> Iterator[Branch]:
        settings = self.settings(self.main)
        for ref in self.heads(refs):
            name = ref.name.removeprefix(self.workspace.branch_refs)
            if task := settings.task_of(name):
                yield Branch(name, task, ref.oid)

    def record(self, ref: Ref) -> Record:
        """Read a verdict ref's commits, newest first along each parent."""
        found: list[Verdict | None] = []
        todo, seen = [ref.oid] if ref.is_commit else [], set()
        while todo:
            oid = todo.pop(0)
            if oid in seen or self.objects.read(oid) is None:
                continue
            seen.add(oid)
            commit = self.objects.commit(oid)
            entry = find_entry(commit.tree, VERDICT_FILE, self.objects.tree)
            found.append(decode(self.objects.blob(entry.oid)) if entry else None)
            todo += commit.parents
        return Record(ref.name, tuple(found))

    def note(self, ref: Ref) -> Note:
        said = trailers(self.objects.commit(ref.oid).message) if ref.is_commit else {}
        return Note(ref.name, said.get("Coord-Tip", ""), whole_number(said.get("Coord-Expires", "")) or 0)

    # -- main ------------------------------------------------------------------------------------------------------

    def steps(self) -> tuple[tuple[Step, ...], tuple[Commit, ...], frozenset[str]]:
        """Return coord's steps and the other ones, oldest first, and every commit that main holds."""
        parents = self._parents()
        steps, by_hand, held = [], [], set[str]()
        for known in reversed(self.git.first_parents(self.main)):
            commit = self.objects.commit(known.oid)
            said = trailers(commit.message)
            if kind_of(said) is StepKind.BY_HAND or not commit.parents:
                by_hand.append(commit)
                _hold(commit.oid, parents, held)
                continue
            for part in self.parts(commit) if kind_of(said) is StepKind.BATCH else ():
                steps.append(self.part(part, held))
                _hold(part.oid, parents, held)
            steps.append(self.step(commit, said, was_on_main=said.get("Coord-Tip", "") in held))
            _hold(commit.oid, parents, held)
        return tuple(steps), tuple(by_hand), frozenset(held)

    def parts(self, batch: Commit) -> tuple[Commit, ...]:
        """Return the merges that lead from a batch's second parent to its first, oldest first; none if they do not."""
        found: list[Commit] = []
        at = batch.parents[1] if len(batch.parents) == 2 else ""
        while at and at != batch.parents[0]:
            part = self.objects.commit(at)
            found.insert(0, part)
            at = part.parents[0] if len(part.parents) == 2 else ""
        return tuple(found) if at else ()

    def part(self, commit: Commit, held: set[str]) -> Step:
        """Return one merge of a batch: a landing in everything but the gate."""
        said = trailers(commit.message)
        step = self.step(commit, said, was_on_main=said.get("Coord-Tip", "") in held)
        return replace(step, kind=StepKind.LANDING, in_batch=True)

    def _parents(self) -> dict[str, tuple[str, ...]]:
        lines = self.git.run("rev-list", "--parents", self.main, "--").text.splitlines()
        return {row[0]: tuple(row[1:]) for row in (line.split(" ") for line in lines)}

    def step(self, commit: Commit, said: Mapping[str, str], *, was_on_main: bool) -> Step:
        base = self.objects.commit(commit.parents[0])
        settings = self.settings(base.oid)
        changed = changed_paths(base.tree, commit.tree, self.objects.tree)
        outside = frozenset(path for path in changed if not settings.is_task_path(path))
        return Step(
            commit=commit,
            kind=kind_of(said),
            said=said,
            base=base,
            second=self.objects.commit(commit.parents[1]) if len(commit.parents) > 1 else None,
            outside=outside,
            edits=tuple(self.edit(path, base.tree, commit.tree) for path in sorted(changed - outside)),
            tasks_before=self.tasks(base.tree, settings),
            tasks_after=self.tasks(commit.tree, settings),
            off_merge=self.off_merge(commit, base, said.get("Coord-Tip", ""), settings),
            tip_was_on_main=was_on_main,
            needs_dependencies=settings.land.require_dependencies,
            parts=self.parts(commit) if kind_of(said) is StepKind.BATCH else (),
        )

    def edit(self, path: str, before: str, after: str) -> Edit:
        old, new = (find_entry(tree, path, self.objects.tree) for tree in (before, after))
        texts = (self.objects.blob(e.oid) if e and e.mode in _FILE_MODES else None for e in (old, new))
        return Edit(path, *texts)

    # -- the merge, made again -------------------------------------------------------------------------------------

    def off_merge(self, commit: Commit, base: Commit, tip: str, settings: Settings) -> frozenset[str]:
        """Return the paths in which a landing is not what git merges from base and tip, the task folder aside."""
        found = self.objects.read(tip) if len(commit.parents) == 2 else None
        if found is None or found[0] is not Kind.COMMIT:
            return frozenset()  # there is nothing to merge: other rules tell
        plain = self._unlike_merge(commit, base.oid, tip, settings)
        if not plain:
            return plain
        # What a branch does in the task folder is left out of its landing, and can sway how git finds renames.
        return self._unlike_merge(commit, base.oid, self._without_task_edits(base, tip, settings), settings)

    def _unlike_merge(self, commit: Commit, base: str, tip: str, settings: Settings) -> frozenset[str]:
        merged = self.git.merge(base, tip)
        if isinstance(merged, Conflicted) and not merged.tree:
            return frozenset(conflict.path for conflict in merged.paths)
        paths = changed_paths(merged.tree, commit.tree, self.objects.tree)
        if isinstance(merged, Conflicted):
            conflicted = frozenset(conflict.path for conflict in merged.paths)
            # A resolver may change what is conflicted, and nothing else.
            paths = paths - conflicted if settings.resolve.command else paths | conflicted
        return frozenset(path for path in paths if not settings.is_task_path(path))

    def _without_task_edits(self, base: Commit, tip: str, settings: Settings) -> str:
        folder, algorithm = settings.project.tasks, self.workspace.algorithm
        theirs = find_entry(base.tree, folder, self.objects.tree)
        entry = (theirs.mode, theirs.oid) if theirs else None
        tree, made = graft(self.objects.commit(tip).tree, folder, entry, self.objects.tree, algorithm)
        signature = Signature(settings.project.identity, "0 +0000", 0)
        stand_in = make_commit(tree, (tip,), "checked again\n", signature, algorithm)
        self.git.write([*made, stand_in])
        return stand_in.oid

    # -- trees -----------------------------------------------------------------------------------------------------

    def settings(self, commit: str) -> Settings:
        """Return the settings at a commit; what cannot be read there was not followed either."""
        root = {entry.name: entry for entry in self.objects.tree(self.objects.commit(commit).tree)}
        key = tuple(root.get(name.encode()) for name in (CONFIG_FILE, TASKGRAPH_FILE))
        if key not in self._settings:
            try:
                self._settings[key] = self.workspace.settings_at(commit)
            except UsageError:
                self._settings[key] = Settings()
        return self._settings[key]

    def tasks(self, tree: str, settings: Settings) -> dict[str, Task]:
        """Return the tasks in a tree by id; of two files with one id, the one whose path comes first."""
        folder = find_entry(tree, settings.project.tasks, self.objects.tree)
        if folder is None or not folder.is_tree:
            return {}
        files = tree_files(folder.oid, self.objects.tree, settings.project.tasks + "/")
        read = (self.task(file) for file in sorted(files, reverse=True))
        return {task.id: task for task in read if task}

    def task(self, file: TreeFile) -> Task | None:
        key = f"{file.oid} {file.path}"
        if key not in self._parsed:
            wanted = file.path.endswith(".md") and file.mode in _FILE_MODES
            task = read_task(file.path, self.objects.blob(file.oid)) if wanted else None
            self._parsed[key] = task if isinstance(task, Task) else None
        return self._parsed[key]


def _hold(tip: str, parents: Mapping[str, tuple[str, ...]], held: set[str]) -> None:
    """Add what ``tip`` contains to what is held already."""
    todo = [tip]
    while todo:
        oid = todo.pop()
        if oid not in held:
            held.add(oid)
            todo += parents.get(oid, ())


# -- running greens again ------------------------------------------------------------------------------------------

#: Gives a gate's folder its own ``.git`` at a commit.
Cloner = Callable[[Path, str], None]


@dataclass(frozen=True, slots=True)
class Rerun:
    """What running greens again found: violations, how many passed, and why others could not be run."""

    red: tuple[Violation, ...]
    green: int
    unproven: tuple[str, ...]


def regate(
    workspace: Workspace,
    facts: Facts,
    *,
    last: int | None,
    clone: Cloner,
    show: Callable[[str], None],
) -> Rerun:
    """Run the gate again on the trees of coord's landings (the ``last`` so many), believing no evidence."""
    landings = facts.validated if last is None else facts.validated[len(facts.validated) - last :]
    chosen = workspace.git.config(r"^coord\.gatefolder$").get("coord.gatefolder")
    parent = default_folder(workspace.common, chosen)
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="verify-", dir=parent))
    try:
        objects = workspace.git.objects
        room = Room(scratch / "state", scratch / "gates", objects.blob, clone, show)
        return _rerun(_Reading(workspace, workspace.main_tip or ""), landings, room)
    finally:
        remove(scratch)


def _rerun(reading: _Reading, landings: tuple[Step, ...], room: Room) -> Rerun:
    red, green, unproven = [], 0, []
    for step in landings:
        commit = step.commit.oid
        profile = _profile(step, reading.settings(step.base.oid))
        if profile is None:
            unproven.append(f"{commit[:7]}: its base knows no profile '{step.said.get('Coord-Gate', '')}'")
            continue
        match judge(_subject(reading, step, profile), profile, room):
            case Passed():
                green += 1
            case Failed(failed, log):
                words = (
                    f"{step.task}: {failed} fails on the published tree: {' / '.join(log.splitlines()[-2:])}"
                )
                red.append(Violation("regate", 1, commit, words, f"git revert -m 1 {commit}"))
            case CouldNotRun(reason):
                unproven.append(f"{commit[:7]}: {reason}")
    return Rerun(tuple(red), green, tuple(unproven))


def _profile(step: Step, settings: Settings) -> Profile | None:
    """Return the profile that the landing names, as the configuration of its base had it."""
    name = step.said.get("Coord-Gate", "").rpartition(" ")[0]
    return next((profile for profile in settings.profiles if profile.name == name), None) or built_in(name)


def _subject(reading: _Reading, step: Step, profile: Profile) -> Subject:
    folder = reading.settings(step.base.oid).project.tasks
    oid, read = step.commit.oid, reading.objects.tree
    return subject_of(oid[:7], oid, step.commit.tree, read, tasks=folder, profile=profile)
