"""What is decided about worktrees: how they are named, where they may lie, and why one may not be removed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: The folder in the main checkout in which worktrees lie.
FOLDER = ".worktrees"

#: What git refuses in the name of a branch (git-check-ref-format), and what would make another file name of it.
_REFUSED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def flaw_of_branch(name: str) -> str:
    """Return why git takes no branch of this name, or ``""``. The rules are those of git-check-ref-format(1)."""
    if not name or name in ("@", "HEAD") or name.startswith(("-", "refs/")):
        return "it is empty, or looks like an option or another ref"
    if re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", name):
        return "it looks like a commit"
    if _REFUSED.search(name) or not name.isprintable():
        return "git takes no spaces, control characters, '..', or any of ~^:?*[\\ in it"
    if name.startswith("/") or name.endswith(("/", ".")):
        return "it begins or ends with a separator"
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "a part of it begins with a dot, or ends with .lock"
    return ""


def branch_of(name: str, prefixes: Sequence[str], known: Collection[str]) -> str:
    """Return the branch that people mean by a task's id or a branch's name; ``known`` are the branches that there are."""
    if name in known or any(name.startswith(prefix) for prefix in prefixes):
        return name
    return next((prefix + name for prefix in prefixes if prefix + name in known), prefixes[0] + name)


def folder_of(branch: str) -> str:
    """Return where a branch's worktree lies, from the root of the main checkout."""
    return f"{FOLDER}/{branch}"


def leaves_root(path: str) -> bool:
    """Say whether a relative path would lead out of the folder that it starts from, as it is written."""
    depth = 0
    for part in path.split("/"):
        depth += 0 if part in ("", ".") else -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


class Reason(StrEnum):
    """Why a worktree or branch is kept; scripts read these words."""

    MAIN = "main-checkout"
    LOCKED = "locked"
    HERE = "here"
    SESSION = "session"
    BUSY = "busy"
    UNDER_WAY = "under-way"
    UNREADABLE = "unreadable"
    NESTED = "nested-repository"
    DIRTY = "dirty"
    NOT_CONTAINED = "not-contained"
    OPEN = "open"
    RACED = "raced"
    REFUSED = "refused"


#: These stand whatever is asked: what would be lost cannot be saved, or somebody said so.
ALWAYS = frozenset({Reason.MAIN, Reason.LOCKED, Reason.HERE, Reason.NESTED, Reason.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason against a removal, in words, and what to do about it."""

    reason: Reason
    words: str
    hint: str = ""


def why_kept(obstacles: Iterable[Obstacle], *, force: bool) -> Obstacle | None:
    """Return the first obstacle that stands, or None; ``force`` passes over those whose work can be saved first."""
    return next((one for one in obstacles if not force or one.reason in ALWAYS), None)


class TaskState(StrEnum):
    """How the task of a branch stands on main."""

    NO_TASK = "no task"
    OPEN = "open"
    OVER = "over"


def why_open(task: str, state: TaskState, *, is_new: bool) -> str:
    """Return why a branch that main contains may still be needed, or ``""``.

    A branch that was only just made is contained as well: until its task is completed somebody is about to work on it.
    ``is_new``: its tip is a commit of main's own first-parent chain.
    """
    match state:
        case TaskState.OPEN:
            return f"its task {task} is not completed"
        case TaskState.NO_TASK:
            return "it has no commit of its own yet" if is_new else ""
        case TaskState.OVER:
            return ""


def size_text(size: int) -> str:
    """Return bytes as people say them: ``512 B``, ``1.5 MB``."""
    value, units = float(size), ["B", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
