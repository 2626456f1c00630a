"""A disk that is full: no verdict, nothing half done, and everything works once there is room again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.world import World, task_text

Disk = Callable[[Path, int], Path]


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Mount small disks; skips, loudly, where that is not permitted."""
    mounted: list[Path] = []

    def mount(place: Path, megabytes: int) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        if not sys.platform.startswith("linux") or not shutil.which("mount"):
            pytest.skip("no small disks here: a full disk was NOT tested")
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(place)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"mounting is not permitted: a full disk was NOT tested ({made.stderr.strip()})")
        mounted.append(place)
        return place

    yield mount
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", str(place)], check=True)


def _grow(place: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(place)], check=True, capture_output=True)


def _fill(place: Path, leave: int = 0) -> None:
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize - leave
    with (place / "filler").open("wb") as stream:
        stream.write(b"x" * free)


def test_no_room_for_the_gates_folder_blames_nobody(world: World, disk: Disk) -> None:
    world.build({"a": task_text("a")}, {"big.bin": "x" * 3_000_000})
    gates = disk(world.root / "gates", 2)
    world.push("feat/a")
    before = world.refs()
    result = world.land()
    assert result.code == 1
    assert result.outcome("a")["outcome"] == "waiting"
    assert "no space left on the disk" in result.outcome("a")["reason"]
    assert "make room" in result.err
    assert world.refs() == before
    _grow(gates, 20)
    assert world.land("a").code == 0
    assert world.statuses() == {"a": "completed"}


@pytest.mark.parametrize("takes", ["main takes all", "the branch takes more"])
def test_a_step_that_runs_out_of_room_blames_nobody(world: World, disk: Disk, takes: str) -> None:
    count = 8 if takes == "main takes all" else 3
    run = "dd if=/dev/zero of=out bs=1M count=$(cat count) 2>/dev/null || { echo full; exit 1; }\n"
    world.build({"a": task_text("a")}, {"check.sh": run, "count": f"{count}\n"})
    gates = disk(world.root / "gates", 4)
    world.push("feat/a", {"count": "8\n", "src/a.txt": "1\n"})
    before = world.refs()
    result = world.land()
    assert result.code == 1
    assert result.outcome("a")["outcome"] == "waiting"
    assert "no space left on the disk" in result.outcome("a")["reason"]
    assert world.refs() == before
    _grow(gates, 20)
    assert world.land("a").code == 0


def test_no_room_for_objects_publishes_nothing_and_says_what_to_do(world: World, disk: Disk) -> None:
    world.build({"a": task_text("a")})
    place = disk(world.root / "small", 3)
    desk = place / "desk"
    world.git("clone", "-q", str(world.origin), str(desk), at=world.root)
    world.push("feat/a")
    before = world.refs()
    for leave in (0, 4096, 8192, 12_288, 20_480, 40_960, 65_536):
        _fill(place, leave)
        result = world.coord("land", at=desk)
        assert result.code in (0, 1), (leave, result.err)
        if result.code == 0:
            break
        assert "no space left" in result.err.lower(), (leave, result.err)
        assert "hint: make room" in result.err, (leave, result.err)
        assert "Traceback" not in result.err
        assert world.refs() == before
        (place / "filler").unlink()
    (place / "filler").unlink(missing_ok=True)
    assert world.coord("land", "a", at=desk).code == 0
    assert world.statuses() == {"a": "completed"}
    world.git("fsck", "--strict", at=desk)


def test_no_room_on_the_remote_is_told_in_its_words(world: World, disk: Disk) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    place = disk(world.root / "small", 3)
    remote = place / "origin.git"
    world.git("clone", "-q", "--mirror", str(world.origin), str(remote), at=world.root)
    world.git("remote", "set-url", "origin", str(remote), at=world.desk)
    before = world.git("for-each-ref", at=remote)
    _fill(place)
    result = world.coord("land", "a")
    assert result.code == 8, result.err
    assert world.git("for-each-ref", at=remote) == before
    (place / "filler").unlink()
    assert world.coord("land", "a").code == 0
    world.git("fsck", "--strict", at=remote)
