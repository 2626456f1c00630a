"""The table of operations: which function answers which, and what right it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.world.github.openapi.description import pattern_of
from tests.world.github.rest.state import State
from tests.world.github.tokens import Token

Json = Any
DOCUMENTATION = "https://docs.github.com/rest"
REPO = "/repos/{owner}/{repo}"


@dataclass(frozen=True)
class Request:
    """A request: the fake's own address, method, path, what the path's template names, query, body and whose it is."""

    base: str
    method: str
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    token: Token | None
    header: str = ""

    @property
    def actor(self) -> str:
        assert self.token is not None
        return self.token.actor

    def number(self, name: str) -> int:
        """Return a number in the path."""
        text = self.names[name]
        return int(text) if text.isdigit() else 0


@dataclass(frozen=True)
class Answer:
    """An answer; ``text`` instead of JSON for a log; ``then`` runs when nothing is locked any more."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    then: Callable[[], None] | None = None


class Refused(Exception):  # noqa: N818
    """A request that GitHub answers with an error."""

    def __init__(
        self, status: int, message: str, errors: Json = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.headers = status, message, errors, headers or {}

    def answer(self) -> Answer:
        body = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status)}
        if self.errors is not None:
            body["errors"] = self.errors
        return Answer(self.status, body, self.headers)


Handler = Callable[[State, Request], Answer]


@dataclass(frozen=True)
class Route:
    """An operation: its method, its path, the rights one of which it needs (``right=level``), the permission that a
    person needs, and whether it is for an App itself (with its JWT)."""

    method: str
    path: str
    handler: Handler
    rights: tuple[str, ...]
    person: str
    jwt: bool
    pattern: re.Pattern[str]

    def check(self, state: State, token: Token | None) -> None:
        """Refuse a token that may not do this, in GitHub's words."""
        if token is None:
            raise Refused(401, "Bad credentials")
        if token.kind == "user" and not _at_least(state.level(token.actor), self.person):
            if not _at_least(state.level(token.actor), "read"):
                raise Refused(404, "Not Found")
            raise self._refusal(token)
        if self.rights and not any(token.may(*right.split("=")) for right in self.rights):
            raise self._refusal(token)

    def _refusal(self, token: Token) -> Refused:
        whose = "personal access token" if token.kind == "user" else "integration"
        accepted = "; ".join(right.replace("-", "_") for right in self.rights)
        headers = {"X-Accepted-GitHub-Permissions": accepted or "metadata=read"}
        return Refused(403, f"Resource not accessible by {whose}", headers=headers)


_ROUTES: list[Route] = []
_PEOPLE = ("none", "read", "triage", "write", "maintain", "admin")


def _at_least(level: str, wanted: str) -> bool:
    return _PEOPLE.index(level) >= _PEOPLE.index(wanted)


def at_least(level: str, wanted: str) -> bool:
    """Say whether a person's permission includes another."""
    return _at_least(level, wanted)


def route(
    method: str, path: str, *rights: str, person: str = "read", jwt: bool = False
) -> Callable[[Handler], Handler]:
    """Let a function answer an operation."""

    def add(handler: Handler) -> Handler:
        _ROUTES.append(Route(method, path, handler, rights, person, jwt, pattern_of(path)))
        # Paths with more words of their own come first: /commits/{ref}/status before /commits/{ref}.
        _ROUTES.sort(key=lambda each: -len(re.sub(r"\{\w+\}", "", each.path)))
        return handler

    return add


def routes() -> list[Route]:
    """Return all operations, the most particular first."""
    return _ROUTES


def find(method: str, path: str) -> tuple[Route | None, Mapping[str, str]]:
    """Return the operation that a request is for, and what its path names."""
    for each in _ROUTES:
        match = each.pattern.fullmatch(path)
        if match and each.method == method:
            return each, match.groupdict()
    return None, {}


def page(request: Request, items: list[Json], *, inside: str = "") -> Answer:
    """Return one page of a list, with GitHub's Link header; ``inside`` an object with a total for some lists."""
    size = min(int(request.query.get("per_page", "30")), 100)
    at = int(request.query.get("page", "1"))
    last = max(1, -(-len(items) // size))
    shown = items[(at - 1) * size : at * size]
    links = [("prev", at - 1), ("next", at + 1), ("last", last), ("first", 1)]
    wanted = [(rel, number) for rel, number in links if (at < last if rel in ("next", "last") else at > 1)]
    headers = {"Link": ", ".join(_link(request, rel, number) for rel, number in wanted)} if wanted else {}
    return Answer(200, {"total_count": len(items), inside: shown} if inside else shown, headers)


def _link(request: Request, rel: str, number: int) -> str:
    query = urlencode({**request.query, "page": str(number)})
    return f'<{request.base}{request.path}?{query}>; rel="{rel}"'
