"""How far a repository on GitHub is set up for coord: which mode it has, and what each part of that mode lacks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from coord.core.protection import Environment, Protection, Rule
from coord.core.settings import Approvers

#: The environment that the job with the App's key runs in, the key's secret and the variable with the App's id.
ENVIRONMENT, KEY, APP = "coord", "COORD_APP_KEY", "COORD_APP_ID"

#: Rules that refuse a push of merges to main, whoever pushes, unless he may bypass them.
_STOP = frozenset(
    {
        "code_scanning", "merge_queue", "pull_request", "required_deployments", "required_linear_history",
        "required_signatures", "required_status_checks", "update", "workflows",
    }
)  # fmt: skip


class Mode(StrEnum):
    """``none``: no workflow of coord's lands here; ``simple``, ``hardened``: as ``coord init --github`` writes them."""

    NONE = "none"
    SIMPLE = "simple"
    HARDENED = "hardened"


class Seen(StrEnum):
    """What can be said of a part: that it is right, wrong, good to know, or not to be seen with this token."""

    RIGHT = "right"
    WRONG = "wrong"
    NOTE = "note"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a set-up: what it is now, and the steps that mend it."""

    name: str
    seen: Seen
    now: str
    mend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen. ``workflows`` are the names of coord's workflows on main, ``wanted`` those of the mode, ``stale`` those
    that are not what would be rendered now; ``drafts`` says that blocked branches are to be told in drafts, ``approvers``
    who may approve changes of protected paths; ``site`` is the repository's address on the web, ``slug`` ``owner/name``."""

    main: str
    site: str
    slug: str
    protection: Protection
    workflows: frozenset[str] = frozenset()
    wanted: tuple[str, ...] = ()
    stale: frozenset[str] = field(default_factory=frozenset)
    drafts: bool = True
    approvers: Approvers = Approvers.MAINTAIN


def mode_of(workflows: frozenset[str]) -> Mode:
    """Return the mode that the workflows on main make."""
    if "coord-land.yml" in workflows:
        return Mode.HARDENED
    return Mode.SIMPLE if "coord-simple.yml" in workflows else Mode.NONE


def parts_of(facts: Facts) -> tuple[Part, ...]:
    """Return the parts of the mode that the repository has, each with what it is now."""
    match mode_of(facts.workflows):
        case Mode.NONE:
            return (_set_up(),)
        case Mode.SIMPLE:
            return (_workflows(facts, " --simple"), _open_main(facts), *_drafts(facts), _trust())
        case Mode.HARDENED:
            return (
                _workflows(facts, ""),
                _updates(facts),
                *_other_rules(facts),
                *(_refused(facts, kind, words) for kind, words in _KEPT.items()),
                _environment(facts),
                _secret(facts),
                _repository_secret(facts),
                _variable(facts),
                _token_default(facts),
                *_drafts(facts),
                *_approvers(facts),
            )


def is_complete(parts: tuple[Part, ...]) -> bool:
    """Say whether every part was seen, and none is wrong."""
    return all(part.seen in (Seen.RIGHT, Seen.NOTE) for part in parts)


def _unseen(name: str, what: str, right: str) -> Part:
    how = f"run it again with the token of an administrator that has the right {right}"
    return Part(name, Seen.UNSEEN, f"{what}: not to be seen with this token", (how,))


# -- workflows -----------------------------------------------------------------------------------------------------


def _set_up() -> Part:
    steps = (
        "coord init --github      (or, for agents that are trusted: coord init --github --simple)",
        "commit and push what it writes, then run this again",
    )
    return Part("workflows", Seen.WRONG, "no workflow of coord's is on main", steps)


def _workflows(facts: Facts, option: str) -> Part:
    wrong = [f"{name} is not there" for name in facts.wanted if name not in facts.workflows]
    wrong += [f"{name} is not what coord renders now" for name in sorted(facts.stale)]
    others = facts.workflows - set(facts.wanted) - _standing_by(facts)
    wrong += [f"{name} belongs to the other mode" for name in sorted(others)]
    if not wrong:
        told = f"{len(facts.wanted)} on {facts.main}, as coord renders them"
        return Part("workflows", Seen.RIGHT, told)
    steps = (f"coord init --github{option}", f"commit what it wrote and removed, and push it to {facts.main}")
    return Part("workflows", Seen.WRONG, f"on {facts.main}: {', '.join(wrong)}", steps)


# -- who may push main ---------------------------------------------------------------------------------------------


def _app(facts: Facts) -> str:
    """Return the App as lists of those who may bypass name it, '' when its id is not known."""
    variables = dict(facts.protection.variables or ())
    number = str(facts.protection.app_id or "") or variables.get(APP, "")
    return f"Integration {number}" if number.isdigit() else ""


def _pushers(rules: tuple[Rule, ...]) -> tuple[str, ...] | None:
    """Return who may push main: whoever may bypass every rule that restricts updates. None: not to be seen."""
    lists = [rule.bypass for rule in rules if rule.kind == "update"]
    known = [each for each in lists if each is not None]
    if len(known) < len(lists):
        return None
    return tuple(actor for actor in known[0] if all(actor in each for each in known[1:]))


def _updates(facts: Facts) -> Part:
    name, main, rules = "updates", facts.main, facts.protection.rules
    if rules is None:
        return _unseen(name, f"the rules for {main}", "administration: read")
    if not any(rule.kind == "update" for rule in rules):
        now = f"no rule restricts who may push {main}: whoever may push branches may"
        return Part(name, Seen.WRONG, now, _ruleset_steps(facts))
    pushers = _pushers(rules)
    if pushers is None:
        return _unseen(name, f"{main} is restricted; who may bypass that", "administration: write")
    return _judged(facts, pushers)


def _judged(facts: Facts, pushers: tuple[str, ...]) -> Part:
    """Return what is to be said of a main that only these may push."""
    app, main = _app(facts), facts.main
    apps = [actor for actor in pushers if actor.startswith("Integration ")]
    ours = [actor for actor in apps if _who(actor) == app] if app else apps[:1]
    holes = ", ".join(_words(actor) for actor in pushers if actor not in ours)
    if holes:
        step = f"{facts.site}/settings/rules: take {holes} off the bypass list of the ruleset that restricts updates"
        return Part("updates", Seen.WRONG, f"a hole: {holes} may push {main} too", (step,))
    if not any(_may_push(actor) for actor in ours):
        who = _words(app) if app else "the App"
        step = (
            f"{facts.site}/settings/rules: put {who} on the bypass list of that ruleset, with 'Always allow'"
        )
        return Part("updates", Seen.WRONG, f"nobody may push {main}, {who} neither", (step,))
    known = "" if app else f" (is that the one of {APP}?)"
    return Part("updates", Seen.RIGHT, f"only {_words(ours[0])} may push {main}{known}")


#: How an actor may bypass a rule, when not as if it were not there; ``exempt`` is that, without a word of it.
_HOW = {"pull_request": " (by pull request)", "exempt": ""}


def _who(actor: str) -> str:
    """Return an actor without how it may bypass."""
    first, _, last = actor.rpartition(" ")
    return first if last in _HOW else actor


def _may_push(actor: str) -> bool:
    return not actor.endswith(" pull_request")


def _words(actor: str) -> str:
    """Return an actor as a person reads it."""
    kind, _, which = _who(actor).partition(" ")
    name = {"Integration": "App", "RepositoryRole": "the role", "Team": "team", "User": "user"}.get(
        kind, kind
    )
    return f"{name} {which}".strip() + _HOW.get(actor.rpartition(" ")[2], "")


def _ruleset_steps(facts: Facts) -> tuple[str, ...]:
    return (
        f"{facts.site}/settings/rules/new?target=branch: name 'coord', enforcement Active, target branch {facts.main}",
        "there: Restrict updates, Restrict deletions, Block force pushes; nothing else",
        "there: bypass list: the App and nobody else, with 'Always allow'",
    )


def _other_rules(facts: Facts) -> Iterator[Part]:
    """Yield the rules that would stop the App as they stop everybody."""
    app = _app(facts)
    for rule in facts.protection.rules or ():
        if rule.kind not in _STOP or rule.kind == "update":
            continue
        if rule.bypass is None:
            what = f"who may bypass the rule {rule.kind} of '{rule.ruleset}'"
            yield _unseen("other rules", what, "administration: write")
        elif not any(_may_push(who) and _is_app(who, app) for who in rule.bypass):
            step = f"{facts.site}/settings/rules: add the App to the bypass list of '{rule.ruleset}', or remove the rule"
            now = f"the rule {rule.kind} of '{rule.ruleset}' refuses the pushes of the App too"
            yield Part("other rules", Seen.WRONG, now, (step,))


def _is_app(actor: str, app: str) -> bool:
    return _who(actor) == app if app else actor.startswith("Integration ")


_KEPT = {"non_fast_forward": "a push that takes commits away from", "deletion": "the deletion of"}


def _refused(facts: Facts, kind: str, words: str) -> Part:
    name, rules = kind.replace("_", "-"), facts.protection.rules
    if rules is None:
        return _unseen(name, f"the rules for {facts.main}", "administration: read")
    if any(rule.kind == kind for rule in rules):
        return Part(name, Seen.RIGHT, f"{words} {facts.main} is refused")
    box = "Block force pushes" if kind == "non_fast_forward" else "Restrict deletions"
    step = f"{facts.site}/settings/rules: in the ruleset for {facts.main}, {box}"
    return Part(name, Seen.WRONG, f"no rule refuses {words} {facts.main}", (step,))


def _open_main(facts: Facts) -> Part:
    """The simple mode pushes with the job's own token, which can be put on no bypass list."""
    rules = facts.protection.rules
    if rules is None:
        return _unseen("main", f"the rules for {facts.main}", "administration: read")
    stops = sorted({f"{rule.kind} of '{rule.ruleset}'" for rule in rules if rule.kind in _STOP})
    if not stops:
        return Part("main", Seen.RIGHT, f"no rule stops a workflow's own token on {facts.main}")
    steps = (
        f"{facts.site}/settings/rules: take {facts.main} out of those rulesets",
        "or use the hardened mode, whose App may bypass them: coord init --github",
    )
    return Part("main", Seen.WRONG, f"a workflow's own token is stopped by {', '.join(stops)}", steps)


def _trust() -> Part:
    told = "code of branches runs where the right to push main is: for agents that are trusted (docs/security.md)"
    return Part("trust", Seen.NOTE, told)


# -- the App's key -------------------------------------------------------------------------------------------------


def _named(facts: Facts) -> Environment | None:
    return next((each for each in facts.protection.environments or () if each.name == ENVIRONMENT), None)


def _environment(facts: Facts) -> Part:
    name = f"environment {ENVIRONMENT}"
    if facts.protection.environments is None:
        return _unseen(name, "the environments", "actions: read")
    found = _named(facts)
    if found is None:
        return Part(name, Seen.WRONG, "it is not there", _environment_steps(facts))
    if found.branches == (":unseen",):
        return _unseen(name, "which branches may use it", "actions: read")
    if found.branches is None:
        return Part(name, Seen.WRONG, "workflows of every branch may use it", _environment_steps(facts))
    if found.branches != (facts.main,):
        told = ", ".join(_branch_words(each) for each in found.branches) or "no branch"
        now = f"{told} may use it, not {facts.main} alone"
        return Part(name, Seen.WRONG, now, _environment_steps(facts))
    if found.reviewers:
        now = f"only {facts.main} may use it, and each landing waits for a person who lets it through"
        return Part(name, Seen.NOTE, now)
    return Part(name, Seen.RIGHT, f"only {facts.main} may use it")


def _branch_words(name: str) -> str:
    if name == ":protected":
        return "every protected branch"
    return f"the tags {name[5:]}" if name.startswith(":tag ") else name


_CHOSEN = " ".join(
    f"-F 'deployment_branch_policy[{key}]={value}'"
    for key, value in (("protected_branches", "false"), ("custom_branch_policies", "true"))
)


def _environment_steps(facts: Facts) -> tuple[str, ...]:
    path = f"repos/{facts.slug}/environments/{ENVIRONMENT}"
    return (
        f"gh api -X PUT {path} {_CHOSEN}",
        f"gh api -X POST {path}/deployment-branch-policies -f name={shlex.quote(facts.main)}",
        f"or {facts.site}/settings/environments: {ENVIRONMENT}, Selected branches and tags: {facts.main} and nothing else",
    )


def _secret(facts: Facts) -> Part:
    name, found = f"secret {KEY}", _named(facts)
    if facts.protection.environments is None or (found is not None and found.secrets is None):
        return _unseen(name, "the secrets of the environment", "environments: read")
    if found is not None and KEY in (found.secrets or ()):
        return Part(name, Seen.RIGHT, f"the environment {ENVIRONMENT} holds it")
    step = f"gh secret set {KEY} --repo {facts.slug} --env {ENVIRONMENT} < app.private-key.pem"
    return Part(name, Seen.WRONG, f"the environment {ENVIRONMENT} does not hold it", (step,))


def _repository_secret(facts: Facts) -> Part:
    name, found = "repository secrets", facts.protection.secrets
    if found is None:
        return _unseen(name, "the repository's secrets", "secrets: read")
    if KEY not in found:
        return Part(name, Seen.RIGHT, f"{KEY} is not among them")
    steps = (
        f"gh secret delete {KEY} --repo {facts.slug}",
        "make a new key for the App and delete the old one: whoever could push a branch could read it",
    )
    return Part(name, Seen.WRONG, f"{KEY} is among them: workflows of every branch may read it", steps)


def _standing_by(facts: Facts) -> frozenset[str]:
    """Return the workflows that do nothing where the App is set up: they say so themselves."""
    variables = dict(facts.protection.variables or ())
    return frozenset({"coord-simple.yml"}) if variables.get(APP) else frozenset()


def _variable(facts: Facts) -> Part:
    name, variables = f"variable {APP}", facts.protection.variables
    if variables is None:
        return _unseen(name, "the repository's variables", "variables: read")
    value = dict(variables).get(APP, "")
    if value:
        return Part(name, Seen.RIGHT, value)
    step = f"gh variable set {APP} --repo {facts.slug} --body ID      (the App's id, on its settings page)"
    return Part(name, Seen.WRONG, "it is not set", (step,))


# -- what workflows may do by themselves ---------------------------------------------------------------------------


def _token_default(facts: Facts) -> Part:
    name, right = "default token right", facts.protection.token_default
    if right is None:
        return _unseen(name, "what a workflow's token may do by itself", "administration: read")
    if right == "read":
        return Part(name, Seen.RIGHT, "read")
    path = f"repos/{facts.slug}/actions/permissions/workflow"
    step = f"gh api -X PUT {path} -f default_workflow_permissions=read"
    return Part(name, Seen.WRONG, f"{right}: every workflow that asks for nothing gets it", (step,))


def _drafts(facts: Facts) -> Iterator[Part]:
    if facts.drafts and facts.protection.may_approve is False:
        now = "workflows may not open pull requests here: an issue tells of a blocked branch that has none"
        path = f"repos/{facts.slug}/actions/permissions/workflow"
        steps = (
            f"gh api -X PUT {path} -F can_approve_pull_request_reviews=true",
            'or say so in .coord.toml: [github] blocked = "issue"',
        )
        yield Part("drafts", Seen.NOTE, now, steps)


def _approvers(facts: Facts) -> Iterator[Part]:
    if facts.approvers is Approvers.WRITE:
        now = "everybody with write access may approve changes of protected paths, an agent's account too"
        step = 'where agents push with accounts of persons: .coord.toml, [github] approvers = "maintain"'
        yield Part("approvers", Seen.NOTE, now, (step,))
