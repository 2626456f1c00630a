"""The runner below ``coord.git``: git's processes in one folder, their settings, environment and patience.

GitPython's ``Git`` command object starts the processes (argument lists, exit codes read); its object model is not
used. Two runners exist. The *engine* inherits nothing of ``GIT_*`` but what is needed to reach the remote; the
*hook* keeps what git gave for this repository (``GIT_DIR``, ``GIT_INDEX_FILE``, the quarantine variables), without
which it would judge another index or not see the pushed objects.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from typing import TYPE_CHECKING, Any, NamedTuple

from coord.catfile import ObjectReader
from coord.core.answer import words
from coord.core.objects import GitObject, make_pack
from coord.errors import GitError, MalformedError, RefusedError
from coord.quickgit import ENGINE_ENVIRONMENT as _ENGINE_ENVIRONMENT
from coord.quickgit import TRANSPORT as _TRANSPORT

if TYPE_CHECKING:
    from git.cmd import Git as Command

#: Seconds that a fetch or a push may take; ``git config coord.patience`` names another number.
PATIENCE = 1800.0

_REMOTE_VERBS = ("fetch", "push", "ls-remote")

#: What needs no object that was only staged so far: it brings others here, or stores the staged ones.
_READ_ALONE = ("unpack-objects", "cat-file", "fetch", "for-each-ref", "config", "rev-parse")

#: No hook, no background process, no prompt and no replaced object takes part in what the engine does.
_ENGINE_CONFIG = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.quotePath=false", "core.commitGraph=true",
    "gc.auto=0", "maintenance.auto=false", "fetch.writeCommitGraph=false", "submodule.recurse=false",
    "push.followTags=false", "push.gpgSign=false", "push.recurseSubmodules=no", "push.pushOption=", "log.showSignature=false",
    "color.ui=false", "protocol.ext.allow=never",
)  # fmt: skip


class Answer(NamedTuple):
    """What a git process left: its exit code, its output, its complaints."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def line(self) -> str:
        return self.text.rstrip("\n")


def drop_inherited() -> dict[str, str]:
    """Take every ``GIT_*`` out of this process's environment and return what was there.

    Called once at the start of a command: an engine that runs inside a hook, or in a shell with ``GIT_DIR`` set, must
    not work on another repository than the one it was pointed at. The hook's runner puts its own back.
    """
    taken = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    for name in taken:
        if name not in _TRANSPORT:
            del os.environ[name]
    return taken


class Runner:
    """Runs git in one folder, and stores what was staged before a process that could need it starts."""

    def __init__(self, folder: Path, *, hook: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._hook = hook
        self._reader: ObjectReader | None = None
        self._staged: list[GitObject] = []
        self.patience = PATIENCE
        #: Gives a child that asks the remote the environment that proves who we are.
        self.authorization: Callable[[], Mapping[str, str]] | None = None

    @cached_property
    def _command(self) -> Command:
        from git.cmd import Git as Command

        return Command(str(self.folder))

    def _start(self, args: Sequence[str], config: Sequence[str], env: Mapping[str, str]) -> Any:
        if self._staged and args[0] not in _READ_ALONE:
            self.flush()
        words = ["git"]
        if self._hook is None:
            environment = {**_ENGINE_ENVIRONMENT, **env}
            config = (*_ENGINE_CONFIG, *config)
        else:
            environment = {**self._hook, "GIT_OPTIONAL_LOCKS": "0", **env}
        for setting in config:
            words += ["-c", setting]
        command = self._command
        from git.exc import GitCommandNotFound

        # A worktree may be removed between two questions, and GitPython would then ask in the process's own folder.
        if not os.access(self.folder, os.X_OK):
            raise GitError(f"{self.folder} is gone", hint="run it again")
        try:
            return command.execute([*words, *args], as_process=True, istream=PIPE, env=environment)
        except GitCommandNotFound:
            if os.access(self.folder, os.X_OK):
                raise
            raise GitError(f"{self.folder} is gone", hint="run it again") from None

    def run(
        self,
        *args: str,
        data: bytes = b"",
        ok: tuple[int, ...] = (0,),
        config: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run git once and return its answer; an exit code that is not in ``ok`` raises GitError."""
        if self.authorization and args[0] in _REMOTE_VERBS:
            env = {**(env or {}), **self.authorization()}
        process = self._start(args, config, env or {})
        try:
            out, err = process.communicate(data, timeout=self.patience if args[0] in _REMOTE_VERBS else None)
        except TimeoutExpired:
            process.kill()
            process.communicate()
            raise RefusedError(
                f"git {args[0]} got no answer from the remote within {self.patience:g} s",
                hint="run it again when the remote answers; to wait longer: git config coord.patience SECONDS",
            ) from None
        answer = Answer(process.returncode, out, err.decode("utf-8", "replace"))
        self._expect(answer, args, ok)
        return answer

    def _expect(self, answer: Answer, args: Sequence[str], ok: tuple[int, ...]) -> None:
        if answer.code in ok:
            return
        raise_when_full(answer, args[0])
        said = answer.err.strip().splitlines()
        raise GitError(
            f"git {args[0]} failed ({answer.code}): {said[-1] if said else 'no message'}",
            hint=f"run it by hand to see more: git -C {self.folder} {' '.join(args[:6])}",
        )

    # -- objects -------------------------------------------------------------------------------------------------

    @property
    def objects(self) -> ObjectReader:
        """Return the reader of this repository's objects (one process, started on first use)."""
        if self._reader is None:
            self._reader = ObjectReader(self._start(("cat-file", "--batch"), (), {}))
        return self._reader

    def stage(self, objects: Iterable[GitObject]) -> None:
        """Keep objects in memory, where ``objects`` finds them; they are stored before the next git process that could
        need them starts, all in one process."""
        made = tuple(objects)
        self.objects.remember(made)
        self._staged += made

    def flush(self) -> None:
        """Store what was staged."""
        staged, self._staged = self._staged, []
        self.write(staged)

    def write(self, objects: Iterable[GitObject]) -> None:
        """Store objects in the object database, all in one process; git checks each as it unpacks."""
        if self._staged:
            self.flush()  # these may stand on what was only staged
        objects = tuple(objects)
        if objects:
            algorithm = "sha1" if len(objects[0].oid) == 40 else "sha256"
            answer = self.run(
                "unpack-objects", "-q", "--strict", data=make_pack(objects, algorithm), ok=(0, 128)
            )
            if answer.code != 0 and "fsck error" in answer.err:
                raise MalformedError(f"git refuses it: {words(answer.err)}")
            self._expect(answer, ("unpack-objects",), (0,))


def raise_when_full(answer: Answer, verb: str) -> None:
    """Raise GitError when git says that the disk is full."""
    if any(words in answer.err for words in ("No space left on device", "Disk quota exceeded")):
        raise GitError(
            f"git {verb}: no space left on the disk",
            hint="make room, then run it again: nothing was published",
        )
