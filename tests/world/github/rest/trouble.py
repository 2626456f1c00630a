"""Answers that go wrong because a test asked for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WORDS = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    409: "Conflict",
    422: "Validation Failed",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
}


@dataclass
class Trouble:
    """What happens to the next requests of a kind. ``status`` 0: the connection is reset; ``after``: only when the
    request was carried out; ``seconds``: the answer is late."""

    method: str
    path: re.Pattern[str]
    status: int | None
    times: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    after: bool = False
    seconds: float = 0

    def body(self) -> dict[str, Any]:
        message = self.message or _WORDS.get(self.status or 0, "Error")
        return {"message": message, "documentation_url": "https://docs.github.com/rest"}


class Troubles:
    """The troubles that are still to come; each is used up by the requests that it hits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Trouble] = []

    def add(self, trouble: Trouble) -> None:
        with self._lock:
            self._waiting.append(trouble)

    def take(self, method: str, path: str) -> Trouble | None:
        """Return what is to happen to a request."""
        with self._lock:
            for trouble in self._waiting:
                if trouble.times > 0 and trouble.method in ("*", method) and trouble.path.search(path):
                    trouble.times -= 1
                    return trouble
        return None
