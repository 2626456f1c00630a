"""The task ids that only the working copy has."""

import os

from coord.core.row import SIZE_LIMIT, row_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator


def only_here(top: str, folder: str, known: "Container[str]", published: "Container[str]" = ()) -> list[str]:
    """Return the ids of task files below ``folder`` that are not ``known``, sorted.

    ``published`` are paths whose files are known to be what main has: they are not opened.
    """
    start = len(top.rstrip("/")) + 1
    found = {_id_in(path) for path in _files(os.path.join(top, folder)) if path[start:] not in published}
    return sorted(id for id in found if id and id not in known)


def _files(start: str) -> "Iterator[str]":
    """Yield the ``*.md`` files at or below ``start``; links below it are not followed."""
    if not os.path.isdir(start):
        yield start
        return
    pending = [start]
    while pending:
        try:
            entries = os.scandir(pending.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != ".git":
                        pending.append(entry.path)
                elif entry.name.endswith(".md"):
                    yield entry.path


def _id_in(path: str) -> str:
    try:
        path.encode()
        data = _bytes(path)
    except (OSError, UnicodeEncodeError):
        return ""
    row = row_of(data)
    if row is not None:
        return row[0]
    from coord.core.task import read_row

    return read_row(data)[0] or ""


def _bytes(path: str) -> bytes:
    """Return a file's first bytes, one more than a task file may have; no link is followed and no pipe waited for."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        parts = []
        left = SIZE_LIMIT + 1
        while left and (part := os.read(file, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(file)
