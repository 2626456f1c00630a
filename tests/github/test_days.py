"""What happens while runs go on: main moves, branches move, a runner dies, GitHub has a bad hour, people ask for things."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.github.conftest import Stage
from tests.world.github.hub_record import RunRecord
from tests.world.github.world import GitHubWorld

pytestmark = pytest.mark.long

TASKS = ("still", "moved", "lost", "poor", "later")


class Days:
    """The story, day after day; each leaves behind what its tests look at."""

    def __init__(self, gh: GitHubWorld) -> None:
        self.gh = gh
        gh.open_main("alice")
        self.races()
        self.death()
        self.recovery()
        self.wishes()

    def races(self) -> None:
        """While two branches are validated, a person pushes main and an agent pushes one of them again."""
        gh = self.gh

        def meanwhile() -> None:
            self.by_hand = gh.maintainer_pushes({"src/by-hand.txt": "by hand\n"})
            self.moved = gh.world.more("feat/moved", {"src/moved.txt": "newer\n"}, "[skip ci] newer")

        for name in ("still", "moved"):
            gh.agent_pushes(f"feat/{name}", None, "" if name == "moved" else "[skip ci] work")
        gh.hub.before("land", meanwhile)
        first: list[RunRecord] = [gh.hub.run_one(), gh.hub.run_one()]
        self.raced = (first[1], gh.picture())
        self.after_race = (gh.drain(), gh.picture())

    def death(self) -> None:
        """Two pushes ring for nobody; the sweep finds them, and its runner dies when main has been pushed."""
        gh = self.gh
        gh.agent_pushes("feat/lost", {"src/lost.txt": "new\n"}, "[skip ci] work")
        self.red = gh.agent_pushes("feat/poor", {"src/poor.txt": "BROKEN\n"}, "[skip ci] work")
        for name in ("lost", "poor"):
            gh.pull(f"feat/{name}")
        self.waiting = list(gh.hub.waiting)
        gh.hub.tick("coord-land")
        # It waits to see its pull request merged when it dies.
        gh.rest.slow_next("GET", r"/pulls/\d+$", 5)
        gh.hub.kill("land", "landed")
        self.died = (gh.hub.run_one(), gh.picture())

    def recovery(self) -> None:
        """The next sweep meets a GitHub that answers badly in every way it has."""
        gh, rest = self.gh, self.gh.rest
        rest.fail_next("GET", r"/pulls$", 500)
        rest.reset_next("GET", r"/pulls$")
        rest.slow_next("GET", r"/comments$", 1)
        rest.fail_next("GET", r"/jobs$", 429, headers={"retry-after": "1"})
        rest.fail_next("POST", r"/comments$", 403, headers={"retry-after": "1"})
        rest.reset_next("POST", r"/comments$", after=True)
        for status in (404, 409, 422):
            rest.fail_next("POST", r"/statuses/", status)
        gh.hub.tick("coord-land")
        self.before = len(rest.answers)
        self.recovered = (gh.drain(), gh.picture(), gh.comments("feat/poor"))

    def wishes(self) -> None:
        """People ask in comments, and one starts a run by hand that is to publish nothing."""
        gh = self.gh
        gh.agent_pushes("feat/later", None, "[skip ci] work")
        gh.pull("feat/later")
        gh.says("feat/later", "/coord status", author="bob")
        gh.says("feat/later", "/coord hold not today", author="carol")
        gh.says("feat/later", "/coord hold not today", author="bob")
        self.asked = (gh.drain(), gh.comments("feat/later"), gh.reactions("feat/later"))
        main = gh.world.ref("refs/heads/main")
        self.dispatch({"branch": "later", "dry-run": "true"})
        self.bad = {code for _, _, code in gh.rest.answers[self.before :]}
        self.tried = (gh.drain(), gh.world.ref("refs/heads/main") == main, gh.world.branches())

    def dispatch(self, inputs: dict[str, str]) -> None:
        """Start coord-land as alice does on the web."""
        path = f"{self.gh.rest.url}/repos/{self.gh.server.name}/actions/workflows/coord-land.yml/dispatches"
        headers = {"Authorization": f"Bearer {self.gh.alice.text}", "Content-Type": "application/json"}
        body = json.dumps({"ref": "main", "inputs": inputs}).encode()
        urllib.request.urlopen(urllib.request.Request(path, body, headers, method="POST")).close()


@pytest.fixture(scope="module")
def days(stage: Stage) -> Days:
    return Days(stage().build(TASKS))


def test_main_moved_by_a_person_during_the_gate_is_not_overwritten(days: Days) -> None:
    run, picture = days.raced
    assert run.outline()["Land"] == "success"
    assert picture.split("\n")[0] == "main: by hand < seed"
    assert days.gh.world.show("src/by-hand.txt") == "by hand"


def test_what_was_validated_on_another_main_is_validated_anew_by_the_next_run(days: Days) -> None:
    runs, picture = days.after_race
    assert (runs[0].name, runs[0].event.name) == ("coord-land", "workflow_dispatch")
    assert (
        picture.split("\n")[0]
        == "main: Merge branch 'feat/moved' < Merge branch 'feat/still' < by hand < seed"
    )


def test_a_branch_that_moved_during_the_gate_lands_with_its_new_tip_only(days: Days) -> None:
    validated = {job.name for job in days.after_race[0][0].jobs if job.name.startswith("trial ")}
    assert validated.isdisjoint(job.name for job in days.raced[0].jobs)
    assert days.gh.world.show("src/moved.txt") == "newer"
    days.gh.world.git("merge-base", "--is-ancestor", days.moved, "main", at=days.gh.world.origin)


def test_the_sweep_lands_a_branch_whose_push_started_nothing(days: Days) -> None:
    assert days.waiting == []
    run, picture = days.died
    assert run.event.name == "schedule"
    assert picture.startswith("main: Merge branch 'feat/lost' < ")


def test_a_land_job_that_dies_leaves_what_the_next_run_finishes(days: Days) -> None:
    run, picture = days.died
    assert (run.outline()["Land"], run.conclusion) == ("cancelled", "cancelled")
    assert "branches: feat/lost, feat/poor\nverdicts: none" in picture
    # As if nobody had died: the branch is gone, the red one blocked and told, nothing is there twice.
    assert days.recovered[1] == (
        "main: blocked(poor): sh check.sh failed < Merge branch 'feat/lost' < Merge branch 'feat/moved' < "
        "Merge branch 'feat/still' < by hand < seed\n"
        "tasks: later pending, lost completed, moved completed, poor blocked, still completed\n"
        "branches: feat/poor\n"
        "verdicts: poor gate-failed\n"
        "pulls: feat/lost merged, feat/poor open"
    )


def test_no_answer_of_github_loses_or_doubles_a_word(days: Days) -> None:
    runs, _, comments = days.recovered
    assert runs[0].outline()["Report"] == "success"
    assert {403, 404, 409, 422, 429, 500} <= days.bad
    assert len(comments) == 1
    assert "error: something is BROKEN" in comments[0]


def test_a_status_that_was_refused_is_set_by_a_later_run(days: Days) -> None:
    assert days.gh.status(days.red) == ("failure", "sh check.sh failed")


def test_a_command_is_answered_to_whoever_may_write(days: Days) -> None:
    runs, comments, reactions = days.asked
    assert [run.name for run in runs] == ["coord-command"] * 3 + ["coord-land"]
    assert reactions == ["eyes", "-1", "eyes"]
    status, hold = comments[3:]
    assert "in the queue, place 1 of 1" in status
    assert hold.startswith("later is held: not today")
    assert "feat/later" in days.gh.world.branches()


def test_a_dry_run_by_hand_validates_one_branch_and_publishes_nothing(days: Days) -> None:
    runs, stood, branches = days.tried
    (run,) = runs
    assert run.event.actor == "alice"
    legs = {name.partition(": ")[2]: end for name, end in run.outline().items() if name.startswith("trial ")}
    assert legs == {"main + feat/later": "success"}
    assert "| `main + feat/later` | `passed` |" in run.summary()
    assert stood
    assert branches == ["feat/later", "feat/poor"]
