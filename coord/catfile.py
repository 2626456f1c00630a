"""Reading git's objects through one ``git cat-file --batch`` process."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import Any

from coord.core.objects import Commit, Entry, GitObject, Kind, parse_commit, parse_tree
from coord.errors import GitError

_OID = re.compile(r"[0-9a-f]{40,64}")


class ObjectReader:
    """Reads objects through one ``git cat-file --batch``; trees and commits are remembered.

    Several threads may ask it. What was ``remember``ed is answered from memory, so that objects which were just made can
    be read before git has them.
    """

    def __init__(self, process: Any) -> None:
        self._process = process
        self._turn = threading.Lock()
        self._is_amiss = False
        self._trees: dict[str, tuple[Entry, ...]] = {}
        self._commits: dict[str, Commit] = {}
        self._made: dict[str, GitObject] = {}

    def read(self, oid: str) -> tuple[Kind, bytes] | None:
        """Return an object's kind and bytes, or None when it is not there (or the words are no id).

        Ids come from trailers and verdicts too, which others write: a line break in one would ask for two objects,
        and every answer after it would be taken for that of another.
        """
        if not _OID.fullmatch(oid):
            return None
        if made := self._made.get(oid):
            return made.kind, made.body
        with self._turn:
            if self._is_amiss:
                raise GitError("reading objects was interrupted", hint="run it again")
            # An interruption between question and answer would give every later question the answer before it.
            self._is_amiss = True
            answer = self._ask(oid)
            self._is_amiss = False
        return answer

    def _ask(self, oid: str) -> tuple[Kind, bytes] | None:
        self._process.stdin.write(oid.encode() + b"\n")
        self._process.stdin.flush()
        header: list[bytes] = self._process.stdout.readline().split()
        if len(header) != 3:
            return None
        body: bytes = self._process.stdout.read(int(header[2]))
        self._process.stdout.read(1)
        return (Kind[header[1].decode().upper()], body) if header[1] != b"tag" else None

    def blob(self, oid: str) -> bytes:
        """Return a file's bytes."""
        return self._expect(oid, Kind.BLOB)

    def holds(self, oid: str, kind: Kind) -> bool:
        """Say whether an object is there and of this kind; what others write may name any."""
        found = self.read(oid)
        return found is not None and found[0] is kind

    def commit(self, oid: str) -> Commit:
        """Return a commit."""
        if oid not in self._commits:
            self._commits[oid] = parse_commit(oid, self._expect(oid, Kind.COMMIT))
        return self._commits[oid]

    def tree(self, oid: str) -> tuple[Entry, ...]:
        """Return a tree's entries."""
        if oid not in self._trees:
            self._trees[oid] = parse_tree(self._expect(oid, Kind.TREE), len(oid) // 2)
        return self._trees[oid]

    def remember(self, objects: Iterable[GitObject]) -> None:
        """Take objects that were just made, before git has them."""
        self._made.update((item.oid, item) for item in objects)

    def _expect(self, oid: str, kind: Kind) -> bytes:
        found = self.read(oid)
        if found is None or found[0] is not kind:
            raise GitError(
                f"{kind.name.lower()} {oid} is not in this repository",
                hint="is this a shallow or partial clone? 'git fetch --unshallow', or use a full clone",
            )
        return found[1]
