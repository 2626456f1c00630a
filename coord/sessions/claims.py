"""Taking, renewing and giving back a claim: git's own compare-and-swap, so that no two machines start one task."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from dataclasses import dataclass, replace

from coord.core.answer import Pushed, RefUpdate, Rejected, Stale, Unanswered
from coord.core.claim import ClaimText, claim_message, read_claim
from coord.core.history import Entry, Source
from coord.core.history import Kind as EntryKind
from coord.core.objects import Kind, Signature
from coord.core.text import one_line
from coord.core.verdict import CLAIMS
from coord.events import record
from coord.freshness import note_push
from coord.merge import note_commit
from coord.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Taken:
    """The claim is ours: the commit that the ref names, and until when (seconds since the epoch)."""

    task: str
    oid: str
    expires: int


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else holds it."""

    claim: ClaimText


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The remote did not let us, in its own words."""

    words: str


def machine(workspace: Workspace) -> str:
    """Return the name under which this clone's claims are known: the host's, and what tells its clones apart."""
    host = one_line(socket.gethostname() or "unknown", 80).replace("/", "-")
    clone = hashlib.sha256(f"{workspace.common}:{workspace.common.stat().st_ino}".encode()).hexdigest()
    return f"{host}-{clone[:6]}"


def take(workspace: Workspace, wanted: ClaimText, now: float, *, ours: str = "") -> Taken | Held | NotTaken:
    """Take a claim that nobody holds at ``now``, or whose holder is the session ``ours`` of this machine.

    An expired claim is replaced under a lease on its old value; whoever was faster holds it.
    """
    is_ours = False
    for _ in range(3):
        seen = standing_claim(workspace, wanted.task)
        if seen is not None:
            claim = seen[1]
            is_ours = claim.machine == wanted.machine and claim.session in (ours, wanted.session)
            if claim.is_live(now) and not is_ours:
                return Held(claim)
        oid = _commit(workspace, wanted, now)
        match _move(workspace, RefUpdate(CLAIMS + wanted.task, seen[0] if seen else None, oid)):
            case Pushed():
                if not (seen and is_ours):
                    _record(workspace, wanted, oid, now)
                return Taken(wanted.task, oid, wanted.expires)
            case Rejected(words) | Unanswered(words):
                return NotTaken(words)
            case Stale():
                continue
    return NotTaken("others kept taking it at the same time")


def _record(workspace: Workspace, claim: ClaimText, oid: str, now: float) -> None:
    """Record that a claim was taken: its ref goes with the landing, and renewing it is nothing new."""
    words = f"by {claim.session} on {claim.machine}"
    entry = Entry(int(now), EntryKind.CLAIMED, claim.task, words, Source.EVENT, commit=oid, by=claim.session)
    record(workspace.state, entry)


def release(workspace: Workspace, task: str, session: str) -> bool:
    """Give a claim back that the session holds; say whether it is gone now. Another's claim stays."""
    seen = standing_claim(workspace, task)
    if seen is None:
        return True
    if (seen[1].machine, seen[1].session) != (machine(workspace), session):
        return False
    answer = _move(workspace, RefUpdate(CLAIMS + task, seen[0], None))
    if isinstance(answer, Rejected):
        # A server with a closed main lets nobody remove a claim that holds: one that says it has expired holds nothing.
        answer = _move(workspace, RefUpdate(CLAIMS + task, seen[0], _expired(workspace, seen[1])))
    return isinstance(answer, Pushed | Stale)


def _expired(workspace: Workspace, claim: ClaimText) -> str:
    now = time.time()
    return _commit(workspace, replace(claim, expires=int(now) - 1), now)


def standing_claim(workspace: Workspace, task: str) -> tuple[str, ClaimText] | None:
    """Return the claim on a task as the remote has it now: the commit that says it, and what it says."""
    ref = CLAIMS + task
    if workspace.remote is None:
        oid = workspace.git.resolve(ref)
    else:
        oid = workspace.git.remote_refs(workspace.remote, [ref]).get(ref)
    if oid is None:
        return None
    objects = workspace.git.objects
    if objects.read(oid) is None and workspace.remote is not None:
        workspace.git.fetch(workspace.remote, [f"+{ref}:{ref}"])
    # What is no commit says no time, so it has expired.
    message = objects.commit(oid).message if objects.holds(oid, Kind.COMMIT) else ""
    return oid, read_claim(task, message)


def _commit(workspace: Workspace, wanted: ClaimText, now: float) -> str:
    signature = Signature(workspace.settings.project.identity, f"{int(now)} +0000", int(now))
    return note_commit(workspace, {}, (), claim_message(wanted, os.urandom(8).hex()), signature)


def _move(workspace: Workspace, update: RefUpdate) -> Pushed | Stale | Rejected | Unanswered:
    if workspace.remote is None:
        return workspace.git.update_refs([update])
    answer = workspace.git.push(workspace.remote, [update])
    if isinstance(answer, Pushed):
        note_push(workspace, [update])
    return answer
