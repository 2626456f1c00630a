"""Which workflows an event starts: GitHub's filter patterns, and the words that silence a push."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from tests.world.github.act_workflow import Workflow

_SILENT = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
_TRAILER = re.compile(r"\n\n(?:.*\n)*skip-checks: ?true\s*$")
_MARKS = {"**": ".*", "*": "[^/]*", "?": "?", "+": "+"}


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    """Translate a filter pattern: ``*`` and ``**``, ``?`` and ``+`` count what stands before, ``[]`` as in regexes."""
    parts = re.findall(r"\*\*|\\.|\[[^]]*\]|.", pattern, re.DOTALL)
    plain = (part if part[0] in "[\\" and len(part) > 1 else re.escape(part) for part in parts)
    return re.compile(
        "".join(_MARKS.get(part, kept) for part, kept in zip(parts, plain, strict=True)), re.DOTALL
    )


def matches(patterns: Sequence[str], name: str) -> bool:
    """Say whether a name is let through by patterns; the last one that matches decides, ``!`` takes out."""
    passed = False
    for pattern in patterns:
        if _regex(pattern.removeprefix("!")).fullmatch(name):
            passed = not pattern.startswith("!")
    return passed


def filtered(trigger: Mapping[str, Any], kind: str, name: str) -> bool:
    """Say whether a branch or tag (``kind`` is ``branches`` or ``tags``) passes the filters of a trigger."""
    if f"{kind}-ignore" in trigger:
        return not matches(trigger[f"{kind}-ignore"], name)
    if kind in trigger:
        return matches(trigger[kind], name)
    other = "tags" if kind == "branches" else "branches"
    return other not in trigger and f"{other}-ignore" not in trigger


def starts_on_push(workflow: Workflow, ref: str) -> bool:
    """Say whether a push to a ref starts a workflow."""
    trigger = workflow.trigger("push")
    kind, _, name = ref.removeprefix("refs/").partition("/")
    if trigger is None or kind not in {"heads", "tags"}:
        return False
    assert not {"paths", "paths-ignore"} & trigger.keys(), (
        f"{workflow.path}: the rig does not read path filters"
    )
    return filtered(trigger, "branches" if kind == "heads" else "tags", name)


def starts_on_run(workflow: Workflow, name: str, branch: str) -> bool:
    """Say whether the completion of a run of the workflow ``name`` on a branch starts a workflow."""
    trigger = workflow.trigger("workflow_run")
    if trigger is None or name not in trigger.get("workflows", ()):
        return False
    return "completed" in trigger.get("types", ("completed",)) and filtered(trigger, "branches", branch)


def silenced(message: str) -> bool:
    """Say whether a head commit's message keeps its push from starting anything."""
    return any(word in message for word in _SILENT) or bool(_TRAILER.search(message))


def dispatched_inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs of a dispatch with their defaults; raise ValueError in GitHub's words for wrong ones."""
    trigger = workflow.trigger("workflow_dispatch")
    if trigger is None:
        raise ValueError("Workflow does not have 'workflow_dispatch' trigger")
    known: Mapping[str, Any] = trigger.get("inputs") or {}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"Unexpected inputs provided: {unknown}")
    defaults = {
        name: _text(how.get("default", "")) for name, how in known.items() if "default" in (how or {})
    }
    missing = [name for name, how in known.items() if (how or {}).get("required") and name not in given]
    if missing and not defaults.keys() >= set(missing):
        raise ValueError(f"Required input '{missing[0]}' not provided")
    return defaults | dict(given)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
