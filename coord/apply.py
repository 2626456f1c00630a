"""Applying one action: the only place that changes refs. Chooses nothing; what it meets is returned as a value.

Every change is one atomic push (on a server: one ref transaction) in which each ref moves from the value that was
observed. Main is named in each of them, so nothing is deleted unless the main that contains it is still there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from coord.core.action import Block, Complete, Gate, Look, Publish, Sweep, Wait
from coord.core.answer import Conflicted, RefUpdate
from coord.core.frontedit import Refusal, set_scalar
from coord.core.message import blocked_message, completed_message
from coord.core.profile import Profile, program
from coord.core.queue import Result, result_of
from coord.core.section import append_to_section
from coord.core.snapshot import TaskBranch
from coord.core.trial import (
    CouldNotRun,
    Finding,
    Found,
    GatedTrial,
    Green,
    MainRed,
    Red,
    Trial,
    Underway,
    Unproven,
)
from coord.core.verdict import VERDICTS, Verdict
from coord.evidence import Subject
from coord.gate import Failed, Passed, pass_gate
from coord.merge import Resolver, completed_file, status_commit, unfit
from coord.observe import View
from coord.outcome import Ended, Ending, Learned, Moved, Outcome, Site
from coord.publishing import closing, ended, main_update, publish, verdict_commit
from coord.resolve import Case, Resolved, Unresolved, resolve
from coord.step import Stop
from coord.sweeping import sweep


def apply(site: Site, view: View, action: Look | Gate | Wait | Publish | Block | Complete | Sweep) -> Outcome:
    """Do what the action says."""
    match action:
        case Look():
            return Learned(tuple(_look(site, view, action)))
        case Gate(lines, _, cancel):
            return Learned(tuple(_gate(site, view, lines, cancel)))
        case Wait():
            return Learned(ended=tuple(_wait(site)))
        case Publish(trials, branches):
            return publish(site, view, trials, branches)
        case Block():
            return _block(site, view, action)
        case Complete():
            return _complete(site, view, action)
        case Sweep():
            return sweep(site, view, action)
    assert_never(action)


# -- lines ---------------------------------------------------------------------------------------------------------


def _look(site: Site, view: View, action: Look) -> Iterator[Found]:
    profile, base = site.choose_profile(view), view.snapshot.base
    onto = action.onto
    for branch in action.then:
        line = (*onto, branch)
        tips, finding = site.lines.look(view, profile, line, _resolver(site, view, line))
        yield Found(base, tips, finding)
        match finding:
            case Green():
                onto = line
            case Unproven() | Underway() | CouldNotRun():
                break
            case _:
                pass  # it stays out of this line, the next one may follow
    for line in action.lines:
        yield Found(base, *site.lines.look(view, profile, line, _resolver(site, view, line)))


def _resolver(site: Site, view: View, line: Sequence[TaskBranch]) -> Resolver | None:
    """Return what settles a conflict with main. Within a longer line a conflict only means: not in this line.

    Nothing foreign runs where validations run elsewhere: what publishes there holds credentials.
    """
    command = view.snapshot.settings.resolve.command
    if not command or len(line) != 1 or not site.validates:
        return None
    branch = line[0]

    def settle(merged: Conflicted, by: tuple[str, ...]) -> Resolved | Unresolved:
        site.room.show(f"{branch.name}: {program(command)} works on the conflict")
        case = Case(branch, merged, by)
        return resolve(site.workspace, view.tasks, command, case, site.room.folder)

    return settle


# -- gate ----------------------------------------------------------------------------------------------------------


def _gate(
    site: Site, view: View, lines: Sequence[Sequence[TaskBranch]], cancel: frozenset[tuple[str, ...]]
) -> Iterator[Found]:
    profile, base = site.choose_profile(view), view.snapshot.base
    for lane in site.lanes.lanes:
        if lane.tips in cancel:
            site.lanes.stop(lane.key)
            yield Found(base, lane.tips, Unproven())
    for line in lines:
        tips, made = site.lines.build(view, profile, line, _resolver(site, view, line))
        if not isinstance(made, Trial):
            yield Found(base, tips, made)
            continue
        # Between the look and now somebody else's run may have ended: what is known by now is not run.
        finding = site.lines.known(view, profile, made)
        if isinstance(finding, Unproven):
            _start(site, view, tips, made, profile)
            finding = Underway()
        yield Found(base, tips, finding)


def _start(site: Site, view: View, tips: tuple[str, ...], trial: Trial, profile: Profile) -> None:
    name = trial.branch if len(tips) == 1 else f"{trial.branch} after {len(tips) - 1} more"
    subject = site.lines.subject(view, profile, name, trial.commit, trial.tree)
    base = site.lines.main(view, profile)
    site.lines.keep(trial)
    if profile.git:
        site.workspace.git.flush()

    def work(stop: Stop) -> Finding:
        passed = pass_gate(trial, subject, profile, site.room, stop)
        match passed:
            case GatedTrial():
                return Green(passed)
            case CouldNotRun():
                return passed
            case Failed(step):
                finding = _whose_fault(site, base, passed, profile, stop)
                if trial.resolved and isinstance(finding, Red):
                    return replace(trial.resolved, note=f"what the resolver made fails {step}")
                return finding
        assert_never(passed)

    site.lanes.start(site.lines.key_of(trial), tips, base.seen, work)


def _whose_fault(site: Site, base: Subject, failed: Failed, profile: Profile, stop: Stop) -> Finding:
    """A red gate blames the branch only if the base, gated the same way, is green."""
    judged = site.lines.judge_once(base, profile, stop)
    match judged:
        case Passed():
            return Red(failed.step, failed.log, failed.seconds)
        case Failed(missing=missing) if missing:
            return CouldNotRun(missing, "main itself does not hold it")
        case Failed(step, log):
            return MainRed(step, log)
        case CouldNotRun():
            return judged
    assert_never(judged)


def _wait(site: Site) -> Iterator[Ended]:
    for lane, finding in site.lanes.wait():
        site.lines.learn(lane.key, lane.about[-1], finding, lane.main)
        yield Ended(lane.tips, lane.about, lane.main, finding)


# -- block ---------------------------------------------------------------------------------------------------------


def _block(site: Site, view: View, action: Block) -> Outcome:
    branch, verdict, ruling = action.branch, action.verdict, action.ruling
    parents = (ruling.oid,) if ruling else ()
    commit = verdict_commit(site.workspace, view, verdict, parents)
    main = None
    if action.episode:
        main = _blocked_commit(site, view, branch, verdict)
    updates = [
        main_update(site.workspace, view, main),
        RefUpdate(branch.ref, branch.tip, branch.tip),
        RefUpdate(VERDICTS + branch.task, view.coord_refs.get(VERDICTS + branch.task), commit),
    ]
    ending = Ending(
        branch,
        result_of(verdict),
        verdict.reason,
        paths=tuple(conflict.path for conflict in verdict.paths),
        seconds=action.seconds,
        details=_details(verdict),
    )
    return ended(site, view, updates, (branch,), Moved((ending,)))


def _details(verdict: Verdict) -> tuple[str, ...]:
    """Return what a person wants to know next: how to see it again."""
    return ("to see it again: " + " && ".join(verdict.reproduce),) if verdict.reproduce else ()


def _blocked_commit(site: Site, view: View, branch: TaskBranch, verdict: Verdict) -> str | None:
    """Return the commit that tells main; None when the task file cannot say it (the verdict ref still does).

    A task that is completed stays completed: its first work is on main, and others build on it.
    """
    task = view.snapshot.graph.get(branch.task)
    if task is None:
        return None
    before = view.tasks.bytes_of(task.id)
    content = before if task.is_completed else set_scalar(before, "status", "blocked")
    if isinstance(content, Refusal):
        return None
    content = append_to_section(content, "Notes", _episode(branch, verdict))
    words = blocked_message(task.id, verdict.reason, branch.tip)
    return status_commit(site.workspace, view, {task.path: content}, words, branch.author_date)


def _episode(branch: TaskBranch, verdict: Verdict) -> str:
    seconds = int(branch.author_date.split(" ", 1)[0])
    day = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    wrong = verdict.reason
    if verdict.paths:
        wrong = ", ".join(f"{conflict.path} ({conflict.kind})" for conflict in verdict.paths[:20])
    facts = [("Tried", verdict.tried), ("Went wrong", wrong), ("Attempts", verdict.attempts)]
    facts.append(("Suggestion", verdict.suggestion))
    lines = [f"Blocked: {verdict.reason} ({day}, {branch.name} at {branch.tip[:7]})"]
    return "\n".join([*lines, "", *(f"- {name}: {text}" for name, text in facts if text)])


# -- complete ------------------------------------------------------------------------------------------------------


def _complete(site: Site, view: View, action: Complete) -> Outcome:
    branch = action.branch
    task = view.snapshot.graph.get(branch.task)
    if task is None or task.is_completed:
        return sweep(site, view, Sweep((branch,), (), action.reason))
    content = completed_file(site.workspace, view, branch, task)
    if isinstance(content, Refusal):
        return Learned((Found(view.snapshot.base, (branch.tip,), unfit(task, content)),))
    words = completed_message((task.id,), action.reason, branch.tip)
    commit = status_commit(site.workspace, view, {task.path: content}, words, branch.author_date)
    # On a forge the sweep deletes it: pull requests onto it are pointed at main first.
    keeps = site.workspace.hosting.has_pulls
    if keeps:
        site.kept.add(branch.name)
    gone = RefUpdate(branch.ref, branch.tip, branch.tip if keeps else None)
    updates = [main_update(site.workspace, view, commit), gone]
    updates += closing(site.workspace, view, branch.task, commit)
    ending = Ending(branch, Result.LANDED, action.reason, action.commit)
    return ended(site, view, updates, (branch,), Moved((ending,)))
