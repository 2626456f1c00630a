"""The entry point: ``python -m coord`` and the ``coord`` script."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    """Run coord on this process's arguments and return its exit code."""
    from coord.quick import attempt

    code = attempt(sys.argv[1:], _ended)
    if code is not None:
        return code
    from coord.cli import run_whole

    return run_whole(sys.argv[1:])


def _ended(error: BaseException, argv: "Sequence[str]") -> int:
    from coord.cli import ended

    return ended(error, argv)


if __name__ == "__main__":
    sys.exit(main())
