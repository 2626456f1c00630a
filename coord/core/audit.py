"""What must hold of a repository that coord lands in: rules over facts that were read from refs and objects alone.

The guarantees are about the steps that coord adds to main: a first-parent commit is coord's when its trailers say so
(``Coord-Gate``: a landing; ``Coord-Task``: a status step). What people put on main is counted, not judged. Nothing
here is shared with the code that plans, merges and publishes, or a mistake in it would excuse itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from shlex import quote

from coord.core.auditfacts import Facts, Step, shape_flaw
from coord.core.bytes_meant import only_meant_bytes_differ
from coord.core.task import Status, Task
from coord.core.text import few, one_line
from coord.core.verdict import APPROVALS, CLAIMS, HISTORY, HOLDS, VERDICTS, VerdictKind


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule found: the guarantee that is broken (behaviour 9), where, and what a person can do."""

    rule: str
    guarantee: int
    subject: str
    message: str
    command: str


#: What a rule yields: the subject (a commit, a ref, a task) and what is wrong with it.
Breach = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table; ``command`` is what to do, ``{}`` standing for the subject and ``{delete}`` for the words
    that delete a ref where coord keeps it."""

    name: str
    guarantee: int
    check: Callable[[Facts], Iterator[Breach]]
    command: str


def audit(facts: Facts) -> tuple[Violation, ...]:
    """Return everything that breaks a rule, in the order of the rules."""
    delete = f"git push {quote(facts.remote)} --delete" if facts.remote else "git update-ref -d"
    return tuple(
        Violation(
            rule.name,
            rule.guarantee,
            subject,
            one_line(message, 500),
            rule.command.format(quote(subject), delete=delete),
        )
        for rule in RULES
        for subject, message in rule.check(facts)
    )


# -- landings ------------------------------------------------------------------------------------------------------


def _landing_shape(facts: Facts) -> Iterator[Breach]:
    for step in facts.landings:
        if flaw := shape_flaw(step):
            yield step.commit.oid, flaw


def _landing_tip(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_landings:
        second = step.second
        brought = second.parents[:1] if second and step.has_task else step.commit.parents[1:]
        if brought != (step.tip,):
            yield step.commit.oid, f"it names the tip {step.tip[:7]} and brings {''.join(brought)[:7]}"


def _batch_shape(facts: Facts) -> Iterator[Breach]:
    for step in facts.batches:
        if not step.parts:
            yield (
                step.commit.oid,
                "its second parent does not lead, merge by merge, to the main that it stands on",
            )
        elif step.parts[-1].tree != step.commit.tree:
            yield step.commit.oid, f"its last merge {step.parts[-1].oid[:7]} has another tree"
        elif str(len(step.parts)) != step.said["Coord-Batch"]:
            yield (
                step.commit.oid,
                f"it names {step.said['Coord-Batch']} branches and carries {len(step.parts)}",
            )


def _gate_tree(facts: Facts) -> Iterator[Breach]:
    for step in facts.validated:
        judged = step.said.get("Coord-Gate", "").rpartition(" ")[2]
        if judged != step.commit.tree:
            yield (
                step.commit.oid,
                f"its gate judged the tree {judged[:7]}, it published {step.commit.tree[:7]}",
            )


def _one_tree(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_landings:
        if step.has_task and step.second and step.second.tree != step.commit.tree:
            yield step.commit.oid, f"its status commit {step.second.oid[:7]} has another tree"


def _merge_content(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_landings:
        if step.off_merge:
            yield step.commit.oid, f"it is not the merge of its base and its tip in {_some(step.off_merge)}"


def _dependencies(facts: Facts) -> Iterator[Breach]:
    for step in facts.landings:
        task = step.tasks_before.get(step.task)
        needs = task.depends_on if task and step.needs_dependencies else ()
        unmet = [need for need in needs if not _is_completed(step.tasks_before, need)]
        if unmet:
            yield step.commit.oid, f"{step.task} landed before its dependencies: {_some(unmet)}"


def _landed_twice(facts: Facts) -> Iterator[Breach]:
    for step in facts.landings:
        if step.tip_was_on_main:
            yield step.commit.oid, f"main held the tip {step.tip[:7]} of {step.task} already"


# -- task files ----------------------------------------------------------------------------------------------------


def _task_completed(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_landings:
        if step.has_task and not _is_completed(step.tasks_after, step.task):
            yield step.commit.oid, f"it lands {step.task} without completing it"


def _status_step(facts: Facts) -> Iterator[Breach]:
    for step in facts.status_steps:
        if len(step.commit.parents) != 1:
            yield step.commit.oid, "a status step is no merge: was this landed without a gate?"
        elif step.outside:
            yield (
                step.commit.oid,
                f"a status step changes files outside the task folder: {_some(step.outside)}",
            )


def _task_folder(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_steps:
        own = {step.tasks_before[task].path for task in step.tasks if task in step.tasks_before}
        others = [edit.path for edit in step.edits if edit.path not in own]
        if others:
            yield step.commit.oid, f"it changes task files that it does not name: {_some(others)}"


def _task_bytes(facts: Facts) -> Iterator[Breach]:
    for step in facts.sound_steps:
        for edit in step.edits:
            if edit.before is None or edit.after is None:
                yield step.commit.oid, f"it adds or removes {edit.path}"
            elif not only_meant_bytes_differ(edit.before, edit.after):
                yield step.commit.oid, f"it changes more of {edit.path} than status, Notes and Summary"


def _completed_fact(facts: Facts) -> Iterator[Breach]:
    for step in facts.status_steps:
        done = [task for task in step.tasks if _became(step, task, Status.COMPLETED)]
        if done and step.tip and not step.tip_was_on_main:
            yield (
                step.commit.oid,
                f"{_some(done)}: completed for the tip {step.tip[:7]}, which main did not hold",
            )


def _blocked_fact(facts: Facts) -> Iterator[Breach]:
    known = {
        (verdict.task, verdict.tip)
        for record in facts.records
        for verdict in record.verdicts
        if verdict and verdict.stops
    }
    for step in facts.status_steps:
        for task in step.tasks:
            # Without a tip it is a person's word about a task that has no branch: a review.
            if step.tip and _became(step, task, Status.BLOCKED) and (task, step.tip) not in known:
                yield step.commit.oid, f"{task}: blocked for the tip {step.tip[:7]}, and no verdict tells why"


def _became(step: Step, task: str, status: Status) -> bool:
    before, after = step.tasks_before.get(task), step.tasks_after.get(task)
    return after is not None and after.status is status and (before is None or before.status is not status)


def _is_completed(tasks: Mapping[str, Task], task: str) -> bool:
    return task in tasks and tasks[task].is_completed


# -- pushes --------------------------------------------------------------------------------------------------------


def _lost_push(facts: Facts) -> Iterator[Breach]:
    last = {pushed.ref: number for number, pushed in enumerate(facts.pushed)}
    for number, pushed in enumerate(facts.pushed):
        replaced = last[pushed.ref] != number
        there = pushed.oid in facts.on_main or pushed.oid in facts.on_branches
        if not (pushed.is_deletion or replaced or there):
            yield pushed.oid, f"pushed to {pushed.ref}, and now on no branch"


# -- what a run leaves behind --------------------------------------------------------------------------------------


def _landed_branch(facts: Facts) -> Iterator[Breach]:
    landed = {(step.task, step.tip) for step in facts.sound_landings}
    held = {note.ref.removeprefix(HOLDS) for note in facts.notes if note.ref.startswith(HOLDS)}
    for branch in facts.branches:
        if (branch.task, branch.tip) in landed and branch.task not in held and not facts.frozen:
            yield branch.name, f"its tip {branch.tip[:7]} has landed, and the branch is still there"


def _stray_note(facts: Facts) -> Iterator[Breach]:
    live = {branch.task for branch in facts.branches}
    tips = {(branch.task, branch.tip) for branch in facts.branches}
    for note in facts.notes:
        if note.ref.startswith(APPROVALS) and (note.ref.removeprefix(APPROVALS), note.tip) not in tips:
            yield note.ref, "it approves a tip that no branch has"
        elif note.ref.startswith(CLAIMS) and note.expires <= facts.now:
            yield note.ref, "the claim has expired"
        elif note.ref.startswith(HOLDS) and _is_over(facts, note.ref.removeprefix(HOLDS), live):
            yield note.ref, "it holds a task that is over and has no branch"


def _is_over(facts: Facts, task: str, live: set[str]) -> bool:
    return task not in live and (task not in facts.tasks or facts.tasks[task].is_completed)


def _verdict_ref(facts: Facts) -> Iterator[Breach]:
    known = facts.tasks.keys() | {branch.task for branch in facts.branches}
    for record in facts.records:
        task = record.ref.removeprefix(VERDICTS).removeprefix(HISTORY)
        last = record.verdicts[0] if record.verdicts else None
        if last is None or last.task != task:
            yield record.ref, f"it holds no verdict on {task} that can be read"
        elif task not in known and record.ref.startswith(VERDICTS):
            yield record.ref, f"there is no task {task}"


def _verdict_closed(facts: Facts) -> Iterator[Breach]:
    landed = {(step.task, step.tip) for step in facts.sound_landings}
    for record in facts.records:
        last = record.verdicts[0] if record.verdicts else None
        if last is None:
            continue
        closed = last.kind is VerdictKind.LANDED
        if record.ref.startswith(VERDICTS) and (closed or (last.task, last.tip) in landed):
            yield record.ref, f"{last.task} has landed, its verdict belongs under {HISTORY}"
        if record.ref.startswith(HISTORY) and not closed:
            yield record.ref, f"the history of {last.task} does not end with its landing"


def _some(names: frozenset[str] | list[str]) -> str:
    return few(sorted(names))


_SHOW = "git show --stat {}"
_UNDO = "git revert -m 1 {}"

#: A new rule is one function and one row.
RULES: tuple[Rule, ...] = (
    Rule("landing-shape", 1, _landing_shape, _SHOW),
    Rule("batch-shape", 1, _batch_shape, _SHOW),
    Rule("gate-tree", 1, _gate_tree, _UNDO),
    Rule("one-tree", 1, _one_tree, _UNDO),
    Rule("merge-content", 1, _merge_content, _UNDO),
    Rule("status-step", 1, _status_step, _SHOW),
    Rule("dependencies", 2, _dependencies, _UNDO),
    Rule("lost-push", 3, _lost_push, "git branch rescued {}"),
    Rule("landed-branch", 4, _landed_branch, "coord land"),
    Rule("stray-note", 4, _stray_note, "{delete} {}"),
    Rule("verdict-ref", 4, _verdict_ref, "{delete} {}"),
    Rule("verdict-closed", 4, _verdict_closed, "git log {}"),
    Rule("landing-tip", 5, _landing_tip, _SHOW),
    Rule("landed-twice", 5, _landed_twice, _SHOW),
    Rule("task-completed", 6, _task_completed, _SHOW),
    Rule("task-folder", 6, _task_folder, _SHOW),
    Rule("task-bytes", 6, _task_bytes, _SHOW),
    Rule("completed-fact", 6, _completed_fact, _SHOW),
    Rule("blocked-fact", 6, _blocked_fact, _SHOW),
)
