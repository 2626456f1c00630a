"""How a host holds its task's claim: renewed beside everything else, since the remote may be slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from coord.core.session import SessionRecord
from coord.core.text import one_line
from coord.errors import CoordError
from coord.sessions.claims import Held, Taken, take
from coord.sessions.launching import claim_of
from coord.workspace import Workspace

#: Seconds after which a claim is renewed again that could not be.
_RENEWED_AGAIN = 30.0


class Tenure:
    """A session's claim on its task; ``lost`` has who holds it now, once somebody else does."""

    def __init__(self, workspace: Workspace, record: SessionRecord, note: Callable[[str, str], None]) -> None:
        self._workspace = workspace
        self._record = record
        self._note = note
        self._length = workspace.settings.sessions.claim
        self._due = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self.lost = ""

    def keep(self) -> None:
        """Renew the claim when it is time, without waiting for the remote."""
        under_way = self._renewing is not None and not self._renewing.done()
        if self._record.task and time.time() >= self._due and not under_way:
            self._due = time.time() + self._length / 3
            self._renewing = asyncio.create_task(self._renewed())

    async def _renewed(self) -> None:
        now = time.time()
        try:
            outcome = await asyncio.to_thread(
                take, self._workspace_of_its_own(), claim_of(self._record, now + self._length), now
            )
        except CoordError as error:
            self._failed(error.message)
            return
        match outcome:
            case Taken():
                pass
            case Held(claim):
                self.lost = f"{claim.machine}/{claim.session}"
            case other:
                self._failed(one_line(other.words))

    def _workspace_of_its_own(self) -> Workspace:
        """Return the repository with a runner for this thread: the host asks git meanwhile."""
        return replace(self._workspace, git=self._workspace.git.twin())

    def _failed(self, words: str) -> None:
        # A remote that was away is asked again soon: after a third of the claim more, two such answers would be its end.
        self._due = time.time() + min(self._length / 3, _RENEWED_AGAIN)
        self._note("claim", f"it could not be renewed: {words}")
