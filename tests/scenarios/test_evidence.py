"""What costs a run of the gate and what does not, and that a warm folder is honest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coord.core.objects import tree_files
from coord.folder import Materialised, materialise
from coord.room import rustup_home
from coord.workspace import open_workspace
from tests.scenarios.test_cargo import CRATE, TESTED, cargo
from tests.world import World, task_text

INPUTS = 'inputs = ["src/**"]'


def _counting(world: World, *more: str, script: str = "true") -> str:
    """Return a configuration whose gate leaves a line outside its folder for every run."""
    steps = f"echo run >> {world.root / 'runs'}; {script}"
    return "\n".join(['[gate]\nprofile = "p"\n[profiles.p]', f'steps = [["sh", "-c", "{steps}"]]', *more])


def _runs(world: World) -> int:
    """Return how often the gate has run since this was asked last."""
    path = world.root / "runs"
    count = len(path.read_text().splitlines()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return count


# -- what costs no run -----------------------------------------------------------------------------------------------


def test_a_branch_that_changes_only_the_task_folder_costs_no_run(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_counting(world))
    world.push("feat/a", {"src/a.txt": "1\n"})
    assert world.land("a").code == 0
    assert _runs(world) == 1
    world.push("feat/b", {"tasks/a.md": "mine\n", "tasks/new.md": task_text("new")})
    assert world.land("b").code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}
    assert _runs(world) == 0


def test_a_main_that_moved_in_the_task_folder_costs_no_second_run_of_what_has_passed(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_counting(world))
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.main({"tasks/c.md": task_text("c")})
    assert world.land("a").code == 0
    world.main({"tasks/d.md": task_text("d")})
    world.push("feat/b", {})
    assert world.land("b").code == 0
    assert _runs(world) == 1


def test_files_outside_the_inputs_cost_no_run_and_files_inside_do(world: World) -> None:
    names = ("a", "b", "c")
    world.build({name: task_text(name) for name in names}, config=_counting(world, INPUTS))
    for task, path, expected in (("a", "src/a.txt", 1), ("b", "docs/b.md", 0), ("c", "src/c.txt", 1)):
        world.push(f"feat/{task}", {path: "new\n"})
        assert world.land(task).code == 0
        assert _runs(world) == expected, path
        assert world.has(path)


def test_a_branch_that_is_requeued_by_another_landing_that_the_profile_does_not_see_costs_no_run(
    world: World,
) -> None:
    """Main moves while the gate runs: the push is refused by its lease, and the new trial looks the same to the gate."""
    race = f"sh {world.root / 'race'}"
    world.build({"a": task_text("a")}, config=_counting(world, INPUTS, script=race))
    world.push("feat/a", {"src/a.txt": "1\n"})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.commit("meanwhile", {"docs/other.md": "1\n"})
    (world.root / "race").write_text(
        f"test -e {world.root}/done || git -C {world.agent} -c core.hooksPath=/dev/null push -q origin main\n"
        f"touch {world.root}/done\n"
    )
    assert world.land("a").code == 0
    assert world.history() == ["Merge branch 'feat/a'", "meanwhile", "seed"]
    assert _runs(world) == 1


def test_a_conflict_that_is_tried_again_with_the_same_end_costs_no_run(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_counting(world))
    world.push("feat/b", {"src/lib.txt": "b\n"})
    world.push("feat/a", {"src/lib.txt": "a\n"})
    assert world.land("a").code == 0
    world.land("b")
    assert world.verdicts() == {"b": "conflict"}
    assert _runs(world) == 1
    world.coord("retry", "b")
    world.land("b")
    assert world.verdicts() == {"b": "conflict"}
    assert _runs(world) == 0


def test_a_branch_that_is_taken_up_again_with_what_has_passed_costs_no_run(world: World) -> None:
    """Undone on main and tried again: the same tree as before, whatever happened in between."""
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_counting(world))
    tip = world.push("feat/a", {"src/a.txt": "1\n"})
    assert world.land("a").code == 0
    world.main({"src/a.txt": None})
    assert _runs(world) == 1
    world.push("feat/b", {}, start=tip)
    world.more("feat/b", {"src/a.txt": "1\n"})
    world.git("fetch", "-q", "origin")
    world.git("merge", "-q", "--no-edit", "-s", "ours", "origin/main")
    world.git("checkout", "-q", tip, "--", "src/a.txt")
    world.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "again")
    world.git("push", "-q", "-f", "origin", "feat/b")
    assert world.land("b").code == 0
    assert world.show("src/a.txt") == "1"
    assert _runs(world) == 0


_KILLER = """#!/bin/sh
case " $* " in *" push "*) kill -9 $PPID; exit 1 ;; esac
exec {real} "$@"
"""


def test_a_coordinator_killed_between_its_gate_and_its_push_costs_no_second_run(world: World) -> None:
    world.build({"a": task_text("a")}, config=_counting(world))
    world.push("feat/a", {"src/a.txt": "1\n"})
    killer = world.root / "bin/git"
    killer.parent.mkdir()
    killer.write_text(_KILLER.format(real=shutil.which("git")))
    killer.chmod(0o755)
    before = world.refs()
    environment = {**os.environ, "PATH": f"{killer.parent}:{os.environ['PATH']}"}
    words = [sys.executable, "-P", "-m", "coord", "-C", str(world.desk), "land"]
    killed = subprocess.run(words, env=environment, capture_output=True, timeout=60)
    assert killed.returncode == -9, killed.stderr
    assert world.refs() == before
    assert _runs(world) == 1
    assert world.land("a").code == 0
    assert world.statuses() == {"a": "completed"}
    assert _runs(world) == 0


# -- what is written -------------------------------------------------------------------------------------------------


def test_a_candidate_is_materialised_by_writing_only_what_changed(world: World, tmp_path: Path) -> None:
    files = {f"src/m{number % 10}/f{number}.txt": f"{number}\n" for number in range(300)}
    world.build({"a": task_text("a")}, files)
    first = world.git("rev-parse", "HEAD^{tree}")
    world.push("feat/a", {"src/m0/f0.txt": "changed\n", "src/m9/new.txt": "new\n", "src/m1/f1.txt": None})
    second = world.git("rev-parse", "HEAD^{tree}")
    git = open_workspace(world.agent).git
    folder, manifest = tmp_path / "folder", tmp_path / "manifest.json"

    def make(tree: str) -> Materialised:
        return materialise(folder, manifest, tree_files(tree, git.objects.tree), (), git.objects.blob)

    def stats() -> dict[str, tuple[int, int]]:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {
            str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_ctime_ns) for path in paths
        }

    whole = make(first)
    assert whole == Materialised(written=len(stats()), removed=0)
    before = stats()
    # The changed file is removed before it is written anew, and one is gone for good.
    assert make(second) == Materialised(written=2, removed=2)
    after = stats()
    assert {path for path in after if after[path] != before.get(path)} == {"src/m0/f0.txt", "src/m9/new.txt"}
    assert make(second) == Materialised(written=0, removed=0)
    assert make(first) == Materialised(written=2, removed=2)


def test_the_gate_leaves_what_did_not_change_as_it_was(world: World) -> None:
    seen = world.root / "seen"
    look = f"find . -type f -printf '%p %i %C@\\\\n' | sort > {seen}.$(ls src | wc -l)"
    world.build({"a": task_text("a"), "b": task_text("b")}, config=_counting(world, script=look))
    for task in ("a", "b"):
        world.push(f"feat/{task}", {f"src/{task}.txt": "1\n"})
        assert world.land(task).code == 0
    first, second = (set(Path(f"{seen}.{count}").read_text().splitlines()) for count in (2, 3))
    assert first < second
    assert [line.split()[0] for line in second - first] == ["./src/b.txt"]


# -- cargo: warm and honest ------------------------------------------------------------------------------------------


def _crate(world: World, *tasks: str, config: str = "", files: dict[str, str] | None = None) -> World:
    return world.build({task: task_text(task) for task in tasks}, {**CRATE, **(files or {})}, config)


@cargo
def test_a_target_shared_by_two_folders_passes_a_type_error_and_coords_gates_share_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The false green: cargo takes what another folder has built for its own when it is newer than the sources.

    Two workers make their folders before either has built anything, as the recipe needs it; the settings of the person
    who runs coord ask for a shared target in both ways that cargo knows.
    """
    broken = 'pub fn add(a: i32, b: i32) -> i32 {\n    "b" + a\n}\n'
    _crate(world, "good", "broken", config="[land]\nworkers = 2\n")
    # Where cargo finds the error in spite of a shared target, the recipe is empty; the gates are asked all the same.
    works = _passes_with_a_shared_target(world.root / "recipe", broken)
    shared = world.root / "shared"
    (world.root / "home/.cargo").mkdir(exist_ok=True)
    (world.root / "home/.cargo/config.toml").write_text(f'[build]\ntarget-dir = "{shared}"\n')
    monkeypatch.setenv("CARGO_TARGET_DIR", str(shared))
    world.push("feat/good", {"src/add.rs": CRATE["src/add.rs"] + TESTED % 4})
    world.push("feat/broken", {"src/add.rs": broken})
    world.land()
    assert world.statuses()["broken"] == "blocked", f"with a shared target plain cargo passes it: {works}"
    assert not shared.exists()
    targets = [path for path in (world.root / "gates").rglob("target") if path.is_dir()]
    assert len(targets) == 2
    assert len({path.resolve() for path in targets}) == 2


def _passes_with_a_shared_target(folder: Path, broken: str) -> bool:
    """Run the recipe with plain cargo and say whether code with a type error passes the whole validation."""
    for name, add in (("one", CRATE["src/add.rs"]), ("other", broken)):
        for path, text in {**CRATE, "src/add.rs": add}.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(text)
    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(folder / "target"),
        "RUSTUP_HOME": str(rustup_home()),
    }
    codes = [
        subprocess.run(
            ["cargo", *words], cwd=folder / name, env=environment, capture_output=True, timeout=300
        ).returncode
        for name in ("one", "other")
        for words in (["build"], ["clippy", "--", "-D", "warnings"], ["test"])
    ]
    return not any(codes)


@cargo
def test_a_source_of_the_same_size_and_an_older_date_is_built_anew(world: World) -> None:
    """The stale target: nothing but its content tells the file of the second branch from that of the first."""
    _crate(world, "good", "broken")
    good = "pub fn add(a: i32, b: i32) -> i32 {\n    10 + a + b\n}\n"
    broken = good.replace("10", '""')
    assert len(good) == len(broken)
    world.push("feat/good", {"src/add.rs": good})
    assert world.land("good").code == 0
    world.clock -= 10**7
    world.push("feat/broken", {"src/add.rs": broken})
    world.land("broken")
    assert world.verdicts() == {"broken": "gate-failed"}
    assert "cargo build failed" in world.show("verdict.json", "refs/coord/verdicts/broken")


@cargo
def test_a_second_trial_compiles_only_the_crate_that_changed(world: World) -> None:
    names = [f"part{number}" for number in range(3)]
    files = {"Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = {names}\n'.replace("'", '"')}
    for name in names:
        files[f"{name}/Cargo.toml"] = CRATE["Cargo.toml"].replace("demo", name)
        files[f"{name}/src/lib.rs"] = CRATE["src/add.rs"]
    built = world.root / "built"
    steps = f"cargo build 2>&1 | grep -o 'Compiling [a-z0-9]*' | sort >> {built}; echo . >> {built}"
    config = f'[gate]\nprofile = "p"\n[profiles.p]\nkeep = ["target"]\nsteps = [["sh", "-c", "{steps}"]]\n'
    _crate(world, "a", "b", config=config, files=files)
    for task, text in (("a", "a + b"), ("b", "b + a")):
        more = "" if task == "a" else "\npub const MORE: i32 = 1;\n"
        world.push(f"feat/{task}", {"part1/src/lib.rs": CRATE["src/add.rs"].replace("a + b", text) + more})
        assert world.land(task).code == 0
    first, second, _ = built.read_text().split(".\n")
    assert [line.split()[1] for line in first.splitlines()] == names
    assert second.split() == ["Compiling", "part1"]
