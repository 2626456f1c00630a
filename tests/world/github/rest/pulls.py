"""Pull requests."""

from __future__ import annotations

from typing import Any

from tests.world.github.rest.routes import REPO, Answer, Refused, Request, page, route
from tests.world.github.rest.shapes import node, number_of, repository, user
from tests.world.github.rest.state import State, Ticket
from tests.world.github.tokens import Token

Json = Any


@route("GET", f"{REPO}/pulls", "pull-requests=read")
def list_pulls(state: State, request: Request) -> Answer:
    """Return the pull requests that the query asks for, in the order that it asks for."""
    query = request.query
    chosen = [t for t in state.tickets.values() if t.is_pull and _asked(state, t, request)]
    key = {"updated": lambda t: (t.updated, t.number)}.get(query.get("sort", "created"), lambda t: t.number)
    down = query.get("direction", "desc" if query.get("sort", "created") == "created" else "asc")
    chosen.sort(key=key, reverse=down == "desc")
    for each in chosen:
        state.settle(each)
    return page(request, [_simple(request.base, state, each) for each in chosen])


def _asked(state: State, pull: Ticket, request: Request) -> bool:
    query = request.query
    owner = pull.fork.partition("/")[0] or state.owner
    return (
        query.get("state", "open") in ("all", pull.state)
        and query.get("base", pull.base) == pull.base
        # Without "owner:" GitHub passes over the filter, so that a forgotten one lists everything.
        and (":" not in query.get("head", "") or query["head"] == f"{owner}:{pull.head}")
    )


@route("GET", f"{REPO}/pulls/{{pull_number}}", "pull-requests=read")
def get_pull(state: State, request: Request) -> Answer:
    """Return a pull request; each look brings a late merge nearer."""
    pull = pull_of(state, request)
    state.settle(pull)
    return Answer(200, _whole(request.base, state, pull))


@route("POST", f"{REPO}/pulls", "pull-requests=write")
def create_pull(state: State, request: Request) -> Answer:
    """Open a pull request."""
    pull = open_pull(state, request.body, request.token)
    return Answer(201, _whole(request.base, state, pull))


@route("PATCH", f"{REPO}/pulls/{{pull_number}}", "pull-requests=write", person="triage")
def change_pull(state: State, request: Request) -> Answer:
    """Change a pull request's base, title, body or state."""
    pull, body = pull_of(state, request), request.body
    if "base" in body:
        _retarget(state, pull, body["base"])
    if "state" in body and body["state"] != pull.state:
        _turn(state, pull, body["state"])
    pull.title = body.get("title", pull.title)
    pull.body = body.get("body", pull.body)
    pull.updated = state.tick()
    return Answer(200, _whole(request.base, state, pull))


def pull_of(state: State, request: Request) -> Ticket:
    """Return the pull request that the path names."""
    pull = state.tickets.get(request.number("pull_number"))
    if pull is None or not pull.is_pull:
        raise Refused(404, "Not Found")
    return pull


def open_pull(state: State, asked: Json, token: Token | None) -> Ticket:
    """Open a pull request, or refuse it in GitHub's words."""
    head, base = asked.get("head", "").rpartition(":")[2], asked.get("base", "")
    tip, onto = state.bare.ref(f"refs/heads/{head}"), state.bare.ref(f"refs/heads/{base}")
    if tip is None:
        raise _invalid("head", "invalid")
    if onto is None:
        raise _invalid("base", "invalid")
    if _open_one(state, head, base):
        raise _custom(f"A pull request already exists for {state.owner}:{head}.")
    if not state.bare.between(onto, tip):
        raise _custom(f"No commits between {base} and {head}")
    author = token.actor if token else "alice"
    now, number = state.tick(), state.number()
    pull = Ticket(
        state.next_id(), number, author, asked["title"], asked.get("body") or "", now, now,
        head=head, base=base, tip=tip, draft=asked.get("draft", False),
    )  # fmt: skip
    state.tickets[number] = pull
    return pull


def _open_one(state: State, head: str, base: str, *, beside: Ticket | None = None) -> bool:
    return any(
        t is not beside and t.state == "open" and (t.head, t.base, t.fork) == (head, base, "")
        for t in state.tickets.values()
    )


def _retarget(state: State, pull: Ticket, base: str) -> None:
    if state.bare.ref(f"refs/heads/{base}") is None:
        raise _invalid("base", "invalid")
    if pull.state == "closed":
        raise _custom("Cannot change the base branch of a closed pull request.")
    if _open_one(state, pull.head, base, beside=pull):
        raise _custom(f"A pull request already exists for base branch '{base}' and head branch '{pull.head}'")
    pull.base = base


def _turn(state: State, pull: Ticket, wanted: str) -> None:
    if wanted == "closed":
        state.close(pull)
    elif pull.merged_at or state.bare.ref(f"refs/heads/{pull.head}") is None:
        raise _custom(f"state cannot be changed. The {pull.head} branch has been deleted.")
    else:
        pull.state, pull.closed_at = "open", ""


def _invalid(name: str, code: str) -> Refused:
    errors = [{"resource": "PullRequest", "field": name, "code": code}]
    return Refused(422, "Validation Failed", errors)


def _custom(message: str) -> Refused:
    errors = [{"resource": "PullRequest", "code": "custom", "message": message}]
    return Refused(422, "Validation Failed", errors)


def _tip(state: State, pull: Ticket) -> str:
    """Return the head's tip as it is: while a pull request is open it follows its branch."""
    if pull.state == "open" and not pull.fork:
        pull.tip = state.bare.ref(f"refs/heads/{pull.head}") or pull.tip
    return pull.tip


def labels(base: str, state: State, ticket: Ticket) -> list[Json]:
    """Return the labels of an issue or pull request."""
    url = f"{base}/repos/{state.name}/labels"
    return [
        {"id": number_of(name), "node_id": node(name), "url": f"{url}/{name}", "name": name, "description": None,
         "color": "ededed", "default": False}
        for name in ticket.labels
    ]  # fmt: skip


def _end(base: str, state: State, pull: Ticket, *, head: bool) -> Json:
    branch = pull.head if head else pull.base
    sha = _tip(state, pull) if head else state.bare.ref(f"refs/heads/{pull.base}") or "0" * 40
    owner = pull.fork.partition("/")[0] if head and pull.fork else state.owner
    where = repository(base, state)
    if head and pull.fork:
        where = where | {"full_name": pull.fork, "fork": True}
    return {
        "label": f"{owner}:{branch}", "ref": branch, "sha": sha, "user": user(base, owner), "repo": where,
    }  # fmt: skip


def _simple(base: str, state: State, pull: Ticket) -> Json:
    url, page_url = (
        f"{base}/repos/{state.name}/pulls/{pull.number}",
        f"{base}/{state.name}/pull/{pull.number}",
    )
    issue = f"{base}/repos/{state.name}/issues/{pull.number}"
    head = _end(base, state, pull, head=True)
    links = {
        "self": url, "html": page_url, "issue": issue, "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments", "review_comment": f"{url}/comments{{/number}}",
        "commits": f"{url}/commits", "statuses": f"{base}/repos/{state.name}/statuses/{pull.tip}",
    }  # fmt: skip
    return {
        "id": pull.id, "node_id": node(f"pull {pull.number}"), "number": pull.number, "state": pull.state,
        "title": pull.title, "body": pull.body, "user": user(base, pull.author), "draft": pull.draft,
        "labels": labels(base, state, pull), "head": head, "base": _end(base, state, pull, head=False),
        "created_at": pull.created, "updated_at": pull.updated, "closed_at": pull.closed_at or None,
        "merged_at": pull.merged_at or None, "merge_commit_sha": None, "locked": False,
        "author_association": state.association(pull.author), "assignee": None, "auto_merge": None,
        "milestone": None, "url": url, "html_url": page_url, "issue_url": issue, "diff_url": f"{page_url}.diff",
        "patch_url": f"{page_url}.patch", "comments_url": links["comments"], "commits_url": links["commits"],
        "review_comment_url": links["review_comment"], "review_comments_url": links["review_comments"],
        "statuses_url": links["statuses"], "_links": {name: {"href": link} for name, link in links.items()},
    }  # fmt: skip


def _whole(base: str, state: State, pull: Ticket) -> Json:
    counts = ("additions", "changed_files", "comments", "commits", "deletions", "review_comments")
    more = {
        "merged": bool(pull.merged_at), "mergeable": None, "mergeable_state": "unknown", "merged_by": None,
        "maintainer_can_modify": False,
    }  # fmt: skip
    return _simple(base, state, pull) | more | dict.fromkeys(counts, 0)
