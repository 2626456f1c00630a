"""What the repository shows to people: README, docs, task files, configuration. Each is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> str:
    """Return a file of the repository."""
    return (ROOT / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """Return what stands under ``## title``, up to the next heading of that depth."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"there is no section '{title}'"
    return match[1]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
