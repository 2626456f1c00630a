"""Show the task of this worktree: its branch, what is committed, pushed and said."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.core.signal import Done, Stuck, Working, read_signal
from coord.errors import Exit
from coord.output import table
from coord.statement import state_of, where_am_i
from coord.taskfolder import read_tasks_at
from coord.workspace import open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    here = where_am_i(workspace, call.inherited)
    state = state_of(workspace, here)
    main = workspace.main_tip
    task = read_tasks_at(workspace, main, workspace.settings).graph.get(here.task) if main else None
    message = workspace.git.objects.commit(here.tip).message
    signal = read_signal(message, claimed=False, draft=False, push_means=workspace.settings.land.signal)
    match signal:
        case Done():
            said = "done"
        case Stuck(reason):
            said = f"blocked: {reason}"
        case Working(why):
            said = f"working: {why}"
    facts = {
        "task": here.task,
        "name": task.name if task else None,
        "status": task.status.value if task else None,
        "path": task.path if task else None,
        "branch": here.branch,
        "tip": here.tip,
        "worktree": str(workspace.top),
        "ahead": state.ahead,
        "pushed": state.pushed,
        "clean": not state.modified and not state.untracked,
        "signal": said,
    }
    call.output.emit("current", facts)
    if task is None:
        call.output.say(f"no task '{here.task}' on {workspace.main_name}: this branch will be ignored")
    shown = [[key, "-" if value is None else str(value)] for key, value in facts.items()]
    for line in table(shown):
        call.output.result(line)
    return Exit.OK
