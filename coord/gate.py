"""The gate: runs a profile's commands on a tree in a plain folder and says whether it passed.

Where it runs is ``coord.room``; what is believed without running anything is ``coord.evidence``.
Only this module makes a ``GatedTrial``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coord.core.complaint import excerpt
from coord.core.profile import Profile, program
from coord.core.trial import CouldNotRun, GatedTrial, Trial
from coord.evidence import Evidence, Subject, evidence_key, is_known, remember
from coord.folder import materialise
from coord.room import Room, lend_slot, make_environment, new_log
from coord.step import Ended, NotStarted, ShortOfRoom, Stop, run_step

#: What a disk says of names that no folder can hold: the tree is to blame, not the machine.
_IMPOSSIBLE_TREE = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT, errno.ELOOP, errno.ENOTDIR)

#: Stands for evidence when a profile has no steps.
NOTHING_TO_RUN = "nothing to run"

_NO_ROOM = "no space left on the disk"
_MAKE_ROOM = "make room or mend the rights, then run coord land again"

#: How much (bytes) of the end of a step's output is searched for what it complained of first.
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Passed:
    """Every step passed; ``known`` when evidence said so and nothing ran."""

    evidence: str
    seconds: float = 0.0
    known: bool = False
    flaky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed; ``log`` is the end of what it printed, ``missing`` the program that the tree should have held."""

    step: str
    log: str
    seconds: float
    missing: str = ""


Judgement = Passed | Failed | CouldNotRun


def pass_gate(
    trial: Trial, subject: Subject, profile: Profile, room: Room, stop: Stop | None = None
) -> GatedTrial | Failed | CouldNotRun:
    """Validate a trial's exact tree; with ``known_to_pass`` the only way to get a GatedTrial."""
    match judge(subject, profile, room, stop):
        case Passed(evidence, seconds, _, flaky):
            return GatedTrial(trial, profile.name, evidence, seconds, flaky)
        case other:
            return other


def known_to_pass(trial: Trial, key: str, profile: Profile, evidence: Evidence) -> GatedTrial | None:
    """Return the trial as gated when evidence under its key says that its exact tree passes; nothing runs."""
    if not profile.steps:
        return GatedTrial(trial, profile.name, NOTHING_TO_RUN)
    return GatedTrial(trial, profile.name, key) if evidence.passes(key) else None


def judge(subject: Subject, profile: Profile, room: Room, stop: Stop | None = None) -> Judgement:
    """Run the profile's steps on the subject's files, or believe the evidence that they pass.

    Raises Stopped when ``stop`` is given and set meanwhile.
    """
    if not profile.steps:
        return Passed(NOTHING_TO_RUN)
    try:
        key = evidence_key(subject, profile, room)
        if is_known(room.state, key):
            return Passed(key, known=True)
        with lend_slot(room) as slot:
            if is_known(room.state, key):  # found out while we waited for a folder
                return Passed(key, known=True)
            environment = make_environment(slot, room.folder)
            work = _Work(subject, profile, room, slot, environment, stop or Stop())
            judgement = _run(work, key)
    except OSError as error:
        return CouldNotRun(*words_of(error))
    if isinstance(judgement, Passed):
        work.stop.raise_if_set()  # whoever is being stopped proves nothing
        with contextlib.suppress(OSError):  # a cache: on a full disk the next run judges it again
            remember(room.state, key, subject, profile)
    return judgement


@dataclass(frozen=True, slots=True)
class _Work:
    """One gate at work: what it judges, where, and what stops it."""

    subject: Subject
    profile: Profile
    room: Room
    slot: Path
    environment: Mapping[str, str]
    stop: Stop


def _run(work: _Work, key: str) -> Judgement:
    subject, profile, room, slot = work.subject, work.profile, work.room, work.slot
    started = time.monotonic()
    tree = slot / "tree"
    # A .git is made anew each time: settings that the last trial's code left in it would run with our rights.
    manifest = room.state / "gate" / f"{slot.name}.json"
    try:
        materialise(tree, manifest, subject.files(), profile.keep, room.read)
    except OSError as error:
        if error.errno not in _IMPOSSIBLE_TREE:
            raise
        return Failed("making the gate's folder", _os_words(error), time.monotonic() - started)
    if profile.git:
        room.clone(tree, subject.commit)
    log = new_log(room.state, subject.name, slot.name)
    room.logging(log)
    flaky = []
    for number, step in enumerate(profile.steps, 1):
        room.show(f"{subject.name}: {program(step)} ({number} of {len(profile.steps)})")
        ended, attempts = _retried(step, work, log)
        if isinstance(ended, CouldNotRun) and _is_of_the_tree(step, profile, ended):
            return Failed(program(step), ended.reason, time.monotonic() - started, missing=ended.reason)
        if isinstance(ended, CouldNotRun):
            return ended
        if ended.code != 0:
            return Failed(program(step), _why(log, ended), time.monotonic() - started)
        if attempts > 1:
            flaky.append(program(step))
    return Passed(key, time.monotonic() - started, flaky=tuple(flaky))


def _retried(step: tuple[str, ...], work: _Work, log: Path) -> tuple[Ended | CouldNotRun, int]:
    """Run a step until it passes, at most ``retries`` times more; return how it ended and the attempts it took."""
    attempt = 1
    ended = _step(step, work, log)
    while isinstance(ended, Ended) and ended.code != 0 and attempt <= work.profile.retries:
        attempt += 1
        ended = _step(step, work, log)
    return ended, attempt


def _step(step: tuple[str, ...], work: _Work, log: Path) -> Ended | CouldNotRun:
    profile = work.profile

    def once() -> Ended | NotStarted | ShortOfRoom:
        return run_step(step, profile, slot=work.slot, environment=work.environment, log=log, stop=work.stop)

    ended = once()
    if isinstance(ended, Ended) and ended.killed:
        # Whoever killed it may have meant another process, or memory was short for a moment: it is asked once more.
        ended = once()
    if isinstance(ended, Ended):
        return ended
    if isinstance(ended, ShortOfRoom):
        return CouldNotRun(_NO_ROOM, _MAKE_ROOM)
    name = (*profile.wrap, *step)[0]
    if ended.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
        hint = f"install {name}, or name other steps in [profiles.{profile.name}] of .coord.toml"
        return CouldNotRun(f"{name}: program not found", hint)
    return CouldNotRun(f"{name}: {os.strerror(ended.errno)}", "a script needs a first line such as #!/bin/sh")


def _is_of_the_tree(step: tuple[str, ...], profile: Profile, ended: CouldNotRun) -> bool:
    """Say whether a step's program is a file of the tree (``./gradlew``), so that a branch can have taken it away."""
    return ended.reason != _NO_ROOM and not profile.wrap and "/" in step[0] and not step[0].startswith("/")


def _why(log: Path, ended: Ended) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _READ))
        text = stream.read().decode("utf-8", "replace")
    return excerpt(f"{text}\n[coord] {ended.why}" if ended.why else text)


def words_of(error: OSError) -> tuple[str, str]:
    """Return why a gate could not work on this machine, and what to do."""
    return _os_words(error), _MAKE_ROOM


def _os_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _NO_ROOM
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
