"""What coord asks of a forge, and the values that it answers with.

A forge only tells and is told: what lands is decided from git. Every call may raise RefusedError with the forge's own
words (rights, limits, an outage); what is merely not there is a value (``None``, an empty tuple).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from coord.core.protection import Environment, Protection, Rule
from coord.core.pull import Pull

__all__ = [
    "Comment", "Environment", "Forge", "Job", "JobStep", "Permission", "Protection", "Pull", "Rule", "State", "Upserted",
]  # fmt: skip


class State(StrEnum):
    """The states of a commit status that coord uses, in GitHub's words."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class Permission(IntEnum):
    """What a user may do in the repository, each includes the ones before."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


class Upserted(StrEnum):
    """What became of a comment or issue that was to say something."""

    CREATED = "created"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request or issue; ``author_is_person`` is false for apps and bots; ``created`` in seconds since
    the epoch; ``edited`` when it was changed after it was written (by anybody with the right to)."""

    id: int
    number: int
    body: str
    author: str
    author_is_person: bool
    association: str
    created: int
    edited: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class JobStep:
    """A step of a job that has ended: its name and conclusion (success, failure, skipped, cancelled; '' while it runs)."""

    name: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a workflow run: its name, its conclusion ('' while it runs) and its steps in order."""

    id: int
    name: str
    conclusion: str
    steps: tuple[JobStep, ...] = ()
    url: str = ""


class Forge(Protocol):
    """The calls of a forge. ``marker`` is a short word that finds coord's own comment or issue again; it stands in the
    text as a comment that people do not see."""

    def token(self) -> str:
        """Return the token that git over HTTP is to use; it is never printed."""
        ...

    def open_pulls(self) -> tuple[Pull, ...]:
        """Return the open pull requests of this repository's own branches, by number."""
        ...

    def pulls_of(self, branch: str) -> tuple[Pull, ...]:
        """Return all pull requests of a branch, open or not, newest first."""
        ...

    def open_draft(self, branch: str, base: str, title: str, body: str) -> Pull:
        """Open a draft pull request."""
        ...

    def retarget(self, number: int, base: str) -> None:
        """Let a pull request be merged into another branch."""
        ...

    def wait_until_merged(self, numbers: Sequence[int], seconds: float) -> frozenset[int]:
        """Wait at most so long and return those of the pull requests that the forge shows as merged (or closed)."""
        ...

    def comments(self, number: int) -> tuple[Comment, ...]:
        """Return the comments of a pull request or issue, oldest first."""
        ...

    def comment(self, comment_id: int) -> Comment | None:
        """Return one comment as it stands now."""
        ...

    def upsert_comment(
        self, number: int, marker: str, body: str, *, only_change: bool = False
    ) -> Upserted | None:
        """Let coord's one comment with this marker say ``body``. With ``only_change`` one that is not there is not made,
        and the answer is None. Comments of others are never changed, whatever they hold."""
        ...

    def react(self, comment_id: int, reaction: str) -> None:
        """React to a comment (``eyes``, ``+1``, ``-1``, ``confused``, ``rocket``)."""
        ...

    def set_status(self, commit: str, state: State, words: str, url: str = "") -> bool:
        """Set the status ``coord/land`` of a commit, unless it says so already; return whether it was set."""
        ...

    def permission(self, user: str) -> Permission:
        """Return what a user may do."""
        ...

    def tip_at(self, branch: str, when: int) -> str | None:
        """Return the tip that a branch had at a time (seconds since the epoch), as the forge recorded its pushes; None
        when it has no record of that, or when the branch was changed in that very second."""
        ...

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow (a file name) on a branch."""
        ...

    def jobs(self, run: int, attempt: int) -> tuple[Job, ...]:
        """Return the jobs of an attempt of a workflow run."""
        ...

    def log(self, job: int) -> str:
        """Return what a job printed; untrusted text. Empty when it is not to be had."""
        ...

    def upsert_issue(self, marker: str, title: str, body: str, *, open_new: bool = True) -> Upserted | None:
        """Let coord's one open issue with this marker say ``title`` and ``body``. With ``open_new`` false one that is not
        there is not opened, and the answer is None."""
        ...

    def close_issue(self, marker: str, body: str) -> bool:
        """Let coord's open issue with this marker say ``body`` and close it; return whether there was one."""
        ...

    def protection(self, main: str) -> Protection:
        """Return how the repository is protected."""
        ...
