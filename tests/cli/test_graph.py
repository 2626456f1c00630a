"""``graph`` on real repositories: what each view tells, in each format, and the exit codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coord.core.graphview import ALIASES, VIEWS

from .conftest import Ran, Repository

Coord = Callable[..., Ran]

_WORDS = "risk: {}\nscope: {}\nimpact: {}\n"


@pytest.fixture
def published(repository: Repository) -> Repository:
    """A small plan: setup, two tasks side by side, their review."""
    repository.task("setup", status="completed", more=_WORDS.format("trivial", "single", "project"))
    repository.task("auth/keys", "setup", more=_WORDS.format("high", "narrow", "phase"))
    repository.task("ui", "setup", more=_WORDS.format("low", "broad", "isolated"))
    repository.task("review", "auth/keys", "ui", more=_WORDS.format("medium", "single", "component"))
    repository.publish()
    return repository


@pytest.fixture
def broken(repository: Repository) -> Repository:
    """A cycle, what waits for it, a dependency that does not exist, a file that cannot be read."""
    repository.task("a", "b")
    repository.task("b", "a")
    repository.task("c", "a", "base")
    repository.task("d", "nowhere", "torn")
    repository.task("base")
    repository.write("tasks/torn.md", "---\nid: torn\nname: [\n---\n")
    repository.publish()
    return repository


def test_the_overview_tells_generations_critical_path_and_bottlenecks(published: Repository, coord: Coord):
    ran = coord("graph")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "4 tasks in 3 generations: 1 completed, 3 pending",
            "",
            "generation 1: 1 task",
            "  [x]  setup  Do setup",
            "",
            "generation 2: 2 tasks",
            "  [ ]  auth/keys  Do auth/keys",
            "  [ ]  ui         Do ui",
            "",
            "generation 3: 1 task",
            "  [ ]  review  Do review",
            "",
            "critical path: 3 tasks",
            "  [x]  setup      Do setup",
            "  [ ]  auth/keys  Do auth/keys",
            "  [ ]  review     Do review",
            "",
            "bottlenecks: 2",
            "       task       between  chains",
            "  [ ]  auth/keys  0.5      3",
            "  [ ]  ui         0.5      3",
        ],
    )
    assert "as of origin/main" in ran.err


def test_a_branch_of_a_task_shows_it_in_progress(published: Repository, coord: Coord):
    published.git("push", "--quiet", "origin", "HEAD:refs/heads/feat/ui")
    assert "  [>]  ui  " in coord("graph", "generations", "--fetch").out
    tasks = {task["id"]: task for task in coord("graph", "--json").json["data"]["tasks"]}
    assert (tasks["ui"]["status"], tasks["ui"]["in_progress"]) == ("pending", True)


def test_the_order_has_every_task_after_what_it_needs(published: Repository, coord: Coord):
    ran = coord("graph", "order")
    assert [line.split()[-1] for line in ran.out.splitlines()] == ["setup", "auth/keys", "ui", "review"]
    assert coord("graph", "topo").out == ran.out


def test_dependencies_and_dependents_are_direct_ones_or_all(published: Repository, coord: Coord):
    assert coord("graph", "deps", "review").out.splitlines() == [
        "review needs 2 tasks",
        "  [ ]  auth/keys  Do auth/keys",
        "  [ ]  ui         Do ui",
    ]
    assert coord("graph", "deps", "review", "--deep").out.splitlines()[-1] == "  2  [x]  setup      Do setup"
    data = coord("graph", "dependents", "setup", "--deep", "--json").json["data"]
    assert [(row["id"], row["steps"]) for row in data["found"]] == [
        ("auth/keys", 1),
        ("ui", 1),
        ("review", 2),
    ]


def test_a_task_that_nobody_knows_is_a_usage_error_with_its_neighbours(published: Repository, coord: Coord):
    ran = coord("graph", "deps", "auth/kyes")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean auth/keys?" in ran.err


def test_the_critical_path_is_counted_in_tasks_or_in_cost(published: Repository, coord: Coord):
    assert "critical path: 3 tasks\n" in coord("graph", "critical").out
    ran = coord("graph", "critical", "--by", "cost")
    assert ran.out.splitlines() == [
        "critical path: 3 tasks, cost 6",
        "  [x]  setup   1  Do setup",
        "  [ ]  ui      4  Do ui",
        "  [ ]  review  1  Do review",
    ]
    data = coord("graph", "critical", "--by", "cost", "--json").json["data"]
    assert data["critical"] == {"by": "cost", "path": ["setup", "ui", "review"], "count": 3, "cost": 6.0}


def test_bottlenecks_can_be_limited_and_the_limit_is_told(published: Repository, coord: Coord):
    ran = coord("graph", "bottlenecks", "--limit", "1")
    assert ran.out.splitlines()[0] == "bottlenecks: 1 of 2"
    assert "auth/keys" in ran.out
    assert "ui" not in ran.out
    assert coord("graph", "bottlenecks", "--limit", "0").code == 2


def test_risk_is_told_by_level_and_its_heaviest_path(published: Repository, coord: Coord):
    assert [line for line in coord("graph", "risk").out.splitlines() if line.endswith("%)")] == [
        "critical: 0 (0 %)",
        "high: 1 (25 %)",
        "medium: 1 (25 %)",
        "low: 1 (25 %)",
        "trivial: 1 (25 %)",
        "not stated: 0 (0 %)",
    ]
    assert coord("graph", "risk-path").out.splitlines() == [
        "risk path: 3 tasks, risk 1.06",
        "  [x]  setup      0.06  risk trivial  impact project",
        "  [ ]  auth/keys  0.7   risk high     impact phase",
        "  [ ]  review     0.3   risk medium   impact component",
    ]


def test_what_to_decompose_is_told_with_the_reason(published: Repository, coord: Coord):
    assert coord("graph", "decompose").out.splitlines() == [
        "to split: 2 tasks of 4",
        "  [ ]  auth/keys  risk high",
        "  [ ]  ui         scope broad",
    ]


def test_the_cost_counts_failures_and_their_effect_on_others(published: Repository, coord: Coord):
    ran = coord("graph", "cost", "--open")
    assert ran.out.splitlines()[1:] == [
        "       task       scope  chance  expected  chance after  expected after",
        "  [ ]  auth/keys  2      0.65    11.89     0.65          11.89",
        "  [ ]  ui         4      0.9     4.51      0.9           4.51",
        "  [ ]  review     1      0.8     2.7       0.76          3.31",
    ]
    assert "1 completed task left out (--open)\n" in ran.err
    data = coord("graph", "workflow-cost", "--json").json["data"]
    assert data["total"] == pytest.approx(sum(row["expected"] for row in data["cost"]))
    assert len(data["cost"]) == 4


@pytest.mark.parametrize(
    ("view", "fields"),
    [
        ("risk", ("risk",)),
        ("risk-path", ("risk", "impact")),
        ("decompose", ("risk", "scope")),
        ("cost", ("risk", "impact", "scope")),
    ],
)
def test_what_is_not_stated_is_said_aloud_with_what_was_counted(
    published: Repository, coord: Coord, view: str, fields: tuple[str, ...]
):
    published.task("bare", more="risk: huge\n")
    published.publish()
    ran = coord("graph", view)
    said = {
        "risk": "risk is not stated by 1 task, counted as medium: bare (says 'huge')\n",
        "impact": "impact is not stated by 1 task, counted as isolated: bare\n",
        "scope": "scope is not stated by 1 task, counted as narrow: bare\n",
    }
    assert ran.code == 0
    assert [field for field, words in said.items() if words in ran.err] == [f for f in said if f in fields]


# -- honest exit codes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [view for view, row in VIEWS.items() if not row.of_task])
def test_a_cycle_or_a_missing_dependency_is_exit_3_in_every_view(broken: Repository, coord: Coord, view: str):
    ran = coord("graph", view)
    assert ran.code == 3
    assert "tasks/a.md:5:14: dependencies go in a circle: a -> b -> a [cycle]\n" in ran.err
    assert "tasks/d.md:5:14: dependency 'nowhere' does not exist [dependency]\n" in ran.err
    assert "tasks/d.md:5:23: dependency 'torn' cannot be read: tasks/torn.md [dependency]\n" in ran.err
    assert "tasks/torn.md:4:1: not valid YAML" in ran.err


@pytest.mark.parametrize(
    "view", ["overview", "generations", "order", "cycles", "critical", "bottlenecks", "risk-path", "cost"]
)
def test_a_list_says_which_tasks_it_leaves_out_and_why(broken: Repository, coord: Coord, view: str):
    out = coord("graph", view).out
    assert (
        "left out: in a cycle (2 tasks)\n  [ ]  a  waits for b\n  [ ]  b  waits for a\n"
        "\nleft out: behind a cycle (1 task)\n  [ ]  c  waits for a\n"
        "\nleft out: cannot be read (1 file)\n  tasks/torn.md\n"
    ) in out


def test_cycles_are_paths_and_a_sound_graph_has_none(broken: Repository, coord: Coord):
    assert coord("graph", "cycles").out.startswith("cycles: 1\n  a -> b -> a\n")
    for id in ("a", "d"):
        broken.task(id)
    broken.write("tasks/torn.md", "---\nid: torn\nname: N\n---\n")
    broken.publish()
    ran = coord("graph", "cycles")
    assert (ran.code, ran.out) == (0, "no cycles\n")


def test_the_json_of_every_view_has_what_is_left_out(broken: Repository, coord: Coord):
    for view, row in VIEWS.items():
        ran = coord("graph", view, *(["c"] if row.of_task else []), "--json")
        answer = ran.json
        assert (ran.code, answer["schema"], answer["data"]["view"]) == (3, "coord/graph/1", view)
        assert answer["data"]["left_out"] == {
            "in_cycle": ["a", "b"], "behind_cycle": ["c"], "unreadable": ["tasks/torn.md"],
        }  # fmt: skip
        assert answer["data"]["missing"] == [
            {"task": "d", "needs": "nowhere"}, {"task": "d", "needs": "torn"},
        ]  # fmt: skip
        assert "cycle" in {problem["rule"] for problem in answer["problems"]}


def test_missing_dependencies_of_a_task_are_told_with_the_others(broken: Repository, coord: Coord):
    ran = coord("graph", "deps", "d")
    assert ran.out.splitlines()[-3:] == ["missing", "  nowhere  named by d", "  torn     named by d"]
    ran = coord("graph", "deps", "torn")
    assert (ran.code, ran.out) == (3, "")
    assert "coord check tasks/torn.md" in ran.err


def test_an_id_in_two_files_is_exit_3(published: Repository, coord: Coord):
    published.write("tasks/again.md", "---\nid: ui\nname: N\n---\n")
    published.publish()
    ran = coord("graph", "order")
    assert ran.code == 3
    assert "id 'ui' is also in tasks/ui.md [duplicate-id]" in ran.err


def test_other_problems_are_counted_and_shown_by_validate(published: Repository, coord: Coord):
    published.task("ui", "setup", more="risk: huge\n")
    published.publish()
    ran = coord("graph")
    assert ran.code == 0
    assert "1 more problem in the task files: coord graph validate shows all\n" in ran.err
    ran = coord("graph", "validate")
    assert ran.code == 3
    assert ran.out.startswith("tasks/ui.md:6:7: risk 'huge' is unknown")
    answer = coord("graph", "validate", "--json").json
    assert (answer["data"]["errors"], len(answer["problems"])) == (1, 1)


# -- formats and words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "first"), [("dot", "digraph coord {"), ("mermaid", "flowchart LR"), ("svg", "<svg ")]
)
@pytest.mark.parametrize("view", [view for view, row in VIEWS.items() if row.drawn])
def test_drawn_views_are_drawn_and_nothing_else_is_on_stdout(
    broken: Repository, coord: Coord, view: str, kind: str, first: str
):
    words = ["graph", view, *(["base"] if VIEWS[view].of_task else []), "--format", kind]
    ran = coord(*words)
    assert ran.code == 3
    assert ran.out.startswith(first)
    assert "generation 1" in ran.out
    assert coord(*words).out == ran.out


def test_the_drawing_of_one_task_has_its_neighbours_alone(published: Repository, coord: Coord):
    out = coord("graph", "dependents", "auth/keys", "--format", "dot").out
    assert "auth/keys" in out
    assert "review" in out
    assert "setup" not in out


def test_format_json_is_json(published: Repository, coord: Coord):
    assert coord("graph", "--format", "json").out == coord("graph", "--json").out


def test_what_cannot_be_drawn_says_what_can(published: Repository, coord: Coord):
    ran = coord("graph", "risk", "--format", "svg")
    assert (ran.code, ran.out) == (2, "")
    assert "draws overview, generations, deps, dependents, critical, risk-path" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bottlenek"], "did you mean bottleneck"),
        (["zzz"], "one of overview, "),
        (["deps"], "coord graph deps TASK"),
        (["order", "ui"], "order is not about one task"),
        (["--by", "length"], "(choose from 'count', 'cost')"),
        (["--here", "--fetch"], "nothing to fetch"),
        (["--json", "--format", "dot"], "not allowed with"),
        (["deps", "setup", "--open"], "--open leaves completed tasks out"),
    ],
)
def test_words_that_ask_for_nothing_are_usage_errors(
    published: Repository, coord: Coord, words: list[str], said: str
):
    ran = coord("graph", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_the_words_of_the_taskgraph_command_are_known(published: Repository, coord: Coord):
    for alias, view in ALIASES.items():
        assert coord("graph", alias).out == coord("graph", view).out


def test_here_reads_the_working_copy(published: Repository, coord: Coord):
    published.task("fresh", "ui")
    assert "fresh" not in coord("graph", "order").out
    ran = coord("graph", "order", "--here")
    assert ran.out.splitlines()[-2].split()[-1] == "fresh"
    assert "the files of the working copy\n" in ran.err


def test_open_leaves_completed_tasks_out_of_the_drawing_and_the_count(published: Repository, coord: Coord):
    ran = coord("graph", "--open")
    assert ran.out.splitlines()[0] == "3 tasks in 2 generations: 3 pending"
    assert "setup" not in coord("graph", "--open", "--format", "svg").out


def test_a_folder_without_tasks_is_no_error(repository: Repository, coord: Coord):
    repository.write("README.md", "x\n")
    repository.publish()
    for view in [view for view, row in VIEWS.items() if not row.of_task]:
        ran = coord("graph", view)
        assert (view, ran.code) == (view, 0)
    assert coord("graph").out.startswith("0 tasks in 0 generations\n")


def test_other_commands_do_not_load_what_only_the_graph_needs():
    """Each module costs start-up time of every command that loads it."""
    import subprocess
    import sys

    script = (
        "import sys, coord.commands.list, coord.commands.ready; "
        "print([name for name in ('analysis', 'betweenness', 'graphview', 'drawing', 'layout') "
        "if f'coord.core.{name}' in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
