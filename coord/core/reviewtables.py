"""A review as tables and charts: what every rendering of it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from coord.core.chart import Bar, Chart, columns, rows
from coord.core.duration import lasting
from coord.core.reviewfacts import Facts, Landed, Tally
from coord.core.reviewfindings import FEW
from coord.core.reviewwords import Name, Words, counted, share

#: How many landings, and how many bars of one chart, people are shown; JSON has them all.
SHOWN, _BARS = 40, 12

#: Days that a chart shows side by side before only those with a landing are shown.
_DAYS = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with the table that says the same: two headings, and a row for each bar."""

    title: str
    note: str
    heads: tuple[str, str]
    chart: Chart
    more: int = 0

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        return tuple((placed.bar.label, placed.bar.words) for placed in self.chart.bars)


def clock(at: int) -> str:
    """Return a time in UTC as people read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def period(facts: Facts) -> str:
    """Return from when to when a review tells, and how long that is."""
    told = facts.period
    if not told.seconds and not told.told:
        return f"Up to {clock(told.until)} UTC"
    return f"From {clock(told.since)} to {clock(told.until)} UTC ({lasting(told.seconds)})"


def known(facts: Facts) -> tuple[str, ...]:
    """Return how much a review rests on, in sentences."""
    return tuple(_known(facts))


def _known(facts: Facts) -> Iterator[str]:
    number = len(facts.landings)
    if not number:
        yield "Nothing that coord landed is in this period."
    elif number < FEW:
        yield f"Only {counted(number, 'landing')}: rates are about very few."
    if facts.by_hand:
        yield f"{counted(facts.by_hand, 'merge')} on main {'was' if facts.by_hand == 1 else 'were'} made without coord: nothing is told of them."
    since, local = facts.local.since, facts.local
    if since is None and facts.attempts:
        yield "This clone has no local events: times of gates, flaky steps, lost races and a red main are not known, and a branch counts as seen when its tip was committed."
    elif since is not None and min(facts.gate.known, facts.seen_by_event) < number:
        yield (
            f"Local events begin at {clock(since)} UTC: the time of the gate is known for {facts.gate.known} of"
            f" {counted(number, 'landing')}, when it was first seen for {facts.seen_by_event}."
        )
    if local.unread:
        yield f"{counted(local.unread, 'line')} of the local log could not be read."


def summary(facts: Facts) -> tuple[tuple[str, Words], ...]:
    """Return the facts as a table of two columns; what is not known says so. Without any fact there is none."""
    rests_on = facts.attempts or facts.episodes or facts.completed
    return tuple((label, (words,)) for label, words in _summary(facts)) if rests_on else ()


def _summary(facts: Facts) -> Iterator[tuple[str, str]]:
    lead, gate, queue = facts.lead, facts.gate, facts.queue
    ended = f"{len(facts.landings)} landed, {len(facts.conflicts)} conflicted, {len(facts.reds)} red"
    yield "Attempts that ended", f"{facts.attempts}: {ended}"
    yield "Landed at the first try", f"{len(facts.first_try)} of {len(facts.landings)}"
    yield "Completed by a person's word or by hand", str(len(facts.completed))
    yield "Blocks", f"{len(facts.episodes)}, {sum(one.until is None for one in facts.episodes)} still open"
    yield "Retried by a person", counted(len(facts.retried), "task")
    if lead:
        words = f"median {lasting(lead.median)}, nine of ten within {lasting(lead.p90)}, longest {lasting(lead.worst)}"
        yield "First seen to landed", words
    if gate.runs:
        of = share(gate.total, facts.period.seconds)
        yield (
            "Time in gates",
            f"{lasting(gate.total)} in {counted(gate.runs, 'validation')}, {of} of the period",
        )
        if facts.watched:
            yield "Validations for each landed branch", f"{gate.runs / facts.watched:.1f}"
    else:
        yield "Time in gates", "not known here"
    if queue.span:
        words = f"{lasting(queue.idle)} of {lasting(queue.span)} ({share(queue.idle, queue.span)})"
        yield "The queue was empty", words
    yield "Reverted", counted(_total(facts.reverts), "landing")
    yield "Lost races", str(_total(facts.raced)) if facts.local.since is not None else "not known here"
    yield (
        "Main itself red",
        counted(len(facts.main_red), "time") if facts.local.since is not None else "not known here",
    )


def _total(tallies: Sequence[Tally]) -> int:
    return sum(tally.count for tally in tallies)


def landed_row(landed: Landed) -> tuple[Words, ...]:
    """Return a landing as a row: task, when, first seen to landed, attempts, gate, files, commit."""
    about = "" if landed.by_event else "about "
    return (
        (Name(landed.task),),
        (clock(landed.at),),
        (about + lasting(landed.waited),),
        (str(landed.attempts),),
        (lasting(landed.gate) if landed.gate is not None else "-",),
        (str(len(landed.paths)),),
        (Name(landed.commit[:7]),),
    )


def figures(facts: Facts) -> tuple[Figure, ...]:
    """Return the charts of a review; what has nothing to show is left out."""
    return tuple(figure for figure in _figures(facts) if figure.chart.bars)


def _figures(facts: Facts) -> Iterator[Figure]:
    days = _every_day(facts.per_day)
    yield Figure(
        "Landings per day", "UTC", ("Day", "Landings"), columns([Bar(d[5:], n, str(n)) for d, n in days])
    )
    slow = sorted(facts.landings, key=lambda one: (-one.waited, one.task))
    yield _of_rows(
        "First seen to landed, the longest first",
        "from events"
        if facts.seen_by_event == len(facts.landings)
        else "where no event tells: from the tip's date",
        ("Task", "Time"),
        [Bar(one.task, one.waited, lasting(one.waited)) for one in slow],
    )
    gates = sorted((one for one in facts.landings if one.gate), key=lambda one: (-(one.gate or 0), one.task))
    bars = [Bar(one.task, one.gate or 0, lasting(one.gate or 0)) for one in gates]
    yield _of_rows("Time in the gate, the longest first", "of what landed", ("Task", "Time"), bars)
    contested = [Bar(c.path, len(c.tasks), f"{len(c.tasks)} of {len(c.of)}") for c in facts.contested]
    yield _of_rows(
        "Conflicts by file", "tasks that conflicted, of those that changed it", ("File", "Tasks"), contested
    )
    red = [Bar(tally.name, tally.count, str(tally.count)) for tally in facts.red]
    yield _of_rows("Red steps", "attempts that failed there", ("Step", "Attempts"), red)
    hubs = [Bar(hub.path, len(hub.branches), str(len(hub.branches))) for hub in facts.hubs]
    yield _of_rows("Files that three or more landings changed", "", ("File", "Landings"), hubs)


def _of_rows(title: str, note: str, heads: tuple[str, str], bars: list[Bar]) -> Figure:
    return Figure(title, note, heads, rows(bars[:_BARS]), max(0, len(bars) - _BARS))


def _every_day(per_day: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return days without a landing too, when they are not too many."""
    if not per_day:
        return per_day
    first, last = (date.fromisoformat(per_day[place][0]) for place in (0, -1))
    length = (last - first).days + 1
    if length > _DAYS:
        return per_day[-_DAYS:]
    landed = dict(per_day)
    days = [(first + timedelta(place)).isoformat() for place in range(length)]
    return [(day, landed.get(day, 0)) for day in days]
