"""What ``coord graph`` shows: each view is one function and one row of ``VIEWS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from coord.core import graphparts as parts
from coord.core.analysis import SUCCESS, Measure, Study, steps_from
from coord.core.betweenness import bottlenecks
from coord.core.graphparts import Fact, Section


@dataclass(frozen=True, slots=True)
class Asked:
    """What a view is asked for: a task's number, whether to go beyond direct neighbours, how to measure, how many."""

    number: int = -1
    deep: bool = False
    by: Measure = Measure.COUNT
    limit: int = 10


@dataclass(frozen=True)
class View:
    """An answer: for people, for scripts, as a drawing (these tasks, this path marked), and what is to be said aloud."""

    sections: tuple[Section, ...]
    facts: Mapping[str, Fact]
    shown: tuple[int, ...] = ()
    path: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


class Row(NamedTuple):
    """A view of the table: what makes it, what it tells, whether it is about one task, whether it can be drawn."""

    make: Callable[[Study, Asked], View]
    help: str
    of_task: bool = False
    drawn: bool = False


# -- the whole graph -----------------------------------------------------------------------------------------------


def overview(study: Study, asked: Asked) -> View:
    path = study.critical(asked.by)
    found = bottlenecks(study.net)
    sections = (
        Section(parts.summary(study), ()),
        *parts.generations(study),
        *parts.left_out(study),
        *parts.cycles(study),
        *parts.missing(study),
        Section(parts.path_title(study, path, asked.by), parts.rows_of(study, path)),
        *([parts.ranking(study, found, asked.limit)] if found else []),
    )
    facts: dict[str, Fact] = {
        "tasks": parts.task_facts(study, range(len(study.tasks))),
        "generations": parts.names_of(study, study.net.generations),
        "critical": parts.path_facts(study, path, asked.by),
        "bottlenecks": parts.ranking_facts(study, found[: asked.limit]),
    }
    return View(sections, facts, parts.everything(study), path, parts.said_of_ranking(study, found))


def generations(study: Study, asked: Asked) -> View:
    sections = (*parts.generations(study), *parts.left_out(study), *parts.missing(study))
    facts = {"generations": parts.names_of(study, study.net.generations)}
    return View(sections, facts, parts.everything(study), study.critical(asked.by))


def order(study: Study, _asked: Asked) -> View:
    sections = (
        Section("", parts.rows_of(study, study.net.order)),
        *parts.left_out(study),
        *parts.missing(study),
    )
    return View(sections, {"order": study.net.names(study.net.order)})


def cycles(study: Study, _asked: Asked) -> View:
    sections = parts.cycles(study) or (Section("no cycles", ()),)
    return View((*sections, *parts.left_out(study)), {})


# -- one task ------------------------------------------------------------------------------------------------------


def dependencies(study: Study, asked: Asked) -> View:
    view = _neighbours(study, asked, to_needs=True)
    steps = {asked.number: 0, **steps_from(study.net, asked.number, to_needs=True)}
    missing = [(n, need) for n, need in study.net.missing if n == asked.number or (asked.deep and n in steps)]
    rows = tuple((need, f"named by {study.net.ids[n]}") for n, need in missing)
    extra = (Section("missing", rows),) if rows else ()
    return View((*view.sections, *extra), view.facts, view.shown, view.path)


def dependents(study: Study, asked: Asked) -> View:
    return _neighbours(study, asked, to_needs=False)


def _neighbours(study: Study, asked: Asked, *, to_needs: bool) -> View:
    steps = steps_from(study.net, asked.number, to_needs=to_needs)
    wanted = [n for n in steps if asked.deep or steps[n] == 1]
    rows = tuple(
        (*([str(steps[n])] if asked.deep else []), *parts.cells(study, n))
        for n in sorted(wanted, key=steps.__getitem__)
    )
    word = "needs" if to_needs else "is needed by"
    title = f"{study.net.ids[asked.number]} {word} {parts.counted(len(rows), 'task')}" + (
        "" if rows else " here"
    )
    facts: dict[str, Fact] = {
        "task": study.net.ids[asked.number],
        "deep": asked.deep,
        "found": [{"id": study.net.ids[n], "steps": steps[n], "status": study.status(n)} for n in wanted],
    }
    return View((Section(title, rows),), facts, tuple(sorted([asked.number, *wanted])), (asked.number,))


# -- paths and figures ---------------------------------------------------------------------------------------------


def critical(study: Study, asked: Asked) -> View:
    path = study.critical(asked.by)
    is_cost = asked.by is Measure.COST
    rows = tuple(
        (
            *parts.cells(study, n)[:2],
            *([parts.figure(study.figures[n].cost)] if is_cost else []),
            study.tasks[n].name,
        )
        for n in path
    )
    sections = (Section(parts.path_title(study, path, asked.by), rows), *parts.left_out(study))
    facts = {"critical": parts.path_facts(study, path, asked.by)}
    return View(
        sections, facts, parts.everything(study), path, parts.assumed(study, "scope") if is_cost else ()
    )


def ranked(study: Study, asked: Asked) -> View:
    found = bottlenecks(study.net)
    title = Section("no task stands between two others", ())
    sections = (parts.ranking(study, found, asked.limit) if found else title, *parts.left_out(study))
    facts: dict[str, Fact] = {
        "bottlenecks": parts.ranking_facts(study, found[: asked.limit]),
        "of": len(found),
    }
    return View(sections, facts, remarks=parts.said_of_ranking(study, found))


def risk(study: Study, _asked: Asked) -> View:
    """How many tasks have which risk (``risk.rs``), the highest first; those that state none apart."""
    sections: list[Section] = []
    facts: dict[str, Fact] = {}
    for level in (*reversed(SUCCESS), ""):
        of = [n for n, task in enumerate(study.tasks) if (task.risk if task.risk in SUCCESS else "") == level]
        share = f"{100 * len(of) / len(study.tasks):.0f} %" if study.tasks else "0 %"
        title = level or "not stated"
        sections.append(Section(f"{title}: {len(of)} ({share})", parts.rows_of(study, of)))
        facts[level or "unstated"] = study.net.names(of)
    return View(tuple(sections), {"risk": facts}, remarks=parts.assumed(study, "risk"))


def risk_path(study: Study, _asked: Asked) -> View:
    path = study.risk_path()
    total = sum(study.figures[n].risk for n in path)
    rows = tuple(
        (
            *parts.cells(study, n)[:2],
            parts.figure(study.figures[n].risk),
            f"risk {study.tasks[n].risk or '-'}",
            f"impact {study.tasks[n].impact or '-'}",
        )
        for n in path
    )
    title = f"risk path: {parts.counted(len(path), 'task')}, risk {parts.figure(total)}"
    facts: dict[str, Fact] = {
        "risk_path": {
            "path": [{"id": study.net.ids[n], "risk": round(study.figures[n].risk, 6)} for n in path],
            "total": round(total, 6),
        }
    }
    sections = (Section(title, rows), *parts.left_out(study))
    return View(
        sections,
        facts,
        parts.everything(study),
        path,
        (*parts.assumed(study, "risk"), *parts.assumed(study, "impact")),
    )


def decompose(study: Study, _asked: Asked) -> View:
    found = study.to_split()
    rows = tuple((*parts.cells(study, n)[:2], ", ".join(why)) for n, why in found)
    title = f"to split: {parts.counted(len(found), 'task')} of {len(study.tasks)}"
    facts = {"decompose": [{"id": study.net.ids[n], "why": why} for n, why in found]}
    remarks = (*parts.assumed(study, "risk"), *parts.assumed(study, "scope"))
    return View((Section(title, rows),), facts, remarks=remarks)


def cost(study: Study, asked: Asked) -> View:
    found = study.costs()
    alone, after = sum(each.alone for each in found), sum(each.after_others for each in found)
    head = ("", "task", "scope", "chance", "expected", "chance after", "expected after")
    rows = tuple(
        (
            *parts.cells(study, each.number)[:2],
            parts.figure(study.figures[each.number].cost),
            parts.figure(study.figures[each.number].success),
            parts.figure(each.alone),
            parts.figure(each.effective),
            parts.figure(each.after_others),
        )
        for each in found[: asked.limit]
    )
    more = f", the {asked.limit} highest shown" if len(found) > asked.limit else ""
    title = (
        f"expected cost of {parts.counted(len(found), 'task')}: {parts.figure(alone)} each on its own, "
        f"{parts.figure(after)} after its dependencies (relative units{more})"
    )
    facts: dict[str, Fact] = {
        "cost": [
            {
                "id": study.net.ids[each.number],
                "scope_cost": study.figures[each.number].cost,
                "weight": study.figures[each.number].weight,
                "success": study.figures[each.number].success,
                "expected": round(each.alone, 6),
                "success_after": round(each.effective, 6),
                "expected_after": round(each.after_others, 6),
            }
            for each in found
        ],
        "total": round(alone, 6),
        "total_after": round(after, 6),
    }
    remarks = tuple(said for field in ("risk", "impact", "scope") for said in parts.assumed(study, field))
    sections = (Section(title, (head, *rows) if rows else ()), *parts.left_out(study))
    return View(sections, facts, remarks=remarks)


VIEWS: dict[str, Row] = {
    "overview": Row(overview, "generations, cycles, critical path and bottlenecks", drawn=True),
    "generations": Row(generations, "what can be worked on side by side, step by step", drawn=True),
    "order": Row(order, "all tasks, each after what it needs"),
    "cycles": Row(cycles, "each knot of tasks that wait for each other, as a path"),
    "deps": Row(dependencies, "what TASK needs", of_task=True, drawn=True),
    "dependents": Row(dependents, "what needs TASK", of_task=True, drawn=True),
    "critical": Row(critical, "the longest path", drawn=True),
    "bottlenecks": Row(ranked, "the tasks that most chains of work pass through"),
    "risk": Row(risk, "the tasks by risk"),
    "risk-path": Row(risk_path, "the path with the highest sum of risks", drawn=True),
    "decompose": Row(decompose, "the tasks that should be more than one"),
    "cost": Row(cost, "expected cost, failures and their effect on others included"),
}

#: The words of the taskgraph command.
ALIASES = {"parallel": "generations", "topo": "order", "bottleneck": "bottlenecks", "workflow-cost": "cost"}
