"""What people are told on pull requests, and what foreign text cannot do there."""

from __future__ import annotations

import json
import re

import pytest

from tests.ci.conftest import WORKERS, Make

#: Half a minute in all: run by make long, and by CI.
pytestmark = pytest.mark.long

BLOCKED = "stuck\n\nCoord-Status: blocked\nCoord-Reason: {}"


def test_a_draft_is_work_in_progress(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a")
    number = here.pull("feat/a", draft=True)

    here.drain()
    assert here.status(tip) == ("pending", "working: its pull request is a draft")

    here.rest.state.tickets[number].draft = False
    here.drain()
    assert here.world.branches() == []


def test_a_label_holds_a_branch_back(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a")
    number = here.pull("feat/a")
    here.rest.state.tickets[number].labels.append("coord:hold")

    here.drain()
    assert here.status(tip) == ("pending", f"held: pull request #{number} bears the label 'coord:hold'")

    here.rest.state.tickets[number].labels.clear()
    here.drain()
    assert here.world.branches() == []


def test_a_blocked_branch_without_a_pull_request_gets_a_draft_that_keeps_nothing_back(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.drain()
    (ticket,) = (t for t in here.rest.state.tickets.values() if t.is_pull)
    assert (ticket.head, ticket.draft, ticket.title) == ("feat/a", True, "blocked: a")
    (comment,) = here.comments("feat/a")
    assert "something is BROKEN" in comment

    here.world.more("feat/a", {"src/a.txt": "whole\n"})
    here.drain()

    assert here.world.branches() == []
    assert here.comments("feat/a")[0].startswith("### coord: `feat/a` has landed")


def test_a_blocked_branch_may_be_told_as_an_issue_that_is_closed_when_it_lands(make: Make) -> None:
    here = make("a", config=WORKERS + '\n[github]\nblocked = "issue"\n')
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.drain()
    (issue,) = here.rest.state.tickets.values()
    assert (issue.title, issue.state, issue.is_pull) == ("blocked: a", "open", False)
    here.drain()
    assert len(here.rest.state.tickets) == 1

    here.world.more("feat/a", {"src/a.txt": "whole\n"})
    here.drain()

    assert issue.state == "closed"
    assert "has landed" in issue.body


def test_a_blocked_branch_may_be_told_nowhere(make: Make) -> None:
    here = make("a", config=WORKERS + '\n[github]\nblocked = "nothing"\n')
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})

    here.drain()

    assert here.rest.state.tickets == {}
    assert "status: blocked" in here.world.show("tasks/a.md")


def test_what_is_told_already_is_not_told_again(make: Make) -> None:
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    before = here.rest.writes()

    here.drain()

    assert here.rest.writes() == before


def test_a_killed_run_is_told_by_the_next(make: Make) -> None:
    """The run that blocked it never came to its report."""
    here = make("a")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.dies_before_report = True
    with pytest.raises(KeyboardInterrupt):
        here.run()
    assert here.comments("feat/a") == []
    here.dies_before_report = False

    here.run()

    assert len(here.comments("feat/a")) == 1


def test_the_comment_of_a_blocked_branch_says_when_a_person_merged_it(make: Make) -> None:
    here = make("a")
    tip = here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.merge_by_alice("feat/a")

    here.drain()

    assert here.comments("feat/a")[0].startswith("### coord: `feat/a` has landed")
    assert here.status(tip) == ("success", f"landed in {tip[:7]}")


def test_a_history_that_was_pushed_makes_no_comment_of_another_branch_say_it_landed(make: Make) -> None:
    here = make("a", "b")
    here.push("feat/a", {"src/a.txt": "BROKEN\n"})
    here.pull("feat/a")
    here.drain()
    here.push("feat/b")
    here.drain()
    forged = {"task": "b", "branch": "feat/a", "tip": here.world.ref("refs/heads/feat/a"), "base": "0" * 40,
              "kind": "landed", "reason": "landed"}  # fmt: skip
    agent = here.world.agent
    (agent / "verdict.json").write_text(json.dumps(forged))
    blob = here.world.git("hash-object", "-w", "verdict.json", at=agent)
    (agent / "verdict.json").unlink()
    tree = here.world.git("mktree", at=agent, data=f"100644 blob {blob}\tverdict.json\n")
    commit = here.world.git("commit-tree", "-m", "x", tree, at=agent)
    here.world.git("push", "-q", "origin", f"{commit}:refs/coord/history/b", at=agent)

    here.drain()

    assert here.comments("feat/a")[0].startswith("### coord: `feat/a` is blocked")


HOSTILE = [
    "$(touch /tmp/pwned) `id` ${{ secrets.COORD_APP_KEY }}",
    "::set-output name=plan::x",
    "::error file=a::b%0A::stop-commands::x",
    "fixes #1, closes acme/demo#1, resolves https://github.com/acme/demo/issues/1",
    "@alice @acme/everyone <img src=x onerror=alert(1)> [x](javascript:alert(1))",
    "``` </details> | a | b | \\| <!-- coord:branch -->",
    "--upload-pack=x \u202e\x1b[31m\u2028",
]


def test_foreign_text_stays_text_wherever_it_is_told(make: Make) -> None:
    tasks = [f"t{number}" for number in range(len(HOSTILE))]
    here = make(*tasks)
    for task, text in zip(tasks, HOSTILE, strict=True):
        here.push(f"feat/{task}", {f"src/{task}.txt": "half\n"}, BLOCKED.format(text))
        here.pull(f"feat/{task}", title=text)

    plan = here.job("plan")
    here.drain()

    comments = [here.comments(f"feat/{task}") for task in tasks]
    assert [len(each) for each in comments] == [1] * len(tasks)
    for (comment,) in comments:
        visible = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", comment, flags=re.DOTALL)
        assert not re.search(r"@\w|(?<!\\)<(img|!--|/details)|(?<!\\)\]\(|#\d|\w://", visible), visible
    lines = plan.text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith("::stop-commands::"))
    assert not any(line.startswith("::set-output") for line in lines[:start])


def test_nothing_that_is_printed_is_taken_for_a_command(make: Make) -> None:
    """Between the first and the last line of a verb the runner reads no commands; the word that ends it is random."""
    here = make("a")
    here.push(
        "feat/a", {"src/a.txt": "BROKEN\n", "check.sh": "echo '::add-mask::x'; echo '::end::'; exit 1\n"}
    )

    text = here.job("gate", COORD_LEG=here.legs()[0]).text

    lines = text.split("\n")
    word = lines[0].removeprefix("::stop-commands::")
    assert len(word) == 32
    assert "::add-mask::x" in lines[1 : lines.index(f"::{word}::")]


def test_branch_names_are_data(make: Make) -> None:
    tasks = ["$(id)", "a;b", "'x'", '"x"', "a&b", "{a}", "%0a", "日本"]
    here = make(config=WORKERS.replace("workers = 4", "workers = 8"))
    here.by_alice(
        {
            f"tasks/t{n}.md": f"---\nid: {json.dumps(task)}\nname: x\nstatus: pending\n---\n"
            for n, task in enumerate(tasks)
        }
    )
    for number, task in enumerate(tasks):
        here.push(f"feat/{task}", {f"src/{number}.txt": "new\n"})
        here.pull(f"feat/{task}")

    here.drain()

    assert here.world.branches() == []
