"""Git's own object formats, read and written as values.

A trial's commits, trees and task file are computed here, so that their ids are a function of their content and
nothing else; ``coord.git`` hands the finished objects to git in one pack (git checks them as it unpacks).
Formats: gitformat-pack(5), git-mktree(1), "Git Objects" in the Git book.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from coord.core.settings import Identity
from coord.core.text import whole_number

_DATE = re.compile(r"(0|[1-9][0-9]{0,9}) [+-][0-9]{4}")

TREE_MODE = "40000"
FILE_MODE = "100644"


class Kind(Enum):
    """The kinds of object, with their numbers in a pack."""

    COMMIT = 1
    TREE = 2
    BLOB = 3


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object: its kind, its bytes and its id (hex)."""

    kind: Kind
    body: bytes
    oid: str


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line of a tree: name, mode as git writes it (``100644``, ``40000``) and the id it names."""

    name: bytes
    mode: str
    oid: str

    @property
    def is_tree(self) -> bool:
        return self.mode == TREE_MODE


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it; times are seconds since the epoch, ``author_date`` with its zone as text."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    author_date: str
    committed: int
    message: str

    @property
    def subject(self) -> str:
        return self.message.lstrip("\n").split("\n", 1)[0].strip()


def make(kind: Kind, body: bytes, algorithm: str = "sha1") -> GitObject:
    """Return ``body`` as an object with its id; ``algorithm`` is the repository's object format."""
    header = f"{kind.name.lower()} {len(body)}\0".encode()
    return GitObject(kind, body, hashlib.new(algorithm, header + body).hexdigest())


def parse_tree(body: bytes, oid_bytes: int = 20) -> tuple[Entry, ...]:
    """Return the entries of a raw tree object, in git's order."""
    entries = []
    at = 0
    while at < len(body):
        space = body.index(b" ", at)
        nul = body.index(b"\0", space)
        end = nul + 1 + oid_bytes
        entries.append(Entry(body[space + 1 : nul], body[at:space].decode(), body[nul + 1 : end].hex()))
        at = end
    return tuple(entries)


def make_tree(entries: Iterable[Entry], algorithm: str = "sha1") -> GitObject:
    """Return the tree object that holds ``entries`` (git sorts folders as if their names ended in a slash)."""
    ordered = sorted(entries, key=lambda e: e.name + b"/" if e.is_tree else e.name)
    body = b"".join(e.mode.encode() + b" " + e.name + b"\0" + bytes.fromhex(e.oid) for e in ordered)
    return make(Kind.TREE, body, algorithm)


def parse_commit(oid: str, body: bytes) -> Commit:
    """Return a raw commit object as a value; undecodable bytes are replaced, unknown headers are passed over."""
    head, _, message = body.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        if not line.startswith(" "):
            name, _, value = line.partition(" ")
            fields.setdefault(name, []).append(value)
    author, _, author_date = fields.get("author", ["unknown <> 0 +0000"])[0].rpartition("> ")
    committer_date = fields.get("committer", ["unknown <> 0 +0000"])[0].rpartition("> ")[2]
    return Commit(
        oid=oid,
        tree=fields.get("tree", [""])[0],
        parents=tuple(fields.get("parent", ())),
        author=author + ">",
        author_date=_sound_date(author_date),
        committed=_seconds(committer_date),
        message=message.decode("utf-8", "replace"),
    )


def _sound_date(date: str) -> str:
    """Return a date that a new commit may carry: git takes odd ones from old tools, but refuses to copy them."""
    match = _DATE.fullmatch(date)
    return date if match and int(match[1]) < 2**31 else "0 +0000"


def _seconds(date: str) -> int:
    return whole_number(date.split(" ", 1)[0]) or 0


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs coord's commits and when: ``author_date`` as git stores it, ``at`` seconds since the epoch."""

    identity: Identity
    author_date: str
    at: int


def make_commit(
    tree: str, parents: tuple[str, ...], message: str, signature: Signature, algorithm: str = "sha1"
) -> GitObject:
    """Return the commit object; the same arguments give the same id on every machine."""
    who = f"{signature.identity.name} <{signature.identity.email}>"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {who} {signature.author_date}", f"committer {who} {signature.at} +0000", "", message]
    return make(Kind.COMMIT, "\n".join(lines).encode("utf-8", "replace"), algorithm)


def make_pack(objects: Iterable[GitObject], algorithm: str = "sha1") -> bytes:
    """Return a pack file that holds ``objects``, each once."""
    unique = {item.oid: item for item in objects}
    pack = b"PACK" + (2).to_bytes(4, "big") + len(unique).to_bytes(4, "big")
    pack += b"".join(
        _pack_header(item.kind.value, len(item.body)) + zlib.compress(item.body, 1)
        for item in unique.values()
    )
    return pack + hashlib.new(algorithm, pack).digest()


def _pack_header(kind: int, size: int) -> bytes:
    byte = (kind << 4) | (size & 15)
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)


#: Reads the entries of a tree by its id.
TreeReader = Callable[[str], tuple[Entry, ...]]


def graft(
    root: str, path: str, entry: tuple[str, str] | None, read: TreeReader, algorithm: str = "sha1"
) -> tuple[str, tuple[GitObject, ...]]:
    """Return the id of the tree ``root`` with ``path`` replaced, and the new trees it takes.

    ``entry`` is (mode, id), or None to remove the path; folders left empty go, folders that are missing are made.
    """
    entries, objects = _graft(read(root), path.encode().split(b"/"), entry, read, algorithm)
    tree = make_tree(entries, algorithm)
    return tree.oid, (*objects, tree)


def _graft(
    entries: tuple[Entry, ...],
    parts: list[bytes],
    entry: tuple[str, str] | None,
    read: TreeReader,
    algorithm: str,
) -> tuple[tuple[Entry, ...], tuple[GitObject, ...]]:
    name, rest = parts[0], parts[1:]
    others = tuple(e for e in entries if e.name != name)
    if not rest:
        return (others if entry is None else (*others, Entry(name, *entry))), ()
    below = next((read(e.oid) for e in entries if e.name == name and e.is_tree), ())
    if entry is None and not below:
        return entries, ()
    inner, objects = _graft(below, rest, entry, read, algorithm)
    if not inner:
        return others, objects
    tree = make_tree(inner, algorithm)
    return (*others, Entry(name, TREE_MODE, tree.oid)), (*objects, tree)


@dataclass(frozen=True, slots=True, order=True)
class TreeFile:
    """A path in a tree that is no folder: file, symbolic link or submodule."""

    path: str
    mode: str
    oid: str


def tree_files(tree: str, read: TreeReader, prefix: str = "") -> tuple[TreeFile, ...]:
    """Return everything in a tree that is no folder, sorted by path; undecodable names keep their bytes."""
    found: list[TreeFile] = []
    for entry in read(tree):
        path = prefix + entry.name.decode("utf-8", "surrogateescape")
        if entry.is_tree:
            found += tree_files(entry.oid, read, path + "/")
        else:
            found.append(TreeFile(path, entry.mode, entry.oid))
    return tuple(found)


def changed_paths(one: str | None, other: str | None, read: TreeReader, prefix: str = "") -> frozenset[str]:
    """Return the paths (no folders) in which two trees differ; equal folders are not read."""
    if one == other:
        return frozenset()
    old, new = ({e.name: e for e in (read(tree) if tree else ())} for tree in (one, other))
    found: set[str] = set()
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        path = prefix + name.decode("utf-8", "surrogateescape")
        trees = [e.oid if e and e.is_tree else None for e in (before, after)]
        if any(trees):
            found |= changed_paths(trees[0], trees[1], read, path + "/")
        if any(e and not e.is_tree for e in (before, after)):
            found.add(path)
    return frozenset(found)


def find_entry(tree: str, path: str, read: TreeReader) -> Entry | None:
    """Return the entry at ``path`` in a tree, or None."""
    *folders, name = path.encode("utf-8", "surrogateescape").split(b"/")
    for folder in folders:
        below = next((e for e in read(tree) if e.name == folder and e.is_tree), None)
        if below is None:
            return None
        tree = below.oid
    return next((e for e in read(tree) if e.name == name), None)


#: Characters that some file systems leave out of names.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_REFUSED = re.compile(r"(?:^|/)(?:|\.\.?|\.git[ .]*(?::[^/]*)?|git~1)(?:/|$)", re.IGNORECASE)


def is_refused(path: str) -> bool:
    """Say whether git would not check a path out: it leads out of the tree, or into a git directory on some system."""
    return _REFUSED.search(_IGNORED.sub("", path)) is not None
