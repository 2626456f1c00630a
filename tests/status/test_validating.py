"""What is validated right now is seen by others, and only while it is so."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.world import World, task_text


@contextmanager
def landing(world: World) -> Iterator[subprocess.Popen[str]]:
    """A landing in a process of its own, whose gates wait for the file ``go``."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "coord", "-C", str(world.desk), "land"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def build(world: World) -> World:
    wait = f"while [ ! -e {world.root / 'go'} ]; do sleep 0.05; done"
    steps = f'steps = [["sh", "-c", "{wait}"]]'
    config = f'[land]\nworkers = 2\n[gate]\nprofile = "p"\n[profiles.p]\n{steps}\ntoolchain = []\n'
    world.build({name: task_text(name) for name in ("a", "b")}, config=config)
    world.push("feat/a")
    world.push("feat/b")
    return world


def validating(world: World, count: int) -> list[list[str]]:
    """Return the lines that are validated, as soon as there are so many."""
    deadline = time.monotonic() + 30
    while True:
        found = world.coord("status", "--json").data["validating"]
        if len(found) == count or time.monotonic() > deadline:
            return [line["branches"] for line in found]
        time.sleep(0.1)


def test_what_is_validated_now_stands_on_the_screen_and_on_the_page(world: World) -> None:
    with landing(build(world)) as process:
        assert validating(world, 2) == [["feat/a"], ["feat/a", "feat/b"]]
        screen = world.coord("status").out
        assert "being validated (2)" in screen
        assert "merged after feat/a; started" in screen
        page = json.loads(world.coord("dashboard", "--json").out)["data"]
        assert [row["trial"] for row in page["queue"]] == [
            "is being validated", "is being validated, merged after feat/a",
        ]  # fmt: skip
        (world.root / "go").touch()
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert validating(world, 0) == []
    assert not (world.desk / ".git/coord/validating.json").exists()


def test_a_landing_that_was_killed_validates_nothing(world: World) -> None:
    with landing(build(world)) as process:
        assert len(validating(world, 2)) == 2
        process.kill()
        process.wait()
        assert validating(world, 0) == []
    (world.root / "go").touch()
    world.land()
    assert not (world.desk / ".git/coord/validating.json").exists()


def test_a_file_that_others_wrote_says_nothing(world: World) -> None:
    world.build({"a": task_text("a")})
    path = world.desk / ".git/coord/validating.json"
    path.parent.mkdir(exist_ok=True)
    for text in (
        "",
        "[]",
        '{"process": {"pid": 1, "start": 0, "boot": ""}, "validations": [{"branches": [1], "since": 1}]}',
    ):
        path.write_text(text)
        assert validating(world, 0) == []
