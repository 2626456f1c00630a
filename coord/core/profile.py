"""Validation profiles: the commands that judge a tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """What a gate runs.

    ``steps`` are argument lists (no shell), ``timeout`` is in seconds and per step, ``keep`` names folders that stay
    in the gate's folder from trial to trial, ``inputs`` (globs; None: everything but the task folder) is what the
    gate's folder holds, ``wrap`` goes before every step, ``toolchain`` are the commands whose output belongs to the
    evidence key. What one step may take: ``processes`` at a time, ``disk`` and ``memory`` (of each process) in bytes;
    0 is no limit.
    """

    name: str
    steps: tuple[tuple[str, ...], ...]
    timeout: float = 1800.0
    keep: tuple[str, ...] = ()
    retries: int = 0
    inputs: tuple[str, ...] | None = None
    git: bool = False
    wrap: tuple[str, ...] = ()
    toolchain: tuple[tuple[str, ...], ...] = ()
    processes: int = 4096
    disk: int = 32 * 2**30
    memory: int = 0


def _steps(*lines: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in lines)


#: Built-in profiles, in the order in which they are looked for.
BUILT_IN: tuple[Profile, ...] = (
    Profile(
        name="cargo",
        steps=_steps("cargo build", "cargo clippy -- -D warnings", "cargo test"),
        keep=("target",),
        toolchain=_steps("cargo --version", "rustc --version", "cargo clippy --version"),
    ),
    Profile(
        name="go",
        steps=_steps("go build ./...", "go vet ./...", "go test ./..."),
        toolchain=_steps("go version"),
    ),
    Profile(
        name="python",
        steps=_steps("python3 -m compileall -q .", "python3 -m pytest -q"),
        keep=(".venv",),
        toolchain=_steps("python3 --version"),
    ),
    Profile(
        name="node",
        steps=_steps("npm ci", "npm run build --if-present", "npm test"),
        keep=("node_modules",),
        toolchain=_steps("node --version", "npm --version"),
    ),
    Profile(name="none", steps=()),
)

#: A file in the root of main's tree and the profile that it means.
MARKS: tuple[tuple[str, str], ...] = (
    ("Cargo.toml", "cargo"),
    ("go.mod", "go"),
    ("pyproject.toml", "python"),
    ("setup.py", "python"),
    ("package.json", "node"),
)


def built_in(name: str) -> Profile | None:
    """Return the built-in profile of that name, or None."""
    return next((profile for profile in BUILT_IN if profile.name == name), None)


def detect(root_names: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Return every (file, profile) mark found among the names in the root of main's tree, best first."""
    return tuple((mark, name) for mark, name in MARKS if mark in root_names)


def program(step: tuple[str, ...]) -> str:
    """Return a step as people write it."""
    import shlex

    return shlex.join(step)
