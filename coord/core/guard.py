"""The guard: who may change what.

Task files change on main only, coord writes them, and a task branch speaks for itself alone. The shell gathers the
facts, each rule looks at them and denies or is silent; the first denial is the verdict. To add a rule, write one
function and name it in the tuple it belongs to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from coord.core.settings import Project, ServerMain
from coord.core.text import few


class Role(Enum):
    """Who acts: ``COORD_ROLE=coordinator`` says it is the coordinator, everybody else is an agent."""

    AGENT = "agent"
    COORDINATOR = "coordinator"


class Checkout(Enum):
    """Where somebody acts: in the repository's main checkout, or in a linked worktree."""

    MAIN = "main"
    LINKED = "linked"


class Step(Enum):
    """What a push does to a ref."""

    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not happen: why, and what to do instead."""

    reason: str
    advice: str


Verdict = Allowed | Denied


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """A commit that is about to be made.

    ``branch`` is None on a detached HEAD; ``edits`` are the staged paths under the task folder that differ both from
    the branch's tip and from main's side (what a merge of main brings is no edit); ``restore`` names the commit
    whose task files are the right ones.
    """

    branch: str | None
    project: Project
    role: Role = Role.AGENT
    checkout: Checkout = Checkout.LINKED
    session: str = ""
    edits: tuple[str, ...] = ()
    restore: str = "HEAD"


@dataclass(frozen=True, slots=True)
class RefPush:
    """One ref of a push: its full name there, and what the pushed tip holds.

    ``edits`` are the paths under the task folder that differ from the merge base with main; ``message`` is the tip's;
    ``restore`` names the commit whose task files are the right ones; ``rewinds`` when the ref would lose
    commits (that is known on the server alone); ``may_claim`` when it is a claim that nobody else's stands against.
    """

    ref: str
    step: Step = Step.WRITE
    rewinds: bool = False
    edits: tuple[str, ...] = ()
    message: str = ""
    restore: str = "HEAD"
    may_claim: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """A push that is about to be made from a checkout whose branch is ``branch`` (None: detached HEAD)."""

    branch: str | None
    main: str
    project: Project
    refs: tuple[RefPush, ...]
    role: Role = Role.AGENT


@dataclass(frozen=True, slots=True)
class Receive:
    """A push as it arrives at the server, which does not know who made it: judged by ref alone."""

    main: str
    project: Project
    server_main: ServerMain
    refs: tuple[RefPush, ...]


def judge_commit(commit: StagedCommit) -> Verdict:
    """Return whether the commit may be made; the coordinator may make any."""
    if commit.role is Role.COORDINATOR:
        return Allowed()
    return next((denied for rule in COMMIT_RULES if (denied := rule(commit))), Allowed())


def judge_push(push: Push) -> Verdict:
    """Return whether the push may be made; one ref that may not go holds all of them back."""
    if push.role is Role.COORDINATOR:
        return Allowed()
    denials = (rule(push, ref) for ref in push.refs for rule in PUSH_RULES)
    return next((denied for denied in denials if denied), Allowed())


def judge_receive(receive: Receive) -> Verdict:
    """Return whether the server takes the push; one ref that may not go refuses all of them."""
    denials = (rule(receive, ref) for ref in receive.refs for rule in RECEIVE_RULES)
    return next((denied for denied in denials if denied), Allowed())


# -- rules for a commit --------------------------------------------------------------------------------------------


def no_session_in_main_checkout(commit: StagedCommit) -> Denied | None:
    """A task session has a worktree of its own; the main checkout is its owner's."""
    if not commit.session or commit.checkout is Checkout.LINKED:
        return None
    return Denied(
        "a task session does not commit in the main checkout",
        "work in the session's own worktree ('git worktree list' shows it) and commit there",
    )


def no_staged_task_files(commit: StagedCommit) -> Denied | None:
    """Task files change on main only."""
    if not commit.edits or commit.branch is None or not is_task_branch(commit.branch, commit.project):
        return None
    return Denied(
        f"{commit.branch} may not change task files: {few(commit.edits, 5)}",
        "coord writes task files, on main only. Take the change out with\n"
        f"    {_restoring(commit.restore, commit.project)}\n"
        "  and commit again; what you wanted to say there, say with\n"
        "    coord done -m …, coord block -m … or coord notify …",
    )


# -- rules for one ref of a push -----------------------------------------------------------------------------------


def no_deletion_by_task_branch(push: Push, ref: RefPush) -> Denied | None:
    """Branches are deleted by coord when they have landed, and by people."""
    if _own_ref(push) is None or ref.step is not Step.DELETE:
        return None
    return Denied(
        f"{push.branch} may not delete {_short(ref.ref)}",
        "leave it: coord deletes a branch once main contains it. To give a task up, say 'coord block -m REASON'",
    )


def task_branch_pushes_only_itself(push: Push, ref: RefPush) -> Denied | None:
    """A task branch speaks for itself alone; main moves by landing."""
    own = _own_ref(push)
    if own is None or ref.ref == own:
        return None
    what = "main moves only by landing" if ref.ref == f"refs/heads/{push.main}" else "it may push only itself"
    return Denied(
        f"{push.branch} may not push {_short(ref.ref)}: {what}",
        f"push this branch alone: git push <remote> {shlex.quote(str(push.branch))}; coord lands it on {push.main}",
    )


def no_task_files_on_task_branch(push: Push | Receive, ref: RefPush) -> Denied | None:
    """What a task branch brings leaves the task folder as main had it."""
    if not ref.edits or ref.step is Step.DELETE or not _is_task_ref(ref.ref, push.project):
        return None
    return Denied(
        f"{_short(ref.ref)} changes task files: {few(ref.edits, 5)}",
        "coord writes task files, on main only. Put them back as main had them and push again:\n"
        f"    {_restoring(ref.restore, push.project)}\n"
        "    git commit -m 'leave task files to main'\n"
        "  (if they come from a newer main, run 'git fetch' first)",
    )


def no_silenced_wake(push: Push | Receive, ref: RefPush) -> Denied | None:
    """A tip that asks CI to look away would never be landed."""
    words = silencer(ref.message)
    if words is None or ref.step is Step.DELETE or not _is_task_ref(ref.ref, push.project):
        return None
    return Denied(
        f"the last commit of {_short(ref.ref)} says '{words}', so nothing would notice this push",
        "change its message (git commit --amend) and push again",
    )


# -- rules for one ref at the server -------------------------------------------------------------------------------


def main_keeps_its_commits(receive: Receive, ref: RefPush) -> Denied | None:
    """Main only grows: what was validated and published stays."""
    if ref.ref != f"refs/heads/{receive.main}" or not (ref.rewinds or ref.step is Step.DELETE):
        return None
    what = "deleted" if ref.step is Step.DELETE else "moved to a commit that does not contain it"
    return Denied(
        f"{receive.main} may not be {what}",
        f"to undo something on {receive.main}, push a revert: git revert <commit>, then push",
    )


def closed_main_moves_by_landing(receive: Receive, ref: RefPush) -> Denied | None:
    """With ``[server] main = "closed"`` nobody pushes main."""
    if receive.server_main is ServerMain.OPEN or ref.ref != f"refs/heads/{receive.main}":
        return None
    return Denied(
        f"{receive.main} is closed: it moves only by landing",
        f"push a task branch ({receive.project.prefixes[0]}<task>); on the server itself the maintainer has "
        "'coord -C DIR ...'",
    )


def closed_refs_are_coords_own(receive: Receive, ref: RefPush) -> Denied | None:
    """With ``[server] main = "closed"`` the refs under refs/coord/ are the server's, but anybody may claim a task.

    A claim is renewed by who holds it, and replaced once it has expired. The server does not know who pushes:
    this keeps machines apart, not enemies."""
    if receive.server_main is ServerMain.OPEN or not ref.ref.startswith("refs/coord/"):
        return None
    if ref.ref.startswith("refs/coord/claims/"):
        if ref.may_claim:
            return None
        if ref.step is Step.WRITE:
            return _claimed(ref)
    return Denied(
        f"{ref.ref} is written by the server alone",
        "ask the maintainer, who has 'coord -C DIR ...' on the server",
    )


def _claimed(ref: RefPush) -> Denied:
    return Denied(
        f"{ref.ref} holds a claim of somebody else, or one that has not expired",
        "wait until it has expired, or ask the maintainer, who has 'coord -C DIR ...' on the server",
    )


COMMIT_RULES: tuple[Callable[[StagedCommit], Denied | None], ...] = (
    no_session_in_main_checkout,
    no_staged_task_files,
)

PUSH_RULES: tuple[Callable[[Push, RefPush], Denied | None], ...] = (
    no_deletion_by_task_branch,
    task_branch_pushes_only_itself,
    no_task_files_on_task_branch,
    no_silenced_wake,
)

RECEIVE_RULES: tuple[Callable[[Receive, RefPush], Denied | None], ...] = (
    main_keeps_its_commits,
    closed_main_moves_by_landing,
    closed_refs_are_coords_own,
    no_task_files_on_task_branch,
    no_silenced_wake,
)


# -- what the rules are made of ------------------------------------------------------------------------------------

#: What silences workflows when a message holds it in brackets.
SILENCING = ("skip ci", "ci skip", "no ci", "skip actions", "actions skip")

#: What silences workflows when a message holds it (GitHub's "Skipping workflow runs"; case is not relied on).
#: The same expression serves git's --grep -E in the server's shim: no Python-only syntax in it.
SILENCER = rf"\[({'|'.join(SILENCING)})\]|^skip-checks: *true *$"
_SILENCER = re.compile(SILENCER, re.IGNORECASE | re.MULTILINE)


def silencer(message: str) -> str | None:
    """Return the words of a commit message that would silence the wake, or None."""
    match = _SILENCER.search(message)
    return match[0] if match else None


def unsilenced(text: str) -> str:
    """Return ``text`` with the brackets taken off the words that would silence the wake."""
    return _SILENCER.sub(lambda match: match[0].strip("[]"), text)


def is_task_branch(branch: str, project: Project) -> bool:
    """Say whether a branch name (``feat/x``) is a task branch's."""
    return any(branch.startswith(prefix) and branch != prefix for prefix in project.prefixes)


def _is_task_ref(ref: str, project: Project) -> bool:
    return ref.startswith("refs/heads/") and is_task_branch(ref.removeprefix("refs/heads/"), project)


def _own_ref(push: Push) -> str | None:
    """Return the full ref of the checked-out task branch, or None when another branch is checked out."""
    if push.branch is None or not is_task_branch(push.branch, push.project):
        return None
    return f"refs/heads/{push.branch}"


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _restoring(commit: str, project: Project) -> str:
    return f"git restore --source={commit} --staged --worktree -- {shlex.quote(':/' + project.tasks)}"
