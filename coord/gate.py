"""The gate: runs a profile's commands on a tree in a plain folder and says whether it passed.

The folder lies outside the repository, because build tools look upwards: below the checkout they would find its
``.git``, its ``.cargo/config.toml`` or its ``pytest.ini`` and judge another tree than the one given. The code under
test gets a scratch HOME and an environment of a few names; no credential of the person who runs coord is in it.
Only this module makes a ``GatedTrial``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from coord.core.complaint import excerpt
from coord.core.objects import Entry, TreeFile, TreeReader, graft, parse_tree, tree_files
from coord.core.profile import Profile, program
from coord.core.settings import matches
from coord.core.trial import CouldNotRun, GatedTrial, Trial
from coord.errors import CoordError
from coord.folder import make_folder, materialise, remove
from coord.step import Ended, NotStarted, ShortOfRoom, Stop, end_strays, run_step

#: Raised when what a key covers, or how a verdict is reached, changes: old evidence is then not believed.
EVIDENCE_VERSION = 2

#: What a disk says of names that no folder can hold: the tree is to blame, not the machine.
_IMPOSSIBLE_TREE = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT, errno.ELOOP, errno.ENOTDIR)

#: Stands for evidence when a profile has no steps.
NOTHING_TO_RUN = "nothing to run"

_NO_ROOM = "no space left on the disk"
_MAKE_ROOM = "make room or mend the rights, then run coord land again"

#: How many gates may be at work for one repository on one machine.
_SLOTS = 64
#: How much (bytes) of the end of a step's output is searched for what it complained of first.
_READ = 1 << 20

#: How the folder of a repository's gates ends: with the digest of its git directory.
_REPOSITORY = re.compile(r"-[0-9a-f]{10}\Z")

_CARGO_SHARED = ("registry/index", "registry/cache", "registry/src", "git/db", "git/checkouts")


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


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: what to call it, its commit, and what the profile can see of its tree.

    ``seen`` says it in one word, equal for two subjects only when the profile sees the same; ``files`` lists it.
    """

    name: str
    commit: str
    seen: str
    files: Callable[[], tuple[TreeFile, ...]]


@dataclass(frozen=True, slots=True)
class Room:
    """Where gates work on this machine.

    ``state`` holds evidence and logs (below the git directory), ``folder`` the gate's folders (outside the
    repository), ``read`` gives a blob's bytes, ``clone`` gives a folder its own ``.git`` at a commit, ``show`` takes
    one line of progress, ``logging`` the log that a gate is about to write.
    """

    state: Path
    folder: Path
    read: Callable[[str], bytes]
    clone: Callable[[Path, str], None]
    show: Callable[[str], None] = field(default=lambda _line: None)
    logging: Callable[[Path], None] = field(default=lambda _log: None)


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


def pass_gate(
    trial: Trial, subject: Subject, profile: Profile, room: Room, stop: Stop | None = None
) -> GatedTrial | Failed | CouldNotRun:
    """Validate a trial's exact tree; with ``known_to_pass`` the only way to get a GatedTrial."""
    match judge(subject, profile, room, stop):
        case Passed(evidence, seconds, _, flaky):
            return GatedTrial(trial, profile.name, evidence, seconds, flaky)
        case other:
            return other


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
        return _is_known(self.room.state, key)


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
        if _is_known(room.state, key):
            return Passed(key, known=True)
        with _slot(room) as slot:
            if _is_known(room.state, key):  # found out while we waited for a folder
                return Passed(key, known=True)
            environment = _environment(slot, room.folder)
            work = _Work(subject, profile, room, slot, environment, stop or Stop())
            judgement = _run(work, key)
    except OSError as error:
        return CouldNotRun(*words_of(error))
    if isinstance(judgement, Passed):
        work.stop.raise_if_set()  # whoever is being stopped proves nothing
        with contextlib.suppress(OSError):  # a cache: on a full disk the next run judges it again
            _remember(room.state, key, subject, profile)
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
    log = _new_log(room.state, subject.name, slot.name)
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


# -- the folder and its environment ----------------------------------------------------------------------------


def default_folder(common: Path, chosen: str | None) -> Path:
    """Return where gates work for the repository with this git directory.

    ``chosen`` is ``git config coord.gateFolder``. Otherwise a private folder in /var/tmp (it outlives a reboot, and
    the system may clear it: it is a cache). Raises CoordError when somebody else owns that folder.
    """
    digest = hashlib.sha256(os.fsencode(common)).hexdigest()[:10]
    name = re.sub(r"[^A-Za-z0-9._-]", "-", (common.parent if common.name == ".git" else common).name)[:40]
    if chosen:
        return Path(chosen).expanduser() / f"{name}-{digest}"
    parent = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    private = parent / _private_name()
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if private.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise CoordError(
            f"{private} does not belong to you alone, so gates cannot work there",
            hint="name another folder: git config coord.gateFolder DIR",
        )
    return private / f"{name}-{digest}"


def _private_name() -> str:
    return f"coord-{os.getuid()}"


@contextlib.contextmanager
def _slot(room: Room) -> Iterator[Path]:
    """Lend a gate folder that no other coordinator on this machine is using, with nothing in it but its tree.

    The lock ends with the process. It lies with our state: the code under test can write next to its own folder.
    """
    locks = room.state / "gate"
    locks.mkdir(parents=True, exist_ok=True)
    room.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(_SLOTS):
        with (locks / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            slot = room.folder / str(number)
            end_strays(slot)
            _clear(room.folder, slot)
            yield slot
            return
    raise OSError(errno.EBUSY, f"{_SLOTS} gates are at work already")


def _clear(folder: Path, slot: Path) -> None:
    """Remove what lies beside the trees: build tools look upwards for their settings."""
    make_folder(slot)
    ours = {"cargo", *map(str, range(_SLOTS))}
    strange = [path for path in folder.iterdir() if path.name not in ours]
    strange += [path for path in slot.iterdir() if path.name != "tree"]
    if folder.parent.name == _private_name():
        strange += [path for path in folder.parent.iterdir() if not _REPOSITORY.search(path.name)]
    for path in strange:
        remove(path)


def _environment(slot: Path, folder: Path) -> dict[str, str]:
    """Return the environment of the code under test, with a scratch HOME and TMPDIR made anew."""
    for name in ("home", "tmp"):
        remove(slot / name)
        (slot / name).mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": str(slot / "home"),
        "TMPDIR": str(slot / "tmp"),
        "RUSTUP_HOME": str(rustup_home()),
        "CARGO_HOME": str(_cargo_home(folder / "cargo")),
    }


def rustup_home() -> Path:
    """Return where the Rust toolchains are that the code under test is built with."""
    return _real("RUSTUP_HOME", ".rustup", "toolchains")


def _real(variable: str, name: str, holding: str = "") -> Path:
    """Return the folder of a Rust tool: its variable, else below HOME, else below the user's real home.

    One that does not hold ``holding`` is passed over: rustup leaves an empty one in any HOME that it is run with.
    """
    if os.environ.get(variable):
        return Path(os.environ[variable])
    homes = [Path(os.environ["HOME"])] if os.environ.get("HOME") else []
    homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return next((home / name for home in homes if (home / name / holding).is_dir()), homes[-1] / name)


def _cargo_home(private: Path) -> Path:
    """Return a CARGO_HOME that shares only the registry caches: no credentials, no configuration."""
    real = _real("CARGO_HOME", ".cargo")
    private.mkdir(exist_ok=True)
    for name in _CARGO_SHARED:
        link = private / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if (real / name).is_dir() and not link.exists():
            with contextlib.suppress(FileExistsError):
                link.symlink_to(real / name)
    for name in ("credentials", "credentials.toml", "config", "config.toml"):
        remove(private / name)
    return private


def words_of(error: OSError) -> tuple[str, str]:
    """Return why a gate could not work on this machine, and what to do."""
    return _os_words(error), _MAKE_ROOM


def _os_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _NO_ROOM
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


# -- evidence ----------------------------------------------------------------------------------------------------


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
            with _slot(room) as slot:
                environment = _environment(slot, room.folder)
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


def _is_known(state: Path, key: str) -> bool:
    return (state / "evidence" / key).is_file()


def _remember(state: Path, key: str, subject: Subject, profile: Profile) -> None:
    folder = state / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
    scratch.write_text(
        json.dumps({"commit": subject.commit, "subject": subject.name, "profile": profile.name})
    )
    scratch.replace(folder / key)


def _new_log(state: Path, name: str, slot: str) -> Path:
    """Return a new log; gates that work side by side, each in a slot of its own, never share one."""
    folder = state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"), key=_last_written)[:-50]:
        old.unlink(missing_ok=True)
    beside = "" if slot == "0" else f".{slot}"
    log = folder / (re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80] + beside + ".log")
    log.write_bytes(b"")
    return log


def _last_written(log: Path) -> float:
    try:
        return log.stat().st_mtime
    except OSError:  # another gate has just removed it
        return 0.0
