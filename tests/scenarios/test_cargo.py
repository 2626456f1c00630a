"""A real crate lands: cargo build, cargo clippy -- -D warnings, cargo test, with CARGO_HOME and RUSTUP_HOME unset."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from coord.room import rustup_home
from tests.world import World, task_text


def has_clippy() -> bool:
    """Say whether cargo and clippy work; rustup's cargo does not with an empty HOME, unless it is told where it is."""
    if not shutil.which("cargo"):
        return False
    environment = {**os.environ, "RUSTUP_HOME": str(rustup_home())}
    return (
        subprocess.run(["cargo", "clippy", "--version"], capture_output=True, env=environment).returncode == 0
    )


cargo = pytest.mark.skipif(
    not has_clippy(), reason="cargo or clippy is not on this machine: the cargo profile was NOT tested"
)

CRATE = {
    "Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub mod add;\npub mod greet;\n",
    "src/add.rs": "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n",
    "src/greet.rs": 'pub fn greet() -> String {\n    "hello".to_string()\n}\n',
    ".gitignore": "target\n",
}
TESTED = "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::add(2, 2), %d);\n    }\n}\n"


@pytest.fixture
def crate(world: World) -> World:
    tasks = {name: task_text(name) for name in ("good", "warns", "fails", "broken")}
    return world.build(tasks, CRATE, config="")


@cargo
def test_a_crate_lands_and_clippy_tests_and_the_compiler_each_block(crate: World) -> None:
    assert "CARGO_HOME" not in os.environ
    assert "RUSTUP_HOME" not in os.environ
    crate.push("feat/good", {"src/add.rs": CRATE["src/add.rs"] + TESTED % 4})
    crate.push(
        "feat/warns", {"src/greet.rs": 'pub fn greet() -> String {\n    return "hello".to_string();\n}\n'}
    )
    crate.push(
        "feat/fails",
        {
            "src/more.rs": "\n",
            "tests/it.rs": "#[test]\nfn no() {\n    assert_eq!(demo::add::add(1, 1), 3);\n}\n",
        },
    )
    crate.push("feat/broken", {"src/lib.rs": "pub mod add;\npub mod greet;\npub mod missing;\n"})

    result = crate.land()

    assert result.code == 0, result.err
    assert crate.statuses() == {
        "good": "completed",
        "warns": "blocked",
        "fails": "blocked",
        "broken": "blocked",
    }
    reasons = {o["task"]: o["reason"] for o in result.data["outcomes"]}
    assert reasons["warns"] == "cargo clippy -- -D warnings failed"
    assert reasons["fails"] == "cargo test failed"
    assert reasons["broken"] == "cargo build failed"
    assert "profile cargo: main has Cargo.toml" in result.err
    log = crate.git("show", "refs/coord/verdicts/warns:verdict.json", at=crate.origin)
    assert "needless_return" in log


@cargo
def test_a_stale_target_never_passes_code_with_a_type_error(crate: World) -> None:
    """The false green of an incremental build: a changed file with an old modification time is not rebuilt."""
    crate.push("feat/good", {"src/add.rs": "pub fn add(a: i32, b: i32) -> i32 {\n    b + a\n}\n"})
    crate.land()
    assert crate.statuses()["good"] == "completed"
    crate.push("feat/broken", {"src/add.rs": 'pub fn add(a: i32, b: i32) -> i32 {\n    "b" + a\n}\n'})
    crate.land()
    assert crate.verdicts() == {"broken": "gate-failed"}
