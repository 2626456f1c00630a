"""What GitHub tells of workflow runs and of how the repository is protected."""

from __future__ import annotations

import pytest

from coord.errors import RefusedError
from coord.forges.base import Environment, Protection, Rule
from tests.forges.place import Place
from tests.world.github.rest.state import Ruleset, Setting

# -- workflows ---------------------------------------------------------------------------------------------------------


def test_a_workflow_is_dispatched(place: Place) -> None:
    place.forge(place.job(actions="write")).dispatch("coord-land.yml", "main", {"branch": "feat/a"})
    (made,) = place.rest.state.dispatches
    assert (made.workflow, made.ref, made.inputs) == ("coord-land.yml", "main", {"branch": "feat/a"})
    assert made.token.kind == "job"


def test_a_dispatch_that_is_not_possible_is_told_in_githubs_words(place: Place) -> None:
    with pytest.raises(RefusedError, match="Unexpected inputs provided"):
        place.forge(place.user()).dispatch("coord-land.yml", "main", {"brunch": "x"})


def test_jobs_are_told_while_the_run_goes_on(place: Place) -> None:
    tip = place.push("feat/a")
    run = place.rest.begin_run(9, "coord-land", "schedule", branch="main", commit=tip)
    steps = [("Validate", "failure"), ("Validate main beside it", "success")]
    place.rest.put_job(9, "leg old", conclusion="success")
    run.attempt = 2
    red = place.rest.put_job(9, "leg a", conclusion="failure", steps=steps, log="first\nlast\n")
    place.rest.put_job(9, "leg b", steps=[("Validate", None)])
    forge = place.forge(place.job(actions="read"))
    jobs = forge.jobs(9, 2)
    assert [(job.name, job.conclusion) for job in jobs] == [("leg a", "failure"), ("leg b", "")]
    assert [(step.name, step.conclusion) for step in jobs[0].steps] == steps
    assert [job.name for job in forge.jobs(9, 1)] == ["leg old"]
    assert forge.log(red.id) == "first\nlast\n"


def test_a_log_that_is_not_to_be_had_is_empty(place: Place) -> None:
    place.rest.begin_run(9, "coord-land", "schedule", branch="main", commit=place.push("feat/a"))
    gone = place.rest.put_job(9, "leg a", conclusion="failure", log=None)
    running = place.rest.put_job(9, "leg b")
    forge = place.forge(place.user())
    assert [forge.log(number) for number in (gone.id, running.id, 999)] == ["", "", ""]


def test_of_a_long_log_the_end_is_kept(place: Place) -> None:
    place.rest.begin_run(9, "coord-land", "schedule", branch="main", commit=place.push("feat/a"))
    job = place.rest.put_job(9, "leg a", conclusion="failure", log="first\n" + "x" * 6_000_000 + "\nlast\n")
    log = place.forge(place.user()).log(job.id)
    assert log.endswith("\nlast\n")
    assert "first" not in log


# -- protection --------------------------------------------------------------------------------------------------------


def _protect(place: Place) -> None:
    state = place.rest.state
    bypass = [("Integration", 77, "always"), ("RepositoryRole", 5, "pull_request")]
    state.rulesets.append(Ruleset(5, "coord main", ["update", "non_fast_forward"], bypass))
    state.rulesets.append(Ruleset(6, "off", ["deletion"], enforcement="disabled"))
    state.environments["coord"] = Setting(("main", "tag:v*"), reviewers=True, secrets=("COORD_APP_KEY",))
    state.environments["open"] = Setting()
    state.environments["kept"] = Setting("protected")
    state.secrets = ("OLD",)


def test_an_admin_sees_how_the_repository_is_protected(place: Place) -> None:
    _protect(place)
    place.rest.state.protected["main"] = {
        "required_pull_request_reviews": {
            "url": place.rest.url,
            "dismiss_stale_reviews": False,
            "require_code_owner_reviews": False,
        }
    }
    bypass = ("Integration 77", "RepositoryRole admin pull_request")
    assert place.forge(place.user()).protection("main") == Protection(
        rules=(
            Rule("update", "coord main", bypass),
            Rule("non_fast_forward", "coord main", bypass),
            Rule("pull_request", "branch protection", ("RepositoryRole admin",)),
            Rule("non_fast_forward", "branch protection", ("RepositoryRole admin",)),
        ),
        environments=(
            Environment("coord", ("main", ":tag v*"), True, ("COORD_APP_KEY",)),
            Environment("open", None, False, ()),
            Environment("kept", (":protected",), False, ()),
        ),
        token_default="read",
        may_approve=False,
        secrets=("OLD",),
        public=False,
    )


def test_a_job_sees_what_it_may(place: Place) -> None:
    _protect(place)
    seen = place.forge(place.job(contents="read")).protection("main")
    assert seen.rules == (
        Rule("update", "coord main", None),
        Rule("non_fast_forward", "coord main", None),
    )
    assert (seen.environments, seen.secrets, seen.token_default, seen.may_approve) == (None,) * 4


def test_an_app_says_which_one_it_is(place: Place) -> None:
    seen = place.app_forge().protection("main")
    assert (seen.app, seen.app_id) == ("coord-app", 77)
