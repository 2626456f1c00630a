"""People, bots and the repository in the shape in which the API tells them."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from tests.world.github.rest.state import App, State

Json = Any

_USER_URLS = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred",
    "subscriptions",
)  # fmt: skip
_REPOSITORY_URLS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones",
    "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams",
    "trees",
)  # fmt: skip
#: The App behind GITHUB_TOKEN.
ACTIONS = App(15368, "github-actions", "", 1, {})


def number_of(word: str) -> int:
    """Return a number that stands for a word, the same every time."""
    return zlib.crc32(word.encode()) % 10_000_000 + 1


def node(word: str) -> str:
    """Return a node id."""
    return base64.b64encode(word.encode()).decode()


def user(base: str, login: str) -> Json:
    """Return a person or bot."""
    url = f"{base}/users/{login}"
    kind = "Bot" if login.endswith("[bot]") else "User"
    made = {
        "login": login, "id": number_of(login), "node_id": node(login), "avatar_url": f"{base}/avatars/{login}",
        "gravatar_id": "", "url": url, "html_url": f"{base}/{login}", "type": kind, "site_admin": False,
    }  # fmt: skip
    return made | {f"{name}_url": f"{url}/{name}" for name in _USER_URLS}


def integration(base: str, state: State, app: App) -> Json:
    """Return an App."""
    return {
        "id": app.id, "slug": app.slug, "node_id": node(app.slug), "owner": user(base, state.owner),
        "name": app.slug, "description": None, "external_url": f"{base}/apps/{app.slug}",
        "html_url": f"{base}/apps/{app.slug}", "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "permissions": granted(app), "events": [],
    }  # fmt: skip


def granted(app: App) -> dict[str, str]:
    """Return an App's rights in the API's words."""
    return {name.replace("-", "_"): level for name, level in app.rights.items()}


def minimal_repository(base: str, state: State) -> Json:
    """Return the repository as it stands inside other things."""
    url = f"{base}/repos/{state.name}"
    made = {
        "id": number_of(state.name), "node_id": node(state.name), "name": state.name.partition("/")[2],
        "full_name": state.name, "owner": user(base, state.owner), "private": state.private, "fork": False,
        "html_url": f"{base}/{state.name}", "description": None, "url": url,
    }  # fmt: skip
    return made | {f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_URLS}


def repository(base: str, state: State) -> Json:
    """Return the whole repository."""
    counts = (
        "forks", "forks_count", "network_count", "open_issues", "open_issues_count", "size", "stargazers_count",
        "subscribers_count", "watchers", "watchers_count",
    )  # fmt: skip
    has = ("downloads", "issues", "projects", "wiki", "pages", "discussions")
    page = f"{base}/{state.name}"
    made = {
        "default_branch": state.default_branch, "clone_url": f"{page}.git", "git_url": f"{page}.git",
        "ssh_url": f"git@example.com:{state.name}.git", "svn_url": page, "mirror_url": None, "homepage": None,
        "language": None, "license": None, "archived": False, "disabled": False,
        "visibility": "private" if state.private else "public", "pushed_at": "2026-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    zeros: Json = dict.fromkeys(counts, 0) | {f"has_{name}": True for name in has}
    return minimal_repository(base, state) | made | zeros
