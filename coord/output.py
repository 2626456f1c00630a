"""What people and scripts read: results on stdout, everything else on stderr, JSON in one envelope."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from coord.errors import CoordError

    #: What a command hands over as JSON.
    Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
else:
    Json = object


class Output:
    """Where a command writes; ``json`` asks for the envelope instead of text, ``verbose`` for details.

    It is made of what Python has loaded anyway: the commands that only read take no longer than they must.
    """

    __slots__ = ("err", "json", "out", "verbose")

    def __init__(self, out: "TextIO", err: "TextIO", json: bool = False, verbose: bool = False) -> None:
        self.out = out
        self.err = err
        self.json = json
        self.verbose = verbose

    def result(self, text: str = "") -> None:
        """Print a line of the command's result (nothing when JSON is asked for)."""
        if not self.json:
            self.out.write(_shown(text) + "\n")

    def results(self, lines: "Sequence[str]") -> None:
        """Print lines of the command's result, all at once (nothing when JSON is asked for)."""
        if "".join(lines).isprintable() and lines and not self.json:
            self.out.write("\n".join(lines) + "\n")
            return
        for line in lines:
            self.result(line)

    def say(self, text: str) -> None:
        """Print a remark for people, on stderr."""
        self.err.write(_shown(text) + "\n")
        self.err.flush()

    def detail(self, text: str) -> None:
        """Print a remark that only ``-v`` shows."""
        if self.verbose:
            self.say(text)

    def emit(self, command: str, data: Json, problems: "Sequence[Json]" = ()) -> None:
        """Print the JSON envelope of ``command`` when JSON is asked for."""
        if self.json:
            envelope = {"schema": f"coord/{command}/1", "data": data, "problems": list(problems)}
            self.write_json(_json(envelope))

    def write_json(self, text: str) -> None:
        """Print an envelope that is JSON already."""
        from coord.core.jsontext import escaped_halves

        self.out.write(escaped_halves(text) + "\n")

    def error(self, error: "CoordError") -> None:
        """Print why the command cannot go on and what to do next."""
        self.say(f"coord: {error.message}")
        if error.hint:
            self.say(f"  hint: {error.hint}")


def standard(*, json: bool = False, verbose: bool = False) -> Output:
    """Return the output of this process."""
    return Output(sys.stdout, sys.stderr, json, verbose)


def _shown(text: str) -> str:
    """Return what may stand on a terminal; most lines may as they are."""
    if text.isprintable():
        return text
    from coord.core.text import plain

    return plain(text)


def _json(envelope: object) -> str:
    from coord.core.jsontext import encode

    try:
        return encode(envelope)
    except TypeError:
        import json

        return json.dumps(envelope, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def table(rows: "Sequence[Sequence[str]]", gap: int = 2) -> list[str]:
    """Return rows as lines with aligned columns; the last column is not padded."""
    if not rows:
        return []
    *padded, _ = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in padded]
    form = "".join(f"%-{width}s" + " " * gap for width in widths) + "%s"
    return [(form % tuple(row)).rstrip() for row in rows]
