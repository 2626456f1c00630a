"""What starts a workflow: the branch filters, the words that silence a push, the inputs of a dispatch."""

from __future__ import annotations

import pytest

from tests.world.github.act_workflow import Workflow, WorkflowError, job_name
from tests.world.github.hub_triggers import (
    dispatched_inputs,
    matches,
    silenced,
    starts_on_push,
    starts_on_run,
)


def workflow(on: str, jobs: str = "{}") -> Workflow:
    return Workflow.read(".github/workflows/x.yml", f"on: {on}\njobs: {jobs}\n")


@pytest.mark.parametrize(
    ("patterns", "name", "passes"),
    [
        (["feat/**"], "feat/a/b", True),
        (["feat/*"], "feat/a/b", False),
        (["feat/*"], "feat/a", True),
        (["*"], "feat/a", False),
        (["**"], "feat/a", True),
        (["feat/**", "!feat/no/**"], "feat/no/x", False),
        (["!feat/no/**", "feat/**"], "feat/no/x", True),
        (["v[12].[0-9]+.[0-9]+"], "v1.10.1", True),
        (["v[12].[0-9]+.[0-9]+"], "v3.10.1", False),
        (["*feature"], "myfeature", True),
        (["fea?t"], "ft", False),
        (["fea?t"], "fet", True),
        (["a.b"], "axb", False),
        (["feat/(x)"], "feat/(x)", True),
    ],
)
def test_filter_patterns_are_githubs(patterns: list[str], name: str, passes: bool) -> None:
    assert matches(patterns, name) is passes


@pytest.mark.parametrize(
    ("on", "ref", "starts"),
    [
        ("push", "refs/heads/x", True),
        ("[push, pull_request]", "refs/tags/v1", True),
        ("push", "refs/coord/verdicts/a", False),
        ("{push: {branches: [main]}}", "refs/heads/main", True),
        ("{push: {branches: [main]}}", "refs/heads/x", False),
        ("{push: {branches: [main]}}", "refs/tags/main", False),
        ("{push: {branches-ignore: [main]}}", "refs/heads/x", True),
        ("{push: {branches-ignore: [main]}}", "refs/heads/main", False),
        ("{push: {tags: [v*]}}", "refs/tags/v1", True),
        ("{push: {tags: [v*]}}", "refs/heads/v1", False),
        ("{push: null}", "refs/heads/x", True),
        ("schedule", "refs/heads/x", False),
    ],
)
def test_a_push_starts_what_its_filters_let_through(on: str, ref: str, starts: bool) -> None:
    assert starts_on_push(workflow(on), ref) is starts


def test_the_completion_of_a_run_starts_what_names_its_workflow() -> None:
    chained = workflow("{workflow_run: {workflows: [wake], types: [completed], branches: ['feat/**']}}")
    assert starts_on_run(chained, "wake", "feat/a")
    assert not starts_on_run(chained, "other", "feat/a")
    assert not starts_on_run(chained, "wake", "main")


@pytest.mark.parametrize(
    ("message", "silent"),
    [
        ("fix [skip ci]", True),
        ("x\n\nbody [no ci]", True),
        ("x\n\nbody\n\nskip-checks: true\n", True),
        ("skip-checks: true", False),
        ("skip ci", False),
    ],
)
def test_the_words_that_silence_a_push(message: str, silent: bool) -> None:
    assert silenced(message) is silent


def test_the_inputs_of_a_dispatch_are_completed_and_strange_ones_refused() -> None:
    inputs = "{dry-run: {type: boolean, default: false}, branch: {required: true}}"
    manual = workflow(f"{{workflow_dispatch: {{inputs: {inputs}}}}}")
    assert dispatched_inputs(manual, {"branch": "b"}) == {"dry-run": "false", "branch": "b"}
    with pytest.raises(ValueError, match=r"Unexpected inputs provided: \['x'\]"):
        dispatched_inputs(manual, {"branch": "b", "x": "1"})
    with pytest.raises(ValueError, match="Required input 'branch' not provided"):
        dispatched_inputs(manual, {})
    with pytest.raises(ValueError, match="does not have 'workflow_dispatch'"):
        dispatched_inputs(workflow("push"), {})


def test_the_rights_of_a_job_are_its_own_or_the_files_or_the_repositorys() -> None:
    text = "on: push\n{}jobs:\n  a: {{permissions: {{actions: read, contents: none}}}}\n  b: {{}}\n"
    closed = Workflow.read("x.yml", text.format("permissions: {}\n"))
    assert closed.rights("a") == {"actions": "read"}
    assert closed.rights("b", {"contents": "write"}) == {}
    silent = Workflow.read("x.yml", text.format(""))
    assert silent.rights("b", {"contents": "write"}) == {"contents": "write"}
    assert Workflow.read("x.yml", text.format("permissions: read-all\n")).rights("b")["issues"] == "read"


def test_jobs_run_after_what_they_need_and_are_named_as_github_names_them() -> None:
    jobs = "{c: {needs: [a, b]}, b: {needs: a}, a: {}}"
    assert workflow("push", jobs).order() == ("a", "b", "c")
    assert job_name("gate", {"name": "${{ matrix.name }} x"}, {"name": "feat/a"}) == "feat/a x"
    assert job_name("gate", {}, {"name": "feat/a", "n": 1}) == "gate (feat/a, 1)"
    assert job_name("gate", {}, {}) == "gate"


@pytest.mark.parametrize("text", ["[", "jobs: {}\n", "on: push\njobs: []\n", "7"])
def test_a_file_that_is_no_workflow_is_refused(text: str) -> None:
    with pytest.raises(WorkflowError):
        Workflow.read("x.yml", text)
