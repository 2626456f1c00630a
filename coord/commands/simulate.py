"""Simulate how long a queue of branches takes: under the two strategies of coord, and as other queues work.

Branches are all there at the start; each is bad with probability P; each validation takes one unit of time T; W run side by side. The
schedule is the one that coord land runs. No repository is needed. Several values make a grid; what is left out is 32, 0.05
and 4. Without any of the three, six cells are shown. Figures are means over the seeds, which every row shares."""

from __future__ import annotations

import random
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from itertools import product
from statistics import mean, stdev
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from coord.core.simulation import MODELS, Run, Truth, deal
from coord.core.text import one_line
from coord.errors import Exit
from coord.output import Json, table

if TYPE_CHECKING:
    from coord.call import Call

_Value = TypeVar("_Value")

#: More than this takes minutes a cell.
_MOST = 2000

_REMARK = (
    "T: the time of one validation. oracle knows which branches are bad: each is validated once, and no worker is idle.\n"
    "Every other row learns it by validating; each, serial, github and zuul validate every step, batch and bors only the\n"
    "end of a batch."
)


class Cell(NamedTuple):
    """A queue that is simulated: so many branches, their chance to fail, so many workers."""

    branches: int
    failure: float
    workers: int


#: The cells that are shown when none is asked for.
CELLS = (
    Cell(32, 0.05, 4), Cell(32, 0.2, 16), Cell(128, 0.05, 1), Cell(128, 0.05, 16), Cell(128, 0.2, 4), Cell(128, 0.2, 16),
)  # fmt: skip


class _Values(Action, Generic[_Value]):
    """An option that may be repeated, and takes several values with commas between them."""

    def __init__(self, *args: object, read: Callable[[str], _Value], **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._read = read

    def __call__(
        self, parser: ArgumentParser, into: Namespace, value: object, option: str | None = None
    ) -> None:
        try:
            values = [self._read(word.strip()) for word in str(value).split(",")]
        except ArgumentTypeError as error:
            parser.error(f"argument {option}: {error}")
        setattr(into, self.dest, [*(getattr(into, self.dest) or []), *values])


def options(parser: ArgumentParser) -> None:
    count = _number(1, _MOST)
    parser.add_argument(
        "--branches",
        action=_Values,
        read=count,
        metavar="N",
        help="how many branches (may be repeated, or N,N)",
    )
    parser.add_argument(
        "--failure", action=_Values, read=_chance, metavar="P", help="the chance that a branch fails, 0 to 1"
    )
    parser.add_argument(
        "--workers", action=_Values, read=count, metavar="W", help="how many validations run side by side"
    )
    parser.add_argument(
        "--strategy",
        action=_Values,
        read=_strategy,
        metavar="NAME",
        help=f"only these: {', '.join(sorted(MODELS))}",
    )
    parser.add_argument(
        "--seeds",
        type=_number(1, 100_000),
        default=100,
        metavar="K",
        help="how many draws of bad branches (default: 100)",
    )
    parser.add_argument(
        "--seed", type=_number(0, 10**9), default=1, metavar="FIRST", help="the first seed (default: 1)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(call: Call) -> Exit:
    args = call.args
    seeds = range(args.seed, args.seed + args.seeds)
    names = sorted(set(args.strategy or MODELS))
    facts: list[dict[str, Json]] = []
    for cell in _cells(args):
        truths = [_truth(cell, seed) for seed in seeds]
        rows = [("strategy", "makespan in T", "validations", "false rejections")]
        for name in names:
            runs = [MODELS[name](truth, cell.workers) for truth in truths]
            facts.append(_facts(name, cell, runs))
            rows.append(_row(runs, name))
        call.output.result(f"{cell.branches} branches, p = {cell.failure:g}, {_workers(cell.workers)}")
        for line in table(rows):
            call.output.result(f"  {line}")
        call.output.result()
        call.output.out.flush()
    call.output.result(_REMARK)
    call.output.result(f"Means over the seeds {seeds[0]} to {seeds[-1]}, with their standard error.")
    call.output.emit("simulate", {"cells": facts, "first_seed": args.seed})
    return Exit.OK


def _cells(args: Namespace) -> Sequence[Cell]:
    if not (args.branches or args.failure or args.workers):
        return CELLS
    grid = product(args.branches or [32], args.failure or [0.05], args.workers or [4])
    return sorted({Cell(*values) for values in grid})


def _truth(cell: Cell, seed: int) -> Truth:
    """A seed is a text: from texts every version of Python draws the same numbers."""
    return deal(cell.branches, cell.failure, random.Random(f"{seed}").random)  # noqa: S311 - no secret


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _facts(name: str, cell: Cell, runs: Sequence[Run]) -> dict[str, Json]:
    return {
        "strategy": name,
        "n": cell.branches,
        "p": cell.failure,
        "workers": cell.workers,
        "makespan": mean(run.makespan for run in runs),
        "makespan_error": _error([run.makespan for run in runs]),
        "runs": mean(run.runs for run in runs),
        "runs_error": _error([run.runs for run in runs]),
        "false_rejections": mean(run.false_rejections for run in runs),
        "seeds": len(runs),
    }


def _row(runs: Sequence[Run], name: str) -> tuple[str, str, str, str]:
    return (
        name,
        _with_error([run.makespan for run in runs], 2),
        _with_error([run.runs for run in runs], 1),
        f"{mean(run.false_rejections for run in runs):g}",
    )


def _with_error(values: Sequence[float], digits: int) -> str:
    return f"{mean(values):.{digits}f} ± {_error(values):.{digits}f}"


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean; one value says nothing about it."""
    return float(stdev(values) / len(values) ** 0.5) if len(values) > 1 else 0.0


# -- words ---------------------------------------------------------------------------------------------------------


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(word: str) -> int:
        if not (word.isascii() and word.isdigit() and len(word) < 12 and least <= int(word) <= most):
            raise ArgumentTypeError(f"'{one_line(word, 40)}' is no whole number from {least} to {most}")
        return int(word)

    return number


def _chance(word: str) -> float:
    try:
        chance = float(word)
    except ValueError:
        chance = -1.0
    if not 0 <= chance <= 1:
        raise ArgumentTypeError(f"'{one_line(word, 40)}' is no number from 0 to 1")
    return chance


def _strategy(word: str) -> str:
    if word not in MODELS:
        raise ArgumentTypeError(
            f"there is no strategy '{one_line(word, 40)}' (there are {', '.join(sorted(MODELS))})"
        )
    return word
