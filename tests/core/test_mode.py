"""How far a repository on GitHub is set up: every hole is named, and what is not seen is never called right."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from coord.core.mode import Facts, Mode, Part, Seen, is_complete, mode_of, parts_of
from coord.core.protection import Environment, Protection, Rule
from coord.core.settings import Approvers

APP, OTHER = "Integration 77", "Integration 78"
FILES = ("coord-wake.yml", "coord-land.yml", "coord-command.yml", "coord-audit.yml")
SIMPLE = ("coord-simple.yml", "coord-command.yml", "coord-audit.yml")
RULES = tuple(Rule(kind, "coord", (APP,)) for kind in ("update", "deletion", "non_fast_forward"))
ENVIRONMENT = Environment("coord", ("main",), secrets=("COORD_APP_KEY",))
WHOLE = Protection(
    rules=RULES,
    environments=(Environment("docs", None), ENVIRONMENT),
    token_default="read",
    may_approve=True,
    secrets=("OTHER",),
    public=False,
    variables=(("COORD_APP_ID", "77"),),
)
BLIND = replace(
    WHOLE, rules=None, environments=None, token_default=None, may_approve=None, secrets=None, variables=None
)


def _facts(protection: Protection = WHOLE, **more: Any) -> Facts:
    here: dict[str, Any] = {"workflows": frozenset(FILES), "wanted": FILES}
    return Facts("main", "https://github.com/acme/demo", "acme/demo", protection, **(here | more))


def _simple(protection: Protection, **more: Any) -> Facts:
    return _facts(protection, **({"workflows": frozenset(SIMPLE), "wanted": SIMPLE} | more))


def _ruled(*rules: Rule) -> Facts:
    return _facts(replace(WHOLE, rules=rules))


def _bypass(*actors: str) -> Facts:
    return _ruled(replace(RULES[0], bypass=actors), *RULES[1:])


def _in(*branches: str, **more: Any) -> Facts:
    return _facts(replace(WHOLE, environments=(replace(ENVIRONMENT, branches=branches, **more),)))


def _bad(facts: Facts) -> list[Part]:
    return [part for part in parts_of(facts) if part.seen is not Seen.RIGHT]


def test_a_hardened_repository_lacks_nothing() -> None:
    assert _bad(_facts()) == []
    assert is_complete(parts_of(_facts()))


def test_the_simple_workflow_stands_by_where_the_app_is_set_up() -> None:
    assert _bad(_facts(workflows=frozenset({*FILES, "coord-simple.yml"}))) == []


def test_a_simple_repository_lacks_nothing_and_is_told_what_it_trusts() -> None:
    facts = _simple(replace(WHOLE, rules=(Rule("deletion", "old", ()),)))
    assert [(part.name, part.seen) for part in _bad(facts)] == [("trust", Seen.NOTE)]
    assert is_complete(parts_of(facts))


@pytest.mark.parametrize(
    ("workflows", "mode"),
    [((), Mode.NONE), (("coord-audit.yml",), Mode.NONE), (SIMPLE, Mode.SIMPLE), (FILES, Mode.HARDENED),
     ((*SIMPLE, *FILES), Mode.HARDENED)],
)  # fmt: skip
def test_the_workflows_on_main_make_the_mode(workflows: tuple[str, ...], mode: Mode) -> None:
    assert mode_of(frozenset(workflows)) is mode


WRONG = [
    (_facts(workflows=frozenset(), wanted=()), "workflows", "no workflow of coord's is on main"),
    (_facts(workflows=frozenset(FILES) - {"coord-wake.yml"}), "workflows", "coord-wake.yml is not there"),
    (_facts(stale=frozenset({"coord-land.yml"})), "workflows", "coord-land.yml is not what coord renders"),
    (
        _facts(replace(WHOLE, variables=()), workflows=frozenset({*FILES, "coord-simple.yml"})),
        "workflows",
        "belongs to the other mode",
    ),
    (_ruled(*RULES[1:]), "updates", "whoever may push branches may"),
    (_bypass(), "updates", "nobody may push main, App 77 neither"),
    (_bypass(f"{APP} pull_request"), "updates", "nobody may push main, App 77 neither"),
    (_bypass(APP, "RepositoryRole admin"), "updates", "a hole: the role admin may push main too"),
    (_bypass(APP, "OrganizationAdmin pull_request"), "updates", "OrganizationAdmin (by pull request)"),
    (_bypass(APP, "DeployKey"), "updates", "a hole: DeployKey"),
    (_bypass(APP, OTHER), "updates", "a hole: App 78"),
    (_bypass(OTHER), "updates", "a hole: App 78"),
    (_ruled(*RULES, Rule("update", "second", ())), "updates", "nobody may push main"),
    (_ruled(*RULES, Rule("pull_request", "review", ("RepositoryRole admin",))), "other rules", "of 'review'"),
    (_ruled(*RULES, Rule("pull_request", "review", ("Integration 770",))), "other rules", "of 'review'"),
    (_ruled(RULES[0], RULES[2]), "deletion", "no rule refuses the deletion of main"),
    (_ruled(*RULES[:2]), "non-fast-forward", "takes commits away from main"),
    (_facts(replace(WHOLE, environments=())), "environment coord", "not there"),
    (_in(":protected"), "environment coord", "every protected branch may use it"),
    (_in("main", "feat/*"), "environment coord", "main, feat/* may use it"),
    (_in(":tag v*", "main"), "environment coord", "the tags v*"),
    (_in(), "environment coord", "no branch may use it"),
    (_in("main", secrets=("OTHER",)), "secret COORD_APP_KEY", "does not hold it"),
    (_facts(replace(WHOLE, secrets=("COORD_APP_KEY",))), "repository secrets", "every branch may read it"),
    (_facts(replace(WHOLE, variables=())), "variable COORD_APP_ID", "not set"),
    (_facts(replace(WHOLE, token_default="write")), "default token right", "write"),
    (_simple(WHOLE), "main", "update of 'coord'"),
]


@pytest.mark.parametrize(("facts", "part", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_steps_that_mend_it(facts: Facts, part: str, words: str) -> None:
    found = [each for each in _bad(facts) if each.seen is Seen.WRONG]
    assert part in [each.name for each in found]
    told = next(each for each in found if each.name == part)
    assert words in told.now
    assert told.mend
    assert not is_complete(parts_of(facts))


def test_any_branch_may_use_an_environment_that_names_none() -> None:
    free = replace(ENVIRONMENT, branches=None)
    (part,) = _bad(_facts(replace(WHOLE, environments=(free,))))
    assert part.now == "workflows of every branch may use it"


def test_two_rulesets_leave_only_who_may_bypass_both() -> None:
    second = Rule("update", "second", (APP,))
    assert _bad(_ruled(replace(RULES[0], bypass=(APP, "RepositoryRole admin")), *RULES[1:], second)) == []


def test_an_app_that_the_rules_are_not_for_may_push() -> None:
    assert _bad(_bypass(f"{APP} exempt")) == []


def test_one_app_whose_id_nobody_tells_is_asked_about() -> None:
    facts = _facts(replace(WHOLE, variables=None))
    told = next(part for part in parts_of(facts) if part.name == "updates")
    assert told.now == "only App 77 may push main (is that the one of COORD_APP_ID?)"


def test_what_a_token_may_not_see_is_never_right() -> None:
    parts = parts_of(_facts(BLIND))
    assert {part.name for part in parts if part.seen is not Seen.UNSEEN} == {"workflows"}
    assert not is_complete(parts)


@pytest.mark.parametrize(
    "hidden", [each.name for each in fields(Protection) if getattr(BLIND, each.name) is None]
)
def test_each_thing_that_is_hidden_is_missed(hidden: str) -> None:
    """``may_approve`` alone decides nothing that has to be right."""
    parts = parts_of(_facts(replace(WHOLE, **{hidden: None})))
    assert is_complete(parts) == (hidden == "may_approve")


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        (_ruled(Rule("update", "coord", None), *RULES[1:]), "updates"),
        (_ruled(*RULES, Rule("update", "second", None)), "updates"),
        (_ruled(*RULES, Rule("required_signatures", "signed", None)), "other rules"),
        (_in(":unseen"), "environment coord"),
        (_in("main", secrets=None), "secret COORD_APP_KEY"),
        (_simple(BLIND), "main"),
    ],
)
def test_what_is_hidden_in_part_is_not_seen(facts: Facts, part: str) -> None:
    told = next(each for each in parts_of(facts) if each.name == part)
    assert told.seen is Seen.UNSEEN
    assert "not to be seen with this token" in told.now


def test_reviewers_drafts_and_approvers_are_good_to_know() -> None:
    reviewed = _in("main", reviewers=True)
    undrafted = _facts(replace(WHOLE, may_approve=False))
    assert [(part.name, part.seen) for part in _bad(reviewed)] == [("environment coord", Seen.NOTE)]
    assert [(part.name, part.seen) for part in _bad(undrafted)] == [("drafts", Seen.NOTE)]
    assert _bad(replace(undrafted, drafts=False)) == []
    open_to_all = replace(_facts(), approvers=Approvers.WRITE)
    assert [(part.name, part.seen) for part in _bad(open_to_all)] == [("approvers", Seen.NOTE)]


def test_a_name_of_main_is_one_word_of_a_command() -> None:
    facts = replace(_facts(replace(WHOLE, environments=())), main="it's")
    told = next(part for part in parts_of(facts) if part.name == "environment coord")
    assert told.mend[1].endswith("""-f name='it'"'"'s'""")
