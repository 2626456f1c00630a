"""What the loop does next, as tables: one picture of sessions, branches and tasks, and the steps that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.agents import Overlap, Run
from coord.core.graph import TaskGraph
from coord.core.journal import Ahead, Newborn
from coord.core.loop import (
    Close,
    GiveUp,
    Means,
    Resume,
    Retire,
    Return,
    Spawn,
    Step,
    Waits,
    Worker,
    next_steps,
)
from coord.core.queue import make_queue
from coord.core.session import SessionState
from coord.core.settings import Settings
from coord.core.signal import Done, Signal, Stuck, Working
from coord.core.snapshot import Claim, Ruling, Snapshot, TaskBranch
from coord.core.task import Status, Task
from coord.core.verdict import Verdict, VerdictKind

MEANS = Means(Run(max=3, memory=0, attempts=2), "here")


def a_task(
    id: str, *, status: Status = Status.PENDING, needs: tuple[str, ...] = (), touches: tuple[str, ...] = ()
) -> Task:
    return Task(
        id, id, f"tasks/{id}.md", status=status, status_text=status.value, depends_on=needs, touches=touches
    )


def a_branch(task: str, signal: Signal, *, newborn: bool = False) -> TaskBranch:
    return TaskBranch(
        name=f"feat/{task}",
        task=task,
        ref=f"refs/remotes/origin/feat/{task}",
        tip=f"tip-{task}",
        files=frozenset({f"src/{task}.txt"}),
        signal=signal,
        since=1,
        author_date="1 +0000",
        standing=Newborn() if newborn else Ahead(),
        commits=("c",),
    )


def a_ruling(task: str, kind: VerdictKind, attempts: str = "1", context: str = "") -> Ruling:
    verdict = Verdict(
        task, f"feat/{task}", f"tip-{task}", "base", kind, "it broke", attempts=attempts, context=context
    )
    return Ruling(f"refs/coord/verdicts/{task}", "oid", verdict)


def seen(
    *tasks: Task,
    branches: tuple[TaskBranch, ...] = (),
    rulings: tuple[Ruling, ...] = (),
    claims: tuple[Claim, ...] = (),
) -> Snapshot:
    return Snapshot(
        settings=Settings(),
        graph=TaskGraph.of(tasks),
        base="base",
        at=100,
        upstream="origin/main",
        branches=branches,
        rulings=rulings,
        claims=claims,
    )


def steps(snapshot: Snapshot, *workers: Worker, means: Means = MEANS) -> tuple[Step, ...]:
    return next_steps(snapshot, make_queue(snapshot), workers, means).steps


def waits(snapshot: Snapshot, *workers: Worker, means: Means = MEANS) -> tuple[Waits, ...]:
    return next_steps(snapshot, make_queue(snapshot), workers, means).waits


def worker(state: SessionState, *, alive: bool = False, task: str = "a", **more: int) -> Worker:
    return Worker("ses_1", task, state, alive, agent="opencode", reason="because", **more)


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_a_ready_task_is_given_out_and_one_that_waits_is_not() -> None:
    snapshot = seen(a_task("a"), a_task("b", needs=("a",)))
    assert [s.task for s in steps(snapshot) if isinstance(s, Spawn)] == ["a"]
    assert [(w.task, w.person) for w in waits(snapshot)] == [("b", False)]


def test_a_task_is_ready_the_moment_its_own_dependencies_are_done() -> None:
    snapshot = seen(
        a_task("a", status=Status.COMPLETED),
        a_task("slow"),
        a_task("b", needs=("a",)),
        a_task("c", needs=("slow",)),
    )
    assert {s.task for s in steps(snapshot) if isinstance(s, Spawn)} == {"slow", "b"}


def test_no_more_are_given_out_than_there_are_places() -> None:
    tasks = [a_task(id) for id in "abcde"]
    busy = worker(SessionState.WORKING, alive=True)
    assert len(steps(seen(*tasks), busy)) == 2
    assert "3 sessions are at work" in waits(seen(*tasks), busy)[0].reason


def test_places_go_first_to_what_most_others_wait_for() -> None:
    chain = [a_task("a"), a_task("z1"), a_task("z2", needs=("z1",)), a_task("z3", needs=("z2",))]
    one = replace(MEANS, run=replace(MEANS.run, max=1))
    assert [s.task for s in steps(seen(*chain), means=one) if isinstance(s, Spawn)] == ["z1"]


def test_memory_holds_back_as_count_does() -> None:
    means = replace(MEANS, run=Run(memory=2**30), free=2**20)
    assert steps(seen(a_task("a")), means=means) == ()
    assert waits(seen(a_task("a")), means=means)[0].reason == "only 1 MiB of memory are free"


def test_a_claim_of_another_machine_is_left_alone_and_one_of_this_clone_is_not() -> None:
    def claimed(holder: str) -> Snapshot:
        return seen(a_task("a"), claims=(Claim("a", "ref", "oid", holder, 999),))

    assert steps(claimed("there/ses_9")) == ()
    assert isinstance(steps(claimed("here/ses_9"))[0], Spawn)


def test_a_branch_that_is_done_is_left_to_landing() -> None:
    snapshot = seen(a_task("a"), branches=(a_branch("a", Done("x", explicit=True)),))
    assert steps(snapshot) == ()
    assert waits(snapshot) == (Waits("a", "its branch is about to land", person=False),)


@pytest.mark.parametrize("newborn", [True, False])
def test_a_branch_that_nobody_works_on_is_gone_on_with(newborn: bool) -> None:
    snapshot = seen(a_task("a"), branches=(a_branch("a", Working("no word"), newborn=newborn),))
    (step,) = steps(snapshot)
    assert isinstance(step, Spawn)
    assert "not finished" in step.reason


def test_a_conflict_of_a_branch_without_a_session_is_given_to_a_new_one_with_the_evidence() -> None:
    snapshot = seen(
        a_task("a", status=Status.BLOCKED),
        branches=(a_branch("a", Done("", explicit=True)),),
        rulings=(a_ruling("a", VerdictKind.CONFLICT),),
    )
    (step,) = steps(snapshot)
    assert isinstance(step, Spawn)
    assert step.context.startswith("Your branch was not landed: conflict. it broke.")
    assert step.mends


def test_a_lifted_block_is_given_out_again_with_what_the_person_said() -> None:
    snapshot = seen(
        a_task("a"),
        branches=(a_branch("a", Stuck("no licence")),),
        rulings=(a_ruling("a", VerdictKind.UNBLOCKED, context="it is MIT now"),),
    )
    (step,) = steps(snapshot)
    assert isinstance(step, Spawn)
    assert "it is MIT now" in step.context


def test_a_blocked_task_is_a_persons() -> None:
    snapshot = seen(a_task("a", status=Status.BLOCKED), branches=(a_branch("a", Stuck("no")),))
    assert steps(snapshot) == ()
    assert waits(snapshot) == (Waits("a", "a is blocked: coord unblock a", person=True),)


def test_an_agent_that_does_not_start_gets_no_task() -> None:
    means = replace(MEANS, broken={"opencode": "there is no program"})
    assert steps(seen(a_task("a")), means=means) == ()
    assert waits(seen(a_task("a")), means=means) == (Waits("a", "there is no program", person=True),)


def test_sessions_that_failed_count_until_the_budget_is_spent() -> None:
    (step,) = steps(seen(a_task("a")), means=replace(MEANS, tried={"a": 1}))
    assert isinstance(step, Spawn)
    assert step.attempt == 2
    assert steps(seen(a_task("a")), means=replace(MEANS, tried={"a": 2})) == ()


def test_expected_overlap_is_shown_or_held_back() -> None:
    snapshot = seen(a_task("a", touches=("src/**",)), a_task("b", touches=("src/x.rs",)))
    first, second = steps(snapshot)
    assert isinstance(first, Spawn)
    assert isinstance(second, Spawn)
    assert second.shared[0].who == "a"
    held = replace(MEANS, run=replace(MEANS.run, overlap=Overlap.HOLD))
    assert [s.task for s in steps(snapshot, means=held) if isinstance(s, Spawn)] == ["a"]


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (worker(SessionState.INTERRUPTED), Resume),
        (worker(SessionState.ATTENTION, alive=True), Close),
        (worker(SessionState.ATTENTION), Retire),
        (worker(SessionState.FAILED), Retire),
        (worker(SessionState.ATTENTION, attempt=2), GiveUp),
        (worker(SessionState.FAILED, attempt=2), GiveUp),
        (worker(SessionState.FAILED, attempt=2, turns=0), Retire),
        (worker(SessionState.INTERRUPTED, starts=9, attempt=2), GiveUp),
    ],
)
def test_a_session_that_stopped_is_taken_up_ended_or_given_up(who: Worker, kind: type[Step]) -> None:
    assert isinstance(steps(seen(a_task("a")), who)[0], kind)


@pytest.mark.parametrize(
    "state", [SessionState.STARTING, SessionState.WORKING, SessionState.WAITING, SessionState.IDLE]
)
def test_a_session_at_work_is_left_alone(state: SessionState) -> None:
    assert steps(seen(a_task("a")), worker(state, alive=True)) == ()


def test_a_session_that_a_person_stopped_is_not_started_again() -> None:
    assert steps(seen(a_task("a")), worker(SessionState.ABORTED)) == ()
    (waiting,) = waits(seen(a_task("a")), worker(SessionState.ABORTED))
    assert waiting.person
    assert "coord spawn a" in waiting.reason


def test_what_did_not_land_goes_back_to_the_session_that_made_it() -> None:
    snapshot = seen(
        a_task("a", status=Status.BLOCKED),
        branches=(a_branch("a", Done("", explicit=True)),),
        rulings=(a_ruling("a", VerdictKind.GATE_FAILED),),
    )
    (step,) = steps(snapshot, worker(SessionState.DONE))
    assert isinstance(step, Return)
    assert step.context.startswith("Your branch was not landed: red gate.")


def test_what_failed_as_often_as_the_budget_allows_stays_blocked() -> None:
    snapshot = seen(
        a_task("a", status=Status.BLOCKED),
        branches=(a_branch("a", Done("", explicit=True)),),
        rulings=(a_ruling("a", VerdictKind.GATE_FAILED, attempts="2"),),
    )
    assert isinstance(steps(snapshot, worker(SessionState.DONE))[0], Retire)
    assert steps(snapshot) == ()


def test_a_session_whose_branch_waits_to_land_stays_and_takes_no_place() -> None:
    snapshot = seen(*(a_task(id) for id in "abcd"), branches=(a_branch("a", Done("", explicit=True)),))
    assert [type(s) for s in steps(snapshot, worker(SessionState.DONE))] == [Spawn, Spawn, Spawn]


def test_a_session_goes_when_its_work_has_landed() -> None:
    snapshot = seen(a_task("a", status=Status.COMPLETED))
    assert steps(snapshot, worker(SessionState.DONE)) == (Retire("ses_1", "it has landed"),)


def test_a_block_is_on_main_before_its_session_goes() -> None:
    stuck = (a_branch("a", Stuck("no")),)
    assert steps(seen(a_task("a"), branches=stuck), worker(SessionState.BLOCKED)) == ()
    told = seen(a_task("a", status=Status.BLOCKED), branches=stuck)
    assert isinstance(steps(told, worker(SessionState.BLOCKED))[0], Retire)


@given(
    states=st.lists(st.sampled_from(list(SessionState)), max_size=4),
    alive=st.lists(st.booleans(), min_size=4, max_size=4),
    places=st.integers(1, 4),
)
def test_never_two_sessions_of_a_task_never_more_than_the_places(
    states: list[SessionState], alive: list[bool], places: int
) -> None:
    tasks = [a_task(id) for id in "abcdef"]
    workers = tuple(Worker(f"ses_{n}", tasks[n].id, state, alive[n]) for n, state in enumerate(states))
    means = replace(MEANS, run=replace(MEANS.run, max=places))
    taken = steps(seen(*tasks), *workers, means=means)
    spawned = [s.task for s in taken if isinstance(s, Spawn)]
    assert not {w.task for w in workers} & set(spawned)
    assert len(spawned) == len(set(spawned)) <= places
    assert len({s.session for s in taken if not isinstance(s, Spawn)}) == sum(
        not isinstance(s, Spawn) for s in taken
    )
