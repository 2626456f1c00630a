"""What the commands share that carry out a person's decision."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable

from coord import recording, requests
from coord.call import Call
from coord.core.history import Kind
from coord.core.request import Request
from coord.decision import Decided, decide
from coord.errors import Exit
from coord.observe import View
from coord.site import open_site
from coord.workspace import Workspace, open_workspace


def decision_options(parser: ArgumentParser) -> None:
    """Add the options that every decision has."""
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would change and change nothing"
    )
    parser.add_argument("--json", action="store_true", help="print what changed as JSON")


def carry_out(call: Call, command: str, decision: Callable[[Workspace, View], Decided] | Request) -> Exit:
    """Publish a decision and tell what it changed; one that is a request is passed on where this may not push main."""
    workspace = open_workspace(call.folder)
    open_site(workspace, call.output.detail)
    dry_run = call.args.dry_run
    if isinstance(decision, Request):
        decided = requests.carry_out(workspace, decision, dry_run=dry_run)
    else:
        decided = decide(workspace, decision, dry_run=dry_run)
    moved = [{"ref": u.ref, "old": u.old, "new": u.new} for u in decided.updates if u.old != u.new]
    if moved and not dry_run:
        text = getattr(call.args, "message", None) or ""
        commit = decided.updates[0].new or ""  # the first says it; the others are what follows from it
        recording.decided(workspace, _KINDS[command], decided.tasks or ("",), text, commit)
    call.output.emit(
        command, {"changed": bool(moved) and not call.args.dry_run, "refs": moved, "words": decided.words}
    )
    for words in decided.words:
        if words.startswith("warning: "):
            call.output.say(words)
        else:
            call.output.result(("would: " if call.args.dry_run and moved else "") + words)
    return Exit.OK


#: What each decision is called in the history. A hold or a freeze that is lifted leaves no other trace.
_KINDS = {
    "approve": Kind.APPROVED,
    "complete": Kind.COMPLETED,
    "freeze": Kind.FROZEN,
    "hold": Kind.HELD,
    "release": Kind.RELEASED,
    "retry": Kind.RETRY,
    "thaw": Kind.THAWED,
    "unblock": Kind.UNBLOCKED,
}
