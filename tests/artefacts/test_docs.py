"""The pages under docs/ say what the code says, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from coord.config import AGENT_KEYS, PROFILE_KEYS, TABLES, parse
from coord.core.anomaly import HEURISTICS
from coord.core.audit import RULES
from coord.core.profile import BUILT_IN, MARKS, program
from coord.core.settings import Settings
from coord.doctor.checks import CHECKS
from coord.errors import EXIT_MEANINGS
from docs.generate import written
from tests.artefacts import ROOT, blocks, read, section

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "_build" not in path.parts
)


@pytest.mark.parametrize(("name", "text"), written().items(), ids=list(written()))
def test_what_is_generated_is_what_the_code_says(name: str, text: str) -> None:
    assert read(f"docs/{name}") == text, "run: .venv/bin/python docs/generate.py"


def test_the_exit_codes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", read("docs/exit-codes.md"), re.MULTILINE)
    assert rows == [(str(code.value), meaning) for code, meaning in EXIT_MEANINGS.items()]


def test_every_key_of_the_configuration_has_its_row() -> None:
    text = read("docs/configuration.md")
    tables = dict(re.findall(r"^### \[([\w.]+)\]\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    rows = {name: re.findall(r"^\| `(\w+)` \| ", body, re.MULTILINE) for name, body in tables.items()}
    profiles = [profile.name for profile in BUILT_IN]
    rows["gate"] = [key for key in rows["gate"] if key not in profiles]
    assert rows.pop("profiles.NAME") == list(PROFILE_KEYS)
    assert rows.pop("agents.NAME") == list(AGENT_KEYS)
    assert rows == {name: list(keys) for name, keys in TABLES.items()}


def test_every_heuristic_has_its_row() -> None:
    table = read("docs/configuration.md").split("| heuristic | told when |\n|---|---|\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE) == list(HEURISTICS)


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    text = read("docs/configuration.md")
    for table in ("project", "land", "server", "github"):
        body = re.split(rf"^### \[{table}\]\n", text, flags=re.MULTILINE)[1].split("\n##")[0]
        stated = "\n".join(
            f"{key} = {value}" for key, value in re.findall(r"^\| `(\w+)` \| `(.*?)` \|", body, re.MULTILINE)
        )
        assert parse(f"[{table}]\n{stated}", "configuration.md") == Settings()
        assert stated.count("\n") + 1 == len(TABLES[table])


def test_the_profiles_in_the_table_are_the_built_in_ones() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$",
        read("docs/configuration.md").split("| profile | found by")[1].split("\n\n")[0],
        re.MULTILINE,
    )
    stated = [tuple(re.findall(r"`(.*?)`", cell) for cell in row[1:]) for row in rows]
    assert [row[0] for row in rows] == [profile.name for profile in BUILT_IN]
    assert stated == [
        (
            [mark for mark, name in MARKS if name == profile.name],
            [program(step) for step in profile.steps],
            list(profile.keep),
        )
        for profile in BUILT_IN
    ]


def test_the_page_of_doctor_has_every_check_and_every_rule() -> None:
    checks, rules = read("docs/doctor.md").split("\n## --verify\n")
    assert re.findall(r"^\| `([\w-]+)` \| ", checks, re.MULTILINE) == [check.name for check in CHECKS]
    stated = re.findall(r"^\| `([\w-]+)` \| (\d) \|", rules, re.MULTILINE)
    assert sorted(stated) == sorted([(rule.name, str(rule.guarantee)) for rule in RULES] + [("regate", "1")])


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    text = re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", text):
        path, _, heading = target.partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        assert found.exists(), f"{name}: {target}"
        if heading:
            assert heading in _anchors(found), f"{name}: {target}"


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_decisions_have_the_parts_of_a_decision() -> None:
    pages = sorted((ROOT / "docs/architecture/decisions").glob("*.md"))
    assert pages
    for path in pages:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:3]}: ")
        for part in ("**Context.**", "**Choice.**", "**Rejected.**"):
            assert part in text, f"{path.name} has no {part}"
        assert len(text.splitlines()) <= 60, f"{path.name} is longer than a page"


def test_the_drawn_landing_is_the_graph_that_git_draws() -> None:
    """The README's picture is real; the one in the concepts shows the same shape."""
    (drawn,) = [b for b in blocks(read("docs/concepts.md"), "text") if b.startswith("*")]
    real = (
        section(read("README.md"), "One task, from push to landed").split("origin/main\n")[1].split("\n\n")[0]
    )
    assert [_edges(line) for line in drawn.splitlines()] == [_edges(line) for line in real.splitlines()]


def _edges(line: str) -> str:
    return re.match(r"[*|\\/ ]*", line)[0].rstrip()  # type: ignore[index]


def test_no_page_names_a_folder_of_one_machine() -> None:
    """Tracked files only: what lies beside them is nobody's business here."""
    listed = subprocess.run(["git", "ls-files", "*.md", "*.toml"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.split():
        assert not re.search(r"/(home|root|Users|work)/\w", read(name)), name
