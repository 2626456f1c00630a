"""A repository on the GitHub on loopback, with the people, tokens and App that tests of the forge need."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coord.forges.github import GitHub, open_github
from coord.forges.github_calls import Patience
from tests.world import World
from tests.world.github.rest import App, Rest
from tests.world.github.tokens import Token, Tokens

NAME = "acme/demo"
ZEROS = "0" * 40
LAND = """name: coord-land
on:
  workflow_dispatch:
    inputs:
      branch: {description: which}
      dry-run: {description: only look, type: boolean}
jobs: {}
"""
EVERYTHING = dict.fromkeys(
    ("contents", "pull-requests", "issues", "statuses", "actions", "workflows", "environments", "secrets",
     "administration"), "write",
)  # fmt: skip


@cache
def key_pair() -> tuple[str, str]:
    """Return a private and a public key in PEM, one pair for all tests."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@dataclass
class Place:
    """The repository, its fake, and who may do what."""

    world: World
    rest: Rest
    tokens: Tokens

    def user(self, login: str = "alice", **rights: str) -> Token:
        """Return a person's token."""
        return self.tokens.issue(login, "user", _words(rights) or EVERYTHING)

    def job(self, **rights: str) -> Token:
        """Return a workflow job's token."""
        return self.tokens.issue("github-actions[bot]", "job", _words(rights))

    def forge(self, token: Token, patience: Patience | None = None) -> GitHub:
        """Return the forge as coord opens it with a token."""
        return self.opened({"COORD_TOKEN": token.text}, patience)

    def app_forge(self, patience: Patience | None = None) -> GitHub:
        """Return the forge as coord opens it as an App."""
        return self.opened({"COORD_APP_ID": "77", "COORD_APP_KEY": key_pair()[0]}, patience)

    def opened(self, environ: dict[str, str], patience: Patience | None = None) -> GitHub:
        """Return the forge that an environment opens."""
        made = open_github(NAME, {"GITHUB_API_URL": self.rest.url, **environ}, patience=patience)
        assert made is not None
        return made

    def asked(self, method: str, words: str = "") -> int:
        """Return how many requests of a kind there were."""
        return sum(m == method and words in path for m, path, _ in self.rest.requests)

    def push(self, branch: str, text: str = "new\n") -> str:
        """Let alice push a branch, and the fake hear of it."""
        before = self.world.ref(f"refs/heads/{branch}")
        start = branch if before else "origin/main"
        tip = self.world.push(branch, {f"src/{branch.replace('/', '-')}.txt": text}, start=start)
        self.rest.pushed(f"refs/heads/{branch}", before or ZEROS, tip, "alice")
        return tip

    def land(self, branch: str) -> str:
        """Merge a branch into main and push that."""
        before = self.world.ref("refs/heads/main")
        self.world.git("checkout", "-q", "-B", "main", "origin/main")
        self.world.git("merge", "-q", "--no-ff", "-m", "land", branch)
        self.world.git("push", "-q", "origin", "main")
        after = self.world.ref("refs/heads/main")
        self.rest.pushed("refs/heads/main", before, after, "coord-app[bot]")
        return after

    def delete(self, branch: str) -> None:
        """Delete a branch by push."""
        before = self.world.ref(f"refs/heads/{branch}")
        self.world.git("push", "-q", "origin", "--delete", branch)
        self.rest.pushed(f"refs/heads/{branch}", before, ZEROS, "alice")

    def ask(self, method: str, path: str, token: Token | None, body: Any = None) -> tuple[int, Any, Any]:
        """Ask the fake without any library: status, JSON, headers."""
        header = {"Authorization": f"Bearer {token.text}"} if token else {}
        return self.ask_with(method, path, header, body)

    def ask_with(
        self, method: str, path: str, header: dict[str, str], body: Any = None
    ) -> tuple[int, Any, Any]:
        """Ask the fake with headers of one's own."""
        link = http.client.HTTPConnection(self.rest.url.removeprefix("http://"), timeout=20)
        link.request(method, path, None if body is None else json.dumps(body), header)
        answer = link.getresponse()
        raw = answer.read()
        link.close()
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(raw) if raw and is_json else raw.decode(), answer.headers


def _words(rights: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): level for name, level in rights.items()}


@contextmanager
def place(root: Path) -> Iterator[Place]:
    """Build it; at the end nothing may have been said that GitHub's description does not know."""
    world = World(root).build(files={".github/workflows/coord-land.yml": LAND})
    tokens = Tokens()
    app = App(77, "coord-app", key_pair()[1], 4711, dict(EVERYTHING))
    people = {"alice": "admin", "bob": "write", "carol": "read", "mia": "maintain", "tom": "triage"}
    with Rest(world.origin, NAME, tokens, people, app=app) as rest:
        yield Place(world, rest, tokens)
    assert not rest.violations, "\n".join(rest.violations)


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)
    wakes: list[Callable[[], object]] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the time, and let what waits for a sleep happen."""
        self.slept.append(seconds)
        self.now += seconds
        if self.wakes:
            self.wakes.pop(0)()

    def patience(self, *, limit: float = 120.0, jitter: float = 0.0, timeout: int = 30) -> Patience:
        """Return a patience that lives in this time."""
        return Patience(limit, timeout, sleep=self.sleep, random=lambda: jitter, clock=self.time)
