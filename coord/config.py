"""``.coord.toml``: read with a clear error for every slip, written by nobody.

The keys are listed once, in ``TABLES``; a key that is not there is an error that names the nearest one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from coord.core.agents import (
    PRESETS,
    Adapter,
    AgentKind,
    Dialect,
    Monitor,
    Overlap,
    Run,
    Sessions,
    Unsure,
    WorktreeSettings,
    preset,
)
from coord.core.anomaly import HEURISTICS
from coord.core.profile import Profile, built_in
from coord.core.settings import (
    TASKGRAPH_FILE,
    Approvers,
    Gate,
    GitHub,
    Identity,
    Land,
    Project,
    PushMeans,
    Resolve,
    Server,
    ServerMain,
    Settings,
    Strategy,
    UnknownBranch,
    Untold,
)
from coord.errors import UsageError

_Reader = Callable[[Any], Any]
_E = TypeVar(
    "_E", Strategy, PushMeans, UnknownBranch, ServerMain, Untold, Approvers, Adapter, Dialect, Overlap, Unsure
)


class _WrongError(Exception):
    """A value is not of the kind that its key takes; the text says which kind."""


def parse(text: str, where: str, taskgraph: str | None = None) -> Settings:
    """Return the settings that ``text`` (a ``.coord.toml``) states.

    ``where`` names the file in errors; ``taskgraph`` is the text of a ``.taskgraph.toml`` whose ``tasks_dir`` serves
    when ``[project] tasks`` is absent. Raises UsageError with file and line on the first slip.
    """
    raw = _load(text, where)
    tables = {name: _table(raw, name, where, text) for name in TABLES}
    for name in raw:
        if name not in TABLES and name not in _FAMILIES:
            raise _unknown(text, where, name, [*TABLES, *_FAMILIES], f"table [{name}]")
    project = tables["project"]
    if "tasks" not in project and taskgraph is not None:
        project |= _tasks_dir(taskgraph)
    settings = Settings(
        project=Project(**project),
        land=Land(**tables["land"]),
        gate=Gate(**tables["gate"]),
        profiles=_profiles(raw.get("profiles", {}), where, text),
        resolve=Resolve(**tables["resolve"]),
        server=Server(**tables["server"]),
        github=GitHub(**tables["github"]),
        agents=_agents(raw.get("agents", {}), where, text),
        sessions=Sessions(**tables["sessions"]),
        run=Run(**tables["run"]),
        monitor=Monitor(**tables["monitor"]),
        worktree=WorktreeSettings(**tables["worktree"]),
    )
    _check_profile_name(settings, where, text)
    _check_agent_names(settings, where, text)
    return settings


def _load(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = f"{where}:{line[1]}" if line else where
        raise UsageError(
            f"{place}: not valid TOML: {error}", hint="mend the file on main and push it"
        ) from error


def _tasks_dir(taskgraph: str) -> dict[str, Any]:
    raw = _load(taskgraph, TASKGRAPH_FILE)
    folder = raw.get("project", {}).get("tasks_dir") if isinstance(raw.get("project"), dict) else None
    return {"tasks": _folder(folder)} if isinstance(folder, str) else {}


def _table(raw: Mapping[str, Any], name: str, where: str, text: str) -> dict[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{_place(text, where, name)}: [{name}] must be a table")
    return _read(table, TABLES[name], where=where, text=text, label=f"[{name}]")


def _read(
    table: Mapping[str, Any], readers: Mapping[str, _Reader], *, where: str, text: str, label: str
) -> dict[str, Any]:
    values = {}
    for key, value in table.items():
        if key not in readers:
            raise _unknown(text, where, key, list(readers), f"key '{key}' in {label}")
        try:
            values[key] = readers[key](value)
        except _WrongError as wrong:
            raise UsageError(
                f"{_place(text, where, key)}: {label} {key} must be {wrong}, not {value!r}"
            ) from None
    return values


def _profiles(raw: object, where: str, text: str) -> tuple[Profile, ...]:
    if not isinstance(raw, dict):
        raise UsageError(
            f"{_place(text, where, 'profiles')}: [profiles] must hold tables such as [profiles.cargo]"
        )
    profiles = []
    for name, table in raw.items():
        if not isinstance(table, dict):
            raise UsageError(f"{_place(text, where, name)}: [profiles.{name}] must be a table")
        values = _read(table, PROFILE_KEYS, where=where, text=text, label=f"[profiles.{name}]")
        base = built_in(name)
        if base is None and "steps" not in values:
            raise UsageError(f"{_place(text, where, name)}: [profiles.{name}] needs steps")
        known = (
            {field: getattr(base, field) for field in Profile.__dataclass_fields__}
            if base
            else {"name": name}
        )
        if base is not None and "steps" in values:
            known["toolchain"] = base.toolchain
        profiles.append(Profile(**(known | values)))
    return tuple(profiles)


def _check_profile_name(settings: Settings, where: str, text: str) -> None:
    name = settings.gate.profile
    if name is None or built_in(name) or any(profile.name == name for profile in settings.profiles):
        return
    raise _unknown(
        text,
        where,
        name,
        [*(p.name for p in settings.profiles), "cargo", "python", "node", "go", "none"],
        f"[gate] profile '{name}'",
    )


def _agents(raw: object, where: str, text: str) -> tuple[AgentKind, ...]:
    if not isinstance(raw, dict):
        raise UsageError(f"{_place(text, where, 'agents')}: [agents] must hold tables such as [agents.mine]")
    kinds = []
    for name, table in raw.items():
        if not isinstance(table, dict):
            raise UsageError(f"{_place(text, where, name)}: [agents.{name}] must be a table")
        values = _read(table, AGENT_KEYS, where=where, text=text, label=f"[agents.{name}]")
        if (like := values.pop("like", "")) and preset(like) is None:
            raise _unknown(
                text, where, like, [kind.name for kind in PRESETS], f"[agents.{name}] like = '{like}'"
            )
        base = preset(name) or preset(like)
        if base is None and not {"adapter", "command"} <= values.keys():
            raise UsageError(
                f"{_place(text, where, name)}: [agents.{name}] needs adapter and command, or like",
                hint=f'like = "…", with one of: {", ".join(kind.name for kind in PRESETS)}',
            )
        known = {field: getattr(base, field) for field in AgentKind.__dataclass_fields__} if base else {}
        kinds.append(AgentKind(**(known | values | {"name": name})))
    return tuple(kinds)


def _check_agent_names(settings: Settings, where: str, text: str) -> None:
    sessions = settings.sessions
    for name in (sessions.agent, *sessions.by_prefix.values(), *sessions.by_level.values()):
        if settings.agent(name) is None:
            known = [*(kind.name for kind in settings.agents), *(kind.name for kind in PRESETS)]
            raise _unknown(text, where, name, known, f"agent '{name}'")


def _unknown(text: str, where: str, key: str, known: list[str], what: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(key, known, 1, 0.5)
    meant = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}"
    return UsageError(
        f"{_place(text, where, key)}: unknown {what}{meant}", hint=f"mend {where} on main and push it"
    )


def _place(text: str, where: str, key: str) -> str:
    """Return ``where`` with the first line that names ``key`` as a table, a key or a quoted value."""
    name = re.escape(key)
    pattern = re.compile(rf"""^\s*(?:\[[^\]]*\b{name}\b|["']?{name}["']?\s*[=.]|[^=]*=\s*["']{name}["'])""")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return f"{where}:{number}"
    return where


# -- readers of one value ------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _WrongError("a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _WrongError("a list of texts")
    return tuple(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError("true or false")
    return value


def _at_least(minimum: int) -> _Reader:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise _WrongError(f"a whole number from {minimum}")
        return value

    return read


def _one_of(kind: type[_E]) -> _Reader:
    def read(value: object) -> _E:
        try:
            return kind(str(value))
        except ValueError:
            raise _WrongError(" or ".join(repr(item.value) for item in kind)) from None

    return read


def _folder(value: object) -> str:
    folder = _text(value).strip("/").removeprefix("./")
    if not folder or any(part in ("", ".", "..", ".git") for part in folder.split("/")):
        raise _WrongError("a folder inside the repository")
    return folder


def _prefixes(value: object) -> tuple[str, ...]:
    prefixes = _texts(value)
    if not prefixes or not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*/", prefix) for prefix in prefixes):
        raise _WrongError('a list of branch prefixes that end in "/", such as ["feat/"]')
    return tuple(sorted(prefixes, key=len, reverse=True))


def _identity(value: object) -> Identity:
    match = re.fullmatch(r"\s*([^<>\n]+?)\s*<([^<>\s]+)>\s*", _text(value))
    if not match:
        raise _WrongError('of the form "Name <mail>"')
    return Identity(match[1], match[2])


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        words = _texts(value)
    else:
        import shlex

        try:
            words = tuple(shlex.split(_text(value)))
        except ValueError:
            raise _WrongError("a command with closed quotes") from None
    if not words:
        raise _WrongError("a command")
    return words


def _steps(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise _WrongError("a list of commands")
    return tuple(_command(step) for step in value)


def _duration(value: object) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", value) if isinstance(value, str) else None
    if not match or float(match[1]) == 0:
        raise _WrongError('a duration such as "30m", "90s" or "2h"')
    return float(match[1]) * units[match[2]]


def _size(value: object) -> int:
    units = {"M": 2**20, "G": 2**30}
    match = re.fullmatch(r"([1-9]\d{0,9})\s*([MG])", value) if isinstance(value, str) else None
    if value != "0" and not match:
        raise _WrongError('a size such as "512M" or "32G", or "0" for no limit')
    return int(match[1]) * units[match[2]] if match else 0


def _names(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value.values()):
        raise _WrongError('a table of names, such as { "research/" = "claude" }')
    return MappingProxyType(dict(value))


def _variables(value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, dict) else ()
    right = all(re.fullmatch(r"[A-Za-z_]\w*", name) and isinstance(text, str) for name, text in pairs)
    if not isinstance(value, dict) or not right:
        raise _WrongError('a table of variables, such as { LOG = "1" }')
    return tuple(pairs)


def _heuristics(value: object) -> tuple[str, ...]:
    names = _texts(value)
    if not set(names) <= set(HEURISTICS):
        raise _WrongError(f"a list with names out of: {', '.join(HEURISTICS)}")
    return names


def _port(value: object) -> int:
    port = _at_least(1024)(value)
    if not isinstance(port, int) or port > 65000:
        raise _WrongError("a port from 1024 to 65000")
    return port


def _kept(value: object) -> tuple[str, ...]:
    return tuple(_folder(item) for item in _texts(value))


TABLES: dict[str, dict[str, _Reader]] = {
    "project": {"tasks": _folder, "prefixes": _prefixes, "identity": _identity},
    "land": {
        "strategy": _one_of(Strategy),
        "workers": _at_least(1),
        "signal": _one_of(PushMeans),
        "require_dependencies": _flag,
        "unknown_branch": _one_of(UnknownBranch),
        "protected": _texts,
    },
    "gate": {"profile": _text},
    "resolve": {"command": _command},
    "server": {"main": _one_of(ServerMain)},
    "github": {
        "blocked": _one_of(Untold),
        "hold_labels": _texts,
        "approvers": _one_of(Approvers),
    },
    "sessions": {
        "agent": _text,
        "by_prefix": _names,
        "by_level": _names,
        "prompt": _folder,
        "unsure": _one_of(Unsure),
        "answer": _duration,
        "claim": _duration,
        "keep": _at_least(0),
    },
    "run": {
        "max": _at_least(1),
        "memory": _size,
        "attempts": _at_least(1),
        "overlap": _one_of(Overlap),
    },
    "monitor": {
        "nudges": _at_least(0),
        "abort": _heuristics,
        "failed_tools": _at_least(1),
        "repeats": _at_least(2),
        "retries": _at_least(1),
        "starting": _duration,
        "model": _duration,
        "tool": _duration,
        "child": _duration,
        "retry": _duration,
    },
    "worktree": {
        "setup": _steps,
        "setup_timeout": _duration,
        "ready": _command,
        "ready_timeout": _duration,
        "ports": _at_least(0),
        "port_from": _port,
    },
}

#: Tables that hold tables with names of the user's own.
_FAMILIES = ("profiles", "agents")

AGENT_KEYS: dict[str, _Reader] = {
    "like": _text,
    "adapter": _one_of(Adapter),
    "command": _command,
    "model": _text,
    "dialect": _one_of(Dialect),
    "environment": _variables,
    "url": _text,
}

PROFILE_KEYS: dict[str, _Reader] = {
    "steps": _steps,
    "timeout": _duration,
    "keep": _kept,
    "retries": _at_least(0),
    "inputs": _texts,
    "git": _flag,
    "wrap": _command,
    "toolchain": _steps,
    "processes": _at_least(0),
    "disk": _size,
    "memory": _size,
}
