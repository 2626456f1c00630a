"""Starting several sessions for a command: in order, waited for, and told in one table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from coord.core.session import SessionRecord
from coord.core.spawning import overlap
from coord.errors import Exit
from coord.freshness import fetch
from coord.observe import View, observe
from coord.output import Json, Output, table
from coord.sessions.ending import retire
from coord.sessions.looking import look
from coord.sessions.spawning import NotSpawned, Order, Spawned, spawn, why_not_started
from coord.sessions.store import Store
from coord.shims import State, elsewhere
from coord.shims import look as look_at_hooks
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Asked:
    """Sessions that a command asks for; ``wait``: until each agent answers or has failed to, ``patience`` seconds at most
    (0: as long as its host lives and tries)."""

    orders: tuple[Order, ...]
    wait: bool = True
    patience: float = 0.0


def order_tasks(
    workspace: Workspace, asked: Asked, say: Callable[[str], None]
) -> tuple[Spawned | NotSpawned, ...]:
    """Start what is asked for and return what came of each, in their order."""
    say_hooks(workspace, say)
    fetch(workspace)
    view = observe(workspace)
    _say_overlaps(view, asked, say)
    made = [_clear_and_spawn(workspace, view, order, say) for order in asked.orders]
    if not asked.wait:
        return tuple(made)
    # Only the host knows what an agent may take: it starts some twice, and a full machine is slow.
    deadline = time.monotonic() + (asked.patience or math.inf)
    return tuple(_when_started(workspace, one, deadline, say) for one in made)


def say_hooks(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Say when nothing keeps an agent's commits in its own worktree."""
    missing = [
        found.hook
        for found in look_at_hooks(workspace, workspace.settings.project)
        if found.state is State.ABSENT
    ]
    if missing and not elsewhere(workspace):
        say("note: without the hooks an agent can commit in the main checkout: coord hooks install")


def _clear_and_spawn(
    workspace: Workspace, view: View, order: Order, say: Callable[[str], None]
) -> Spawned | NotSpawned:
    """Start one session; one of the task that works no more goes first, and what it left is gone on with."""
    for session in look(workspace):
        if order.task and session.record.task == order.task and not session.alive:
            retire(workspace, session.record, say, goes_on=True)
    return spawn(workspace, view, order, say)


def _say_overlaps(view: View, asked: Asked, say: Callable[[str], None]) -> None:
    snapshot = view.snapshot
    ids = {order.task for order in asked.orders} | {claim.task for claim in snapshot.claims}
    underway = {id: task.touches for id in ids if (task := snapshot.graph.get(id))}
    for order in asked.orders:
        task = snapshot.graph.get(order.task)
        for shared in overlap(task, snapshot, underway) if task else ():
            say(
                f"note: {order.task} is expected to change what {shared.who} changes: {', '.join(shared.what[:5])}"
            )


def _when_started(
    workspace: Workspace, made: Spawned | NotSpawned, deadline: float, say: Callable[[str], None]
) -> Spawned | NotSpawned:
    if isinstance(made, NotSpawned):
        return made
    store = Store.of(workspace)
    reason = why_not_started(store, made.record.id, deadline)
    if not reason:
        return made
    retire(workspace, made.record, say)
    return NotSpawned(made.record.task or made.record.branch, reason, Exit.AGENT_FAILED)


def report(output: Output, command: str, outcomes: tuple[Spawned | NotSpawned, ...]) -> Exit:
    """Print what came of each order and return the exit code: the highest of theirs."""
    spawned = [one.record for one in outcomes if isinstance(one, Spawned)]
    refused = [one for one in outcomes if isinstance(one, NotSpawned)]
    output.emit(
        command,
        {
            "sessions": [facts(record) for record in spawned],
            "refused": [{"task": one.task, "reason": one.reason, "exit": int(one.exit)} for one in refused],
        },
    )
    rows = [
        [record.id, record.task or "-", record.branch, record.agent, record.worktree] for record in spawned
    ]
    for line in table(rows):
        output.result(line)
    for one in refused:
        is_named = one.reason.startswith(f"{one.task} ") or f"'{one.task}'" in one.reason
        who = "" if is_named else f"{one.task}: "
        output.say(f"not started: {who}{one.reason}")
    return max((one.exit for one in refused), default=Exit.OK)


def facts(record: SessionRecord) -> dict[str, Json]:
    """Return a session's record as JSON shows it; its secret is not in it."""
    return {
        "id": record.id,
        "task": record.task or None,
        "branch": record.branch,
        "worktree": record.worktree,
        "agent": record.agent,
        "model": record.model or None,
        "role": record.role.value,
        "machine": record.machine,
        "parent": record.parent or None,
        "attempt": record.attempt,
        "ports": list(record.ports),
    }
