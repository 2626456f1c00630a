"""What the jobs of coord's workflows run; docs/github.md shows the workflows.

Inputs come from the environment, outputs go to the files that the runner names. plan looks and says what to validate,
gate validates one trial, land publishes what passed, report tells people, command answers a comment, audit keeps an
issue about what is wrong.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from coord.call import Call
from coord.ci.job import Job, job_of, know_main
from coord.errors import CoordError, Exit, UsageError

VERBS = ("plan", "gate", "land", "report", "command", "audit")


class VerbModule(Protocol):
    """What every module of a verb offers."""

    run: Callable[[Job], Exit]


def options(parser: ArgumentParser) -> None:
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help=", ".join(VERBS))
    parser.add_argument(
        "--here", action="store_true", help="with land: plan, gate, land and report in this one job"
    )


def run(call: Call) -> Exit:
    if call.args.here and call.args.verb != "land":
        raise UsageError("--here goes with land")
    name = "simple" if call.args.here else call.args.verb
    module = cast(VerbModule, import_module(f"coord.ci.{name}"))
    job = job_of(call.output, call.folder)
    with job.commands_stopped():
        try:
            know_main(job)
            return module.run(job)
        except CoordError as error:
            job.annotate("error", f"{error.message}\n{error.hint}".rstrip())
            call.output.error(error)
            return error.exit
