"""The library that the dashboard's file holds: what npm checked against the lock is copied, with its licence and hashes.

``make vendor`` runs it; tests/browser/test_vendored.py says whether the copy is still what the lock names.
"""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
PACKAGE = "@dagrejs/dagre"
INSTALLED = _ROOT / ".venv/browser/node_modules" / PACKAGE / "dist"
FOLDER = _ROOT / "coord/templates/dashboard/vendor"
FILES = ("dagre.min.js", "dagre.min.js.LEGAL.txt")


def record() -> dict[str, str]:
    """Return what is noted beside the copy: what the lock says of the package, and the hash of the file."""
    lock = json.loads((_HERE / "package-lock.json").read_text("utf-8"))
    locked = lock["packages"][f"node_modules/{PACKAGE}"]
    stated = {key: locked[key] for key in ("version", "license", "integrity")}
    return {"name": PACKAGE, **stated, "sha256": sha256((FOLDER / FILES[0]).read_bytes()).hexdigest()}


def main() -> None:
    """Take the files over from what ``make browser`` installed."""
    for name in FILES:
        shutil.copyfile(INSTALLED / name, FOLDER / name)
    (FOLDER / "dagre.json").write_text(json.dumps(record(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
