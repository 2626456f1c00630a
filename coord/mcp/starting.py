"""The coordinator's actions that start sessions."""

from __future__ import annotations

import difflib
import io
from collections.abc import Sequence

from coord.core.agents import PRESETS
from coord.errors import Exit, UsageError
from coord.mcp.call import Reply, ToolCall, error, said, unsuccessful
from coord.mcp.names import branch_name, task_id
from coord.output import Output
from coord.sessions.finding import find
from coord.sessions.ordering import Asked, order_tasks, report
from coord.sessions.prompting import rendered
from coord.sessions.spawning import Order
from coord.sessions.store import Store
from coord.sessions.transcript import told
from coord.worktrees.listing import branch_at, list_worktrees

#: Seconds that agents have to answer before the call is answered; who fails later is told of in the inbox.
_PATIENCE = 30.0


def spawn(call: ToolCall) -> Reply:
    """Give tasks to agents."""
    given, prefixes = call.given, call.workspace.settings.project.prefixes
    agent, note = _agent(call)
    orders = [
        Order(
            task=task_id(task, prefixes),
            prefix=given.text("prefix"),
            agent=agent,
            model=given.text("model"),
            template=given.text("prompt"),
            parent=_parent(call),
        )
        for task in given.texts("tasks")
    ]
    default = "" if given.text("prefix") else f"note: the branches begin with {prefixes[0]}"
    return _started(call, orders, note, default)


def start(call: ToolCall) -> Reply:
    """Start a session in a new worktree, or with pathOrBranch in one that is there."""
    given = call.given
    if given.text("pathOrBranch"):
        return open_(call)
    name = _new_branch(call)
    if not name:
        return error("name is missing: what it is about", 'for example {"name": "feature audit"}')
    return _start_at(call, name, base=given.text("base"), path=given.text("path"))


def _new_branch(call: ToolCall) -> str:
    name = call.given.text("name")
    return call.given.text("branch") or (f"wt/{branch_name(name)}" if name else "")


def open_(call: ToolCall) -> Reply:
    """Start a session in a worktree that is there."""
    given = call.given
    where = given.text("pathOrBranch") or given.text("path") or given.text("branch") or given.text("name")
    if not where:
        return error("pathOrBranch is missing: the worktree", 'for example {"pathOrBranch": "wt/audit"}')
    return _start_at(call, _there(call, where))


def _there(call: ToolCall, where: str) -> str:
    """Return the branch of a worktree, named as people and models do: by path, branch, or what start was given."""
    git, prefixes = call.workspace.git, call.workspace.settings.project.prefixes
    known = {tree.name for tree in list_worktrees(git) if not tree.is_main}
    named = branch_name(where)
    for name in (where, *(f"{prefix}{named}" for prefix in ("wt/", *prefixes))):
        if name in known:
            return name
    return branch_at(git, where, call.workspace.top)


def _start_at(call: ToolCall, branch: str, *, base: str = "", path: str = "") -> Reply:
    given = call.given
    agent, note = _agent(call)
    prompt = given.text("prompt")
    order = Order(
        branch=branch,
        base=base,
        path=path,
        agent=agent,
        model=given.text("model"),
        prompt=rendered(prompt, {"name": branch, "task": branch}) if prompt else "",
        parent=_parent(call),
    )
    return _started(call, [order], note, _no_screen(call))


def fork(call: ToolCall) -> Reply:
    """Copy a session into a new worktree."""
    given, workspace = call.given, call.workspace
    word = given.text("sessionID") or _parent(call)
    if not word:
        return error(
            "sessionID is missing: you are no session of coord's, so you cannot be copied", "name one to copy"
        )
    where = given.text("pathOrBranch")
    name = _there(call, where) if where else _new_branch(call)
    if not name:
        return error("name is missing: what the copy is about", 'for example {"name": "feature audit"}')
    session = find(workspace, word)
    events, _ = Store.of(workspace).events(session.record.id)
    order = Order(
        branch=name,
        base=given.text("base") or workspace.git.resolve(f"refs/heads/{session.record.branch}") or "",
        path=given.text("path"),
        agent=session.record.agent,
        model=session.record.model,
        prompt=given.text("prompt"),
        context=told(events),
        parent=session.record.id,
        forked=session.standing.foreign,
    )
    return _started(call, [order], _no_screen(call))


def swarm(call: ToolCall) -> Reply:
    """Start several sessions without tasks."""
    given = call.given
    agent, note = _agent(call)
    template = given.text("prompt")
    orders = [
        Order(
            branch=f"{given.text('prefix') or 'wt/'}{branch_name(name)}",
            agent=agent,
            model=given.text("model"),
            prompt=rendered(template, {"name": name, "task": name}) if template else "",
            parent=_parent(call),
        )
        for name in given.texts("tasks")
    ]
    return _started(call, orders, note, _no_screen(call))


def _started(call: ToolCall, orders: Sequence[Order], *remarks: str) -> Reply:
    out = io.StringIO()
    output = Output(out, out)
    made = order_tasks(call.workspace, Asked(tuple(orders), patience=_PATIENCE), output.say)
    code = report(output, "", made)
    lines = (*remarks, out.getvalue().rstrip())
    if code is not Exit.OK:
        return unsuccessful(code, *reversed(lines))
    return said(*lines, 'they work on their own; next: {"action": "wait"}')


def _parent(call: ToolCall) -> str:
    return call.record.id if call.record else ""


def _no_screen(call: ToolCall) -> str:
    return (
        "note: openSessions is passed over: coord sessions shows them"
        if call.given.flag("openSessions")
        else ""
    )


def _agent(call: ToolCall) -> tuple[str, str]:
    """Return the agent to start. Role prompts written for another tool name roles of theirs here: those mean the default,
    and it is said; what looks like a slip is refused."""
    name, settings = call.given.text("agent"), call.workspace.settings
    if not name or settings.agent(name) is not None:
        return name, ""
    known = sorted({own.name for own in settings.agents} | {one.name for one in PRESETS})
    if near := difflib.get_close_matches(name, known, 1):
        raise UsageError(f"no agent '{name}'; did you mean '{near[0]}'?", hint=f"one of: {', '.join(known)}")
    return "", f"note: no agent '{name}' is configured; the default is started ({settings.sessions.agent})"
