"""Tell the coordinator something about this task.

blocking is coord block. info whose text begins with "Task completed", on a branch that is clean, pushed and ahead of
main, is coord done with that text as the summary. Everything else is progress: it goes to the coordinator's inbox and
never means done.
"""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.errors import Exit
from coord.statement import Here, leave_in_inbox, say_blocked, say_done, state_of, where_am_i
from coord.workspace import Workspace, open_workspace


def options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--level", required=True, choices=("info", "warning", "blocking"), help="how much it matters"
    )
    parser.add_argument("-m", "--message", required=True, metavar="TEXT", help="what to tell")


def run(call: Call) -> Exit:
    level, text = call.args.level, call.args.message
    workspace = open_workspace(call.folder)
    here = where_am_i(workspace, call.inherited)
    if level == "blocking":
        words = say_blocked(workspace, here, text, {})
    elif level == "info" and text.startswith("Task completed"):
        words = _completed(workspace, here, text)
    else:
        leave_in_inbox(workspace, here, level, text)
        words = ("noted in the coordinator's inbox",)
    for line in words:
        call.output.result(line)
    return Exit.OK


def _completed(workspace: Workspace, here: Here, text: str) -> tuple[str, ...]:
    state = state_of(workspace, here)
    wrong = [
        reason
        for applies, reason in (
            (bool(state.modified or state.untracked), "the worktree is not clean"),
            (not state.pushed, f"{here.branch} is not pushed"),
            (not state.ahead, f"{here.branch} holds nothing that main lacks"),
        )
        if applies
    ]
    if wrong:
        leave_in_inbox(workspace, here, "info", text)
        return (
            f"noted, but not taken as done: {'; '.join(wrong)}",
            "commit and push your work, then: coord done",
        )
    return say_done(workspace, here, text)
