"""Branches that mean harm: what their code does to the machine ends with the step, and the next branch never sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.test_cargo import cargo
from tests.world import World, task_text

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs Linux: stray processes and limits were NOT tested"
)
LIB = "one\ntwo\nthree\nfour\nfive\n"


def _profile(script: str = "sh run.sh", *more: str) -> str:
    step = f'steps = ["{script}"]'
    return "\n".join(['[gate]\nprofile = "p"\n[profiles.p]\ntoolchain = []', step, *more])


def _alive(marker: str) -> str:
    """Return the processes whose arguments hold ``marker``."""
    return subprocess.run(["pgrep", "-af", marker], capture_output=True, text=True).stdout


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _nap() -> str:
    """Return a time to sleep that no other process of this machine names."""
    return f"98765.{time.time_ns()}"


_STRAYS = {
    "in its own session": "setsid sleep {nap} &",
    "an orphan of its own session": "(setsid sh -c 'setsid sleep {nap} & exit 0' &)",
    "with no environment and in another folder": "cd /; setsid env -i sleep {nap} > /dev/null 2>&1 &",
    "deaf to being asked": "trap '' TERM HUP INT; (trap '' TERM HUP INT; setsid sleep {nap}) &",
}


@linux
@pytest.mark.parametrize("how", _STRAYS)
@pytest.mark.parametrize("end", ["exit 0", "exit 1"])
def test_no_process_outlives_its_step(world: World, how: str, end: str) -> None:
    nap = _nap()
    script = f"{_STRAYS[how].format(nap=nap)}\n[ -e src/a.txt ] || exit 0\n{end}\n"
    world.build({"a": task_text("a")}, {"run.sh": script}, _profile())
    world.push("feat/a")
    world.land()
    assert _alive(nap) == ""


@linux
@pytest.mark.parametrize("target", ["the coordinator", "the coordinator and what guards the step"])
def test_what_a_killed_coordinator_left_running_is_ended_before_its_folder_is_used(
    world: World, target: str
) -> None:
    nap, seen = _nap(), world.root / "seen"
    script = f"echo x >> {seen}; [ -e {world.root}/again ] && exit 0; setsid sleep {nap} & sleep {nap}"
    world.build({"a": task_text("a")}, {"run.sh": script}, _profile())
    world.push("feat/a")
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert _until(seen.exists)
    (world.root / "again").touch()
    if target != "the coordinator":
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()
    assert world.land("a").code == 0
    assert _alive(nap) == ""


def _children(pid: int) -> list[int]:
    rows = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout
    return [int(row.split()[0]) for row in rows.splitlines() if int(row.split()[1]) == pid]


_LIMITS = {
    "forks without end": (
        "python3 -c 'import os, time\nwhile True:\n  os.fork() or time.sleep(600)'",
        "processes = 50",
        "more than 50 processes",
    ),
    # It stops by itself after two seconds: the machine that tests has other work as well.
    "doubles, each in its own session": (
        (
            "python3 -c 'import os, time\nend = time.monotonic() + 2\nwhile time.monotonic() < end:\n"
            "  os.fork() or os.setsid()\n  time.sleep(0.02)\ntime.sleep(600)'"
        ),
        "processes = 50",
        "more than 50 processes",
    ),
    "fills the disk": (
        "while :; do dd if=/dev/zero of=$TMPDIR/$i bs=1M count=1 2>/dev/null; i=x$i; done",
        'disk = "20M"',
        "more than 20 MiB",
    ),
    "prints without end": ("yes", "", "printed more than 64 MiB"),
    "takes all the memory": ("python3 -c 'x = bytearray(2 << 30)'", 'memory = "1G"', "MemoryError"),
    "never ends": ("trap '' TERM; while :; do sleep 1; done", 'timeout = "1s"', "longer than 1 s"),
}


@linux
@pytest.mark.parametrize("harm", _LIMITS)
def test_limits_end_it_and_the_next_branch_lands(world: World, harm: str) -> None:
    command, limit, words = _LIMITS[harm]
    run = "[ -e src/a.txt ] || exit 0\n. ./harm.sh\n"
    world.build({"a": task_text("a"), "b": task_text("b")}, {"run.sh": run}, _profile("sh run.sh", limit))
    world.push("feat/a", {"src/a.txt": "1\n", "harm.sh": command + "\n"})
    world.push("feat/b")
    started = time.monotonic()
    assert world.land().code == 0
    assert time.monotonic() - started < 40
    assert world.verdicts() == {"a": "gate-failed"}
    assert words in world.show("verdict.json", "refs/coord/verdicts/a")
    assert world.statuses() == {"a": "blocked", "b": "completed"}
    log = world.desk / ".git/coord/logs/feat-a.log"
    assert log.stat().st_size < 65 * 2**20


_TRAPS = {
    "an edit and the record that would hide it": """
echo evil > src/lib.txt
python3 - <<'END'
import glob, json, os
for name in glob.glob("../*.json"):
    known, status = json.load(open(name)), os.lstat("src/lib.txt")
    known["src/lib.txt"][3:] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    json.dump(known, open(name, "w"))
END
""",
    "settings above the folder": "mkdir -p ../.cargo ../../.cargo; touch ../.cargo/config.toml ../../.cargo/config.toml "
    "../pytest.ini ../../pytest.ini",
    "a lock of its own making": "rm -f ../lock; mkdir ../lock",
    "a full scratch home": "mkdir -p $HOME/.config $TMPDIR/x; echo evil > $HOME/.profile; chmod 000 $HOME/.config",
    "attributes": "chattr +i src/lib.txt 2>/dev/null; chmod 000 src . ..",
}


@pytest.fixture
def _changeable(tmp_path: Path) -> Iterator[None]:
    yield
    subprocess.run(["chattr", "-R", "-f", "-i", str(tmp_path)], capture_output=True)


@pytest.mark.usefixtures("_changeable")
@pytest.mark.parametrize("trap", _TRAPS)
def test_the_next_branch_is_judged_on_a_clean_folder(world: World, trap: str) -> None:
    seen = world.root / "seen"
    look = "ls -A . .. $HOME $TMPDIR; cat src/lib.txt; ls -A ../.. ../../.. | grep -v -e '^[0-9]' -e cargo -e desk"
    script = f"({look}) > {seen}\n[ -e src/a.txt ] || exit 0\n. ./trap.sh\nexit 1\n"
    world.build({"a": task_text("a"), "b": task_text("b")}, {"run.sh": script}, _profile())
    world.push("feat/b")
    assert world.land("b").code == 0
    clean = seen.read_text()
    world.push("feat/a", {"src/a.txt": "1\n", "trap.sh": _TRAPS[trap] + "\n"})
    world.git("update-ref", "refs/heads/feat/c", "main", at=world.origin)
    assert world.land("a").code == 6
    world.main({"tasks/c.md": task_text("c"), ".coord.toml": _profile("sh run.sh", "# again")})
    world.push("feat/c", {"other.txt": "1\n"})
    assert world.land("c").code == 0
    assert seen.read_text() == clean.replace("check.sh\n", "check.sh\nother.txt\n", 1)


def test_a_kept_file_from_the_future_does_not_make_a_change_look_old(world: World) -> None:
    """Build tools judge freshness by modification time: a product dated next year would be fresh for ever."""
    script = (
        "mkdir -p target; [ -e target/out -a ! src/lib.txt -nt target/out ] || cp src/lib.txt target/out\n"
        "touch -d '+1 year' target/out; ! grep -q BROKEN target/out\n"
    )
    world.build(
        {"a": task_text("a"), "b": task_text("b")},
        {"run.sh": script},
        _profile("sh run.sh", 'keep = ["target"]'),
    )
    world.push("feat/a")
    assert world.land("a").code == 0
    world.push("feat/b", {"src/lib.txt": "BROKEN\n"})
    assert world.land("b").code == 6


@cargo
def test_cargo_builds_a_changed_source_though_its_products_are_from_the_future(world: World) -> None:
    files = {
        "Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
        "src/lib.rs": "pub fn one() -> i32 {\n    1\n}\n",
        "run.sh": "cargo build -q || exit 1; find target -exec touch -h -d '+1 year' {} +\n",
        ".gitignore": "target\n",
    }
    world.build({"a": task_text("a"), "b": task_text("b")}, files, _profile("sh run.sh", 'keep = ["target"]'))
    world.push("feat/a")
    assert world.land("a").code == 0
    world.push("feat/b", {"src/lib.rs": 'pub fn one() -> i32 {\n    "1"\n}\n'})
    assert world.land("b").code == 6


def test_the_code_under_test_finds_no_way_to_the_repository(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = world.root / "seen"
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/s3cret")
    script = (
        f"(env; tr '\\0' '\\n' < /proc/$$/cmdline; git rev-parse --git-dir; git push origin HEAD:main; "
        f"ls -A $HOME; cat ~/.git-credentials ~/.netrc ~/.ssh/*; ls -l /proc/$$/fd) > {seen} 2>&1; exit 0"
    )
    world.build({"a": task_text("a")}, {"run.sh": script}, _profile())
    before = world.ref("refs/heads/main")
    world.push("feat/a")
    (world.root / "home/.git-credentials").write_text("https://me:s3cret@example.com\n")
    monkeypatch.setenv("GIT_DIR", str(world.root / "desk/.git"))
    assert world.land("a").code == 0
    monkeypatch.delenv("GIT_DIR", raising=False)
    told = seen.read_text()
    assert "s3cret" not in told
    assert "not a git repository" in told
    assert str(world.desk) not in told.replace(str(seen), "")
    assert world.git("rev-parse", "main^1", at=world.origin) == before


_EVIL = (
    "x\x1b]0;owned\x07\x1b[2J\r\n::error file=x::boo\n##[set-output name=x]y\n---\nid: a\nstatus: completed\n---\n"
    "# Heading\n## Summary\n@everyone <!-- --> ``` \u202egnp\n" + "y" * 200_000
)


def _is_inert(text: str) -> None:
    assert "\x1b" not in text
    assert "\u202e" not in text
    for line in text.splitlines():
        assert not line.startswith(("::", "##[")), line[:100]


@pytest.mark.parametrize("where", ["message", "summary", "reason", "log", "10 MB line"])
def test_hostile_text_is_shown_and_stored_inert(world: World, where: str) -> None:
    log = "cat evil.txt; exit 1\n" if where in ("log", "10 MB line") else "exit 0\n"
    evil = "z" * 10_000_000 if where == "10 MB line" else _EVIL
    run = "[ -e evil.txt ] || exit 0\n" + log
    world.build({"a": task_text("a"), "b": task_text("b")}, {"run.sh": run}, _profile())
    said = _EVIL.replace("\n", " ")
    message = {
        "message": "work " + _EVIL,
        "summary": f"work\n\nCoord-Status: done\nCoord-Summary: {said}",
        "reason": f"work\n\nCoord-Status: blocked\nCoord-Reason: {said}\nCoord-Tried: {said}",
    }.get(where, "work")
    (world.root / "message").write_text(message)
    world.git("checkout", "-q", "-B", "feat/a", "origin/main")
    (world.agent / "evil.txt").write_text(evil)
    world.git("add", "-A")
    world.git("commit", "-q", "-F", str(world.root / "message"), "--cleanup=verbatim")
    world.git("push", "-q", "origin", "feat/a")
    world.push("feat/b")
    plan = world.coord("plan")
    result = world.coord("land")
    assert result.code == 0, result.err
    for text in (plan.out, plan.err, result.out, result.err):
        _is_inert(text)
        assert len(text) < 100_000
    assert world.statuses() == {
        "a": "completed" if where in ("message", "summary") else "blocked", "b": "completed"
    }  # fmt: skip
    task = world.show("tasks/a.md")
    assert task.count("\n---\n") == 1
    assert task.count("\n## Summary") == 1
    assert "@everyone" not in task
    assert len(task) < 30_000
    assert world.coord("check", "tasks", at=_checkout(world)).code == 0


def _checkout(world: World) -> Path:
    where = world.root / "look"
    world.git("clone", "-q", str(world.origin), str(where), at=world.root)
    return where


def test_hostile_paths_are_shown_inert_and_stay_what_they_are(world: World) -> None:
    names = [
        "src/a\nb.txt",
        "src/\x1b[31mred.txt",
        "src/::error::x",
        "-rf",
        "--help",
        "src/@everyone",
        "a`b`",
    ]
    world.build({"a": task_text("a"), "b": task_text("b")}, {"run.sh": "exit 0\n"}, _profile())
    for task in "ab":
        world.push(f"feat/{task}", dict.fromkeys(names, task))
    plan, result = world.coord("plan"), world.coord("land", "--json")
    assert result.code == 0, result.err
    assert sorted(result.outcome("b")["paths"]) == sorted(names)
    for text in (plan.out, plan.err, result.err, world.coord("land").out):
        _is_inert(text)
    _is_inert(world.show("tasks/b.md"))
    assert "@everyone" not in world.show("tasks/b.md")


@linux
def test_an_interrupt_ends_what_left_its_group_too(world: World) -> None:
    nap, started = _nap(), world.root / "started"
    script = f"setsid sleep {nap} & touch {started}; trap '' INT TERM; sleep {nap}; sleep {nap}"
    world.build({"a": task_text("a")}, {"run.sh": script}, _profile())
    world.push("feat/a")
    before = world.refs()
    process = subprocess.Popen(
        [sys.executable, "-m", "coord", "-C", str(world.desk), "land"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert _until(started.exists)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert world.refs() == before
    assert _alive(nap) == ""
