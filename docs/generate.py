"""Write what the pages take from the code: python docs/generate.py

commands.md whole, the tables between marks in configuration.md and exit-codes.md, and coord.schema.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))

from docs.generating import commands, configuration, exit_codes, schema  # noqa: E402
from docs.generating.marks import filled  # noqa: E402


def written() -> dict[str, str]:
    """Return what each generated file under docs/ has to hold, by its name."""
    return {
        "commands.md": commands.page(),
        "configuration.md": filled(_read("configuration.md"), configuration.parts()),
        "exit-codes.md": filled(_read("exit-codes.md"), exit_codes.parts()),
        "coord.schema.json": schema.text(),
    }


def _read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


if __name__ == "__main__":
    for name, text in written().items():
        (DOCS / name).write_text(text, "utf-8")
