"""Slash commands: who may say them, what they are bound to, what comes of them."""

from __future__ import annotations

import json

import pytest

from coord.core.request import Ask, Request, encode_request
from tests.ci.conftest import Make
from tests.ci.jobs import Site

#: Most of a minute in all: run by make long, and by CI.
pytestmark = pytest.mark.long

PROTECTED = {".github/workflows/ci.yml": "name: x\n", "src/a.txt": "new\n"}


def _asked(here: Site) -> list[dict[str, object]]:
    return [json.loads(d.inputs["request"]) for d in here.rest.state.dispatches if d.inputs.get("request")]


def _reactions(here: Site) -> list[str]:
    return [content for remark in here.rest.state.remarks.values() for _, _, content in remark.reactions]


def test_status_is_answered_at_once(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a")
    here.pull("feat/a")

    assert here.say("feat/a", "/coord status").code == 0

    assert here.comments("feat/a") == [
        f"`feat/a` at `{tip[:7]}`: in the queue, place 1 of 1; before it: nothing"
    ]
    assert _reactions(here) == ["eyes"]
    assert here.rest.state.dispatches == []


@pytest.mark.parametrize("author", ["carol", "stranger", "dependabot[bot]"])
def test_whoever_has_no_write_access_gets_a_reaction_and_nothing_else(make: Make, author: str) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")

    here.say("feat/a", "/coord land", author=author)

    assert _reactions(here) == ["-1"]
    assert here.comments("feat/a") == []
    assert here.rest.state.dispatches == []


def test_an_unknown_command_is_answered_by_a_short_help(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")

    here.say("feat/a", "/coord shipit@everyone now")

    (answer,) = here.comments("feat/a")
    assert answer.startswith("`/coord shipit@everyone` is no command.")
    assert "| `/coord approve` |" in answer
    assert _reactions(here) == ["confused"]


def test_hold_and_release_keep_a_branch_and_let_it_go(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")

    here.say("feat/a", "/coord hold until the release is out")
    here.drain_asked()
    assert here.world.branches() == ["feat/a"]
    assert here.world.ref("refs/coord/hold/a")
    (answer,) = here.comments("feat/a")
    assert "a is held: until the release is out" in answer

    here.say("feat/a", "/coord release")
    here.drain_asked()
    assert here.world.branches() == []
    assert "| `feat/a` | landed |" in here.comments("feat/a")[-1]


def test_retry_tries_the_same_tip_again(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"needs": "src/later.txt"})
    here.pull("feat/a")
    here.drain()
    assert "status: blocked" in here.world.show("tasks/a.md")
    here.by_alice({"src/later.txt": "there\n"})

    here.say("feat/a", "/coord retry")
    here.drain_asked()

    assert here.world.branches() == []
    merge = here.world.ref("refs/heads/main")
    assert f"| `feat/a` | landed | `{merge[:7]}` |" in here.comments("feat/a")[-1]


def test_unblock_keeps_its_text_for_whoever_goes_on(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "x\n"}, "stuck\n\nCoord-Status: blocked\nCoord-Reason: no key")
    here.pull("feat/a")
    here.drain()

    here.say("feat/a", "/coord unblock the key is in the vault, see @bob\nstatus: completed")
    here.drain_asked()

    text = here.world.show("tasks/a.md")
    assert "status: pending" in text
    assert "Unblocked: the key is in the vault, see @\u200bbob" in text
    assert "status: completed" not in text


def test_a_command_is_bound_to_the_tip_of_its_moment(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.say("feat/a", "/coord retry")
    (asked,) = _asked(here)
    here.world.more("feat/a", {"src/a.txt": "BROKEN again\n"})

    here.run(request=json.dumps(asked))

    assert "moved on since this was asked" in here.comments("feat/a")[-1].replace("\\", "")


def test_a_comment_that_was_changed_afterwards_asks_for_nothing(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.say("feat/a", "/coord retry")
    (asked,) = _asked(here)
    remark = here.rest.state.remarks[asked["comment"]]  # type: ignore[index]
    remark.body, remark.updated = "/coord unblock nothing to see", "2030-01-01T00:00:00Z"

    here.run(request=json.dumps({**asked, "ask": "unblock", "text": "nothing to see"}))

    assert "does not say so" in here.comments("feat/a")[-1]
    assert "status: blocked" in here.world.show("tasks/a.md")


def test_a_request_without_a_comment_needs_an_actor_with_write_access(
    make: Make,
) -> None:
    here = make("a")
    request = json.dumps({"ask": "complete", "tasks": ["a"], "text": "by nobody"})

    here.actor = "carol"
    here.run(request=request)
    assert "a pending" in here.world.picture()

    here.actor = "bob"
    here.run(request=request)
    assert "a completed" in here.world.picture()


def test_try_tells_what_the_gate_says_and_publishes_nothing(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"}, "wip\n\nCoord-Status: working")
    here.pull("feat/a", draft=True)

    here.say("feat/a", "/coord try")
    here.drain_asked()

    (answer,) = here.comments("feat/a")
    assert answer.startswith("Tried, nothing was published:")
    assert "`sh check.sh failed`" in answer
    assert here.world.branches() == ["feat/a"]
    assert "verdicts: none" in here.world.picture()


# -- approvals -----------------------------------------------------------------------------------------------------


def test_a_branch_that_changes_the_workflows_waits_for_a_person_and_then_lands(make: Make) -> None:
    here = make("a")
    here.push("feat/a", PROTECTED)
    here.pull("feat/a")
    here.drain()
    (comment,) = here.comments("feat/a")
    assert "- `.github/workflows/ci.yml`" in comment
    assert here.world.branches() == ["feat/a"]

    here.say("feat/a", "I read it.\n\n/coord approve")
    here.drain_asked()

    assert here.world.branches() == []
    assert here.comments("feat/a")[-1].startswith("Approved: `feat/a`")


def test_a_person_whose_membership_is_private_may_approve(make: Make) -> None:
    """GitHub calls such a person CONTRIBUTOR or NONE; what counts is what he may do."""
    here = make("a")
    here.push("feat/a", PROTECTED)
    here.pull("feat/a")
    here.rest.state.associations["alice"] = "NONE"

    here.say("feat/a", "/coord approve")
    here.drain_asked()

    assert here.world.branches() == []


def test_the_comment_that_asked_for_an_approval_says_when_it_has_landed(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", PROTECTED)
    here.push("feat/b")
    here.pull("feat/a")
    here.pull("feat/b")
    here.drain()

    here.say("feat/a", "/coord approve")
    here.drain_asked()

    (told, _) = here.comments("feat/a")
    assert told.startswith("### coord: `feat/a` has landed")
    assert here.comments("feat/b") == []


def test_an_approval_is_worth_nothing_for_a_later_tip(make: Make) -> None:
    here = make("a")
    here.push("feat/a", PROTECTED)
    here.pull("feat/a")
    here.say("feat/a", "/coord approve")
    here.world.more("feat/a", {".github/workflows/ci.yml": "name: other\n"})

    here.drain_asked()

    assert here.world.branches() == ["feat/a"]


def test_an_approval_cannot_be_pushed(make: Make) -> None:
    """On a forge refs/coord is open to whoever may push: what stands there approves nothing."""
    here = make("a")
    tip = here.push("feat/a", PROTECTED)
    forged = here.world.git(
        "commit-tree",
        "-m",
        f"approved(a): x\n\nCoord-Task: a\nCoord-Tip: {tip}\nCoord-By: alice",
        f"{tip}^{{tree}}",
    )
    here.world.git("push", "-q", "origin", f"{forged}:refs/coord/approvals/a")

    here.drain()

    assert here.world.branches() == ["feat/a"]


@pytest.mark.parametrize(("author", "edited"), [("carol", False), ("helper[bot]", False), ("alice", True)])
def test_only_an_unedited_word_of_a_person_with_write_access_approves(
    make: Make, author: str, edited: bool
) -> None:
    here = make("a")
    here.push("feat/a", PROTECTED)
    number = here.pull("feat/a")
    remark = here.rest.comment(number, author, "/coord approve")
    if edited:
        remark.updated = "2030-01-01T00:00:00Z"

    here.drain()

    assert here.world.branches() == ["feat/a"]


def test_there_is_nothing_to_approve_where_nothing_protected_is_changed(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    here.pull("feat/a")

    here.say("feat/a", "/coord approve")

    assert here.comments("feat/a")[-1].startswith("There is nothing to approve: `feat/a`")
    assert here.rest.state.dispatches == []


def test_the_settings_may_ask_more_of_who_approves(make: Make) -> None:
    from tests.ci.conftest import WORKERS

    here = make("a", config=WORKERS + '\n[github]\napprovers = "maintain"\n')
    here.push("feat/a", PROTECTED)
    here.pull("feat/a")

    here.say("feat/a", "/coord approve", author="bob")
    here.drain()
    assert here.comments("feat/a")[0] == "Not done: an approval takes maintain access here"
    assert here.world.branches() == ["feat/a"]

    here.say("feat/a", "/coord approve", author="alice")
    here.drain()
    assert here.world.branches() == []


def test_a_protected_branch_without_a_pull_request_gets_a_place_where_it_can_be_approved(make: Make) -> None:
    here = make("a")
    here.push("feat/a", PROTECTED)
    here.drain()
    (ticket,) = here.rest.state.tickets.values()
    assert (ticket.head, ticket.title, ticket.draft) == ("feat/a", "to approve: a", True)

    here.say("feat/a", "/coord approve")
    here.drain_asked()

    assert here.world.branches() == []


def test_a_desk_is_told_where_an_approval_is_given(make: Make) -> None:
    here = make("a")
    here.push("feat/a", PROTECTED)

    refused = here.desk("approve", "a")

    assert refused.code == 2
    assert "/coord approve on the branch's pull request" in refused.err
    assert not here.world.ref("refs/coord/approvals/a")


def test_a_desk_without_a_token_believes_no_approval_that_was_pushed(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a", PROTECTED)
    said = f"approved(a): x\n\nCoord-Task: a\nCoord-Tip: {tip}\nCoord-By: alice"
    forged = here.world.git("commit-tree", "-m", said, f"{tip}^{{tree}}")
    here.world.git("push", "-q", "origin", f"{forged}:refs/coord/approvals/a")

    landed = here.desk("land", "--json", token=False)

    assert landed.outcome("a")["outcome"] == "protected"
    assert "/coord approve on its pull request" in landed.outcome("a")["reason"]


# -- from a desk ---------------------------------------------------------------------------------------------------


def test_where_only_the_app_may_push_main_a_desk_asks_the_workflow(make: Make) -> None:
    here = make("a", "b")
    here.server.protect("refs/heads/main", "coord-app[bot]")

    done = here.desk("complete", "b", "-m", "by hand")

    assert done.code == 0, done.err
    assert "coord-land.yml was asked to do it" in done.out
    (asked,) = _asked(here)
    assert (asked["ask"], asked["tasks"]) == ("complete", ["b"])
    here.actor = "alice"
    here.drain_asked()
    assert "b completed" in here.world.picture()


def test_a_refusal_without_a_token_says_what_to_do(make: Make) -> None:
    here = make("a")
    here.server.protect("refs/heads/main", "coord-app[bot]")

    refused = here.desk("complete", "a", token=False)

    assert refused.code == 8
    assert "GH_TOKEN" in refused.err


def test_a_desk_where_the_workflow_lands_says_so_and_writes_no_second_comment(make: Make) -> None:
    here = make("a", "b")
    here.server.protect("refs/heads/main", "coord-app[bot]")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.push("feat/b", {"src/b.txt": "b\n"})

    refused = here.desk("land")

    assert refused.code == 8
    assert "coord-land.yml lands here: say /coord land on a pull request" in refused.err
    assert len(here.comments("feat/a")) == 1


def test_a_comment_asks_nothing_of_another_branch(make: Make) -> None:
    """Whoever may start a workflow could send somebody's word about one branch as one about another."""
    here = make("a", "b")
    here.push("feat/a")
    number = here.pull("feat/a")
    here.push("feat/b")
    here.pull("feat/b")
    here.say("feat/b", "/coord hold not yet")
    here.drain_asked()
    remark = here.rest.comment(number, "alice", "/coord release")

    here.run(request=encode_request(Request(Ask.RELEASE, ("b",), comment=remark.id, number=number)))

    assert here.world.ref("refs/coord/hold/b")


def test_a_comment_that_is_not_there_is_not_answered(make: Make) -> None:
    here = make("a")
    here.push("feat/a")
    number = here.pull("feat/a")

    here.run(request=encode_request(Request(Ask.LAND, ("a",), comment=999, number=number)))

    assert here.comments("feat/a") == []
