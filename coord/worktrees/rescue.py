"""Saving what would be lost: work and tips that main does not contain are kept under ``refs/coord/rescue``."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from coord.core.answer import RefUpdate, Stale
from coord.errors import CoordError
from coord.git import Git
from coord.workspace import Workspace

#: Local, and never fetched: nobody else takes anything from here.
RESCUE = "refs/coord/rescue/"

#: A repository in a repository is stored as a link only: who calls has made sure that there is none.
_ADD = ("advice.addEmbeddedRepo=false", "core.safecrlf=false")


def keep(workspace: Workspace, branch: str, commit: str) -> str:
    """Keep a commit under ``refs/coord/rescue/<branch>/<short id>`` and return that ref."""
    ref = f"{RESCUE}{branch or 'detached'}/{commit[:10]}"
    if isinstance(workspace.git.update_refs([RefUpdate(ref, "", commit)]), Stale):
        raise CoordError(
            f"{ref} cannot be written: nothing was removed", hint="git for-each-ref refs/coord/rescue"
        )
    return ref


def how_to_get_back(ref: str) -> str:
    """Return in words where something was saved and the command that brings it back."""
    return f"saved as {ref}; to get it back: git branch rescued/{ref.rsplit('/', 1)[-1]} {shlex.quote(ref)}"


def save_work(workspace: Workspace, folder: Path, branch: str, now: int | None = None) -> tuple[str, ...]:
    """Save what a worktree holds beside its commits and return the refs, none when there is nothing.

    What was staged becomes a commit on its HEAD, and everything that is in the folder, untracked files included and
    ignored ones not, one on top of that. Neither the index nor a file is touched. Raises CoordError when git cannot.
    """
    git = Git(folder)
    head = git.resolve("HEAD")
    with _own_index(git) as env:
        staged = git.run("write-tree", env=env, ok=(0, 128))
        everything = _whole_tree(git, env)
    tip = head
    who = _identity(workspace, now)
    for tree, words in ((staged.line if staged.code == 0 else "", "staged"), (everything, "uncommitted")):
        if tree and tree != _tree(git, tip):
            tip = _commit(git, tree, tip, f"rescue: {words} work on {branch or 'no branch'}\n", who)
    return (keep(workspace, branch, tip),) if tip is not None and tip != head else ()


def tree_of(folder: Path) -> str:
    """Return the tree of everything that is in a worktree but what is ignored."""
    git = Git(folder)
    with _own_index(git) as env:
        return _whole_tree(git, env)


def _whole_tree(git: Git, env: Mapping[str, str]) -> str:
    git.run("add", "--all", env=env, config=_ADD)
    return git.run("write-tree", env=env).line


def _tree(git: Git, commit: str | None) -> str:
    if commit is None:
        return git.run("hash-object", "-t", "tree", "--stdin").line
    return git.run("rev-parse", f"{commit}^{{tree}}").line


@contextlib.contextmanager
def _own_index(git: Git) -> Iterator[dict[str, str]]:
    """Give an environment in which git works on a copy of the index."""
    index = Path(git.run("rev-parse", "--path-format=absolute", "--git-path", "index").line)
    with tempfile.TemporaryDirectory(prefix="coord-") as scratch:
        copy = Path(scratch, "index")
        if index.is_file():
            shutil.copyfile(index, copy)
        yield {"GIT_INDEX_FILE": str(copy)}


def _commit(git: Git, tree: str, parent: str | None, text: str, who: Mapping[str, str]) -> str:
    parents = ("-p", parent) if parent else ()
    return git.run("commit-tree", "--no-gpg-sign", tree, *parents, data=text.encode(), env=who).line


def _identity(workspace: Workspace, now: int | None) -> dict[str, str]:
    identity = workspace.settings.project.identity
    said = {"NAME": identity.name, "EMAIL": identity.email} | (
        {} if now is None else {"DATE": f"{now} +0000"}
    )
    return {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in said.items()}
