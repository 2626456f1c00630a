"""What the tools say of themselves: all actions of a role, or one."""

from __future__ import annotations

from collections.abc import Mapping

from coord.core.session import SessionRole
from coord.core.toolcall import Action, Argument, Wrong, nearest
from coord.mcp.call import Reply, error, said


def overview(tool: str, key: str, actions: Mapping[str, Action], role: SessionRole) -> Reply:
    """Return every action of a tool that the role has, a line each."""
    lines = [f"{tool}: what a session with the role {role.value} may do."]
    lines += [f"  {one.name:<11} {one.words}{_takes(one)}" for one in actions.values()]
    return said(
        *lines,
        f'Call {tool} with {{"{key}": NAME, "args": {{...}}}}. A star marks what must be given.',
        f'One of them in detail: {{"{key}": "help", "args": {{"{key}": "{list(actions)[1]}"}}}}',
    )


def details(tool: str, key: str, actions: Mapping[str, Action], name: str) -> Reply:
    """Return what one action does and takes, with examples."""
    action = actions.get(name.lower())
    if action is None:
        return error(
            f"unknown {key} '{name}'{nearest(name, tuple(actions))}", f"there are: {', '.join(actions)}"
        )
    lines = [f"{action.name}: {action.words}.", action.more]
    lines += [_line(one) for one in action.arguments] or ["  it takes no arguments"]
    examples = [f'  {tool} {{"{key}": "{action.name}", "args": {example}}}' for example in action.examples]
    return said(*lines, "examples", *examples)


def _takes(action: Action) -> str:
    names = [one.name + ("*" if one.required else "") for one in action.arguments]
    return f" ({', '.join(names)})" if names else ""


def _line(one: Argument) -> str:
    also = f" (also: {', '.join(one.also)})" if one.also else ""
    choices = f", one of {', '.join(one.choices)}" if one.choices else ""
    return f"  {one.name}{'*' if one.required else ''}: {one.kind.value}{choices}: {one.words}{also}"


def hint_of(wrong: Wrong, tool: str, key: str) -> Wrong:
    """Return a refusal that names the way to the help when it names nothing else."""
    return wrong if wrong.hint else Wrong(wrong.message, f'{tool} {{"{key}": "help"}}')
