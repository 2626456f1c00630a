"""The parts that several views of ``coord graph`` are made of: sections for people, facts for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from coord.core.analysis import ASSUMED, Measure, Study
from coord.core.betweenness import EXACT, Bottleneck
from coord.core.task import Severity
from coord.core.text import few

#: What a view hands over for scripts.
Fact = None | bool | int | float | str | Sequence["Fact"] | Mapping[str, "Fact"]

#: A task's status in three characters.
MARKS = {
    "completed": "[x]",
    "in-progress": "[>]",
    "pending": "[ ]",
    "blocked": "[!]",
    "failed": "[-]",
}
_UNKNOWN = "[?]"

#: A count of chains with more digits than this is shown as a power of ten.
_DIGITS = 9


class Section(NamedTuple):
    """A heading and rows of cells below it; the cells of a section stand in columns."""

    title: str
    rows: tuple[tuple[str, ...], ...]


def summary(study: Study) -> str:
    states = Counter(study.status(n) for n in range(len(study.tasks)))
    words = [
        f"{states[status]} {status}"
        for status in [*MARKS, *sorted(set(states) - set(MARKS))]
        if states[status]
    ]
    size = f"{counted(len(study.tasks), 'task')} in {counted(len(study.net.generations), 'generation')}"
    return f"{size}: {', '.join(words)}" if words else size


def generations(study: Study) -> Iterator[Section]:
    for number, level in enumerate(study.net.generations, 1):
        yield Section(f"generation {number}: {counted(len(level), 'task')}", rows_of(study, level))


def left_out(study: Study) -> tuple[Section, ...]:
    """Say which tasks no order holds, and why, so that no list is cut in silence."""
    net = study.net
    behind = [n for n in net.left_out if n not in net.in_cycle]
    rest = frozenset(net.left_out)
    parts = (("left out: in a cycle", sorted(net.in_cycle)), ("left out: behind a cycle", behind))
    sections = tuple(
        Section(
            f"{title} ({counted(len(of), 'task')})",
            tuple(
                (
                    *cells(study, n)[:2],
                    "waits for " + ", ".join(net.names(d for d in net.needs[n] if d in rest)),
                )
                for n in of
            ),
        )
        for title, of in parts
        if of
    )
    broken = tuple((path,) for path in _broken(study))
    title = f"left out: cannot be read ({counted(len(broken), 'file')})"
    return (*sections, Section(title, broken)) if broken else sections


def _broken(study: Study) -> list[str]:
    """Return the paths of the files that state no task because they are broken (a README is not)."""
    return [
        file.path
        for file in study.graph.unreadable
        if any(problem.severity is Severity.ERROR for problem in file.problems)
    ]


def cycles(study: Study) -> tuple[Section, ...]:
    net = study.net
    paths = [net.names(net.shortest_cycle(knot, min(knot))) for knot in net.knots]
    rows = tuple((" -> ".join(path),) for path in paths)
    return (Section(f"cycles: {len(rows)}", rows),) if rows else ()


def missing(study: Study) -> tuple[Section, ...]:
    rows = tuple((study.net.ids[n], f"needs {need}, which is no task here") for n, need in study.net.missing)
    return (Section(f"missing dependencies: {len(rows)}", rows),) if rows else ()


def ranking(study: Study, found: Sequence[Bottleneck], limit: int) -> Section:
    rows = tuple(
        (
            *cells(study, each.number)[:2],
            *([] if each.between is None else [figure(each.between)]),
            _big(each),
        )
        for each in found[:limit]
    )
    head = ("", "task", *([] if found and found[0].between is None else ["between"]), "chains")
    more = f" of {len(found)}" if len(found) > limit else ""
    return Section(f"bottlenecks: {len(rows)}{more}", (head, *rows) if rows else ())


def said_of_ranking(study: Study, found: Sequence[Bottleneck]) -> tuple[str, ...]:
    if found and found[0].between is None:
        size = len(study.net.order)
        return (f"{size} tasks: bottlenecks are ranked by chains (betweenness is for up to {EXACT})",)
    return ()


def path_title(study: Study, path: Sequence[int], by: Measure) -> str:
    length = f"critical path: {counted(len(path), 'task')}"
    return f"{length}, cost {figure(cost_of(study, path))}" if by is Measure.COST else length


def cost_of(study: Study, path: Iterable[int]) -> float:
    return sum(study.figures[n].cost for n in path)


def assumed(study: Study, field: str) -> tuple[str, ...]:
    gaps = study.gaps(field)
    if not gaps:
        return ()
    shown = few((f"{gap.id} (says '{gap.word}')" if gap.word else gap.id for gap in gaps), 10)
    more = " (--json names all)" if len(gaps) > 10 else ""
    return (
        f"{field} is not stated by {counted(len(gaps), 'task')}, counted as {ASSUMED[field]}: {shown}{more}",
    )


def rows_of(study: Study, numbers: Iterable[int]) -> tuple[tuple[str, ...], ...]:
    return tuple(cells(study, n) for n in numbers)


def cells(study: Study, n: int) -> tuple[str, str, str]:
    return MARKS.get(study.status(n), _UNKNOWN), study.net.ids[n], study.tasks[n].name


def task_facts(study: Study, numbers: Iterable[int]) -> list[Fact]:
    depth = {n: number for number, level in enumerate(study.net.generations, 1) for n in level}
    return [
        {
            "id": study.net.ids[n],
            "name": study.tasks[n].name,
            "status": study.tasks[n].status.value,
            "in_progress": study.status(n) == "in-progress",
            "generation": depth.get(n),
            "depends_on": study.tasks[n].depends_on,
            "dependents": study.net.names(study.net.dependents[n]),
        }
        for n in numbers
    ]


def names_of(study: Study, levels: Iterable[Iterable[int]]) -> list[Fact]:
    return [study.net.names(level) for level in levels]


def path_facts(study: Study, path: Sequence[int], by: Measure) -> dict[str, Fact]:
    cost = cost_of(study, path)
    return {"by": by.value, "path": study.net.names(path), "count": len(path), "cost": cost}


def ranking_facts(study: Study, found: Iterable[Bottleneck]) -> list[Fact]:
    return [
        {
            "id": study.net.ids[each.number],
            "between": None if each.between is None else round(each.between, 6),
            "chains": each.chains,
            "chains_log10": round(each.chains_log10, 6),
        }
        for each in found
    ]


def everything(study: Study) -> tuple[int, ...]:
    return tuple(range(len(study.tasks)))


def counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def figure(number: float) -> str:
    """Return a number with up to two decimals, without needless zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _big(each: Bottleneck) -> str:
    if each.chains is None or each.chains_log10 >= _DIGITS:
        return f"10^{each.chains_log10:.1f}"
    return str(each.chains)


def common_facts(study: Study) -> dict[str, Fact]:
    """Return what the JSON of every view holds: what is in no list, and what was assumed."""
    net = study.net
    return {
        "count": len(study.tasks),
        "cycles": [net.names(net.shortest_cycle(knot, min(knot))) for knot in net.knots],
        "left_out": {
            "in_cycle": net.names(sorted(net.in_cycle)),
            "unreadable": _broken(study),
            "behind_cycle": net.names(n for n in net.left_out if n not in net.in_cycle),
        },
        "missing": [{"task": net.ids[n], "needs": need} for n, need in net.missing],
        "assumed": {
            field: [{"id": gap.id, "word": gap.word} for gap in study.gaps(field)]
            for field in ("risk", "impact", "scope")
        },
    }
