"""``coord simulate``: the grid, the figures, the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coord.cli import run
from coord.commands.simulate import CELLS
from coord.core.simulation import MODELS

Capture = pytest.CaptureFixture[str]


def simulate(capsys: Capture, *args: str) -> list[dict[str, Any]]:
    assert run(["simulate", "--json", *args]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "coord/simulate/1"
    return answer["data"]["cells"]  # type: ignore[no-any-return]


def test_without_options_the_cells_of_the_tables_are_shown(capsys: Capture) -> None:
    cells = simulate(capsys, "--seeds", "1", "--strategy", "oracle,serial")
    assert [(cell["n"], cell["p"], cell["workers"]) for cell in cells] == [c for c in CELLS for _ in range(2)]
    assert [cell["strategy"] for cell in cells[:2]] == ["oracle", "serial"]
    assert set(cells[0]) == {
        "strategy", "n", "p", "workers", "makespan", "makespan_error", "runs", "runs_error", "false_rejections", "seeds",
    }  # fmt: skip


def test_options_that_are_repeated_or_hold_commas_make_a_grid(capsys: Capture) -> None:
    args = [
        "--branches",
        "6,4",
        "--branches",
        "2",
        "--failure",
        "0,1",
        "--workers",
        "2",
        "--strategy",
        "oracle",
    ]
    cells = simulate(capsys, *args, "--seeds", "3")
    assert [(cell["n"], cell["p"], cell["makespan"]) for cell in cells] == [
        (2, 0.0, 1.0), (2, 1.0, 1.0), (4, 0.0, 2.0), (4, 1.0, 2.0), (6, 0.0, 3.0), (6, 1.0, 3.0),
    ]  # fmt: skip


def test_the_same_seeds_give_the_same_figures_and_others_give_others(capsys: Capture) -> None:
    one = simulate(capsys, "--branches", "32", "--seeds", "4")
    assert one == simulate(capsys, "--branches", "32", "--seeds", "4")
    assert one != simulate(capsys, "--branches", "32", "--seeds", "4", "--seed", "100")


def test_the_draws_are_the_same_on_every_machine(capsys: Capture) -> None:
    """A window of one worker needs as many runs as there are branches; a bisection as many as the draws say."""
    (cell,) = simulate(capsys, "--branches", "32", "--strategy", "bors", "--seeds", "3")
    assert cell["runs"] == pytest.approx(53 / 3)


def test_the_table_has_a_block_for_each_cell_and_says_what_the_words_mean(
    capsys: Capture, tmp_path: Path
) -> None:
    """In a folder that is no repository."""
    assert run(["-C", str(tmp_path), "simulate", "--branches", "4", "--workers", "1,2", "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    assert "4 branches, p = 0.05, 1 worker\n" in out
    assert "4 branches, p = 0.05, 2 workers\n" in out
    block = out.split("\n\n")[0].splitlines()
    assert block[1].split("  ")[1:] == ["strategy", "makespan in T", "validations", "false rejections"]
    assert [line.split()[0] for line in block[2:]] == sorted(MODELS)
    assert "oracle knows which branches are bad" in out


@pytest.mark.parametrize(
    "args",
    [
        ("--branches", "0"), ("--branches", "x"), ("--branches", "4,"), ("--branches", "2001"), ("--failure", "1.1"),
        ("--failure", "nan"), ("--workers", "-1"), ("--strategy", "gitlab"), ("--seeds", "0"), ("--seed", "²"), ("more",),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_a_usage_error(capsys: Capture, args: tuple[str, ...]) -> None:
    assert run(["simulate", *args]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert args[0] in said.err
