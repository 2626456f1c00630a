"""What action.yml starts: coord from the action's own folder, with nothing of the repository that the job stands in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.artefacts import ROOT, read

#: What a repository may hold at its root, under names that coord or Python itself would import.
_TRAPS = (
    "coord/__init__.py",
    "coord/__main__.py",
    "yaml.py",
    "jinja2.py",
    "git.py",
    "json.py",
    "sitecustomize.py",
)

_RED_BUILD = """   Compiling textstat v0.1.0
error[E0308]: mismatched types
 --> src/lib.rs:1:21
  |
1 | pub fn f() -> u32 { "x" }
"""
_RED_LINT = """error: unused variable: `x`
   --> src/lib.rs:20:18
"""
_RED_TEST = """---- tests::counts stdout ----

thread 'tests::counts' (14695) panicked at src/lib.rs:3:43:
assertion `left == right` failed: sums differ
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder in which every import of a module that coord needs trips a wire."""
    folder = tmp_path / "repository"
    for name in _TRAPS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"open({str(tmp_path / 'tripped')!r}, 'w').close()\n")
    return folder


def _start(at: Path, action: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the action's script as action.yml says, with the inputs in the environment."""
    script = re.search(r"^      run: (.*)$", read("action.yml"), re.MULTILINE)
    assert script
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script[1]],
        cwd=at,
        capture_output=True,
        text=True,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(at),
            "GITHUB_ACTION_PATH": str(action),
            "COORD_PYTHON": sys.executable,
            **environment,
        },
    )


def test_nothing_of_the_repository_is_imported(repository: Path, tmp_path: Path) -> None:
    done = _start(repository, COORD_COMMAND="nonsense", PYTHONPATH=str(repository))
    assert done.returncode == 2
    assert "coord: " in done.stderr
    assert not (tmp_path / "tripped").exists()


def test_the_trap_works(repository: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "coord", "--version"], cwd=repository, capture_output=True)
    assert (tmp_path / "tripped").exists()


def test_coord_is_that_of_the_action_even_where_another_one_is_installed(tmp_path: Path) -> None:
    other = tmp_path / "action"
    shutil.copytree(ROOT / "action", other / "action")
    shutil.copytree(ROOT / "coord", other / "coord", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "coord/__init__.py").open("a") as stream:
        stream.write(f"open({str(tmp_path / 'loaded')!r}, 'w').close()\n")
    _start(tmp_path, ROOT, COORD_COMMAND="nonsense")
    assert not (tmp_path / "loaded").exists()
    _start(tmp_path, other, COORD_COMMAND="nonsense")
    assert (tmp_path / "loaded").exists()


def test_a_command_with_a_blank_is_one_word_to_coord(tmp_path: Path) -> None:
    done = _start(tmp_path, COORD_COMMAND="plan; touch made")
    assert done.returncode == 2
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("command", "added"), [("gate", True), ("simple", True), ("plan", False), ("report", False)]
)
def test_what_cargo_prints_is_read_only_where_branches_are_built(
    tmp_path: Path, command: str, added: bool
) -> None:
    done = _start(tmp_path, COORD_COMMAND=command)
    told = [line for line in done.stderr.splitlines() if "matcher" in line]
    owners = [matcher["owner"] for matcher in _matchers()]
    wanted = [
        f"::add-matcher::{ROOT / 'action/cargo.json'}",
        *(f"::remove-matcher owner={o}::" for o in owners),
    ]
    assert told == (wanted if added else [])


def test_the_input_python_goes_before_the_environments(tmp_path: Path) -> None:
    done = _start(tmp_path, COORD_COMMAND="plan", COORD_PYTHON_INPUT=str(tmp_path / "no-python"))
    assert done.returncode == 1
    assert "::error title=coord::cannot start the Python for coord: " in done.stderr


def test_what_cannot_be_installed_is_said_and_not_taken_for_complete(tmp_path: Path) -> None:
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    done = _start(
        tmp_path,
        COORD_COMMAND="plan",
        COORD_PYTHON="",
        RUNNER_TEMP=str(tmp_path),
        GITHUB_OUTPUT=str(tmp_path / "output"),
        **nothing,
    )
    assert done.returncode == 1
    assert "::error title=coord::could not install coord's dependencies: pip ended with 1" in done.stderr
    assert (tmp_path / "output").read_text() == "unable=true\n"
    assert list(tmp_path.glob("coord-python-*"))
    assert not list(tmp_path.glob("coord-python-*/complete"))


def test_every_dependency_of_coord_is_locked_with_its_hash() -> None:
    wanted = {
        re.split(r"[>=<]", each)[0]
        for each in tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    }
    blocks = re.split(r"\n(?=\S)", read("action/requirements.txt"))
    locked = {block.split("==")[0]: block for block in blocks if "==" in block}
    assert wanted <= set(locked)
    assert all("--hash=sha256:" in block for block in locked.values())


def _matchers() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(read("action/cargo.json"))["problemMatcher"]
    return found


def _annotated(text: str) -> list[dict[str, str]]:
    """Return what the runner reads from output: patterns of a matcher on lines that follow each other."""
    lines, found = text.splitlines(), []
    for matcher in _matchers():
        patterns = matcher["pattern"]
        assert isinstance(patterns, list)
        for start in range(len(lines)):
            hits = [
                (pattern, re.search(pattern["regexp"], line))
                for pattern, line in zip(patterns, lines[start:], strict=False)
            ]
            if len(hits) == len(patterns) and all(hit for _, hit in hits):
                found.append(
                    {
                        key: hit[group] or ""
                        for pattern, hit in hits
                        if hit
                        for key, group in pattern.items()
                        if key != "regexp"
                    }
                )
    return found


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (
            _RED_BUILD,
            {"severity": "error", "code": "E0308", "message": "mismatched types", "file": "src/lib.rs", "line": "1", "column": "21"},
        ),
        (
            _RED_LINT,
            {"severity": "error", "code": "", "message": "unused variable: `x`", "file": "src/lib.rs", "line": "20", "column": "18"},
        ),
        (
            _RED_TEST,
            {"message": "assertion `left == right` failed: sums differ", "file": "src/lib.rs", "line": "3", "column": "43"},
        ),
    ],
)  # fmt: skip
def test_what_cargo_prints_becomes_one_annotation_at_its_place(output: str, wanted: dict[str, str]) -> None:
    assert _annotated(output) == [wanted]


def test_what_cargo_prints_when_all_is_well_becomes_none() -> None:
    assert (
        _annotated("   Compiling textstat v0.1.0\n    Finished `test` profile\ntest result: ok. 3 passed\n")
        == []
    )
