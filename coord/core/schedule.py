"""The schedule: which lines of branches to validate next, from what is known about the lines on main.

A *line* is what main would be after some branches, in order. The schedule is asked again whenever a run has ended or
main has moved; the engine and the simulator ask the same two functions. Nothing here decides what lands: a line is
published only when it passed, a branch is blocked only when main passes and main with the branch does not.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice

from coord.core.settings import Strategy

#: Branches on top of main, in the order in which they are merged, each by its tip.
Line = tuple[str, ...]

#: What is believed of branches before any was seen: one in eleven fails, as firmly as eleven branches would say it.
_PRIOR_BAD, _PRIOR = 1.0, 11.0

#: What is left of the chance to fail once a branch has passed in some line.
_GOOD = 0.01

#: A line that is less likely than this to be needed is not worth a worker.
_USELESS = 0.1

#: From so many workers on, those for whom no line is as likely to be needed as this (few workers, many workers) try
#: branches in groups instead: who is known to be good goes first, and a chain of them holds.
_POOLING = 4
_MANY = 8
_LIKELY = (0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the lines on the present main.

    ``unfit`` are lines whose last branch cannot be merged onto the others. ``running`` are being validated; ``elsewhere``
    counts the runs for lines that stand on an older main. ``good`` and ``doubted`` were learned on an older main: they
    say where to look, and prove nothing. ``landed`` and ``rejected`` count what this run decided.
    """

    green: frozenset[Line] = frozenset()
    red: frozenset[Line] = frozenset()
    unfit: frozenset[Line] = frozenset()
    running: frozenset[Line] = frozenset()
    elsewhere: int = 0
    good: frozenset[str] = frozenset()
    doubted: tuple[frozenset[str], ...] = ()
    landed: int = 0
    rejected: int = 0

    @property
    def chance(self) -> float:
        """Return the chance that a branch fails, as far as this run has shown (a Beta prior, updated)."""
        return (_PRIOR_BAD + self.rejected) / (_PRIOR + self.landed + self.rejected)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``land``: the line that main may move to now (empty: none); ``run``: lines to start, the most useful first;
    ``cancel``: running lines that can be of no use any more."""

    land: Line = ()
    run: tuple[Line, ...] = ()
    cancel: frozenset[Line] = frozenset()


def make_schedule(strategy: Strategy, order: Sequence[str], facts: Facts, workers: int) -> Schedule:
    """Return what to land, start and cancel; ``order`` are the tips of the candidates as the queue has them."""
    match strategy:
        case Strategy.EACH:
            return _each(order, facts, workers)
        case Strategy.BATCH:
            return _batch(order, facts, workers)


# -- each: every line of a chain is validated ----------------------------------------------------------------------


def _each(order: Sequence[str], facts: Facts, workers: int) -> Schedule:
    """Validate main+A, main+A+B, … side by side. Workers that are left over learn about the branches further back."""
    alive = facts.running & frozenset(_possible(order, facts))
    look = _Look(order, facts, workers - len(alive) - facts.elsewhere)
    land = green_line(order, facts)
    for line in islice(_speculations(look, workers), workers):
        look.want(line)
    if workers >= _POOLING:
        _split(look, land)
        _screen(look, land)
    return Schedule(land, tuple(look.run), facts.running - alive)


def green_line(order: Sequence[str], facts: Facts) -> Line:
    """Return the longest line all of whose beginnings passed."""
    line: Line = ()
    left = list(order)
    while following := next((tip for tip in left if (*line, tip) in facts.green), None):
        line = (*line, following)
        left.remove(following)
    return line


def _speculations(look: _Look, workers: int) -> Iterator[Line]:
    """Yield lines whose outcome is not known, the most likely to be needed first.

    Best first over what may become of each branch in its turn (SubmitQueue's idea): while failures are rare this is a
    plain chain. Who is known to be good goes first, who is doubted last.
    """
    facts = look.facts
    start = green_line(look.order, facts)
    following = _following(facts.green), _following(facts.running)
    least = _USELESS if workers < _POOLING else _LIKELY[workers >= _MANY]
    todo: list[tuple[float, int, Line, tuple[str, ...]]] = [(-1.0, 0, start, _left(look.ranked, start))]
    number = 0
    while todo:
        useful, _, line, left = heapq.heappop(todo)
        line, left = _settled(line, left, facts, following)
        if not left or -useful < least:
            continue
        turn = _turn(line, left, following)
        rest = tuple(tip for tip in left if tip != turn)
        yield (*line, turn)
        chance = look.chance_of(turn)
        number += 2
        heapq.heappush(todo, (useful * (1 - chance), number, (*line, turn), rest))
        heapq.heappush(todo, (useful * chance, number + 1, line, rest))


#: Lines of a kind, each by its beginning without the last branch, and the branches that end them.
_Following = Mapping[Line, Set[str]]


def _following(lines: Iterable[Line]) -> _Following:
    found: dict[Line, set[str]] = {}
    for line in lines:
        found.setdefault(line[:-1], set()).add(line[-1])
    return found


def _settled(
    line: Line, left: tuple[str, ...], facts: Facts, following: Sequence[_Following]
) -> tuple[Line, tuple[str, ...]]:
    """Walk on while the outcome of the next branch is known."""
    while left:
        turn = _turn(line, left, following)
        longer = (*line, turn)
        if longer in facts.green:
            line = longer
        elif longer not in facts.red and longer not in facts.unfit:
            break
        left = tuple(tip for tip in left if tip != turn)
    return line, left


def _turn(line: Line, left: tuple[str, ...], following: Sequence[_Following]) -> str:
    """Return whose turn it is: what has passed or is running on this line goes first, then the queue's order."""
    for known in following:
        ends = known.get(line)
        if ends is not None and (first := next((tip for tip in left if tip in ends), None)):
            return first
    return left[0]


def _left(order: Sequence[str], line: Line) -> tuple[str, ...]:
    return tuple(tip for tip in order if tip not in line)


def _possible(order: Sequence[str], facts: Facts) -> Iterator[Line]:
    """Yield the running lines that may still be needed: nothing in them left the queue or is known to fail."""
    known = frozenset(order)
    for line in facts.running:
        beginnings = (line[:length] for length in range(1, len(line) + 1))
        if known.issuperset(line) and not any(b in facts.red or b in facts.unfit for b in beginnings):
            yield line


# -- batch: only the end of a line is validated --------------------------------------------------------------------


@dataclass
class _Look:
    """One look at the queue: what is good, what is doubted, what nobody has tried, and the lines to start."""

    order: Sequence[str]
    facts: Facts
    free: int
    run: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = frozenset(self.order)
        self.place = {tip: place for place, tip in enumerate(self.order)}
        passed = frozenset(tip for line in self.facts.green for tip in line)
        self.good = (passed | self.facts.good) & known
        failed = (frozenset(tips) for tips in (*self.facts.red, *self.facts.doubted))
        # Where one of them left the queue, that one was to blame: nothing is known of the others.
        self.doubted = _minimal(tips - self.good for tips in failed if tips <= known)
        self.trunk = self.line(self.good)
        self.suspects = frozenset().union(*self.doubted)
        self.ranked = sorted(self.order, key=lambda tip: (tip not in self.good, tip in self.suspects))

    def places(self, tips: Iterable[str]) -> list[int]:
        """Return where branches stand in the queue: what is equal otherwise goes by that, never by ids."""
        return sorted(self.place[tip] for tip in tips)

    def chance_of(self, tip: str) -> float:
        """Return the chance that a branch fails."""
        if tip in self.good:
            return _GOOD
        sizes = [len(tips) for tips in self.doubted if tip in tips]
        return max(self.facts.chance, 1 / min(sizes)) if sizes else self.facts.chance

    def line(self, tips: Iterable[str], onto: Line = ()) -> Line:
        """Return a line of ``tips`` in the queue's order, without those that do not merge onto the others."""
        wanted = frozenset(tips) - frozenset(onto)
        line = onto
        for tip in self.order:
            if tip in wanted and (*line, tip) not in self.facts.unfit:
                line = (*line, tip)
        return line

    def want(self, line: Line) -> None:
        """Start a line if it tells something new and a worker is free."""
        known = self.facts.green | self.facts.red | self.facts.unfit | self.facts.running
        if line and self.free > 0 and line not in known and line not in self.run:
            self.run.append(line)
            self.free -= 1


def _batch(order: Sequence[str], facts: Facts, workers: int) -> Schedule:
    """Validate groups that pass as often as not, land what passed together, halve what failed."""
    alive = frozenset(line for line in facts.running if frozenset(order).issuperset(line))
    look = _Look(order, facts, workers - len(alive) - facts.elsewhere)
    land = _landable(look)
    if not land:
        _validate_trunk(look)
    if not land or workers > 1:
        _split(look, land or look.trunk)
        _screen(look, land or (look.trunk if look.free == 1 else ()))
    return Schedule(land, tuple(look.run), facts.running - alive)


def _landable(look: _Look) -> Line:
    """Return what to land: all that is known to be good, or the most of it when nothing larger is on its way."""
    green = [line for line in look.facts.green if look.place.keys() >= set(line)]
    if look.trunk in green:
        return look.trunk
    longest = max(green, key=lambda line: (len(line), [-place for place in look.places(line)]), default=())
    if longest and (look.trunk in look.facts.red or look.trunk in look.facts.unfit):
        return longest
    return ()


def _validate_trunk(look: _Look) -> None:
    """What passed apart must pass together; where it does not, the longest beginning that does is looked for."""
    trunk, red = look.trunk, look.facts.red
    if trunk not in red:
        look.want(trunk)
        return
    passing = max((n for n in range(len(trunk)) if trunk[:n] in look.facts.green), default=0)
    failing = min(n for n in range(1, len(trunk) + 1) if trunk[:n] in red)
    look.want(trunk[: (passing + failing) // 2])


def _split(look: _Look, onto: Line) -> None:
    """Halve what is known to hold a failing branch; with workers to spare, cut it into more parts.

    What lands next is what the parts are put on: a run must not be started on a main that is about to be left.
    """
    groups = sorted(look.doubted, key=lambda tips: (len(tips), look.places(tips)))
    for number, tips in enumerate(groups):
        line = look.line(tips)
        parts = max(2, look.free // max(1, len(groups) - number) + 1)
        size = max(1, math.ceil(len(line) / parts))
        pieces = [line[i : i + size] for i in range(0, len(line), size)]
        # The last piece need not be tried when the others tell: but a lone suspect has to fail on main by itself.
        for piece in pieces[:-1] if len(pieces) > 1 else pieces:
            look.want(look.line(piece, onto))


def _screen(look: _Look, onto: Line) -> None:
    """Try branches that nobody has tried, in groups that pass about as often as not."""
    seen = look.good.union(*look.doubted, *look.facts.running, *look.run)
    fresh = [tip for tip in look.order if tip not in seen]
    if not fresh or look.free <= 0:
        return
    even = max(1, round(math.log(0.5) / math.log(1 - min(0.9, look.facts.chance))))
    size = min(even, math.ceil(len(fresh) / look.free))
    for start in range(0, len(fresh), size):
        look.want(look.line(fresh[start : start + size], onto))


def _minimal(sets: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Return the sets that hold no other one; two that overlap are both kept only when neither holds the other."""
    found: list[frozenset[str]] = []
    for tips in sorted((s for s in sets if s), key=lambda s: (len(s), sorted(s))):
        if not any(other <= tips for other in found):
            found.append(tips)
    return tuple(found)


# -- when main moves -----------------------------------------------------------------------------------------------


def rest_after(line: Line, landed: Line) -> Line:
    """Return what a line is once its beginning has landed; empty when it does not begin so, or nothing is left."""
    return line[len(landed) :] if line[: len(landed)] == landed else ()


def after_landing(facts: Facts, landed: Line) -> Facts:
    """Return what is still known once ``landed`` is on main: the lines that began with it, and where to look."""

    def rebased(lines: frozenset[Line]) -> frozenset[Line]:
        return frozenset(rest for line in lines if (rest := rest_after(line, landed)))

    gone = frozenset(landed)
    good = facts.good.union(*facts.green) - gone
    stale = [frozenset(line) for line in facts.red if not rest_after(line, landed)]
    doubted = (tips - gone for tips in (*facts.doubted, *stale))
    return Facts(
        green=rebased(facts.green),
        red=rebased(facts.red),
        unfit=rebased(facts.unfit),
        running=rebased(facts.running),
        elsewhere=facts.elsewhere + sum(not rest_after(line, landed) for line in facts.running),
        good=good,
        doubted=_minimal(tips - good for tips in doubted),
        landed=facts.landed + len(landed),
        rejected=facts.rejected,
    )
