"""Who may do what: collaborators, rulesets, branch protection, environments, secrets, default rights."""

from __future__ import annotations

from typing import Any

from tests.world.github.rest.routes import REPO, Answer, Refused, Request, at_least, page, route
from tests.world.github.rest.shapes import node, number_of, user
from tests.world.github.rest.state import Ruleset, Setting, State

Json = Any
_LEGACY = {"maintain": "write", "triage": "read"}
_WHEN = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


@route("GET", f"{REPO}/collaborators/{{username}}/permission")
def permission(state: State, request: Request) -> Answer:
    """Return a person's permission; unknown people have none, as on GitHub, and unknown names are not found."""
    login = request.names["username"]
    if login not in state.people and not login.endswith("[bot]"):
        raise Refused(404, f"{login} is not a user")
    level = state.level(login)
    who = user(request.base, login) | {"role_name": level}
    return Answer(200, {"permission": _LEGACY.get(level, level), "role_name": level, "user": who})


@route("GET", f"{REPO}/rulesets")
def list_rulesets(state: State, request: Request) -> Answer:
    return page(request, [_ruleset(request.base, state, each) for each in state.rulesets])


@route("GET", f"{REPO}/rulesets/{{ruleset_id}}")
def get_ruleset(state: State, request: Request) -> Answer:
    """Return a ruleset; who may bypass it is shown only to those who may change it."""
    for each in state.rulesets:
        if each.id == request.number("ruleset_id"):
            made = _ruleset(request.base, state, each)
            made["rules"] = [_rule(rule) for rule in each.rules]
            names = [f"refs/heads/{branch}" for branch in each.branches]
            made["conditions"] = {"ref_name": {"include": names, "exclude": []}}
            if _may_change_rules(state, request):
                made["bypass_actors"] = [
                    {"actor_type": kind, "actor_id": number, "bypass_mode": mode}
                    for kind, number, mode in each.bypass
                ]
            return Answer(200, made)
    raise Refused(404, "Not Found")


@route("GET", f"{REPO}/rules/branches/{{branch}}")
def rules_of_branch(state: State, request: Request) -> Answer:
    """Return the rules that are in force for a branch."""
    chosen = [
        _rule(rule)
        | {"ruleset_source_type": "Repository", "ruleset_source": state.name, "ruleset_id": each.id}
        for each in state.rulesets
        if each.enforcement == "active" and request.names["branch"] in each.branches
        for rule in each.rules
    ]
    return page(request, chosen)


@route("GET", f"{REPO}/branches/{{branch}}/protection", "administration=read", person="admin")
def protection(state: State, request: Request) -> Answer:
    name = request.names["branch"]
    if name not in state.protected:
        raise Refused(404, "Branch not protected")
    return Answer(200, state.protected[name])


@route("GET", f"{REPO}/environments", "actions=read")
def list_environments(state: State, request: Request) -> Answer:
    made = [_environment(request.base, state, name, each) for name, each in state.environments.items()]
    return page(request, made, inside="environments")


@route("GET", f"{REPO}/environments/{{environment_name}}", "actions=read")
def get_environment(state: State, request: Request) -> Answer:
    name, found = _setting(state, request)
    return Answer(200, _environment(request.base, state, name, found))


@route("GET", f"{REPO}/environments/{{environment_name}}/deployment-branch-policies", "actions=read")
def branch_policies(state: State, request: Request) -> Answer:
    """Return the names of branches that may use an environment."""
    _, found = _setting(state, request)
    names = found.branches if isinstance(found.branches, tuple) else ()
    made = [
        {"id": number_of(each), "node_id": node(each), "name": each.removeprefix("tag:"),
         "type": "tag" if each.startswith("tag:") else "branch"}
        for each in names
    ]  # fmt: skip
    return page(request, made, inside="branch_policies")


@route("GET", f"{REPO}/environments/{{environment_name}}/secrets", "environments=read", person="write")
def environment_secrets(state: State, request: Request) -> Answer:
    _, found = _setting(state, request)
    return page(request, [{"name": name} | _WHEN for name in found.secrets], inside="secrets")


@route("GET", f"{REPO}/actions/secrets", "secrets=read", person="write")
def repository_secrets(state: State, request: Request) -> Answer:
    return page(request, [{"name": name} | _WHEN for name in state.secrets], inside="secrets")


@route("GET", f"{REPO}/actions/variables", "variables=read", person="write")
def repository_variables(state: State, request: Request) -> Answer:
    made = [{"name": name, "value": value} | _WHEN for name, value in state.variables.items()]
    return page(request, made, inside="variables")


@route("GET", f"{REPO}/actions/permissions/workflow", "administration=read", person="admin")
def workflow_permissions(state: State, request: Request) -> Answer:
    may = state.may_approve
    body = {"default_workflow_permissions": state.token_default, "can_approve_pull_request_reviews": may}
    return Answer(200, body)


def _may_change_rules(state: State, request: Request) -> bool:
    token = request.token
    if token is None or not token.may("administration", "write"):
        return False
    return token.kind != "user" or at_least(state.level(token.actor), "admin")


def _rule(rule: Json) -> Json:
    return {"type": rule} if isinstance(rule, str) else dict(rule)


def _ruleset(base: str, state: State, ruleset: Ruleset) -> Json:
    return {
        "id": ruleset.id, "node_id": node(f"ruleset {ruleset.id}"), "name": ruleset.name, "target": "branch",
        "source_type": "Repository", "source": state.name, "enforcement": ruleset.enforcement,
        "_links": {"self": {"href": f"{base}/repos/{state.name}/rulesets/{ruleset.id}"}},
    } | _WHEN  # fmt: skip


def _setting(state: State, request: Request) -> tuple[str, Setting]:
    name = request.names["environment_name"]
    if name not in state.environments:
        raise Refused(404, "Not Found")
    return name, state.environments[name]


def _environment(base: str, state: State, name: str, setting: Setting) -> Json:
    rules: list[Json] = []
    if setting.reviewers:
        who = {"type": "User", "reviewer": user(base, state.owner)}
        rules.append({"id": 1, "node_id": node("rule"), "type": "required_reviewers", "reviewers": [who]})
    if setting.branches is not None:
        rules.append({"id": 2, "node_id": node("policy"), "type": "branch_policy"})
    custom = isinstance(setting.branches, tuple)
    policy = {"protected_branches": not custom, "custom_branch_policies": custom}
    return {
        "id": number_of(name), "node_id": node(name), "name": name,
        "url": f"{base}/repos/{state.name}/environments/{name}", "html_url": f"{base}/{state.name}/deployments",
        "protection_rules": rules,
        "deployment_branch_policy": None if setting.branches is None else policy,
    } | _WHEN  # fmt: skip
