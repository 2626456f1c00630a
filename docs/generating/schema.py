"""The JSON schema of .coord.toml, from the keys and the types that they fill.

It says what can be said of each value alone. That a profile or an agent that is named exists, or that a command's
quotes are closed, only coord's own reader says. It keeps to words that every draft of JSON Schema since the fourth reads alike:
TOML tools differ in what they read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from coord.core.agents import PRESETS
from coord.core.keys import FAMILIES, TABLES, Key
from coord.core.profile import BUILT_IN
from docs.generating.defaults import default

_HEAD = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": ".coord.toml",
    "description": "What coord reads from the root of main.",
}


def text() -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema."""
    tables = {name: _table(name, keys) for name, keys in TABLES.items()}
    return {
        **_HEAD,
        "type": "object",
        "additionalProperties": False,
        "properties": tables | {"profiles": _profiles(), "agents": _agents()},
        "$defs": {
            "profile": _table("profiles", FAMILIES["profiles"]),
            "agent": _table("agents", FAMILIES["agents"]),
        },
    }


def _table(name: str, keys: Mapping[str, Key]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {word: _key(name, word, key) for word, key in keys.items()},
    }


def _key(name: str, word: str, key: Key) -> dict[str, Any]:
    value = default(name, word, key)
    said: dict[str, Any] = {"description": _plain(key.means), **key.kind.schema}
    return said if value is None else said | {"default": value}


def _profiles() -> dict[str, Any]:
    return _family("profile", [profile.name for profile in BUILT_IN], {"required": ["steps"]})


def _agents() -> dict[str, Any]:
    either = {"anyOf": [{"required": ["like"]}, {"required": ["adapter", "command"]}]}
    return _family("agent", [kind.name for kind in PRESETS], either)


def _family(kind: str, known: list[str], needs: dict[str, Any]) -> dict[str, Any]:
    """A table with the name of one that coord brings may say any part of it; any other has to say what it needs."""
    one = {"$ref": f"#/$defs/{kind}"}
    return {
        "type": "object",
        "properties": dict.fromkeys(known, one),
        "additionalProperties": {"allOf": [one, needs]},
    }


def _plain(markdown: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown).replace("`", "")
