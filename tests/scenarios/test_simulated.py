"""A run of coord takes as long as its simulation says: the same planner, the same branches, a validator that sleeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.simulated import BAD, BRANCHES, LIMIT, WORKERS, T, played
from coord.core.settings import Strategy
from coord.core.simulation import coord, plant


@pytest.mark.soak
@pytest.mark.parametrize("strategy", Strategy)
def test_landing_takes_as_long_as_simulated(strategy: Strategy, tmp_path: Path) -> None:
    simulated = coord(strategy)(plant(BRANCHES, BAD), WORKERS)
    taken, runs = played(tmp_path, strategy, T)
    assert taken / T <= LIMIT * simulated.makespan
    assert runs == simulated.runs
