"""The bare repository under the fake: what GitHub knows from git is read from git."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """A commit as the API tells it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


class Bare:
    """Reads (and, for DELETE of a ref, writes) one bare repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *args: str) -> str | None:
        """Return what git says, or None when it fails."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        answer = subprocess.run(
            ["git", "--git-dir", str(self.path), *args], capture_output=True, text=True, env=environ
        )
        return answer.stdout.rstrip("\n") if answer.returncode == 0 else None

    def commit_of(self, name: str) -> str | None:
        """Return the commit that a sha, branch or tag names, in GitHub's order."""
        for full in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{full}^{{commit}}")
            if found:
                return found
        return None

    def ref(self, name: str) -> str | None:
        """Return the object of a full ref name."""
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", name)

    def branches(self) -> list[tuple[str, str]]:
        """Return the branches and their tips, by name."""
        text = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/") or ""
        return [(name, sha) for name, _, sha in (line.partition(" ") for line in text.splitlines())]

    def contains(self, tip: str, commit: str) -> bool:
        """Say whether a commit is reachable from a tip."""
        return self.git("merge-base", "--is-ancestor", commit, tip) is not None

    def between(self, base: str, head: str) -> list[str]:
        """Return the commits of head that base has not, oldest first."""
        return (self.git("rev-list", "--reverse", f"{base}..{head}") or "").split()

    def merge_base(self, base: str, head: str) -> str | None:
        return self.git("merge-base", base, head)

    def changed(self, before: str, after: str) -> list[tuple[str, str]]:
        """Return (letter, path) of the files that differ."""
        text = self.git("diff-tree", "-r", "-z", "--no-renames", "--name-status", before, after) or ""
        words = text.rstrip("\0").split("\0")
        return list(zip(words[::2], words[1::2], strict=True)) if text else []

    def file(self, commit: str, path: str) -> str | None:
        """Return a file's text at a commit."""
        return self.git("cat-file", "blob", f"{commit}:{path}")

    def delete(self, ref: str, old: str) -> bool:
        return self.git("update-ref", "-d", ref, old) is not None

    def commit(self, sha: str) -> Commit:
        """Return a commit's parts."""
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        text = self.git("show", "--no-patch", f"--format={form}", sha) or ""
        sha, tree, parents, an, ae, ad, cn, ce, cd, message = text.split("\0", 9)
        return Commit(sha, tree, tuple(parents.split()), (an, ae, ad), (cn, ce, cd), message.rstrip("\n"))
