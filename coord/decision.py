"""What a person decides: complete, retry, approve, unblock, hold, freeze.

Each is one atomic push of small facts, made from a fresh view and made again when somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coord.core.answer import Pushed, RefUpdate, Rejected, Stale
from coord.core.frontedit import Refusal, set_scalar
from coord.core.message import blocked_message, completed_message, unblocked_message
from coord.core.queue import Cause, make_queue
from coord.core.section import append_to_section, fill_section
from coord.core.signal import trailer_block
from coord.core.snapshot import Ruling, TaskBranch
from coord.core.task import Status, Task
from coord.core.text import one_line
from coord.core.verdict import APPROVALS, FREEZE, HOLDS, Verdict, VerdictKind
from coord.errors import CoordError, Exit, RacedError, RefusedError, UsageError
from coord.freshness import fetch
from coord.merge import note_commit, signature_of, status_commit
from coord.observe import View, observe
from coord.outcome import RACES
from coord.publishing import closing, main_update, push, verdict_commit
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Decided:
    """The refs that a decision moves (none: there was nothing to change), what to tell the person, and the tasks that it
    changes (none: it is about no single one)."""

    updates: tuple[RefUpdate, ...]
    words: tuple[str, ...]
    tasks: tuple[str, ...] = ()


def decide(
    workspace: Workspace, decision: Callable[[Workspace, View], Decided], *, dry_run: bool = False
) -> Decided:
    """Apply a decision to a fresh view; made again when a ref moved meanwhile.

    Raises RacedError after five lost races and RefusedError with the remote's words.
    """
    for _ in range(RACES + 1):
        fetch(workspace)
        decided = decision(workspace, observe(workspace))
        if dry_run or not decided.updates:
            return decided
        match push(workspace, decided.updates):
            case Pushed():
                fetch(workspace)
                return decided
            case Rejected(words):
                raise RefusedError(
                    f"the remote refused: {words}",
                    hint="check your rights and the protection of main and refs/coord/",
                )
            case Stale():
                continue
    raise RacedError("somebody else kept moving the same refs", hint="run it again")


# -- tasks ---------------------------------------------------------------------------------------------------------


def complete(workspace: Workspace, view: View, ids: Sequence[str], text: str) -> Decided:
    """Complete tasks by the coordinator's own word; open dependencies are worth a warning, no more."""
    files: dict[str, bytes] = {}
    words: list[str] = []
    done: list[str] = []
    for task in (the_task(view, word) for word in ids):
        if task.id in done:
            continue
        content = _completed(view, task, text)
        if content == view.tasks.bytes_of(task.id):
            words.append(f"{task.id} is completed already")
            continue
        unmet = view.snapshot.graph.unmet(task.id)
        if unmet:
            words.append(f"warning: {task.id} has open dependencies: {', '.join(u.id for u in unmet)}")
        files[task.path] = content
        done.append(task.id)
    if not files:
        return Decided((), tuple(words))
    commit = status_commit(workspace, view, files, completed_message(tuple(done), text))
    updates = [main_update(workspace, view, commit)]
    for task_id in done:
        updates += closing(workspace, view, task_id, commit)
    return Decided(tuple(updates), (*words, f"completed {', '.join(done)} in {commit[:7]}"), tuple(done))


def _completed(view: View, task: Task, text: str) -> bytes:
    content: bytes | Refusal = view.tasks.bytes_of(task.id)
    if task.status_text != Status.COMPLETED:
        content = set_scalar(view.tasks.bytes_of(task.id), "status", "completed")
    if isinstance(content, Refusal):
        raise _cannot_edit(task, content)
    return fill_section(content, "Summary", text) if text else content


def _cannot_edit(task: Task, refusal: Refusal) -> CoordError:
    return CoordError(f"{task.path}: {refusal.reason}", hint=refusal.hint, exit=Exit.INVALID_TASKS)


def block(workspace: Workspace, view: View, word: str, reason: str) -> Decided:
    """Block a task that has no branch of its own, by a person's word: main says why, and what depends on it waits."""
    task = the_task(view, word)
    if task.is_completed:
        raise CoordError(f"{task.id} is completed already", hint="a new task can say what is wrong now")
    content = set_scalar(view.tasks.bytes_of(task.id), "status", "blocked")
    if isinstance(content, Refusal):
        raise _cannot_edit(task, content)
    content = append_to_section(content, "Notes", f"Blocked: {reason}")
    if content == view.tasks.bytes_of(task.id):
        return Decided((), (f"{task.id} is blocked already, for this reason",))
    commit = status_commit(workspace, view, {task.path: content}, blocked_message(task.id, reason))
    return Decided(
        (main_update(workspace, view, commit),), (f"{task.id} is blocked in {commit[:7]}: {reason}",)
    )


def retry(workspace: Workspace, view: View, word: str) -> Decided:
    """Let a tip be tried again that has a verdict."""
    task = the_task_id(view, word)
    ruling = view.snapshot.ruling(task)
    if ruling is None or not ruling.verdict.stops:
        return Decided((), (f"{task} has no verdict: nothing to retry",))
    if ruling.verdict.kind is VerdictKind.BLOCKED:
        raise CoordError(
            f"{task} declared itself blocked: {ruling.verdict.reason}",
            hint=f"coord unblock {task}",
            exit=Exit.WAITING,
        )
    lifted = _lifted(ruling, VerdictKind.RETRY, "to be tried again")
    words = f"{task} will be tried again by coord land"
    return Decided((_ruling_update(workspace, view, ruling, lifted),), (words,), (task,))


def unblock(workspace: Workspace, view: View, word: str, context: str) -> Decided:
    """Lift a block by hand: the verdict's history stays, the task is pending again."""
    task_id = the_task_id(view, word)
    ruling = view.snapshot.ruling(task_id)
    updates = []
    task = view.snapshot.graph.get(task_id)
    if task is not None and task.status is Status.BLOCKED:
        updates.append(main_update(workspace, view, _unblocked_commit(workspace, view, task, context)))
    if ruling is not None and ruling.verdict.stops:
        lifted = replace(
            _lifted(ruling, VerdictKind.UNBLOCKED, context or "unblocked by hand"), context=context
        )
        updates.append(_ruling_update(workspace, view, ruling, lifted))
    if not updates:
        return Decided((), (f"{task_id} is not blocked: nothing to do",))
    safe_exit = ruling is not None and ruling.verdict.kind is VerdictKind.BLOCKED
    words = "; its branch waits for a new push" if safe_exit else "; coord land tries it again"
    return Decided(tuple(updates), (f"{task_id} is unblocked{words}",), (task_id,))


def _unblocked_commit(workspace: Workspace, view: View, task: Task, context: str) -> str:
    content = set_scalar(view.tasks.bytes_of(task.id), "status", "pending")
    if isinstance(content, Refusal):
        raise _cannot_edit(task, content)
    if context:
        content = append_to_section(content, "Notes", f"Unblocked: {context}")
    return status_commit(workspace, view, {task.path: content}, unblocked_message(task.id, context))


def _lifted(ruling: Ruling, kind: VerdictKind, reason: str) -> Verdict:
    return replace(ruling.verdict, kind=kind, reason=reason, log="")


def _ruling_update(workspace: Workspace, view: View, ruling: Ruling, verdict: Verdict) -> RefUpdate:
    return RefUpdate(ruling.ref, ruling.oid, verdict_commit(workspace, view, verdict, (ruling.oid,)))


# -- approvals, holds, freeze --------------------------------------------------------------------------------------


def approve(workspace: Workspace, view: View, word: str, who: str) -> Decided:
    """Allow the present tip of a branch, and no other, to change protected paths."""
    task = the_task_id(view, word)
    branch = _the_branch(view, task, word)
    paths = sorted(path for path in branch.files if view.snapshot.settings.is_protected(path))
    if view.snapshot.approved(branch):
        return Decided((), (f"{branch.name} at {branch.tip[:7]} is approved already",))
    words = f"approved({task}): {branch.tip[:7]}\n\n"
    words += trailer_block({"Coord-Task": task, "Coord-Tip": branch.tip, "Coord-By": one_line(who)}) + "\n"
    commit = note_commit(workspace, {}, (), words, signature_of(view))
    ref = APPROVALS + task
    updates = (
        RefUpdate(ref, view.coord_refs.get(ref), commit),
        RefUpdate(branch.ref, branch.tip, branch.tip),
    )
    told = f"approved {branch.name} at {branch.tip[:7]}"
    told += f": {', '.join(paths)}" if paths else " (it changes nothing protected)"
    return Decided(updates, (told,), (task,))


def hold(workspace: Workspace, view: View, word: str, reason: str) -> Decided:
    """Keep one branch from landing until it is released."""
    task = the_task_id(view, word)
    ref = HOLDS + task
    commit = note_commit(
        workspace, {}, (), f"{reason}\n\n{trailer_block({'Coord-Task': task})}\n", signature_of(view)
    )
    words = f"{task} is held: {reason}"
    return Decided((RefUpdate(ref, view.coord_refs.get(ref), commit),), (words,), (task,))


def release(workspace: Workspace, view: View, word: str) -> Decided:
    """Undo a hold."""
    task = next((m.task for m in view.snapshot.holds if m.task == word), None) or the_task_id(view, word)
    held = view.coord_refs.get(HOLDS + task)
    if held is None:
        return Decided((), (f"{task} is not held: nothing to do",))
    return Decided((RefUpdate(HOLDS + task, held, None),), (f"{task} is released",), (task,))


def freeze(workspace: Workspace, view: View, reason: str) -> Decided:
    """Stop all landing until it is thawed."""
    commit = note_commit(workspace, {}, (), f"{reason}\n", signature_of(view))
    return Decided(
        (RefUpdate(FREEZE, view.coord_refs.get(FREEZE), commit),), (f"all landing is frozen: {reason}",)
    )


def thaw(workspace: Workspace, view: View) -> Decided:
    """Undo a freeze."""
    frozen = view.coord_refs.get(FREEZE)
    if frozen is None:
        return Decided((), ("landing is not frozen: nothing to do",))
    return Decided((RefUpdate(FREEZE, frozen, None),), ("landing goes on",))


# -- what people mean ----------------------------------------------------------------------------------------------


def the_task_id(view: View, word: str) -> str:
    """Return the id that ``word`` (an id or a branch name) means. Raises UsageError with near ids."""
    return view.snapshot.resolve(word)


def the_task(view: View, word: str) -> Task:
    """Return the task that ``word`` means. Raises UsageError when it has no file on main."""
    task = view.snapshot.graph.get(view.snapshot.resolve(word))
    if task is None:
        raise UsageError(f"no task '{word}' on main", hint="coord list shows the tasks on main")
    return task


def _the_branch(view: View, task: str, word: str) -> TaskBranch:
    """Return the branch that is named; of a task with two, the one that waits for an approval."""
    found = [branch for branch in view.snapshot.branches if branch.task == task]
    if not found:
        raise CoordError(f"there is no branch for {task} on the remote", hint="coord plan shows the branches")
    waits = {one.branch.name for one in make_queue(view.snapshot).waiting if one.cause is Cause.PROTECTED}
    return min(found, key=lambda branch: (branch.name != word, branch.name not in waits))
