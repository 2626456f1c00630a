"""Making trials, and the other commits for main, in the object database; no working copy takes part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from coord.core.answer import Conflicted, Merged
from coord.core.frontedit import Refusal, set_scalar
from coord.core.message import merge_message, resolved_message, status_message
from coord.core.objects import (
    FILE_MODE,
    Entry,
    GitObject,
    Kind,
    Signature,
    changed_paths,
    find_entry,
    graft,
    is_refused,
    make,
    make_commit,
    make_tree,
)
from coord.core.section import append_to_section, fill_section, section_text
from coord.core.settings import CONFIG_FILE, TASKGRAPH_FILE
from coord.core.signal import Done
from coord.core.snapshot import Snapshot, TaskBranch
from coord.core.task import Task
from coord.core.text import one_line
from coord.core.treemerge import merge_plainly
from coord.core.trial import Clash, ConflictPath, TouchesProtected, Trial, Unfit
from coord.errors import MalformedError, UsageError
from coord.git import Git
from coord.observe import View
from coord.resolve import Resolved, Unresolved
from coord.workspace import Workspace

#: How many landings are tried one by one to find who brought the other side of a conflict; beyond it all are named.
_LANDINGS_TRIED = 30

#: Settles a conflict with the tasks that brought the other side, or says why it cannot.
Resolver = Callable[[Conflicted, tuple[str, ...]], Resolved | Unresolved]


@dataclass(frozen=True, slots=True)
class Edited:
    """Main's tree with some task files changed, and the objects that it takes."""

    tree: str
    objects: tuple[GitObject, ...]


def make_trial(
    workspace: Workspace,
    view: View,
    branch: TaskBranch,
    profile: str,
    *,
    onto: str | None = None,
    part: bool = False,
    resolver: Resolver | None = None,
) -> Trial | Clash | Unfit | TouchesProtected:
    """Merge a branch's tip into main and complete its task, as the two commits S and M with one tree.

    The task folder is main's, tree by tree; the branch's edits there are dropped (its Summary and Notes are taken
    over as text). The same base, tip, ``at`` and configuration give the same ids on every machine. ``onto`` is another
    trial to stand on in main's place; ``part`` says that it will hang in a batch, so its own tree is not validated.
    """
    # What git's fsck refuses (a hand-made tree) is the branch's own affair: it waits, the queue goes on.
    try:
        maker = _Maker(workspace, view, branch, onto or view.snapshot.base)
        return maker.make("" if part else profile, resolver)
    except MalformedError as refused:
        return Unfit(refused.message)


@dataclass(frozen=True, slots=True)
class _Maker:
    """One trial in the making: ``branch`` on ``onto``, which is main's tip or another trial."""

    workspace: Workspace
    view: View
    branch: TaskBranch
    onto: str

    @property
    def git(self) -> Git:
        return self.workspace.git

    @property
    def snapshot(self) -> Snapshot:
        return self.view.snapshot

    def make(self, profile: str, resolver: Resolver | None) -> Trial | Clash | Unfit | TouchesProtected:
        objects = self.git.objects
        in_the_way = _file_above(
            self.git, objects.commit(self.branch.tip).tree, self.snapshot.settings.project.tasks
        )
        if in_the_way:
            return Clash((ConflictPath(in_the_way, "file/directory"),))
        clash = None
        plain = self.plain_merge()
        merged, made = plain or ("", ())
        if plain is None:
            answer = self.git.merge(self.onto, self.with_mains_tasks())
            if isinstance(answer, Conflicted):
                clash = Clash(answer.paths, self.who_brought(answer))
                settled = resolver(answer, clash.by) if resolver else Unresolved("")
                if isinstance(settled, Unresolved):
                    return replace(clash, note=settled.why)
                answer = Merged(settled.tree)
            merged = answer.tree
        completed = self.complete_in(merged)
        if isinstance(completed, Unfit):
            return completed
        changed = changed_paths(objects.commit(self.onto).tree, completed.tree, objects.tree)
        refused = sorted(filter(is_refused, changed))
        if refused:
            return Unfit(f"it holds a path that git does not check out: {one_line(refused[0])}")
        broken = self.broken_settings(completed.tree, changed)
        if broken:
            return Unfit(broken)
        protected = _protected_changes(self.snapshot, self.branch, changed)
        if protected:
            return TouchesProtected(protected)
        trial, more = self.commits(completed, profile=profile, resolved=clash)
        if plain:
            self.git.stage([*made, *more])
        else:
            # A tree made by hand may hold what git refuses: it is asked at once, so that only this branch waits for it.
            self.git.write(more)
        return trial

    def broken_settings(self, tree: str, changed: frozenset[str]) -> str:
        """Return why main could not be read any more after this, ``""`` when it could: nothing would land after it."""
        if changed.isdisjoint((CONFIG_FILE, TASKGRAPH_FILE)):
            return ""
        try:
            self.workspace.settings_in(tree)
        except UsageError as error:
            return f"main could not be read after it: {error.message}"
        return ""

    def plain_merge(self) -> tuple[str, tuple[GitObject, ...]] | None:
        """Return the merged tree and the new trees it takes when no path was changed by both sides, None when git has to
        merge. They are only remembered: whether the trial is fit is not known yet."""
        if not self.branch.fork or self.branch.dropped:
            return None
        objects, folder = self.git.objects, self.snapshot.settings.project.tasks
        trees = [objects.commit(oid).tree for oid in (self.branch.fork, self.onto, self.branch.tip)]
        merged = merge_plainly(
            trees[0], trees[1], trees[2], objects.tree, self.workspace.algorithm, ours_only=folder
        )
        if merged is not None:
            objects.remember(merged[1])
        return merged

    def commits(
        self, completed: Edited, *, profile: str, resolved: Clash | None
    ) -> tuple[Trial, list[GitObject]]:
        """Return S and M as a trial, and all objects it takes; M names ``profile`` unless that is empty."""
        algorithm, branch = self.workspace.algorithm, self.branch
        signature = signature_of(self.view, branch.author_date)
        tree, base, tip = completed.tree, self.onto, branch.tip
        objects = list(completed.objects)
        second = tip
        if self.snapshot.graph.get(branch.task) is not None:
            status = make_commit(tree, (tip, base), status_message(branch.task), signature, algorithm)
            objects.append(status)
            second = status.oid
        gate = f"{profile} {tree}" if profile else ""
        message = merge_message(branch.name, branch.task, tip, gate)
        if resolved:
            message = resolved_message(branch.name, branch.task, tip, gate, resolved.by)
        merge = make_commit(tree, (base, second), message, signature, algorithm)
        trial = Trial(
            task=branch.task,
            branch=branch.name,
            base=base,
            tip=tip,
            at=self.snapshot.at,
            tree=tree,
            status_commit=second,
            commit=merge.oid,
            dropped=branch.dropped,
            resolved=resolved,
        )
        return trial, [*objects, merge]

    def with_mains_tasks(self) -> str:
        """Return the tip, or, when the branch edited the task folder, a commit on it with main's task folder instead.

        The stand-in only feeds the merge: its task folder equals main's, so nothing in there can conflict.
        """
        branch, algorithm = self.branch, self.workspace.algorithm
        if not branch.dropped:
            return branch.tip
        objects, folder = self.git.objects, self.snapshot.settings.project.tasks
        theirs = find_entry(objects.commit(self.onto).tree, folder, objects.tree)
        entry = (theirs.mode, theirs.oid) if theirs else None
        tree, made = graft(objects.commit(branch.tip).tree, folder, entry, objects.tree, algorithm)
        signature = signature_of(self.view, branch.author_date)
        stand_in = make_commit(tree, (branch.tip,), "stand-in\n", signature, algorithm)
        self.git.write([*made, stand_in])
        return stand_in.oid

    def who_brought(self, merged: Conflicted) -> tuple[str, ...]:
        """Return the landed branches that brought the other side: those with which a conflict first appeared."""
        git, base, tip = self.git, self.snapshot.base, self.branch.tip
        fork = git.ancestry.merge_base(base, tip) if self.onto == base else None
        if fork is None:
            return ()
        landings = git.ancestry.landings_of(fork, base, [conflict.path for conflict in merged.paths])
        named = tuple(sorted({task for _, task in landings}))
        if len(named) < 2 or len(landings) > _LANDINGS_TRIED:
            return named
        brought = {task for commit, task in landings if _conflict_appears(git, commit, tip)}
        return tuple(sorted(brought)) or named

    def complete_in(self, merged: str) -> Edited | Unfit:
        """Return the merged tree with the task folder of what it stands on, the task in it completed."""
        git, snapshot, algorithm = self.git, self.snapshot, self.workspace.algorithm
        folder = snapshot.settings.project.tasks
        task = snapshot.graph.get(self.branch.task)
        edited = Edited(git.objects.commit(self.onto).tree, ())
        if task is not None:
            changed = completed_file(self.workspace, self.view, self.branch, task)
            if isinstance(changed, Refusal):
                return unfit(task, changed)
            edited = put_file(self.workspace, edited, task.path, changed)
        tasks = find_entry(edited.tree, folder, git.objects.tree)
        entry = (tasks.mode, tasks.oid) if tasks else None
        tree, objects = graft(merged, folder, entry, git.objects.tree, algorithm)
        git.objects.remember(objects)
        return Edited(tree, (*edited.objects, *objects))


def _conflict_appears(git: Git, landing: str, tip: str) -> bool:
    """Say whether the tip conflicts with main after a landing in a path in which it did not before."""
    before, after = (git.merge(commit, tip) for commit in (git.objects.commit(landing).parents[0], landing))
    known = {conflict.path for conflict in before.paths} if isinstance(before, Conflicted) else set()
    return isinstance(after, Conflicted) and any(conflict.path not in known for conflict in after.paths)


def _protected_changes(snapshot: Snapshot, branch: TaskBranch, changed: frozenset[str]) -> tuple[str, ...]:
    """Return what the merge itself would change among the protected paths, however the branch brings it about."""
    if snapshot.approved(branch):
        return ()
    return tuple(sorted(path for path in changed if snapshot.settings.is_protected(path)))


# -- task files ----------------------------------------------------------------------------------------------------


def unfit(task: Task, refusal: Refusal) -> Unfit:
    """Return the finding that a task file cannot be edited."""
    return Unfit(f"{task.path} cannot be edited safely: {refusal.reason} ({refusal.hint})")


def _file_above(git: Git, tree: str, folder: str) -> str:
    """Return the path above the task folder at which a tree has a file, which putting the folder back would hide."""
    parts = folder.split("/")
    for depth in range(1, len(parts)):
        path = "/".join(parts[:depth])
        found = find_entry(tree, path, git.objects.tree)
        if found is not None and not found.is_tree:
            return path
    return ""


def completed_file(workspace: Workspace, view: View, branch: TaskBranch, task: Task) -> bytes | Refusal:
    """Return main's task file with the status completed and the Summary filled, or why it cannot be edited."""
    before = view.tasks.bytes_of(task.id)
    after = set_scalar(before, "status", "completed")
    if isinstance(after, Refusal):
        return after
    notes, summary = (_written(workspace, view, branch, task, title) for title in ("Notes", "Summary"))
    if notes and notes != section_text(before, "Notes"):
        after = append_to_section(after, "Notes", notes)
    own = "" if summary == section_text(before, "Summary") else summary
    return fill_section(after, "Summary", _summary(workspace, branch, own))


def _written(workspace: Workspace, view: View, branch: TaskBranch, task: Task, title: str) -> str:
    """Return a section's text as the branch wrote it, ``""`` when it only kept what it found."""
    if task.path not in branch.dropped:
        return ""
    text = section_text(_file_at(workspace, branch.tip, task.path), title)
    fork = workspace.git.ancestry.merge_base(view.snapshot.base, branch.tip) if text else None
    found = section_text(_file_at(workspace, fork, task.path), title) if fork else ""
    return "" if text == found else text


def _file_at(workspace: Workspace, commit: str, path: str) -> bytes:
    objects = workspace.git.objects
    entry = find_entry(objects.commit(commit).tree, path, objects.tree)
    return objects.blob(entry.oid) if entry and entry.mode.startswith("100") else b""


def _summary(workspace: Workspace, branch: TaskBranch, own: str) -> str:
    """Return what is kept as the Summary: the trailer, else the branch's own section, else its commit subjects."""
    if isinstance(branch.signal, Done) and branch.signal.summary:
        return branch.signal.summary
    if own:
        return own
    commits = (workspace.git.objects.commit(oid) for oid in branch.commits[-50:])
    subjects = [
        one_line(c.subject) for c in commits if len(c.parents) < 2 and not c.subject.startswith("coord: ")
    ]
    lines = list(dict.fromkeys(filter(None, subjects))) or [f"Landed from {branch.name}."]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def put_file(workspace: Workspace, edited: Edited, path: str, content: bytes) -> Edited:
    """Return ``edited`` with one more file changed."""
    blob = make(Kind.BLOB, content, workspace.algorithm)
    found = find_entry(edited.tree, path, workspace.git.objects.tree)
    mode = found.mode if found and found.mode.startswith("100") else FILE_MODE
    tree, objects = graft(
        edited.tree, path, (mode, blob.oid), workspace.git.objects.tree, workspace.algorithm
    )
    workspace.git.objects.remember(objects)
    return replace(edited, tree=tree, objects=(*edited.objects, blob, *objects))


def note_commit(
    workspace: Workspace,
    files: dict[str, bytes],
    parents: tuple[str, ...],
    message: str,
    signature: Signature,
) -> str:
    """Store a commit whose tree holds just ``files`` (names without folders) and return its id.

    Verdicts, approvals, claims and holds are such commits.
    """
    blobs = {name: make(Kind.BLOB, content, workspace.algorithm) for name, content in files.items()}
    entries = [Entry(name.encode(), FILE_MODE, blob.oid) for name, blob in blobs.items()]
    tree = make_tree(entries, workspace.algorithm)
    commit = make_commit(tree.oid, parents, message, signature, workspace.algorithm)
    workspace.git.write([*blobs.values(), tree, commit])
    return commit.oid


def signature_of(view: View, author_date: str = "") -> Signature:
    """Return how coord signs what it makes from this view."""
    snapshot = view.snapshot
    return Signature(snapshot.settings.project.identity, author_date or f"{snapshot.at} +0000", snapshot.at)


def status_commit(
    workspace: Workspace, view: View, files: dict[str, bytes], words: str, author_date: str = ""
) -> str:
    """Store a commit on main that changes only task files, and return its id."""
    base = view.snapshot.base
    edited = Edited(workspace.git.objects.commit(base).tree, ())
    for path, content in files.items():
        edited = put_file(workspace, edited, path, content)
    commit = make_commit(edited.tree, (base,), words, signature_of(view, author_date), workspace.algorithm)
    workspace.git.write([*edited.objects, commit])
    return commit.oid
