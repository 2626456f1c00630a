"""One call of GitHub's REST API, and how often it is made: limits, outages, lost answers, pages.

A limit is waited for as GitHub asks (``retry-after``, ``x-ratelimit-reset``), an outage with growing pauses; both only up
to a bound, then GitHub's own words end it. A request that makes something new and got no answer is not made again
before somebody looked whether the thing is there.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from coord.errors import RefusedError

Json = Any
#: Makes one request (method, path or URL, query, body) and returns status, headers and text; OSError: no answer.
Send = Callable[[str, str, Mapping[str, str], Json], tuple[int, Mapping[str, str], str]]

_PAGE = "100"
_WORDS = 300
_HINTS = {
    401: "the token is not valid (any more): COORD_TOKEN, GH_TOKEN or GITHUB_TOKEN",
    404: "the repository or what was asked for is not there, or the token may not see it",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls are repeated: at most ``limit`` seconds of waiting between two answers that were good, at most
    ``tries`` requests a call when GitHub is out of order, each at most ``timeout`` seconds without a sign of life."""

    limit: float = 120.0
    timeout: int = 30
    tries: int = 4
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time

    def backoff(self, attempt: int) -> float:
        """Return a pause that grows with the attempts, with jitter so that many runs do not come back together."""
        pause: float = min(2.0**attempt, 20.0) * (0.5 + self.random() / 2)
        return pause


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub answered: a status, headers in small letters, JSON (or text)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None

    @property
    def lost(self) -> bool:
        """Whether nobody knows if the request was carried out."""
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def words(self) -> str:
        """GitHub's own words, on one line."""
        if not isinstance(self.body, dict):
            return " ".join(str(self.body or "").split())[:_WORDS]
        said = [self.body.get("message"), *(_error_words(each) for each in self.body.get("errors") or ())]
        return " ".join("; ".join(str(each) for each in said if each).split())[:_WORDS]


class LostError(Exception):
    """A request got no answer, and may have been carried out."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.words)
        self.answer = answer


class Calls:
    """Makes requests, patiently. ``renew`` gets a new credential after a 401 and says whether there is one; ``mask`` takes
    secrets out of a text."""

    def __init__(
        self, send: Send, *, patience: Patience, mask: Callable[[str], str], renew: Callable[[], bool]
    ) -> None:
        self.patience = patience
        self._send, self._mask, self._renew = send, mask, renew
        self._waited = 0.0
        self._shut_until = 0.0
        self._shut_by = Answer(0)

    def ask(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        also: Collection[int] = (),
        again: bool = True,
    ) -> Answer:
        """Return the answer to a request. A status in ``also`` is an answer like any other; every other error is raised.
        Without ``again`` a lost answer raises LostError at once."""
        attempt, renewed = 0, False
        while True:
            answer = self._once(verb, path, query or {}, body)
            pause = self._pause(answer, attempt)
            if answer.status == HTTPStatus.UNAUTHORIZED and not renewed and self._renew():
                renewed = True
                continue
            if answer.lost and not again:
                raise LostError(answer)
            if pause is None or attempt >= self.patience.tries * 2:
                return self._judged(verb, path, answer, also)
            self._wait(pause, verb, path, answer)
            attempt += 1

    def pages(self, path: str, query: Mapping[str, str] | None = None, *, inside: str = "") -> Iterator[Json]:
        """Return the items of a list, page by page as they are wanted; ``inside``: the field that holds them."""
        url, asked = path, {"per_page": _PAGE, **(query or {})}
        while url:
            answer = self.ask("GET", url, query=asked)
            yield from answer.body[inside] if inside else answer.body
            # The next address holds the query; lists of pushes are paged by a cursor that only it knows.
            url, asked = next_page(answer.headers.get("link", "")), {}

    def create(self, path: str, body: Json, found: Callable[[], Json]) -> Json:
        """Make something new once: after a lost answer ``found`` says whether it is there (None: no)."""
        for attempt in range(self.patience.tries):
            try:
                return self.ask("POST", path, body=body, again=False).body
            except LostError as lost:
                self._wait(self.patience.backoff(attempt), "POST", path, lost.answer)
                answer = lost.answer
            there = found()
            if there is not None:
                return there
        raise self._refusal("POST", path, answer)

    def _once(self, verb: str, path: str, query: Mapping[str, str], body: Json) -> Answer:
        if self.patience.clock() < self._shut_until:
            raise self._refusal(verb, path, self._shut_by)
        try:
            status, headers, text = self._send(verb, path, query, body)
        except OSError as error:
            # The error's text may quote what was sent.
            answer = Answer(0, body=self._mask(f"no answer: {type(error).__name__}: {error}"))
            _let_go(error)
            return answer
        return Answer(status, headers, _parsed(text))

    def _pause(self, answer: Answer, attempt: int) -> float | None:
        """Return how long to wait before the same request is made again; None: it is not."""
        limited = limit_of(answer, self.patience.clock(), attempt)
        if limited is not None:
            return limited + self.patience.random()
        if answer.lost and attempt + 1 < self.patience.tries:
            return self.patience.backoff(attempt)
        return None

    def _wait(self, pause: float, verb: str, path: str, answer: Answer) -> None:
        if self._waited + pause > self.patience.limit:
            if not answer.lost:
                # Who goes on asking while a limit holds is locked out for longer.
                self._shut_until, self._shut_by = self.patience.clock() + pause, answer
            raise self._refusal(verb, path, answer)
        self._waited += pause
        self.patience.sleep(pause)

    def _judged(self, verb: str, path: str, answer: Answer, also: Collection[int]) -> Answer:
        limited = limit_of(answer, self.patience.clock(), 0) is not None
        if not limited and (answer.status in also or HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST):
            self._waited = 0.0
            return answer
        raise self._refusal(verb, path, answer)

    def _refusal(self, verb: str, path: str, answer: Answer) -> RefusedError:
        status = f" ({answer.status})" if answer.status else ""
        said = self._mask(answer.words or "no words")
        return RefusedError(f"GitHub: {verb} {path}{status}: {said}", hint=self._hint(answer))

    def _hint(self, answer: Answer) -> str:
        if answer is self._shut_by or limit_of(answer, self.patience.clock(), 0) is not None:
            seconds = max(1, round(self._shut_until - self.patience.clock()))
            return f"GitHub's limit holds for another {seconds} s; run it again after that"
        if answer.lost:
            return "GitHub is out of order or out of reach; run it again"
        rights = answer.headers.get("x-accepted-github-permissions", "")
        if answer.status == HTTPStatus.FORBIDDEN and rights:
            return f"the token needs one of these rights: {rights}"
        return _HINTS.get(answer.status, "")


def _let_go(error: BaseException | None) -> None:
    """Cut what an error holds on to: the library's frames hold the error in turn, and with it everything that called."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def limit_of(answer: Answer, now: float, attempt: int) -> float | None:
    """Return how many seconds GitHub wants to be left alone, None when no limit is what it answers with."""
    if answer.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, float(reset) - now) + 1
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in answer.words.lower():
        return 60.0 * (1 << attempt)
    return None


def next_page(link: str) -> str:
    """Return the address of the next page in a Link header, or ''."""
    for part in link.split(","):
        address, _, rest = part.partition(";")
        if 'rel="next"' in rest:
            return address.strip().removeprefix("<").removesuffix(">")
    return ""


def _parsed(text: str) -> Json:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _error_words(error: Json) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or " ".join(str(error[k]) for k in ("field", "code") if k in error))
