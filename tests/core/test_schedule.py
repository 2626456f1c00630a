"""The schedule, driven to the end on random truths: who lands, who is turned away, and how many runs that takes.

The world that it is driven in refuses a landing that no run has passed, and a rejection without a proof.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.schedule import Facts, Schedule, make_schedule
from coord.core.settings import Strategy
from coord.core.simulation import MODELS, Model, Truth, UnsoundError, World, deal, plant, play

#: More questions than any honest run needs: a schedule that asks for more does not come to rest.
ENOUGH = 2000


@st.composite
def truths(draw: st.DrawFn, *, alone: bool = False) -> Truth:
    """Up to 14 branches; some fail, some pairs fail only together, some pairs do not merge."""
    order = tuple(f"{number:02d}" for number in range(draw(st.integers(1, 14))))
    tips = st.sampled_from(order)
    pairs = st.frozensets(st.frozensets(tips, min_size=2, max_size=2), max_size=3)
    nothing = st.just(frozenset[frozenset[str]]())
    pairs = nothing if alone or len(order) < 2 else pairs
    return Truth(order, draw(st.frozensets(tips, max_size=6)), draw(pairs), draw(pairs))


workers = st.sampled_from((1, 2, 3, 4, 5, 8, 16))
strategies = st.sampled_from(tuple(Strategy))


class Watched:
    """The schedule under watch: what must hold of every single answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: list[Schedule] = []

    def __call__(self, strategy: Strategy, order: Sequence[str], facts: Facts, workers: int) -> Schedule:
        self.asked += 1
        assert self.asked < ENOUGH, "it does not come to rest"
        answer = make_schedule(strategy, order, facts, workers)
        self.answers.append(answer)
        known = facts.green | facts.red | facts.unfit | facts.running
        assert known.isdisjoint(answer.run), "what is known or running is run again"
        assert len(set(answer.run)) == len(answer.run)
        assert all(set(line) <= set(order) and len(set(line)) == len(line) > 0 for line in answer.run)
        assert answer.cancel <= facts.running
        busy = facts.elsewhere + len(facts.running - answer.cancel)
        assert busy + len(answer.run) <= max(workers, busy), "more runs than workers"
        assert all(line[: len(answer.land)] == answer.land for line in answer.run), (
            "started on a main that is left"
        )
        if strategy is Strategy.EACH:
            beginnings = [answer.land[:length] for length in range(1, len(answer.land) + 1)]
            assert facts.green.issuperset(beginnings)
        elif answer.land:
            assert answer.land in facts.green
        return answer


@settings(deadline=None, max_examples=400)
@given(strategies, truths(), workers)
def test_it_comes_to_rest_and_whoever_is_fine_lands(strategy: Strategy, truth: Truth, workers: int) -> None:
    world = play(strategy, truth, workers, Watched())
    involved = truth.bad.union(*truth.together, *truth.apart)
    assert set(truth.order) - involved <= set(world.main)
    assert truth.bad.isdisjoint(world.main)
    assert truth.passes(world.main)
    assert truth.merges(world.main)
    assert len(world.main) == len(set(world.main))
    assert world.wrongly == 0


@settings(deadline=None, max_examples=200)
@given(strategies, truths(), workers)
def test_who_fails_only_with_others_is_turned_away_only_when_they_are_on_main(
    strategy: Strategy, truth: Truth, workers: int
) -> None:
    world = play(strategy, truth, workers, Watched())
    for tip in set(truth.order) - truth.bad - set(world.main):
        assert not (truth.passes((*world.main, tip)) and truth.merges((*world.main, tip)))


@settings(deadline=None, max_examples=100)
@given(strategies, truths(), workers)
def test_the_same_questions_get_the_same_answers(strategy: Strategy, truth: Truth, workers: int) -> None:
    one, other = Watched(), Watched()
    play(strategy, truth, workers, one)
    play(strategy, truth, workers, other)
    assert one.answers == other.answers


@settings(deadline=None, max_examples=100)
@given(truths(alone=True))
def test_one_worker_runs_each_branch_once(truth: Truth) -> None:
    assert play(Strategy.EACH, truth, 1, Watched()).told().runs == len(truth.order)


@settings(deadline=None, max_examples=100)
@given(truths(), st.sampled_from((1, 2, 3, 4, 5)))
def test_when_all_is_fine_each_line_of_the_chain_is_run_once(truth: Truth, workers: int) -> None:
    """More workers than that hedge: a chain as long as they are many is unlikely to hold."""
    fine = Truth(truth.order)
    run = play(Strategy.EACH, fine, workers, Watched()).told()
    assert (run.runs, run.makespan) == (len(fine.order), -(-len(fine.order) // workers))


def test_batch_isolates_a_pair_that_fails_only_together() -> None:
    truth = Truth(plant(40, ()).order, together=frozenset({frozenset({"0003", "0031"})}))
    for workers in (1, 2, 4, 16):
        world = play(Strategy.BATCH, truth, workers, Watched())
        assert len(world.main) == 39
        assert world.runs < 40


def _mean(model: Model, n: int, p: float, workers: int, seeds: int) -> tuple[float, float]:
    runs = [model(deal(n, p, random.Random(f"{seed}").random), workers) for seed in range(1, seeds + 1)]
    assert not any(run.false_rejections for run in runs)
    return mean(run.makespan for run in runs), mean(run.runs for run in runs)


@pytest.mark.parametrize(
    ("n", "p", "workers", "limit"), [(32, 0.05, 4, 8.9), (128, 0.05, 16, 12.3), (128, 0.2, 16, 16)]
)
def test_each_stays_within_its_makespan(n: int, p: float, workers: int, limit: float) -> None:
    """The last is what a window in the queue's order cannot reach: it decides at most 1/p branches in a unit of time."""
    assert _mean(MODELS["each"], n, p, workers, 100 if n < 100 else 20)[0] <= limit


def test_batch_stays_within_its_runs() -> None:
    assert _mean(MODELS["batch"], 128, 0.05, 1, 20)[1] <= 46


# -- the world refuses ---------------------------------------------------------------------------------------------


def _unproved(strategy: Strategy, order: Sequence[str], facts: Facts, workers: int) -> Schedule:
    return Schedule(land=(order[0],))


def test_a_planner_that_lands_what_nobody_validated_is_caught() -> None:
    with pytest.raises(UnsoundError, match="landed without a validation: 0000"):
        play(Strategy.EACH, plant(3, ()), 1, _unproved)


def _ends_only(strategy: Strategy, order: Sequence[str], facts: Facts, workers: int) -> Schedule:
    """Lands each step of a line of which only the end was validated."""
    line = tuple(order)
    return Schedule(land=line) if line in facts.green else Schedule(run=(line,))


def test_steps_of_which_only_the_last_was_validated_are_caught() -> None:
    with pytest.raises(UnsoundError, match="landed without a validation"):
        play(Strategy.EACH, plant(3, ()), 1, _ends_only)
    assert play(Strategy.BATCH, plant(3, ()), 1, _ends_only).main == ("0000", "0001", "0002")


def test_who_is_turned_away_without_a_proof_is_noticed() -> None:
    world = World(plant(2, (1,)))
    with pytest.raises(UnsoundError, match="turned away without a proof: 0001"):
        world.reject("0001")
    assert world.row(("0000", "0001")) == [False]
    with pytest.raises(UnsoundError):
        world.reject("0001")
    assert world.row(("0001",)) == [False]
    world.reject("0001")
    assert world.queue == ["0000"]


@settings(deadline=None, max_examples=100)
@given(truths(), workers, st.sampled_from(sorted(MODELS)))
def test_every_model_lands_only_what_was_validated(truth: Truth, workers: int, name: str) -> None:
    run = MODELS[name](truth, workers)
    assert run.false_rejections == 0
    assert run.runs >= run.makespan / 2


def test_the_models_of_others_on_a_queue_worked_out_by_hand() -> None:
    """Eight branches, the third is bad, four workers."""
    truth = plant(8, (2,))

    def made(name: str) -> tuple[float, int]:
        run = MODELS[name](truth, 4)
        return run.makespan, run.runs

    assert made("serial") == (8, 8)
    assert made("github") == made("zuul") == (3, 4 + 4 + 1)
    assert made("bors") == (7, 7)  # 1-8, 1-4, 1-2, 3-4, 3, 4, 5-8
    assert made("oracle") == (2, 8)
