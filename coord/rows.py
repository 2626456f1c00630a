"""The rows of main's task files, brought up to date from one tree to another: only what differs is read."""

from sys import intern

from coord.core.plainconfig import plain_folder
from coord.core.row import row_of
from coord.here import Seen
from coord.quickgit import UnusualError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from coord.core.row import Row

CONFIG_FILES = (b".coord.toml", b".taskgraph.toml")
_TREE = b"40000"
_LINK = b"120000"
_FILES = (b"100644", b"100755")

#: Up to this many objects are read again by the next call rather than remembered: writing 10,000 rows takes longer.
_FEW = 16

#: Mode and id by name.
Entries = dict[bytes, tuple[bytes, str]]

#: Returns the bytes of objects by their ids: trees or blobs, all of one kind.
Read = "Callable[[list[str], bytes], list[bytes]]"


class Rows:
    """What is known of one tree. ``known`` is what the cache keeps; ``is_worth_saving`` says that much was new."""

    def __init__(
        self, known: "dict[str, object] | None", read: "Callable[[list[str], bytes], list[bytes]]"
    ) -> None:
        self.is_worth_saving = known is None
        self.known = known or {}
        self._read = read
        self._count = 0
        self.folder: str = self.known.get("folder", "")  # type: ignore[assignment]
        self.prefixes: tuple[str, ...] = self.known.get("prefixes", ())  # type: ignore[assignment]
        self.files: dict[str, Row] = self.known.get("files", {})  # type: ignore[assignment]
        self._folders: dict[str, tuple[str, bytes]] = self.known.get("folders", {})  # type: ignore[assignment]
        self._times: dict[str, int] = self.known.get("times", {})  # type: ignore[assignment]

    @property
    def seen(self) -> Seen:
        """Return what is known of the folders of the working copy."""
        return Seen(self._times, self._folders)

    def keep_seen(self, seen: Seen) -> None:
        """Take over what was seen of the working copy; a few folders are looked at again rather than saved."""
        self.known["times"] = self._times
        self.is_worth_saving = self.is_worth_saving or seen.fresh > _FEW

    def bring_to(self, root: str) -> None:
        """Make the rows those of the tree ``root``."""
        if self.known.get("root") == root:
            return
        entries = _entries(self._read([root], b"tree")[0], len(root) // 2)
        self._configure(entries)
        tree = entries.get(self.folder.split("/")[0].encode())
        for part in self.folder.split("/")[1:]:
            if tree is None or tree[0] != _TREE:
                break
            tree = _entries(self._read([tree[1]], b"tree")[0], len(root) // 2).get(part.encode())
        if tree is None or tree[0] != _TREE:
            self.files, self._folders, self._times = {}, {}, {}
        elif self._folders.get(self.folder, ("",))[0] != tree[1]:
            self._update([(self.folder, tree[1])])
        self.known = {
            "root": root,
            "config": self.known["config"],
            "main": self.known.get("main"),
            "folder": self.folder,
            "prefixes": self.prefixes,
            "files": self.files,
            "folders": self._folders,
            "times": self._times,
        }
        self.is_worth_saving = self.is_worth_saving or self._count > _FEW

    def _configure(self, entries: Entries) -> None:
        """Take the task folder and the prefixes from main's configuration."""
        found = [entries.get(name) for name in CONFIG_FILES]
        named = tuple(entry[1] if entry and entry[0] in _FILES else "" for entry in found)
        if self.known.get("config") == named:
            return
        prefixes: tuple[str, ...] = ("feat/",)
        texts = [self._read([oid], b"blob")[0].decode("utf-8", "replace") if oid else None for oid in named]
        plain = None if texts[1] is not None else plain_folder(texts[0] or "")
        if plain is not None:
            folder = plain
        else:
            from coord.config import parse

            project = parse(texts[0] or "", "", texts[1]).project
            folder, prefixes = project.tasks, project.prefixes
        if folder != self.folder:
            self.files, self._folders = {}, {}
        self.folder, self.prefixes = folder, prefixes
        self.known["config"] = named
        self.is_worth_saving = True

    def _update(self, pending: list[tuple[str, str]]) -> None:
        while pending:
            bodies = self._read([oid for _, oid in pending], b"tree")
            self._count += len(pending)
            below: list[tuple[str, str]] = []
            blobs: list[tuple[str, str]] = []
            for (path, oid), body in zip(pending, bodies, strict=True):
                self._update_folder(path, oid, body, below, blobs)
            self._read_files(blobs)
            pending = below

    def _update_folder(
        self, path: str, oid: str, body: bytes, below: list[tuple[str, str]], blobs: list[tuple[str, str]]
    ) -> None:
        length = len(oid) // 2
        known = self._folders.get(path)
        old = _entries(known[1], length) if known else {}
        new = _entries(body, length)
        self._folders[path] = (oid, body)
        self._times.pop(path, None)
        self._drop(path, old, new)
        for name, entry in new.items():
            if old.get(name) == entry:
                continue
            mode, oid = entry
            place = f"{path}/{name.decode()}"
            if "\ufffd" in place:
                raise UnusualError
            if mode == _TREE:
                below.append((place, oid))
            elif name.endswith(b".md"):
                if mode in _FILES:
                    blobs.append((place, oid))
                else:
                    self.files[place] = _not_opened("a link" if mode == _LINK else "not a file")

    def _drop(self, path: str, old: Entries, new: Entries) -> None:
        """Forget what a folder no longer holds, and files that are others now."""
        for name, was in old.items():
            now = new.get(name)
            if now != was:
                if was[0] != _TREE:
                    self.files.pop(f"{path}/{name.decode()}", None)
                elif now is None or now[0] != _TREE:
                    self._forget(f"{path}/{name.decode()}")

    def _forget(self, folder: str) -> None:
        below = folder + "/"
        self.files = {path: row for path, row in self.files.items() if not path.startswith(below)}
        self._folders = {
            path: tree
            for path, tree in self._folders.items()
            if path != folder and not path.startswith(below)
        }
        self._times = {path: time for path, time in self._times.items() if path in self._folders}

    def _read_files(self, blobs: list[tuple[str, str]]) -> None:
        self._count += len(blobs)
        for start in range(0, len(blobs), 1000):
            some = blobs[start : start + 1000]
            for (path, _), data in zip(some, self._read([oid for _, oid in some], b"blob"), strict=True):
                row: Row | None = row_of(data)
                if row is None:
                    from coord.core.taskfile import read_row

                    row = read_row(data)
                    self.is_worth_saving = True
                self.files[intern(path)] = _shared(row)


def _shared(row: "Row") -> "Row":
    """Return the row with each text made once: what is saved is a third smaller, and loaded so much faster."""
    if row[0] is None:
        return row
    id, name, status, shown, needs, level, why, flawed, places, flaws = row
    needs = tuple(map(intern, needs))
    return (
        intern(id), name, intern(status), intern(shown), needs, intern(level), intern(why), flawed, places, flaws,
    )  # fmt: skip


def _not_opened(why: str) -> "Row":
    return None, "", ((1, 1, "not-a-file", f"{why}: not read", "", "warning"),)


def _entries(body: bytes, length: int) -> Entries:
    """Return the entries of a raw tree whose ids have ``length`` bytes."""
    found = {}
    at = 0
    end = len(body)
    find = body.index
    while at < end:
        nul = find(0, at)
        mode, _, name = body[at:nul].partition(b" ")
        at = nul + 1 + length
        found[name] = (mode, body[nul + 1 : at].hex())
    return found
