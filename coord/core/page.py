"""What the screen of ``coord status`` says, before anybody has chosen a terminal, a width or a colour: lines and tables.

Everything that others named (tasks, branches, reasons, paths) is one plain line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from coord.core.asking import answer_to
from coord.core.present import AtWork, Drift, Held, Next, Present, Tree, Turn, Validation
from coord.core.text import few, one_line
from coord.core.worktrees import folder_of, size_text


class Tone(StrEnum):
    """How a row is meant; each has a sign, so that colour never stands alone."""

    GOOD = "good"
    CALM = "calm"
    WARN = "warn"
    BAD = "bad"


SIGNS: Mapping[Tone, str] = {Tone.GOOD: "+", Tone.CALM: " ", Tone.WARN: "~", Tone.BAD: "!"}


#: How many rounds before others a row that needs a person gets room on a small screen.
_AHEAD = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, the last cell the longest; ``below`` are remarks on it, ``commands`` what can be typed."""

    cells: tuple[str, ...]
    tone: Tone = Tone.CALM
    below: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A titled table; ``left`` counts the rows that were left out, and ``command`` shows them. What is most urgent has the
    lowest ``rank``: it gets room first."""

    title: str
    rows: tuple[Row, ...]
    command: str
    rank: int
    left: int = 0

    @property
    def heading(self) -> str:
        """Return the title with how many there are; of a table without a row also where they are."""
        where = "" if self.rows else f": {self.command}"
        return f"{self.title} ({len(self.rows) + self.left}){where}"

    @property
    def more(self) -> str:
        """Return the line below a table that was cut, ``""`` when it was not."""
        return f"and {self.left} more: {self.command}" if self.left and self.rows else ""

    def ahead(self, row: int) -> int:
        """Return how many rounds before its turn a row gets room."""
        return _AHEAD if self.rows[row].tone is Tone.BAD else 0

    def cut(self, most: int) -> Part:
        """Return the table with at most ``most`` rows."""
        return replace(self, rows=self.rows[:most], left=self.left + max(0, len(self.rows) - most))


@dataclass(frozen=True, slots=True)
class Page:
    """The screen: lines on top, each with its tone, then the parts that hold anything."""

    head: tuple[tuple[str, Tone], ...]
    parts: tuple[Part, ...]

    def cut(self, most: int) -> Page:
        """Return the page with at most ``most`` rows in each table."""
        return replace(self, parts=tuple(part.cut(most) for part in self.parts))

    def fitted(self, room: int, height: Callable[[Row], int], gap: int) -> Page:
        """Return the page with as many rows as ``room`` lines hold below the head, a row of each table in turn, the most
        urgent first; what needs a person goes before what does not. ``height`` is how many lines a row takes, ``gap`` how
        many are between two tables."""
        shown = dict.fromkeys(self.parts, 0)
        left = room - len(self.parts) * (1 + gap)
        turns = [part for part in self.parts if part.rows]
        while turns:
            part = min(turns, key=lambda part: (shown[part] - part.ahead(shown[part]), part.rank))
            row = shown[part]
            # The line that tells of the rest comes with the first row, and goes with the last.
            rest = (1 if row == 0 else 0) - (1 if row + 1 == len(part.rows) else 0)
            taken = height(part.rows[row]) + rest
            fits = taken <= left
            left -= taken if fits else 0
            shown[part] += fits
            if not fits or shown[part] == len(part.rows):
                turns.remove(part)
        return replace(self, parts=tuple(part.cut(shown[part]) for part in self.parts))


#: What ``page_of`` calls a duration in seconds: ``5 minutes ago``.
Ago = Callable[[float], str]

#: Characters of a reason that are shown: who wants more asks coord show, or takes --json.
_REASON = 300


def page_of(present: Present, ago: Ago) -> Page:
    """Return the whole page of a present."""
    at = present.at
    parts = (
        Part(
            "being validated", tuple(_validation(one, at, ago) for one in present.validating), "coord plan", 1
        ),
        Part("lands next", tuple(map(_next, present.queue)), "coord plan", 1),
        Part("blocked", tuple(_held(one, Tone.BAD) for one in present.blocked), "coord plan", 0),
        Part("waiting", _waiting(present.waiting), "coord plan", 3),
        Part(
            "sessions",
            _sessions(present.sessions, at, ago),
            "coord sessions --status",
            2,
        ),
        Part("ready", tuple(_ready(*one) for one in present.ready), "coord ready", 5),
        Part("worktrees", tuple(map(_tree, present.worktrees)), "coord worktree status", 6),
        Part("drift", tuple(map(_drift, present.drift)), "coord doctor", 4),
        Part("branches without a task", tuple(_stranger(*one) for one in present.strangers), "coord plan", 7),
    )
    return Page(tuple(_head(present)), tuple(part for part in parts if part.rows))


# -- the top -------------------------------------------------------------------------------------------------------


def _head(present: Present) -> Iterator[tuple[str, Tone]]:
    yield one_line(present.said.removeprefix("as of "), _REASON), Tone.CALM
    if present.frozen is not None:
        yield f"landing is frozen: {one_line(present.frozen)} (coord thaw)", Tone.BAD
    yield _counts(present), Tone.CALM
    yield f"next: {one_line(present.action, _REASON)}", Tone.GOOD if present.queue else Tone.CALM
    if present.unread:
        notes = "1 note is" if present.unread == 1 else f"{present.unread} notes are"
        yield f"{notes} unread: coord inbox", Tone.WARN
    if present.problems:
        problems = "1 problem" if len(present.problems) == 1 else f"{len(present.problems)} problems"
        yield f"{problems} in the task files: coord check shows those of the working copy", Tone.WARN


def _counts(present: Present) -> str:
    total = sum(present.counts.values())
    words = [f"{count} {word.replace('_', ' ')}" for word, count in present.counts.items() if count]
    if not total:
        return "no tasks (coord new writes one)"
    return f"{total} {'task' if total == 1 else 'tasks'}: {', '.join(words)}"


# -- rows ----------------------------------------------------------------------------------------------------------


def _next(one: Next) -> Row:
    shared = [f"with {name}: {few(paths)}" for name, paths in one.overlaps[:2]]
    clash = (f"{one.clash} (coord forecast)",) if one.clash else ()
    tone = Tone.WARN if one.clash else Tone.GOOD
    return _row((f"{one.place}. {one.branch}", one.why), tone, below=(*clash, *shared))


def _validation(one: Validation, now: int, ago: Ago) -> Row:
    after = f"merged after {few(one.branches[:-1])}; " if one.branches[1:] else ""
    return _row((one.branches[-1], f"{after}started {ago(now - one.since)}"), Tone.GOOD)


def _held(one: Held, tone: Tone) -> Row:
    # A reason may name the command itself.
    commands = (one.command,) if one.command and one.command not in one.reason else ()
    tone = Tone.CALM if tone is Tone.WARN and one.turn is not Turn.MAINTAINER else tone
    return _row((one.branch or one.task, one.turn.value, one.reason), tone, commands=commands)


def _waiting(waiting: tuple[Held, ...]) -> tuple[Row, ...]:
    """Return their rows, those that a person keeps back first."""
    rows = [_held(one, Tone.WARN) for one in waiting]
    return tuple(sorted(rows, key=lambda row: row.tone is not Tone.WARN))


_STATES = {
    "waiting": Tone.BAD,
    "attention": Tone.BAD,
    "failed": Tone.BAD,
    "interrupted": Tone.BAD,
    "blocked": Tone.WARN,
    "aborted": Tone.WARN,
    "done": Tone.GOOD,
    "working": Tone.GOOD,
}


def _sessions(sessions: tuple[AtWork, ...], now: int, ago: Ago) -> tuple[Row, ...]:
    """Return their rows, those that need a person first: a small screen shows the first only."""
    rows = [_session(one, now, ago) for one in sessions]
    return tuple(sorted(rows, key=lambda row: row.tone is not Tone.BAD))


def _session(one: AtWork, now: int, ago: Ago) -> Row:
    heard = f"turn {one.turn}, heard {ago(now - one.last)}" if one.turn else f"made {ago(now - one.made)}"
    what = f"{heard}{': ' if one.why else ''}{one.why}"
    below = tuple(f"{odd.heuristic} ({odd.severity}): {odd.evidence}" for odd in one.oddities)
    answer = answer_to(one)
    commands = tuple(odd.command for odd in one.oddities) or ((answer,) if answer else ())
    tone = Tone.BAD if one.oddities else _STATES.get(one.state, Tone.CALM)
    return _row((one.id, one.state, one.task or one.branch, what), tone, below=below, commands=commands)


def _ready(id: str, name: str) -> Row:
    return _row((id, name))


def _tree(one: Tree) -> Row:
    size = "size not measured" if one.size is None else size_text(one.size)
    size = f"at least {size}" if one.at_least else size
    tone = Tone.WARN if one.words != "clean" else Tone.CALM
    usual = one.branch and one.path.endswith(f"/{folder_of(one.branch)}")
    where = "" if usual else f", at {one.path}"
    return _row((one.branch or "(no branch)", size, one.words + where), tone)


def _drift(one: Drift) -> Row:
    return _row((one.subject, one.message), Tone.WARN, commands=(one.command,))


def _stranger(name: str, near: tuple[str, ...]) -> Row:
    like = f"; like {', '.join(near)}" if near else ""
    return _row((name, f"no task on main has this name: it never lands{like}"), Tone.WARN)


def _row(
    cells: tuple[str, ...],
    tone: Tone = Tone.CALM,
    *,
    below: tuple[str, ...] = (),
    commands: tuple[str, ...] = (),
) -> Row:
    def plain(texts: tuple[str, ...], limit: int) -> tuple[str, ...]:
        return tuple(one_line(text, limit) for text in texts)

    return Row(plain(cells, _REASON), tone, plain(below, _REASON), plain(commands, 1000))
