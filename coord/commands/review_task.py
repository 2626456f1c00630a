"""Go through a review task: its acceptance criteria and those of the tasks it depends on, and the gate on main.

Prints a checklist with evidence. A review or a person confirms what no machine can (--confirm), then completes the task
(--complete) or blocks it with a reason (--block -m REASON); without either nothing is changed. A criterion that is ticked
in its file on main counts as confirmed. Exits with 0 when the task can be completed, 4 when something is open, 6 when the
gate is red.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from coord import requests
from coord.call import Call
from coord.core.request import Ask, Request
from coord.core.reviewtask import Checklist, Criterion, GateResult, Reviewed, Standing, numbers
from coord.core.text import one_line
from coord.decision import Decided, block, complete, decide
from coord.errors import Exit, UsageError
from coord.freshness import fetch
from coord.observe import View, observe
from coord.outcome import Site
from coord.output import Json, table
from coord.reviewing import gather, review_of
from coord.site import open_site
from coord.workspace import Workspace, open_workspace

_EXITS = {
    Standing.READY: Exit.OK,
    Standing.OPEN: Exit.WAITING,
    Standing.RED: Exit.GATE_FAILED,
    Standing.UNKNOWN: Exit.ERROR,
}

#: How many lines of a red step's output are shown; the log holds all of them.
_LOG_LINES = 12


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="ID", help="the review task (id or branch name)")
    parser.add_argument(
        "--confirm",
        action="append",
        default=[],
        metavar="N",
        help="these criteria hold: numbers of the list, or all (repeatable)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--complete", action="store_true", help="complete the task, if nothing is open and main passes"
    )
    what.add_argument("--block", action="store_true", help="block the task; the gate is not asked")
    parser.add_argument(
        "-m", "--message", default="", metavar="TEXT", help="kept as the Summary, or why it is blocked"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--json", action="store_true", help="print the checklist as JSON")


def run(call: Call) -> Exit:
    args = call.args
    if args.block and not args.message.strip():
        raise UsageError("--block needs a reason", hint="-m REASON")
    confirmed = _confirmed(args.confirm)
    workspace = open_workspace(call.folder)
    site = open_site(workspace, call.output.say)
    if args.block:
        return _block(call, site, confirmed)
    if args.complete:
        return _complete(call, site, confirmed)
    fetch(workspace)
    view = observe(workspace)
    checklist = gather(site, view, review_of(view, args.task), confirmed)
    return _told(call, checklist, Decided((), ()))


def _confirmed(words: list[str]) -> frozenset[int] | None:
    try:
        return numbers(words)
    except ValueError as wrong:
        raise UsageError(
            f"--confirm {wrong}: that is no number of a criterion", hint="1, 2,3 or all"
        ) from None


def _complete(call: Call, site: Site, confirmed: frozenset[int] | None) -> Exit:
    """Complete the review on the very main that was judged: when main moves meanwhile, all is looked at again."""
    seen: list[Checklist] = []

    def decision(workspace: Workspace, view: View) -> Decided:
        task = review_of(view, call.args.task)
        seen.append(gather(site, view, task, confirmed))
        if seen[-1].standing is not Standing.READY:
            return Decided((), ())
        return complete(workspace, view, (task.id,), call.args.message or _summary(seen[-1]))

    request = Request(Ask.COMPLETE, (call.args.task,), call.args.message)
    dry_run = call.args.dry_run
    decided = requests.carry_out(site.workspace, request, dry_run=dry_run, decision=decision)
    return _told(call, seen[-1], decided)


def _summary(checklist: Checklist) -> str:
    count = len(checklist.criteria)
    criteria = (
        f"{count} acceptance criteria confirmed" if count != 1 else "the acceptance criterion confirmed"
    )
    return f"Reviewed: {criteria}; {checklist.gate.profile} passed on main."


def _block(call: Call, site: Site, confirmed: frozenset[int] | None) -> Exit:
    seen: list[Checklist] = []

    def decision(workspace: Workspace, view: View) -> Decided:
        task = review_of(view, call.args.task)
        seen.append(gather(site, view, task, confirmed, gated=False))
        return block(workspace, view, task.id, call.args.message)

    decided = decide(site.workspace, decision, dry_run=call.args.dry_run)
    _told(call, seen[-1], decided)
    return Exit.OK


# -- telling -----------------------------------------------------------------------------------------------------------


def _told(call: Call, checklist: Checklist, decided: Decided) -> Exit:
    changed = bool(decided.updates) and not call.args.dry_run
    call.output.emit("review-task", _facts(checklist) | {"changed": changed, "words": list(decided.words)})
    for line in _lines(checklist):
        call.output.result(line)
    for words in decided.words:
        call.output.result(("would: " if call.args.dry_run and decided.updates else "") + words)
    if checklist.gate.hint:
        call.output.say(f"  hint: {checklist.gate.hint}")
    return _EXITS[checklist.standing]


def _lines(checklist: Checklist) -> list[str]:
    task = checklist.task
    lines = [
        f"review {task.id}, {task.status}, on main at {checklist.base[:7]}",
        "",
        "gate",
        *_gate(checklist),
    ]
    lines += ["", "tasks", *_indented([_row(of) for of in checklist.about])]
    touched = [
        (f"{of.id} in {of.landed[:7]}", one_line(path)) for of in checklist.about for path in of.protected
    ]
    lines += ["", "protected paths that were changed", *_indented(touched)] if touched else []
    lines += ["", "acceptance criteria", *_indented([_criterion(c) for c in checklist.criteria])]
    lines += (
        ["", "open", *_indented([(one_line(what),) for what in checklist.open])] if checklist.open else []
    )
    return lines


def _indented(rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"  {line}" for line in table(rows)] or ["  none"]


def _row(of: Reviewed) -> tuple[str, ...]:
    evidence = f"landed in {of.landed[:7]}" if of.landed else ""
    return of.id, of.open or of.status, evidence


def _criterion(criterion: Criterion) -> tuple[str, ...]:
    box = "[x]" if criterion.holds else "[ ]"
    how = " (ticked on main)" if criterion.ticked else ""
    return str(criterion.number), box, criterion.task, one_line(criterion.text) + how


def _gate(checklist: Checklist) -> list[str]:
    gate = checklist.gate
    match gate.result:
        case GateResult.NOT_ASKED:
            return ["  not asked"]
        case GateResult.PASSED:
            how = "known from before" if gate.known else f"{gate.seconds:.0f} s"
            words = f"  {gate.profile} passed on tree {gate.tree[:7]} ({how})"
            return [words, *(f"    {one_line(step)}" for step in gate.steps)]
        case GateResult.FAILED:
            log = [f"  | {line}" for line in gate.log.splitlines()[-_LOG_LINES:]]
            return [f"  {gate.profile} failed on tree {gate.tree[:7]}: {one_line(gate.step)}", *log]
        case GateResult.COULD_NOT_RUN:
            return [f"  {gate.profile} could not run: {one_line(gate.step)}"]


def _facts(checklist: Checklist) -> dict[str, Json]:
    gate = checklist.gate
    return {
        "task": checklist.task.id,
        "status": checklist.task.status,
        "base": checklist.base,
        "standing": checklist.standing.value,
        "open": list(checklist.open),
        "gate": {
            "result": gate.result.value,
            "profile": gate.profile,
            "steps": list(gate.steps),
            "tree": gate.tree,
            "known": gate.known,
            "seconds": round(gate.seconds, 3),
            "step": gate.step,
            "log": gate.log,
        },
        "tasks": [
            {
                "id": of.id,
                "status": of.status,
                "open": of.open,
                "landed": of.landed,
                "protected": list(of.protected),
            }
            for of in checklist.about
        ],
        "criteria": [
            {"number": c.number, "task": c.task, "text": c.text, "ticked": c.ticked, "confirmed": c.confirmed}
            for c in checklist.criteria
        ],
    }
