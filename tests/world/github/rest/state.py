"""What the fake of GitHub holds in memory: everything that is not in the bare repository."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.world.github.rest.repository import Bare
from tests.world.github.tokens import Token, Tokens

Json = Any


@dataclass
class Remark:
    """A comment on a pull request or issue; ``app``: the slug of the App that wrote it."""

    id: int
    number: int
    author: str
    body: str
    created: str
    updated: str
    app: str = ""
    reactions: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class Ticket:
    """An issue, or a pull request when it has a head. ``tip`` is what the head was when it was last seen."""

    id: int
    number: int
    author: str
    title: str
    body: str
    created: str
    updated: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    head: str = ""
    base: str = ""
    tip: str = ""
    fork: str = ""
    draft: bool = False
    merged_at: str = ""
    closed_at: str = ""
    polls: int | None = None
    app: str = ""

    @property
    def is_pull(self) -> bool:
        return bool(self.head)


@dataclass
class Status:
    """A status of a commit."""

    id: int
    commit: str
    context: str
    state: str
    description: str | None
    url: str | None
    creator: str
    created: str


@dataclass
class Run:
    """A run of a workflow."""

    id: int
    workflow: str
    event: str
    branch: str
    commit: str
    attempt: int = 1
    status: str = "in_progress"
    conclusion: str | None = None
    jobs: list[RunJob] = field(default_factory=list)


@dataclass
class RunJob:
    """A job of an attempt of a run, its steps (name and conclusion) and what it printed (None: no log is kept)."""

    id: int
    attempt: int
    name: str
    status: str = "in_progress"
    conclusion: str | None = None
    steps: list[tuple[str, str | None]] = field(default_factory=list)
    log: str | None = ""


@dataclass
class Activity:
    """A change of a ref as GitHub records it."""

    id: int
    ref: str
    before: str
    after: str
    actor: str
    kind: str
    when: str


@dataclass(frozen=True)
class Dispatched:
    """A workflow that somebody started through the API."""

    workflow: str
    ref: str
    inputs: Mapping[str, str]
    token: Token


@dataclass
class Ruleset:
    """A ruleset: its rules (kind, or the whole JSON) for branches, and who may bypass it (type, id, mode)."""

    id: int
    name: str
    rules: list[Json]
    bypass: list[tuple[str, int | None, str]] = field(default_factory=list)
    branches: tuple[str, ...] = ("main",)
    enforcement: str = "active"


@dataclass
class Setting:
    """An environment: its branches (None: any; ``protected``: those with a protection rule), reviewers and secrets."""

    branches: tuple[str, ...] | str | None = None
    reviewers: bool = False
    secrets: tuple[str, ...] = ()


@dataclass
class App:
    """The App that is installed in the repository. ``public_key`` is PEM text; ``rights`` are what it was granted, in the
    words of tokens (``pull-requests``)."""

    id: int
    slug: str
    public_key: str
    installation: int
    rights: dict[str, str]
    lifetime: int = 3600


class State:
    """All of it, behind one lock. Tests may read and change everything here directly."""

    def __init__(
        self, bare: Bare, name: str, tokens: Tokens, people: dict[str, str], app: App | None
    ) -> None:
        self.lock = threading.RLock()
        self.bare, self.name, self.tokens, self.people, self.app = bare, name, tokens, people, app
        self.clock = int(time.time())
        self.private = True
        self.default_branch = "main"
        self.associations: dict[str, str] = {}
        self.merged_after: int | None = 0
        self.tickets: dict[int, Ticket] = {}
        self.remarks: dict[int, Remark] = {}
        self.statuses: list[Status] = []
        self.runs: dict[int, Run] = {}
        self.activity: list[Activity] = []
        self.dispatches: list[Dispatched] = []
        self.rulesets: list[Ruleset] = []
        self.protected: dict[str, Json] = {}
        self.environments: dict[str, Setting] = {}
        self.secrets: tuple[str, ...] = ()
        self.variables: dict[str, str] = {}
        self.token_default = "read"
        self.may_approve = False
        self.on_dispatch: Callable[[Dispatched], None] | None = None
        self.on_comment: Callable[[Remark, Token], None] | None = None
        self._ids = 1_000

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]

    def next_id(self) -> int:
        with self.lock:
            self._ids += 1
            return self._ids

    def tick(self) -> str:
        """Return the time, later than every time before: what follows something is seen to follow it."""
        with self.lock:
            self.clock = max(self.clock + 1, int(time.time()))
            return iso(self.clock)

    def number(self) -> int:
        """Return the next number of an issue or pull request."""
        return max(self.tickets, default=0) + 1

    def level(self, login: str) -> str:
        """Return a person's permission."""
        return self.people.get(login, "none" if self.private else "read")

    def association(self, login: str) -> str:
        """Return what GitHub calls the author's association."""
        if login in self.associations:
            return self.associations[login]
        if login == self.owner:
            return "OWNER"
        return "COLLABORATOR" if login in self.people else "NONE"

    # -- pushes ----------------------------------------------------------------------------------------------------

    def pushed(self, ref: str, before: str, after: str, actor: str) -> None:
        """Take note of a push: activity, and what it does to pull requests."""
        with self.lock:
            self.activity.append(
                Activity(self.next_id(), ref, before, after, actor, self._kind(before, after), self.tick())
            )
            branch = ref.removeprefix("refs/heads/")
            for ticket in [t for t in self.tickets.values() if t.is_pull and t.state == "open"]:
                self._follow(ticket, branch, after)

    def _kind(self, before: str, after: str) -> str:
        if not before.strip("0"):
            return "branch_creation"
        if not after.strip("0"):
            return "branch_deletion"
        return "push" if self.bare.contains(after, before) else "force_push"

    def _follow(self, pull: Ticket, branch: str, after: str) -> None:
        deleted = not after.strip("0")
        if branch in (pull.head, pull.base) and not pull.fork and deleted:
            self.close(pull)
        elif branch == pull.head and not pull.fork:
            pull.tip = after
        elif branch == pull.base and self.bare.contains(after, pull.tip):
            pull.polls = self.merged_after
            self.settle(pull)

    def settle(self, pull: Ticket) -> None:
        """Show a pull request as merged when its time has come; each look at it brings that nearer."""
        if pull.state == "open" and pull.polls is not None:
            if pull.polls <= 0:
                pull.merged_at = self.tick()
                self.close(pull)
            pull.polls -= 1

    def close(self, ticket: Ticket) -> None:
        """Close an issue or pull request."""
        ticket.state, ticket.closed_at = "closed", self.tick()
        ticket.updated = ticket.closed_at


def iso(seconds: int) -> str:
    """Return a time in GitHub's words."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
