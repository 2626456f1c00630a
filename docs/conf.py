"""How Sphinx builds the pages of this folder: ``make docs``.

The pages are plain Markdown that a forge shows as it stands. Nothing is fetched, neither to build nor to read them.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx

project = "coord"
copyright = "the coord developers"  # noqa: A001
html_title = "coord"

extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["_build"]
#: A link to a heading is written as a forge makes it, and the build fails when there is no such heading.
myst_heading_anchors = 4
nitpicky = True
#: The schema of .coord.toml lies beside the pages, under its own name.
html_extra_path = ["coord.schema.json"]

html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
pygments_style = "sphinx"
pygments_dark_style = "monokai"

_ROW = re.compile(r"^- \[[^\]]*\]\(([\w/.-]+)\.md\)", re.MULTILINE)
_EACH = re.compile(r"^- \[[^\]]*\]\(([\w/.-]+)/\)", re.MULTILINE)


def _as_toctrees(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give the index a tree for each of its headings: its lists are written once, and are lists on a forge too.

    A page that is in none of them, and of no folder that is named, fails the build.
    """
    if name == root_doc:
        source[0] = "".join(map(_with_tree, re.split(r"^(?=## )", source[0], flags=re.MULTILINE)))


def _with_tree(part: str) -> str:
    rows = [*_ROW.findall(part), *(f"{folder}/*" for folder in _EACH.findall(part))]
    if not rows:
        return part
    caption = re.match(r"(?:## )?(.*)", part)[1]  # type: ignore[index]
    return part + "\n".join(
        ["", "```{toctree}", ":hidden:", ":glob:", f":caption: {caption}", "", *rows, "```", "", ""]
    )


def setup(app: Sphinx) -> None:
    app.connect("source-read", _as_toctrees)
