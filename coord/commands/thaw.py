"""Let landing go on after a freeze."""

from __future__ import annotations

from argparse import ArgumentParser

from coord.call import Call
from coord.commands.deciding import carry_out, decision_options
from coord.decision import thaw
from coord.errors import Exit


def options(parser: ArgumentParser) -> None:
    decision_options(parser)


def run(call: Call) -> Exit:
    return carry_out(call, "thaw", thaw)
