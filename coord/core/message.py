"""The commits that coord writes on main: their messages, in the forms that people and scripts rely on."""

from __future__ import annotations

from coord.core.signal import trailer_block
from coord.core.text import one_line


def merge_message(branch: str, task: str, tip: str, gate: str) -> str:
    """Return the message of M, the merge that lands a branch; ``gate`` is "<profile> <tree>", or empty for a merge that
    is part of a batch: only the batch was validated."""
    said = {"Coord-Task": task, "Coord-Tip": tip} | ({"Coord-Gate": gate} if gate else {})
    return f"Merge branch '{branch}'\n\n{trailer_block(said)}\n"


def batch_message(branches: list[str], gate: str) -> str:
    """Return the message of the one step of main that carries several merges."""
    listed = "\n".join(f"- {branch}" for branch in branches)
    said = {"Coord-Batch": str(len(branches)), "Coord-Gate": gate}
    return f"Merge {len(branches)} branches\n\n{listed}\n\n{trailer_block(said)}\n"


def resolved_message(branch: str, task: str, tip: str, gate: str, by: tuple[str, ...]) -> str:
    """Return the message of M when the maintainer's command settled a conflict with the branches in ``by``."""
    other = ", ".join(by) or "main"
    said = {"Coord-Task": task, "Coord-Tip": tip, "Coord-Gate": gate, "Coord-Resolved": other}
    return f"Merge {branch}: resolve conflicts with {one_line(other)}\n\n{trailer_block(said)}\n"


def status_message(task: str) -> str:
    """Return the message of S, the commit that completes a task as part of its landing."""
    return f"chore: update task {task} status to completed\n"


def completed_message(tasks: tuple[str, ...], reason: str, tip: str = "") -> str:
    """Return the message of a commit that completes tasks without a landing, and says why."""
    said = {"Coord-Task": ", ".join(tasks)} | ({"Coord-Tip": tip} if tip else {})
    subject = f"chore: update task{'s' if len(tasks) > 1 else ''} {', '.join(tasks)} status to completed"
    return "\n\n".join(filter(None, [subject, one_line(reason), trailer_block(said)])) + "\n"


def blocked_message(task: str, reason: str, tip: str = "") -> str:
    """Return the message of the commit that tells main that a task is blocked; without a tip it is a person's word."""
    said = {"Coord-Task": task} | ({"Coord-Tip": tip} if tip else {})
    return f"blocked({task}): {one_line(reason)}\n\n{trailer_block(said)}\n"


def unblocked_message(task: str, context: str) -> str:
    """Return the message of the commit that lifts a block by hand."""
    return f"unblocked({task}): {one_line(context) or 'try again'}\n\n{trailer_block({'Coord-Task': task})}\n"
