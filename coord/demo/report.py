"""The picture in words, for a newcomer at a terminal of 100 columns."""

from __future__ import annotations

import shlex

from coord.core.complaint import first_complaint
from coord.core.text import folded
from coord.core.verdict import Verdict, VerdictKind
from coord.demo.picture import Picture, Step, TaskLine
from coord.demo.stage import Stage
from coord.output import table


def lines_of(picture: Picture, stage: Stage) -> list[str]:
    """Return the picture as lines for people."""
    lines = ["main, newest first", *_history(picture)]
    lines += ["", "tasks, as the files on main state them", *_task_rows(picture)]
    lines += ["", "refused, and why", *_refusals(picture)]
    lines += ["", "what remains to do", *_remains(picture)]
    return [*lines, "", "look around", *_ways(stage, picture)]


def _history(picture: Picture) -> list[str]:
    rows = [(f"  {step.commit}", step.subject, _gate_words(step)) for step in picture.steps]
    wide = max(len(subject) for _, subject, gate in rows if gate) if any(row[2] for row in rows) else 0
    return [
        piece
        for commit, subject, gate in rows
        for piece in folded(f"{commit}  {subject.ljust(wide) if gate else subject}  {gate}")
    ]


def _gate_words(step: Step) -> str:
    if not step.gate:
        return ""
    return f"gate {step.gate}: " + ("passed on exactly this tree" if step.exact else "NOT this tree")


def _task_rows(picture: Picture) -> list[str]:
    order = {"completed": 0, "blocked": 1}
    tasks = sorted(picture.tasks, key=lambda task: (order.get(task.status, 2), task.id))
    return table([(f"  {task.status}", task.id, task.name, _standing(picture, task)) for task in tasks])


def _standing(picture: Picture, task: TaskLine) -> str:
    step, verdict = picture.landed_in(task.id), picture.verdict(task.id)
    if step:
        return f"landed in {step.commit}"
    if verdict:
        return {VerdictKind.CONFLICT: "conflict", VerdictKind.GATE_FAILED: "gate failed"}.get(
            verdict.kind, "its agent cannot go on"
        )
    if task.waits_for:
        return f"waits for {', '.join(task.waits_for)}"
    return "ready to start" if task.ready else ""


def _refusals(picture: Picture) -> list[str]:
    lines = []
    for task, words in picture.refused.items():
        lines += [f"  a commit on feat/{task}, by the pre-commit hook", *folded(words, indent="      ")]
    for verdict in picture.verdicts:
        lines += folded(f"  {verdict.branch}: {_verdict_words(verdict)}")
        lines += [piece for line in _details(verdict) for piece in folded(line, indent="      ")]
    return lines


def _verdict_words(verdict: Verdict) -> str:
    match verdict.kind:
        case VerdictKind.CONFLICT:
            return verdict.reason
        case VerdictKind.BLOCKED:
            return f"blocked: {verdict.reason}"
        case _:
            return f"{verdict.reason}, and main alone passes"


def _details(verdict: Verdict) -> list[str]:
    """Return what the gate complained of, or what the agent tells whoever takes its task up."""
    if verdict.kind is not VerdictKind.BLOCKED:
        return _complaint(verdict.log)
    rows = (("tried", verdict.tried), ("attempts", verdict.attempts), ("suggestion", verdict.suggestion))
    return [f"{name}: {words}" for name, words in rows if words]


def _complaint(log: str) -> list[str]:
    """Return the first complaint in a gate's log, with the place that the next line names."""
    lines = log.splitlines()
    at = first_complaint(lines)
    if at is None:
        return []
    place = lines[at + 1] if lines[at + 1 : at + 2] and lines[at + 1].lstrip().startswith("-->") else ""
    return [" ".join(f"{lines[at]} {place}".split())]


def _remains(picture: Picture) -> list[str]:
    rows = [(f"  {verdict.branch}", _to_do(verdict)) for verdict in picture.verdicts]
    rows += [(f"  {task.id}", f"ready to start: {task.name}") for task in picture.tasks if task.ready]
    waiting = [task for task in picture.tasks if task.waits_for]
    rows += [(f"  {task.id}", f"waits for {', '.join(task.waits_for)}") for task in waiting]
    places = ", ".join(str(path) for _, path in sorted(picture.worktrees.items()))
    return [
        *table(rows),
        *folded(f"The branches are checked out in {places}.", indent="  "),
        "  A push to one of them lifts its block: the next coord land tries it again.",
    ]


def _to_do(verdict: Verdict) -> str:
    match verdict.kind:
        case VerdictKind.CONFLICT:
            paths = ", ".join(conflict.path for conflict in verdict.paths)
            return f"git merge origin/main, resolve {paths}, commit, push"
        case VerdictKind.GATE_FAILED:
            return f"mend what {verdict.step} says, commit, push"
        case _:
            return "a person decides about the suggestion"


def _ways(stage: Stage, picture: Picture) -> list[str]:
    coord = stage.coord_word
    task = picture.verdicts[0].task if picture.verdicts else picture.tasks[0].id
    rows = [
        (f"  cd {shlex.quote(str(stage.clone))}", ""),
        ("  git log --first-parent origin/main", "one step a landing"),
        (f"  {coord} plan", "the queue, and why each branch waits"),
        (f"  {coord} show {task}", "a task; its Notes say what went wrong"),
        (f"  rm -rf {shlex.quote(str(stage.root))}", "removes all of it; nothing lies elsewhere"),
    ]
    wide = max(len(command) for command, _ in rows if str(stage.root) not in command)
    return [f"{command.ljust(wide)}   {words}".rstrip() for command, words in rows]
