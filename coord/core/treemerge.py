"""Merging trees where nothing has to be decided: every path was changed by one side only.

Most task branches touch files that main left alone. Their merge is the same whatever the strategy, and it is made here
from the trees, without a process; everything else is left to git. Renames play no part: git follows one only where the
other side changed the path that was left or the folder that is gone (merge-ort's "relevant" renames), and then both
sides changed that entry.
"""

from __future__ import annotations

from coord.core.objects import TREE_MODE, Entry, GitObject, TreeReader, is_refused, make_tree

_PLAIN_MODES = frozenset((TREE_MODE, "100644", "100755", "120000", "160000"))


class _NotPlainError(Exception):
    """Both sides changed an entry, or git should look at it."""


def merge_plainly(
    base: str, ours: str, theirs: str, read: TreeReader, algorithm: str = "sha1", *, ours_only: str = ""
) -> tuple[str, tuple[GitObject, ...]] | None:
    """Return the merged tree and the new trees it takes, or None when it is not for us to decide.

    ``ours_only`` is a path at which our side is taken as it is.
    """
    made: list[GitObject] = []
    try:
        tree = _merge((base, ours, theirs), tuple(ours_only.encode().split(b"/")), read, algorithm, made)
    except _NotPlainError:
        return None
    return tree, tuple(made)


def _merge(
    trees: tuple[str, str, str],
    ours_only: tuple[bytes, ...],
    read: TreeReader,
    algorithm: str,
    made: list[GitObject],
) -> str:
    base, ours, theirs = (_by_name(read(tree)) for tree in trees)
    merged: list[Entry] = []
    for name in base.keys() | ours.keys() | theirs.keys():
        before, mine, other = base.get(name), ours.get(name), theirs.get(name)
        inside = ours_only[1:] if ours_only[:1] == (name,) else ()
        if other == before or (ours_only == (name,)):
            taken = mine
        elif mine == before and not inside:
            taken = other
            _check(name, other)
        else:
            taken = _below((before, mine, other), inside, read, algorithm, made)
        if taken is not None:
            merged.append(taken)
    if not merged:
        raise _NotPlainError  # git keeps no empty folder
    tree = make_tree(merged, algorithm)
    if tree.oid not in trees:
        made.append(tree)
    return tree.oid


def _below(
    entries: tuple[Entry | None, Entry | None, Entry | None],
    inside: tuple[bytes, ...],
    read: TreeReader,
    algorithm: str,
    made: list[GitObject],
) -> Entry:
    before, mine, other = entries
    if not (before and mine and other and before.is_tree and mine.is_tree and other.is_tree):
        raise _NotPlainError
    if mine == other:
        raise _NotPlainError  # both made the same change: git knows best what that means for the rest
    tree = _merge((before.oid, mine.oid, other.oid), inside or (b"",), read, algorithm, made)
    return Entry(mine.name, TREE_MODE, tree)


def _by_name(entries: tuple[Entry, ...]) -> dict[bytes, Entry]:
    found = {entry.name: entry for entry in entries}
    if len(found) != len(entries):
        raise _NotPlainError
    return found


def _check(name: bytes, entry: Entry | None) -> None:
    """Leave to git, and to its checks, what a hand-made tree may hold."""
    lower = name.lower()
    special = lower.startswith((b".git", b"git~")) or b"/" in name
    special = special or is_refused(name.decode("utf-8", "surrogateescape"))
    if special or (entry is not None and entry.mode not in _PLAIN_MODES):
        raise _NotPlainError
