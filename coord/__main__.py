"""The entry point: ``python -m coord`` and the ``coord`` script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run coord on this process's arguments and return its exit code."""
    from coord.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
