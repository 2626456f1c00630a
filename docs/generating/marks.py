"""Parts of a page that are generated: what stands between two marks is replaced, the prose around it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PART = re.compile(r"^<!-- generated: (.+?) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Return the page with each part between its marks.

    Raises ValueError when marks and parts are not the same: else a table would be gone, or stay as it was.
    """
    marked = _PART.findall(page)
    if sorted(marked) != sorted(parts):
        raise ValueError(f"marked: {sorted(marked)}; there are: {sorted(parts)}")
    return _PART.sub(lambda found: f"<!-- generated: {found[1]} -->\n\n{parts[found[1]]}\n<!-- end -->", page)


def table(head: str, rows: list[str]) -> str:
    """Return a Markdown table; ``head`` and each row are cells with bars between them."""
    rule = "|---" * len(head.split(" | ")) + "|"
    return "\n".join([f"| {head} |", rule, *(f"| {row} |" for row in rows), ""])
