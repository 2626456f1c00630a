"""Review tasks: never started for an agent, gone through by ``coord review-task``, and what depends on them waits."""

from __future__ import annotations

import pytest

from coord.workspace import open_workspace
from tests.world import World, task_text

CRITERIA = "\n## Acceptance Criteria\n\n- [ ] {}\n- [x] builds\n"


def review_text(task: str, *depends_on: str, status: str = "pending") -> str:
    text = task_text(task, depends_on=depends_on, status=status)
    return text.replace("level: implementation", "level: review") + CRITERIA.format("reads well")


@pytest.fixture
def phase(world: World) -> World:
    """A phase of one task that landed, its review, and what comes after it."""
    world.build(
        {
            "a": task_text("a") + CRITERIA.format("answers \x1b[31mwithin a second"),
            "review": review_text("review", "a"),
            "after": task_text("after", depends_on=("review",)),
        }
    )
    world.push("feat/a")
    assert world.land().code == 0
    return world


def test_no_agent_is_started_for_a_review_and_what_depends_on_it_waits(phase: World) -> None:
    ready = phase.coord("ready", "--json", "--fetch").data
    assert ready["ready"] == []
    assert {row["id"]: row["on"] for row in ready["waiting"]} == {"after": ["review"]}
    phase.push("feat/after")
    assert phase.land().outcome("after")["outcome"] == "waiting"
    assert phase.coord("review-task", "review", "--complete", "--confirm", "all").code == 0
    assert phase.land().outcome("after")["outcome"] == "landed"


def test_the_checklist_tells_what_is_open_with_the_evidence(phase: World) -> None:
    shown = phase.coord("review-task", "review")
    landing = phase.git("rev-parse", "main", at=phase.origin)
    tree = phase.git("rev-parse", "main^{tree}", at=phase.origin)
    assert shown.code == 4
    assert shown.out == (
        f"review review, pending, on main at {landing[:7]}\n"
        "\ngate\n"
        f"  check passed on tree {tree[:7]} (known from before)\n"
        "    sh check.sh\n"
        "\ntasks\n"
        f"  a  completed  landed in {landing[:7]}\n"
        "\nacceptance criteria\n"
        "  1  [ ]  review  reads well\n"
        "  2  [x]  review  builds (ticked on main)\n"
        "  3  [ ]  a       answers within a second\n"
        "  4  [x]  a       builds (ticked on main)\n"
        "\nopen\n"
        "  criterion 1 is not confirmed: reads well\n"
        "  criterion 3 is not confirmed: answers within a second\n"
    )
    assert phase.coord("review-task", "review", "--confirm", "1", "--confirm", "3").code == 0
    assert phase.statuses()["review"] == "pending"


def test_it_is_completed_only_when_every_criterion_is_confirmed(phase: World) -> None:
    before = phase.refs()
    assert phase.coord("review-task", "review", "--complete", "--confirm", "1").code == 4
    assert phase.refs() == before
    dry = phase.coord("review-task", "review", "--complete", "--confirm", "all", "--dry-run", "--json")
    assert (dry.code, dry.data["standing"], dry.data["changed"], phase.refs()) == (0, "ready", False, before)
    done = phase.coord("review-task", "review", "--complete", "--confirm", "1,3", "--json")
    assert (done.code, done.data["changed"]) == (0, True)
    assert "Reviewed: 4 acceptance criteria confirmed; check passed on main." in phase.show("tasks/review.md")
    assert phase.history()[0] == "chore: update task review status to completed"
    again = phase.coord("review-task", "review", "--complete", "--confirm", "all", "-m", "")
    assert (again.code, again.out.splitlines()[-1]) == (0, "review is completed already")


def test_a_dependency_that_is_open_keeps_it_open(world: World) -> None:
    world.build({"a": task_text("a"), "review": review_text("review", "a", "nowhere")})
    shown = world.coord("review-task", "review", "--complete", "--confirm", "all", "--json")
    assert shown.code == 4
    assert [row["open"] for row in shown.data["tasks"]] == ["is pending", "does not exist"]
    assert world.statuses()["review"] == "pending"


def test_a_red_main_is_told_and_nothing_is_completed(world: World) -> None:
    world.build({"review": review_text("review")}, files={"src/x.txt": "BROKEN\n"})
    shown = world.coord("review-task", "review", "--complete", "--confirm", "all")
    assert shown.code == 6
    assert "| error: something is BROKEN" in shown.out
    assert world.statuses()["review"] == "pending"


def test_a_gate_that_cannot_run_proves_nothing(world: World) -> None:
    config = '[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["no-such-program-at-all"]\n'
    world.build({"review": review_text("review")}, config=config)
    shown = world.coord("review-task", "review", "--complete", "--confirm", "all")
    assert shown.code == 1
    assert "could not run: no-such-program-at-all: program not found" in shown.out
    assert "hint: install no-such-program-at-all" in shown.err
    assert world.statuses()["review"] == "pending"


def test_it_is_blocked_with_a_reason_and_lifted_by_hand(phase: World) -> None:
    assert phase.coord("review-task", "review", "--block").code == 2
    blocked = phase.coord("review-task", "review", "--block", "-m", "slow:\n## takes a minute")
    assert blocked.code == 0
    assert phase.history()[0] == "blocked(review): slow: ## takes a minute"
    assert phase.statuses()["review"] == "blocked"
    assert "Blocked: slow:\n\\## takes a minute" in phase.show("tasks/review.md")
    assert phase.violations() == []
    tip = phase.refs()
    again = phase.coord("review-task", "review", "--block", "-m", "slow:\n## takes a minute")
    assert (again.code, phase.refs()) == (0, tip)
    assert phase.coord("unblock", "review").code == 0
    assert phase.statuses()["review"] == "pending"


def test_main_that_moves_meanwhile_is_judged_anew(phase: World) -> None:
    """The gate takes its time; what somebody pushes to main then breaks it, and nothing is completed."""
    script = phase.root / "push"
    desk = phase.desk.parent / "other"
    phase.git("clone", "-q", str(phase.origin), str(desk), at=phase.root)
    script.write_text(
        f"[ -e {phase.root}/once ] && exit 0\ntouch {phase.root}/once\nexport HOME={phase.root}/home\n"
        f"cd {desk} && echo BROKEN > src/y.txt && git add -A && git commit -qm break && git push -q origin main\n"
    )
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nsteps = ["sh check.sh", "sh {script}"]\ntoolchain = []\n'
    phase.main({".coord.toml": config})
    phase.git("pull", "-q", at=desk)
    assert phase.coord("review-task", "review", "--complete", "--confirm", "all").code == 6
    assert phase.statuses()["review"] == "pending"


def test_changes_of_protected_paths_are_shown(world: World) -> None:
    world.build({"a": task_text("a"), "review": review_text("review", "a")})
    world.push("feat/a", {".github/x.yml": "on: push\n"})
    world.coord("plan")
    assert world.coord("approve", "a").code == 0
    assert world.land().code == 0
    row = world.coord("review-task", "review", "--json").data["tasks"][0]
    assert row["protected"] == [".github/x.yml"]
    assert row["landed"] == open_workspace(world.desk).main_tip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a",), "a is no review task (its level is implementation)"),
        (("nowhere",), "no task 'nowhere' on main"),
        (("review", "--confirm", "9"), "there is no criterion 9"),
        (("review", "--confirm", "one"), "--confirm one: that is no number of a criterion"),
        (("review", "--complete", "--block", "-m", "x"), "not allowed with argument"),
    ],
)
def test_what_cannot_be_meant_is_refused(phase: World, words: tuple[str, ...], told: str) -> None:
    refused = phase.coord("review-task", *words)
    assert refused.code == 2
    assert told in refused.err
