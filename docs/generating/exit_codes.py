"""The table of exit codes, from the enum."""

from __future__ import annotations

from coord.errors import EXIT_MEANINGS
from docs.generating.marks import table


def parts() -> dict[str, str]:
    """Return the parts of exit-codes.md."""
    return {
        "exit codes": table(
            "code | meaning", [f"{code.value} | {meaning}" for code, meaning in EXIT_MEANINGS.items()]
        )
    }
