"""The repository itself, its commits, branches, refs, statuses and the record of its pushes."""

from __future__ import annotations

from typing import Any

from tests.world.github.rest.routes import REPO, Answer, Refused, Request, page, route
from tests.world.github.rest.shapes import minimal_repository, node, repository, user
from tests.world.github.rest.state import Activity, State, Status

Json = Any
_LETTERS = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}


@route("GET", REPO)
def get_repository(state: State, request: Request) -> Answer:
    return Answer(200, repository(request.base, state))


@route("GET", f"{REPO}/commits/{{ref}}", "contents=read")
def get_commit(state: State, request: Request) -> Answer:
    sha = _commit(state, request.names["ref"])
    return Answer(200, _shape(request.base, state, sha) | _files(request.base, state, sha))


@route("GET", f"{REPO}/commits/{{ref}}/status", "statuses=read")
def combined_status(state: State, request: Request) -> Answer:
    """Return the last status of each context."""
    sha = _commit(state, request.names["ref"], missing=404)
    last = {each.context: each for each in state.statuses if each.commit == sha}
    states = {each.state for each in last.values()}
    whole = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    url = f"{request.base}/repos/{state.name}/commits/{sha}"
    return Answer(200, {
        "state": whole, "sha": sha, "total_count": len(last), "url": f"{url}/status", "commit_url": url,
        "statuses": [_status(request.base, state, each) for each in last.values()],
        "repository": minimal_repository(request.base, state),
    })  # fmt: skip


@route("GET", f"{REPO}/commits/{{ref}}/statuses", "statuses=read")
def list_statuses(state: State, request: Request) -> Answer:
    """Return every status of a commit, newest first."""
    sha = _commit(state, request.names["ref"])
    found = [each for each in reversed(state.statuses) if each.commit == sha]
    return page(request, [_status(request.base, state, each) for each in found])


@route("POST", f"{REPO}/statuses/{{sha}}", "statuses=write", person="write")
def create_status(state: State, request: Request) -> Answer:
    """Set a status."""
    sha, body = request.names["sha"], request.body
    if len(sha) != 40 or state.bare.commit_of(sha) != sha:
        raise Refused(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > 140:
        raise Refused(422, "Validation Failed: description is too long (maximum is 140 characters)")
    status = Status(
        state.next_id(), sha, body.get("context", "default"), body["state"], body.get("description"),
        body.get("target_url") or None, request.actor, state.tick(),
    )  # fmt: skip
    state.statuses.append(status)
    return Answer(201, _status(request.base, state, status))


@route("GET", f"{REPO}/compare/{{basehead}}", "contents=read")
def compare(state: State, request: Request) -> Answer:
    """Compare two commits."""
    base, _, head = request.names["basehead"].partition("...")
    old, new = _commit(state, base, missing=404), _commit(state, head, missing=404)
    ahead, behind = state.bare.between(old, new), state.bare.between(new, old)
    common = state.bare.merge_base(old, new)
    if common is None:
        raise Refused(404, f"No common ancestor between {base} and {head}.")
    word = "identical" if old == new else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    page_url = f"{request.base}/{state.name}/compare/{base}...{head}"
    return Answer(200, {
        "url": f"{request.base}{request.path}", "html_url": page_url, "permalink_url": page_url,
        "diff_url": f"{page_url}.diff", "patch_url": f"{page_url}.patch", "status": word,
        "base_commit": _shape(request.base, state, old),
        "merge_base_commit": _shape(request.base, state, common), "ahead_by": len(ahead),
        "behind_by": len(behind), "total_commits": len(ahead),
        "commits": [_shape(request.base, state, each) for each in ahead],
        "files": _changed(request.base, state, common, new),
    })  # fmt: skip


@route("GET", f"{REPO}/branches", "contents=read")
def list_branches(state: State, request: Request) -> Answer:
    url = f"{request.base}/repos/{state.name}"
    return page(request, [
        {"name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "protected": _protected(state, name)}
        for name, sha in state.bare.branches()
    ])  # fmt: skip


@route("GET", f"{REPO}/branches/{{branch}}", "contents=read")
def get_branch(state: State, request: Request) -> Answer:
    name = request.names["branch"]
    sha = state.bare.ref(f"refs/heads/{name}")
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{request.base}/repos/{state.name}/branches/{name}"
    return Answer(200, {
        "name": name, "commit": _shape(request.base, state, sha), "protected": _protected(state, name),
        "_links": {"self": url, "html": f"{request.base}/{state.name}/tree/{name}"},
        "protection": {"enabled": name in state.protected}, "protection_url": f"{url}/protection",
    })  # fmt: skip


@route("GET", f"{REPO}/git/ref/{{ref}}", "contents=read")
def get_ref(state: State, request: Request) -> Answer:
    """Return one ref; GitHub wants it without ``refs/``."""
    name = f"refs/{request.names['ref']}"
    sha = state.bare.ref(name)
    if sha is None:
        raise Refused(404, "Not Found")
    url = f"{request.base}/repos/{state.name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"}
    return Answer(200, {"ref": name, "node_id": node(name), "url": f"{url}/{name}", "object": target})


@route("DELETE", f"{REPO}/git/refs/{{ref}}", "contents=write", person="write")
def delete_ref(state: State, request: Request) -> Answer:
    """Delete a ref, with what that does to pull requests."""
    name = f"refs/{request.names['ref']}"
    old = state.bare.ref(name)
    if old is None:
        raise Refused(422, "Reference does not exist")
    state.bare.delete(name, old)
    state.pushed(name, old, "0" * 40, request.actor)
    return Answer(204)


@route("GET", f"{REPO}/activity", "contents=read")
def list_activity(state: State, request: Request) -> Answer:
    """Return the record of pushes; it is paged by a cursor, not by numbers."""
    query, found = request.query, sorted(state.activity, key=lambda each: each.id)
    if query.get("direction", "desc") == "desc":
        found.reverse()
    wanted = query.get("ref", "")
    full = wanted if wanted.startswith("refs/") else f"refs/heads/{wanted}"
    found = [each for each in found if not wanted or each.ref == full]
    ids = [str(each.id) for each in found]
    at = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    size = min(int(query.get("per_page", "30")), 100)
    shown, more = found[at : at + size], len(found) > at + size
    rest = "&".join(f"{k}={v}" for k, v in query.items() if k != "after")
    link = f'<{request.base}{request.path}?{rest}&after={shown[-1].id}>; rel="next"' if more else ""
    return Answer(200, [_activity(request.base, a) for a in shown], {"Link": link} if link else {})


def _protected(state: State, branch: str) -> bool:
    rules = any(branch in each.branches for each in state.rulesets if each.enforcement == "active")
    return rules or branch in state.protected


def _commit(state: State, name: str, *, missing: int = 422) -> str:
    found = state.bare.commit_of(name)
    if found is None:
        raise Refused(missing, f"No commit found for SHA: {name}" if missing == 422 else "Not Found")
    return found


def _shape(base: str, state: State, sha: str) -> Json:
    found = state.bare.commit(sha)
    url, page_url = f"{base}/repos/{state.name}", f"{base}/{state.name}/commit"
    people = [
        dict(zip(("name", "email", "date"), who, strict=True)) for who in (found.author, found.committer)
    ]
    return {
        "url": f"{url}/commits/{sha}", "sha": sha, "node_id": node(sha), "html_url": f"{page_url}/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments", "author": None, "committer": None,
        "commit": {
            "url": f"{url}/git/commits/{sha}", "author": people[0], "committer": people[1],
            "message": found.message, "comment_count": 0,
            "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
            "verification": {
                "verified": False, "reason": "unsigned", "payload": None, "signature": None, "verified_at": None,
            },
        },
        "parents": [
            {"sha": each, "url": f"{url}/commits/{each}", "html_url": f"{page_url}/{each}"}
            for each in found.parents
        ],
    }  # fmt: skip


def _files(base: str, state: State, sha: str) -> Json:
    parents = state.bare.commit(sha).parents
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    files = _changed(base, state, parents[0] if parents else empty, sha)
    return {"stats": {"additions": 0, "deletions": 0, "total": 0}, "files": files}


def _changed(base: str, state: State, before: str, after: str) -> list[Json]:
    url = f"{base}/repos/{state.name}"
    return [
        {"filename": path, "status": _LETTERS.get(letter, "changed"), "additions": 0, "deletions": 0, "changes": 0,
         "sha": None, "blob_url": f"{url}/blob", "raw_url": f"{url}/raw", "contents_url": f"{url}/contents"}
        for letter, path in state.bare.changed(before, after)
    ]  # fmt: skip


def _status(base: str, state: State, status: Status) -> Json:
    return {
        "url": f"{base}/repos/{state.name}/statuses/{status.commit}", "avatar_url": f"{base}/avatars/x",
        "id": status.id, "node_id": node(f"status {status.id}"), "state": status.state,
        "description": status.description, "target_url": status.url, "context": status.context,
        "created_at": status.created, "updated_at": status.created, "creator": user(base, status.creator),
    }  # fmt: skip


def _activity(base: str, activity: Activity) -> Json:
    return {
        "id": activity.id, "node_id": node(f"activity {activity.id}"), "before": activity.before,
        "after": activity.after, "ref": activity.ref, "timestamp": activity.when,
        "activity_type": activity.kind, "actor": user(base, activity.actor),
    }  # fmt: skip
