"""Show what the dependencies of the tasks tell: in which order they can be worked on, what holds others up, what is risky.

The tasks are those of main as last fetched. A cycle, a missing or unreadable dependency, an id in two files or a broken
file is told on stderr with its place and makes the exit code 3; the answer says which tasks it leaves out."""

from __future__ import annotations

from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from coord.commands.check import line
from coord.core.analysis import Measure, Study, faults
from coord.core.graph import TaskGraph
from coord.core.graphparts import common_facts, counted
from coord.core.graphview import ALIASES, VIEWS, Asked, View
from coord.core.task import Severity
from coord.core.text import one_line, whole_number
from coord.errors import Exit, UsageError
from coord.output import Output, table
from coord.taskfolder import published_tasks, read_tasks_here, tasks_in_progress
from coord.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from coord.call import Call

_FORMATS = ("text", "dot", "mermaid", "json", "svg")


class _Format(Action):
    """``--format json`` is ``--json``."""

    def __call__(
        self, _parser: ArgumentParser, into: Namespace, value: object, _option: str | None = None
    ) -> None:
        into.format = value
        into.json = value == "json"


def options(parser: ArgumentParser) -> None:
    parser.add_argument("view", nargs="?", metavar="VIEW", default="overview", help=_views())
    parser.add_argument(
        "task", nargs="?", metavar="TASK", default="", help="for deps and dependents: the task"
    )
    parser.add_argument("--deep", action="store_true", help="for deps and dependents: not only direct ones")
    parser.add_argument(
        "--by",
        choices=[one.value for one in Measure],
        default=Measure.COUNT.value,
        help="measure the critical path by this",
    )
    parser.add_argument(
        "--limit", type=_limit, default=10, metavar="N", help="rows of bottlenecks and cost (default: 10)"
    )
    parser.add_argument("--open", action="store_true", help="leave completed tasks out")
    parser.add_argument("--here", action="store_true", help="read the working copy instead of main")
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--format", action=_Format, choices=_FORMATS, default="text", help="print it as this")
    form.add_argument("--json", action="store_true", help="print JSON, as --format json does")


def run(call: Call) -> Exit:
    name = ALIASES.get(call.args.view, call.args.view)
    _refuse(name, call.args)
    workspace = open_workspace(call.folder)
    graph = _read(workspace, call.output, call.args)
    live = tasks_in_progress(workspace)
    found = faults(graph)
    for problem in found if name != "validate" else ():
        call.output.say(line(problem))
    if name == "validate":
        return _validate(graph, call.output)
    study = Study.of_open(graph, live) if call.args.open else Study.of(graph, live)
    asked = Asked(
        _number(study, graph, call.args.task) if call.args.task else -1,
        call.args.deep,
        Measure(call.args.by),
        call.args.limit,
    )
    if call.args.open:
        completed = len(graph.digraph.ids) - len(study.tasks)
        call.output.say(f"{counted(completed, 'completed task')} left out (--open)")
    view = VIEWS[name].make(study, asked)
    _show(study, view, call)
    others = len(graph.problems) - len(found)
    if others:
        call.output.say(
            f"{counted(others, 'more problem')} in the task files: coord graph validate shows all"
        )
    if call.output.json:
        facts = {"view": name, "open": call.args.open, **common_facts(study), **view.facts}
        call.output.emit("graph", facts, [problem.facts() for problem in graph.problems])
    return Exit.INVALID_TASKS if found else Exit.OK


def _show(study: Study, view: View, call: Call) -> None:
    for remark in view.remarks:
        call.output.say(one_line(remark, 2000))
    if call.args.format not in ("text", "json"):
        from coord.core.drawing import FORMATS, draw

        call.output.result(FORMATS[call.args.format](draw(study, view.shown, view.path)))
        return
    for number, section in enumerate(view.sections):
        if section.title:
            call.output.result(("\n" if number else "") + one_line(section.title, 500))
        indent = "  " if section.title else ""
        for row in table([[one_line(cell, 500) for cell in row] for row in section.rows]):
            call.output.result(indent + row)


def _validate(graph: TaskGraph, output: Output) -> Exit:
    """Say what is wrong with the files and their graph, as ``coord check`` does for the working copy."""
    errors = sum(problem.severity is Severity.ERROR for problem in graph.problems)
    for problem in graph.problems:
        output.result(line(problem))
    output.say(f"{len(graph.tasks)} tasks, {errors} errors, {len(graph.problems) - errors} warnings")
    counts = {"count": len(graph.tasks), "errors": errors, "warnings": len(graph.problems) - errors}
    output.emit("graph", {"view": "validate", **counts}, [problem.facts() for problem in graph.problems])
    return Exit.INVALID_TASKS if errors else Exit.OK


def _refuse(name: str, args: Namespace) -> None:
    """Refuse words that ask for nothing or for two things."""
    if name not in (*VIEWS, "validate"):
        import difflib

        near = difflib.get_close_matches(name, [*VIEWS, *ALIASES, "validate"], 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join([*VIEWS, 'validate'])}"
        raise UsageError(f"there is no view '{one_line(name, 80)}'", hint=hint)
    of_task = name in VIEWS and VIEWS[name].of_task
    if of_task and not args.task:
        raise UsageError(f"{name} is about one task", hint=f"coord graph {name} TASK")
    if args.task and not of_task:
        raise UsageError(f"{name} is not about one task", hint=f"coord graph {name}")
    if args.format not in ("text", "json") and not (name in VIEWS and VIEWS[name].drawn):
        drawn = ", ".join(view for view, row in VIEWS.items() if row.drawn)
        raise UsageError(f"{name} is no drawing", hint=f"--format {args.format} draws {drawn}")


def _read(workspace: Workspace, output: Output, args: Namespace) -> TaskGraph:
    if not args.here:
        return published_tasks(workspace, output, fetch=args.fetch).graph
    if args.fetch:
        raise UsageError("--here reads the working copy: there is nothing to fetch")
    if workspace.bare:
        raise UsageError("a bare repository has no working copy", hint="leave --here away")
    output.say("the files of the working copy")
    return read_tasks_here(workspace.top, workspace.local_settings()).graph


def _number(study: Study, graph: TaskGraph, id: str) -> int:
    found = study.net.number.get(id)
    if found is not None:
        return found
    if graph.get(id) is not None:
        raise UsageError(f"task '{id}' is completed", hint="--open leaves completed tasks out")
    if path := graph.unreadable_file(id):
        raise UsageError(
            f"task '{id}' cannot be read: {path}", hint=f"coord check {path}", exit=Exit.INVALID_TASKS
        )
    near = graph.near(id)
    hint = f"did you mean {', '.join(near)}?" if near else "coord list shows all"
    raise UsageError(f"there is no task '{one_line(id, 200)}'", hint=hint)


def _limit(text: str) -> int:
    number = whole_number(text)
    if not number:
        raise ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def _views() -> str:
    also = {view: alias for alias, view in ALIASES.items()}
    words = [
        f"{view}{f' (also {also[view]})' if view in also else ''}: {row.help}" for view, row in VIEWS.items()
    ]
    return "; ".join([*words, "validate: what is wrong with the files"]) + ". Default: overview"
