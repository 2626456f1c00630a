"""What a review task asks for: the acceptance criteria, the gate on main and the tasks it is about, as one checklist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from coord.core.section import prose_lines, section_text

SECTION = "Acceptance Criteria"

_BOX = re.compile(r"(\s*)(?:[-*+]|\d{1,9}[.)])\s+\[([ xX])\]\s+(\S.*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")


class GateResult(StrEnum):
    """What the gate said of main."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gate judged and how: ``tree`` is main's, ``steps`` the commands, ``known`` says that evidence told it,
    ``step`` and ``log`` are what failed (or why it could not run), ``hint`` what helps then."""

    result: GateResult = GateResult.NOT_ASKED
    profile: str = ""
    steps: tuple[str, ...] = ()
    tree: str = ""
    known: bool = False
    seconds: float = 0.0
    step: str = ""
    log: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The review itself, or a task that it is about: its status, what it still waits for (``open``: not completed),
    the commit of main that landed it, and the protected paths that this changed."""

    id: str
    status: str
    criteria: tuple[tuple[str, bool], ...] = ()
    open: str = ""
    landed: str = ""
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion; ``confirmed`` by whoever reviews, or ``ticked`` in the task's file on main."""

    number: int
    task: str
    text: str
    ticked: bool = False
    confirmed: bool = False

    @property
    def holds(self) -> bool:
        return self.ticked or self.confirmed


class Standing(StrEnum):
    """How a review stands: it can be completed, something is open, the gate is red, or it could not be asked."""

    READY = "ready"
    OPEN = "open"
    RED = "red"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checklist:
    """All that a review goes by, as main stood at ``base``; ``task`` is the review, ``about`` what it depends on."""

    task: Reviewed
    about: tuple[Reviewed, ...]
    base: str
    gate: GateFacts
    confirmed: frozenset[int] | None = frozenset()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria, the review's own first, then those of the tasks it depends on; numbered from 1."""
        listed = [(of.id, *criterion) for of in (self.task, *self.about) for criterion in of.criteria]
        return tuple(
            Criterion(number, task, text, ticked, self.confirmed is None or number in self.confirmed)
            for number, (task, text, ticked) in enumerate(listed, 1)
        )

    @property
    def open(self) -> tuple[str, ...]:
        """What keeps the review from being completed, beside the gate."""
        waiting = [f"{of.id} {of.open}" for of in self.about if of.open]
        left = [c for c in self.criteria if not c.holds]
        return (*waiting, *(f"criterion {c.number} is not confirmed: {c.text}" for c in left))

    @property
    def standing(self) -> Standing:
        """Say how the review stands; a red gate outweighs what is open."""
        match self.gate.result:
            case GateResult.FAILED:
                return Standing.RED
            case GateResult.COULD_NOT_RUN:
                return Standing.UNKNOWN
            case GateResult.PASSED | GateResult.NOT_ASKED:
                return Standing.OPEN if self.open else Standing.READY


def criteria(data: bytes) -> tuple[tuple[str, bool], ...]:
    """Return the checkbox items of a task file's acceptance criteria, each with whether it is ticked."""
    found: list[tuple[str, bool]] = []
    indent = -1
    for line in prose_lines(section_text(data, SECTION)):
        if box := _BOX.match(line):
            indent = len(box[1])
            found.append((box[3].strip(), box[2] != " "))
        elif not line.strip() or _ITEM.match(line) or len(line) - len(line.lstrip()) <= indent:
            indent = -1
        elif indent >= 0:
            text, ticked = found[-1]
            found[-1] = (f"{text} {line.strip()}", ticked)
    return tuple(found)


def numbers(words: Iterable[str]) -> frozenset[int] | None:
    """Return the numbers that people name (``1``, ``2,3``), None for ``all``. Raises ValueError with the wrong word."""
    parts = [part.strip() for word in words for part in word.split(",")]
    if "all" in parts:
        return None
    for part in parts:
        if not re.fullmatch(r"[1-9][0-9]{0,5}", part):
            raise ValueError(part)
    return frozenset(map(int, parts))
