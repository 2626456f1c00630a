"""Files that git ignores and that a worktree needs all the same: what ``.worktreeinclude`` names is copied.

Links are never followed: neither in the main checkout, where one may lead out of it, nor in the new worktree, where
the branch may have put one in a folder's place.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from coord.core.text import one_line
from coord.core.worktrees import leaves_root
from coord.git import Git

INCLUDE = ".worktreeinclude"


def copy_included(root: Path, worktree: Path, say: Callable[[str], None]) -> tuple[str, ...]:
    """Copy the ignored files of the main checkout that its ``.worktreeinclude`` names, and return their paths.

    The file holds patterns as .gitignore does. What is there already is left as it is; what cannot be copied is said.
    """
    include = root / INCLUDE
    if include.is_symlink() or not include.is_file():
        return ()
    copied = []
    for path in _included(root, include):
        try:
            if _copy(root, worktree, path):
                copied.append(path)
        except OSError as error:
            say(f"not copied: {one_line(path)}: {error.strerror}")
    return tuple(copied)


def _included(root: Path, include: Path) -> list[str]:
    """Return the files that are ignored and named, sorted; git itself reads the patterns."""
    git = Git(root)
    named = git.run("ls-files", "-z", "--others", "--ignored", f"--exclude-from={include}").text
    files = [f"./{path}\0" for path in named.split("\0") if path and not path.endswith("/")]
    if not files:
        return []
    # check-ignore knows no literal paths: the ./ keeps one that begins with a colon from being taken for magic.
    asked = os.fsencode("".join(files))
    env = {"GIT_LITERAL_PATHSPECS": "0"}
    ignored = git.run("check-ignore", "-z", "--stdin", data=asked, ok=(0, 1), env=env).text
    return sorted(path.removeprefix("./") for path in ignored.split("\0") if path)


def _copy(root: Path, worktree: Path, path: str) -> bool:
    """Copy one file and say whether it was; raises OSError when a link leads elsewhere."""
    source, target = root / path, worktree / path
    _refuse_links(root, path)
    _refuse_links(worktree, path)
    if os.path.lexists(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        _copy_link(root, source, target)
    else:
        _copy_file(source, target)
    return True


def _refuse_links(root: Path, path: str) -> None:
    """Refuse a path that goes through a link below ``root``."""
    place = root
    for part in path.split("/")[:-1]:
        place /= part
        if place.is_symlink():
            raise OSError(errno.ELOOP, f"{one_line(str(place.relative_to(root)))} is a link")


def _copy_link(root: Path, source: Path, target: Path) -> None:
    """Make the same link, if it is relative and stays inside: in the new worktree it means what it meant here."""
    leads_to = str(source.readlink())
    written = f"{source.parent.relative_to(root)}/{leads_to}"
    if (
        leads_to.startswith("/")
        or leaves_root(written)
        or not source.resolve().is_relative_to(root.resolve())
    ):
        raise OSError(errno.ELOOP, "it is a link that leads out of the checkout")
    target.symlink_to(leads_to)


def _copy_file(source: Path, target: Path) -> None:
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as read:
        status = os.fstat(read.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(made, "wb") as write:
            shutil.copyfileobj(read, write)
            os.fchmod(write.fileno(), stat.S_IMODE(status.st_mode) & 0o777)
