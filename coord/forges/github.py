"""GitHub: the forge, and the only door to PyGithub.

PyGithub is used as a runner: it signs, connects and sends. Its object model is not used: objects that fetch what they
lack on their own make requests that nobody counts, and several operations that coord needs are not in it. It is
imported when the first request is made (a quarter of a second).
"""

from __future__ import annotations

import logging
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from coord.core.protection import Protection
from coord.core.pull import Pull
from coord.errors import RefusedError
from coord.forges import github_values as values
from coord.forges.base import Comment, Job, Permission, State, Upserted
from coord.forges.github_calls import Calls, Patience, Send
from coord.forges.github_login import AppLogin, Login, TokenLogin
from coord.forges.github_rules import protection

if TYPE_CHECKING:
    from github.Requester import Requester

Json = Any
CONTEXT = "coord/land"
_PUBLIC = "https://api.github.com"
_VERSION = "2022-11-28"
_LONGEST_LOG = 4 * 1024 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 3.0


class GitHub:
    """A repository on GitHub. See ``coord.forges.base.Forge`` for what each call is for."""

    def __init__(self, repository: str, login: Login, calls: Calls) -> None:
        self.repository = repository
        self._login, self._calls = login, calls
        self._here = f"/repos/{repository}"

    def __repr__(self) -> str:
        return f"GitHub({self.repository})"

    def token(self) -> str:
        """Return a token for git over HTTP, valid now. It is for no argument list, log or message."""
        return self._login.token()

    def mask(self, text: str) -> str:
        """Return a text without the secrets that this forge holds."""
        return self._login.mask(text)

    @cached_property
    def viewer(self) -> str:
        """The login under which this forge writes."""
        return self._login.name(self._calls)

    # -- pull requests ---------------------------------------------------------------------------------------------

    def open_pulls(self) -> tuple[Pull, ...]:
        """Return the open pull requests of this repository's own branches, by number."""
        query = {"state": "open", "sort": "created", "direction": "asc"}
        return tuple(sorted(self._pulls(query), key=lambda each: each.number))

    def pulls_of(self, branch: str) -> tuple[Pull, ...]:
        """Return all pull requests of a branch, open or not, newest first."""
        head = f"{self.repository.partition('/')[0]}:{branch}"
        query = {"state": "all", "head": head, "sort": "created", "direction": "desc"}
        # A head that GitHub does not understand is passed over by it, and everything is listed.
        found = [each for each in self._pulls(query) if each.branch == branch]
        return tuple(sorted(found, key=lambda each: -each.number))

    def _pulls(self, query: Mapping[str, str]) -> list[Pull]:
        said = self._calls.pages(f"{self._here}/pulls", query)
        return [self._pull(each) for each in said if values.is_ours(each, self.repository)]

    def _pull(self, said: Json) -> Pull:
        """A draft that another of our jobs opened is ours as well: each writes as a bot of its own."""
        found = values.pull(said)
        if found.ours or not values.bears(said, values.DRAFT):
            return found
        return replace(found, ours=found.author.lower() == self.viewer.lower())

    def open_draft(self, branch: str, base: str, title: str, body: str) -> Pull:
        """Open a draft pull request; one that is open already between the two is the answer too."""

        def found() -> Pull | None:
            return next((p for p in self.pulls_of(branch) if p.open and p.base == base), None)

        there = found()
        if there is not None:
            return there
        heading = values.one_line(title, values.LONGEST_TITLE)
        asked = {
            "title": heading,
            "body": values.marked(values.DRAFT, body),
            "head": branch,
            "base": base,
            "draft": True,
        }
        made = self._calls.create(f"{self._here}/pulls", asked, found)
        return made if isinstance(made, Pull) else self._pull(made)

    def retarget(self, number: int, base: str) -> None:
        """Let a pull request be merged into another branch."""
        self._calls.ask("PATCH", f"{self._here}/pulls/{number}", body={"base": base})

    def wait_until_merged(self, numbers: Sequence[int], seconds: float) -> frozenset[int]:
        """Wait at most so long and return those of the pull requests that GitHub shows as merged (or closed)."""
        patience, pause = self._calls.patience, _FIRST_PAUSE
        end, over = patience.clock() + seconds, frozenset[int]()
        while True:
            over |= {number for number in numbers if number not in over and self._is_over(number)}
            left = end - patience.clock()
            if len(over) == len(set(numbers)) or left <= 0:
                return over
            patience.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _is_over(self, number: int) -> bool:
        answer = self._calls.ask("GET", f"{self._here}/pulls/{number}", also=(404,))
        return answer.status == 404 or answer.body["state"] != "open"

    # -- comments --------------------------------------------------------------------------------------------------

    def comments(self, number: int) -> tuple[Comment, ...]:
        """Return the comments of a pull request or issue, oldest first."""
        said = self._calls.pages(f"{self._here}/issues/{number}/comments")
        return tuple(sorted((values.comment(each) for each in said), key=lambda each: each.id))

    def comment(self, comment_id: int) -> Comment | None:
        """Return one comment as it stands now."""
        answer = self._calls.ask("GET", f"{self._here}/issues/comments/{comment_id}", also=(404, 410))
        return values.comment(answer.body) if answer.status < 400 else None

    def upsert_comment(
        self, number: int, marker: str, body: str, *, only_change: bool = False
    ) -> Upserted | None:
        """Let coord's one comment with this marker say ``body``."""
        path, text = f"{self._here}/issues/{number}/comments", values.marked(marker, body)
        mine = self._own(path, marker)
        if mine is None:
            if only_change:
                return None
            self._calls.create(path, {"body": text}, lambda: self._own(path, marker))
            return Upserted.CREATED
        if values.same_text(mine["body"], text):
            return Upserted.SAME
        self._calls.ask("PATCH", f"{self._here}/issues/comments/{mine['id']}", body={"body": text})
        return Upserted.CHANGED

    def react(self, comment_id: int, reaction: str) -> None:
        """React to a comment; the same reaction again changes nothing."""
        path = f"{self._here}/issues/comments/{comment_id}/reactions"
        self._calls.ask("POST", path, body={"content": reaction})

    def _own(self, path: str, marker: str, query: Mapping[str, str] | None = None) -> Json:
        """Return the oldest comment or issue in a list that bears a marker and is our own, None when there is none."""
        found = [each for each in self._calls.pages(path, query) if self._is_own(each, marker)]
        return min(found, key=lambda each: each["id"], default=None)

    def _is_own(self, said: Json, marker: str) -> bool:
        """The marker alone proves nothing: everybody may write it."""
        return values.bears(said, marker) and values.login(said).lower() == self.viewer.lower()

    # -- issues ----------------------------------------------------------------------------------------------------

    def upsert_issue(self, marker: str, title: str, body: str, *, open_new: bool = True) -> Upserted | None:
        """Let coord's one open issue with this marker say ``title`` and ``body``."""
        text, heading = values.marked(marker, body), values.one_line(title, values.LONGEST_TITLE)
        mine = self._own_issue(marker)
        if mine is None:
            if not open_new:
                return None
            asked = {"title": heading, "body": text}
            self._calls.create(f"{self._here}/issues", asked, lambda: self._own_issue(marker))
            return Upserted.CREATED
        if mine["title"] == heading and values.same_text(mine["body"], text):
            return Upserted.SAME
        path = f"{self._here}/issues/{mine['number']}"
        self._calls.ask("PATCH", path, body={"title": heading, "body": text})
        return Upserted.CHANGED

    def close_issue(self, marker: str, body: str) -> bool:
        """Let coord's open issue with this marker say ``body`` and close it; return whether there was one."""
        mine = self._own_issue(marker)
        if mine is not None:
            asked = {"body": values.marked(marker, body), "state": "closed"}
            self._calls.ask("PATCH", f"{self._here}/issues/{mine['number']}", body=asked)
        return mine is not None

    def _own_issue(self, marker: str) -> Json:
        # Not filtered by creator: what GitHub takes there for a bot is not documented.
        return self._own(f"{self._here}/issues", marker, {"state": "open", "direction": "asc"})

    # -- commits and people ----------------------------------------------------------------------------------------

    def set_status(self, commit: str, state: State, words: str, url: str = "") -> bool:
        """Set the status ``coord/land`` of a commit, unless it says so already; return whether it was set."""
        said = values.one_line(words, values.LONGEST_WORDS)
        now = self._status(commit)
        # Each run has a link of its own: what it says is what counts.
        if now is not None and (now["state"], now["description"] or "") == (state.value, said):
            return False
        asked = {"state": state.value, "context": CONTEXT, "description": said}
        more = {"target_url": url} if url else {}
        # A status that was set twice says what it said once: repeating it is safe.
        self._calls.ask("POST", f"{self._here}/statuses/{commit}", body=asked | more)
        return True

    def _status(self, commit: str) -> Json:
        said = self._calls.pages(f"{self._here}/commits/{commit}/statuses")
        return next((each for each in said if each["context"] == CONTEXT), None)

    def permission(self, user: str) -> Permission:
        """Return what a user may do."""
        path = f"{self._here}/collaborators/{quote(user, safe='')}/permission"
        answer = self._calls.ask("GET", path, also=(404,))
        return values.permission(answer.body) if answer.status < 400 else Permission.NONE

    def tip_at(self, branch: str, when: int) -> str | None:
        """Return the tip that a branch had at a time; None too when it was pushed to in that very second, since nobody
        knows then what came first."""
        query = {"ref": f"refs/heads/{branch}", "direction": "desc"}
        for each in self._calls.pages(f"{self._here}/activity", query):
            at = values.seconds(each["timestamp"])
            if at <= when:
                return each["after"] if at < when and each["after"].strip("0") else None
        return None

    # -- workflows -------------------------------------------------------------------------------------------------

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow on a branch. After a lost answer it may start twice: a run does what it finds to do."""
        path = f"{self._here}/actions/workflows/{quote(workflow, safe='')}/dispatches"
        self._calls.ask("POST", path, body={"ref": ref, "inputs": dict(inputs)})

    def jobs(self, run: int, attempt: int) -> tuple[Job, ...]:
        """Return the jobs of an attempt of a workflow run."""
        path = f"{self._here}/actions/runs/{run}/attempts/{attempt}/jobs"
        return tuple(values.job(each) for each in self._calls.pages(path, inside="jobs"))

    def log(self, job: int) -> str:
        """Return the end of what a job printed; untrusted text. Empty when it is not to be had."""
        answer = self._calls.ask("GET", f"{self._here}/actions/jobs/{job}/logs", also=(404, 410))
        address = answer.headers.get("location", "")
        if not address.startswith(("https://", "http://")):
            return ""
        return _download(address, self._calls.patience.timeout)

    def protection(self, main: str) -> Protection:
        """Return how the repository is protected."""
        return protection(self._calls, self.repository, main, self._login)


def _download(address: str, timeout: int) -> str:
    """Return the end of a text that is kept elsewhere; no credentials go there."""
    kept: deque[bytes] = deque(maxlen=_LONGEST_LOG // 65_536)
    try:
        with urllib.request.urlopen(address, timeout=timeout) as answer:  # noqa: S310 (http or https only)
            while part := answer.read(65_536):
                kept.append(part)
    except OSError:
        return ""
    return b"".join(kept).decode("utf-8", "replace")


# -- opening -----------------------------------------------------------------------------------------------------------


def open_github(
    repository: str, environ: Mapping[str, str], *, patience: Patience | None = None
) -> GitHub | None:
    """Return a repository (``owner/name``) on GitHub, None without credentials.

    COORD_APP_ID with COORD_APP_KEY goes before COORD_TOKEN, that before GH_TOKEN, that before GITHUB_TOKEN; the address
    is GITHUB_API_URL.
    """
    base, patience = (environ.get("GITHUB_API_URL") or _PUBLIC).rstrip("/"), patience or Patience()
    login = _login(repository, environ, base, patience)
    if login is None:
        return None
    send = _door(base, login.token, "Token", timeout=patience.timeout)
    return GitHub(repository, login, Calls(send, patience=patience, mask=login.mask, renew=login.renew))


def _login(repository: str, environ: Mapping[str, str], base: str, patience: Patience) -> Login | None:
    app, key = environ.get("COORD_APP_ID", "").strip(), environ.get("COORD_APP_KEY", "").strip()
    if app and key:
        return _app(repository, app, key.replace("\\n", "\n"), base=base, patience=patience)
    for name in ("COORD_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"):
        token = environ.get(name, "").strip()
        if token:
            return TokenLogin(_checked(name, token), base.removesuffix("/v3") + "/graphql")
    return None


def _checked(name: str, token: str) -> str:
    # The error that a header with such characters makes further down quotes the whole token.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise RefusedError(f"{name} holds characters that no token has", hint="set it anew")
    return token


def _app(repository: str, app: str, key: str, *, base: str, patience: Patience) -> AppLogin:
    def mask(text: str) -> str:
        return login.mask(text)

    def jwt() -> str:
        return _signed(app, key)

    send = _door(base, jwt, "AppAuthToken", timeout=patience.timeout)
    calls = Calls(send, patience=patience, mask=mask, renew=lambda: False)
    login = AppLogin(calls, repository, secrets=(key,), clock=patience.clock)
    return login


def _signed(app: str, key: str) -> str:
    """Return what proves for some minutes that we are the App."""
    import github
    import jwt

    try:
        return str(github.Auth.AppAuth(app, key).token)
    except (ValueError, TypeError, jwt.PyJWTError):
        # Not chained: such errors may quote the key.
        raise RefusedError(
            "COORD_APP_KEY is not a private key in PEM", hint="give it whole, with its lines"
        ) from None


def _door(base: str, credential: Callable[[], str], kind: str, *, timeout: int) -> Send:
    """Return a function that sends one request with PyGithub; ``kind`` is its class of credentials."""
    kept: dict[str, Requester] = {}

    def send(
        verb: str, path: str, query: Mapping[str, str], body: Json
    ) -> tuple[int, Mapping[str, str], str]:
        text = credential()
        if text not in kept:
            kept.clear()
            kept[text] = _requester(base, text, kind, timeout=timeout)
        try:
            return kept[text].requestJson(verb, path, parameters=dict(query), input=body)
        except RuntimeError as error:
            # PyGithub's refusal to follow to another host.
            raise RefusedError(f"GitHub: {error}", hint="look at GITHUB_API_URL") from None

    return send


def _is_short(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO


def _requester(base: str, credential: str, kind: str, *, timeout: int) -> Requester:
    import github

    # PyGithub writes whole answers to its log when asked for details, a new token's among them.
    logging.getLogger("github.Requester").addFilter(_is_short)
    opened = github.Github(
        auth=getattr(github.Auth, kind)(credential),
        base_url=base,
        timeout=timeout,
        user_agent="coord",
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        api_version=_VERSION,
    )
    return opened.requester
