"""Many merges asked in one process, and many comparisons: what git answers, read into values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from coord.core.answer import Conflicted, Merged, read_conflicts


@dataclass(frozen=True, slots=True)
class Changes:
    """What one tree changes against another: files (links and submodules too), and the folders that are gone."""

    paths: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            self.paths | other.paths,
            self.added | other.added,
            self.deleted | other.deleted,
            self.gone | other.gone,
        )


def union(changes: Iterable[Changes]) -> Changes:
    """Return everything that several comparisons found."""
    return reduce(Changes.__or__, changes, Changes())


def read_changes(text: str) -> tuple[Changes, ...]:
    """Read ``diff-tree --stdin -r -t -z --name-status --no-renames --always``: one value for each line that was asked.

    A line names a commit and the one to compare it with. ``-t`` names the folders too, each before what lies in it,
    so that a folder that is gone shows without reading a tree.
    """
    found: list[dict[str, list[str]]] = []
    fields = text.split("\0")
    at, end = 0, len(fields) - 1
    while at < end:
        status = fields[at]
        if len(status) > 1:
            found.append({"paths": [], "A": [], "D": [], "gone": []})
            at += 1
            continue
        path = fields[at + 1]
        at += 2
        if at + 1 < end and fields[at + 1].startswith(path + "/"):
            if status == "D":
                found[-1]["gone"].append(path)
            continue
        found[-1]["paths"].append(path)
        if status in "AD":
            found[-1][status].append(path)
    return tuple(Changes(*map(frozenset, lists.values())) for lists in found)


def read_merges(text: str, pairs: Sequence[tuple[str, str]]) -> tuple[Merged | Conflicted, ...]:
    """Read ``merge-tree --stdin --messages``: one answer for each pair, fewer when git ended before its time.

    A record is the status, the tree, the conflicted entries, an empty field, counted messages, an empty field.
    """
    fields, at = text.split("\0"), 0
    answers: list[Merged | Conflicted] = []
    for base, tip in pairs:
        try:
            end = _end_of_record(fields, at)
        except (ValueError, IndexError):
            break
        if fields[at] == "1":
            answers.append(Merged(fields[at + 1]))
        else:
            answers.append(read_conflicts("\0".join(fields[at + 1 : end]), base, tip))
        at = end + 1
    return tuple(answers)


def _end_of_record(fields: list[str], at: int) -> int:
    """Return the index of the empty field that ends the record. Raises IndexError or ValueError when it is cut off."""
    at = fields.index("", at + 2) + 1
    while fields[at]:
        at += int(fields[at]) + 3
    if at + 1 >= len(fields):
        raise IndexError(at)
    return at
