"""Who is asking: users, Apps with their JWT, installation tokens, and the limits."""

from __future__ import annotations

import time
from typing import Any

from tests.world.github.rest.routes import REPO, Answer, Refused, Request, route
from tests.world.github.rest.shapes import granted, integration, repository, user
from tests.world.github.rest.state import App, State, iso

Json = Any
_LEVELS = ("read", "write", "admin")


@route("GET", "/user")
def viewer(state: State, request: Request) -> Answer:
    """Return the person whose token it is; installations and jobs have none."""
    if request.token is None or request.token.kind != "user":
        raise Refused(403, "Resource not accessible by integration")
    counts = (
        "public_gists", "public_repos", "followers", "following", "collaborators", "disk_usage",
        "owned_private_repos", "private_gists", "total_private_repos",
    )  # fmt: skip
    words = ("bio", "blog", "company", "email", "hireable", "location", "name")
    made = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    zeros: Json = dict.fromkeys(counts, 0) | dict.fromkeys(words)
    more = made | zeros | {"two_factor_authentication": True, "user_view_type": "private"}
    return Answer(200, user(request.base, request.actor) | more)


@route("GET", "/rate_limit")
def rate_limit(state: State, request: Request) -> Answer:
    rate = {"limit": 5000, "used": 1, "remaining": 4999, "reset": int(time.time()) + 3600}
    return Answer(200, {"rate": rate, "resources": {"core": rate, "search": rate}})


@route("GET", "/app", jwt=True)
def get_app(state: State, request: Request) -> Answer:
    return Answer(200, integration(request.base, state, _app(state, request)))


@route("GET", f"{REPO}/installation", jwt=True)
def get_installation(state: State, request: Request) -> Answer:
    """Return the App's installation in the repository."""
    app = _app(state, request)
    url = f"{request.base}/app/installations/{app.installation}"
    return Answer(200, {
        "id": app.installation, "app_id": app.id, "app_slug": app.slug, "target_id": 1, "target_type": "User",
        "account": user(request.base, state.owner), "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens", "repositories_url": f"{request.base}/installation",
        "html_url": f"{request.base}/settings/installations/{app.installation}", "permissions": granted(app),
        "events": [], "single_file_name": None, "suspended_by": None, "suspended_at": None,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })  # fmt: skip


@route("POST", "/app/installations/{installation_id}/access_tokens", jwt=True)
def access_token(state: State, request: Request) -> Answer:
    """Mint an installation token with what was asked for, at most what was granted."""
    app, body = _app(state, request), request.body or {}
    if request.number("installation_id") != app.installation:
        raise Refused(404, "Not Found")
    for name in body.get("repositories", []):
        if name != state.name.partition("/")[2]:
            raise Refused(422, "There is at least one repository that does not exist or is not accessible")
    rights = body.get("permissions", granted(app))
    _check_granted(app, rights)
    held = {name.replace("_", "-"): level for name, level in rights.items()}
    token = state.tokens.issue(f"{app.slug}[bot]", "app", held)
    ends = iso(int(time.time()) + app.lifetime)
    made = {
        "token": token.text,
        "expires_at": ends,
        "permissions": rights,
        "repository_selection": "selected",
    }
    return Answer(201, made | {"repositories": [repository(request.base, state)]})


def _check_granted(app: App, asked: dict[str, str]) -> None:
    held = granted(app)
    for name, level in asked.items():
        if name not in held or _LEVELS.index(level) > _LEVELS.index(held[name]):
            raise Refused(422, "The permissions requested are not granted to this installation.")


def _app(state: State, request: Request) -> App:
    """Return the App whose JWT the request carries."""
    import jwt

    app, text = state.app, request.header.partition(" ")[2]
    if app is None:
        raise Refused(404, "Integration not found")
    try:
        claims = jwt.decode(text, app.public_key, algorithms=["RS256"], leeway=5)
    except jwt.ExpiredSignatureError as error:
        raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value") from error
    except jwt.InvalidTokenError as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    if str(claims.get("iss")) != str(app.id) or claims["exp"] - time.time() > 610:
        raise Refused(401, "'Issuer' claim ('iss') must be an Integer")
    return app
