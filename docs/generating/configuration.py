"""The tables of configuration.md, from the keys and the types that they fill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coord.core.keys import FAMILIES, TABLES, Key
from coord.core.profile import BUILT_IN, MARKS, program
from docs.generating.defaults import default
from docs.generating.marks import table


def parts() -> dict[str, str]:
    """Return the parts of configuration.md."""
    of_tables = {f"[{name}]": _keys(name, keys) for name, keys in TABLES.items()}
    of_families = {f"[{name}.NAME]": _keys(name, keys) for name, keys in FAMILIES.items()}
    return of_tables | of_families | {"profiles": _profiles()}


def _keys(name: str, keys: Mapping[str, Key]) -> str:
    return table("key | default | takes | meaning", [_row(name, word, key) for word, key in keys.items()])


def _row(name: str, word: str, key: Key) -> str:
    value = default(name, word, key)
    shown = key.unset if value is None else f"`{toml(value)}`"
    return f"`{word}` | {shown} | {key.kind.takes} | {key.means}"


def _profiles() -> str:
    rows = []
    for profile in BUILT_IN:
        found = [mark for mark, name in MARKS if name == profile.name]
        cells = [[profile.name], found, map(program, profile.steps), profile.keep]
        rows.append(" | ".join(", ".join(f"`{word}`" for word in cell) for cell in cells))
    return table("profile | found by | steps | kept", rows)


def toml(value: Any) -> str:
    """Return a value as TOML has it; those that are texts, numbers, flags and lists of them look like JSON."""
    return json.dumps(value, ensure_ascii=False)
