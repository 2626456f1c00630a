"""How Sphinx builds the pages of this folder: ``make docs``.

The pages are plain Markdown that a forge shows as it stands. Nothing is fetched, neither to build nor to read them.
"""

from __future__ import annotations

import re
from pathlib import Path

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
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
smartquotes = False

_ROW = re.compile(r"^- \[[^\]]*\]\(([\w/.-]+)\.md\)", re.MULTILINE)
_FOLDER = re.compile(r"^- \[[^\]]*\]\(([\w/.-]+)/\)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(((?!https?:|#)[^)\s#]+)[^)\s]*\)")


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    """Make of a page for a forge a page for the site."""
    if name == root_doc:
        source[0] = "".join(map(_with_tree, re.split(r"^(?=## )", source[0], flags=re.MULTILINE)))
    folder = Path(app.srcdir, name).parent
    source[0] = _LINK.sub(lambda link: link[1] if _is_no_page(app, folder / link[2]) else link[0], source[0])


def _with_tree(part: str) -> str:
    """Give a heading of the index a tree of what its list names: it is written once, and is a list on a forge too.

    A page that is in none of them, and in no folder that is named, fails the build.
    """
    rows = [*_ROW.findall(part), *(f"{folder}/*" for folder in _FOLDER.findall(part))]
    if not rows:
        return part
    caption = part.splitlines()[0].removeprefix("## ")
    tree = ["```{toctree}", ":hidden:", ":glob:", f":caption: {caption}", "", *rows, "```"]
    return "\n".join([part, *tree, "", ""])


def _is_no_page(app: Sphinx, target: Path) -> bool:
    """Say whether a link leads to what the site has not: a folder, or a file of the repository outside of docs."""
    inside = target.resolve().is_relative_to(app.srcdir)
    return target.is_dir() or (target.exists() and not inside)


def setup(app: Sphinx) -> None:
    """Connect what turns a page for a forge into one for the site."""
    app.connect("source-read", _read)
