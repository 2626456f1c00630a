"""One run: observe, plan, apply, until there is nothing left to do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path

from coord import recording
from coord.advance import after_publish
from coord.apply import apply
from coord.core.action import Action, Block, Complete, Gate, Idle, Look, Publish, Sweep, Wait
from coord.core.plan import next_action
from coord.core.queue import Result
from coord.core.snapshot import GROUP, Ended, Snapshot
from coord.core.trial import CouldNotRun, Found, Green, MainRed, Red
from coord.core.verdict import VerdictKind
from coord.errors import CoordError
from coord.evidence import forget_versions
from coord.freshness import fetch, note_push
from coord.knowledge import Elsewhere, Run, candidates, carry, forget_ended, is_fresh, look_again, looked_up
from coord.observe import observe
from coord.outcome import RACES, Ending, Learned, Moved, OneByOne, Raced
from coord.outcome import Ended as LaneEnded
from coord.publishing import Send, prepare
from coord.report import Past, Report, make_report
from coord.site import open_site
from coord.sweeping import tidy_local
from coord.workspace import Workspace

#: How many lines of a red step's output are shown; the log holds all of them.
_LOG_LINES = 12

#: Seconds in which a push to a remote that is near is done.
_A_MOMENT = 1.0


def land(
    workspace: Workspace,
    asked: Sequence[str] = (),
    *,
    here: Path,
    show: Callable[[str], None],
    group: int = GROUP,
    elsewhere: Elsewhere | None = None,
) -> Report:
    """Land what is ready and return what happened; ``asked`` limits the run to some tasks, ``group`` how many branches
    one push publishes, ``elsewhere`` tells what was validated on other machines: then no gate runs here.

    Killed at any point, the next call finishes the job: everything is read anew from git.
    """
    site = open_site(workspace, show, elsewhere.evidence if elsewhere else None)
    forget_versions()
    fetch(workspace)
    view = elsewhere.seen(observe(workspace)) if elsewhere else observe(workspace)
    recording.seen(workspace, view.snapshot)
    ids = resolve_tasks(view.snapshot, asked) if asked else None
    run = Run(site, ids, show, view, looked=time.monotonic(), group=group, elsewhere=elsewhere)
    if elsewhere:
        run.findings += elsewhere.tell(site, view)
    site.lines.one_by_one = group == 1
    base = view.snapshot.base
    try:
        rest = _until_idle(run)
    finally:
        _settle(run)
    if not run.raced:
        run.remarks += tidy_local(workspace, run.view, here)
    past = Past(base, run.endings, run.remarks, rest, run.raced)
    return make_report(past, run.snapshot, run.view.landed_in, workspace.remote)


def _until_idle(run: Run) -> str:
    """Ask for the next action and apply it until there is none; return why landing rests."""
    previous: Action | None = None
    while not run.raced:
        action = next_action(run.snapshot)
        if _looked_first(run, action):
            previous = None
            continue
        if isinstance(action, Idle):
            return action.reason
        if action == previous and not isinstance(action, Wait):
            raise CoordError(
                f"no progress: {action.reason}", hint="a defect: please report it with coord plan --json"
            )
        run.checked = False
        run.waited |= isinstance(action, Wait)
        _announce(run, action)
        _say_what_runs(run)
        previous = action if _done(run, action) else None
    return f"lost the race {run.races} times: run it again"


def _say_what_runs(run: Run) -> None:
    """Let others see which validations are under way, whenever that changes."""
    lanes = run.site.lanes.lanes
    running = tuple((lane.key, lane.tips) for lane in lanes)
    if running != run.said_running:
        run.said_running = running
        recording.underway(run.site.workspace, lanes, candidates(run))


def _looked_first(run: Run, action: Action) -> bool:
    """Say whether something had to be known before this action, and was looked at instead."""
    if run.send and _must_know(run.send, action):
        _sent(run)
        return True
    if isinstance(action, Idle) and run.look_before_rest:
        # What was validated took a while: who pushed meanwhile is not left waiting for the next run.
        run.look_before_rest = False
        look_again(run)
        return True
    if isinstance(action, Publish) and run.waited and not is_fresh(run):
        # A validation takes a while: whoever held the branch or froze all landing meanwhile is heard before it lands.
        _sent(run)
        look_again(run)
        run.checked = True
        return True
    return False


def _done(run: Run, action: Look | Gate | Wait | Publish | Block | Complete | Sweep) -> bool:
    """Do what the action says; say whether the same action must not follow, as it would lead nowhere."""
    if isinstance(action, Publish) and (run.send or _goes_on(run, action)):
        _send(run, action)
        return False
    match apply(run.site, run.view, action):
        case Learned(found, ended):
            _learn(run, found, ended)
            if isinstance(action, Gate) and action.cancel:
                forget_ended(run)
            return True
        case Moved() as moved:
            _take(run, moved)
            return True
        case OneByOne(words):
            _publish_one_by_one(run, words)
        case Raced() as raced:
            _lost(run, raced)
    return False


# -- publishing while the next is made ready ------------------------------------------------------------------------


def _publish_one_by_one(run: Run, words: str) -> None:
    """Go on with a push for each branch: one that the remote refuses must not keep the others."""
    run.show(f"the remote refused to take several branches at once ({words}): they come one by one")
    run.group = 1
    run.site.lines.one_by_one = True
    run.findings = []


def _must_know(send: Send, action: Action) -> bool:
    """Say whether an action has to wait for the push that is under way. A validation waits a moment for it only, so
    that what is told stands in its order where the remote is quick."""
    match action:
        case Look() | Publish():
            return False
        case Gate():
            return send.ends_within(_A_MOMENT)
        case _:
            return True


def _goes_on(run: Run, action: Publish) -> bool:
    """Say whether there is something to do while a push is under way: other candidates, on a remote."""
    others = candidates(run).keys() - {branch.tip for branch in action.branches}
    return bool(others) and run.site.workspace.remote is not None


def _send(run: Run, action: Publish) -> None:
    """Publish in the background, and go on as if it had been taken, where it is known what follows from that."""
    sending = prepare(run.site, run.view, action.trials, action.branches)
    view = run.view
    if not _sent(run):
        return
    if run.view is not view:
        return  # the push before this one went another way: this one is planned again
    after = after_publish(run.site.workspace, view, sending.trials, sending.branches, sending.updates)
    run.send = Send(run.site, view, sending)
    if after is None:
        _sent(run)
        return
    gone = tuple(branch.tip for branch in sending.branches)
    run.view = after
    run.look_before_rest = True
    carry(run, gone)


def _sent(run: Run) -> bool:
    """Wait for the push that is under way, if there is one, and say whether it was taken."""
    send = run.send
    if send is None:
        return True
    send.wait()
    run.send = None
    match send.outcome():
        case Moved() as moved:
            foreseen = run.view.snapshot.base == send.sending.trials[-1].trial.commit
            _count(run, moved)
            if not foreseen:
                look_again(run, _gone(moved))
            elif not is_fresh(run):
                look_again(run)
            return True
        case Learned(found, _):
            recording.refused(run.site.workspace, run.view.snapshot, found)
            look_again(run)
            run.findings += found
        case OneByOne(words):
            look_again(run)
            _publish_one_by_one(run, words)
        case Raced() as raced:
            _lost(run, raced)
    return False


def _settle(run: Run) -> None:
    """At the end of a run, however it came: stop what runs, and tell what a push that is under way has landed."""
    run.site.lanes.close()
    recording.underway(run.site.workspace, (), {})
    send, run.send = run.send, None
    if send is None:
        return
    send.wait()
    with contextlib.suppress(Exception):  # what ended the run is told, not what it did to the push
        outcome = send.outcome()
        if isinstance(outcome, Moved):
            _count(run, outcome)


def _learn(run: Run, found: Sequence[Found], ended: Sequence[LaneEnded]) -> None:
    base = run.view.snapshot.base
    recording.refused(run.site.workspace, run.view.snapshot, found)
    if ended:
        recording.validated(run.site.workspace, base, ended, candidates(run))
    fresh = list(found)
    for each in ended:
        run.look_before_rest = True
        passed = isinstance(each.finding, Green)
        about = _without(each.about, run.gone)
        if about and (passed or isinstance(each.finding, Red)):
            run.ended.append(Ended(about, passed))
        # What a line is worth is looked up, since main may have moved under it; the rest is told as it is.
        if isinstance(each.finding, MainRed) and each.main != _main_seen(run):
            continue  # main was another one when it failed
        if each.tips and not isinstance(each.finding, Green | Red):
            fresh.append(Found(base, each.tips, each.finding))
        elif each.tips:
            fresh += looked_up(run, [each.tips])
    if ended:
        forget_ended(run)
    tips = {f.tips for f in fresh}
    run.findings = [f for f in run.findings if f.base == base and f.tips not in tips] + fresh
    _show_why(run, fresh)


def _main_seen(run: Run) -> str:
    return run.site.lines.main_seen(run.view, run.site.choose_profile(run.view))


def _announce(run: Run, action: Action) -> None:
    match action:
        case Gate() | Look(then=[_, *_]) if action.reason != run.announced and not _is_ahead(run, action):
            run.announced = action.reason
            run.show(f"next: {action.reason}")
        case Sweep():
            run.show(action.reason)
        case Block(verdict=verdict) if verdict.kind is VerdictKind.GATE_FAILED:
            _show_log(run, verdict.step, verdict.log)
        case _:
            pass  # how it ended is told, with the reason


def _is_ahead(run: Run, action: Action) -> bool:
    """Say whether this only looks ahead of what is published first: what is told keeps its order."""
    return isinstance(action, Look) and (run.send is not None or bool(action.onto))


def _show_why(run: Run, found: Sequence[Found]) -> None:
    """Show why main is red, or what helps a gate that could not run."""
    for each in found:
        match each.finding:
            case MainRed(step, log):
                _show_log(run, step, log)
            case CouldNotRun(reason, hint):
                run.show(f"the gate could not run: {reason}" + (f"\n  hint: {hint}" if hint else ""))
            case _:
                pass


def _show_log(run: Run, step: str, log: str) -> None:
    """Show the end of what a red step printed. The bar keeps a line of foreign output from being taken for ours."""
    run.show(f"{step} printed (all of it is in {run.site.room.state / 'logs'}):")
    for line in log.splitlines()[-_LOG_LINES:]:
        run.show(f"  | {line}")


def _take(run: Run, moved: Moved) -> None:
    """Go on from what a push of ours has moved."""
    others = candidates(run).keys() - set(_gone(moved))
    _count(run, moved)
    note_push(run.site.workspace, moved.updates)
    look_again(run, _gone(moved), fetching=bool(others) and not is_fresh(run))
    refused = [replace(found, base=run.view.snapshot.base) for found in moved.found]
    run.findings += refused
    if not others and not isinstance(next_action(run.snapshot), Idle):
        look_again(run)
        run.findings += refused


def _count(run: Run, moved: Moved) -> None:
    """Tell and count what has ended with a push that was taken."""
    run.races = 0
    run.remarks += moved.remarks
    for ending in moved.endings:
        run.endings[ending.branch.task] = ending
        _tell(run, ending)
    run.rejected += sum(ending.result is Result.GATE_FAILED for ending in moved.endings)
    gone = _gone(moved)
    run.gone.update(gone)
    run.landed += len(gone)
    run.ended = [Ended(left, e.passed) for e in run.ended if (left := _without(e.tips, gone))]


def _gone(moved: Moved) -> tuple[str, ...]:
    """Return the tips that landed, in their order."""
    return tuple(ending.branch.tip for ending in moved.endings) if moved.landed else ()


def _without(tips: tuple[str, ...], gone: Container[str]) -> tuple[str, ...]:
    return tuple(tip for tip in tips if tip not in gone)


def _lost(run: Run, raced: Raced) -> None:
    """Count a lost race and look again, unless it was one too many."""
    run.races += 1
    recording.raced(run.site.workspace, raced.ref, raced.branches, times=run.races)
    if run.races > RACES:
        run.raced = True
        result, why = Result.RACED, f"{raced.ref} kept moving"
        if raced.lock:
            result = Result.REFUSED
            why = f"{raced.lock} is in the way: a killed git left it; if no git is running there, remove it"
        for branch in raced.branches:
            run.endings[branch.task] = Ending(branch, result, why)
            run.show(f"{branch.name}: {result}: {why}")
        return
    if raced.lock:
        # Another git may be at work on this ref: it lets go within moments, unless it was killed.
        time.sleep(0.1 * run.races)
    run.show(f"{raced.ref} moved meanwhile: looking again ({run.races} of {RACES})")
    look_again(run)


def _tell(run: Run, ending: Ending) -> None:
    run.show(_ending_words(ending))
    for line in ending.details:
        run.show(f"    {line}")
    recording.ended(run.site.workspace, ending)


def _ending_words(ending: Ending) -> str:
    if ending.reason.startswith(ending.result):
        return f"{ending.branch.name}: {ending.reason}"
    result = f"{ending.result} in {ending.commit[:7]}" if ending.commit else str(ending.result)
    return f"{ending.branch.name}: {result}" + (f" ({ending.reason})" if ending.reason else "")


# -- what a run needs to know --------------------------------------------------------------------------------------


def resolve_tasks(snapshot: Snapshot, words: Sequence[str]) -> frozenset[str]:
    """Return the task ids that people mean by ids or branch names. Raises UsageError with near ids."""
    return frozenset(snapshot.resolve(word) for word in words)
