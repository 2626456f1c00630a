"""One call of a command, as its module gets it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from coord.output import Output


@dataclass(frozen=True)
class Call:
    """One call of a command: its arguments, where it writes, where it stands."""

    args: Namespace
    output: Output
    folder: Path
    inherited: dict[str, str]
