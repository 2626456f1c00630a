"""The real OpenCode: where make installs it, and what keeps it away from the network and from the user's own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
PROGRAM = _ROOT / ".venv/agents/node_modules/opencode-linux-x64-baseline/bin/opencode"

needed = pytest.mark.skipif(
    not os.access(PROGRAM, os.X_OK), reason="OpenCode is not installed: make .venv/.agents (npm is needed)"
)

_OFF = (
    "AUTOUPDATE",
    "MODELS_FETCH",
    "LSP_DOWNLOAD",
    "DEFAULT_PLUGINS",
    "CLAUDE_CODE",
    "EXTERNAL_SKILLS",
    "EMBEDDED_WEB_UI",
)


def environment(home: Path, model: str) -> dict[str, str]:
    """Return what its environment has beside the rest: a configuration with our model, and folders below ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "opencode.json"
    file.write_text(json.dumps(configuration(model)))
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CONFIG", "STATE", "CACHE")}
    flags = {f"OPENCODE_DISABLE_{name}": "1" for name in _OFF}
    # No flag keeps it from installing what plug-ins need, in the background, into its folder of configuration.
    npm = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_offline": "true",
        "npm_config_fetch_retries": "0",
    }
    return {**flags, **folders, **npm, "OPENCODE_CONFIG": str(file)}


def prepared(home: Path, model: str) -> dict[str, str]:
    """Return the environment, with its database made: several that make it at once trip over each other, and end."""
    made = environment(home, model)
    own = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run(
        [PROGRAM, "session", "list"],
        env=own | made,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return made


def configuration(model: str) -> dict[str, object]:
    """Return a configuration whose only model answers at the address ``model``."""
    limits = {"context": 100_000, "output": 8_000}
    about = {"name": "Fake 1", "tool_call": True, "limit": limits, "cost": {"input": 1, "output": 2}}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Fake",
        "options": {"baseURL": model, "apiKey": "none"},
        "models": {"fake-1": about},
    }
    return {
        "model": "fake/fake-1",
        "small_model": "fake/fake-1",
        "autoupdate": False,
        "share": "disabled",
        "enabled_providers": ["fake"],
        "provider": {"fake": provider},
    }
