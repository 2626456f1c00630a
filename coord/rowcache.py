"""What commands that read remember under ``.git/coord``: may be deleted, and is not believed when anything is odd."""

import marshal
import os
import sys
import zlib

from coord import __version__

#: Goes up when what is remembered changes its form or its meaning.
_FORM = 1


def load(path: str) -> "dict[str, object] | None":
    """Return what was saved, or None when there is nothing, or nothing of this coord and this Python."""
    try:
        with open(path, "rb") as file:
            saved = file.read()
    except OSError:
        return None
    header = _header()
    start = len(header) + 4
    # marshal must not be given bytes that it did not write: hence the sum, before they are looked at.
    if not saved.startswith(header) or saved[len(header) : start] != _sum(memoryview(saved)[start:]):
        return None
    found = marshal.loads(memoryview(saved)[start:])  # noqa: S302 - our own bytes: the sum was right
    return found if isinstance(found, dict) else None


def save(path: str, known: "dict[str, object]") -> None:
    """Save what is known, whole or not at all; a disk that takes nothing is no reason to fail."""
    payload = marshal.dumps(known, 4)
    scratch = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(scratch, "wb") as file:
            file.write(_header() + _sum(payload) + payload)
        os.replace(scratch, path)
    except OSError:
        try:
            os.unlink(scratch)
        except OSError:
            pass


def _header() -> bytes:
    return f"coord rows {_FORM} {__version__} {sys.implementation.cache_tag} {sys.hexversion:x}\n".encode()


def _sum(payload: "bytes | memoryview") -> bytes:
    return zlib.crc32(payload).to_bytes(4, "big")
