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
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coord.core.objects import TreeFile
from coord.core.profile import Profile, program
from coord.core.settings import matches
from coord.core.text import tail
from coord.core.trial import CouldNotRun, GatedTrial, Trial
from coord.errors import CoordError
from coord.folder import materialise, remove

#: Raised when what a key covers, or how a verdict is reached, changes: old evidence is then not believed.
EVIDENCE_VERSION = 1

#: What a disk says of names that no folder can hold: the tree is to blame, not the machine.
_IMPOSSIBLE_TREE = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT, errno.ELOOP, errno.ENOTDIR)

#: Stands for evidence when a profile has no steps.
NOTHING_TO_RUN = "nothing to run"

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
    """What is judged: its commit, the files that the profile can see, and what to call it."""

    name: str
    commit: str
    files: tuple[TreeFile, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """Where gates work on this machine.

    ``state`` holds evidence and logs (below the git directory), ``folder`` the gate's folders (outside the
    repository), ``read`` gives a blob's bytes, ``clone`` gives a folder its own ``.git`` at a commit, ``show`` takes
    one line of progress.
    """

    state: Path
    folder: Path
    read: Callable[[str], bytes]
    clone: Callable[[Path, str], None]
    show: Callable[[str], None] = field(default=lambda _line: None)


def visible_files(files: tuple[TreeFile, ...], tasks: str, profile: Profile) -> tuple[TreeFile, ...]:
    """Return the files that a profile's gate folder holds: its ``inputs``, or everything but the task folder.

    A clone (``git = true``) holds everything, or git would call it dirty.
    """
    if profile.inputs is None and profile.git:
        return files
    if profile.inputs is None:
        return tuple(file for file in files if file.path != tasks and not file.path.startswith(tasks + "/"))
    return tuple(file for file in files if any(matches(file.path, pattern) for pattern in profile.inputs))


def pass_gate(
    trial: Trial, subject: Subject, profile: Profile, room: Room
) -> GatedTrial | Failed | CouldNotRun:
    """Validate a trial's exact tree; the only way to get a GatedTrial."""
    match judge(subject, profile, room):
        case Passed(evidence, seconds, _, flaky):
            return GatedTrial(trial, profile.name, evidence, seconds, flaky)
        case other:
            return other


def judge(subject: Subject, profile: Profile, room: Room) -> Judgement:
    """Run the profile's steps on the subject's files, or believe the evidence that they pass."""
    if not profile.steps:
        return Passed(NOTHING_TO_RUN)
    try:
        with _slot(room.folder) as slot:
            environment = _environment(slot, room.folder)
            key = evidence_key(subject, profile, environment)
            if _is_known(room.state, key):
                return Passed(key, known=True)
            judgement = _run(subject, profile, room, slot=slot, environment=environment, key=key)
    except OSError as error:
        if error.errno in _IMPOSSIBLE_TREE:
            return Failed("making the gate's folder", _os_words(error), 0.0)
        return CouldNotRun(_os_words(error), hint="make room or mend the rights, then run coord land again")
    if isinstance(judgement, Passed):
        _remember(room.state, key, subject, profile)
    return judgement


def _run(
    subject: Subject, profile: Profile, room: Room, *, slot: Path, environment: dict[str, str], key: str
) -> Judgement:
    started = time.monotonic()
    tree = slot / "tree"
    # A .git is made anew each time: settings that the last trial's code left in it would run with our rights.
    materialise(tree, slot / "manifest.json", subject.files, profile.keep, room.read)
    if profile.git:
        room.clone(tree, subject.commit)
    log = _new_log(room.state, subject.name)
    flaky = []
    for number, step in enumerate(profile.steps, 1):
        room.show(f"{subject.name}: {program(step)} ({number} of {len(profile.steps)})")
        ended, attempts = _retried(step, profile, tree=tree, environment=environment, log=log)
        if isinstance(ended, CouldNotRun) and _is_of_the_tree(step, profile):
            return Failed(program(step), ended.reason, time.monotonic() - started, missing=ended.reason)
        if isinstance(ended, CouldNotRun):
            return ended
        if ended != 0:
            return Failed(program(step), _why(log, ended, profile), time.monotonic() - started)
        if attempts > 1:
            flaky.append(program(step))
    return Passed(key, time.monotonic() - started, flaky=tuple(flaky))


def _retried(
    step: tuple[str, ...], profile: Profile, *, tree: Path, environment: Mapping[str, str], log: Path
) -> tuple[int | CouldNotRun | None, int]:
    """Run a step until it passes, at most ``retries`` times more; return how it ended and the attempts it took."""
    ended: int | CouldNotRun | None = None
    for attempt in range(1, profile.retries + 2):
        ended = _step(step, profile, tree=tree, environment=environment, log=log)
        if ended == 0 or isinstance(ended, CouldNotRun):
            return ended, attempt
    return ended, profile.retries + 1


def _step(
    step: tuple[str, ...], profile: Profile, *, tree: Path, environment: Mapping[str, str], log: Path
) -> int | CouldNotRun | None:
    """Run one step in its own process group; return its exit code, or None when its time was up."""
    words = (*profile.wrap, *step)
    with log.open("ab") as stream:
        stream.write(f"$ {program(words)}\n".encode())
        stream.flush()
        try:
            process = subprocess.Popen(
                words,
                cwd=tree,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError):
            hint = f"install {words[0]}, or name other steps in [profiles.{profile.name}] of .coord.toml"
            return CouldNotRun(f"{words[0]}: program not found", hint)
        except OSError as error:
            return CouldNotRun(
                f"{words[0]}: {error.strerror}", "a script needs a first line such as #!/bin/sh"
            )
        try:
            return process.wait(profile.timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end_group(process)


def _is_of_the_tree(step: tuple[str, ...], profile: Profile) -> bool:
    """Say whether a step's program is a file of the tree (``./gradlew``), so that a branch can have taken it away."""
    return not profile.wrap and "/" in step[0] and not step[0].startswith("/")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what a step left behind: its whole process group, first asked, then killed."""
    for number, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 0.0)):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience or None)
    process.wait()


def _why(log: Path, ended: int | None, profile: Profile) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 65536))
        text = stream.read().decode("utf-8", "replace")
    if ended is None:
        text += f"\n[coord] the step was ended: it took longer than {profile.timeout:g} s"
    elif ended < 0:
        text += f"\n[coord] the step was ended by signal {-ended}"
    return tail(text)


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
    private = parent / f"coord-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if private.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise CoordError(
            f"{private} does not belong to you alone, so gates cannot work there",
            hint="name another folder: git config coord.gateFolder DIR",
        )
    return private / f"{name}-{digest}"


@contextlib.contextmanager
def _slot(folder: Path) -> Iterator[Path]:
    """Lend a gate folder that no other coordinator on this machine is using; the lock ends with the process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(64):
        slot = folder / str(number)
        slot.mkdir(exist_ok=True)
        with (slot / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield slot
            return
    raise OSError(errno.EBUSY, "64 gates are at work already")


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
    return _real("RUSTUP_HOME", ".rustup")


def _real(variable: str, name: str) -> Path:
    """Return the folder of a Rust tool: its variable, else below HOME, else below the user's real home."""
    if os.environ.get(variable):
        return Path(os.environ[variable])
    homes = [Path(os.environ["HOME"])] if os.environ.get("HOME") else []
    homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return next((home / name for home in homes if (home / name).is_dir()), homes[-1] / name)


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


def _os_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk"
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


# -- evidence ----------------------------------------------------------------------------------------------------


def evidence_key(subject: Subject, profile: Profile, environment: Mapping[str, str]) -> str:
    """Return the key of what was judged: what the folder holds, the commands, the toolchain's versions.

    With ``git = true`` the build can see the commit, so the key is the commit's.
    """
    digest = hashlib.sha256()
    parts = [f"coord evidence {EVIDENCE_VERSION}", json.dumps([profile.steps, profile.wrap, profile.keep])]
    parts += [_version_of(command, environment) for command in profile.toolchain]
    parts += [_program_file(words[0], environment) for words in (profile.wrap, *profile.steps) if words]
    if profile.git:
        parts.append(subject.commit)
    for part in parts:
        digest.update(part.encode() + b"\0")
    for file in subject.files:
        digest.update(f"{file.mode} {file.oid} {file.path}".encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _program_file(name: str, environment: Mapping[str, str]) -> str:
    """Return what tells one installation of a program from the next, without running it."""
    found = shutil.which(name, path=environment["PATH"]) if "/" not in name else None
    if found is None:
        return name
    status = Path(found).stat()
    return f"{Path(found).resolve()} {status.st_size} {status.st_mtime_ns}"


_versions: dict[tuple[str, ...], str] = {}


def _version_of(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """Return what a toolchain says of its version, asked once a run."""
    known = (*command, environment["PATH"])
    if known not in _versions:
        try:
            answer = subprocess.run(
                command, env=dict(environment), capture_output=True, text=True, timeout=60, check=False,
                cwd=environment["HOME"],
            )  # fmt: skip
            _versions[known] = answer.stdout
        except (OSError, subprocess.TimeoutExpired):
            _versions[known] = "absent"
    return _versions[known]


def forget_versions() -> None:
    """Ask the toolchains again: a run that follows another may find them upgraded."""
    _versions.clear()


def _is_known(state: Path, key: str) -> bool:
    return (state / "evidence" / key).is_file()


def _remember(state: Path, key: str, subject: Subject, profile: Profile) -> None:
    folder = state / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{key}.{os.getpid()}"
    scratch.write_text(
        json.dumps({"commit": subject.commit, "subject": subject.name, "profile": profile.name})
    )
    scratch.replace(folder / key)


def _new_log(state: Path, name: str) -> Path:
    folder = state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"), key=lambda log: log.stat().st_mtime)[:-50]:
        old.unlink(missing_ok=True)
    log = folder / (re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80] + ".log")
    log.write_bytes(b"")
    return log


def forget(folder: Path) -> None:
    """Remove the gate's folders of a repository: a cache, made again when it is needed."""
    shutil.rmtree(folder, ignore_errors=True)
