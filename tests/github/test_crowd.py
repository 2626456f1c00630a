"""One run finds branches of every kind: what lands lands, what is red, in conflict or stuck is told, and by name."""

from __future__ import annotations

import pytest

from tests.github.conftest import Stage
from tests.world import CHECK, task_text
from tests.world.github.hub_record import RunRecord
from tests.world.github.world import BOT, GitHubWorld

pytestmark = pytest.mark.long

NAMES = ("two", "three", "meddler", "red", "one", "clash", "guarded", "stuck")
LINES = "one\ntwo\nthree\nfour\nfive\n"
STUCK = "half of it\n\nCoord-Status: blocked\nCoord-Reason: the key is missing\nCoord-Tried: env and vault\nCoord-Attempts: 3\n"
MINE = "name: mine\non: workflow_dispatch\njobs: {x: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"
#: A push that starts nothing: the run that comes finds it all the same.
QUIET = "[skip ci] "


class Crowd:
    """The story: everything is pushed, one push rings; later a person approves what one branch waits for."""

    def __init__(self, gh: GitHubWorld) -> None:
        self.gh = gh
        self.tips = self._pushed()
        self.runs = gh.drain()
        self.picture = gh.picture()
        self.comments = {name: gh.comments(f"feat/{name}") for name in NAMES}
        self.status = {name: gh.status(tip) or ("", "") for name, tip in self.tips.items()}
        self.landed = [name for name, state in gh.pulls().items() if state == "merged"]
        self.landed = [name.removeprefix("feat/") for name in self.landed]
        self.tasks = {name: gh.world.show(f"tasks/{name}.md") for name in ("one", "meddler")}
        gh.says("feat/guarded", "/coord approve", author="carol")
        self.after_carol = (gh.drain(), gh.world.branches(), gh.reactions("feat/guarded"))
        gh.says("feat/guarded", "I read it.\n\n/coord approve")
        self.after_alice = (gh.drain(), gh.world.branches(), gh.comments("feat/guarded"))

    def _pushed(self) -> dict[str, str]:
        work: dict[str, tuple[dict[str, str | None], str]] = {
            "one": ({"src/lib.txt": LINES.replace("two", "2")}, ""),
            "two": ({"src/two.txt": "new\n"}, ""),
            "three": ({"src/three.txt": "new\n"}, ""),
            "red": ({"src/red.txt": "BROKEN\n"}, ""),
            "clash": ({"src/lib.txt": LINES.replace("two", "zwei")}, ""),
            "stuck": ({"src/stuck.txt": "half\n"}, STUCK),
            "guarded": ({".github/workflows/ci.yml": MINE}, ""),
            "meddler": (
                {
                    "src/meddler.txt": "new\n",
                    "tasks/one.md": task_text("one", status="cancelled"),
                    "tasks/mine.md": task_text("mine"),
                },
                "",
            ),
        }
        tips = {}
        for name in NAMES:
            files, message = work[name]
            quiet = "" if name == NAMES[-1] else QUIET
            tips[name] = self.gh.agent_pushes(f"feat/{name}", files, quiet + (message or f"work on {name}"))
            self.gh.pull(f"feat/{name}")
        return tips

    def first(self, name: str) -> RunRecord:
        return next(run for run in self.runs if run.name == name)


@pytest.fixture(scope="module")
def crowd(stage: Stage) -> Crowd:
    return Crowd(stage().build(NAMES, config="[land]\nworkers = 4\n" + CHECK))


def test_one_ring_lands_what_is_green_and_blocks_what_is_not(crowd: Crowd) -> None:
    assert sorted(crowd.landed) == ["meddler", "one", "three", "two"]
    lines = crowd.picture.split("\n")
    assert lines[1:] == [
        "tasks: clash blocked, guarded pending, meddler completed, one completed, red blocked, stuck blocked, three completed, two completed",
        "branches: feat/clash, feat/guarded, feat/red, feat/stuck",
        "verdicts: clash conflict, red gate-failed, stuck blocked",
        "pulls: feat/clash open, feat/guarded open, feat/meddler merged, feat/one merged, feat/red open, feat/stuck open, feat/three merged, feat/two merged",
    ]
    assert {crowd.status[name][0] for name in crowd.landed} == {"success"}
    assert [crowd.comments[name] for name in crowd.landed] == [[]] * 4


def test_three_branches_at_once_are_validated_side_by_side(crowd: Crowd) -> None:
    legs = [job.name.partition(": ")[2] for job in crowd.first("coord-land").jobs if ": main + " in job.name]
    assert {"main + feat/two", "main + feat/two + feat/three"} <= set(legs)
    assert len(legs) > 3
    assert crowd.first("coord-land").event.name == "workflow_run"


def test_a_green_leg_is_told_from_a_red_one(crowd: Crowd) -> None:
    ended = {job.name.partition(": ")[2]: job for job in crowd.first("coord-land").jobs}
    green, red = ended["main + feat/two"], ended["main + feat/two + feat/three + feat/meddler + feat/red"]
    assert green.outline()["Validate"] == "success"
    assert (red.outline()["Validate"], red.outline()["Validate main beside it"]) == ("failure", "success")
    assert crowd.status["red"] == ("failure", "sh check.sh failed")


def test_a_red_branch_is_told_what_the_step_printed_and_nothing_else(crowd: Crowd) -> None:
    (comment,) = crowd.comments["red"]
    assert "./src/red.txt\nerror: something is BROKEN\n```" in comment
    assert "git switch feat/red" in comment
    assert "two.txt" not in comment


def test_a_conflict_names_the_paths_and_who_brought_the_other_side(crowd: Crowd) -> None:
    assert crowd.status["clash"] == ("failure", "conflict in src/lib.txt with one")
    (comment,) = crowd.comments["clash"]
    assert "the other side came with `one`" in comment
    assert "- `src/lib.txt` (contents)" in comment


def test_a_branch_blocked_by_its_trailer_tells_the_facts(crowd: Crowd) -> None:
    (comment,) = crowd.comments["stuck"]
    for fact in ("**the key is missing**", "`env and vault`", "| Attempts | `3` |", "/coord unblock"):
        assert fact in comment
    assert "| Validate" not in comment


def test_edits_of_task_files_are_dropped_and_the_rest_lands(crowd: Crowd) -> None:
    assert "status: completed" in crowd.tasks["one"]
    assert "cancelled" not in crowd.tasks["one"]
    assert not crowd.gh.world.has("tasks/mine.md")
    assert crowd.gh.world.show("src/meddler.txt") == "new"


def test_what_a_run_leaves_starts_the_next(crowd: Crowd) -> None:
    """Four are validated at a time: the others are planned by a run that the first one asked for."""
    asked = [run for run in crowd.runs if run.event.name == "workflow_dispatch"]
    assert asked
    assert {(run.name, run.event.actor) for run in asked} == {("coord-land", "coord-app[bot]")}


def test_pushes_of_the_bot_start_nothing_that_does_anything(crowd: Crowd) -> None:
    """Main, the verdicts and the branches that are deleted are the App's pushes. A deletion rings, and is silenced."""
    by_bot = [run for run in crowd.gh.hub.runs if run.event.actor == BOT and run.event.name == "push"]
    assert {run.conclusion for run in by_bot} == {"skipped"}
    assert all(run.event.payload["deleted"] for run in by_bot)
    moved = {each.actor for each in crowd.gh.rest.state.activity if each.ref == "refs/heads/main"}
    assert moved == {BOT}


def test_a_branch_that_edits_workflows_waits_for_a_person_who_may_write(crowd: Crowd) -> None:
    (comment,) = crowd.comments["guarded"]
    assert "- `.github/workflows/ci.yml`" in comment
    assert crowd.status["guarded"][0] == "pending"
    runs, branches, reactions = crowd.after_carol
    assert [run.name for run in runs] == ["coord-command"]
    assert "feat/guarded" in branches
    assert reactions == ["-1"]


def test_it_lands_once_that_person_has_approved(crowd: Crowd) -> None:
    runs, branches, comments = crowd.after_alice
    assert [run.name for run in runs][:2] == ["coord-command", "coord-land"]
    assert "feat/guarded" not in branches
    assert crowd.gh.world.show(".github/workflows/ci.yml") == MINE.rstrip("\n")
    assert comments[-1].startswith("Approved: `feat/guarded`")
    assert comments[0].startswith("### coord: `feat/guarded` has landed")


def test_no_run_broke(crowd: Crowd) -> None:
    assert not [run.error for run in crowd.gh.hub.runs if run.error]
    ended = {
        job.name: job.conclusion for run in crowd.gh.hub.runs for job in run.jobs if ": main" not in job.name
    }
    assert set(ended.values()) <= {"success", "skipped"}


def test_the_summary_tells_why_each_branch_waits(crowd: Crowd) -> None:
    said = crowd.first("coord-land").summary()
    assert "| `feat/guarded` | protected | `changes protected paths" in said
    assert "| `feat/two` | landed |" in said
    assert "```mermaid" in said
