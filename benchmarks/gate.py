"""What a warm gate folder saves: a crate that is validated again, a candidate that is written over the one before.

    python -m benchmarks gate

Each side is what one trial costs: cold in a folder that was never used, warm in the gate's own after another branch.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.fleet import build
from benchmarks.measuring import Row, git, in_milliseconds, main, ratio, rounds, row, scratch_home, seconds
from coord.commands.demo import _missing as missing_of_rust
from coord.core.objects import Kind, TreeFile, make, tree_files
from coord.core.profile import built_in
from coord.evidence import Subject
from coord.folder import materialise
from coord.gate import Passed, judge
from coord.git import Git
from coord.room import Room

_MODULES = 20
_FUNCTIONS = 40
#: A crate of this size has dependencies; these lie in its tree, as large as itself.
_DEPENDENCIES = 5
_TRIALS = 3
_CHECKOUTS = 11


def measure() -> list[Row]:
    """Return the figures of a crate and of a candidate's files."""
    with tempfile.TemporaryDirectory(prefix="coord-bench-") as name:
        folder = Path(name)
        with scratch_home(folder):
            return [
                _crate(folder / "crate", _DEPENDENCIES, 0.25),
                _crate(folder / "bare-crate", 0, None),
                *_candidate(folder / "candidate"),
            ]


# -- a crate -------------------------------------------------------------------------------------------------------


def _crate(folder: Path, dependencies: int, limit: float | None) -> Row:
    name = f"cargo build, clippy and test, warm: {_MODULES} modules, {dependencies or 'no'} dependencies"
    if missing := missing_of_rust():
        return row(name, None, limit=limit, beside="cold", note=f"not measured: {missing}")
    made = 0

    def trial(room: Room) -> float:
        nonlocal made
        made += 1
        subject = _subject(made, dependencies)
        return seconds(lambda: _pass(subject, room))

    warm = _room(folder / "warm")
    trial(warm)

    def cold() -> float:
        took = trial(_room(folder / "cold"))
        shutil.rmtree(folder / "cold")
        return took

    taken = rounds({"cold": cold, "warm": lambda: trial(warm)}, _TRIALS, warm_up=0)
    note = in_milliseconds(taken, "warm", "cold")
    return row(name, ratio(taken, "warm", "cold"), limit=limit, beside="cold", note=note)


def _pass(subject: Subject, room: Room) -> None:
    profile = built_in("cargo")
    if profile is None:
        raise RuntimeError("there is no profile cargo")
    judgement = judge(subject, profile, room)
    if not isinstance(judgement, Passed) or judgement.known:
        raise RuntimeError(f"the crate should pass: {judgement}")


_texts: dict[str, bytes] = {}


def _room(folder: Path) -> Room:
    (folder / "state").mkdir(parents=True)
    return Room(folder / "state", folder / "gates", _texts.__getitem__, lambda _folder, _commit: None)


def _subject(trial: int, dependencies: int = 0) -> Subject:
    """Return the crate as one branch leaves it: each changes a function of another module, and its test."""
    files = {"Cargo.toml": '[package]\nname = "bench"\nversion = "0.1.0"\nedition = "2021"\n'}
    if dependencies:
        files["Cargo.toml"] += "[dependencies]\n"
    for number in range(dependencies):
        name = f"part{number}"
        files["Cargo.toml"] += f'{name} = {{ path = "vendor/{name}" }}\n'
        files[f"vendor/{name}/Cargo.toml"] = (
            f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
        )
        files[f"vendor/{name}/src/lib.rs"] = "".join(f"pub mod m{at};\n" for at in range(_MODULES))
        files |= {f"vendor/{name}/src/m{at}.rs": _module(at, 0) for at in range(_MODULES)}
    files["src/lib.rs"] = "".join(f"pub mod m{number};\n" for number in range(_MODULES))
    for number in range(_MODULES):
        files[f"src/m{number}.rs"] = _module(number, trial if number == trial % _MODULES else 0)
    listed = []
    for path, text in sorted(files.items()):
        oid = make(Kind.BLOB, text.encode()).oid
        _texts[oid] = text.encode()
        listed.append(TreeFile(path, "100644", oid))
    return Subject(f"trial {trial}", f"{trial:040x}", f"trial {trial}, {dependencies}", lambda: tuple(listed))


def _module(number: int, constant: int) -> str:
    functions = "".join(
        f"/// Returns something that is computed from its arguments.\n"
        f"pub fn f{at}(words: &[String], scale: i64) -> BTreeMap<String, i64> {{\n"
        f"    let mut found = BTreeMap::new();\n"
        f"    for (place, word) in words.iter().enumerate() {{\n"
        f"        *found.entry(format!(\"{{word}}-{at}\")).or_insert({constant if at == 0 else at}) += scale * place as i64;\n"
        f"    }}\n    found\n}}\n\n"
        for at in range(_FUNCTIONS)
    )  # fmt: skip
    calls = "".join(
        f"    #[test]\n    fn f{at}_counts() {{\n        let words = [\"a\".to_string(), \"b\".to_string()];\n"
        f"        assert_eq!(super::f{at}(&words, {number})[\"b-{at}\"], {(constant if at == 0 else at) + number});\n    }}\n"
        for at in range(_FUNCTIONS)
    )  # fmt: skip
    return f"use std::collections::BTreeMap;\n\n{functions}#[cfg(test)]\nmod tests {{\n{calls}}}\n"


# -- a candidate ---------------------------------------------------------------------------------------------------


def _candidate(folder: Path) -> list[Row]:
    """Time one branch after another in the gate's folder, beside ``git checkout`` of the same in a fresh working copy."""
    folder.mkdir()
    origin = build(folder / "origin.git", 2 * _CHECKOUTS)
    reader = Git(origin)
    trees = [git("rev-parse", f"feat/t{n:04}^{{tree}}", at=origin) for n in range(2 * _CHECKOUTS)]
    files = {tree: tree_files(tree, reader.objects.tree) for tree in trees}
    gate, manifest = folder / "gate", folder / "manifest.json"
    materialise(gate, manifest, files[trees[0]], (), reader.objects.blob)
    clone = folder / "clone"
    git("clone", "-q", "--no-checkout", origin, clone, at=folder)
    at = {"coord": 0, "fresh": 0, "switch": 0}

    def next_tree(side: str) -> int:
        at[side] = (at[side] + 1) % len(trees)
        return at[side]

    def ours() -> float:
        tree = trees[next_tree("coord")]
        return seconds(lambda: materialise(gate, manifest, files[tree], (), reader.objects.blob))

    def fresh() -> float:
        number = next_tree("fresh")
        place = folder / "worktree"
        took = seconds(
            lambda: git("worktree", "add", "-q", "--detach", place, f"origin/feat/t{number:04}", at=clone)
        )
        git("worktree", "remove", "--force", place, at=clone)
        return took

    git("checkout", "-q", "--detach", "origin/main", at=clone)

    def switch() -> float:
        number = next_tree("switch")
        return seconds(lambda: git("checkout", "-q", "--detach", f"origin/feat/t{number:04}", at=clone))

    sides: dict[str, Callable[[], float]] = {"coord": ours, "git worktree add": fresh, "git checkout": switch}
    taken = rounds(sides, _CHECKOUTS)
    name = "a candidate written into the gate's folder, 5,000 files"
    return [
        row(
            name,
            ratio(taken, "coord", "git worktree add"),
            limit=0.3,
            beside="git worktree add",
            note=in_milliseconds(taken, "coord", "git worktree add"),
        ),
        row(
            name,
            ratio(taken, "coord", "git checkout"),
            beside="git checkout from the branch before",
            note=f"{in_milliseconds(taken, 'git checkout')}; coord looks at every file, since the code under test may have changed any",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main(measure))
