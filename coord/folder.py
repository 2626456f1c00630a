"""The gate's folder: made to hold exactly a list of files, touching only what differs.

Incremental builds judge freshness by modification time, so a file that did not change keeps its time and one that did
gets the present one, never an older. The code under test may have changed anything in here: what a file was when we
wrote it (size, times, inode) is remembered outside the folder and compared; links are never followed; nothing is
written in place.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coord.core.objects import TreeFile, is_refused

#: Seconds; file times advance with the kernel's tick, at most 10 ms (CONFIG_HZ=100).
_CLOCK_GRAIN = 0.01

_SYMLINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True, slots=True)
class Materialised:
    """How many paths were written and removed to make the folder what it should be."""

    written: int
    removed: int


def materialise(
    folder: Path,
    manifest: Path,
    files: tuple[TreeFile, ...],
    keep: tuple[str, ...],
    read: Callable[[str], bytes],
) -> Materialised:
    """Make ``folder`` hold exactly ``files`` and, of what else is there, only the folders named in ``keep``.

    ``manifest`` (outside the folder) remembers what was written; ``read`` gives a blob's bytes. Raises OSError when
    the disk does not take it.
    """
    _refuse_ways_out(files)
    wanted = {file.path: file for file in files}
    folders = {parent for file in files for parent in _parents(file.path)}
    folders |= {file.path for file in files if file.mode == _SUBMODULE}
    kept = tuple(
        path for path in keep if path not in folders and wanted.keys().isdisjoint([path, *_parents(path)])
    )
    known = _load(manifest)
    make_folder(folder)
    for path in kept:
        _age(folder / path)
    current: set[str] = set()
    removed = 0
    for path, entry in _walk(folder, "", skip=frozenset(kept)):
        if path in folders and entry.is_dir(follow_symlinks=False):
            continue
        if path in wanted and known.get(path) == _fingerprint(
            wanted[path], entry.stat(follow_symlinks=False)
        ):
            current.add(path)
            continue
        if _leads_to(path, kept) and entry.is_dir(follow_symlinks=False):
            continue
        remove(folder / path)
        removed += 1
    for path in sorted(folders):
        (folder / path).mkdir(exist_ok=True)
    stale = [file for file in files if file.path not in current and file.mode != _SUBMODULE]
    seen = {path: known[path] for path in current}
    for file in stale:
        _write(folder / file.path, file, read(file.oid))
        seen[file.path] = _fingerprint(file, (folder / file.path).lstat())
    if stale:
        # A file changed within the clock's grain of our writing it would look as we left it: let one grain pass.
        time.sleep(_CLOCK_GRAIN)
    _save(manifest, seen)
    return Materialised(len(stale), removed)


def _refuse_ways_out(files: tuple[TreeFile, ...]) -> None:
    for file in files:
        if is_refused(file.path):
            raise OSError(errno.EINVAL, "git does not check such a path out", file.path)


def make_folder(folder: Path) -> None:
    """Make sure that a folder of ours is there, whatever stood in its place."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        remove(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def remove(path: Path) -> None:
    """Remove a path whatever it is and whatever rights its owner took away from it; links are not followed."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return
        path.chmod(0o700)
        for root, folders, _ in os.walk(path):
            for name in folders:
                if not Path(root, name).is_symlink():
                    Path(root, name).chmod(0o700)
        shutil.rmtree(path)
    except (OSError, RecursionError):
        _remove_hard(path)


def _remove_hard(path: Path) -> None:
    """Remove a folder deeper than Python's recursion or a path's longest length goes (rm(1) knows no such limits), and
    what root's own build has marked as unchangeable."""
    if os.geteuid() == 0 and shutil.which("chattr"):
        subprocess.run(["chattr", "-R", "-f", "-ia", "--", str(path)], capture_output=True, check=False)
    ended = subprocess.run(["rm", "-rf", "--", str(path)], capture_output=True, check=False)
    if ended.returncode != 0:
        raise OSError(errno.ENOTEMPTY, "what the code under test left behind cannot be removed", str(path))


def _parents(path: str) -> Iterator[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)


def _leads_to(path: str, kept: tuple[str, ...]) -> bool:
    return any(name.startswith(path + "/") for name in kept)


def _walk(root: Path, prefix: str, skip: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what lies below, a folder before its contents; kept folders are passed over, links not entered."""
    with os.scandir(root / prefix) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{prefix}{entry.name}"
        is_folder = entry.is_dir(follow_symlinks=False)
        if path in skip and is_folder:
            continue
        if is_folder:
            Path(entry.path).chmod(0o700)
        yield path, entry
        if is_folder and Path(entry.path).is_dir():
            yield from _walk(root, f"{path}/", skip)


def _age(kept: Path) -> None:
    """Date back what claims to be from the future: a build product newer than every source is never made again."""
    now = time.time_ns()
    past = now - 2 * int(_CLOCK_GRAIN * 1e9)
    if kept.is_symlink():
        return
    for root, folders, names in os.walk(kept):
        for name in (".", *names, *folders):
            path = Path(root, name)
            if path.lstat().st_mtime_ns > now:
                os.utime(path, ns=(past, past), follow_symlinks=False)


def _fingerprint(file: TreeFile, status: os.stat_result) -> list[object]:
    kind = stat.S_IFMT(status.st_mode)
    return [file.oid, file.mode, kind, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _write(path: Path, file: TreeFile, content: bytes) -> None:
    if file.mode == _SYMLINK:
        path.symlink_to(os.fsdecode(content))
        return
    mode = 0o755 if file.mode == _EXECUTABLE else 0o644
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _load(manifest: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _save(manifest: Path, seen: dict[str, list[object]]) -> None:
    scratch = manifest.with_suffix(".new")
    scratch.write_text(json.dumps(seen))
    scratch.replace(manifest)
