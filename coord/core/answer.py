"""What git answers, read into values: the outcome of a push, of a merge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coord.core.trial import ConflictPath


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref's step from ``old`` to ``new`` (None: does not exist); a compare-and-swap, never a plain write."""

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """The remote took every update."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A ref was not where we thought, or could not be locked (``lock`` is the file in the way); nothing changed."""

    ref: str
    lock: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The remote said no, in its own words; nothing changed."""

    words: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The connection broke: whether the remote took the updates is not known."""

    words: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge without conflicts: the tree."""

    tree: str


@dataclass(frozen=True, slots=True)
class Conflicted:
    """A merge with conflicts: the paths, and the tree with markers in it (empty when there is none)."""

    paths: tuple[ConflictPath, ...]
    tree: str = ""


def read_conflicts(text: str, base: str, tip: str) -> Conflicted:
    """Read ``merge-tree -z``: tree, conflicted entries, an empty field, then counted messages.

    A file where the other side has a folder is told as ``path~<commit>``: people and later merges know it as ``path``.
    """
    aside = re.compile(rf"~(?:{base}|{tip})(?:_\d+)?\Z")
    fields = text.split("\0")
    end = fields.index("", 1)
    kinds = {aside.sub("", entry.partition("\t")[2]): "CONFLICT" for entry in fields[1:end]}
    at = end + 1
    while at < len(fields) and fields[at].strip().isdigit():
        count = int(fields[at])
        paths, kind = fields[at + 1 : at + 1 + count], fields[at + 1 + count]
        if kind.startswith("CONFLICT"):
            for path in paths:
                kinds[aside.sub("", path)] = kind
        at += count + 3
    named = (
        ConflictPath(path, re.sub(r"^CONFLICT ?\(?|\)$", "", kind) or "contents")
        for path, kind in kinds.items()
    )
    return Conflicted(tuple(sorted(named, key=lambda c: c.path)), fields[0])


#: What git says when the connection ended before the answer.
_BROKEN = (
    "hung up unexpectedly",
    "Could not read from remote",
    "early EOF",
    "unexpected disconnect",
    "RPC failed",
)


def read_push(code: int, out: str, err: str) -> Pushed | Stale | Rejected | Unanswered:
    """Read ``push --porcelain``: a lease that did not hold is a race, everything else that is refused is a no."""
    if code == 0:
        return Pushed()
    stale = ""
    refused = ""
    for line in out.splitlines():
        flag, _, rest = line.partition("\t")
        refs, _, why = rest.partition("\t")
        if flag != "!" or "atomic push fail" in why or "atomic transaction" in why:
            continue
        if _is_stale(why):
            stale = stale or refs.rpartition(":")[2]
        else:
            refused = refused or why
    if stale and not refused:
        return Stale(stale, lock_in(err))
    if not refused and _is_stale(err):
        return Stale("a ref that moved", lock_in(err))
    if not refused and any(sign in err for sign in _BROKEN):
        return Unanswered(words(err))
    return Rejected(words(err, refused))


def lock_in(err: str) -> str:
    """Return the lock file that was in git's way, or ''."""
    match = re.search(r"Unable to create '([^']+\.lock)': File exists", err)
    return match[1] if match else ""


def is_contended(err: str) -> bool:
    """Say whether git was refused a ref because another git was moving it in this repository at the same time."""
    return "cannot lock ref" in err or bool(lock_in(err))


def _is_stale(why: str) -> bool:
    return any(
        sign in why
        for sign in (
            "stale info",
            "fetch first",
            "non-fast-forward",
            "cannot lock ref",
            "failed to update ref",
            "reference already exists",
            "incorrect old value",
            "failed to lock",
            "unable to resolve reference",
        )
    )


def words(err: str, first: str = "") -> str:
    """Return what git or the server said, on one line, without its progress."""
    lines = [re.sub(r"^(?:remote|fatal|error):\s*", "", line.strip()) for line in err.splitlines()]
    kept = [
        line for line in lines if line and not line.startswith(("hint:", "To ", "Enumerating", "Everything"))
    ]
    return " / ".join(dict.fromkeys(filter(None, [first, *kept])))[:1000] or "no reason given"
