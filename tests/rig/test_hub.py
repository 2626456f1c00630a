"""The hub starts what GitHub would start, with the rights that GitHub would give, and tells what GitHub would tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.conftest import HubPlace
from tests.world.github.act_workflow import WorkflowError
from tests.world.github.hub_record import Environment

KEY = "-----BEGIN KEY-----\nMIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEA\n-----END KEY-----\n"
BAD = "name: bad\non: push\njobs:\n  x:\n    steps: [{uses: some/action@v1}]\n    runs-on: ubuntu-24.04\n"
PROWL = """name: prowl
on: push
permissions: write-all
jobs:
  x:
    environment: coord
    runs-on: ubuntu-24.04
    steps: [{run: 'echo "got [${{ secrets.APP_KEY }}]"'}]
  y:
    runs-on: ubuntu-24.04
    permissions: {}
    steps:
      - run: 'echo "got [${{ secrets.APP_KEY }}]"; sleep 600 & echo going; sleep 600'
"""


def text_of(name: str) -> str:
    return (Path(__file__).parent / "workflows" / f"{name}.yml").read_text()


def test_one_run_with_rights_by_job_and_legs_told_apart(place: HubPlace) -> None:
    place.hub.environments["coord"] = Environment(secrets={"APP_KEY": KEY})
    place.hub.secrets["REPOSITORY_SECRET"] = "open-to-every-branch"
    tip = place.push("feat/a", {".github/workflows/chain.yml": text_of("chain")})
    place.push("feat/by-hand", {})
    (run,) = place.hub.drain()

    assert run.conclusion == "failure"
    assert run.outline() == {
        "Plan": "success", "feat/a @ 1": "failure", "feat/b": "success", "Land": "success", "never": "skipped",
    }  # fmt: skip
    plan, red, green = (run.job(name) for name in ("Plan", "feat/a @ 1", "feat/b"))
    assert red.outline() == {"Check main out": "success", "Validate": "failure", "Beside": "success"}
    assert green.outline() == {"Check main out": "success", "Validate": "success", "Beside": "skipped"}

    # The checkout fetched everything, took main, and left no token behind; its own push has no terminal to ask.
    for said in (
        "refs/remotes/origin/feat/a",
        "refs/heads/main",
        "no credentials",
        "no terminal",
        "not pushed",
    ):
        assert f"\n{said}\n" in plan.text
    # Only the job with contents: write could push, and what it pushed started nothing.
    assert place.served.refs() == [
        "refs/heads/feat/a", "refs/heads/feat/by-a-job", "refs/heads/feat/by-hand", "refs/heads/main",
    ]  # fmt: skip
    assert place.served.git("rev-parse", "feat/by-a-job") == place.served.git("rev-parse", "main")
    assert "Permission to octo/demo.git denied to github-actions[bot]" in red.text
    assert "403 Resource not accessible by integration" in red.text
    # The gate was given the repository's secret and not the environment's; the log shows neither.
    assert "holds [] [***]" in red.text
    assert "\nfeat/a\n" in red.text  # the default ref is the branch that was pushed
    assert red.annotations[0].where == {"file": "src/lib.rs", "line": "3"}
    assert run.annotations() == [("error", "it is red")] * 2
    assert run.summary() == "# Summary\n\n# Summary\n"

    # The landing job read, while the run went on, how each leg ended, and what the red one had printed.
    land = run.job("Land").text
    assert 'gate: failure, odd: ${{ github.actor }} $(date) "' in land
    steps = "Set up job=success Check main out=success Validate={} Beside={} Complete job=success"
    assert f"feat/a @ 1 failure {steps.format('failure', 'success')}" in land
    assert f"feat/b success {steps.format('success', 'skipped')}" in land
    assert "Land None " in land
    assert "Z ##[group]Run echo '::error file=src/lib.rs,line=3::it is red'\n" in land
    assert "Z ##[error]it is red" in land
    assert "Z ##[error]Process completed with exit code 3." in land
    assert run.event.commit == tip


def test_what_starts_what(place: HubPlace) -> None:
    hub, served = place.hub, place.served
    hub.environments["coord"] = Environment(secrets={"APP_KEY": KEY}, variables={"APP_ID": "77"})
    place.main(ring=text_of("ring"), listen=text_of("listen"))
    main = served.git("rev-parse", "main")
    tip = place.push("feat/a", {"a.txt": "two\n"})
    ring, listen = hub.drain()
    assert (ring.name, listen.name) == ("ring", "listen")
    assert f"refs/heads/feat/a {tip} alice" in ring.text()
    assert f"workflow_run by alice on refs/heads/main {main}: success feat/a" in listen.text()
    assert f"key of {len(KEY)} characters, 3 line ends; app 77" in listen.text()

    # Silenced, pushed by a job, not a branch: nothing. A deletion starts main's file, and is skipped by its condition.
    place.push("feat/a", {"a.txt": "three\n"}, "work [skip ci]")
    job = served.token("github-actions[bot]", "job", contents="write")
    assert served.push(place.clone, job, "HEAD:refs/heads/feat/b") == ""
    assert served.push(place.clone, served.alice, "HEAD:refs/coord/claims/a") == ""
    assert hub.waiting == []
    assert served.push(place.clone, served.alice, ":refs/heads/feat/b") == ""
    (gone, after) = hub.drain()
    assert (gone.event.payload["deleted"], gone.event.commit) == (True, main)
    assert (gone.conclusion, after.event.payload["workflow_run"]["conclusion"]) == ("skipped", "skipped")

    # A comment on a pull request; its job may dispatch although what it pushes starts nothing, and may not comment on.
    pull = place.rest.open_pull("feat/a")
    place.rest.comment(pull.number, "alice", "land `it` $(now)")
    heard, dispatched = hub.drain()
    assert "issue_comment by alice on refs/heads/main" in heard.text()
    assert "land `it` $(now) COLLABORATOR true" in heard.text()
    assert "workflow_dispatch by github-actions[bot] on refs/heads/main" in dispatched.text()
    assert "false land `it` $(now)" in dispatched.text()

    hub.tick("listen")
    (ticked,) = hub.drain()
    assert "schedule by github-actions[bot] on refs/heads/main" in ticked.text()
    place.push("main", {"a.txt": "four\n"})
    hub.rerun(ticked)
    (again,) = hub.drain()
    assert (again.id, again.attempt) == (ticked.id, 2)
    assert f"on refs/heads/main {main}:" in again.text()
    assert [job.attempt for job in place.rest.state.runs[ticked.id].jobs] == [1, 2]


def test_a_branch_cannot_enter_the_environment_and_a_killed_job_is_cancelled(place: HubPlace) -> None:
    place.hub.environments["coord"] = Environment(secrets={"APP_KEY": KEY})
    place.push("feat/a", {".github/workflows/prowl.yml": PROWL})
    done: list[str] = []
    place.hub.before("y", lambda: done.append("before y"))
    place.hub.kill("y", "going")
    (run,) = place.hub.drain()
    assert run.outline() == {"x": "failure", "y": "cancelled"}
    assert "got" not in run.job("x").text
    assert "got []" in run.job("y").text
    assert run.job("y").outline() == {'Run echo "got []"; sleep 600 & echo going; sleep 600': "cancelled"}
    assert done == ["before y"]


def test_what_the_rig_cannot_run_is_said_aloud(place: HubPlace) -> None:
    place.push("feat/a", {".github/workflows/bad.yml": BAD})
    with pytest.raises(WorkflowError, match="no folder that stands for some/action@v1"):
        place.hub.drain()
    place.main(ring="on: push\nname: broken\n")
    with pytest.raises(WorkflowError, match=r"ring\.yml: no jobs"):
        place.hub.drain()
