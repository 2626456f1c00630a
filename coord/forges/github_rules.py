"""How a repository on GitHub is protected, as far as a token may see it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from coord.core.protection import Environment, Protection, Rule
from coord.forges.github_calls import Calls, next_page
from coord.forges.github_login import Login

Json = Any
#: What a token may not see is answered by one of these.
_UNSEEN = (403, 404)
#: The numbers of GitHub's own roles in lists of who may bypass a ruleset.
_ROLES = {1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}
_CLASSIC = "branch protection"


def protection(calls: Calls, repository: str, main: str, login: Login) -> Protection:
    """Return how a repository is protected."""
    here = f"/repos/{repository}"
    whole = calls.ask("GET", here).body
    rights = _seen(calls, f"{here}/actions/permissions/workflow")
    login.token()
    return Protection(
        rules=_rules(calls, here, main),
        environments=_environments(calls, here),
        token_default=rights and str(rights["default_workflow_permissions"]),
        may_approve=rights and bool(rights["can_approve_pull_request_reviews"]),
        secrets=_names(calls, f"{here}/actions/secrets", "secrets"),
        public=not whole["private"],
        app=login.app,
        app_id=login.app_id,
        variables=_variables(calls, here),
    )


def _seen(calls: Calls, path: str) -> Json:
    answer = calls.ask("GET", path, also=_UNSEEN)
    return None if answer.status in _UNSEEN else answer.body


def _items(calls: Calls, path: str, inside: str = "") -> list[Json] | None:
    """Return a whole list, None when it is not to be seen."""
    first = calls.ask("GET", path, query={"per_page": "100"}, also=_UNSEEN)
    if first.status in _UNSEEN:
        return None
    more = next_page(first.headers.get("link", ""))
    rest = calls.pages(more, inside=inside) if more else ()
    return [*(first.body[inside] if inside else first.body), *rest]


def _names(calls: Calls, path: str, inside: str) -> tuple[str, ...] | None:
    items = _items(calls, path, inside)
    return None if items is None else tuple(str(each["name"]) for each in items)


def _variables(calls: Calls, here: str) -> tuple[tuple[str, str], ...] | None:
    items = _items(calls, f"{here}/actions/variables", "variables")
    return None if items is None else tuple((str(each["name"]), str(each["value"])) for each in items)


# -- rules -------------------------------------------------------------------------------------------------------------


def _rules(calls: Calls, here: str, main: str) -> tuple[Rule, ...] | None:
    said = _items(calls, f"{here}/rules/branches/{quote(main)}")
    if said is None:
        return None
    rulesets = {each["ruleset_id"]: _ruleset(calls, here, each) for each in said}
    found = [Rule(str(each["type"]), *rulesets[each["ruleset_id"]]) for each in said]
    return (*found, *_classic(_seen(calls, f"{here}/branches/{quote(main)}/protection")))


def _ruleset(calls: Calls, here: str, rule: Json) -> tuple[str, tuple[str, ...] | None]:
    number = rule["ruleset_id"]
    said = _seen(calls, f"{here}/rulesets/{number}")
    if said is None:
        return f"{rule['ruleset_source']} {number}", None
    actors = said.get("bypass_actors")
    return str(said["name"]), None if actors is None else tuple(_bypass(each) for each in actors)


def _bypass(actor: Json) -> str:
    """Return who may bypass: the kind, which one, and how if not always."""
    number, mode = actor.get("actor_id"), actor.get("bypass_mode", "always")
    which = _ROLES.get(number, number) if actor["actor_type"] == "RepositoryRole" else number
    words = [actor["actor_type"], which, "" if mode == "always" else mode]
    return " ".join(str(word) for word in words if word)


def _classic(said: Json) -> list[Rule]:
    """Return branch protection of the older kind as rules. Administrators pass over it unless it is enforced on them."""
    if said is None:
        return []
    free = () if (said.get("enforce_admins") or {}).get("enabled") else ("RepositoryRole admin",)
    kinds = {
        "required_pull_request_reviews": "pull_request",
        "required_status_checks": "required_status_checks",
    }
    found = [Rule(kind, _CLASSIC, free) for field, kind in kinds.items() if said.get(field)]
    if not (said.get("allow_force_pushes") or {}).get("enabled"):
        found.append(Rule("non_fast_forward", _CLASSIC, free))
    if said.get("restrictions"):
        found.append(Rule("update", _CLASSIC, (*_allowed(said["restrictions"]), *free)))
    return found


def _allowed(said: Json) -> tuple[str, ...]:
    apps = [f"Integration {each['id']}" for each in said.get("apps") or ()]
    teams = [f"Team {each['slug']}" for each in said.get("teams") or ()]
    users = [f"User {each['login']}" for each in said.get("users") or ()]
    return (*apps, *teams, *users)


# -- environments ------------------------------------------------------------------------------------------------------


def _environments(calls: Calls, here: str) -> tuple[Environment, ...] | None:
    said = _items(calls, f"{here}/environments", "environments")
    return None if said is None else tuple(_environment(calls, here, each) for each in said)


def _environment(calls: Calls, here: str, said: Json) -> Environment:
    path = f"{here}/environments/{quote(said['name'], safe='')}"
    rules = {each["type"] for each in said.get("protection_rules") or ()}
    return Environment(
        name=str(said["name"]),
        branches=_branches(calls, path, said.get("deployment_branch_policy")),
        reviewers="required_reviewers" in rules,
        secrets=_names(calls, f"{path}/secrets", "secrets"),
    )


def _branches(calls: Calls, path: str, policy: Json) -> tuple[str, ...] | None:
    if policy is None:
        return None
    if not policy["custom_branch_policies"]:
        return (":protected",)
    said = _items(calls, f"{path}/deployment-branch-policies", "branch_policies")
    if said is None:
        return (":unseen",)
    return tuple(f":tag {each['name']}" if each.get("type") == "tag" else str(each["name"]) for each in said)
