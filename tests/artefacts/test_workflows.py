"""What every workflow that lands must hold to, whoever changes a template; each policy is shown to notice its breach.

PyYAML's usual loaders read ``on:`` as True: the base loader leaves every word as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import yaml

from coord.config import parse
from coord.workflows import CHECKOUT, ENVIRONMENT, FILES, FOLDER, UPLOAD, Mode, Wanted, render, standing
from tests.artefacts import ROOT, read

Workflow = dict[str, Any]
Policy = Callable[[Workflow], Iterator[str]]

ACTION = f"octo-org/coord@{'0123456789' * 4}"
HARDENED = Wanted(Mode.HARDENED, "trunk", ("agents/task/", "feat/"), ACTION, runner="big", minute=3)
SIMPLE = replace(HARDENED, mode=Mode.SIMPLE)

#: Who may do what, as docs and design state it. A right that is not here is one too many.
RIGHTS: dict[str, dict[str, dict[str, str]]] = {
    "coord-wake": {"ring": {}},
    "coord-land": {
        "plan": {"contents": "read", "pull-requests": "read"},
        "gate": {"contents": "read"},
        "land": {"contents": "read", "actions": "read"},
        "report": {"contents": "read", "issues": "write", "pull-requests": "write", "statuses": "write"},
    },
    "coord-command": {
        "command": {"contents": "read", "issues": "write", "pull-requests": "write", "actions": "write"}
    },
    "coord-audit": {"audit": {"contents": "read", "issues": "write", "pull-requests": "read"}},
    "coord-simple": {
        "land": {
            "contents": "write", "issues": "write", "pull-requests": "write", "statuses": "write",
            "actions": "write",
        }
    },
    "ci": {"lint": {"contents": "read"}, "wheel": {"contents": "read"}, "test": {"contents": "read"}},
}  # fmt: skip


def load(text: str) -> Workflow:
    """Return a workflow as it is written."""
    workflow: Workflow = yaml.load(text, yaml.BaseLoader)
    return workflow


def _live() -> dict[str, Workflow]:
    return {f"live {path.name}": load(path.read_text("utf-8")) for path in (ROOT / FOLDER).glob("*.yml")}


def _rendered() -> dict[str, Workflow]:
    return {
        f"{wanted.mode} {name}": load(render(name, wanted))
        for wanted in (HARDENED, SIMPLE)
        for name in FILES[wanted.mode]
    }


ALL = _live() | _rendered()


def _steps(workflow: Workflow) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


# -- the policies: each tells what is against it -------------------------------------------------------------------


def nothing_is_allowed_on_top(workflow: Workflow) -> Iterator[str]:
    if workflow.get("permissions") != {}:
        yield "permissions"


def no_job_has_another_right_than_the_table_says(workflow: Workflow) -> Iterator[str]:
    told = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    if told != RIGHTS[workflow["name"]]:
        yield json.dumps(told)


def no_cache_is_read_or_written(workflow: Workflow) -> Iterator[str]:
    if workflow.get("cache-mode") != "none":
        yield "cache-mode"
    yield from (name for name, job in workflow["jobs"].items() if "cache-mode" in job)


def every_job_ends(workflow: Workflow) -> Iterator[str]:
    for name, job in workflow["jobs"].items():
        if not 0 < int(job.get("timeout-minutes", "0")) <= 120:
            yield name


def every_action_is_pinned(workflow: Workflow) -> Iterator[str]:
    for job in workflow["jobs"].values():
        yield from [job["uses"]] if "uses" in job else []
    for step in _steps(workflow):
        if "uses" in step and not re.fullmatch(r"\./|[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"]):
            yield step["uses"]


def no_script_holds_an_expression(workflow: Workflow) -> Iterator[str]:
    yield from (step["run"] for step in _steps(workflow) if "${{" in step.get("run", ""))


def secrets_are_only_in_the_job_with_the_environment(workflow: Workflow) -> Iterator[str]:
    rest = deepcopy(workflow)
    for job in rest["jobs"].values():
        if job.get("environment") == {"name": ENVIRONMENT, "deployment": "false"}:
            job.clear()
    yield from re.findall(r"secrets\b.{0,20}", json.dumps(rest))


def the_gate_can_read_and_nothing_else(workflow: Workflow) -> Iterator[str]:
    gate = workflow["jobs"].get("gate")
    if gate is None:
        return
    if gate.get("permissions") != {"contents": "read"}:
        yield "its rights"
    yield from {"environment", "outputs", "secrets", "container", "services"} & set(gate)
    yield from (
        key for step in gate["steps"] for key in step.get("with", {}) if key in ("app-key", "run-token")
    )


def nobody_reads_what_the_gate_says(workflow: Workflow) -> Iterator[str]:
    yield from re.findall(r"needs\.(?:gate|\*).{0,20}|needs\[.{0,20}|toJSON\(needs\)", json.dumps(workflow))


def what_is_checked_out_is_main(workflow: Workflow) -> Iterator[str]:
    for step in _steps(workflow):
        told = step.get("with", {})
        if "actions/checkout@" not in step.get("uses", ""):
            continue
        if told.get("persist-credentials") != "false":
            yield "credentials stay"
        if told.get("ref") not in (["main", "trunk"] if workflow["name"] != "ci" else [None]):
            yield f"ref {told.get('ref')}"
        yield from {"repository", "path", "token", "ssh-key", "allow-unsafe-pr-checkout"} & set(told)


def landings_wait_for_each_other(workflow: Workflow) -> Iterator[str]:
    landing = workflow["name"] in ("coord-land", "coord-simple")
    if landing and workflow.get("concurrency") != {"group": "coord-land", "queue": "max"}:
        yield json.dumps(workflow.get("concurrency"))


def the_clock_rings_at_odd_minutes(workflow: Workflow) -> Iterator[str]:
    for each in workflow["on"].get("schedule", []) if isinstance(workflow["on"], dict) else []:
        minutes = each["cron"].split()[0].split(",")
        yield from (minute for minute in minutes if not minute.isdigit() or int(minute) % 2 == 0)


def a_landing_never_comes_from_a_branch(workflow: Workflow) -> Iterator[str]:
    """GitHub takes the file of a pushed commit for these events: only what has no rights, or is simple, may use them."""
    if workflow["name"] not in ("coord-wake", "coord-simple", "ci"):
        yield from {"push", "pull_request", "pull_request_target", "create", "delete"} & set(workflow["on"])


def _set(*path: Any, to: Any) -> Callable[[Workflow], None]:
    """Return a change that puts a value at a path of keys; ``...`` as value takes the key away."""

    def change(workflow: Workflow) -> None:
        *way, last = path
        at: Any = workflow
        for key in way:
            at = at[key]
        if to is ...:
            del at[last]
        else:
            at[last] = to

    return change


_LAND = ("jobs", "land", "steps")
_GATE = ("jobs", "gate")
_PLAN_CHECKOUT = ("jobs", "plan", "steps", 0)

#: Each policy with what must not pass it: changes of coord-land as rendered.
BREACHES: dict[Policy, tuple[Callable[[Workflow], None], ...]] = {
    nothing_is_allowed_on_top: (
        _set("permissions", to={"contents": "read"}),
        _set("permissions", to="read-all"),
        _set("permissions", to=...),
    ),
    no_job_has_another_right_than_the_table_says: (
        _set("jobs", "plan", "permissions", "contents", to="write"),
        _set("jobs", "land", "permissions", to=...),
        _set("jobs", "report", "permissions", "statuses", to=...),
        _set("jobs", "more", to={"permissions": {"contents": "write"}, "steps": []}),
    ),
    no_cache_is_read_or_written: (
        _set("cache-mode", to=...),
        _set("cache-mode", to="read"),
        _set(*_GATE, "cache-mode", to="write"),
    ),
    every_job_ends: (
        _set(*_GATE, "timeout-minutes", to=...),
        _set(*_GATE, "timeout-minutes", to="0"),
        _set(*_GATE, "timeout-minutes", to="360"),
    ),
    every_action_is_pinned: (
        _set(*_PLAN_CHECKOUT, "uses", to="actions/checkout@v7"),
        _set(*_PLAN_CHECKOUT, "uses", to="actions/checkout@3d3c42e"),
        _set(*_PLAN_CHECKOUT, "uses", to="docker://alpine"),
        _set(*_PLAN_CHECKOUT, "uses", to="./branch/action"),
        _set(*_GATE, "uses", to="octo-org/coord/.github/workflows/gate.yml@main"),
    ),
    no_script_holds_an_expression: (
        _set(*_PLAN_CHECKOUT, to={"run": "echo ${{ github.event.workflow_run.head_branch }}"}),
    ),
    secrets_are_only_in_the_job_with_the_environment: (
        _set(*_GATE, "env", to={"KEY": "${{ secrets.COORD_APP_KEY }}"}),
        _set("env", to={"KEY": "${{ secrets['COORD_APP_KEY'] }}"}),
        _set(*_GATE, "secrets", to="inherit"),
        _set("jobs", "land", "environment", to=...),
        _set("jobs", "land", "environment", "name", to="production"),
    ),
    the_gate_can_read_and_nothing_else: (
        _set(*_GATE, "permissions", "actions", to="read"),
        _set(*_GATE, "permissions", to={}),
        _set(*_GATE, "environment", to="coord"),
        _set(*_GATE, "outputs", to={"green": "true"}),
        _set(*_GATE, "steps", 1, "with", "app-key", to="x"),
    ),
    nobody_reads_what_the_gate_says: (
        _set(*_LAND, 1, "with", "plan", to="${{ needs.gate.outputs.plan }}"),
        _set(*_LAND, 1, "with", "plan", to="${{ needs['gate'].outputs.plan }}"),
        _set(*_LAND, 1, "with", "plan", to="${{ toJSON(needs) }}"),
        _set("jobs", "land", "if", to="${{ needs.gate.result == 'success' }}"),
    ),
    what_is_checked_out_is_main: (
        _set(*_PLAN_CHECKOUT, "with", "ref", to="${{ github.event.workflow_run.head_branch }}"),
        _set(*_PLAN_CHECKOUT, "with", "ref", to="${{ inputs.branch }}"),
        _set(*_PLAN_CHECKOUT, "with", "ref", to=...),
        _set(*_PLAN_CHECKOUT, "with", "persist-credentials", to=...),
        _set(*_PLAN_CHECKOUT, "with", "persist-credentials", to="true"),
        _set(*_PLAN_CHECKOUT, "with", "repository", to="octo-org/fork"),
        _set(*_PLAN_CHECKOUT, "with", "token", to="${{ github.token }}"),
    ),
    landings_wait_for_each_other: (
        _set("concurrency", to=...),
        _set("concurrency", "queue", to=...),
        _set("concurrency", "group", to="coord-land-${{ github.ref }}"),
        _set("concurrency", "cancel-in-progress", to="true"),
    ),
    the_clock_rings_at_odd_minutes: (
        _set("on", "schedule", to=[{"cron": "3,24,43 * * * *"}]),
        _set("on", "schedule", to=[{"cron": "*/15 * * * *"}]),
    ),
    a_landing_never_comes_from_a_branch: (
        _set("on", "push", to={"branches": ["feat/**"]}),
        _set("on", to=["pull_request_target"]),
    ),
}


@pytest.mark.parametrize("policy", BREACHES, ids=lambda policy: policy.__name__)
@pytest.mark.parametrize("name", ALL)
def test_every_workflow_holds_to_every_policy(name: str, policy: Policy) -> None:
    assert list(policy(ALL[name])) == []


@pytest.mark.parametrize(
    ("policy", "breach"),
    [(policy, breach) for policy, breaches in BREACHES.items() for breach in breaches],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_policy_notices_its_breach(policy: Policy, breach: Callable[[Workflow], None]) -> None:
    workflow = deepcopy(ALL["hardened coord-land.yml"])
    assert list(policy(workflow)) == []
    breach(workflow)
    assert list(policy(workflow))


# -- this repository's own ------------------------------------------------------------------------------------------


#: Both modes: coord-simple stands by where the App is set up.
_OURS = (*FILES[Mode.HARDENED], "coord-simple.yml")


def test_our_own_workflows_are_what_the_templates_render() -> None:
    there = standing(ROOT)
    wanted = Wanted(
        mode=Mode.HARDENED,
        main="main",
        prefixes=parse(read(".coord.toml"), ".coord.toml").project.prefixes,
        action="./",
        minute=there.minute or 0,
    )
    files = {path.name: path.read_text("utf-8") for path in (ROOT / FOLDER).glob("coord-*")}
    assert files == {name: render(name, wanted) for name in _OURS}, "run: coord init --github"


def test_the_policies_look_at_every_workflow_of_this_repository() -> None:
    assert sorted(path.name for path in (ROOT / FOLDER).iterdir()) == sorted([*_OURS, "ci.yml"])
    assert sorted(RIGHTS) == sorted({workflow["name"] for workflow in ALL.values()})


# -- what a template makes of what it is given ----------------------------------------------------------------------


def test_the_branches_that_ring_are_those_of_the_configuration() -> None:
    for name in ("coord-wake.yml", "coord-simple.yml"):
        assert load(render(name, HARDENED))["on"]["push"] == {"branches": ["agents/task/**", "feat/**"]}


def test_only_the_runner_of_branches_code_is_chosen() -> None:
    jobs = load(render("coord-land.yml", HARDENED))["jobs"]
    runners = {name: job["runs-on"] for name, job in jobs.items()}
    assert runners == {
        "plan": "ubuntu-24.04",
        "gate": "big",
        "land": "ubuntu-24.04",
        "report": "ubuntu-24.04",
    }


def test_every_job_checks_main_out_and_calls_coord_once_but_for_the_gate() -> None:
    for wanted in (HARDENED, SIMPLE):
        for name in set(FILES[wanted.mode]) - {"coord-wake.yml"}:
            for job in load(render(name, wanted))["jobs"].values():
                used = [step.get("uses") for step in job["steps"]]
                assert used[:2] == [CHECKOUT, ACTION]
                after = {"${{ matrix.name }}": [ACTION], "Audit": [UPLOAD, UPLOAD]}
                assert used[2:] == after.get(job["name"], [])


def test_the_gate_says_by_its_steps_whether_the_branch_or_main_is_red() -> None:
    _, validate, beside = load(render("coord-land.yml", HARDENED))["jobs"]["gate"]["steps"]
    assert (validate["name"], validate["id"]) == ("Validate", "validate")
    assert beside["name"] == "Validate main beside it"
    assert beside["if"] == (
        "${{ failure() && steps.validate.conclusion == 'failure' && steps.validate.outputs.unable != 'true' }}"
    )
    assert beside["with"] == validate["with"] | {"beside": "true"}


def test_what_a_person_asks_for_reaches_plan_and_land_alike() -> None:
    workflow = load(render("coord-land.yml", HARDENED))
    asked = {name: f"${{{{ inputs.{name} }}}}" for name in workflow["on"]["workflow_dispatch"]["inputs"]}
    assert sorted(asked) == ["branch", "dry-run", "request"]
    for job in ("plan", "land"):
        assert asked.items() <= workflow["jobs"][job]["steps"][1]["with"].items()


def test_a_command_names_the_workflow_that_lands_in_its_mode() -> None:
    assert "coord-simple" not in render("coord-command.yml", HARDENED)
    assert "coord-land" not in render("coord-command.yml", SIMPLE)


# -- the action -----------------------------------------------------------------------------------------------------


def _action() -> Workflow:
    return load(read("action.yml"))


def test_the_action_puts_every_input_into_the_environment_and_none_into_a_script() -> None:
    action = _action()
    (step,) = action["runs"]["steps"]
    assert sorted(step["env"].values()) == sorted(f"${{{{ inputs.{name} }}}}" for name in action["inputs"])
    assert all(name.startswith("COORD_") for name in step["env"])
    assert "${{" not in step["run"]
    assert "GITHUB_ACTION_PATH" in step["run"]


def test_the_action_documents_inputs_and_outputs_in_kebab_case() -> None:
    action = _action()
    for name, told in (action["inputs"] | action["outputs"]).items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
        assert told["description"]
    assert {told["value"] for told in action["outputs"].values()} == {
        f"${{{{ steps.coord.outputs.{name} }}}}" for name in action["outputs"]
    }


def test_the_workflows_give_the_action_only_inputs_that_it_has_and_read_only_its_outputs() -> None:
    action = _action()
    for workflow in _rendered().values():
        for step in _steps(workflow):
            if step.get("uses") == ACTION:
                assert set(step["with"]) <= set(action["inputs"])
        read_of_steps = re.findall(r"steps\.\w+\.outputs\.(\w+)", json.dumps(workflow))
        assert set(read_of_steps) <= set(action["outputs"])
