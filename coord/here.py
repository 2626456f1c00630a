"""The task ids that only the working copy has."""

import os
import time

from coord.core.row import SIZE_LIMIT, row_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable


#: Nanoseconds: a folder that changed so shortly before it was looked at may change again without its time moving.
_JUST_NOW = 50_000_000


def only_here(
    top: str,
    folder: str,
    known: "Container[str]",
    published: "Container[str]" = (),
    seen: "Seen | None" = None,
) -> list[str]:
    """Return the ids of task files below ``folder`` that are not ``known``, sorted.

    ``published`` are the paths that main has: those files are not opened. Whoever gives a file of main's another id in
    the working copy is not told; opening all of them would cost as much as the rest of the list. ``seen`` remembers
    the folders that hold nothing else.
    """
    root = top.rstrip("/")
    start = os.path.join(root, folder)
    found = _Search(len(root) + 1, published, seen or Seen({}, ())).below(start)
    return sorted(id for id in map(_id_in, found) if id and id not in known)


class Seen:
    """The folders of main's task folder, and when those last changed that held nothing strange when they were seen.

    ``times`` is by path, in nanoseconds; ``fresh`` counts what was added. A folder's time changes with the names in it.
    """

    __slots__ = ("_below", "fresh", "times")

    def __init__(self, times: "dict[str, int]", folders: "Iterable[str]") -> None:
        self.times = times
        self.fresh = 0
        self._below: dict[str, list[str]] = {}
        for path in folders:
            self._below.setdefault(path.rpartition("/")[0], []).append(path)

    def below(self, path: str) -> "list[str]":
        """Return the folders of main's directly below a folder."""
        return self._below.get(path, [])


class _Search:
    """The search for ``*.md`` files that main does not have; links below the start are not followed."""

    def __init__(self, cut: int, published: "Container[str]", seen: Seen) -> None:
        self.cut = cut
        self.published = published
        self.seen = seen

    def below(self, start: str) -> "list[str]":
        if not os.path.isdir(start):
            return [start]
        root, found, pending = start[: self.cut], list[str](), [start]
        while pending:
            folder = pending.pop()
            path = folder[self.cut :]
            try:
                changed = os.stat(folder).st_mtime_ns
                if self.seen.times.get(path) == changed:
                    pending += [root + name for name in self.seen.below(path)]
                    continue
                folders, files = self.strange(folder)
            except OSError:
                continue
            pending += folders
            found += files
            ours = {root + name for name in self.seen.below(path)}
            if not files and ours == set(folders) and changed < time.time_ns() - _JUST_NOW:
                self.seen.times[path] = changed
                self.seen.fresh += 1
        return found

    def strange(self, folder: str) -> "tuple[list[str], list[str]]":
        """Return the folders in a folder, and its task files that main does not have."""
        folders, files = [], []
        prefix = folder[self.cut :] + "/"
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if prefix + name in self.published:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name != ".git":
                        folders.append(entry.path)
                elif name.endswith(".md"):
                    files.append(entry.path)
        return folders, files


def _id_in(path: str) -> str:
    try:
        path.encode()
        data = _bytes(path)
    except (OSError, UnicodeEncodeError):
        return ""
    row = row_of(data)
    if row is not None:
        return row[0]
    from coord.core.taskfile import read_row

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
