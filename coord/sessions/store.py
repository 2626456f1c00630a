"""What is kept of sessions: one folder each, with a record, an append-only log of events, and an inbox.

All of it is a cache or a log that may be deleted: work is in git. The record is written once, by renaming a finished
folder into place; a log is only ever appended to, one line an event; a message is a file that is renamed into the inbox.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from coord.core.agentevent import AgentEvent, Noted, decode, encode
from coord.core.session import SessionRecord, SessionRole, Standing, standing
from coord.core.shape import misfits, parsed
from coord.processes import ProcessId
from coord.workspace import Workspace

RECORD, EVENTS, PROMPT, CONTEXT = "record.json", "events.ndjson", "prompt.md", "context.md"
PROCESS, INBOX, HOST_LOG = "process.json", "inbox", "host.log"

#: Bytes of one line of a log that are read; what is longer was not written by coord.
_LINE = 2**20
#: Bytes of a record or message that are read: a message may hold ten million characters.
_FILE = 2**26


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A session's folder whose record cannot be read: who it was is not known, so it may do nothing."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message for a session: ``mode`` is queue, interrupt, steer, abort, close or answer; ``why`` as in ``Prompted``."""

    text: str
    mode: str = "queue"
    why: str = "message"
    sender: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of all sessions of a repository (``<git directory>/coord/sessions``)."""

    root: Path

    @classmethod
    def of(cls, workspace: Workspace) -> Store:
        """Return the store of a repository."""
        return cls(workspace.state / "sessions")

    @property
    def archive(self) -> Path:
        """Return where the logs of ended sessions are kept."""
        return self.root.parent / "archive"

    def folder(self, id: str) -> Path:
        """Return the folder of a session. Raises ValueError for what is no id: ids come from outside."""
        if not is_id(id):
            raise ValueError(f"not a session's id: {id[:80]!r}")
        return self.root / id

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all sessions, sorted."""
        try:
            return tuple(
                sorted(entry.name for entry in os.scandir(self.root) if is_id(entry.name) and entry.is_dir())
            )
        except OSError:
            return ()

    def add(self, record: SessionRecord, prompt: str, context: str = "") -> Path:
        """Keep a new session, whole or not at all, and return its folder. Raises FileExistsError when it is there.

        ``context`` is what a copy of another session is told when its agent cannot copy one.
        """
        final = self.folder(record.id)
        if final.exists():
            raise FileExistsError(final)
        made = self.root / f".new-{record.id}"
        shutil.rmtree(made, ignore_errors=True)
        (made / INBOX).mkdir(parents=True, mode=0o700)
        made.chmod(0o700)
        (made / PROMPT).write_text(prompt, encoding="utf-8")
        (made / CONTEXT).write_text(context, encoding="utf-8")
        (made / EVENTS).touch()
        (made / RECORD).write_text(_written(record), encoding="utf-8")
        made.rename(final)
        return final

    def read(self, id: str) -> SessionRecord | Unreadable | None:
        """Return a session's record; None when there is no such session."""
        folder = self.folder(id)
        if folder.is_symlink():
            return Unreadable(id, "its folder is a link")
        return _read(folder) if folder.is_dir() else None

    def records(self) -> Iterator[SessionRecord | Unreadable]:
        """Return all sessions, by id."""
        for id in self.ids():
            found = self.read(id)
            if found is not None:
                yield found

    def change(self, record: SessionRecord) -> None:
        """Write a record anew, in one step."""
        _put(self.folder(record.id) / RECORD, _written(record))

    def append(self, id: str, *events: AgentEvent) -> None:
        """Append events to a session's log, each in one write."""
        text = "".join(json.dumps(encode(event), ensure_ascii=False) + "\n" for event in events)
        path = self.folder(id) / EVENTS
        with path.open("a+b") as stream:
            if stream.tell() and _torn(stream.fileno(), stream.tell()):
                text = "\n" + text
            stream.write(text.encode("utf-8", "replace"))

    def note(self, id: str, what: str, text: str = "") -> None:
        """Append what coord itself did for a session."""
        self.append(id, Noted(time.time(), what, text))

    def events(self, id: str, start: int = 0) -> tuple[list[AgentEvent], int]:
        """Return the events from byte ``start`` on, and the byte after the last whole line."""
        return read_events(self.folder(id) / EVENTS, start)

    def standing(self, id: str) -> Standing:
        """Return how a session stands by its log."""
        return standing(self.events(id)[0])

    # -- host ------------------------------------------------------------------------------------------------------

    def host(self, id: str) -> ProcessId | None:
        """Return the process that was last known to host a session, whether it runs or not."""
        try:
            return ProcessId.from_json(json.loads((self.folder(id) / PROCESS).read_text("utf-8")))
        except (OSError, ValueError):
            return None

    def hosted_by(self, id: str, process: ProcessId) -> None:
        """Write down which process hosts a session."""
        _put(self.folder(id) / PROCESS, json.dumps(process.to_json()))

    # -- inbox -----------------------------------------------------------------------------------------------------

    def send(self, id: str, message: Message) -> Path:
        """Put a message into a session's inbox and return its file, which goes when the agent has taken it."""
        inbox = self.folder(id) / INBOX
        if inbox.is_symlink():
            inbox.unlink()  # coord makes none: what is written must not land elsewhere
        inbox.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(3).hex()}"
        scratch = inbox / f".{name}"
        scratch.write_text(json.dumps(asdict(message) | {"id": name}), encoding="utf-8")
        return scratch.rename(inbox / f"{name}.json")

    def waiting(self, id: str) -> list[Message]:
        """Return the messages that wait, the oldest first; a file that is none is passed over."""
        inbox = self.folder(id) / INBOX
        try:
            names = sorted(entry.name for entry in os.scandir(inbox) if entry.name.endswith(".json"))
        except OSError:
            return []
        return [message for name in names if (message := _message(inbox / name))]

    def taken(self, id: str, message: Message) -> None:
        """Remove a message that has been delivered."""
        (self.folder(id) / INBOX / f"{message.id}.json").unlink(missing_ok=True)

    # -- the end ---------------------------------------------------------------------------------------------------

    def retire(self, id: str, keep: int) -> None:
        """Take a session out of the list; the logs of the last ``keep`` sessions stay in the archive."""
        self.archive.mkdir(parents=True, exist_ok=True)
        folder = self.folder(id)
        if not folder.is_dir():
            return
        (folder / PROCESS).unlink(missing_ok=True)
        gone = self.archive / f"{time.time_ns():020d}-{id}"
        try:
            folder.rename(gone)
        except FileNotFoundError:
            return  # another process of coord has retired it at the same moment
        shutil.rmtree(gone / INBOX, ignore_errors=True)
        old = sorted(entry.name for entry in os.scandir(self.archive))
        for name in old[: max(0, len(old) - keep)]:
            shutil.rmtree(self.archive / name, ignore_errors=True)

    def archived(self) -> Iterator[tuple[SessionRecord, Path]]:
        """Return the sessions that have been retired and whose logs are still here, the oldest first."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.archive))
        except OSError:
            return
        for name in names:
            record = _read(self.archive / name)
            if isinstance(record, SessionRecord):
                yield record, self.archive / name


def is_id(text: str) -> bool:
    """Say whether a text may be a session's id: what we make, and nothing that could be another path."""
    return (
        text.startswith("ses_")
        and 8 <= len(text) <= 64
        and text.isascii()
        and text.replace("_", "").isalnum()
    )


def new_id() -> str:
    """Return an id that no other session has."""
    return f"ses_{os.urandom(6).hex()}"


def read_events(
    path: Path, start: int = 0, *, holding: tuple[bytes, ...] = ()
) -> tuple[list[AgentEvent], int]:
    """Return the events that a log holds from byte ``start`` on, and the byte after its last whole line.

    ``holding``: only of lines that hold one of these; the others are not parsed (a log may have 100,000 lines).
    """
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            raw = stream.read()
    except OSError:
        return [], start
    whole = raw.rfind(b"\n") + 1
    lines = raw[:whole].split(b"\n")
    if holding:
        lines = [line for line in lines if any(word in line for word in holding)]
    return [event for line in lines if line and (event := _event(line))], start + whole


def _event(line: bytes) -> AgentEvent | None:
    if len(line) > _LINE:
        return None
    try:
        return decode(parsed(line))
    except ValueError:
        return None


def _torn(descriptor: int, size: int) -> bool:
    """Say whether a log ends within a line: its writer was killed there."""
    return os.pread(descriptor, 1, size - 1) != b"\n"


def _written(record: SessionRecord) -> str:
    return json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"


def _read(folder: Path) -> SessionRecord | Unreadable:
    try:
        raw = parsed(_bytes_of(folder / RECORD))
    except (OSError, ValueError) as error:
        return Unreadable(folder.name, type(error).__name__)
    known = {field.name for field in fields(SessionRecord)}
    no_record = Unreadable(folder.name, "it does not hold what a record holds")
    if not isinstance(raw, dict):
        return no_record
    try:
        values = {key: _value(key, value) for key, value in raw.items() if key in known}
        record = SessionRecord(**values)
    except (TypeError, ValueError):
        return no_record
    if misfits(SessionRecord, values) or not is_id(record.id) or not folder.name.endswith(record.id):
        return no_record
    return record if Path(record.worktree).is_absolute() and "\0" not in record.worktree else no_record


def _value(key: str, value: object) -> Any:
    if key == "role":
        return SessionRole(str(value))
    return tuple(value) if isinstance(value, list) else value


def _message(path: Path) -> Message | None:
    try:
        raw = parsed(_bytes_of(path))
        known: Sequence[str] = [field.name for field in fields(Message)]
        message = (
            Message(**{key: str(raw[key]) for key in known if key in raw}) if isinstance(raw, dict) else None
        )
    except (OSError, ValueError, TypeError):
        return None
    return message if message is not None and message.id == path.stem else None


def _bytes_of(path: Path) -> bytes:
    """Return what a file holds. Raises ValueError for what coord does not write: a link, a pipe, more than fits."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _FILE:
            raise ValueError("it is no file of coord's")
        return stream.read()


def _put(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.rename(path)
