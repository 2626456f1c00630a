"""The graph says what is ready, what waits for what, and what cannot be right."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coord.core.graph import TaskGraph, Unmet
from coord.core.task import Problem, Severity, Status, Task, Unreadable
from coord.core.taskfile import read_task


def task(id: str, *needs: str, status: str = "pending", path: str = "", more: str = "") -> Task:
    front = f"id: {id}\nname: N\nstatus: {status}\ndepends_on: [{', '.join(needs)}]\n{more}"
    read = read_task(path or f"tasks/{id}.md", f"---\n{front}---\n".encode())
    assert isinstance(read, Task)
    return read


def done(id: str, *needs: str) -> Task:
    return task(id, *needs, status="completed")


def found(graph: TaskGraph) -> list[str]:
    return [str(problem) for problem in graph.problems]


def test_a_task_is_ready_when_all_it_needs_is_completed():
    graph = TaskGraph.of([task("c", "a", "b"), done("a"), task("b", "a")])
    assert [t.id for t in graph.ready] == ["b"]
    assert graph.unmet("c") == (Unmet("b", "is pending"),)
    assert graph.dependents("a") == ("b", "c")
    assert graph.problems == ()


def test_generations_are_the_depth_in_the_graph():
    graph = TaskGraph.of(
        [
            task("d", "c", "a"),
            task("c", "b"),
            task("b"),
            done("a"),
            task("x", "y"),
            task("y", "x"),
            task("z", "x"),
        ]
    )
    assert graph.generations == (("a", "b"), ("c",), ("d",))


def test_a_missing_dependency_keeps_its_task_waiting_and_names_the_nearest():
    graph = TaskGraph.of([task("a", "auth/kyes"), done("auth/keys")])
    assert graph.unmet("a") == (Unmet("auth/kyes", "does not exist (did you mean auth/keys?)"),)
    assert found(graph) == [
        "tasks/a.md:5:14: dependency 'auth/kyes' does not exist (did you mean auth/keys?) [dependency]"
    ]


def test_an_unreadable_dependency_keeps_its_task_waiting():
    broken = read_task("tasks/b.md", b"---\nid: b\nname: [\n---\n")
    assert isinstance(broken, Unreadable)
    graph = TaskGraph.of([task("a", "b")], [broken])
    assert graph.unmet("a") == (Unmet("b", "cannot be read: tasks/b.md"),)
    assert graph.ready == ()


def test_a_cycle_is_shown_as_a_path_and_nothing_in_it_is_ready():
    graph = TaskGraph.of([task("c", "a"), task("a", "b"), done("b", "c"), task("d", "a"), task("s", "s")])
    assert graph.cycles == (("a", "b", "c", "a"), ("s", "s"))
    assert graph.unmet("a") == (Unmet("b", "depends on this task in turn"),)
    assert graph.unmet("d") == (Unmet("a", "is pending, in a circle of dependencies"),)
    assert graph.ready == ()
    assert "tasks/a.md:5:14: dependencies go in a circle: a -> b -> c -> a [cycle]" in found(graph)


def test_an_id_in_two_files_is_trusted_by_nobody():
    graph = TaskGraph.of([task("a", path="tasks/2.md"), task("a", path="tasks/1.md"), task("b", "a")])
    kept = graph.get("a")
    assert kept is not None
    assert kept.path == "tasks/1.md"
    assert graph.unmet("a") == (Unmet("a", "has two files: tasks/1.md, tasks/2.md"),)
    assert graph.unmet("b") == (Unmet("a", "has two files: tasks/1.md, tasks/2.md"),)
    assert found(graph) == [
        "tasks/1.md:2:5: id 'a' is also in tasks/2.md [duplicate-id]",
        "tasks/2.md:2:5: id 'a' is also in tasks/1.md [duplicate-id]",
    ]


def test_ids_whose_branches_cannot_both_exist_are_told():
    graph = TaskGraph.of([task("Api"), task("api", path="tasks/api2.md"), task("x"), task("x/y/z")])
    assert found(graph) == [
        "tasks/api2.md:2:5: id 'api' differs only in case from 'Api' (tasks/Api.md) [id-case]",
        "tasks/x/y/z.md:2:5: id 'x/y/z' lies below the id 'x' (tasks/x.md): their branches cannot both exist [id-prefix]",
    ]


def test_completed_with_open_dependencies_is_a_warning():
    (problem,) = TaskGraph.of([done("a", "b"), task("b")]).problems
    assert problem.severity is Severity.WARNING
    assert str(problem) == "tasks/a.md:4:9: completed, but b is not [open-dependency]"


def test_reviews_stand_apart_and_gate_their_dependents():
    graph = TaskGraph.of(
        [
            task("review", more="level: review\n"),
            task("after", "review"),
            task("old", more="superseded_by: new\n"),
        ]
    )
    assert graph.ready == ()
    assert graph.unmet("review") == ()
    assert graph.unmet("after") == (Unmet("review", "is pending, level review"),)


def test_a_status_nobody_knows_is_neither_ready_nor_completed():
    graph = TaskGraph.of([task("a", status="wontfix"), task("b", "a")])
    assert graph.ready == ()
    assert graph.unmet("b") == (Unmet("a", "is wontfix"),)


def test_an_unknown_id_is_unmet_and_its_neighbours_are_named():
    graph = TaskGraph.of([task("server/handler"), task("client/handler")])
    assert graph.near("servr/handler") == ("client/handler", "server/handler")
    assert graph.unmet("servr/handlr") == (
        Unmet("servr/handlr", "does not exist (did you mean server/handler?)"),
    )
    assert graph.near("zzz") == ()


def test_a_hundred_thousand_tasks_in_one_chain_are_read_without_recursion():
    size = 100_000
    tasks = [Task(f"t{n:06}", "N", f"t{n}", depends_on=(f"t{n - 1:06}",) if n else ()) for n in range(size)]
    graph = TaskGraph.of(tasks)
    assert len(graph.generations) == size
    assert graph.cycles == ()
    assert [t.id for t in graph.ready] == ["t000000"]
    ring = TaskGraph.of([Task("t000000", "N", "t0", depends_on=(f"t{size - 1:06}",)), *tasks[1:]])
    assert len(ring.cycles[0]) == size + 1


IDS = st.sampled_from("abcdef")


@given(st.dictionaries(IDS, st.tuples(st.lists(IDS, max_size=3), st.booleans())), st.randoms())
def test_the_graph_does_not_depend_on_the_order_of_files_and_ready_is_sound(
    spec: dict[str, tuple[list[str], bool]], random: object
):
    tasks = [
        Task(
            id,
            "N",
            id,
            status=Status.COMPLETED if is_done else Status.PENDING,
            depends_on=tuple(dict.fromkeys(needs)),
        )
        for id, (needs, is_done) in spec.items()
    ]
    graph = TaskGraph.of(tasks)
    shuffled = list(tasks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert TaskGraph.of(shuffled).problems == graph.problems
    for ready in graph.ready:
        assert all(spec[need][1] for need in ready.depends_on)
    in_generations = [id for generation in graph.generations for id in generation]
    assert len(in_generations) == len(set(in_generations))
    for cycle in graph.cycles:
        assert cycle[0] == cycle[-1]
        assert all(need in spec[id][0] for id, need in pairwise(cycle))
    assert bool(graph.cycles) <= (len(in_generations) < len(spec))
    assert all(isinstance(problem, Problem) for problem in graph.problems)
