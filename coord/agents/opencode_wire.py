"""The HTTP of a server of OpenCode 1.x: requests with a deadline, and its event stream. Never its ``/api/*``."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from coord.agents.base import AgentError
from coord.core.acp_updates import listed, mapping
from coord.core.text import one_line

#: Seconds without a byte after which a stream is dead: the server sends a heartbeat every 10.
SILENCE = 25.0

#: Bytes of one event: a tool's output in one event was 3 MB.
EVENT = 64 * 2**20

#: Seconds for one request that is answered from memory.
QUICK = 30.0

_DICE = random.SystemRandom()


class UnreachableError(AgentError):
    """The server did not answer at all, or not in time."""


class RefusedError(AgentError):
    """The server answered with an error; ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def pause(failures: int) -> float:
    """Return how many seconds to wait before the next attempt to connect."""
    return min(8.0, 0.2 * 2.0**failures) * _DICE.uniform(0.5, 1.0)


class Frames:
    """Server-sent events out of bytes as they come; what is no JSON object is left out."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._looked = 0

    def feed(self, more: bytes) -> list[dict[str, Any]]:
        """Return the events that are complete now. Raises UnreachableError when one is beyond all bounds."""
        # A delimiter may be cut in two, and may be written with carriage returns.
        self._bytes += more.replace(b"\r", b"")
        found = []
        while (end := self._bytes.find(b"\n\n", max(0, self._looked - 1))) >= 0:
            found.append(_parsed(bytes(self._bytes[:end])))
            del self._bytes[: end + 2]
            self._looked = 0
        self._looked = len(self._bytes)
        if self._looked > EVENT:
            raise UnreachableError(f"the server sent an event of more than {EVENT} bytes")
        return [event for event in found if event]


def _parsed(frame: bytes) -> dict[str, Any]:
    lines = [line[5:] for line in frame.split(b"\n") if line.startswith(b"data:")]
    try:
        event = json.loads(b"\n".join(lines))
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


class Server:
    """One server, asked on behalf of one folder."""

    def __init__(self, url: str, folder: Path, auth: tuple[str, str] | None) -> None:
        self.url = url
        self._where = {"directory": str(folder)}
        # Nothing of a proxy in the user's environment: it is on loopback.
        self._client = httpx2.AsyncClient(base_url=url, auth=auth, trust_env=False)

    async def close(self) -> None:
        """Close the connections; streams under way end."""
        await self._client.aclose()

    async def version(self, deadline: float) -> str:
        """Return the server's version. A connection accepted during its start may never be answered: asked again and
        again with short timeouts. Raises UnreachableError after ``deadline`` seconds."""
        end = time.monotonic() + deadline
        while True:
            try:
                said = mapping(await self.ask("GET", "/global/health", timeout=1.0))
                return one_line(str(said.get("version") or ""))
            except UnreachableError:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    async def get(self, path: str, **more: str | int) -> Any:
        """Return what the server has at ``path``."""
        return await self.ask("GET", path, params=more)

    async def post(self, path: str, body: Mapping[str, Any], timeout: float = QUICK) -> Any:
        """Return the answer to what is posted."""
        return await self.ask("POST", path, body=body, timeout=timeout)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout: float = QUICK,
    ) -> Any:
        """Return the answer, parsed. Raises UnreachableError, or RefusedError with what the server says."""
        try:
            answer = await self._client.request(
                method, path, params={**self._where, **(params or {})}, json=body, timeout=timeout
            )
        except (httpx2.TransportError, RuntimeError) as error:
            raise UnreachableError(f"the server at {self.url} does not answer: {_words(error)}") from error
        if answer.status_code >= 400:
            raise RefusedError(_refusal(answer), answer.status_code)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise RefusedError(f"{path} answered with what is no JSON", answer.status_code) from error

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of the folder, the first when the stream is open. Raises UnreachableError at its end."""
        frames = Frames()
        timeout = httpx2.Timeout(5.0, read=SILENCE)
        try:
            async with self._client.stream("GET", "/event", params=self._where, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    raise RefusedError(f"the event stream: HTTP {answer.status_code}", answer.status_code)
                async for some in answer.aiter_bytes():
                    for event in frames.feed(some):
                        yield event
        except (httpx2.TransportError, httpx2.StreamError, RuntimeError) as error:
            raise UnreachableError(f"the event stream ended: {_words(error)}") from error
        raise UnreachableError("the event stream ended")

    # -- what it has ----------------------------------------------------------------------------------------------

    async def messages(self, session: str, limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the session's newest messages, the oldest first."""
        found = await self.get(f"/session/{session}/message", limit=limit)
        return tuple(mapping(one) for one in listed(found))

    async def busy(self, session: str) -> bool:
        """Say whether the session works."""
        status = mapping(mapping(await self.get("/session/status")).get(session))
        return bool(status.get("type", "idle") != "idle")

    async def models(self) -> tuple[Mapping[str, Any], ...]:
        """Return its models, each with its ``id``, ``providerID`` and ``limit``."""
        said = mapping(await self.get("/config/providers"))
        providers = [mapping(one) for one in listed(said.get("providers"))]
        return tuple(mapping(model) for one in providers for model in mapping(one.get("models")).values())


def _refusal(answer: httpx2.Response) -> str:
    try:
        said = mapping(answer.json())
    except ValueError:
        said = {}
    text = mapping(said.get("data")).get("message") or said.get("message") or ""
    return one_line(f"HTTP {answer.status_code}: {text or answer.text or answer.reason_phrase}", 300)


def _words(error: Exception) -> str:
    return one_line(str(error) or type(error).__name__)
