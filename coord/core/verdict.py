"""Verdicts: what was decided about a branch's tip, kept under ``refs/coord/verdicts/<id>``, one commit an attempt."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from coord.core.jsontext import escaped_halves
from coord.core.text import one_line
from coord.core.trial import ConflictPath

VERDICTS = "refs/coord/verdicts/"
HISTORY = "refs/coord/history/"
APPROVALS = "refs/coord/approvals/"
CLAIMS = "refs/coord/claims/"
HOLDS = "refs/coord/hold/"
FREEZE = "refs/coord/freeze"

#: The file in a verdict commit's tree that holds it.
VERDICT_FILE = "verdict.json"


class VerdictKind(StrEnum):
    """The first three stop a tip; ``retry`` and ``unblocked`` lift what stood before; ``landed`` closes."""

    CONFLICT = "conflict"
    GATE_FAILED = "gate-failed"
    BLOCKED = "blocked"
    RETRY = "retry"
    UNBLOCKED = "unblocked"
    LANDED = "landed"


_LISTS = ("by", "reproduce")
_STOPPING = (VerdictKind.CONFLICT, VerdictKind.GATE_FAILED, VerdictKind.BLOCKED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One attempt's verdict about ``tip`` on ``base``; the texts are plain, ``attempts`` is what people read.

    ``reproduce`` are commands that a person can run to see it again, names quoted for a shell.
    """

    task: str
    branch: str
    tip: str
    base: str
    kind: VerdictKind
    reason: str
    paths: tuple[ConflictPath, ...] = ()
    by: tuple[str, ...] = ()
    step: str = ""
    log: str = ""
    tried: str = ""
    attempts: str = ""
    suggestion: str = ""
    context: str = ""
    reproduce: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Say whether the tip is not to be tried."""
        return self.kind in _STOPPING


def encode(verdict: Verdict) -> bytes:
    """Return the verdict as the JSON that its commit holds."""
    text = json.dumps(asdict(verdict), indent=1, sort_keys=True, ensure_ascii=False)
    return (escaped_halves(text) + "\n").encode()


def decode(data: bytes) -> Verdict | None:
    """Return the verdict, or None when the bytes are none (then the branch counts as untried: nothing is lost)."""
    try:
        raw: dict[str, Any] = json.loads(data)
        fields = {name: raw[name] for name in Verdict.__dataclass_fields__ if name in raw}
        fields["kind"] = VerdictKind(fields["kind"])
        fields["paths"] = tuple(ConflictPath(str(p["path"]), str(p["kind"])) for p in fields.get("paths", ()))
        for name in _LISTS:
            fields[name] = tuple(str(item) for item in fields.get(name, ()))
        verdict = Verdict(**fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    texts = (getattr(verdict, name) for name in fields if name not in ("kind", "paths", *_LISTS))
    return verdict if all(isinstance(text, str) for text in texts) else None


def message(verdict: Verdict) -> str:
    """Return the message of the verdict's commit: what ``git log refs/coord/verdicts/<id>`` shows."""
    lines = [f"{verdict.kind}({verdict.task}): {one_line(verdict.reason)}", "", f"Coord-Task: {verdict.task}"]
    lines += [f"Coord-Tip: {verdict.tip}", f"Coord-Base: {verdict.base}", f"Coord-Verdict: {verdict.kind}"]
    return "\n".join(lines) + "\n"


def same_result(one: Verdict, other: Verdict) -> bool:
    """Say whether a re-try ended as before: then the verdict's base moves and main stays as it is."""
    return (one.kind, one.tip, one.paths) == (other.kind, other.tip, other.paths)
