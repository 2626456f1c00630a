"""Who stays and looks: one thread looks at what is here, another asks the remote, so that a screen never waits for either."""

from __future__ import annotations

import contextlib
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from types import TracebackType

import psutil

from coord.core.present import Present
from coord.errors import CoordError
from coord.freshness import forget
from coord.present import Memory, ask, look
from coord.workspace import Workspace, open_workspace

#: Seconds between two looks at whether anything here has changed.
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen last. ``unfetched`` says why the remote could not be asked, ``unseen`` why this could not be looked at
    again; both ``""`` when all is well."""

    present: Present
    unfetched: str = ""
    unseen: str = ""


class Lookout:
    """Looks when something changes here, and every ``seconds``; as often it asks the remote."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        self._workspace = open_workspace(folder)
        self._memory = Memory.of(self._workspace)
        self._over, self._fetched = threading.Event(), threading.Event()
        self._unfetched = ""
        self._seen = _traces(self._workspace)
        self.sight = Sight(look(self._workspace, self._memory))
        self._threads = ThreadPoolExecutor(2, "lookout")
        self._work: list[Future[None]] = []

    def __enter__(self) -> Lookout:
        self._work = [self._threads.submit(self._watch), self._threads.submit(self._ask)]
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        # A git that asks a remote which does not answer would keep us here for as long as it has patience.
        children = psutil.Process().children(recursive=True)
        for child in children:
            _tell(child, signal.SIGTERM)
        for child in psutil.wait_procs(children, timeout=1)[1]:
            _tell(child, signal.SIGKILL)
        self._threads.shutdown(wait=True, cancel_futures=True)

    def check(self) -> None:
        """Raise what ended one of the threads, if anything has."""
        for work in self._work:
            if work.done() and not self._over.is_set():
                work.result()

    # -- what is here ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        looked = monotonic()
        while not self._over.wait(_TICK):
            if not (self._fetched.is_set() or self._changed() or monotonic() - looked >= self._seconds):
                continue
            self._fetched.clear()
            self.sight = self._sight()
            looked = monotonic()

    def _changed(self) -> bool:
        try:
            seen = _traces(self._workspace)
        except (CoordError, OSError):
            return False
        before, self._seen = self._seen, seen
        return before != seen

    def _sight(self) -> Sight:
        forget(self._workspace)
        try:
            present = look(self._workspace, self._memory)
        except (CoordError, OSError) as error:
            return replace(self.sight, unseen=str(error), unfetched=self._unfetched)
        return Sight(present, self._unfetched)

    # -- what the remote has ---------------------------------------------------------------------------------------

    def _ask(self) -> None:
        workspace = open_workspace(self._folder)
        while not self._over.is_set():
            try:
                ask(workspace, self._memory)
                self._unfetched = ""
            except (CoordError, OSError) as error:
                self._unfetched = str(error)
            self._fetched.set()
            self._over.wait(self._seconds)


def _traces(workspace: Workspace) -> tuple[object, ...]:
    """Return what is another value whenever refs, worktrees, sessions or the inbox have changed."""
    state = workspace.state
    logs = [*state.glob("sessions/*/*.ndjson"), *state.glob("sessions/*/process.json")]
    files = sorted([*logs, *state.glob("*.ndjson"), state / "inbox.read", workspace.common / "worktrees"])
    refs = tuple((ref.name, ref.oid) for ref in workspace.git.refs("refs/"))
    return refs, tuple((path, _trace(path)) for path in files)


def _trace(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _tell(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)
