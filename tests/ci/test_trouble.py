"""GitHub out of order, and runs that die: nothing is lost, nothing is said twice, main is never wrong."""

from __future__ import annotations

import pytest

from tests.ci.conftest import Make
from tests.world.github.rest.trouble import Troubles

#: Half a minute in all: run by make long, and by CI.
pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("status", "headers"),
    [(500, {}), (429, {"retry-after": "1"})],
)
def test_what_passes_by_itself_is_waited_for(make: Make, status: int, headers: dict[str, str]) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.rest.fail_next("POST", r"/comments$", status, headers=headers)

    here.drain()

    assert len(here.comments("feat/a")) == 1


def test_a_comment_whose_answer_was_lost_is_not_made_twice(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.rest.reset_next("POST", r"/comments$", after=True)

    here.drain()

    assert len(here.comments("feat/a")) == 1


@pytest.mark.parametrize("status", [403, 422])
def test_a_refused_word_keeps_nothing_else_from_being_told(make: Make, status: int) -> None:
    here = make("a", "b")
    tips = [here.push(f"feat/{name}", {f"src/{name}.txt": "BROKEN\n"}) for name in "ab"]
    for name in "ab":
        here.pull(f"feat/{name}")
    here.drain()
    before = [here.comments(f"feat/{name}") for name in "ab"]
    here.world.more("feat/a", {"src/a.txt": "BROKEN more\n"})
    here.rest.fail_next("PATCH", r"/issues/comments/", status)

    here.drain()
    here.drain()

    after = [here.comments(f"feat/{name}") for name in "ab"]
    assert after[1] == before[1]
    assert after[0] != before[0], "the next run says what this one could not"
    assert here.status(tips[1]) == ("failure", "sh check.sh failed")


def test_a_slow_forge_is_only_slow(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    here.rest.slow_next("GET", r"/pulls$", 0.5, times=3)

    here.drain()

    assert here.world.branches() == []


def test_a_land_job_that_may_not_read_the_legs_lands_nothing_and_says_why(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.rest.fail_next("GET", r"/jobs$", 403, times=9, message="Resource not accessible by integration")

    ended = here.run_until_land()

    assert ended.code == 8
    assert "Resource not accessible" in ended.text
    assert here.world.branches() == ["feat/a"]
    here.rest.troubles = Troubles()
    here.drain()
    assert here.world.branches() == []


def test_a_push_that_is_refused_is_told_with_the_servers_words(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    here.server.protect("refs/heads/main", "alice")

    ended = here.run_until_land()

    assert ended.code == 8
    assert here.world.branches() == ["feat/a"]
    assert "verdicts: none" in here.world.picture()


def test_a_land_job_killed_while_it_reads_the_legs_converges_with_the_next(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.rest.slow_next("GET", r"/jobs$", 5)

    here.kill_land(lambda: any(path.endswith("/jobs") for _, path, _ in here.rest.requests))
    here.drain()

    assert "main: Merge branch 'feat/a' < seed" in here.world.picture()


def test_a_land_job_killed_right_after_its_push_converges_with_the_next(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    number = here.pull("feat/a")
    before = here.world.ref("refs/heads/main")

    here.kill_land(lambda: here.world.ref("refs/heads/main") != before)
    here.drain()

    assert here.world.picture() == (
        "main: Merge branch 'feat/a' < seed\n"
        "tasks: a completed\n"
        "branches: none\n"
        "verdicts: none"
    )  # fmt: skip
    assert here.rest.state.tickets[number].merged_at


def test_a_forge_that_cannot_be_asked_after_the_push_leaves_the_branch_to_the_next_run(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    here.rest.state.merged_after = 1
    here.rest.fail_next("GET", r"/pulls/\d+$", 403, message="Resource not accessible by integration")

    assert here.run_until_land().code == 0

    assert "a completed" in here.world.picture()
    assert here.world.branches() == ["feat/a"]
    here.drain()
    assert here.world.branches() == []


def test_a_key_that_did_not_reach_the_job_is_named_and_not_a_right_of_its_token(make: Make) -> None:
    here = make("a")
    plan = here.job("plan")

    ended = here.job("land", COORD_PLAN=plan.outputs["plan"], COORD_APP_ID="77")

    assert ended.code == 8
    assert "COORD_APP_KEY did not reach this job" in ended.text
    assert "the secret COORD_APP_KEY of the environment coord" in ended.text
    assert "the token needs one of these rights" not in ended.text
