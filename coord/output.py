"""What people and scripts read: results on stdout, everything else on stderr, JSON in one envelope."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from coord.core.text import escaped_halves, plain
from coord.errors import CoordError

#: What a command hands over as JSON.
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command writes; ``json`` asks for the envelope instead of text, ``verbose`` for details."""

    out: TextIO
    err: TextIO
    json: bool = False
    verbose: bool = False

    def result(self, text: str = "") -> None:
        """Print a line of the command's result (nothing when JSON is asked for)."""
        if not self.json:
            self.out.write(plain(text) + "\n")

    def say(self, text: str) -> None:
        """Print a remark for people, on stderr."""
        self.err.write(plain(text) + "\n")
        self.err.flush()

    def detail(self, text: str) -> None:
        """Print a remark that only ``-v`` shows."""
        if self.verbose:
            self.say(text)

    def emit(self, command: str, data: Json, problems: Sequence[Json] = ()) -> None:
        """Print the JSON envelope of ``command`` when JSON is asked for."""
        if self.json:
            import json

            envelope = {"schema": f"coord/{command}/1", "data": data, "problems": list(problems)}
            text = json.dumps(envelope, indent=2, sort_keys=True, ensure_ascii=False, default=str)
            self.out.write(escaped_halves(text) + "\n")

    def error(self, error: CoordError) -> None:
        """Print why the command cannot go on and what to do next."""
        self.say(f"coord: {error.message}")
        if error.hint:
            self.say(f"  hint: {error.hint}")


def standard(*, json: bool = False, verbose: bool = False) -> Output:
    """Return the output of this process."""
    return Output(sys.stdout, sys.stderr, json, verbose)


def table(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """Return rows as lines with aligned columns; the last column is not padded."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        (" " * gap)
        .join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]])
        .rstrip()
        for row in rows
    ]
