"""``coord status --watch``: on a real terminal it follows what happens and leaves everything as it was; in a pipe it tells."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.status.terminal import terminal
from tests.world import World, task_text


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:  # a path of a socket must be short
        yield Path(folder, "s")


def _shown(*words: str) -> Callable[[str], bool]:
    """Say of a screen whether all of this stands on it."""
    return lambda screen: all(word in screen for word in words)


def test_the_screen_follows_a_push_and_a_landing_and_q_gives_the_terminal_back(
    world: World, socket: Path
) -> None:
    world.build({"a": task_text("a"), "b": task_text("b", depends_on=("a",))})
    with terminal(world.desk, socket) as it:
        it.coord("status", "--watch", "1")
        it.until(_shown("2 tasks: 1 ready, 1 waiting", "q ends this"))
        assert (it.mode("alternate_on"), it.mode("cursor_flag")) == ("1", "0")
        world.push("feat/a", {"src/a.txt": "a\n"})
        it.until(_shown("lands next (1)", "1. feat/a  shares no file with another"))
        assert world.land().code == 0
        it.until(_shown("2 tasks: 1 ready, 1 completed", "b  Do b"))
        it.press("q")
        after = it.until(_shown("ended 0"))
        assert "q ends this" not in after
        assert (it.mode("alternate_on"), it.mode("cursor_flag")) == ("0", "1")
        it.press("echo a$((20+3))b", "Enter")
        assert "echo a$((20+3))b" in it.until(_shown("\na23b")), "what is typed is seen again"


def test_the_screen_survives_another_size_a_remote_that_is_away_and_ctrl_c(
    world: World, socket: Path
) -> None:
    world.build({"a": task_text("a"), "c": task_text("c")})
    world.push("feat/a", {"src/a.txt": "a\n"})
    with terminal(world.desk, socket, width=80, height=24, COLUMNS="80", LINES="24") as it:
        it.coord("status", "--watch", "1")
        it.until(_shown("feat/a", "q ends this"))
        it.resize(38, 9)
        small = it.until(lambda screen: "q ends this" in screen and len(screen.rstrip("\n").split("\n")) == 9)
        assert all(len(line) <= 38 for line in small.split("\n"))
        it.resize(120, 40)
        it.until(_shown("1. feat/a  shares no file with another", "the remote is asked every 1 s"))
        world.origin.rename(world.root / "away.git")
        it.until(_shown("! not fetched: cannot fetch", "1. feat/a"))
        (world.root / "away.git").rename(world.origin)
        it.until(lambda screen: "not fetched" not in screen and "1. feat/a" in screen)
        it.press("C-z")
        it.press("C-c")
        it.until(_shown("ended 0"))
        assert (it.mode("alternate_on"), it.mode("cursor_flag")) == ("0", "1")


def test_what_happens_here_is_seen_at_once_however_seldom_the_remote_is_asked(
    world: World, socket: Path
) -> None:
    world.build({"a": task_text("a")})
    world.git("checkout", "-q", "-b", "feat/a", at=world.desk)
    with terminal(world.desk, socket) as it:
        it.coord("status", "--watch", "3600")
        it.until(_shown("1 task: 1 ready", "q ends this"))
        assert world.coord("notify", "--level", "info", "-m", "half").code == 0
        it.until(_shown("1 note is unread: coord inbox"))
        it.press("Q")
        it.until(_shown("ended 0"))


def test_a_remote_that_never_answers_holds_up_neither_the_screen_nor_the_end(
    world: World, socket: Path
) -> None:
    world.build({"a": task_text("a")})
    world.git("config", "remote.origin.url", "ssh://nowhere.invalid/x.git", at=world.desk)
    hangs = world.root / "hangs"
    hangs.write_text(f"#!/bin/sh\necho $$ > {world.root}/asked\nexec sleep 600\n")
    hangs.chmod(0o755)
    world.git("config", "core.sshCommand", str(hangs), at=world.desk)
    with terminal(world.desk, socket) as it:
        it.coord("status", "--watch", "1")
        it.until(lambda screen: "1 task: 1 ready" in screen and (world.root / "asked").is_file())
        world.git("update-ref", "refs/coord/freeze", "HEAD", at=world.desk)
        it.until(_shown("landing is frozen"))
        it.press("q")
        it.until(_shown("ended 0"))
    assert not _runs(int((world.root / "asked").read_text())), "nothing of it is left"


def _runs(process: int) -> bool:
    """Say whether a process does anything still; where nobody collects what has ended, its number stays."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_colours_have_words_beside_them_and_no_color_takes_them_away(world: World, socket: Path) -> None:
    hostile = 'name: "[red]x[/] \\e[31mboo"'
    world.build({"a": task_text("a").replace("name: Do a", hostile), "b": task_text("b", status="blocked")})
    for more, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with terminal(world.desk, socket, **more) as it:
            it.coord("status")
            assert "a  [red]x[/] boo" in it.until(_shown("ended 0"))
            screen = it.screen(colours=True)
            assert ("\x1b[31m! b" in screen) is is_coloured
            assert "! b" in it.screen()


def _piped(world: World, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "coord", "-C", str(world.desk), "status", "--watch", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def test_in_a_pipe_the_page_comes_again_when_something_changed(world: World) -> None:
    world.build({"a": task_text("a")})
    watching = _piped(world, "0.5")
    assert watching.stdout is not None
    seen: list[str] = []

    def until(beginning: str) -> None:
        assert watching.stdout is not None
        for line in iter(watching.stdout.readline, ""):
            seen.append(line)
            if line.startswith(beginning):
                return
        raise AssertionError(seen)

    until("  a  Do a")
    world.push("feat/a", {"src/a.txt": "a\n"})
    until("+ 1. feat/a")
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=20)
    assert (watching.returncode, err) == (0, "")
    assert [line for line in seen if "task" in line] == ["1 task: 1 ready\n", "1 task: 1 in progress\n"]
    assert not any("\x1b" in line for line in seen)


@pytest.mark.parametrize("args", [("--json",), ("0",), ("nan",), ("inf",), ("x",)])
def test_what_cannot_be_watched_is_a_usage_error(world: World, args: tuple[str, ...]) -> None:
    world.build({"a": task_text("a")})
    ran = world.coord("status", "--watch", *args)
    assert (ran.code, ran.out) == (2, "")


def test_what_keeps_the_first_look_from_succeeding_is_told_as_without_watch(world: World) -> None:
    world.build({"a": task_text("a")})
    world.main({".coord.toml": "[land]\nworker = 2\n"})
    world.git("fetch", "-q", at=world.desk)
    ran = world.coord("status", "--watch")
    assert (ran.code, ran.out) == (2, "")
    assert "worker" in ran.err
