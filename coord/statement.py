"""What an agent says of its branch: an empty commit with trailers on the task branch, pushed.

This runs in the agent's own checkout under its own identity, and its hooks run; the index takes no part, so staged
changes stay staged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coord.core.answer import RefUpdate
from coord.core.guard import unsilenced
from coord.core.objects import Kind, find_entry
from coord.core.signal import (
    ATTEMPTS,
    REASON,
    STATUS,
    SUGGESTION,
    SUMMARY,
    TRIED,
    trailer_block,
    trailers,
)
from coord.core.text import plain
from coord.core.verdict import VERDICT_FILE, VERDICTS, Verdict, decode
from coord.errors import CoordError, RefusedError, UsageError
from coord.git import Git
from coord.inbox import leave
from coord.workspace import Workspace

_IDENTITY = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


#: What is told when the tip says so already.
_SAID: tuple[str, ...] = ("already said",)


@dataclass(frozen=True, slots=True)
class Here:
    """The task branch that a worktree is on, the identity that the environment names (``GIT_AUTHOR_NAME`` …), and the
    session that speaks (``""``: none is known)."""

    task: str
    branch: str
    tip: str
    identity: Mapping[str, str] = field(default_factory=dict)
    session: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a notification: words for the one who told it, and the signal it was taken as (``done``, ``blocked``,
    or ``""`` for progress)."""

    words: tuple[str, ...]
    signal: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What a worktree holds beside its commits: changes to tracked files, untracked files, commits main lacks,
    and whether the remote has the tip."""

    modified: tuple[str, ...]
    untracked: tuple[str, ...]
    ahead: int
    pushed: bool


def where_am_i(workspace: Workspace, inherited: Mapping[str, str]) -> Here:
    """Return the task branch that is checked out. Raises UsageError when it is none.

    ``inherited`` are the ``GIT_*`` variables that the command was started with.
    """
    head = workspace.git.head() if not workspace.bare else None
    branch = (head or "").removeprefix("refs/heads/")
    task = workspace.settings.task_of(branch)
    if task is None:
        prefixes = " or ".join(f"{prefix}<task>" for prefix in workspace.settings.project.prefixes)
        on = f"on '{branch}'" if branch else "on no branch (detached HEAD)"
        raise UsageError(f"this checkout is {on}, not on a task branch", hint=f"git switch {prefixes}")
    tip = workspace.git.resolve("HEAD")
    if tip is None:
        raise UsageError(f"{branch} has no commit yet", hint="commit your work first")
    return Here(task, branch, tip, identity_in(inherited))


def identity_in(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return who commits, as far as the environment says so."""
    return {name: value for name, value in inherited.items() if name in _IDENTITY}


def state_of(workspace: Workspace, here: Here) -> State:
    """Return what the worktree holds, as last fetched."""
    answer = workspace.git.run("status", "--porcelain", "-z", "--untracked-files=normal")
    entries = [entry for entry in answer.text.split("\0") if entry]
    untracked = tuple(entry[3:] for entry in entries if entry.startswith("??"))
    modified = tuple(
        entry[3:] for entry in entries if len(entry) > 3 and entry[2] == " " and entry[:2] != "??"
    )
    main = workspace.main_tip
    ahead = len(workspace.git.ancestry.rev_list(here.tip, f"^{main}")) if main else 1
    pushed = workspace.git.resolve(f"{workspace.branch_refs}{here.branch}") == here.tip
    return State(modified, untracked, ahead, pushed)


def say_done(workspace: Workspace, here: Here, summary: str) -> tuple[str, ...]:
    """Say that the work is finished and push it; return what to tell. Saying it twice changes nothing."""
    state = state_of(workspace, here)
    if state.modified:
        raise UsageError(
            f"{len(state.modified)} changed file(s) are not committed: {', '.join(state.modified[:3])}",
            hint="commit them (or git stash), then say done: only commits land",
        )
    words = [f"note: untracked and left out: {', '.join(state.untracked[:5])}"] if state.untracked else []
    if not state.ahead:
        words.append("note: this branch holds no commits that main lacks")
    said = {STATUS: "done", "Coord-Task": here.task} | ({SUMMARY: summary} if summary else {})
    told = _say(workspace, here, "coord: done", said)
    stopped = _stopped(workspace, here) if told == _SAID else None
    if stopped is not None:
        why = f"this tip did not land: {stopped.reason}"
        return (*words, why, "mend it, commit and push, then say done again; or coord block -m REASON")
    return (*words, *told, "it lands with the next run of coord land")


def _stopped(workspace: Workspace, here: Here) -> Verdict | None:
    """Return the verdict that stops the branch's tip, as last fetched."""
    oid = workspace.git.resolve(VERDICTS + here.task)
    objects = workspace.git.objects
    if oid is None or not objects.holds(oid, Kind.COMMIT):
        return None
    entry = find_entry(objects.commit(oid).tree, VERDICT_FILE, objects.tree)
    verdict = decode(objects.blob(entry.oid)) if entry and objects.holds(entry.oid, Kind.BLOB) else None
    return verdict if verdict and verdict.stops and verdict.tip == here.tip else None


def say_blocked(workspace: Workspace, here: Here, reason: str, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Say that the work cannot go on and push it; ``facts`` are tried, attempts and suggestion."""
    names = {"tried": TRIED, "attempts": ATTEMPTS, "suggestion": SUGGESTION}
    said = {STATUS: "blocked", "Coord-Task": here.task, REASON: " ".join(plain(reason).split())}
    said |= {names[key]: " ".join(value.split()) for key, value in facts.items() if value.strip()}
    words = _say(workspace, here, "coord: blocked", said)
    return (
        *words,
        "your commits are kept; a person is told on main and, where there is one, on the pull request",
    )


def notify(workspace: Workspace, here: Here, level: str, text: str) -> Told:
    """Tell the coordinator something. ``blocking`` is the safe exit; ``info`` that begins with "Task completed" is done when
    git shows it: clean, pushed, ahead of main. Everything else is progress and never means done."""
    if level == "blocking":
        return Told(say_blocked(workspace, here, text, {}), "blocked")
    if level == "info" and text.startswith("Task completed"):
        wrong = _not_completed(state_of(workspace, here), here)
        if not wrong:
            return Told(say_done(workspace, here, text), "done")
        leave_in_inbox(workspace, here, "info", text)
        words = f"noted, but not taken as done: {'; '.join(wrong)}"
        return Told((words, "commit and push your work, then: coord done"))
    leave_in_inbox(workspace, here, level, text)
    return Told(("noted in the coordinator's inbox",))


def _not_completed(state: State, here: Here) -> list[str]:
    reasons = {
        "the worktree is not clean": bool(state.modified or state.untracked),
        f"{here.branch} is not pushed": not state.pushed,
        f"{here.branch} holds nothing that main lacks": not state.ahead,
    }
    return [reason for reason, applies in reasons.items() if applies]


def _say(workspace: Workspace, here: Here, subject: str, said: Mapping[str, str]) -> tuple[str, ...]:
    # A tip that tells the forge to skip its run would silence the wake.
    said = {key: unsilenced(value) for key, value in said.items()}
    tip = here.tip
    words = _SAID
    last = trailers(workspace.git.objects.commit(tip).message)
    if last != trailers(f"x\n\n{trailer_block(said)}"):
        tip = _empty_commit(workspace, here, f"{subject}\n\n{trailer_block(said)}\n")
        words = (f"{here.branch} at {tip[:7]}: {subject.removeprefix('coord: ')}",)
    _push(workspace, here)
    return words


def _empty_commit(workspace: Workspace, here: Here, message: str) -> str:
    git = _own_git(workspace, here)
    commit = git.run("commit-tree", "-p", here.tip, f"{here.tip}^{{tree}}", data=message.encode()).line
    git.update_refs([RefUpdate(f"refs/heads/{here.branch}", here.tip, commit)])
    if workspace.git.resolve("HEAD") != commit:
        raise CoordError(f"{here.branch} moved meanwhile", hint="run it again")
    return commit


def _push(workspace: Workspace, here: Here) -> None:
    if workspace.remote is None:
        return  # the branch is where landing looks for it
    ref = f"refs/heads/{here.branch}"
    answer = _own_git(workspace, here).run(
        "push", "--quiet", "--end-of-options", workspace.remote, f"{ref}:{ref}", ok=(0, 1, 128)
    )
    if answer.code != 0:
        raise RefusedError(
            f"the push was refused: {' / '.join(answer.err.strip().splitlines())}",
            hint=f"git push {workspace.remote} {here.branch} shows it again; the commit is on your branch",
        )


def _own_git(workspace: Workspace, here: Here) -> Git:
    return Git(workspace.top, hook=here.identity)


def leave_in_inbox(workspace: Workspace, here: Here, level: str, text: str) -> None:
    """Leave a message for the coordinator of this machine."""
    about = {"task": here.task, "branch": here.branch} | ({"session": here.session} if here.session else {})
    leave(workspace.state, level, text, about)
