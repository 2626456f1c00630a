"""What agents read in a repository: a section of AGENTS.md, a prompt for each role, and where coord's tools are.

Files of people are added to, never rewritten, and what a person changed is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coord.core.agents import PRESETS
from coord.core.settings import Settings
from coord.core.shape import parsed
from coord.core.splice import Answer, Other, Spliced, Unreadable, with_json, with_section, with_toml
from coord.core.text import few, one_line
from coord.errors import UsageError
from coord.render import render
from coord.shims import write_atomically

INSTRUCTIONS = "AGENTS.md"
PROMPTS = ".coord/prompts"
ROLES = ("coordinator", "implementation", "research", "review")

Splicer = Callable[[str, tuple[str, ...], dict[str, object]], Answer]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of the repository in which an agent looks for MCP servers: its path, how it is added to, the keys that lead
    to coord's entry, and the entry."""

    path: str
    splice: Splicer
    keys: tuple[str, ...]
    entry: dict[str, object]


_COMMAND: dict[str, object] = {"command": "coord", "args": ["mcp"]}
_SHARED = ConfigFile(".mcp.json", with_json, ("mcpServers", "coord"), {"type": "stdio", **_COMMAND})
_OPENCODE = ConfigFile(
    "opencode.json", with_json, ("mcp", "coord"), {"type": "local", "command": ["coord", "mcp"]}
)

#: Where each agent of the presets looks. Copilot's command line reads the same file as Claude Code, and not VS Code's.
#: Codex gives its servers a few variables of the environment only: the session's has to be named.
CONFIG_FILES: dict[str, ConfigFile] = {
    "opencode": _OPENCODE,
    "opencode-http": _OPENCODE,
    "claude": _SHARED,
    "copilot": _SHARED,
    "codex": ConfigFile(
        ".codex/config.toml",
        with_toml,
        ("mcp_servers", "coord"),
        {**_COMMAND, "env_vars": ["COORD_SESSION"]},
    ),
    "gemini": ConfigFile(".gemini/settings.json", with_json, ("mcpServers", "coord"), _COMMAND),
    "qwen": ConfigFile(".qwen/settings.json", with_json, ("mcpServers", "coord"), _COMMAND),
}
# The same program, spoken to in another way, reads the same file.
CONFIG_FILES |= {f"{name}-cli": CONFIG_FILES[name] for name in ("opencode", "claude", "codex", "gemini")}

#: What is to be said of agents that read none.
WORDS: dict[str, str] = {
    "goose": "goose keeps its extensions with the user: goose configure, Add Extension, Command-line, coord mcp",
    "aider": "aider knows no MCP servers: it says coord done, coord block and coord notify in the shell",
    "codex": "codex reads .codex/config.toml in projects that it was told to trust only",
    "claude": "claude asks once whether the server of .mcp.json may run",
}

#: Instructions that some agents read instead, and how they are led to AGENTS.md.
_INSTEAD = {
    "CLAUDE.md": "a line @AGENTS.md in it leads there",
    "GEMINI.md": 'a line @AGENTS.md in it leads there, or "context": {"fileName": ["AGENTS.md"]} in .gemini/settings.json',
    "QWEN.md": "a line @AGENTS.md in it leads there",
    ".github/copilot-instructions.md": "Copilot reads AGENTS.md beside it",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one file; ``note`` says it in words, ``do`` does it (None: nothing to do)."""

    path: str
    note: str
    do: Callable[[], None] | None = None


def chosen(words: str) -> tuple[str, ...]:
    """Return the presets that ``words`` (names with commas, ``""``: all) mean. Raises UsageError with the known ones."""
    known = tuple(kind.name for kind in PRESETS if kind.name in CONFIG_FILES or kind.name in WORDS)
    names = tuple(dict.fromkeys(name.strip() for name in words.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise UsageError(f"coord knows no agent '{name}'", hint=f"one of: {', '.join(known)}")
    return names or known


def plan(top: Path, settings: Settings, main: str, names: Sequence[str]) -> tuple[Change, ...]:
    """Return what is to be done in a working copy. Raises UsageError when a file cannot be read or added to."""
    values = {
        "tasks": settings.project.tasks,
        "prefix": settings.project.prefixes[0],
        "main": main,
        "prompts": PROMPTS,
    }
    section = render("agents/section.md.j2", **values)
    files = {CONFIG_FILES[name].path: CONFIG_FILES[name] for name in names if name in CONFIG_FILES}
    return (
        _spliced(top, INSTRUCTIONS, lambda text: with_section(text, section), "its section of coord"),
        *(_prompt(top, role, render(f"agents/{role}.md.j2", **values)) for role in ROLES),
        *(_config(top, file) for _, file in sorted(files.items())),
    )


def words(top: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Return what a person should know beside: agents that need something else, instructions that are read instead."""
    others = (
        f"{name} is read by its agent: {how}" for name, how in _INSTEAD.items() if (top / name).exists()
    )
    reads = any(CONFIG_FILES.get(name) == _OPENCODE for name in names)
    return (*(WORDS[name] for name in names if name in WORDS), *others, *(_rivals(top) if reads else ()))


#: Plugins of OpenCode whose tools bear the names of coord's.
_RIVALS = ("open-coordinator", "open-memory")


def _rivals(top: Path) -> tuple[str, ...]:
    """Return a word on plugins that offer a tool of a name that coord's server offers too: an agent may take either."""
    try:
        said = parsed(_read(top, _OPENCODE.path) or "{}")
    except ValueError:
        return ()
    plugins = said.get("plugin") if isinstance(said, dict) else None
    named = [name for name in plugins if isinstance(name, str)] if isinstance(plugins, list) else []
    found = [one_line(name, 80) for name in named if any(rival in name for rival in _RIVALS)]
    if not found:
        return ()
    path = _OPENCODE.path
    return (f"{path} has the plugin {few(found)}: take it out, its tools have the names of coord's",)


def _prompt(top: Path, role: str, text: str) -> Change:
    path = f"{PROMPTS}/{role}.md"
    before = _read(top, path)
    if before:
        return Change(path, "up to date" if before == text else "exists already: left as it is")
    return Change(path, "written", lambda: write_atomically(top / path, text, 0o644))


def _config(top: Path, file: ConfigFile) -> Change:
    return _spliced(
        top,
        file.path,
        lambda text: file.splice(text, file.keys, file.entry),
        f"{'.'.join(file.keys)}",
        _by_hand(file),
    )


def _by_hand(file: ConfigFile) -> str:
    return f"mend it, or add by hand {'.'.join(file.keys)}: {json.dumps(file.entry)}; or name other agents: --agents NAMES"


def _spliced(
    top: Path, path: str, splice: Callable[[str], Answer], what: str, hint: str = "mend it, then run it again"
) -> Change:
    before = _read(top, path)
    match splice(before):
        case Spliced(text, True):
            return Change(
                path,
                f"{what} added" if before else "written",
                lambda: write_atomically(top / path, text, _mode(top / path)),
            )
        case Spliced():
            return Change(path, f"has {what} already")
        case Other():
            return Change(path, f"{what} was changed by hand: left as it is")
        case Unreadable(why, line, column):
            where = f"{path}:{line}:{column}" if line else path
            raise UsageError(f"{where}: {why}", hint=hint)


def _read(top: Path, path: str) -> str:
    """Return a file's text, '' when there is none. Raises UsageError when it is none that may be written."""
    file = top / path
    if file.is_symlink() or not file.parent.resolve().is_relative_to(top.resolve()):
        raise UsageError(f"{path} is a link", hint="put a file in its place, then run it again")
    if file.exists() and not file.is_file():
        raise UsageError(f"{path} is no file", hint="give it another name, then run it again")
    try:
        return file.read_bytes().decode() if file.is_file() else ""
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", hint="mend it, then run it again") from None


def _mode(file: Path) -> int:
    return file.stat().st_mode & 0o777 if file.is_file() else 0o644
