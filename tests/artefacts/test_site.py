"""The site is built from plain Markdown, and a page that leads nowhere, or that nothing leads to, fails the build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.artefacts import ROOT, read

INDEX = "# Index\n\n## Start\n\n- [One](one.md): the first\n\n## Records\n\n- [Each](records/)\n"
ONE = "# One\n\n## A heading, with `code`\n\nSee [two](records/two.md#its-heading), [outside](../outside.txt).\n"
TWO = "# Two\n\n## Its heading\n\nBack to [one](../one.md#a-heading-with-code).\n"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A small site with the project's own conf.py."""
    folder = tmp_path / "docs"
    (folder / "records").mkdir(parents=True)
    for name in ("conf.py", "coord.schema.json"):
        shutil.copy(ROOT / "docs" / name, folder)
    shutil.copytree(ROOT / "docs" / "_static", folder / "_static")
    (tmp_path / "outside.txt").write_text("here\n")
    (folder / "index.md").write_text(INDEX)
    (folder / "one.md").write_text(ONE)
    (folder / "records" / "two.md").write_text(TWO)
    return folder


def _build(docs: Path, builder: str = "dummy") -> tuple[int, str]:
    words = ["--builder", builder, "--fresh-env", "--fail-on-warning", "--nitpicky", "--quiet", "--no-color"]
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, str(docs), str(docs / "_build")],
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stderr


def test_a_site_of_linked_pages_is_built_with_a_menu(docs: Path) -> None:
    code, said = _build(docs, "html")
    assert (code, said) == (0, "")
    built = (docs / "_build" / "one.html").read_text("utf-8")
    menu = re.findall(r'<li class="toctree-l1[^"]*"><a[^>]*>([^<]*)', built)
    assert menu == ["One", "Two"]
    assert 'href="records/two.html#its-heading"' in built
    assert "outside.txt" not in built
    assert (docs / "_build" / "coord.schema.json").is_file()


@pytest.mark.parametrize(
    ("page", "old", "new", "told"),
    [
        ("one.md", "records/two.md#its-heading", "records/three.md", "one.md:5"),
        ("one.md", "records/two.md#its-heading", "records/two.md#no-heading", "one.md:5"),
        ("one.md", "../outside.txt", "../nowhere.txt", "one.md:5"),
        ("index.md", "- [One](one.md): the first\n", "The page [One](one.md).\n", "isn't included in any toctree"),
        ("index.md", "(one.md)", "(none.md)", "none"),
    ],
    ids=["no page", "no heading", "no file", "in no list", "a row of no page"],
)  # fmt: skip
def test_what_leads_nowhere_fails_the_build(docs: Path, page: str, old: str, new: str, told: str) -> None:
    text = (docs / page).read_text()
    assert old in text
    (docs / page).write_text(text.replace(old, new))
    code, said = _build(docs)
    assert code != 0
    assert told in said


def test_pages_use_nothing_that_a_forge_would_not_show() -> None:
    """No directive and no role of MyST or Sphinx."""
    for path in (ROOT / "docs").rglob("*.md"):
        if "_build" not in path.parts:
            text = path.read_text("utf-8")
            assert not re.search(
                r"^(```|:::+|~~~)\{|^\([\w-]+\)=$|(?:^|\s)\{[\w:-]+\}`", text, re.MULTILINE
            ), path.name


def test_every_page_is_in_the_index() -> None:
    listed = set(re.findall(r"^- \[[^\]]+\]\(([\w/.-]+\.md)\)", read("docs/index.md"), re.MULTILINE))
    there = {
        path.relative_to(ROOT / "docs").as_posix()
        for path in (ROOT / "docs").rglob("*.md")
        if not {"_build", "decisions"} & set(path.parts) and path.name != "index.md"
    }
    assert listed == there
