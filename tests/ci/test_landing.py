"""Runs of coord-land, played job by job: what lands, who is blamed, what people are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from coord.core.ciplan import decode_plan, encode_plan
from coord.core.leg import VALIDATE
from coord.core.request import Ask, Request, encode_request
from tests.ci.conftest import WORKERS, Make
from tests.ci.jobs import Site, Verb
from tests.world import CHECK, CHECK_SH, task_text

#: A minute and a half on one core: run by make long, and by CI.
pytestmark = pytest.mark.long


def _merged(here: Site, number: int) -> bool:
    return bool(here.rest.state.tickets[number].merged_at)


def test_a_green_branch_lands_and_its_pull_request_is_merged(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a", {"src/a.txt": "new\n"}, "add a")
    number = here.pull("feat/a")

    started = here.run()

    assert here.world.picture() == (
        "main: Merge branch 'feat/a' < seed\n"
        "tasks: a completed\n"
        "branches: none\n"
        "verdicts: none"
    )  # fmt: skip
    assert _merged(here, number)
    assert started == []
    commit = here.world.ref("refs/heads/main")
    assert here.status(tip) == ("success", f"landed in {commit[:7]}")
    assert here.comments("feat/a") == []


def test_what_was_published_is_the_very_commit_that_the_leg_validated(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    validated: list[str] = []
    here.between["gate"] = lambda: validated.extend(job.name for job in here.rest.state.runs[here.runs].jobs)

    here.run()

    assert [name.split()[1].rstrip(":") for name in validated] == [here.world.ref("refs/heads/main")]


def test_a_gate_that_sees_the_commit_is_believed_for_that_commit(make: Make) -> None:
    """With ``git = true`` the key is the commit, so the same trials must be made again to the last bit."""
    here = make("a", "b", config=WORKERS.replace("toolchain = []", "toolchain = []\ngit = true"))
    here.push("feat/a")
    here.push("feat/b")

    assert here.run() == []

    assert here.world.branches() == []


def test_three_branches_land_in_one_run_and_in_one_push(make: Make) -> None:
    here = make("a", "b", "c")
    for name in "abc":
        here.push(f"feat/{name}")

    started = here.run()

    assert here.world.branches() == []
    assert here.world.picture().split("\n")[0] == (
        "main: Merge branch 'feat/c' < Merge branch 'feat/b' < Merge branch 'feat/a' < seed"
    )
    assert started == []
    pushes = [
        a for a in here.rest.state.activity if a.ref == "refs/heads/main" and a.actor == "coord-app[bot]"
    ]
    assert len(pushes) == 1


def test_a_red_leg_is_told_from_a_green_one_and_blamed_alone(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.push("feat/b")
    here.pull("feat/a")

    here.drain()

    assert here.world.branches() == ["feat/a"]
    assert here.world.show("tasks/a.md").count("status: blocked") == 1
    assert here.world.show("tasks/b.md").count("status: completed") == 1
    (comment,) = here.comments("feat/a")
    assert "sh check.sh failed" in comment.replace("\\", "")
    assert "error: something is BROKEN" in comment
    assert "git merge origin/main" in comment
    assert "/coord retry" in comment
    tip = here.world.ref("refs/heads/feat/a")
    assert here.status(tip) == ("failure", "sh check.sh failed")


def test_the_comment_of_a_blocked_branch_says_when_it_has_landed_after_all(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.world.more("feat/a", {"src/a.txt": "whole\n"})

    here.drain()

    (comment,) = here.comments("feat/a")
    assert comment == (
        "### coord: `feat/a` has landed\n\n"
        f"It is on `main` with {here.world.ref('refs/heads/main')}. What was said here before is settled.\n"
    )


def test_a_conflict_says_who_brought_the_other_side(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", {"src/lib.txt": "one a\ntwo\n"}, "a")
    here.drain()
    here.push("feat/b", {"src/lib.txt": "one b\ntwo\n"}, "b", start="HEAD~1")
    here.pull("feat/b")

    here.drain()

    (comment,) = here.comments("feat/b")
    assert "Conflicted paths, the other side came with `a`:" in comment
    assert "- `src/lib.txt`" in comment
    assert here.status(here.world.ref("refs/heads/feat/b")) == ("failure", "conflict in src/lib.txt with a")


def test_an_agents_safe_exit_is_told_with_its_four_facts(make: Make) -> None:
    here = make("a")
    here.push(
        "feat/a",
        {"src/a.txt": "half\n"},
        "stuck\n\nCoord-Status: blocked\nCoord-Reason: the key is missing\nCoord-Tried: env and vault\n"
        "Coord-Attempts: 3\nCoord-Suggestion: ask ops",
    )
    here.pull("feat/a")

    here.drain()

    (comment,) = here.comments("feat/a")
    for fact in ("the key is missing", "`env and vault`", "`3`", "`ask ops`", "/coord unblock"):
        assert fact in comment


def test_main_that_fails_is_blamed_on_nobody(make: Make) -> None:
    here = make("a")
    here.by_alice({"check.sh": CHECK_SH + "exit 1\n"})
    here.push("feat/a")
    here.pull("feat/a")

    first = here.run()
    assert [json.loads(request)["ask"] for request in first] == ["prove-main"]
    assert here.run(request=first[0]) == []

    assert here.world.picture().endswith("branches: feat/a\nverdicts: none")
    assert here.comments("feat/a") == []
    tip = here.world.ref("refs/heads/feat/a")
    assert here.status(tip) is not None
    assert here.status(tip)[0] == "pending"  # type: ignore[index]


def test_a_failure_that_also_shows_beside_main_is_blamed_once_main_passes_by_itself(make: Make) -> None:
    """The code under test may have made main fail beside it; on a machine of its own main passes."""
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.bends = lambda steps: [
        (name, "failure" if name == "Validate main beside it" else how) for name, how in steps
    ]

    first = here.run()
    assert "verdicts: none" in here.world.picture()
    here.run(request=first[0])

    assert "status: blocked" in here.world.show("tasks/a.md")


def test_a_job_that_could_not_run_is_no_verdict_and_starts_nothing(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")
    here.bends = lambda steps: [("Check main out", "failure"), (VALIDATE, "skipped")]
    here.concludes = "failure"

    assert here.run() == []

    assert here.world.picture().endswith("branches: feat/a\nverdicts: none")
    here.bends = here.concludes = None
    assert here.run() == []
    assert here.world.branches() == []


def test_a_gate_that_makes_another_trial_blames_nobody(make: Make) -> None:
    """Another version of git on the gate's machine, say: main passes there, and the branch was never judged."""
    here = make("a")
    here.push("feat/a")
    job = here.job

    def elsewhere(verb: str, **given: str) -> Verb:
        leg = json.loads(given.get("COORD_LEG", "{}"))
        if verb == "gate" and "COORD_BESIDE" not in given:
            given["COORD_LEG"] = json.dumps({**leg, "at": leg["at"] + 1})
        return job(verb, **given)

    here.job = elsewhere  # type: ignore[method-assign]

    assert here.run() == []

    assert here.world.picture().endswith("branches: feat/a\nverdicts: none")


def test_main_moved_by_a_person_during_the_gate_is_landed_on_by_the_next_run(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.between["gate"] = lambda: here.by_alice({"src/other.txt": "by hand\n"})

    started = here.run()

    assert [json.loads(request)["ask"] for request in started] == ["land"]
    assert here.world.branches() == ["feat/a"]
    here.run(request=started[0])
    assert here.world.branches() == []
    assert here.world.show("src/other.txt") == "by hand"


def test_main_moved_in_its_task_folder_only_takes_nothing_from_what_was_validated(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a")
    here.between["gate"] = lambda: here.by_alice({"tasks/b.md": None})

    here.run()

    assert here.world.branches() == []


def test_a_branch_that_moved_during_the_gate_is_validated_anew(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.between["gate"] = lambda: here.world.more("feat/a", {"src/a.txt": "BROKEN\n"})

    started = here.run()

    assert here.world.branches() == ["feat/a"]
    assert "verdicts: none" in here.world.picture()
    here.run(request=started[0])
    assert "status: blocked" in here.world.show("tasks/a.md")


def test_a_plan_whose_trial_is_another_one_is_not_believed(make: Make) -> None:
    """Conclusions are believed for what the same values make here, not for what a plan calls it."""
    here = make("a", "b")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.push("feat/b")
    plan = here.job("plan")
    here.rest.begin_run(
        here.runs, "coord-land.yml", "schedule", branch="main", commit=here.world.ref("refs/heads/main")
    )
    planned = decode_plan(plan.outputs["plan"])
    assert planned is not None
    red, green = planned.legs[0], planned.legs[1]
    forged = replace(planned, legs=(replace(red, trial=green.trial),))
    here.rest.put_job(here.runs, green.name, conclusion="success", steps=[(VALIDATE, "success")])
    plan.outputs["plan"] = encode_plan(forged)

    ended = here.land(plan)

    assert "not believed" in ended.text
    assert here.world.branches() == ["feat/a", "feat/b"]


def test_a_try_validates_and_publishes_nothing(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a", {"src/a.txt": "BROKEN\n"}, "wip\n\nCoord-Status: working")
    request = encode_request(Request(Ask.TRY, ("a",), tip=tip))

    assert here.run(request=request) == []

    assert "verdicts: none" in here.world.picture()
    assert here.world.branches() == ["feat/a"]


def test_the_sweep_takes_up_a_branch_that_landed_and_was_left(make: Make) -> None:
    """A run that is killed after its push leaves the branch; GitHub may also be slow to show the merge."""
    here = make("a")
    here.push("feat/a")
    number = here.pull("feat/a")
    here.rest.state.merged_after = 1000
    here.impatient()

    here.run()
    assert here.world.branches() == ["feat/a"]
    assert "a completed" in here.world.picture()

    here.rest.state.tickets[number].polls = 0
    here.run()
    assert here.world.branches() == []
    assert _merged(here, number)


def test_a_pull_request_onto_a_branch_that_goes_is_pointed_at_main(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a")
    here.pull("feat/a")
    here.push("feat/b", message="on a\n\nCoord-Status: working", start="feat/a")
    stacked = here.pull("feat/b", base="feat/a")

    here.run()

    ticket = here.rest.state.tickets[stacked]
    assert (ticket.base, ticket.state) == ("main", "open")


def test_main_may_have_any_name(make: Make) -> None:
    """A job's clone has no origin/HEAD: the workflow says what main is called."""
    here = make("a")
    here.push("feat/a")
    here.world.git("branch", "-m", "main", "trunk", at=here.world.origin)
    here.main = "trunk"

    plan = here.job("plan")

    assert plan.code == 0, plan.text
    assert [leg["name"].partition(": ")[2] for leg in json.loads(plan.outputs["legs"])] == ["main + feat/a"]


def test_a_branch_that_cannot_be_tried_starts_no_run_after_the_other(make: Make) -> None:
    """What a run finds out about branches (a task file that nobody can splice) is not what moved."""
    here = make("a", "b")
    task = task_text("b").replace("status: pending", "status: &why pending")
    here.by_alice({"check.sh": CHECK_SH + "exit 1\n", "tasks/b.md": task})
    here.push("feat/a")
    here.push("feat/b")

    assert here.drain() == 2


@pytest.mark.parametrize("config", [CHECK, WORKERS])
def test_a_branch_whose_job_never_gives_an_answer_keeps_no_other_waiting(make: Make, config: str) -> None:
    """Its code takes the whole machine down, say: that is no verdict, and no reason for the others to wait."""
    here = make("a", "b", "c", config=config)
    for name in "abc":
        here.push(f"feat/{name}")
    put = here.rest.put_job

    def put_job(run: int, name: str, **more: Any) -> None:
        if "feat/a" in name:
            more |= {"conclusion": "cancelled", "steps": [("Set up job", "success"), (VALIDATE, "cancelled")]}
        put(run, name, **more)

    here.rest.put_job = put_job  # type: ignore[method-assign]

    here.drain()

    assert here.world.branches() == ["feat/a"]
    assert "verdicts: none" in here.world.picture()


def test_machines_that_fail_before_they_come_to_a_branch_start_nothing(make: Make) -> None:
    here = make("a", "b", config=CHECK)
    here.push("feat/a")
    here.push("feat/b")
    here.bends = lambda steps: [("Check main out", "failure"), (VALIDATE, "skipped")]
    here.concludes = "failure"

    assert here.run() == []


def test_a_pull_request_onto_a_branch_that_was_merged_by_hand_is_pointed_at_main(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a")
    here.push("feat/b", message="on a\n\nCoord-Status: working", start="feat/a")
    stacked = here.pull("feat/b", base="feat/a")
    here.merge_by_alice("feat/a")

    here.drain()

    ticket = here.rest.state.tickets[stacked]
    assert (ticket.base, ticket.state) == ("main", "open")
    assert here.world.branches() == ["feat/b"]


def test_a_branch_that_is_to_be_merged_elsewhere_too_stays_and_nobody_waits_for_that(make: Make) -> None:
    here = make("a")
    here.world.git("push", "-q", "origin", "origin/main:refs/heads/release", at=here.world.desk)
    here.push("feat/a")
    number = here.pull("feat/a")
    other = here.pull("feat/a", base="release")

    here.run()

    assert _merged(here, number)
    asked = [path for method, path, _ in here.rest.requests if method == "GET"]
    assert not any(path.endswith(f"/pulls/{other}") for path in asked)
    assert here.rest.state.tickets[other].state == "open"
    assert "feat/a" in here.world.branches()


def test_a_pull_request_that_cannot_be_pointed_at_main_keeps_its_base_alone(make: Make) -> None:
    here = make("a", "b", "c")
    here.push("feat/a")
    here.push("feat/c")
    here.push("feat/b", message="on a\n\nCoord-Status: working", start="feat/a")
    here.pull("feat/b", base="feat/a")
    here.rest.fail_next("PATCH", r"/pulls/", 422, times=9)

    here.run()

    assert here.world.branches() == ["feat/a", "feat/b"]
