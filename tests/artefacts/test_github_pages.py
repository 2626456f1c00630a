"""The pages about GitHub say what workflows and code say: rights, commands, messages, tests, numbers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import yaml

from coord.cli import ALIASES, VERBS, parser_of
from coord.core.mode import APP, ENVIRONMENT, KEY, Facts, Part, Seen, parts_of
from coord.core.protection import Protection, Rule
from coord.core.slash import HELP
from coord.forges.github_login import RIGHTS
from coord.workflows import FILES, Mode, Wanted, render
from tests.artefacts import ROOT, blocks, read, section

PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
GITHUB, SECURITY, SCALE = "docs/github.md", "docs/security.md", "docs/scale.md"


def _rows(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose first row begins like this."""
    lines = text[text.index(f"| {head} |") :].split("\n\n", maxsplit=1)[0].split("\n")[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def _jobs() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield workflow, job and rights of everything that ``coord init --github`` writes in either mode."""
    for name, mode in {name: mode for mode, names in FILES.items() for name in names}.items():
        text = render(name, Wanted(mode, "main", ("feat/",), "acme/coord@" + "1" * 40))
        workflow: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
        for job, said in workflow["jobs"].items():
            yield name.removesuffix(".yml"), job, said["permissions"]


def test_the_rights_in_the_table_are_those_of_the_workflows() -> None:
    stated = {
        (workflow, job): {} if rights == "none" else dict(right.split(": ") for right in rights.split(", "))
        for workflow, job, _, rights, _ in _rows(read(GITHUB), "workflow")
    }
    assert stated == {(workflow, job): rights for workflow, job, rights in _jobs()}


def test_the_commands_in_the_table_are_those_that_are_understood() -> None:
    stated = {
        command.strip("`").removeprefix("/coord "): what
        for command, what, _ in _rows(read(GITHUB), "command | what it does")
    }
    assert stated == HELP


def test_the_app_is_given_no_right_that_it_does_not_ask_for() -> None:
    stated = {
        name.lower().replace(" ", "_"): "write" if "write" in access else "read"
        for name, access, _ in _rows(read(GITHUB), "permission")
    }
    assert stated.items() <= RIGHTS.items()
    assert set(RIGHTS) - set(stated) == {"issues", "statuses"}, "the job that tells people has its own token"


def test_the_set_up_names_what_the_workflow_reads() -> None:
    (script,) = (block for block in blocks(read(GITHUB), "sh") if "gh secret" in block)
    text = render("coord-land.yml", Wanted(Mode.HARDENED, "main", ("feat/",), "acme/coord@" + "1" * 40))
    assert f"/environments/{ENVIRONMENT}" in script
    assert f"name: {ENVIRONMENT}\n" in text
    assert f"gh secret set {KEY} --repo OWNER/NAME --env {ENVIRONMENT}" in script
    assert f"secrets.{KEY}" in text
    assert f"gh variable set {APP} " in script
    assert f"vars.{APP}" in text


def test_the_ruleset_of_the_page_is_the_one_that_doctor_asks_for() -> None:
    (text,) = blocks(read(GITHUB), "json")
    ruleset = json.loads(text)
    bypass = tuple(f"{each['actor_type']} {each['actor_id']}" for each in ruleset["bypass_actors"])
    rules = tuple(Rule(each["type"], ruleset["name"], bypass) for each in ruleset["rules"])
    app = bypass[0].removeprefix("Integration ")
    protection = Protection(rules, None, None, None, None, public=False, variables=((APP, app),))
    parts = parts_of(Facts("main", "", "", protection, frozenset({"coord-land.yml"})))
    told = {part.name: part.seen for part in parts}
    assert {told[name] for name in ("updates", "deletion", "non-fast-forward")} == {Seen.RIGHT}
    assert ruleset["enforcement"] == "active"
    assert ruleset["conditions"]["ref_name"]["include"] == ["~DEFAULT_BRANCH"]


def test_the_steps_that_doctor_prints_are_those_of_the_page() -> None:
    """Both name the same addresses of GitHub's API."""
    nothing = Protection((), (), "write", may_approve=False, secrets=(KEY,), public=False, variables=())
    parts: tuple[Part, ...] = parts_of(
        Facts("main", "https://x", "OWNER/NAME", nothing, frozenset({"coord-land.yml"}))
    )
    printed = {step for part in parts for step in part.mend if step.startswith("gh ")}
    addresses = {word for step in printed for word in step.split() if word.startswith("repos/")}
    assert addresses
    assert all(f" {address} " in read(GITHUB) for address in addresses)


# -- what is quoted --------------------------------------------------------------------------------------------------


def _sources() -> str:
    """Return all that coord may print, as its sources have it, without the seams of texts that go over lines."""
    files = [
        *(ROOT / "coord").rglob("*.py"),
        *(ROOT / "coord").rglob("*.j2"),
        *(ROOT / "action").glob("*.py"),
    ]
    return re.sub(r'"\s+f?"', "", "\n".join(path.read_text("utf-8") for path in files))


def test_the_messages_that_are_explained_are_printed_somewhere() -> None:
    sources = _sources()
    quoted = [re.match(r"`([^`]+)`", row[0]) for row in _rows(read(GITHUB), "message")]
    assert len(quoted) > 30
    for message in quoted:
        assert message
        parts = [part.strip(" '") for part in message[1].split("…")]
        assert any(parts), message[1]
        for part in filter(None, parts):
            assert part in sources, f"nothing prints '{part}'"


def test_every_test_that_is_named_exists() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", read(SECURITY)))
    assert len(named) > 40
    assert named - there == set()


def test_every_threat_has_what_stops_it_and_a_test_or_says_believed() -> None:
    tables = [part for part in read(SECURITY).split("\n\n") if part.startswith("| threat |")]
    assert len(tables) == 2
    for table in tables:
        for _, stops, test, _ in _rows(table + "\n\n", "threat"):
            assert stops
            assert "`test_" in test or test == "believed"


def test_every_command_of_the_pages_takes_the_options_that_are_shown() -> None:
    seen = 0
    for name in PAGES:
        for words in _commands(read(name)):
            verb = ALIASES.get(words[1], words[1])
            assert verb in VERBS, f"{name}: {shlex.join(words)}"
            seen += 1
            known = _options(verb)
            given = [word.split("=")[0] for word in words[2:] if re.fullmatch(r"--[a-z-]+(=.*)?", word)]
            assert set(given) <= known, f"{name}: {shlex.join(words)}"
    assert seen > 60


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of coord in the scripts of a page, as words."""
    text = re.sub(r"^\| `[^`]*` \| .*$", "", text, flags=re.MULTILINE) if "| message |" in text else text
    for block in [*blocks(text, "sh"), *re.findall(r"`(coord [a-z]+[^`\n]*)`", text)]:
        for line in block.replace("\\\n", " ").splitlines():
            plain = line.split("  #")[0].split(" # ")[0].split(" && ")[0].split(" | ")[0]
            if match := re.match(r"(?:\$ )?(coord (?:-C \S+ )?[a-z].*)", plain.strip()):
                words = shlex.split(match[1].replace("'", "").replace('"', ""))
                yield [words[0], *words[3:]] if words[1] == "-C" else words


def _options(verb: str) -> set[str]:
    parser = parser_of(verb, import_module(f"coord.commands.{VERBS[verb].module}"))
    return {option for action in parser._actions for option in action.option_strings}


# -- numbers and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", _rows(read(SCALE), "strategy"), ids=lambda row: f"{row[0]}-{row[1]}")
def test_branches_an_hour_follow_from_the_makespan(row: list[str]) -> None:
    makespan = float(row[2])
    assert [int(cell) for cell in row[3:]] == [
        round(128 / makespan * 60 / (gate + 3)) for gate in (2, 10, 30)
    ]


def test_the_variables_of_the_environment_are_read_somewhere() -> None:
    stated = section(read("docs/configuration.md"), "Environment")
    names = set(re.findall(r"`((?:COORD|GH|GITHUB)_[A-Z_]+)", stated))
    assert {"COORD_TOKEN", "GH_TOKEN", "COORD_APP_KEY", "COORD_GATE_FOLDER", "COORD_PYTHON"} <= names
    for name in names:
        assert name in _sources(), name
