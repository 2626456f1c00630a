"""The simple mode, the weekly audit, and a real crate: each in the smallest world that shows it."""

from __future__ import annotations

import pytest

from coord.room import rustup_home
from coord.workflows import Mode
from tests.github.conftest import Stage
from tests.scenarios.test_cargo import CRATE, cargo
from tests.world import task_text
from tests.world.github.world import GitHubWorld

pytestmark = pytest.mark.long

# -- simple --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simple(stage: Stage) -> GitHubWorld:
    """A green and a red branch, with one workflow and GitHub's own token."""
    gh = stage(Mode.SIMPLE).build(("a", "b"))
    gh.agent_pushes("feat/a", {"src/a.txt": "new\n"}, "[skip ci] work")
    gh.pull("feat/a")
    gh.agent_pushes("feat/b", {"src/b.txt": "BROKEN\n"})
    gh.pull("feat/b")
    gh.drain()
    return gh


def test_in_the_simple_mode_one_job_lands_and_reports(simple: GitHubWorld) -> None:
    assert simple.picture() == (
        "main: blocked(b): sh check.sh failed < Merge branch 'feat/a' < seed\n"
        "tasks: a completed, b blocked\n"
        "branches: feat/b\n"
        "verdicts: b gate-failed\n"
        "pulls: feat/a merged, feat/b open"
    )
    (comment,) = simple.comments("feat/b")
    assert "error: something is BROKEN" in comment
    assert simple.status(simple.world.ref("refs/heads/feat/b")) == ("failure", "sh check.sh failed")
    assert "| `feat/a` | landed |" in simple.run("coord-simple").summary()


def test_in_the_simple_mode_pushes_of_the_job_start_nothing(simple: GitHubWorld) -> None:
    assert [(run.name, run.event.name, run.event.actor) for run in simple.hub.runs] == [
        ("coord-simple", "push", "agent")
    ]


# -- the audit -----------------------------------------------------------------------------------------------------


class Audited:
    """The story: a task that cannot be, told in one issue, twice; then it is mended."""

    def __init__(self, gh: GitHubWorld) -> None:
        self.gh = gh
        gh.open_main("alice")
        self.issues = []
        wrong = gh.world.show("tasks/a.md").replace("depends_on: []", "depends_on:\n  - nobody")
        for text in (wrong, None):
            if text:
                gh.maintainer_pushes({"tasks/a.md": text + "\n"})
            else:
                gh.maintainer_pushes({"tasks/a.md": task_text("a")})
            gh.hub.tick("coord-audit")
            gh.drain()
            self.issues.append((gh.issues(), [t.body for t in gh.rest.state.tickets.values()]))
        self.kept = sorted(gh.world.root.rglob("artifacts/*/*"))


@pytest.fixture(scope="module")
def audited(stage: Stage) -> Audited:
    return Audited(stage().build(("a",)))


def test_the_audit_writes_one_issue_and_closes_it_when_all_is_well(audited: Audited) -> None:
    (found, (body,)), (mended, _) = audited.issues
    assert found == {"coord: what the audit found": "open"}
    assert "nobody" in body
    assert mended == {"coord: what the audit found": "closed"}


def test_the_audit_keeps_the_dashboard_and_the_review_as_pages(audited: Audited) -> None:
    assert [path.name for path in audited.kept] == ["coord-dashboard.html", "coord-review.html"] * 2
    for path in audited.kept:
        text = path.read_text("utf-8")
        assert text.lower().startswith("<!doctype html>")
        assert "Do a" in text or "After-action review" in text


# -- a crate -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crate(stage: Stage) -> GitHubWorld:
    """A crate, judged by the cargo profile, that coord chooses by itself."""
    gh = stage()
    gh.build({name: task_text(name) for name in ("good", "warns")}, CRATE, config="[land]\nworkers = 2\n")
    gh.hub.runner.update(RUSTUP_HOME=str(rustup_home()))
    gh.agent_pushes("feat/good", {"src/add.rs": CRATE["src/add.rs"] + "\n// more\n"}, "[skip ci] work")
    needless = 'pub fn greet() -> String {\n    return "hello".to_string();\n}\n'
    gh.agent_pushes("feat/warns", {"src/greet.rs": needless}, "[skip ci] work")
    gh.pull("feat/warns")
    gh.hub.tick("coord-land")
    gh.hub.run_one()
    return gh


@cargo
@pytest.mark.cargo
def test_a_crate_lands_and_what_clippy_warns_of_is_red(crate: GitHubWorld) -> None:
    assert crate.world.history() == [
        "blocked(warns): cargo clippy -- -D warnings failed", "Merge branch 'feat/good'", "seed",
    ]  # fmt: skip
    (comment,) = crate.comments("feat/warns")
    assert "error: unneeded `return` statement\n --> src/greet.rs:2:5\n" in comment


@cargo
@pytest.mark.cargo
def test_the_runner_reads_cargos_messages_while_the_gate_runs_and_no_longer(crate: GitHubWorld) -> None:
    legs = [job for job in crate.run("coord-land").jobs if job.job == "gate"]
    assert len(legs) == 2
    for leg in legs:
        named = [command for command, _ in leg.commands if command.endswith("-matcher")]
        begun = named.count("add-matcher")
        assert named == ["add-matcher", "remove-matcher", "remove-matcher"] * begun
        assert begun == (1 if leg.conclusion == "success" else 2)
    others = [job for job in crate.run("coord-land").jobs if job.job != "gate"]
    assert not [command for job in others for command, _ in job.commands if "matcher" in command]
