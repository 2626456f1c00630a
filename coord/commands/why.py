"""Tell why a task stands where it does, what has to happen first and whose turn it is, and how it came there.

The answer follows what the task waits for, and what that waits for, down to what somebody has to do. The timeline goes
from the claim to the landing: what the branch says, first sights, validations, verdicts, and what its sessions did; what
only the machine knows where it happened is missing on others, and that is said.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace

from coord import events
from coord.call import Call
from coord.commands.log import facts, words_of
from coord.core.complaint import excerpt
from coord.core.duration import lasting
from coord.core.history import Entry, History, Kind
from coord.core.present import Turn
from coord.core.remembered import with_remembered
from coord.core.text import one_line, tail
from coord.core.verdict import Verdict
from coord.core.why import Link, chain, others_of, over, roots, undone
from coord.dates import stamp
from coord.errors import Exit, UsageError
from coord.freshness import fetch, unread
from coord.history import read_history
from coord.observe import View, observe
from coord.output import Json, Output, table
from coord.present import branches_and_sessions
from coord.workspace import Workspace, open_workspace

#: Whose turn it is, in words.
_TURNS = {
    Turn.COORD: "coord, in its next run",
    Turn.AGENT: "whoever works on the branch",
    Turn.MAINTAINER: "a maintainer",
    Turn.OTHERS: "others first",
}

#: How many lines of a red step's output are shown; coord show and the log of the run hold more.
_LOG_LINES = 12

_STARTS = frozenset({Kind.CLAIMED, Kind.SESSION, Kind.COMMIT, Kind.SEEN})


def options(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK|BRANCH", help="the task (id or branch name)")
    parser.add_argument("--fetch", action="store_true", help="fetch first")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(call: Call) -> Exit:
    workspace = open_workspace(call.folder)
    if call.args.fetch:
        fetch(workspace)
    view = observe(workspace if call.args.fetch else workspace.without_forge())
    view = replace(view, snapshot=with_remembered(view.snapshot, events.recent(workspace.state)))
    word = call.args.task
    task = _named(workspace, view, word)
    present = branches_and_sessions(workspace, view)
    first, *others = chain(view.snapshot, present, task, branch="" if word == task else word)
    history = read_history(workspace, view, task=task)
    links = (undone(over(first, history.entries), history.entries), *others)
    call.output.say(present.said + unread(workspace, view.snapshot, is_asked=call.args.fetch))
    seen = _seen_of(view, links[0])
    beside = others_of(view.snapshot, present, links[0])
    branches = [_link(link) for link in beside]
    call.output.emit("why", {**_json(links, history), "evidence": _evidence(seen), "beside": branches})
    _show_state(links, call.output)
    for other in beside:
        call.output.result(f"also {other.branch}: {other.state}: {one_line(other.reason, 300)}")
    _show_evidence(seen, call.output)
    _show_timeline(history, call.output)
    return Exit.OK


def _named(workspace: Workspace, view: View, word: str) -> str:
    """Return the task that a word means, one whose file is gone from main too, if it has a history."""
    try:
        return view.snapshot.resolve(word)
    except UsageError:
        stranger = next((s for s in view.snapshot.strangers if s.name == word), None)
        if stranger is not None:
            raise _strange(stranger.name, stranger.near) from None
        if (
            workspace.git.resolve(f"{workspace.branch_refs}{word}")
            and workspace.settings.task_of(word) is None
        ):
            raise _foreign(workspace, word) from None
        id = workspace.settings.task_of(word) or word
        if any(entry.task == id for entry in read_history(workspace, view).entries):
            return id
        raise


def _foreign(workspace: Workspace, branch: str) -> UsageError:
    prefixes = " or ".join(workspace.settings.project.prefixes)
    return UsageError(
        f"{one_line(branch)} is no task branch: coord looks at branches whose names begin with {prefixes}",
        hint="push it under such a name, or add its prefix to [project] prefixes in .coord.toml",
    )


def _strange(branch: str, near: tuple[str, ...]) -> UsageError:
    hint = f"did you mean the task {' or '.join(near)}? " if near else ""
    return UsageError(
        f"{branch} belongs to no task on main, so coord ignores it",
        hint=f'{hint}coord new writes a task file; [land] unknown_branch = "land" lands such branches',
    )


def _show_state(links: tuple[Link, ...], output: Output) -> None:
    first = links[0]
    output.result(f"{first.task}  {first.name}".rstrip() + (f"  ({first.branch})" if first.branch else ""))
    output.result(f"{first.state}: {one_line(first.reason, 1000)}")
    if first.turn is not None:
        output.result(f"whose turn: {_TURNS[first.turn]}" + (f": {first.command}" if first.command else ""))
    if len(links) > 1:
        output.result("\nwhat it waits for")
    for link in links[1:]:
        command = f" ({link.command})" if link.command else ""
        output.result(f"{'  ' * link.depth}{link.task}: {link.state}: {one_line(link.reason, 300)}{command}")
    for link in roots(links) if len(links) > 2 else ():
        turn = _TURNS[link.turn] if link.turn else ""
        output.result(f"first: {link.task}: {turn}" + (f": {link.command}" if link.command else ""))


def _seen_of(view: View, link: Link) -> Verdict | None:
    """Return the verdict that keeps the tip which is told about."""
    ruling = view.snapshot.ruling(link.task)
    stands = ruling is not None and ruling.verdict.stops and ruling.verdict.tip == link.tip
    return ruling.verdict if ruling and stands else None


def _show_evidence(seen: Verdict | None, output: Output) -> None:
    """Show what the attempt showed, and what lifts it."""
    if seen is None:
        return
    output.result("\nwhat was seen")
    for conflict in seen.paths:
        output.result(f"  {one_line(conflict.path)} ({one_line(conflict.kind)})")
    for line in excerpt(seen.log, _LOG_LINES).splitlines():
        output.result(f"  | {line}".rstrip())
    facts = (("tried", seen.tried), ("suggestion", seen.suggestion), ("see it", " && ".join(seen.reproduce)))
    for name, text in facts:
        if text:
            output.result(f"  {name}: {one_line(text, 1000)}")
    output.result("  a new push to the branch lifts it")


def _evidence(seen: Verdict | None) -> Json:
    if seen is None:
        return None
    return {
        "paths": [{"path": conflict.path, "kind": conflict.kind} for conflict in seen.paths],
        "step": seen.step or None,
        "log": tail(seen.log),
        "tried": seen.tried,
        "suggestion": seen.suggestion,
        "reproduce": list(seen.reproduce),
    }


def _show_timeline(history: History, output: Output) -> None:
    entries = history.entries
    if not entries:
        output.result("\nnothing has happened to it yet")
        return
    output.result(f"\ntimeline{_span(entries)}")
    rows = []
    before = entries[0].at
    for entry in entries:
        gap = entry.at - before
        commit = entry.commit[:7] or entry.tip[:7] or "-"
        rows.append(
            (
                stamp(entry.at),
                f"+{lasting(gap)}" if entry is not entries[0] else "",
                entry.kind.value,
                commit,
                words_of(entry),
            )
        )
        before = entry.at
    output.results([f"  {line}" for line in table(rows)])
    if history.local.since is None:
        output.say("this clone has no events of its own: no first sight, no times of gates, no lost races")


def _span(entries: tuple[Entry, ...]) -> str:
    """Return how long it took from the first sign of work to the last landing; one before it was of other work."""
    places = [place for place, entry in enumerate(entries) if entry.kind is Kind.LANDED]
    before = places[-2] + 1 if places[1:] else 0
    started = [entry.at for entry in entries[before:] if entry.kind in _STARTS]
    landed = [entries[place].at for place in places]
    if not started or not landed or landed[-1] <= started[0]:
        return ""
    return f" ({lasting(landed[-1] - started[0])} from the first sign of it to the landing)"


def _json(links: tuple[Link, ...], history: History) -> dict[str, Json]:
    local = history.local
    return {
        **_link(links[0]),
        "chain": [_link(link) for link in links[1:]],
        "first": [link.task for link in roots(links)],
        "timeline": [facts(entry) for entry in history.entries],
        "local": {"since": local.since, "unread": local.unread, "sessions": local.sessions},
    }


def _link(link: Link) -> dict[str, Json]:
    return {
        "task": link.task,
        "name": link.name,
        "branch": link.branch or None,
        "tip": link.tip or None,
        "state": link.state,
        "reason": link.reason,
        "turn": link.turn.value if link.turn else None,
        "command": link.command or None,
        "on": list(link.on),
        "depth": link.depth,
    }
