"""A fake of GitHub's REST API on loopback, on top of a real bare repository.

with Rest(bare, "acme/demo", tokens, {"alice": "admin"}) as rest:
    rest.url                       # for GITHUB_API_URL
    rest.pushed(ref, before, after, actor)
    rest.state.on_dispatch = ...   # called after one, outside of the lock; on_comment likewise
    rest.fail_next("POST", "/comments$", 502, times=2)
    assert rest.violations == []   # every request and answer is held against GitHub's own description
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.world.github.rest.issues import add_comment, issue_shape, remark_shape
from tests.world.github.rest.pulls import open_pull
from tests.world.github.rest.repository import Bare
from tests.world.github.rest.routes import Answer
from tests.world.github.rest.server import Server
from tests.world.github.rest.shapes import repository
from tests.world.github.rest.state import App, Remark, Run, RunJob, State, Ticket
from tests.world.github.rest.trouble import Trouble, Troubles
from tests.world.github.tokens import Token, Tokens

__all__ = ["App", "Rest"]
Json = Any


class Rest:
    """The fake. ``state`` holds what is not in git, and may be read and changed by tests."""

    def __init__(
        self, bare: Path, name: str, tokens: Tokens, people: dict[str, str], *, app: App | None = None
    ) -> None:
        self.tokens = tokens
        self.state = State(Bare(bare), name, tokens, people, app)
        self.troubles = Troubles()
        self.violations: list[str] = []
        self.requests: list[tuple[str, str, Json]] = []
        self.answers: list[tuple[str, str, int]] = []
        self.versions: set[str] = set()
        self._server: Server | None = None

    # -- running ---------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Rest:
        self._server = Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def note(self, method: str, path: str, body: Json, version: str = "") -> None:
        """Write down a request, and the version of the API that it wants."""
        self.requests.append((method, path, body))
        self.versions.add(version)

    def writes(self) -> list[tuple[str, str]]:
        """Return the method and path of each request that was not to read."""
        return [(m, path) for m, path, _ in self.requests if m != "GET" and path != "/graphql"]

    # -- what happens around it ------------------------------------------------------------------------------------

    def pushed(self, ref: str, before: str, after: str, actor: str) -> None:
        """Take note of a push that the git server took."""
        self.state.pushed(ref, before, after, actor)

    def open_pull(self, head: str, base: str = "main", **more: Any) -> Ticket:
        """Open a pull request as a person would on the web; ``author``, ``title``, ``body``, ``draft``."""
        author = more.pop("author", "alice")
        asked = {"head": head, "base": base, "title": head} | more
        with self.state.lock:
            pull = open_pull(self.state, asked, None)
            pull.author = author
        return pull

    def comment(self, number: int, author: str, body: str) -> Remark:
        """Write a comment as a person would on the web; the hub hears of it."""
        with self.state.lock:
            remark = add_comment(self.state, number, body, None, author)
        if self.state.on_comment:
            self.state.on_comment(remark, Token("", author, "user", {}))
        return remark

    def comments(self, number: int) -> list[Remark]:
        """Return the comments of a pull request or issue, oldest first."""
        return [each for _, each in sorted(self.state.remarks.items()) if each.number == number]

    def begin_run(self, run: int, workflow: str, event: str, *, branch: str, commit: str) -> Run:
        """Tell that a run began; ``attempt`` may be raised later."""
        with self.state.lock:
            return self.state.runs.setdefault(run, Run(run, workflow, event, branch, commit))

    def put_job(self, run: int, name: str, *, conclusion: str | None = None, **more: Any) -> RunJob:
        """Tell how a job of a run's present attempt stands: ``steps`` (name, conclusion or None), ``log``."""
        with self.state.lock:
            found = self.state.runs[run]
            same = [j for j in found.jobs if (j.name, j.attempt) == (name, found.attempt)]
            job = same[0] if same else RunJob(self.state.next_id(), found.attempt, name)
            if not same:
                found.jobs.append(job)
            job.status = "completed" if conclusion else "in_progress"
            job.conclusion = conclusion
            job.steps, job.log = list(more.get("steps", job.steps)), more.get("log", job.log)
            return job

    # -- for events' payloads --------------------------------------------------------------------------------------

    def comment_json(self, remark: Remark) -> Json:
        """Return a comment as an event tells it."""
        return remark_shape(self.url, self.state, remark)

    def issue_json(self, number: int) -> Json:
        """Return the issue, or the issue of a pull request, as an event tells it."""
        return issue_shape(self.url, self.state, self.state.tickets[number])

    def repository_json(self) -> Json:
        """Return the repository as an event tells it."""
        return repository(self.url, self.state)

    # -- trouble ---------------------------------------------------------------------------------------------------

    def fail_next(
        self,
        method: str,
        path_pattern: str,
        status: int,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        message: str = "",
        after: bool = False,
    ) -> None:
        """Answer the next requests of a kind (``*``: every method) with an error; ``after``: carried out all the same."""
        self.troubles.add(
            Trouble(method, re.compile(path_pattern), status, times, headers or {}, message, after)
        )

    def reset_next(self, method: str, path_pattern: str, *, times: int = 1, after: bool = False) -> None:
        """Reset the connection of the next requests of a kind; ``after``: once they were carried out."""
        self.troubles.add(Trouble(method, re.compile(path_pattern), 0, times, after=after))

    def slow_next(self, method: str, path_pattern: str, seconds: float, *, times: int = 1) -> None:
        """Let the next answers of a kind be late."""
        self.troubles.add(Trouble(method, re.compile(path_pattern), None, times, seconds=seconds))

    # -- what is not in the REST description -----------------------------------------------------------------------

    def graphql(self, header: str | None) -> Answer:
        """Answer the one GraphQL question that coord has: who am I. (GitHub answers it for every kind of token.)"""
        token = self.tokens.of(header)
        if token is None:
            return Answer(401, {"message": "Bad credentials"})
        return Answer(200, {"data": {"viewer": {"login": token.actor}}})

    def log_text(self, number: int, header: str | None) -> Answer:
        """Give a job's log at the place that the API names; as on GitHub's store, credentials are refused there."""
        if header is not None:
            self.violations.append("credentials were sent to where logs are kept")
            return Answer(400, text="Authentication information is not given in the correct format")
        jobs = [job for run in self.state.runs.values() for job in run.jobs]
        text = next((job.log for job in jobs if job.id == number), None)
        return Answer(404, text="gone") if text is None else Answer(200, text=text)
