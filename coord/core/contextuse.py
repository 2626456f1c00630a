"""How full a context window is, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fullness(StrEnum):
    """How full a context window is, in one word."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    CRITICAL = "critical"


#: From which share on; agents summarise by themselves a little above the last.
_FROM = ((0.92, Fullness.CRITICAL), (0.85, Fullness.RED), (0.70, Fullness.YELLOW))

_ADVICE = {
    Fullness.GREEN: "go on",
    Fullness.YELLOW: "finish what you are at; read no large files whole",
    Fullness.RED: 'commit and push, then memory {"tool": "compact"}',
    Fullness.CRITICAL: 'commit and push now, end your turn after memory {"tool": "compact"}',
}


@dataclass(frozen=True, slots=True)
class Use:
    """Tokens used of a window of ``size`` tokens."""

    used: int
    size: int

    @property
    def share(self) -> float:
        """Return the part that is used, between 0 and 1 (above 1 when the agent says so)."""
        return self.used / self.size

    @property
    def status(self) -> Fullness:
        """Return how full it is."""
        return next((word for least, word in _FROM if self.share >= least), Fullness.GREEN)

    @property
    def advice(self) -> str:
        """Return what to do now."""
        return _ADVICE[self.status]


def use_of(used: int, size: int) -> Use | None:
    """Return how full a window is, None when its size or its use is not known."""
    return Use(used, size) if used > 0 and size > 0 else None
