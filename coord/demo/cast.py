"""Who takes part in the demo: the tasks, the seven agents, and how each of them should end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from coord.core.verdict import VerdictKind


class Ending(Enum):
    """What an agent does when its work is committed."""

    PUSH = auto()
    DONE = auto()
    BLOCK = auto()


@dataclass(frozen=True, slots=True)
class Sketch:
    """A task of the demo."""

    id: str
    name: str
    what: str
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who works on one task.

    ``subject`` is the commit's, ``words`` are the arguments of ``coord done`` or ``coord block``, ``oversteps`` says
    that it first tries to commit its own task file, ``verdict`` is what should stop it (None: it should land).
    """

    task: str
    subject: str
    ending: Ending = Ending.PUSH
    words: tuple[str, ...] = ()
    oversteps: bool = False
    verdict: VerdictKind | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """A change to a file: ``text`` goes before the line ``before``, or to the end (a new file is made)."""

    path: str
    text: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project to work on: what it is, its gate's steps, its first files, and each agent's changes."""

    what: str
    steps: tuple[str, ...]
    files: Mapping[str, str]
    changes: Mapping[str, tuple[Insert, ...]]


TASKS = (
    Sketch("characters", "Count the characters", "`characters(text)`: how many, white space included."),
    Sketch("longest-line", "Find the longest line", "`longest_line(text)`: the first of the longest lines."),
    Sketch("paragraphs", "Count the paragraphs", "`paragraphs(text)`: blocks with an empty line between."),
    Sketch("sentences", "Count the sentences", "`sentences(text)`: what ends in `.`, `!` or `?`."),
    Sketch(
        "shouting", "Say whether a text is shouting", "`is_shouting(text)`: letters, all of them capitals."
    ),
    Sketch(
        "syllables", "Count the syllables", "`syllables(text)`: of English words, without new dependencies."
    ),
    Sketch("unique-words", "Count the different words", "`unique_words(text)`: capitals make no difference."),
    Sketch(
        "reading-ease",
        "Rate how easy a text reads",
        "Flesch's formula.",
        depends_on=("sentences", "syllables"),
    ),
    Sketch(
        "report",
        "Print all counts in one report",
        "One line a count.",
        depends_on=("characters", "paragraphs"),
    ),
)

#: Tasks that a landing of the demo makes ready, and tasks that still wait at its end.
UNLOCKED = ("report",)
WAITING = ("reading-ease",)

AGENTS = (
    Agent("longest-line", "lines: find the longest line"),
    Agent("unique-words", "words: count the different words", oversteps=True),
    Agent(
        "characters",
        "characters: count them",
        Ending.DONE,
        ("-m", "Counts characters, not bytes: an accented letter is one."),
    ),
    Agent("paragraphs", "paragraphs: count them"),
    Agent("sentences", "sentences: count them", verdict=VerdictKind.CONFLICT),
    Agent("shouting", "case: say whether a text is shouting", verdict=VerdictKind.GATE_FAILED),
    Agent(
        "syllables",
        "syllables: count groups of vowels",
        Ending.BLOCK,
        (
            "-m", "vowel groups are right for 61 words of 100; more needs a dictionary",
            "--tried", "groups of vowels", "--tried", "leaving out a silent e at the end",
            "--attempts", "3",
            "--suggest", "allow a dictionary as a dependency, or say what error will do",
        ),
        verdict=VerdictKind.BLOCKED,
    ),
)  # fmt: skip
