"""Applying one action: the only place that changes refs. Chooses nothing; what it meets is returned as a value.

Every change is one atomic push (on a server: one ref transaction) in which each ref moves from the value that was
observed. Main is named in each of them, so nothing is deleted unless the main that contains it is still there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from coord.core.action import Block, Complete, Gate, Look, Publish, Sweep, Wait
from coord.core.answer import Conflicted, Pushed, RefUpdate, Rejected, Stale, Unanswered
from coord.core.frontmatter import Refusal, set_scalar
from coord.core.message import blocked_message, completed_message
from coord.core.profile import Profile, program
from coord.core.queue import Result, result_of
from coord.core.section import append_to_section
from coord.core.snapshot import Ruling, TaskBranch
from coord.core.trial import (
    CouldNotRun,
    Finding,
    Found,
    GatedTrial,
    Green,
    MainRed,
    Red,
    ServerRefused,
    Trial,
    Underway,
    Unproven,
)
from coord.core.verdict import HISTORY, VERDICT_FILE, VERDICTS, Verdict, VerdictKind, encode, message
from coord.gate import NOTHING_TO_RUN, Failed, Passed, Room, Subject, pass_gate
from coord.lanes import Lanes
from coord.lines import Lines
from coord.merge import Resolver, completed_file, note_commit, signature_of, status_commit, unfit
from coord.observe import View
from coord.resolve import Case, Resolved, Unresolved, resolve
from coord.step import Stop
from coord.workspace import Workspace

#: Seconds within which a forge shows that a pull request is merged (github.md: polled up to 30 s).
_SEEN_WITHIN = 30.0

#: How often a lost race is run again before it is given up (behaviour 4).
RACES = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """How a branch ended in this step, as ``land --json`` tells it; ``details`` are lines for people."""

    branch: TaskBranch
    result: Result
    reason: str
    commit: str = ""
    paths: tuple[str, ...] = ()
    seconds: float = 0.0
    flaky: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A validation that has ended: the line it was for as main stands now (empty: none any more), the tips of that line
    as it was started, what the profile saw of main then, and what it gave."""

    tips: tuple[str, ...]
    about: tuple[str, ...]
    main: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Learned:
    """Something was found out; no ref moved."""

    found: tuple[Found, ...] = ()
    ended: tuple[Ended, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """Refs moved on the remote, as ``updates`` say; ``found`` is what it refused beside, ``landed`` says that its
    endings are landings."""

    endings: tuple[Ending, ...] = ()
    remarks: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    landed: bool = False
    updates: tuple[RefUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class Raced:
    """Somebody moved ``ref`` first, or holds ``lock`` on it; nothing changed."""

    ref: str
    branches: tuple[TaskBranch, ...]
    lock: str = ""


@dataclass(frozen=True, slots=True)
class OneByOne:
    """The remote refused a push of several branches: which of them it means shows when they come one by one."""

    words: str


Outcome = Learned | Moved | Raced | OneByOne


@dataclass(frozen=True, slots=True)
class Site:
    """Where actions are applied: the repository, the gate's room, how the profile is chosen when it is needed, the run's
    lines and validations, whether validations run here, and the branches that this run has landed and kept."""

    workspace: Workspace
    room: Room
    choose_profile: Callable[[View], Profile]
    lines: Lines
    lanes: Lanes
    validates: bool = True
    kept: set[str] = field(default_factory=set)


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
            return _publish(site, view, trials, branches)
        case Block():
            return _block(site, view, action)
        case Complete():
            return _complete(site, view, action)
        case Sweep():
            return _sweep(site, view, action)
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


# -- publish -------------------------------------------------------------------------------------------------------


def _publish(site: Site, view: View, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]) -> Outcome:
    sending = prepare(site, view, trials, branches)
    return _ended(site, view, sending.updates, branches, sending.moved)


@dataclass(frozen=True, slots=True)
class Sending:
    """A publish that is ready: the updates of its one push, and what will have ended with it."""

    trials: tuple[GatedTrial, ...]
    branches: tuple[TaskBranch, ...]
    updates: tuple[RefUpdate, ...]
    moved: Moved


def prepare(site: Site, view: View, trials: Sequence[GatedTrial], branches: Sequence[TaskBranch]) -> Sending:
    """Make ready what publishes these trials; all objects that it takes are stored."""
    last = trials[-1].trial
    site.lines.keep(last)
    singles = [(gated, part) for gated in trials for part in (gated.trial.parts or (gated.trial,))]
    updates = [main_update(site.workspace, view, last.commit)]
    # A pull request is shown as merged only while its branch is there: the sweep deletes it once that is seen.
    keeps = site.workspace.hosting.has_pulls
    endings = []
    for (gated, part), branch in zip(singles, branches, strict=True):
        updates += [
            RefUpdate(branch.ref, branch.tip, branch.tip if keeps else None),
            *closing(site.workspace, view, branch.task, part.commit),
        ]
        words = _landed_words(gated)
        endings.append(
            Ending(branch, Result.LANDED, words, part.commit, seconds=gated.seconds, flaky=gated.flaky)
        )
    remarks = tuple(
        f"{part.branch}: its edits in the task folder were left out ({', '.join(part.dropped[:3])})"
        for _, part in singles
        if part.dropped
    )
    site.workspace.git.flush()
    if keeps:
        site.kept.update(branch.name for branch in branches)
    moved = Moved(tuple(endings), remarks, landed=True, updates=tuple(updates))
    return Sending(tuple(trials), tuple(branches), tuple(updates), moved)


class Send:
    """A push on its way, in a thread of its own."""

    def __init__(self, site: Site, view: View, sending: Sending) -> None:
        self.sending = sending
        self._outcome: Outcome | BaseException | None = None
        workspace = site.workspace
        pusher = replace(workspace, git=workspace.git.twin())

        def send() -> None:
            try:
                self._outcome = _answered(
                    push(pusher, sending.updates), view, sending.branches, sending.moved
                )
            except BaseException as error:  # noqa: BLE001 - it is raised again where the outcome is read
                self._outcome = error

        self._thread = threading.Thread(target=send, name="push")
        self._thread.start()

    def wait(self) -> None:
        """Wait until the push has ended, however it did."""
        self._thread.join()

    def ends_within(self, seconds: float) -> bool:
        """Wait at most so long and say whether the push has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def outcome(self) -> Outcome:
        """Wait for the answer and return it; raises what the push raised."""
        self.wait()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        if self._outcome is None:
            raise KeyboardInterrupt
        return self._outcome


def _landed_words(gated: GatedTrial) -> str:
    flaky = f"; flaky: {', '.join(gated.flaky)}" if gated.flaky else ""
    if gated.evidence == NOTHING_TO_RUN:
        return f"not validated: profile {gated.profile} runs nothing"
    if gated.trial.parts:
        together = f"with {len(gated.trial.parts) - 1} more in {gated.trial.commit[:7]}"
        return f"{gated.profile} passed on exactly that tree, {together}{flaky}"
    return f"{gated.profile} passed on exactly this tree{flaky}"


def main_update(workspace: Workspace, view: View, new: str | None = None) -> RefUpdate:
    """Return main's step to ``new``, or the lease on where it is."""
    return RefUpdate(f"refs/heads/{workspace.main}", view.snapshot.base, new or view.snapshot.base)


def closing(workspace: Workspace, view: View, task: str, commit: str) -> list[RefUpdate]:
    """Return what becomes of a landed task's small refs: the verdict's history is kept, the rest goes."""
    approved = (mark for mark in view.snapshot.approvals if mark.task == task and mark.ref)
    updates = [RefUpdate(mark.ref, mark.oid, None) for mark in approved]
    updates += [RefUpdate(claim.ref, claim.oid, None) for claim in view.snapshot.claims if claim.task == task]
    ruling = view.snapshot.ruling(task)
    unread = view.coord_refs.get(VERDICTS + task)
    if ruling is None and unread:
        updates.append(RefUpdate(VERDICTS + task, unread, None))
    if ruling is not None:
        landed = replace(
            ruling.verdict,
            kind=VerdictKind.LANDED,
            base=view.snapshot.base,
            reason=f"landed in {commit[:7]}",
            log="",
        )
        updates += _to_history(workspace, view, ruling, landed)
    return updates


def _to_history(workspace: Workspace, view: View, ruling: Ruling, last: Verdict) -> list[RefUpdate]:
    history = HISTORY + last.task
    before = view.coord_refs.get(history)
    known = before is not None and workspace.git.resolve(history) == before
    parents = (ruling.oid, before) if before and known else (ruling.oid,)
    closed = verdict_commit(workspace, view, last, parents)
    return [RefUpdate(ruling.ref, ruling.oid, None), RefUpdate(history, before, closed)]


def verdict_commit(workspace: Workspace, view: View, verdict: Verdict, parents: tuple[str, ...]) -> str:
    """Store a verdict as a commit and return its id."""
    return note_commit(
        workspace, {VERDICT_FILE: encode(verdict)}, parents, message(verdict), signature_of(view)
    )


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
    return _ended(site, view, updates, (branch,), Moved((ending,)))


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


# -- complete, sweep -----------------------------------------------------------------------------------------------


def _complete(site: Site, view: View, action: Complete) -> Outcome:
    branch = action.branch
    task = view.snapshot.graph.get(branch.task)
    if task is None or task.is_completed:
        return _sweep(site, view, Sweep((branch,), (), action.reason))
    content = completed_file(site.workspace, view, branch, task)
    if isinstance(content, Refusal):
        return Learned((Found(view.snapshot.base, (branch.tip,), unfit(task, content)),))
    words = completed_message((task.id,), action.reason, branch.tip)
    commit = status_commit(site.workspace, view, {task.path: content}, words, branch.author_date)
    updates = [main_update(site.workspace, view, commit), RefUpdate(branch.ref, branch.tip, None)]
    updates += closing(site.workspace, view, branch.task, commit)
    ending = Ending(branch, Result.LANDED, action.reason, action.commit)
    return _ended(site, view, updates, (branch,), Moved((ending,)))


def _sweep(site: Site, view: View, action: Sweep) -> Outcome:
    unseen = tuple(_unseen(site, view, action.branches))
    if unseen:
        base, refused = view.snapshot.base, {branch.name: ServerRefused(words) for branch, words in unseen}
        found = tuple(Found(base, (branch.tip,), refused[branch.name]) for branch, _ in unseen)
        left = tuple(branch for branch in action.branches if branch.name not in refused)
        if not left and not action.marks:
            return Learned(found)
        match _sweep_seen(site, view, replace(action, branches=left)):
            case Moved() as moved:
                return replace(moved, found=(*moved.found, *found))
            case Learned() as learned:
                return replace(learned, found=(*learned.found, *found))
            case other:
                return other
    return _sweep_seen(site, view, action)


def _unseen(site: Site, view: View, branches: Sequence[TaskBranch]) -> Iterator[tuple[TaskBranch, str]]:
    """Yield the branches that the forge does not show as merged yet, with what to say of them.

    Deleted before that, a pull request counts as closed without its work, for good. What would be merged into a branch
    that goes is merged into main from now on: it would be closed with it.
    """
    hosting, snapshot = site.workspace.hosting, view.snapshot
    if not hosting.has_pulls:
        return
    if hosting.forge is None:
        for branch in branches:
            if branch.name in site.kept:
                yield (
                    branch,
                    "its branch is swept by the next run, when GitHub has seen that main contains it",
                )
        return
    pulls = {branch.name: snapshot.pull(branch.name) for branch in branches}
    numbers = [pull.number for pull in pulls.values() if pull]
    patience = min(_SEEN_WITHIN, site.workspace.git.patience)
    merged = hosting.forge.wait_until_merged(numbers, patience) if numbers else frozenset()
    for branch in branches:
        pull = pulls[branch.name]
        if pull and pull.number not in merged:
            yield (
                branch,
                f"GitHub does not show #{pull.number} as merged yet: its branch is swept by the next run",
            )
    for pull in snapshot.pulls:
        if pull.base in pulls and pull.branch not in pulls:
            hosting.forge.retarget(pull.number, site.workspace.main)


def _sweep_seen(site: Site, view: View, action: Sweep) -> Outcome:
    remarks = tuple(f"swept {branch.name}: main contains {branch.tip[:7]}" for branch in action.branches)
    updates = {branch.tip: RefUpdate(branch.ref, branch.tip, None) for branch in action.branches}
    updates |= {mark.oid: RefUpdate(mark.ref, mark.oid, None) for mark in action.marks}
    outcome = _ended(
        site,
        view,
        [main_update(site.workspace, view), *updates.values()],
        action.branches,
        Moved((), remarks),
    )
    if isinstance(outcome, Learned | OneByOne) and len(updates) > 1:
        return _sweep_one_by_one(site, view, updates)
    if isinstance(outcome, Learned):
        refused = outcome.found[0].finding if outcome.found else ServerRefused("")
        return Learned(tuple(Found(view.snapshot.base, (oid,), refused) for oid in updates))
    return outcome


def _sweep_one_by_one(site: Site, view: View, updates: dict[str, RefUpdate]) -> Outcome:
    """Sweep what the remote allows; one protected branch must not keep the others."""
    found, moved = [], []
    for oid, update in updates.items():
        match push(site.workspace, [main_update(site.workspace, view), update]):
            case Rejected(words):
                found.append(Found(view.snapshot.base, (oid,), ServerRefused(words)))
            case Stale(ref, lock):
                return Raced(ref, (), lock)
            case Pushed():
                moved.append(update)
    return Moved(found=tuple(found), updates=tuple(moved))


# -- the one push --------------------------------------------------------------------------------------------------


def _ended(
    site: Site, view: View, updates: Sequence[RefUpdate], branches: Sequence[TaskBranch], moved: Moved
) -> Outcome:
    return _answered(push(site.workspace, updates), view, branches, replace(moved, updates=tuple(updates)))


def _answered(
    answer: Pushed | Stale | Rejected, view: View, branches: Sequence[TaskBranch], moved: Moved
) -> Outcome:
    match answer:
        case Pushed():
            return moved
        case Stale(ref, lock):
            return Raced(ref, tuple(branches), lock)
        case Rejected(words) if len(branches) > 1:
            return OneByOne(words)
        case Rejected(words):
            base = view.snapshot.base
            return Learned(tuple(Found(base, (branch.tip,), ServerRefused(words)) for branch in branches))


def push(workspace: Workspace, updates: Sequence[RefUpdate]) -> Pushed | Stale | Rejected:
    """Move refs on the remote in one atomic push; on a server, in one transaction of its own.

    A push whose answer is lost is read back: it was taken whole or not at all. Raises RefusedError when the remote
    cannot be asked.
    """
    if workspace.remote is None:
        return workspace.git.update_refs(updates)
    answer = workspace.git.push(workspace.remote, updates)
    if not isinstance(answer, Unanswered):
        return answer
    now = workspace.git.remote_refs(workspace.remote, [update.ref for update in updates])
    taken = all(now.get(update.ref) == update.new for update in updates)
    return Pushed() if taken else Stale(f"the connection ({answer.words})")
