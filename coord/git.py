"""The only door to git: typed verbs over one runner.

GitPython's ``Git`` command object starts the processes (argument lists, exit codes read); its object model is not
used. Two runners exist. The *engine* inherits nothing of ``GIT_*`` but what is needed to reach the remote; the
*hook* keeps what git gave for this repository (``GIT_DIR``, ``GIT_INDEX_FILE``, the quarantine variables), without
which it would judge another index or not see the pushed objects.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from typing import TYPE_CHECKING, Any, NamedTuple

from coord.catfile import ObjectReader
from coord.core.answer import (
    Conflicted,
    Merged,
    Pushed,
    RefUpdate,
    Rejected,
    Stale,
    Unanswered,
    is_contended,
    lock_in,
    read_conflicts,
    read_push,
    words,
)
from coord.core.objects import Commit, GitObject, make_pack
from coord.core.trial import ConflictPath
from coord.errors import GitError, MalformedError, RefusedError
from coord.quickgit import ENGINE_ENVIRONMENT as _ENGINE_ENVIRONMENT
from coord.quickgit import TRANSPORT as _TRANSPORT

if TYPE_CHECKING:
    from git.cmd import Git as Command

MINIMUM = (2, 39)
ABSENT = "0" * 40

#: Seconds that a fetch or a push may take; ``git config coord.patience`` names another number.
PATIENCE = 1800.0

#: How often a fetch is asked for while another git moves the same refs.
_FETCHES = 10
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

#: A merge reads nothing of this machine's configuration, so that a trial is the same everywhere.
_MERGE_CONFIG = (
    "core.attributesFile=/dev/null", "merge.renames=true", "merge.renameLimit=7000",
    "merge.directoryRenames=conflict", "merge.conflictStyle=merge", "merge.renormalize=false",
    "diff.algorithm=histogram", "diff.renames=true", "diff.renameLimit=7000",
)  # fmt: skip
_MERGE_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_INDEX_FILE": "/dev/null/none",
}


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


class Ref(NamedTuple):
    """A ref: full name, the object it names, what it points at when it is symbolic, and whether that is a commit."""

    name: str
    oid: str
    symref: str = ""
    is_commit: bool = True


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


class Git:
    """git in one folder."""

    def __init__(self, folder: Path, *, hook: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._hook = hook
        self._reader: ObjectReader | None = None
        self._staged: list[GitObject] = []
        self._chain: tuple[Commit, ...] = ()
        self.patience = PATIENCE
        #: Gives a child that asks the remote the environment that proves who we are.
        self.authorization: Callable[[], Mapping[str, str]] | None = None

    def twin(self) -> Git:
        """Return another runner in the same folder, for another thread."""
        twin = Git(self.folder, hook=self._hook)
        twin.patience = self.patience
        twin.authorization = self.authorization
        return twin

    # -- the runner ----------------------------------------------------------------------------------------------

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
        _raise_when_full(answer, args[0])
        said = answer.err.strip().splitlines()
        raise GitError(
            f"git {args[0]} failed ({answer.code}): {said[-1] if said else 'no message'}",
            hint=f"run it by hand to see more: git -C {self.folder} {' '.join(args[:6])}",
        )

    # -- questions -----------------------------------------------------------------------------------------------

    def version(self) -> tuple[int, int]:
        """Return git's version as (major, minor)."""
        match = re.search(r"(\d+)\.(\d+)", self.run("version").line)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def config(self, pattern: str) -> dict[str, str]:
        """Return the configuration keys that match a regular expression (keys in git's lower case)."""
        answer = self.run("config", "-z", "--show-scope", "--get-regexp", pattern, ok=(0, 1))
        fields = answer.text.split("\0")
        # What the engine itself sets (core.hooksPath=/dev/null) is no setting of this repository.
        set_here = (
            item for scope, item in zip(fields[::2], fields[1::2], strict=False) if scope != "command"
        )
        return {key: value for key, _, value in (item.partition("\n") for item in set_here)}

    def refs(self, *patterns: str) -> tuple[Ref, ...]:
        """Return the refs under the given full names, sorted by name."""
        form = "--format=%(objectname) %(objecttype) %(refname) %(symref)"
        answer = self.run("for-each-ref", form, "--", *patterns)
        rows = (line.split(" ") for line in answer.text.splitlines())
        return tuple(Ref(name, oid, symref, kind == "commit") for oid, kind, name, symref in rows)

    def contained_heads(self, commit: str) -> tuple[Ref, ...]:
        """Return the local branches whose tips ``commit`` contains."""
        answer = self.run(
            "for-each-ref", "--format=%(objectname) %(refname)", f"--merged={commit}", "refs/heads/"
        )
        return tuple(Ref(name, oid) for oid, name in (line.split(" ") for line in answer.text.splitlines()))

    def resolve(self, name: str) -> str | None:
        """Return the commit that ``name`` means, or None."""
        answer = self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128)
        )
        return answer.line if answer.code == 0 else None

    def configure(self, key: str, value: str) -> None:
        """Set a key in this repository's own configuration."""
        self.run("config", "--local", key, value)

    def head(self) -> str | None:
        """Return the full name of the ref that HEAD is on, or None when it is detached."""
        answer = self.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
        return answer.line or None

    def unlanded(self, tips: Iterable[str], main: str) -> dict[str, tuple[str, ...]]:
        """Return every commit that ``tips`` hold and ``main`` does not, with its parents."""
        lines = "".join(f"{tip}\n" for tip in sorted(set(tips))) + f"^{main}\n"
        answer = self.run("rev-list", "--parents", "--stdin", data=lines.encode())
        rows = (line.split(" ") for line in answer.text.splitlines())
        return {row[0]: tuple(row[1:]) for row in rows}

    def first_parents(self, tip: str) -> tuple[Commit, ...]:
        """Return the commits on the first-parent chain of ``tip``, newest first (their trees are left empty).

        What this process has read before is not read again: only what is new on top of it.
        """
        known = self._chain
        if known and known[0].oid == tip:
            return known
        fresh = self._first_parents(tip, (f"^{known[0].oid}",) if known else ())
        if known and fresh and fresh[-1].parents[:1] == (known[0].oid,):
            self._chain = (*fresh, *known)
        else:
            self._chain = self._first_parents(tip, ()) if known else fresh
        return self._chain

    def _first_parents(self, tip: str, without: tuple[str, ...]) -> tuple[Commit, ...]:
        answer = self.run(
            "log",
            "--first-parent",
            "-z",
            "--encoding=UTF-8",
            "--format=%H%n%P%n%an <%ae>%n%ad%n%ct%n%B",
            "--date=raw",
            "--no-show-signature",
            "--end-of-options",
            tip,
            *without,
        )
        commits = []
        for record in answer.out.decode("utf-8", "replace").split("\0"):
            if record:
                oid, parents, author, date, committed, message = record.split("\n", 5)
                commits.append(Commit(oid, "", tuple(parents.split()), author, date, int(committed), message))
        return tuple(commits)

    def mentioning(self, words: str, tip: str) -> tuple[tuple[str, str], ...]:
        """Return (id, message) of every commit below ``tip`` whose message holds ``words``, newest first."""
        answer = self.run(
            "log",
            "-F",
            f"--grep={words}",
            "-z",
            "--encoding=UTF-8",
            "--format=%H%n%B",
            "--end-of-options",
            tip,
        )
        records = answer.out.decode("utf-8", "replace").split("\0")
        return tuple(
            (oid, message) for oid, _, message in (record.partition("\n") for record in records if record)
        )

    def those_mentioning(self, words: str, commits: Iterable[str]) -> frozenset[str]:
        """Return those of the commits whose messages hold ``words``, in one process for any number."""
        lines = "".join(f"{oid}\n" for oid in commits)
        if not lines:
            return frozenset()
        answer = self.run(
            "log",
            "--no-walk=unsorted",
            "-F",
            f"--grep={words}",
            "--format=%H",
            "--stdin",
            data=lines.encode(),
        )
        return frozenset(answer.text.split())

    def landings_of(self, old: str, new: str, paths: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return (commit, task id) of the landings in ``old..new`` that changed one of ``paths``, oldest first."""
        answer = self.run(
            "log",
            "--first-parent",
            "--reverse",
            "-z",
            "--format=%H %(trailers:key=Coord-Task,valueonly,separator=%x20)",
            "--end-of-options",
            f"{old}..{new}",
            "--",
            *paths,
        )
        records = answer.out.decode("utf-8", "replace").split("\0")
        rows = (record.strip().partition(" ") for record in records)
        return tuple((commit, task.strip()) for commit, _, task in rows if task.strip())

    def changed_by(self, steps: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
        """Return the paths that each of (commit, parent) changed against that parent, in one process for any number."""
        lines = "".join(f"{commit} {parent}\n" for commit, parent in steps)
        if not lines:
            return {}
        # --raw tells ids from paths: a path may look like an id, but none follows an id without its modes.
        answer = self.run(
            "diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--no-ext-diff", data=lines.encode()
        )
        found: dict[str, set[str]] = {}
        paths = set[str]()
        fields = iter(answer.text.split("\0"))
        for field in fields:
            if field.startswith(":"):
                paths.add(next(fields))
            elif field:
                paths = found[field] = set()
        return {commit: frozenset(paths) for commit, paths in found.items()}

    def newest_first(self, commits: Iterable[str]) -> tuple[str, ...]:
        """Return commits so that none comes before one that contains it, in two processes for any number."""
        wanted = sorted(commits)
        ground = self.run("merge-base", "--octopus", *wanted, ok=(0, 1)).text.split()
        lines = "".join(f"{oid}\n" for oid in wanted) + "".join(f"^{oid}^@\n" for oid in ground)
        listed = self.run("rev-list", "--topo-order", "--stdin", data=lines.encode()).text.split()
        return tuple(oid for oid in listed if oid in frozenset(wanted))

    def rev_list(self, *args: str) -> tuple[str, ...]:
        """Return the commits of ``git rev-list args``."""
        return tuple(self.run("rev-list", *args, "--").text.split())

    def is_ancestor(self, old: str, new: str) -> bool:
        """Say whether ``new`` contains ``old``."""
        return self.run("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0

    def merge_base(self, one: str, two: str) -> str | None:
        """Return a best common ancestor, or None when the histories are unrelated."""
        answer = self.run("merge-base", one, two, ok=(0, 1))
        return answer.line or None

    def merge_bases(self, one: str, *others: str) -> tuple[str, ...]:
        """Return all best common ancestors of ``one`` and a merge of ``others`` (made or still to be made)."""
        return tuple(self.run("merge-base", "--all", one, *others, ok=(0, 1)).text.split())

    def staged(self, folder: str, commit: str) -> frozenset[str]:
        """Return the paths under ``folder`` where the index differs from ``commit``."""
        return self._differing("--cached", commit, "--", folder)

    def changed(self, folder: str, old: str, new: str) -> frozenset[str]:
        """Return the paths under ``folder`` where two commits differ."""
        return self._differing(old, new, "--", folder)

    def _differing(self, *args: str) -> frozenset[str]:
        """A rename counts as both its paths, so that moving a file out of a folder is a change of the folder."""
        answer = self.run(
            "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-relative",
            *args, env={"GIT_LITERAL_PATHSPECS": "1"},
        )  # fmt: skip
        return frozenset(path for path in answer.text.split("\0") if path)

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

    @cached_property
    def _common(self) -> tuple[Path, str]:
        """Return the git directory that all worktrees share, and the repository's object format."""
        answer = self.run("rev-parse", "--path-format=absolute", "--git-common-dir", "--show-object-format")
        common, algorithm = answer.text.splitlines()
        return Path(common), algorithm

    def _neutral_ground(self) -> dict[str, str]:
        """Return the environment of a bare repository of its own that sees this one's objects and nothing else of it.

        ``info/attributes``, the checkout's ``.gitattributes``, ``merge.default`` and merge drivers would each make the
        same merge another one on this machine. The folder is a cache: made again when it is missing.
        """
        common, algorithm = self._common
        ground = common / "coord" / "merge.git"
        if not (ground / "HEAD").is_file():
            for folder in ("objects", "refs"):
                (ground / folder).mkdir(parents=True, exist_ok=True)
            settings = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
            settings += f"[extensions]\n\tobjectformat = {algorithm}\n"
            _put(ground / "config", settings + self._promisor())
            _put(ground / "HEAD", "ref: refs/heads/none\n")
        return {
            "GIT_DIR": str(ground),
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
            "GIT_SHALLOW_FILE": str(common / "shallow"),
        }

    def _promisor(self) -> str:
        """Return the settings with which a partial clone finds the objects that it left with its remote."""
        found = self.config(r"^remote\..*\.(url|promisor)$")
        lines = ""
        for key, value in found.items():
            remote = key.removesuffix(".promisor").removeprefix("remote.")
            if key.endswith(".promisor") and value == "true":
                url = found.get(f"remote.{remote}.url", "").replace("\\", "\\\\").replace('"', '\\"')
                lines += f'[remote "{remote}"]\n\turl = "{url}"\n\tpromisor = true\n'
        return lines

    def merge(self, base: str, tip: str) -> Merged | Conflicted:
        """Merge two commits without a working copy; attributes and configuration of this machine take no part."""
        answer = self.run(
            "merge-tree",
            "--write-tree",
            "-z",
            "--messages",
            "--end-of-options",
            base,
            tip,
            ok=(0, 1, 128, -signal.SIGABRT),
            config=_MERGE_CONFIG,
            env={**_MERGE_ENVIRONMENT, **self._neutral_ground()},
        )
        if answer.code == 0:
            return Merged(answer.text.split("\0", 1)[0])
        if answer.code == 1 and answer.out:
            return read_conflicts(answer.text, base, tip)
        _raise_when_full(answer, "merge-tree")
        if "unrelated histories" in answer.err:
            return Conflicted((ConflictPath(".", "unrelated histories"),))
        if answer.code == -signal.SIGABRT:
            # An entry with a slash in its name, made by hand, trips an assertion of git's.
            raise MalformedError(f"git cannot merge it: {words(answer.err)}")
        raise GitError(
            f"git merge-tree failed: {answer.err.strip()}",
            hint="is this a partial clone? use a full one; git fsck shows whether objects are missing",
        )

    def aside(self, scratch: Path, *args: str, data: bytes = b"", ok: tuple[int, ...] = (0,)) -> Answer:
        """Run git where ``merge`` does and with its settings; new objects go to ``scratch`` and nowhere else.

        ``scratch`` is an object folder that the caller made and removes; it sees the repository's objects.
        """
        alternates = scratch / "info" / "alternates"
        if not alternates.exists():
            alternates.parent.mkdir(parents=True, exist_ok=True)
            alternates.write_bytes(os.fsencode(self._common[0] / "objects") + b"\n")
        own = {"GIT_OBJECT_DIRECTORY": str(scratch), "GIT_INDEX_FILE": str(scratch / "none")}
        env = {**_MERGE_ENVIRONMENT, **self._neutral_ground(), **own}
        answer = self.run(*args, data=data, ok=ok, config=_MERGE_CONFIG, env=env)
        _raise_when_full(answer, args[0])
        return answer

    # -- the remote ----------------------------------------------------------------------------------------------

    def fetch(self, remote: str, refspecs: Sequence[str]) -> None:
        """Bring the remote's refs here and drop those it no longer has. Raises RefusedError with git's words.

        Another git that fetches into the same repository moves the same refs: whoever comes second is refused, and has
        only to ask again.
        """
        answer = self._fetch(remote, refspecs)
        for attempt in range(1, _FETCHES):
            if answer.code == 0 or not is_contended(answer.err):
                break
            time.sleep(0.05 * attempt)
            answer = self._fetch(remote, refspecs)
        if answer.code != 0:
            _raise_when_full(answer, "fetch")
            lock = lock_in(answer.err)
            raise RefusedError(
                f"cannot fetch from {remote}: {words(answer.err)}",
                hint=f"a killed git left it: if no git is running here, rm {lock}"
                if lock
                else f"check that 'git fetch {remote}' works here, then run it again",
            )

    def _fetch(self, remote: str, refspecs: Sequence[str]) -> Answer:
        return self.run(
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--end-of-options",
            remote,
            *refspecs,
            ok=(0, 1, 128),
        )

    def remote_refs(self, remote: str, names: Sequence[str]) -> dict[str, str]:
        """Return what the remote's refs name now. Raises RefusedError when it cannot be asked."""
        answer = self.run("ls-remote", "--quiet", "--end-of-options", remote, *names, ok=(0, 2, 128))
        if answer.code == 128:
            raise RefusedError(
                f"the push got no answer, and {remote} cannot be asked: {words(answer.err)}",
                hint="run it again when the remote is back: it sees what was taken and goes on",
            )
        rows = (line.split("\t", 1) for line in answer.text.splitlines())
        return {name: oid for oid, name in rows}

    def remote_state(self, remote: str) -> str:
        """Return the remote's branches and coord's refs as one text, to see whether anything moved."""
        answer = self.run("ls-remote", "--quiet", remote, "refs/heads/*", "refs/coord/*", ok=(0, 1, 2, 128))
        if answer.code == 128:
            raise RefusedError(
                f"cannot reach {remote}: {words(answer.err)}",
                hint=f"check that 'git fetch {remote}' works here, then run it again",
            )
        return answer.text

    def push(self, remote: str, updates: Sequence[RefUpdate]) -> Pushed | Stale | Rejected | Unanswered:
        """Push all updates in one atomic push, each under a lease on its old value."""
        leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
        refspecs = [f"{update.new or ''}:{update.ref}" for update in updates]
        answer = self.run(
            "push",
            "--porcelain",
            "--atomic",
            "--no-verify",
            *leases,
            "--end-of-options",
            remote,
            *refspecs,
            ok=(0, 1, 128),
        )
        return read_push(answer.code, answer.text, answer.err)

    def update_refs(self, updates: Sequence[RefUpdate]) -> Pushed | Stale:
        """Move refs of this repository in one transaction, each only from its old value.

        Without an old value (None) a ref must not exist; an empty one stands for any.
        """
        lines = "".join(
            f"update {u.ref}\0{u.new or _absent(u)}\0{_absent(u) if u.old is None else u.old}\0"
            for u in updates
        )
        answer = self.run("update-ref", "-z", "--no-deref", "--stdin", data=lines.encode(), ok=(0, 1, 128))
        _raise_when_full(answer, "update-ref")
        return Pushed() if answer.code == 0 else Stale(words(answer.err), lock_in(answer.err))


def _raise_when_full(answer: Answer, verb: str) -> None:
    if any(words in answer.err for words in ("No space left on device", "Disk quota exceeded")):
        raise GitError(
            f"git {verb}: no space left on the disk",
            hint="make room, then run it again: nothing was published",
        )


def _put(path: Path, text: str) -> None:
    """Write a file that another coordinator may be writing or reading at the same time."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def _absent(update: RefUpdate) -> str:
    """Return what stands for no object, as long as the repository's ids are."""
    return "0" * len(update.new or update.old or ABSENT)
