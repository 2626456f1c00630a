"""Show what has been decided, the newest first: what landed, conflicted, failed, was blocked, held or lifted, and why.

Read from main's commits and the refs of verdicts, which every clone has; how long a gate took, lost races, and what
sessions did are known on the machine where they happened. coord why TASK tells one task from its start.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Container
from dataclasses import replace

from coord.call import Call
from coord.core.duration import lasting
from coord.core.history import Entry, History, Kind, Source, words_of_aside
from coord.core.text import one_line, whole_number
from coord.dates import stamp, utc
from coord.errors import Exit
from coord.freshness import as_of, fetch, unread
from coord.history import begins, put_aside, read_history
from coord.observe import View, observe
from coord.output import Json, table
from coord.workspace import open_workspace

#: What happens while a task is on its way. Only --all shows it: there are several lines of it a landing.
_UNDERWAY = frozenset({Kind.SEEN, Kind.VALIDATED, Kind.SESSION, Kind.ENDED, Kind.CLAIMED})


def options(parser: ArgumentParser) -> None:
    kinds = sorted(kind.value for kind in Kind)
    parser.add_argument("task", nargs="*", metavar="TASK", help="only about these (ids or branch names)")
    parser.add_argument(
        "--since", metavar="REF|DATE", help="from this commit, or this date (as git reads it), on"
    )
    parser.add_argument(
        "--kind", action="append", choices=kinds, metavar="KIND", help="only these: " + ", ".join(kinds)
    )
    parser.add_argument(
        "--all", action="store_true", help="also what happens on the way: pushes, validations, sessions"
    )
    parser.add_argument(
        "--limit", type=_limit, default=50, metavar="N", help="at most N (default: 50; 0: all)"
    )
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print them as JSON")


def _limit(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise ArgumentTypeError(f"'{text}' is not a number")
    return number


def run(call: Call) -> Exit:
    args = call.args
    workspace = open_workspace(call.folder)
    if args.fetch:
        fetch(workspace)
    view = observe(workspace if args.fetch else workspace.without_forge())
    history = read_history(workspace, view)
    known = {entry.task for entry in history.entries}
    tasks = {_named(view, word, known) for word in args.task}
    aside = put_aside(workspace, view)
    if args.since is not None:
        since = begins(workspace, view, history, args.since or " ")
        later = (e for e in history.entries if since.holds(e.at, e.commit))
        history = replace(history, entries=tuple(later))
        aside = tuple(one for one in aside if since.holds(one.at, one.commit))
    kinds = frozenset(args.kind or (Kind if args.all else frozenset(Kind) - _UNDERWAY))
    found = [e for e in reversed(history.entries) if e.kind in kinds and (not tasks or e.task in tasks)]
    shown = found[: args.limit or None]
    said = as_of(workspace, view.snapshot.base)
    call.output.say(said + unread(workspace, view.snapshot, is_asked=args.fetch))
    if call.output.json:
        local = history.local
        call.output.emit(
            "log",
            {
                "entries": [facts(entry) for entry in shown],
                "more": len(found) - len(shown),
                "aside": [{"commit": one.commit, "by": one.by, "tasks": list(one.tasks)} for one in aside],
                "local": {"since": local.since, "unread": local.unread, "sessions": local.sessions},
            },
        )
        return Exit.OK
    call.output.results(table([row(entry) for entry in shown]))
    for remark in (*_remarks(history, len(shown), len(found)), words_of_aside(aside)):
        if remark:
            call.output.say(remark)
    return Exit.OK


def _named(view: View, word: str, known: Container[str]) -> str:
    """Return the task that a word means: one that the history tells of needs no file on main any more."""
    ids = (word, view.snapshot.settings.task_of(word))
    return next((id for id in ids if id and id in known), None) or view.snapshot.resolve(word)


def row(entry: Entry) -> tuple[str, ...]:
    """Return an entry as a row of a table: when, what, which task, which commit, why."""
    task = one_line(entry.task) or "-"
    return (stamp(entry.at), entry.kind.value, task, one_line(entry.commit[:7]) or "-", words_of(entry))


def words_of(entry: Entry) -> str:
    """Return what an entry says, in one line: the reason, how long it took, who it was."""
    told = [f"in {lasting(entry.seconds)}"] if entry.seconds else []
    flaky = one_line(f"flaky: {', '.join(entry.flaky)}") if entry.flaky else ""
    told += [flaky] if flaky and flaky not in entry.reason else []
    is_told = entry.source is Source.SESSION or entry.by in entry.reason
    told += [] if is_told else [f"by {one_line(entry.by, 80)}"]
    words, rest = one_line(entry.reason, 500), "; ".join(told)
    return f"{words} ({rest})" if words and rest else words or rest or "-"


def facts(entry: Entry) -> dict[str, Json]:
    """Return an entry as JSON shows it."""
    return {
        "at": entry.at,
        "time": utc(entry.at),
        "kind": entry.kind.value,
        "task": entry.task or None,
        "branch": entry.branch or None,
        "tip": entry.tip or None,
        "commit": entry.commit or None,
        "main": entry.main or None,
        "by": entry.by or None,
        "reason": entry.reason,
        "paths": list(entry.paths),
        "others": list(entry.others),
        "step": entry.step or None,
        "seconds": entry.seconds or None,
        "flaky": list(entry.flaky),
        "source": entry.source.value,
    }


def _remarks(history: History, shown: int, found: int) -> list[str]:
    """Return what is to be said of what is not shown."""
    local = history.local
    remarks = []
    if not found:
        remarks.append("nothing has been decided yet" if not history.entries else "nothing of that kind")
    if shown < found:
        remarks.append(f"{found - shown} older ones: --limit 0 shows all")
    if local.since is None:
        remarks.append("this clone has no events of its own: no times of gates, no races, no first sights")
    if local.unread:
        remarks.append(f"{local.unread} lines of the local log cannot be read")
    return remarks
