"""Land what is ready: merge each branch into main, validate the exact tree, publish it, tidy up.

Without TASK everything that is ready lands, and the exit code is 0 when the run converged even if some branches were
blocked on the way. With TASK only those land, and the exit code is the highest of theirs.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser

from coord.call import Call
from coord.core.queue import Result
from coord.drain import detach, drain, mark
from coord.errors import CoordError, Exit, RefusedError, UsageError
from coord.output import Json, table
from coord.reconcile import land
from coord.report import Report, TaskOutcome
from coord.requests import LAND_WORKFLOW, is_told_by_workflow, lands_on_forge
from coord.telling import tell_all
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", nargs="*", metavar="TASK", help="land only these (ids or branch names)")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    parser.add_argument("-n", "--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument(
        "--drain",
        action="store_true",
        help="on a server: leave the caller's session, land until nothing is left",
    )
    parser.add_argument(
        "--watch", action="store_true", help="stay and land whatever arrives, until interrupted"
    )
    parser.add_argument(
        "--interval", type=float, default=5.0, metavar="SECONDS", help="with --watch: how often to look (5)"
    )


def run(call: Call) -> Exit:
    if call.args.dry_run:
        from coord.commands.plan import show_plan

        return show_plan(call, call.args.task)
    workspace = open_workspace(call.folder)
    if call.args.drain:
        return _drain(call, workspace)
    if call.args.watch:
        return _watch(call, workspace)
    return _land(call, workspace)


def _land(call: Call, workspace: Workspace) -> Exit:
    report = land(workspace, call.args.task, here=call.folder, show=call.output.say)
    if (workspace.state / "sessions").is_dir():
        from coord.sessions.ending import retire_landed

        retire_landed(workspace, call.output.say)
    elsewhere = report.base == report.head and lands_on_forge(workspace)
    # A desk that moved nothing leaves telling to the workflow: two who write would make two comments of the one.
    if workspace.hosting.forge is not None and not elsewhere:
        _tell(call, workspace)
    call.output.emit("land", _json(report))
    _print(call, report)
    if elsewhere and any(o.result is Result.REFUSED for o in report.outcomes):
        call.output.say(
            f"{LAND_WORKFLOW} lands here: say /coord land on a pull request, or start it by hand (Actions, Run workflow)"
        )
    return report.exit


def _tell(call: Call, workspace: Workspace) -> None:
    """Let people see it on the forge; what landed has landed, whether that can be told or not.

    Where a workflow writes the comments, this leaves them to it: nobody can change those of somebody else, and there
    would be two that contradict each other.
    """
    try:
        tell_all(workspace, call.output.say, talks=not is_told_by_workflow(workspace))
    except RefusedError as refused:
        call.output.say(f"could not be told on the forge: {refused.message}")


def _drain(call: Call, workspace: Workspace) -> Exit:
    """Land as the post-receive hook does: one drain at a time, however many pushes start one."""
    codes = [Exit.OK]
    detach()
    mark(workspace.state)
    if not drain(workspace.state, lambda: codes.append(_land(call, open_workspace(call.folder)))):
        call.output.say("another landing is at work here; it will see what has arrived")
    return codes[-1]


def _watch(call: Call, workspace: Workspace) -> Exit:
    if call.args.json:
        raise UsageError("--watch and --json do not go together", hint="coord land --json prints one run")
    if call.args.interval <= 0:
        raise UsageError("--interval takes a number of seconds above 0")
    seen = ""
    while True:
        try:
            now = workspace.git.remote_state(workspace.remote or ".")
            if now != seen:
                _land(call, workspace)
                seen = workspace.git.remote_state(workspace.remote or ".")
        except RefusedError as error:
            call.output.error(error)
        except CoordError as error:
            if error.exit is Exit.USAGE:
                raise
            call.output.error(error)
        time.sleep(call.args.interval)


def _print(call: Call, report: Report) -> None:
    output = call.output
    rows = [[outcome.result, outcome.branch, _words(outcome)] for outcome in report.outcomes]
    for line in table(rows):
        output.result(line)
    for remark in report.remarks:
        output.say(remark)
    if report.base == report.head:
        output.result(f"main is still at {report.base[:7]}: {report.rest}")
    else:
        output.result(f"main {report.base[:7]} -> {report.head[:7]}; now {report.rest}")


def _words(outcome: TaskOutcome) -> str:
    return f"{outcome.commit[:7]} {outcome.reason}" if outcome.commit else outcome.reason


def _json(report: Report) -> Json:
    return {
        "base": report.base,
        "head": report.head,
        "outcomes": [
            {
                "task": outcome.task,
                "branch": outcome.branch,
                "tip": outcome.tip,
                "outcome": outcome.result.value,
                "commit": outcome.commit or None,
                "reason": outcome.reason,
                "paths": list(outcome.paths),
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in report.outcomes
        ],
        "remarks": list(report.remarks),
        "rest": report.rest,
    }
