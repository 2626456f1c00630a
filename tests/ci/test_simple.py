"""One job that plans, gates, lands and reports; the audit; and a desk with a token: the same engine, the same words."""

from __future__ import annotations

import json
from pathlib import Path

from coord.core.request import Ask, Request, encode_request
from tests.ci.conftest import Make
from tests.ci.jobs import FILES, Site


def _open(here: Site) -> None:
    """In the simple mode main is not protected from the job's token."""
    here.server.only.clear()


def test_the_simple_job_lands_blocks_and_tells(make: Make) -> None:
    here = make("a", "b")
    _open(here)
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.push("feat/b")
    here.pull("feat/a")
    number = here.pull("feat/b")

    ended = here.job("simple")

    assert ended.code == 0, ended.text
    assert here.world.branches() == ["feat/a"]
    assert here.rest.state.tickets[number].merged_at
    (comment,) = here.comments("feat/a")
    assert "something is BROKEN" in comment
    assert {o["task"]: o["outcome"] for o in json.loads(ended.outputs["report"])["outcomes"]} == {
        "a": "gate-failed",
        "b": "landed",
    }
    assert "| `feat/b` | landed |" in ended.summary


def test_a_try_in_the_simple_job_publishes_nothing(make: Make) -> None:
    here = make("a")
    _open(here)
    tip = here.push("feat/a", {"src/a.txt": "BROKEN\n"}, "wip\n\nCoord-Status: working")

    ended = here.job("simple", COORD_REQUEST=encode_request(Request(Ask.TRY, ("a",), tip=tip)))

    assert ended.code == 0, ended.text
    assert json.loads(ended.outputs["report"])["legs"] == [["main + feat/a", "sh check.sh failed"]]
    assert here.world.branches() == ["feat/a"]


def test_a_dry_run_of_the_simple_job_only_looks(make: Make) -> None:
    here = make("a")
    _open(here)
    here.push("feat/a")

    ended = here.job("simple", COORD_DRY_RUN="true")

    assert ended.code == 0, ended.text
    assert here.world.branches() == ["feat/a"]
    assert "| `feat/a` | in the queue |" in ended.summary


def test_a_try_that_cannot_be_made_says_why(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", {"src/lib.txt": "a\n"})
    here.drain()
    here.push("feat/b", {"src/lib.txt": "b\n"}, start="HEAD~1")
    here.pull("feat/b")
    here.say("feat/b", "/coord try")

    here.drain_asked()

    (answer,) = [c for c in here.comments("feat/b") if c.startswith("Not tried")]
    assert "it conflicts with main with a in src/lib.txt" in answer.replace("\\", "")


def test_the_audit_keeps_one_issue_and_closes_it_when_nothing_is_wrong(make: Make) -> None:
    here = make("a")
    here.by_alice({"tasks/b.md": "---\nid: b\nname: b\nstatus: pending\ndepends_on: [gone]\n---\n"})

    assert here.job("audit").code == 0
    assert here.job("audit").code == 0
    (issue,) = here.rest.state.tickets.values()
    assert issue.state == "open"
    assert "`tasks/b.md:5`" in issue.body
    assert "gone" in issue.body

    here.by_alice({"tasks/b.md": None})
    ended = here.job("audit")
    assert issue.state == "closed", issue.body
    assert "Nothing is wrong" in ended.summary


def test_the_audit_hands_on_pages_and_does_without_them_where_they_cannot_be_made(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.drain()

    told = here.job("audit")
    pages = Path(told.outputs["pages"])
    assert sorted(path.name for path in pages.iterdir()) == ["coord-dashboard.html", "coord-review.html"]
    assert "# After-action review" in told.summary
    assert "`a`" in told.summary

    nowhere = here.job("audit", RUNNER_TEMP=str(pages / "coord-review.html"))
    assert nowhere.code == 0
    assert "pages" not in nowhere.outputs


def test_a_desk_with_a_token_lands_as_the_workflow_does(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.push("feat/b")
    here.pull("feat/a")
    number = here.pull("feat/b")

    landed = here.desk("land", "--json")

    assert landed.code == 0, landed.err
    assert landed.outcome("b")["outcome"] == "landed"
    assert here.rest.state.tickets[number].merged_at
    assert here.world.branches() == ["feat/a"]
    assert here.status(here.world.ref("refs/heads/feat/a")) == ("failure", "sh check.sh failed")


def test_the_one_comment_is_the_workflows_whoever_lands(make: Make) -> None:
    """A person cannot change the workflow's comment, nor the workflow his: two would contradict each other."""
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.desk("land")
    here.drain()

    here.desk("land")

    (comment,) = here.comments("feat/a")
    assert "is blocked" in comment


def test_a_desk_comments_where_no_workflow_does(make: Make) -> None:
    here = make("a")
    here.by_alice(dict.fromkeys(FILES))
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")

    here.desk("land")

    assert len(here.comments("feat/a")) == 1


def test_a_desk_without_a_token_leaves_the_branch_to_the_next_run(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    number = here.pull("feat/a")

    landed = here.desk("land", "--json", token=False)
    assert landed.outcome("a")["outcome"] == "landed"
    assert here.world.branches() == ["feat/a"]

    here.desk("land", token=False)
    assert here.world.branches() == []
    assert here.rest.state.tickets[number].merged_at


def test_a_desk_that_cannot_tell_has_landed_all_the_same(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.rest.fail_next("POST", r"/statuses/", 403, times=9)

    landed = here.desk("land")

    assert landed.code == 0
    assert "could not be told on the forge" in landed.err
    assert here.world.branches() == []


def test_a_try_of_a_branch_that_moved_on_is_answered_in_the_simple_job_too(make: Make) -> None:
    here = make("a")
    _open(here)
    working = "wip\n\nCoord-Status: working"
    here.push("feat/a", message=working)
    here.pull("feat/a")
    here.say("feat/a", "/coord try")
    asked = here.rest.state.dispatches[-1].inputs["request"]
    here.world.more("feat/a", {"src/b.txt": "more\n"}, working)

    ended = here.job("simple", COORD_REQUEST=asked)

    assert ended.code == 0, ended.text
    assert "moved on since it was asked for" in here.comments("feat/a")[-1].replace("\\", "")
