"""``.coord.toml``: read with a clear error for every slip, written by nobody.

The keys are listed once, in ``coord.core.keys``; a key that is not there is an error that names the nearest one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from coord.core.agents import PRESETS, AgentKind, Monitor, Run, Sessions, WorktreeSettings, preset
from coord.core.keys import AGENT_KEYS, FAMILIES, PROFILE_KEYS, TABLES, Key
from coord.core.kinds import FOLDER, WrongError
from coord.core.profile import BUILT_IN, Profile, built_in
from coord.core.settings import (
    TASKGRAPH_FILE,
    Gate,
    GitHub,
    Land,
    Project,
    Resolve,
    Server,
    Settings,
)
from coord.errors import UsageError


def parse(text: str, where: str, taskgraph: str | None = None) -> Settings:
    """Return the settings that ``text`` (a ``.coord.toml``) states.

    ``where`` names the file in errors; ``taskgraph`` is the text of a ``.taskgraph.toml`` whose ``tasks_dir`` serves
    when ``[project] tasks`` is absent. Raises UsageError with file and line on the first slip.
    """
    raw = _load(text, where)
    tables = {name: _table(raw, name, where, text) for name in TABLES}
    for name in raw:
        if name not in TABLES and name not in FAMILIES:
            raise _unknown(text, where, name, [*TABLES, *FAMILIES], f"table [{name}]")
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
    if not isinstance(folder, str):
        return {}
    try:
        return {"tasks": FOLDER.read(folder)}
    except WrongError as wrong:
        place = _place(taskgraph, TASKGRAPH_FILE, "tasks_dir")
        raise UsageError(f"{place}: [project] tasks_dir must be {wrong}, not {folder!r}") from None


def _table(raw: Mapping[str, Any], name: str, where: str, text: str) -> dict[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{_place(text, where, name)}: [{name}] must be a table")
    return _read(table, TABLES[name], where=where, text=text, label=f"[{name}]")


def _read(
    table: Mapping[str, Any], keys: Mapping[str, Key], *, where: str, text: str, label: str
) -> dict[str, Any]:
    values = {}
    for key, value in table.items():
        if key not in keys:
            raise _unknown(text, where, key, list(keys), f"key '{key}' in {label}")
        try:
            values[key] = keys[key].kind.read(value)
        except WrongError as wrong:
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
        [*(p.name for p in settings.profiles), *(p.name for p in BUILT_IN)],
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
