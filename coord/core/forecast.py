"""Which live branches would conflict, with main and with each other: what has to be asked, what the answers say.

Two branches conflict when each merges into main by itself, but not one after the other. git is asked only about pairs
that meet: both change one path; one brings a file where the other has a folder; one removes a whole folder (it may
have renamed it) and the other adds a file to it. Everything else merges without a question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from coord.core.merges import Changes
from coord.core.trial import ConflictPath

#: How many pairs are merged unless all are asked for: many branches on one file are many pairs (1,000: 499,500).
LIMIT = 1000

#: From how many branches on a file is called a hub.
_HUB = 3


@dataclass(frozen=True, slots=True)
class WithMain:
    """A branch that does not merge into the present main."""

    branch: str
    task: str
    paths: tuple[ConflictPath, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two branches that do not merge one after the other; as the queue stands, ``one`` goes first."""

    one: str
    other: str
    paths: tuple[ConflictPath, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """A file, and the branches that change it."""

    path: str
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A merge that git could not make (``other`` is empty for one with main), in its words."""

    one: str
    other: str
    words: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will conflict if nothing changes.

    ``unasked`` counts the pairs that meet and were not merged; ``may`` are the files which such a pair shares.
    """

    branches: tuple[str, ...] = ()
    with_main: tuple[WithMain, ...] = ()
    pairs: tuple[Pair, ...] = ()
    hubs: tuple[Shared, ...] = ()
    may: tuple[Shared, ...] = ()
    unasked: int = 0
    unanswered: tuple[Unanswered, ...] = ()

    @property
    def conflicts(self) -> int:
        """Return how many conflicts are foretold."""
        return len(self.with_main) + len(self.pairs)

    def of(self, branch: str) -> Iterator[tuple[str, tuple[ConflictPath, ...]]]:
        """Yield who a branch conflicts with (``""``: main), and where."""
        yield from (("", found.paths) for found in self.with_main if found.branch == branch)
        for pair in self.pairs:
            if branch in (pair.one, pair.other):
                yield (pair.other if branch == pair.one else pair.one), pair.paths


def above(paths: Iterable[str]) -> frozenset[str]:
    """Return the folders that ``paths`` lie in, at every depth (the root is none)."""
    found: set[str] = set()
    for path in paths:
        end = path.rfind("/")
        while end > 0 and path[:end] not in found:
            found.add(path[:end])
            end = path.rfind("/", 0, end)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Marks:
    """What one side of a merge is known by: see ``meet``."""

    paths: frozenset[str]
    folders: frozenset[str]
    gone: frozenset[str]
    into: frozenset[str]
    out_of: frozenset[str]

    @classmethod
    def of(cls, changes: Changes) -> Marks:
        return cls(
            changes.paths,
            above(changes.paths),
            changes.gone,
            above(changes.added),
            above(changes.deleted),
        )


def meet(branch: Marks, main: Marks) -> bool:
    """Say whether a branch has to be merged with what main gained since they parted, to know what comes of it.

    Two sides that each delete a part of a folder count too: only together they may leave nothing of it.
    """
    return not (
        branch.paths.isdisjoint(main.paths)
        and branch.paths.isdisjoint(main.folders)
        and branch.folders.isdisjoint(main.paths)
        and branch.gone.isdisjoint(main.into)
        and branch.into.isdisjoint(main.gone)
        and branch.out_of.isdisjoint(main.out_of)
    )


def partners(sides: Sequence[Marks]) -> list[int]:
    """Return for each side those that it meets, as a bit for each index (bits, since there can be 499,500 pairs)."""
    by_path, by_folder, by_gone, by_into = (
        _index(getattr(side, name) for side in sides) for name in ("paths", "folders", "gone", "into")
    )
    found = []
    for number, side in enumerate(sides):
        bits = 0
        for path in side.paths:
            bits |= by_path[path] | by_folder.get(path, 0)
        for marks, index in ((side.folders, by_path), (side.gone, by_into), (side.into, by_gone)):
            for mark in marks:
                bits |= index.get(mark, 0)
        found.append(bits & ~(1 << number))
    return found


def _index(marks: Iterable[frozenset[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, names in enumerate(marks):
        for name in names:
            found[name] = found.get(name, 0) | 1 << number
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """The pairs to be merged, as indices of sides, and those beyond the limit: their count, and the files of each."""

    pairs: tuple[tuple[int, int], ...]
    unasked: int = 0
    may: tuple[tuple[str, int], ...] = ()


def choose(sides: Sequence[Marks], wanted: Collection[int], out: Collection[int], limit: int | None) -> Asked:
    """Return which pairs to ask of those that meet and hold a ``wanted`` side, the first ones first.

    Sides are in the order in which they land; pairs come in the order in which both would have landed. Sides that are
    ``out`` conflict with main already.
    """
    there = _bits(number for number in range(len(sides)) if number not in frozenset(out))
    named = _bits(wanted) & there
    met = [
        bits & there & (-1 if named >> number & 1 else named) if there >> number & 1 else 0
        for number, bits in enumerate(partners(sides))
    ]
    total = sum(bits.bit_count() for bits in met) // 2
    pairs = tuple(islice(_pairs(met), limit))
    if len(pairs) == total:
        return Asked(pairs)
    asked = [0] * len(sides)
    for one, other in pairs:
        asked[one] |= 1 << other
        asked[other] |= 1 << one
    left = [bits & ~known for bits, known in zip(met, asked, strict=True)]
    by_path = _index(side.paths for side in sides)
    may = ((path, _unasked_on(bits, left)) for path, bits in by_path.items() if bits & (bits - 1))
    return Asked(pairs, total - len(pairs), tuple((path, bits) for path, bits in may if bits))


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in frozenset(numbers))


def numbers(bits: int) -> Iterator[int]:
    """Yield the indices of the bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _pairs(met: Sequence[int]) -> Iterator[tuple[int, int]]:
    for other, bits in enumerate(met):
        yield from ((one, other) for one in numbers(bits & ((1 << other) - 1)))


def _unasked_on(bits: int, left: Sequence[int]) -> int:
    """Return those sides on a file that have a pair there which is not asked."""
    return _bits(number for number in numbers(bits) if left[number] & bits)


def hubs(paths: Mapping[str, Iterable[str]]) -> tuple[Shared, ...]:
    """Return the files that at least three branches change, most first; ``paths`` is what each branch changes."""
    by_path: dict[str, list[str]] = {}
    for branch in sorted(paths):
        for path in paths[branch]:
            by_path.setdefault(path, []).append(branch)
    found = (Shared(path, tuple(names)) for path, names in by_path.items() if len(names) >= _HUB)
    return tuple(sorted(found, key=lambda hub: (-len(hub.branches), hub.path)))
