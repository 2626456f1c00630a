"""Sentences of a review: our words, and between them names that others gave, which every rendering marks as such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coord.core.text import one_line


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A task id, path, branch, step or reason: foreign text, shown as code and never as markup."""

    text: str


#: A sentence: texts of ours and names of others.
Words = tuple[str | Name, ...]


def plain_words(words: Words) -> str:
    """Return a sentence as plain text."""
    return one_line("".join(word.text if isinstance(word, Name) else word for word in words), 1000)


def names(texts: Iterable[str], limit: int = 5) -> Words:
    """Return names with commas between them; beyond ``limit`` they are counted."""
    listed = list(texts)
    words: list[str | Name] = []
    for text in listed[:limit]:
        words += [", ", Name(text)] if words else [Name(text)]
    more = len(listed) - limit
    return (*words, f" and {more} more") if more > 0 else tuple(words)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 landing``, ``2 landings``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def share(part: float, whole: float) -> str:
    """Return a part as per cent of the whole (``0 %`` when there is no whole)."""
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def lines(found: Sequence[Words], limit: int = 8) -> tuple[Words, ...]:
    """Return at most ``limit`` lines, and how many more there are."""
    more = len(found) - limit
    return (*found[:limit], (f"and {more} more: --json has them all",)) if more > 1 else tuple(found)
