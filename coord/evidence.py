"""Evidence: what a profile can see of a tree, the key of that, and what is believed under the key without a run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coord.core.objects import Entry, TreeFile, TreeReader, graft, parse_tree, tree_files
from coord.core.profile import Profile
from coord.core.settings import matches
from coord.room import Room, lend_slot, make_environment

#: Raised when what a key covers, or how a verdict is reached, changes: old evidence is then not believed.
EVIDENCE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: what to call it, its commit, and what the profile can see of its tree.

    ``seen`` says it in one word, equal for two subjects only when the profile sees the same; ``files`` lists it.
    """

    name: str
    commit: str
    seen: str
    files: Callable[[], tuple[TreeFile, ...]]


def subject_of(
    name: str, commit: str, tree: str, read: TreeReader, *, tasks: str, profile: Profile
) -> Subject:
    """Return a commit as a profile sees it: its ``inputs``, or everything but the task folder.

    A clone (``git = true``) holds everything, or git would call it dirty, and its build can see the commit.
    """

    def inputs() -> tuple[TreeFile, ...]:
        patterns = profile.inputs or ()
        files = tree_files(tree, read)
        return tuple(file for file in files if any(matches(file.path, pattern) for pattern in patterns))

    if profile.inputs is not None:
        files = inputs()
        listed = "".join(f"{file.mode} {file.oid} {file.path}\0" for file in files)
        seen = "files " + hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
        return Subject(name, commit, f"commit {commit} {seen}" if profile.git else seen, lambda: files)
    if profile.git:
        return Subject(name, commit, f"commit {commit}", lambda: tree_files(tree, read))
    # The same files in the same places make the same tree: its id stands for all of them.
    bare, made = graft(tree, tasks, None, read, "sha1" if len(tree) == 40 else "sha256")
    below = {item.oid: item for item in made}

    def read_bare(oid: str) -> tuple[Entry, ...]:
        return parse_tree(below[oid].body, len(oid) // 2) if oid in below else read(oid)

    return Subject(name, commit, f"tree {bare}", lambda: tree_files(bare, read_bare))


class Evidence(Protocol):
    """What is believed of trees without running anything, each under the key of what was judged."""

    def key(self, subject: Subject, profile: Profile) -> str:
        """Return the key of a subject; nothing of the subject runs. Raises OSError when there is no room to find out."""
        ...

    def passes(self, key: str) -> bool:
        """Say whether what the key stands for is known to pass."""
        ...


@dataclass(frozen=True, slots=True)
class OwnEvidence:
    """What this machine's gates have found out: files that may be deleted."""

    room: Room

    def key(self, subject: Subject, profile: Profile) -> str:
        return evidence_key(subject, profile, self.room)

    def passes(self, key: str) -> bool:
        return is_known(self.room.state, key)


def evidence_key(subject: Subject, profile: Profile, room: Room) -> str:
    """Return the key of what was judged: what the folder holds, the commands, the toolchain's versions.

    With ``git = true`` the build can see the commit, so the key is the commit's. Nothing runs but, once, the commands
    that tell the versions. Raises OSError when there is no room for that.
    """
    path = os.environ.get("PATH", os.defpath)
    parts = [f"coord evidence {EVIDENCE_VERSION}", json.dumps([profile.steps, profile.wrap, profile.keep])]
    parts += _versions_of(profile.toolchain, path, room)
    parts += [_program_file(words[0], path) for words in (profile.wrap, *profile.steps) if words]
    parts.append(subject.seen)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _program_file(name: str, path: str) -> str:
    """Return what tells one installation of a program from the next, without running it."""
    found = shutil.which(name, path=path) if "/" not in name else None
    if found is None:
        return name
    status = Path(found).stat()
    return f"{Path(found).resolve()} {status.st_size} {status.st_mtime_ns}"


_versions: dict[tuple[str, ...], str] = {}

_asking = threading.Lock()


def _versions_of(commands: tuple[tuple[str, ...], ...], path: str, room: Room) -> list[str]:
    """Return what the programs of a toolchain say of their versions, asked once a run, in a gate's folder."""
    with _asking:
        if not all((*command, path) in _versions for command in commands):
            with lend_slot(room) as slot:
                environment = make_environment(slot, room.folder)
                for command in commands:
                    _versions[*command, path] = _version_of(command, environment)
        return [_versions[*command, path] for command in commands]


def _version_of(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    try:
        answer = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=60, check=False,
            cwd=environment["HOME"],
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "absent"
    return answer.stdout


def forget_versions() -> None:
    """Ask the toolchains again: a run that follows another may find them upgraded."""
    _versions.clear()


def is_known(state: Path, key: str) -> bool:
    """Say whether a gate of this machine has passed what the key stands for."""
    return (state / "evidence" / key).is_file()


def remember(state: Path, key: str, subject: Subject, profile: Profile) -> None:
    """Keep that what the key stands for has passed."""
    folder = state / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
    scratch.write_text(
        json.dumps({"commit": subject.commit, "subject": subject.name, "profile": profile.name})
    )
    scratch.replace(folder / key)
