"""Several coordinators on different clones and a stream of pushes, some replaced or deleted while they wait."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

from tests.world import World, task_text

CONFIG = '[gate]\nprofile = "check"\n[profiles.check]\nsteps = ["sh check.sh"]\n'


def _stream(world: World, *, coordinators: int, pushes: int, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"t{number}" for number in range(pushes)]
    needs = {
        name: tuple(chance.sample(names[:i], k=min(i, chance.choice((0, 0, 0, 1)))))
        for i, name in enumerate(names)
    }
    lines = "".join(f"line {number}\n" for number in range(40))
    world.build({n: task_text(n, depends_on=needs[n]) for n in names}, {"src/hub.txt": lines}, CONFIG)
    desks = [world.desk]
    for number in range(1, coordinators):
        desks.append(world.root / f"desk{number}")
        world.git("clone", "-q", str(world.origin), str(desks[-1]), at=world.root)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "coord", "-C", str(desk), "land", "--watch", "--interval", "0.3"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for desk in desks
    ]
    pushed: dict[str, list[str]] = {name: [] for name in names}
    deleted: set[str] = set()
    try:
        for name in names:
            _push(world, name, chance, pushed)
            if chance.random() < 0.15:
                _push(world, chance.choice(names[: names.index(name) + 1]), chance, pushed)
            if chance.random() < 0.08:
                deleted |= {name} if _delete(world, name) else set()
        _wait_until_quiet(world, 30 + 2 * pushes)
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        errors = [process.communicate(timeout=60)[1] for process in processes]
    assert all(process.returncode == 130 for process in processes), errors
    assert not any("defect" in error for error in errors), errors
    for _ in range(3):
        assert world.land().code == 0
    _account(world, pushed, deleted)
    _checker_is_content(world, pushed, deleted)


def _checker_is_content(world: World, pushed: dict[str, list[str]], deleted: set[str]) -> None:
    lines = [f"{tip} refs/heads/feat/{name}" for name, tips in pushed.items() for tip in tips]
    lines += [f"{'0' * 40} refs/heads/feat/{name}" for name in sorted(deleted)]
    listed = world.root / "pushed"
    listed.write_text("".join(f"{line}\n" for line in lines))
    result = world.coord("doctor", "--verify", "--pushed", str(listed))
    assert result.code == 0, result.out + result.err


def _push(world: World, name: str, chance: random.Random, pushed: dict[str, list[str]]) -> None:
    kind = chance.choice(("own", "own", "own", "own", "hub", "red"))
    files: dict[str, str | None] = {f"src/{name}.txt": f"{len(pushed[name])}\n"}
    if kind == "hub":
        number = chance.randrange(40)
        world.git("fetch", "-q", "origin")
        hub = world.git("show", "origin/main:src/hub.txt") + "\n"
        files["src/hub.txt"] = hub.replace(f"line {number}\n", f"line {number} of {name}\n")
    if kind == "red":
        files[f"src/{name}.txt"] = "BROKEN\n"
    pushed[name].append(_until_taken(world, f"feat/{name}", files))


def _until_taken(world: World, branch: str, files: dict[str, str | None]) -> str:
    """Push as an agent does: when the branch was deleted at that moment (it landed), push again."""
    for _ in range(5):
        try:
            return world.push(branch, files)
        except AssertionError as error:
            if "cannot lock ref" not in str(error):
                raise
    raise AssertionError(f"{branch} could not be pushed")


def _delete(world: World, name: str) -> bool:
    words = world.git("push", "origin", f":refs/heads/feat/{name}", ok=False)
    return "[deleted]" in words


def _wait_until_quiet(world: World, seconds: float) -> None:
    """Wait until no ref has moved for a while: what is left then waits for a person or for such a one."""
    deadline = time.monotonic() + seconds
    before, since = "", time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 3:
        now = world.refs()
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.3)


def _account(world: World, pushed: dict[str, list[str]], deleted: set[str]) -> None:
    statuses, branches = world.statuses(), world.branches()
    landed = [line for line in world.history() if line.startswith("Merge branch")]
    for name, tips in pushed.items():
        contained = [tip for tip in tips if _contains(world, tip)]
        if f"feat/{name}" in branches:
            assert world.ref(f"refs/heads/feat/{name}") == tips[-1], name
        elif name not in deleted:
            assert tips[-1] in contained, f"{name}: its last push is lost"
            assert statuses[name] == "completed", name
        assert landed.count(f"Merge branch 'feat/{name}'") == len(contained), f"{name} landed twice"


def _contains(world: World, tip: str) -> bool:
    return "main" in world.git("branch", "--contains", tip, "--list", "main", at=world.origin, ok=False)


@pytest.mark.long
def test_three_coordinators_and_a_stream_of_pushes_lose_and_double_nothing(world: World) -> None:
    _stream(world, coordinators=3, pushes=15, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_five_coordinators_and_two_hundred_pushes_lose_and_double_nothing(world: World, seed: int) -> None:
    _stream(world, coordinators=5, pushes=200, seed=seed)
