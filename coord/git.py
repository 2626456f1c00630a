"""The only door to git: typed verbs over one runner (``coord.gitrunner``), questions about commits beside them."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from coord.ancestry import Ancestry
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
from coord.core.objects import Commit
from coord.core.trial import ConflictPath
from coord.errors import GitError, MalformedError, RefusedError
from coord.gitrunner import Answer, Runner, raise_when_full

MINIMUM = (2, 39)
ABSENT = "0" * 40

#: How often a fetch is asked for while another git moves the same refs.
_FETCHES = 10

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


class Ref(NamedTuple):
    """A ref: full name, the object it names, what it points at when it is symbolic, and whether that is a commit."""

    name: str
    oid: str
    symref: str = ""
    is_commit: bool = True


class Git(Runner):
    """git in one folder."""

    def __init__(self, folder: Path, *, hook: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, hook=hook)
        self._chain: tuple[Commit, ...] = ()

    def twin(self) -> Git:
        """Return another runner in the same folder, for another thread."""
        twin = Git(self.folder, hook=self._hook)
        twin.patience = self.patience
        twin.authorization = self.authorization
        return twin

    @property
    def ancestry(self) -> Ancestry:
        """Return the questions about commits; kept here, they would keep this runner and its processes alive."""
        return Ancestry(self)

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

    # -- merges --------------------------------------------------------------------------------------------------

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
        raise_when_full(answer, "merge-tree")
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
        raise_when_full(answer, args[0])
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
            raise_when_full(answer, "fetch")
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
        raise_when_full(answer, "update-ref")
        return Pushed() if answer.code == 0 else Stale(words(answer.err), lock_in(answer.err))


def _put(path: Path, text: str) -> None:
    """Write a file that another coordinator may be writing or reading at the same time."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def _absent(update: RefUpdate) -> str:
    """Return what stands for no object, as long as the repository's ids are."""
    return "0" * len(update.new or update.old or ABSENT)
