"""Issues, comments and reactions."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.world.github.rest.pulls import labels
from tests.world.github.rest.routes import REPO, Answer, Refused, Request, at_least, page, route
from tests.world.github.rest.shapes import ACTIONS, integration, node, user
from tests.world.github.rest.state import Remark, State, Ticket
from tests.world.github.tokens import Token

Json = Any
_LONGEST = 65_536


@route("GET", f"{REPO}/issues", "issues=read")
def list_issues(state: State, request: Request) -> Answer:
    """Return issues; GitHub lists pull requests among them."""
    query = request.query
    chosen = [
        t
        for t in state.tickets.values()
        if query.get("state", "open") in ("all", t.state) and query.get("creator", t.author) == t.author
    ]
    chosen.sort(key=lambda t: t.number, reverse=query.get("direction", "desc") == "desc")
    return page(request, [issue_shape(request.base, state, each) for each in chosen])


@route("GET", f"{REPO}/issues/{{issue_number}}", "issues=read", "pull-requests=read")
def get_issue(state: State, request: Request) -> Answer:
    return Answer(200, issue_shape(request.base, state, _ticket(state, request)))


@route("POST", f"{REPO}/issues", "issues=write")
def create_issue(state: State, request: Request) -> Answer:
    """Open an issue."""
    body, now, number = request.body, state.tick(), state.number()
    _check_text(body.get("body") or "")
    ticket = Ticket(
        state.next_id(), number, request.actor, str(body["title"]), body.get("body") or "", now, now,
        app=_app_of(state, request.token),
    )  # fmt: skip
    state.tickets[number] = ticket
    return Answer(201, issue_shape(request.base, state, ticket))


@route("PATCH", f"{REPO}/issues/{{issue_number}}", "issues=write", "pull-requests=write")
def change_issue(state: State, request: Request) -> Answer:
    """Change an issue's title, body or state."""
    ticket, body = _ticket(state, request), request.body
    _check_text(body.get("body") or "")
    if ticket.author != request.actor and request.token and request.token.kind == "user":
        _need_person(state, request, "triage")
    ticket.title, ticket.body = body.get("title", ticket.title), body.get("body", ticket.body)
    ticket.updated = state.tick()
    if body.get("state") == "closed" and ticket.state == "open":
        state.close(ticket)
    ticket.state = body.get("state", ticket.state)
    return Answer(200, issue_shape(request.base, state, ticket))


@route("GET", f"{REPO}/issues/{{issue_number}}/comments", "issues=read", "pull-requests=read")
def list_comments(state: State, request: Request) -> Answer:
    """Return the comments, oldest first."""
    number = _ticket(state, request).number
    found = sorted((r for r in state.remarks.values() if r.number == number), key=lambda r: r.id)
    return page(request, [remark_shape(request.base, state, each) for each in found])


@route("POST", f"{REPO}/issues/{{issue_number}}/comments", "issues=write", "pull-requests=write")
def create_comment(state: State, request: Request) -> Answer:
    """Write a comment, and let the hub know."""
    ticket = _ticket(state, request)
    _right_for(ticket, request)
    remark = add_comment(state, ticket.number, request.body["body"], request.token)
    heard = partial(state.on_comment, remark, request.token) if state.on_comment else None
    return Answer(201, remark_shape(request.base, state, remark), then=heard)


@route("GET", f"{REPO}/issues/comments/{{comment_id}}", "issues=read", "pull-requests=read")
def get_comment(state: State, request: Request) -> Answer:
    return Answer(200, remark_shape(request.base, state, _remark(state, request)))


@route("PATCH", f"{REPO}/issues/comments/{{comment_id}}", "issues=write", "pull-requests=write")
def change_comment(state: State, request: Request) -> Answer:
    """Change a comment: one's own, or anybody's with write access."""
    remark = _remark(state, request)
    _right_for(state.tickets[remark.number], request)
    if remark.author != request.actor and request.token and request.token.kind == "user":
        _need_person(state, request, "write")
    _check_text(request.body["body"])
    remark.body, remark.updated = request.body["body"], state.tick()
    return Answer(200, remark_shape(request.base, state, remark))


@route("GET", f"{REPO}/issues/comments/{{comment_id}}/reactions", "issues=read", "pull-requests=read")
def list_reactions(state: State, request: Request) -> Answer:
    remark = _remark(state, request)
    return page(request, [_reaction(request.base, each) for each in remark.reactions])


@route("POST", f"{REPO}/issues/comments/{{comment_id}}/reactions", "issues=write", "pull-requests=write")
def react(state: State, request: Request) -> Answer:
    """React to a comment; the same reaction again is answered by the first."""
    remark, content = _remark(state, request), request.body["content"]
    for each in remark.reactions:
        if each[1:] == (request.actor, content):
            return Answer(200, _reaction(request.base, each))
    remark.reactions.append((state.next_id(), request.actor, content))
    return Answer(201, _reaction(request.base, remark.reactions[-1]))


def add_comment(state: State, number: int, body: str, token: Token | None, author: str = "") -> Remark:
    """Write a comment."""
    _check_text(body)
    if not body.strip():
        raise Refused(422, "Validation Failed", [{"resource": "IssueComment", "code": "missing_field"}])
    now = state.tick()
    who = token.actor if token else author
    remark = Remark(state.next_id(), number, who, body, now, now, _app_of(state, token))
    state.remarks[remark.id] = remark
    return remark


def _ticket(state: State, request: Request) -> Ticket:
    ticket = state.tickets.get(request.number("issue_number"))
    if ticket is None:
        raise Refused(404, "Not Found")
    return ticket


def _remark(state: State, request: Request) -> Remark:
    remark = state.remarks.get(request.number("comment_id"))
    if remark is None:
        raise Refused(404, "Not Found")
    return remark


def _right_for(ticket: Ticket, request: Request) -> None:
    """The right for pull requests reaches only the comments of pull requests."""
    if request.token and not ticket.is_pull and not request.token.may("issues", "write"):
        headers = {"X-Accepted-GitHub-Permissions": "issues=write"}
        raise Refused(403, "Resource not accessible by integration", headers=headers)


def _need_person(state: State, request: Request, level: str) -> None:
    if not at_least(state.level(request.actor), level):
        raise Refused(403, "Must have admin rights to Repository.")


def _check_text(body: str) -> None:
    if len(body) > _LONGEST:
        message = f"body is too long (maximum is {_LONGEST} characters)"
        raise Refused(422, "Validation Failed", [{"field": "body", "code": "custom", "message": message}])


def _app_of(state: State, token: Token | None) -> str:
    kind = token.kind if token else ""
    return {"app": state.app.slug if state.app else "", "job": ACTIONS.slug}.get(kind, "")


def _app_shape(base: str, state: State, slug: str) -> Json:
    app = ACTIONS if slug == ACTIONS.slug else state.app
    return integration(base, state, app) if slug and app else None


def remark_shape(base: str, state: State, remark: Remark) -> Json:
    """Return a comment as the API (and an event's payload) tells it."""
    issue = f"{base}/repos/{state.name}/issues"
    kind = "pull" if state.tickets[remark.number].is_pull else "issues"
    return {
        "id": remark.id, "node_id": node(f"comment {remark.id}"), "url": f"{issue}/comments/{remark.id}",
        "html_url": f"{base}/{state.name}/{kind}/{remark.number}#issuecomment-{remark.id}",
        "issue_url": f"{issue}/{remark.number}", "body": remark.body, "user": user(base, remark.author),
        "created_at": remark.created, "updated_at": remark.updated,
        "author_association": state.association(remark.author),
        "performed_via_github_app": _app_shape(base, state, remark.app),
    }  # fmt: skip


def _reaction(base: str, reaction: tuple[int, str, str]) -> Json:
    number, who, content = reaction
    return {
        "id": number, "node_id": node(f"reaction {number}"), "user": user(base, who), "content": content,
        "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def issue_shape(base: str, state: State, ticket: Ticket) -> Json:
    """Return an issue or pull request as lists of issues (and an event's payload) tell it."""
    url = f"{base}/repos/{state.name}/issues/{ticket.number}"
    kind = "pull" if ticket.is_pull else "issues"
    page_url = f"{base}/{state.name}/{kind}/{ticket.number}"
    made = {
        "id": ticket.id, "node_id": node(f"issue {ticket.number}"), "number": ticket.number, "url": url,
        "html_url": page_url, "repository_url": f"{base}/repos/{state.name}",
        "labels_url": f"{url}/labels{{/name}}", "comments_url": f"{url}/comments", "events_url": f"{url}/events",
        "title": ticket.title, "body": ticket.body, "state": ticket.state, "locked": False,
        "user": user(base, ticket.author), "labels": labels(base, state, ticket), "assignee": None,
        "milestone": None, "comments": sum(r.number == ticket.number for r in state.remarks.values()),
        "created_at": ticket.created, "updated_at": ticket.updated, "closed_at": ticket.closed_at or None,
        "author_association": state.association(ticket.author),
        "performed_via_github_app": _app_shape(base, state, ticket.app),
    }  # fmt: skip
    if ticket.is_pull:
        pull = f"{base}/repos/{state.name}/pulls/{ticket.number}"
        made["pull_request"] = {
            "url": pull, "html_url": page_url, "diff_url": f"{page_url}.diff", "patch_url": f"{page_url}.patch",
            "merged_at": ticket.merged_at or None,
        }  # fmt: skip
    return made
