"""What action.yml runs: find a Python that has coord's dependencies, and run ``coord ci`` from the action's own folder.

Started with ``python3 -I``: the folder that the job stands in holds somebody's repository, and nothing in it may ever
be imported. So coord is loaded from its place beside this file by name, and no folder is added to the search path.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACTION = Path(__file__).resolve().parent
MATCHERS = ("coord-cargo", "coord-cargo-test")
READS_CARGO = ("gate", "simple")


def main() -> int:
    """Run the command that the environment names; with another Python when this one lacks what coord needs."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whatever the runner calls python3 starts this
        return _fail(f"coord needs Python 3.11 or newer, python3 is {sys.version.split()[0]}")
    command = os.environ.get("COORD_COMMAND", "")
    if sys.argv[1:] != ["here"]:
        return _with_dependencies()
    with _matchers(command):
        return _coord(["land", "--here"] if command == "simple" else [command])


def _with_dependencies() -> int:
    chosen = os.environ.pop("COORD_PYTHON_INPUT", "") or os.environ.get("COORD_PYTHON", "")
    try:
        python = chosen or str(_environment())
        os.execv(python, [python, "-I", str(ACTION / "run.py"), "here"])  # noqa: S606
    except subprocess.CalledProcessError as error:
        return _fail(f"could not install coord's dependencies: {error.cmd[3]} ended with {error.returncode}")
    except OSError as error:
        return _fail(f"cannot start the Python for coord: {error}")


def _environment() -> Path:
    """Return the Python of a virtual environment with the locked dependencies; made once in a job.

    RUNNER_TEMP is emptied before and after each job. The tool cache is not: on a runner that lives on, the code of one
    branch could leave something there that a later job with more rights would run.
    """
    lock = ACTION / "requirements.txt"
    mark = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = Path(os.environ["RUNNER_TEMP"]) / f"coord-python-{mark}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _run(sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", str(folder))
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        only = ("--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
        _run(sys.executable, "-I", "-m", "pip", "--python", str(python), "install", *quiet, *only)
        (folder / "complete").touch()
    return python


def _run(*words: str) -> None:
    # The App's key and the tokens are for coord alone.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COORD_")}
    subprocess.run(words, check=True, env=environment, cwd=ACTION)


def _coord(words: list[str]) -> int:
    folder = ACTION.parent / "coord"
    spec = importlib.util.spec_from_file_location(
        "coord", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        return _fail(f"{folder} is not there")
    package = importlib.util.module_from_spec(spec)
    sys.modules["coord"] = package
    spec.loader.exec_module(package)
    from coord.__main__ import main as run

    sys.argv = ["coord", "ci", *words]
    return run()


@contextmanager
def _matchers(command: str) -> Iterator[None]:
    """Let the runner turn what cargo and rustc print into annotations, for as long as coord runs."""
    if command not in READS_CARGO:
        yield
        return
    _say(f"::add-matcher::{ACTION / 'cargo.json'}")
    try:
        yield
    finally:
        for owner in MATCHERS:
            _say(f"::remove-matcher owner={owner}::")


def _fail(words: str) -> int:
    _say(f"::error title=coord::{words}")
    if output := os.environ.get("GITHUB_OUTPUT"):
        # A gate that did not come to run blames nobody.
        with Path(output).open("a") as stream:
            stream.write("unable=true\n")
    return 1


def _say(line: str) -> None:
    # On the stream on which coord tells the runner to read no commands: the order of two streams is not kept.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
