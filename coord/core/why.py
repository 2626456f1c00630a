"""Why a task stands where it does: its own state, and what each thing it waits for waits for in turn, down to who must act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from shlex import quote

from coord.core.asking import answer_to
from coord.core.history import Entry, Kind, Source
from coord.core.present import AtWork, Held, Next, Present, Turn
from coord.core.session import LIVE
from coord.core.snapshot import Snapshot
from coord.core.task import Task


@dataclass(frozen=True, slots=True)
class Link:
    """How one task stands: ``state`` in one word, ``reason`` why, ``on`` the tasks it waits for, ``turn`` whose turn it is
    (None: nobody's, it is over), ``command`` what they can type (``""``: none), ``depth`` how far from the task asked."""

    task: str
    state: str
    reason: str
    turn: Turn | None
    name: str = ""
    branch: str = ""
    tip: str = ""
    command: str = ""
    on: tuple[str, ...] = ()
    depth: int = 0


def chain(snapshot: Snapshot, present: Present, task: str, *, branch: str = "") -> tuple[Link, ...]:
    """Return how a task stands, and then how everything stands that it waits for, each once, the nearest first.

    ``branch``: of the task's branches, the one that is asked about (``""``: the one that is in its way).
    The last of each way down waits for nobody else: whose turn it is there decides when the task goes on.
    """
    found: dict[str, Link] = {}
    todo = [(task, 0)]
    while todo:
        id, depth = todo.pop(0)
        if id in found:
            continue
        link = found[id] = link_of(snapshot, present, id, depth, branch=branch if id == task else "")
        todo += [(other, depth + 1) for other in link.on]
    return tuple(found.values())


def roots(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return those that a task waits for, however far, where it is somebody's turn: what has to happen first."""
    return tuple(link for link in links[1:] if link.turn not in (None, Turn.OTHERS))


def others_of(snapshot: Snapshot, present: Present, link: Link) -> tuple[Link, ...]:
    """Return how the other live branches of a task stand: with two prefixes there may be two."""
    others = (one.branch for one in _standing(present, link.task, "") if one.branch not in ("", link.branch))
    return tuple(link_of(snapshot, present, link.task, branch=branch) for branch in others)


def over(link: Link, entries: Iterable[Entry]) -> Link:
    """Return a link whose task has no file on main as what main's history says of it, if that is its end."""
    if link.state != "missing":
        return link
    told = [entry for entry in entries if entry.kind in _ENDS and entry.source is Source.MAIN]
    if not told or told[-1].kind is Kind.REVERTED:
        return link
    last = told[-1]
    words = f"{last.kind.value} in {last.commit[:7]}; main has no task file of it"
    return replace(link, state=last.kind.value, reason=words, turn=None, command="")


def undone(link: Link, entries: Iterable[Entry]) -> Link:
    """Return a link of a task that is to be done once more with the reason: what landed of it was reverted."""
    last = next((entry for entry in reversed(list(entries)) if entry.kind in _ENDS), None)
    if link.state != "ready" or last is None or last.kind is not Kind.REVERTED:
        return link
    return replace(link, reason=f"what landed of it was reverted in {last.commit[:7]}; {link.reason}")


_ENDS = (Kind.LANDED, Kind.COMPLETED, Kind.REVERTED)


def link_of(snapshot: Snapshot, present: Present, task: str, depth: int = 0, *, branch: str = "") -> Link:
    """Return how one task stands."""
    known = snapshot.graph.get(task)
    name = known.name if known else ""
    for held in _standing(present, task, branch):
        if isinstance(held, Next):
            reason = f"{_ordinal(held.place)} in the merge queue: {held.why}"
            turn, command = _queued(present)
            return Link(task, "queued", reason, turn, name, held.branch, held.tip, command, depth=depth)
        on = tuple(dict.fromkeys(_task_of(snapshot, one) for one in held.on if one != task))
        return Link(
            task, held.result, held.reason, held.turn, name, held.branch, held.tip, held.command, on, depth
        )
    if known is None:
        reason = snapshot.graph.unmet(task)[0].reason
        return Link(task, "missing", reason, Turn.MAINTAINER, command="coord check", depth=depth)
    return _without_branch(snapshot, present, known, depth)


def _standing(present: Present, task: str, branch: str) -> list[Next | Held]:
    groups = (present.blocked, present.queue, present.waiting)
    found = [one for group in groups for one in group if one.task == task]
    mine = {one.branch for one in found}
    # A branch that waits for another one of its task is in nobody's way.
    found.sort(key=lambda one: isinstance(one, Held) and not mine.isdisjoint(one.on))
    return [one for one in found if one.branch == branch] or found


def _queued(present: Present) -> tuple[Turn, str]:
    if present.frozen is not None:
        return Turn.MAINTAINER, "coord thaw"
    return Turn.COORD, "coord land"


def _task_of(snapshot: Snapshot, name: str) -> str:
    """Return the task that a branch or an id means: a branch waits for branches, a task for tasks."""
    if snapshot.graph.get(name) is not None:
        return name
    return snapshot.settings.task_of(name) or name


# -- a task without a branch: the first that applies -------------------------------------------------------------------


def _without_branch(snapshot: Snapshot, present: Present, task: Task, depth: int) -> Link:
    link = (
        _over(task)
        or _unreadable(task)
        or _at_work(snapshot, present, task)
        or _unmet(snapshot, task)
        or _apart(task)
        or _ready(snapshot, task)
    )
    return replace(link, name=task.name, depth=depth)


def _ready(snapshot: Snapshot, task: Task) -> Link:
    words, hold = "nothing stands in its way, and nobody works on it", snapshot.hold(task.id)
    if hold is not None:
        told = f": {hold.text}" if hold.text else ""
        words += f"; held, so its branch will not land{told} (coord release {quote(task.id)})"
    return Link(task.id, "ready", words, Turn.MAINTAINER, command=f"coord spawn {quote(task.id)}")


def _over(task: Task) -> Link | None:
    if not (task.is_completed and task.is_readable):
        return None
    return Link(task.id, "completed", "completed on main", None)


def _unreadable(task: Task) -> Link | None:
    if task.is_readable:
        return None
    words = f"its file has errors: {task.problems[0]}"
    return Link(task.id, "unreadable", words, Turn.MAINTAINER, command=f"coord check {quote(task.path)}")


def _at_work(snapshot: Snapshot, present: Present, task: Task) -> Link | None:
    session = _session(present, task.id)
    claim = next((claim for claim in snapshot.claims if claim.task == task.id), None)
    if session is not None:
        stands = "needs a person" if session.state == "attention" else f"is {session.state}"
        words = f"session {session.id} {stands}" + (f": {session.why}" if session.why else "")
        if answer := answer_to(session):
            return Link(task.id, "in-progress", words, Turn.MAINTAINER, command=answer)
        return Link(task.id, "in-progress", words, Turn.AGENT, command=f"coord logs -f {session.id}")
    if claim is not None:
        return Link(task.id, "in-progress", f"claimed by {claim.holder}", Turn.AGENT)
    return None


def _unmet(snapshot: Snapshot, task: Task) -> Link | None:
    unmet = snapshot.graph.unmet(task.id)
    if not unmet:
        return None
    words = "waits for " + ", ".join(f"{need.id} ({need.reason})" for need in unmet)
    on = tuple(need.id for need in unmet if need.id != task.id)
    # A circle, and a task that only its own file is in the way of, wait for nobody: somebody has to change a file.
    if _in_circle(snapshot, task):
        return Link(task.id, "waiting", words, Turn.MAINTAINER, command="coord graph cycles", on=on)
    if not on:
        return Link(task.id, "waiting", words, Turn.MAINTAINER, command=f"coord check {quote(task.path)}")
    return Link(task.id, "waiting", words, Turn.OTHERS, on=on)


def _in_circle(snapshot: Snapshot, task: Task) -> bool:
    graph = snapshot.graph.digraph
    return graph.number.get(task.id) in graph.in_cycle


def _apart(task: Task) -> Link | None:
    if not task.apart:
        return None
    verb = "review-task" if task.level == "review" else "complete"
    return Link(
        task.id, "not-for-agents", task.apart, Turn.MAINTAINER, command=f"coord {verb} {quote(task.id)}"
    )


def _session(present: Present, task: str) -> AtWork | None:
    states = {state.value for state in LIVE}
    return next((one for one in present.sessions if one.task == task and one.state in states), None)


def _ordinal(place: int) -> str:
    return "next" if place == 1 else f"number {place}"
