"""The two tools: what they say of themselves, and the way from a call to the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coord.core.memorytools import MEMORY, memory_tool
from coord.core.roles import WORKTREE, worktree_action
from coord.core.session import SessionRole
from coord.core.toolcall import Action, Given, Wrong, read_arguments, read_call
from coord.errors import CoordError
from coord.mcp import coordinator, implementation, memory, starting
from coord.mcp.call import Reply, Setting, ToolCall, bounded, error, refused
from coord.mcp.help import details, hint_of, overview
from coord.sessions.identity import Caller, caller

Doing = Mapping[str, Callable[[ToolCall], Reply]]

_COORDINATOR: Doing = {
    "list": coordinator.list_,
    "status": coordinator.status,
    "dashboard": coordinator.dashboard,
    "create": coordinator.create,
    "start": starting.start,
    "open": starting.open_,
    "fork": starting.fork,
    "swarm": starting.swarm,
    "spawn": starting.spawn,
    "message": coordinator.message,
    "sessions": coordinator.sessions,
    "abort": coordinator.abort,
    "cleanup": coordinator.cleanup,
    "merge": coordinator.merge,
    "plan": coordinator.plan,
    "block": coordinator.block,
    "unblock": coordinator.unblock,
    "inbox": coordinator.inbox,
    "wait": coordinator.wait,
    "current": coordinator.current,
    "notify": coordinator.notify,
}

_IMPLEMENTATION: Doing = {
    "current": implementation.current,
    "status": implementation.status,
    "commit": implementation.commit,
    "push": implementation.push,
    "notify": implementation.notify,
    "done": implementation.done,
    "block": implementation.block,
}

_MEMORY: Doing = {
    "summary": memory.summary,
    "sessions": memory.sessions,
    "children": memory.children,
    "messages": memory.messages,
    "message": memory.message,
    "search": memory.search,
    "context": memory.context,
    "compact": memory.compact,
    "compactions": memory.compactions,
    "plans": memory.plans,
}

DOING: Mapping[SessionRole, Doing] = {
    SessionRole.COORDINATOR: _COORDINATOR,
    SessionRole.IMPLEMENTATION: _IMPLEMENTATION,
}

#: The tools, and under which name a call says what to do.
KEYS = {"worktree": "action", "memory": "tool"}


def description(tool: str) -> str:
    """Return what a tool is for, in a few lines."""
    if tool == "worktree":
        return (
            "Work in parallel in git worktrees: see who you are, commit, push, notify and finish as an implementation; spawn, "
            'watch, message and land as the coordinator. {"action": "help"} tells what your role may do.'
        )
    return (
        "What sessions said and did, and how full the context is. "
        f'Tools: {", ".join(MEMORY)}. {{"tool": "help"}} tells more.'
    )


def schema(tool: str) -> dict[str, Any]:
    """Return a tool's input as JSON Schema; arguments beside the action are taken too, so it is left open."""
    key = KEYS[tool]
    names = (
        sorted({name for actions in WORKTREE.values() for name in actions})
        if tool == "worktree"
        else list(MEMORY)
    )
    return {
        "type": "object",
        "properties": {
            key: {"type": "string", "description": f"what to do: {', '.join(names)}"},
            "args": {"type": "object", "description": f'its arguments; {{"{key}": "help"}} tells which'},
        },
        "required": [key],
    }


def changes(tool: str, raw: Mapping[str, Any]) -> bool:
    """Say whether a call may change something, whoever makes it: then it is done alone."""
    read = read_call(KEYS.get(tool, ""), raw)
    if isinstance(read, Wrong):
        return False
    rows = [MEMORY] if tool == "memory" else [*WORKTREE.values()]
    name = "merge" if read[0].lower() == "land" else read[0].lower()
    return any(actions[name].changes for actions in rows if name in actions)


def answer(setting: Setting, tool: str, raw: Mapping[str, Any]) -> Reply:
    """Carry one call out and return what to answer. Who calls is found out anew each time: a session may have ended."""
    if tool not in KEYS:
        return error(f"unknown tool '{tool}'", f"there are: {', '.join(KEYS)}")
    try:
        return bounded(_answer(setting, tool, raw))
    except CoordError as wrong:
        return bounded(refused(wrong))
    except OSError as wrong:
        return bounded(
            error(f"{wrong.strerror or type(wrong).__name__}: {wrong.filename or 'no file'}", "tell a person")
        )


def _answer(setting: Setting, tool: str, raw: Mapping[str, Any]) -> Reply:
    key = KEYS[tool]
    read = read_call(key, raw)
    if isinstance(read, Wrong):
        return refused(read)
    word, sent = read
    who = caller(setting.folder, setting.environment)
    action = worktree_action(who.role, word) if tool == "worktree" else memory_tool(word)
    if isinstance(action, Wrong):
        return refused(hint_of(action, tool, key))
    given = read_arguments(action, sent)
    if isinstance(given, Wrong):
        return refused(hint_of(given, tool, key))
    if action.name == "help":
        return _help(tool, who, given)
    if action.changes and who.over:
        return error(who.over, "stop: end your turn, change nothing more; your commits are kept")
    doing = DOING[who.role] if tool == "worktree" else _MEMORY
    return doing[action.name](ToolCall(who, given, setting))


def _help(tool: str, who: Caller, given: Given) -> Reply:
    key = KEYS[tool]
    actions: Mapping[str, Action] = WORKTREE[who.role] if tool == "worktree" else MEMORY
    asked = given.text(key)
    return details(tool, key, actions, asked) if asked else overview(tool, key, actions, who.role)
