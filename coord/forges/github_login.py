"""As whom coord speaks to GitHub: with a token that it was given, or as an App that gets a token for an hour.

Secrets stand in no ``repr``; whatever is told to people goes through ``mask`` first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from coord.errors import RefusedError
from coord.forges.github_calls import Calls

Json = Any
#: Everybody's jobs in GitHub Actions write as this one.
JOB = "github-actions[bot]"
#: What landing needs, in GitHub's words; an App is asked for no more, even where it was granted more.
RIGHTS = {
    "actions": "write",
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
    "workflows": "write",
}
_LEVELS = ("read", "write", "admin")
#: A token is not used in its last minutes: a push that begins with it may end after it.
_MARGIN = 300.0


class Login(Protocol):
    """A way to be somebody on GitHub."""

    app: str
    app_id: int

    def token(self) -> str:
        """Return a token that is valid now."""
        ...

    def renew(self) -> bool:
        """Get another token after one was not accepted; return whether there is one."""
        ...

    def mask(self, text: str) -> str:
        """Return a text without the secrets."""
        ...

    def name(self, ask: Calls) -> str:
        """Return the login under which comments are written."""
        ...


class TokenLogin:
    """A token that somebody handed in: a person's, a job's or an App's."""

    def __init__(self, token: str, graphql: str) -> None:
        self._token, self._graphql = token, graphql
        self.app, self.app_id = "", 0

    def __repr__(self) -> str:
        return "TokenLogin(***)"

    def token(self) -> str:
        """Return the token."""
        return self._token

    def renew(self) -> bool:
        """There is only the one."""
        return False

    def mask(self, text: str) -> str:
        """Return a text without the token."""
        return masked(text, self._token)

    def name(self, ask: Calls) -> str:
        """Return whose token it is. GraphQL's ``viewer`` is the one question that GitHub answers for every kind of token;
        ``GET /user`` is refused to jobs and Apps."""
        question = {"query": "query { viewer { login } }"}
        answer = ask.ask("POST", self._graphql, body=question, also=(403, 404)).body
        data = answer.get("data") if isinstance(answer, dict) else None
        if data and data.get("viewer"):
            return str(data["viewer"]["login"])
        if self._token.startswith("ghs_"):
            return JOB
        return str(ask.ask("GET", "/user").body["login"])


class AppLogin:
    """An App: its id and key get a token for the repository whenever one is needed. ``calls`` speak as the App itself."""

    def __init__(
        self, calls: Calls, repository: str, *, secrets: tuple[str, ...], clock: Callable[[], float]
    ) -> None:
        self._calls, self._repository, self._secrets, self._clock = calls, repository, secrets, clock
        self._token, self._ends = "", 0.0
        self.app, self.app_id = "", 0

    def __repr__(self) -> str:
        return f"AppLogin({self.app or '?'})"

    def token(self) -> str:
        """Return a token that is valid for some minutes more."""
        if self._ends - self._clock() < _MARGIN:
            self._mint()
        return self._token

    def renew(self) -> bool:
        """Get another token."""
        self._mint()
        return True

    def mask(self, text: str) -> str:
        """Return a text without the key and the token."""
        return masked(text, self._token, *self._secrets)

    def name(self, ask: Calls) -> str:
        """Return the login of the App's bot."""
        self.token()
        return f"{self.app}[bot]"

    def _mint(self) -> None:
        installation = self._installation()
        self.app, self.app_id = installation["app_slug"], int(installation["app_id"])
        path = f"/app/installations/{installation['id']}/access_tokens"
        wanted = {
            "repositories": [self._repository.partition("/")[2]],
            "permissions": least(installation["permissions"]),
        }
        made = self._calls.ask("POST", path, body=wanted).body
        self._token = str(made["token"])
        self._ends = datetime.fromisoformat(made["expires_at"]).timestamp()

    def _installation(self) -> Json:
        answer = self._calls.ask("GET", f"/repos/{self._repository}/installation", also=(404,))
        if answer.status == 404:
            raise RefusedError(
                f"the App is not installed in {self._repository}",
                hint="install it there (its settings page, Install App)",
            )
        return answer.body


def least(granted: dict[str, str]) -> dict[str, str]:
    """Return what is needed of what was granted."""
    return {
        name: min(level, granted[name], key=_LEVELS.index)
        for name, level in RIGHTS.items()
        if name in granted
    }


def masked(text: str, *secrets: str) -> str:
    """Return a text in which no secret stands, nor any line of one."""
    lines = {line.strip() for secret in secrets for line in [secret, *secret.splitlines()]}
    for line in sorted(lines, key=len, reverse=True):
        # Short lines are no secrets of their own: "-----" or the end of a key's last line.
        if len(line) >= 8 and not line.startswith("-----"):
            text = text.replace(line, "***")
    return text
