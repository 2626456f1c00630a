"""The fake of GitHub's REST API: that it answers as GitHub's description says, and refuses as GitHub does."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from tests.forges.place import NAME, ZEROS, Place, key_pair
from tests.world.github.openapi.description import github
from tests.world.github.rest.routes import routes
from tests.world.github.rest.state import Ruleset, Setting

REPO = f"/repos/{NAME}"


def _fill(place: Place) -> dict[str, Any]:
    """Make one of everything."""
    rest, tip = place.rest, place.push("feat/a")
    pull = rest.open_pull("feat/a")
    remark = rest.comment(pull.number, "bob", "hello")
    rest.begin_run(9, "coord-land", "schedule", branch="main", commit=tip)
    job = rest.put_job(9, "leg a", conclusion="failure", steps=[("Validate", "failure")], log="red\n")
    rest.put_job(9, "leg b", steps=[("Validate", None)])
    rest.state.rulesets.append(Ruleset(5, "main", ["update", "deletion"], [("Integration", 77, "always")]))
    rest.state.protected["main"] = {"enabled": True}
    rest.state.environments["coord"] = Setting(("main", "tag:v*"), reviewers=True, secrets=("COORD_APP_KEY",))
    rest.state.secrets = ("OLD",)
    return {"tip": tip, "pull": pull.number, "remark": remark.id, "job": job.id}


def _reads(made: dict[str, Any]) -> list[str]:
    tip, pull, remark, job = made["tip"], made["pull"], made["remark"], made["job"]
    here = [
        "", "/pulls?state=all&head=acme:feat/a&base=main&sort=updated&direction=asc&per_page=5&page=1",
        f"/pulls/{pull}", "/issues?state=all&creator=alice", f"/issues/{pull}", f"/issues/{pull}/comments?per_page=100",
        f"/issues/comments/{remark}", f"/issues/comments/{remark}/reactions", f"/commits/{tip}",
        "/commits/feat/a/status", "/commits/feat%2Fa/statuses", "/collaborators/mia/permission",
        "/actions/runs/9", "/actions/runs/9/jobs?filter=latest", "/actions/runs/9/attempts/1/jobs",
        f"/actions/jobs/{job}/logs", "/activity?ref=refs/heads/feat/a&direction=desc&per_page=10",
        "/git/ref/heads/feat/a", "/branches", "/branches/feat/a", "/branches/main/protection",
        "/compare/main...feat/a", "/rulesets", "/rulesets/5", "/rules/branches/main", "/environments",
        "/environments/coord", "/environments/coord/deployment-branch-policies", "/environments/coord/secrets",
        "/actions/secrets", "/actions/permissions/workflow",
    ]  # fmt: skip
    return [REPO + path for path in here] + ["/user", "/rate_limit"]


def test_it_knows_exactly_the_operations_of_the_committed_description() -> None:
    assert {(each.method, each.path) for each in routes()} == github().paths()


def test_every_read_answers_as_the_description_says(place: Place) -> None:
    token = place.user()
    for path in _reads(_fill(place)):
        status, body, _ = place.ask("GET", path, token)
        assert status in (200, 302), (path, body)
    assert not place.rest.violations, "\n".join(place.rest.violations)


def test_every_read_needs_a_token(place: Place) -> None:
    for path in _reads(_fill(place)):
        assert place.ask("GET", path, None)[0] == 401
        assert place.ask_with("GET", path, {"Authorization": "Bearer ghp_nobody"})[0] == 401


def test_a_token_without_rights_reads_only_what_everybody_may(place: Place) -> None:
    made, token = _fill(place), place.job()
    seen = [p.removeprefix(REPO) for p in _reads(made) if place.ask("GET", p, token)[0] == 200]
    assert seen == [
        "", "/collaborators/mia/permission", "/rulesets", "/rulesets/5", "/rules/branches/main", "/rate_limit",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "right"),
    [
        ("POST", "/pulls", {"title": "x", "head": "feat/b", "base": "main"}, "pull_requests=write"),
        ("PATCH", "/pulls/1", {"base": "main"}, "pull_requests=write"),
        ("POST", "/issues", {"title": "x"}, "issues=write"),
        ("PATCH", "/issues/1", {"title": "x"}, "issues=write; pull_requests=write"),
        ("POST", "/issues/1/comments", {"body": "x"}, "issues=write; pull_requests=write"),
        ("POST", "/statuses/" + ZEROS, {"state": "success"}, "statuses=write"),
        ("POST", "/actions/workflows/coord-land.yml/dispatches", {"ref": "main"}, "actions=write"),
        ("DELETE", "/git/refs/heads/feat/a", None, "contents=write"),
    ],
)
def test_a_token_that_may_only_read_writes_nothing(
    place: Place, method: str, path: str, body: Any, right: str
) -> None:
    _fill(place)
    token = place.job(contents="read", pull_requests="read", issues="read", actions="read", statuses="read")
    status, answer, headers = place.ask(method, REPO + path, token, body)
    assert (status, answer["message"]) == (403, "Resource not accessible by integration")
    assert headers["X-Accepted-GitHub-Permissions"] == right


def test_a_wrong_request_is_held_against_the_test(place: Place) -> None:
    token = place.user()
    place.ask("GET", f"{REPO}/pulls?stat=all", token)
    place.ask("GET", f"{REPO}/pulls?state=some", token)
    place.ask("POST", f"{REPO}/issues", token, {"title": "x", "bodi": "y"})
    place.ask("GET", f"{REPO}/pull", token)
    found, place.rest.violations[:] = "\n".join(place.rest.violations), []
    for words in ("unknown query parameter stat", "state=some", "unknown field bodi", "no such operation"):
        assert words in found


def test_a_wrong_answer_is_held_against_the_test(place: Place) -> None:
    pull = _fill(place)["pull"]
    place.rest.state.tickets[pull].state = "ajar"
    place.ask("GET", f"{REPO}/pulls/{pull}", place.user())
    found, place.rest.violations[:] = list(place.rest.violations), []
    assert any("'ajar' is not one of" in each for each in found)


def test_a_pull_request_is_merged_when_its_head_reaches_the_base(place: Place) -> None:
    place.push("feat/a")
    pull = place.rest.open_pull("feat/a")
    place.land("feat/a")
    place.delete("feat/a")
    assert (pull.state, bool(pull.merged_at)) == ("closed", True)


def test_a_late_merge_is_lost_when_the_head_is_deleted_first(place: Place) -> None:
    place.rest.state.merged_after = 3
    place.push("feat/a")
    pull = place.rest.open_pull("feat/a")
    place.land("feat/a")
    place.delete("feat/a")
    assert (pull.state, pull.merged_at) == ("closed", "")


def test_deleting_a_base_closes_what_is_to_be_merged_into_it(place: Place) -> None:
    place.push("feat/a")
    place.push("feat/b")
    pull = place.rest.open_pull("feat/b", base="feat/a")
    assert place.ask("DELETE", f"{REPO}/git/refs/heads/feat/a", place.user())[0] == 204
    assert (pull.state, pull.merged_at) == ("closed", "")
    assert place.world.ref("refs/heads/feat/a") == ""


def test_a_second_pull_request_of_a_head_and_one_without_commits_are_refused(place: Place) -> None:
    place.push("feat/a")
    token, body = place.user(), {"title": "x", "head": "feat/a", "base": "main", "draft": True}
    assert place.ask("POST", f"{REPO}/pulls", token, body)[0] == 201
    status, answer, _ = place.ask("POST", f"{REPO}/pulls", token, body)
    assert (status, answer["errors"][0]["message"]) == (
        422,
        "A pull request already exists for acme:feat/a.",
    )
    status, answer, _ = place.ask("POST", f"{REPO}/pulls", token, body | {"head": "main"})
    assert (status, answer["errors"][0]["message"]) == (422, "No commits between main and main")


def test_long_lists_are_told_in_pages(place: Place) -> None:
    _fill(place)
    for number in range(7):
        place.rest.comment(1, "bob", f"word {number}")
    _, first, headers = place.ask("GET", f"{REPO}/issues/1/comments?per_page=5", place.user())
    assert len(first) == 5
    assert f'<{place.rest.url}{REPO}/issues/1/comments?per_page=5&page=2>; rel="next"' in headers["Link"]
    _, second, headers = place.ask("GET", f"{REPO}/issues/1/comments?per_page=5&page=2", place.user())
    assert [len(second), 'rel="next"' in headers["Link"]] == [3, False]


@pytest.mark.parametrize(
    ("inputs", "ref", "words"),
    [
        ({"brunch": "x"}, "main", "Unexpected inputs provided: ['brunch']"),
        ({}, "nowhere", "No ref found for: nowhere"),
    ],
)
def test_a_dispatch_that_the_workflow_does_not_take_is_refused(
    place: Place, inputs: dict[str, str], ref: str, words: str
) -> None:
    path = f"{REPO}/actions/workflows/coord-land.yml/dispatches"
    status, answer, _ = place.ask("POST", path, place.user(), {"ref": ref, "inputs": inputs})
    assert (status, answer["message"]) == (422, words)
    assert place.rest.state.dispatches == []


def test_bypass_is_shown_only_to_who_may_change_it(place: Place) -> None:
    _fill(place)
    assert "bypass_actors" in place.ask("GET", f"{REPO}/rulesets/5", place.user("alice"))[1]
    assert "bypass_actors" not in place.ask("GET", f"{REPO}/rulesets/5", place.user("bob"))[1]


def _jwt(issuer: str, seconds: int = 300) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": issuer, "iat": now - 30, "exp": now + seconds}
    return {"Authorization": f"Bearer {jwt.encode(claims, key_pair()[0], algorithm='RS256')}"}


def test_an_app_gets_at_most_the_rights_that_it_was_granted(place: Place) -> None:
    assert place.rest.state.app is not None
    place.rest.state.app.rights = {"contents": "write", "issues": "read"}
    path = "/app/installations/4711/access_tokens"
    asked = {"permissions": {"contents": "read"}, "repositories": ["demo"]}
    status, answer, _ = place.ask_with("POST", path, _jwt("77"), asked)
    token = place.tokens.of(f"token {answer['token']}")
    assert token is not None
    assert (status, token.actor, dict(token.rights)) == (201, "coord-app[bot]", {"contents": "read"})
    asked["permissions"] = {"issues": "write"}
    assert place.ask_with("POST", path, _jwt("77"), asked)[0] == 422


@pytest.mark.parametrize(("issuer", "seconds"), [("78", 300), ("77", -60), ("77", 3600)])
def test_an_app_must_prove_who_it_is(place: Place, issuer: str, seconds: int) -> None:
    assert place.ask_with("GET", "/app", _jwt(issuer, seconds))[0] == 401
    assert place.ask_with("GET", "/app", {"Authorization": "Bearer x"})[0] == 401
    assert place.ask_with("GET", "/app", _jwt("77"))[0] == 200


def test_the_hub_hears_of_comments_and_dispatches_after_they_are_there(place: Place) -> None:
    rest, heard = place.rest, list[Any]()
    _fill(place)
    rest.state.on_comment = lambda remark, token: heard.append(
        (rest.comment_json(remark)["body"], token.kind)
    )
    rest.state.on_dispatch = lambda made: heard.append((made.workflow, len(rest.state.dispatches)))
    rest.comment(1, "bob", "from the web")
    place.ask("POST", f"{REPO}/issues/1/comments", place.job(issues="write"), {"body": "from a job"})
    path = f"{REPO}/actions/workflows/coord-land.yml/dispatches"
    place.ask("POST", path, place.user(), {"ref": "main"})
    assert heard == [("from the web", "user"), ("from a job", "job"), ("coord-land.yml", 1)]
    assert rest.issue_json(1)["pull_request"]
    assert rest.repository_json()["full_name"] == NAME
