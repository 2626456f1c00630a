"""What a key is when the file does not say it, as the file would say it."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from coord.core.agents import AgentKind
from coord.core.keys import Key
from coord.core.profile import Profile
from coord.core.settings import Settings

#: Which type a table of the user's own naming fills.
_FAMILY_TYPES: dict[str, type[Any]] = {"profiles": Profile, "agents": AgentKind}


def default(table: str, name: str, key: Key) -> Any:
    """Return the default of ``[table] name``; None when the key has none."""
    value = (
        _of_type(_FAMILY_TYPES[table], name)
        if table in _FAMILY_TYPES
        else getattr(getattr(Settings(), table), name)
    )
    empty = value is None or value == "" or (value == () and key.kind.takes == "command")
    return None if empty else key.kind.written(value)


def _of_type(kind: type[Any], name: str) -> Any:
    found: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}
    field = found.get(name)
    return None if field is None or field.default is MISSING else field.default
