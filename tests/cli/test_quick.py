"""``ready``, ``list`` and ``status`` through the quick door: light, anew each time, and never another answer."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from coord import gitrunner, quick, quickgit, rowcache
from coord.cli import ended, run_whole
from coord.rows import Rows

from .conftest import Ran, Repository

Coord = Callable[..., Ran]

COMMANDS = [
    ("ready",), ("ready", "--json"), ("ready", "--explain"), ("list",), ("list", "--json"),
    ("list", "--status", "open,completed"),
]  # fmt: skip

#: What must not be loaded where a command answers at once: each costs as much as Python itself, or half of it.
HEAVY = {
    "argparse", "re", "json", "subprocess", "dataclasses", "yaml", "tomllib", "git", "pathlib", "typing", "enum",
    "functools", "collections", "contextlib", "signal", "threading", "difflib", "coord.cli", "coord.git", "coord.gitrunner",
}  # fmt: skip


@pytest.fixture
def published(repository: Repository) -> Repository:
    repository.task("auth/keys", status="completed")
    repository.task("auth/login", "auth/keys")
    repository.task("review", "auth/login", more="level: review\n")
    repository.task("ui", "review")
    repository.publish()
    return repository


def _by(door: Callable[[list[str]], int | None], repository: Repository, *args: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = door(["-C", str(repository.folder), *args])
    return Ran(-1 if code is None else code, out.getvalue(), err.getvalue())


def _quickly(argv: list[str]) -> int | None:
    return quick.attempt(argv, ended)


def _assert_same(repository: Repository) -> None:
    """Compare both doors, the quick one without and with what it remembers."""
    for command in COMMANDS:
        whole = _by(run_whole, repository, *command)
        for _ in range(2):
            assert _by(_quickly, repository, *command) == whole


def _state(repository: Repository) -> Path:
    return repository.folder / ".git" / "coord"


def _process(repository: Repository, *args: str) -> list[str]:
    """Run a command in a process of its own and return the modules that it loaded."""
    script = "import sys; from coord.__main__ import main; sys.argv[1:] = {!r}; code = main(); sys.stdout.flush()\n"
    script += "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    ran = subprocess.run(
        [sys.executable, "-c", script.format(list(args))],
        cwd=repository.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_warm_command_loads_nothing_heavy(published: Repository, command: tuple[str, ...]) -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    _process(published, *command)
    published.task("auth/login", "auth/keys", more="risk: low\n")
    published.publish()
    assert set(_process(published, *command)) & (HEAVY - set(bare.stdout.split())) == set()


@pytest.mark.parametrize(("command", "count"), [("ready", 3), ("list", 3)])
def test_git_is_started_a_fixed_number_of_times(
    published: Repository, coord: Coord, tmp_path: Path, command: str, count: int
) -> None:
    coord(command)
    trace = tmp_path / "trace"
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / ".gitconfig").write_text(f"[trace2]\n\teventTarget = {trace}\n")
    coord(command)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    started = [event["argv"] for event in events if event["event"] == "start"]
    assert len(started) == count


def test_only_what_changed_is_read_again(repository: Repository, coord: Coord) -> None:
    for number in range(30):
        repository.task(f"area-{number % 3}/t{number}")
    repository.publish()
    assert len(coord("ready").out.splitlines()) == 30
    asked: list[str] = []

    def read(oids: list[str], kind: bytes) -> list[bytes]:
        asked.extend(oids)
        folder = repository.folder
        return [subprocess.check_output(["git", "cat-file", kind, oid], cwd=folder) for oid in oids]

    rows = Rows(rowcache.load(str(_state(repository) / "rows")), read)
    rows.bring_to(repository.git("rev-parse", "origin/main^{tree}"))
    assert (len(rows.files), asked) == (30, [])
    repository.task("area-1/t1", status="completed")
    repository.publish()
    assert len(coord("ready").out.splitlines()) == 29
    rows.bring_to(repository.git("rev-parse", "origin/main^{tree}"))
    changed = ["", ":tasks", ":tasks/area-1", ":tasks/area-1/t1.md"]
    assert asked == [repository.git("rev-parse", f"origin/main{path or '^{tree}'}") for path in changed]
    assert [path for path, row in rows.files.items() if row[2] == "completed"] == ["tasks/area-1/t1.md"]


def test_both_doors_say_the_same(published: Repository) -> None:
    _assert_same(published)


def test_both_doors_say_the_same_of_files_that_have_problems(published: Repository) -> None:
    published.task("a", "b", "nowhere", "auth/kyes")
    published.task("b", "a", status="done")
    published.task("twice", status="blocked")
    published.write("tasks/other.md", "---\nid: twice\nname: Twice\ndepends_on: [ui]\n---\n")
    published.write("tasks/README.md", "# Tasks\n")
    published.write("tasks/broken.md", "---\nid: broken\nname: [\n---\n")
    published.write("tasks/odd.md", '---\nid: odd\nname: "a\\tb\\u202e"\nlevel: none\n---\n')
    (published.folder / "tasks" / "link.md").symlink_to("a.md")
    published.publish()
    _assert_same(published)


def test_both_doors_say_the_same_while_work_goes_on(published: Repository) -> None:
    published.git("push", "--quiet", "origin", "HEAD:refs/heads/feat/auth/login")
    published.git("fetch", "--quiet", "origin")
    tip = published.git("rev-parse", "HEAD")
    published.git("update-ref", "refs/coord/claims/ui", tip)
    published.git("update-ref", "refs/coord/freeze", tip)
    published.task("fresh")
    published.task("auth/more")
    _assert_same(published)
    assert "not listed: auth/more, fresh\n" in _by(_quickly, published, "list").err


def test_a_file_that_main_dropped_is_told_although_its_folder_did_not_change(published: Repository) -> None:
    """What is remembered of the working copy's folders goes by what main holds."""
    for number in range(40):  # enough for the folders to be worth remembering
        published.task(f"many/of-{number}/them")
    published.publish()
    os.utime(published.folder / "tasks/many/of-3", (1_000_000_000, 1_000_000_000))
    for _ in range(2):
        assert "not listed" not in _by(_quickly, published, "list").err
    head = published.git("rev-parse", "HEAD")
    published.git("rm", "-q", "--cached", "tasks/many/of-3/them.md")
    published.git("commit", "-q", "-m", "main drops one")
    published.git("push", "-q", "origin", "HEAD:main")
    published.git("fetch", "-q", "origin")
    published.git("reset", "-q", "--soft", head)
    assert "not listed: many/of-3/them\n" in _by(_quickly, published, "list").err
    _assert_same(published)


def test_both_doors_say_the_same_after_folders_became_files(published: Repository) -> None:
    _assert_same(published)
    for path in (published.folder / "tasks" / "auth").iterdir():
        path.unlink()
    (published.folder / "tasks" / "auth").rmdir()
    published.write("tasks/auth.md", "---\nid: auth\nname: Auth\n---\n")
    published.publish()
    _assert_same(published)
    published.write(".coord.toml", '[project]\ntasks = "work/items"\nprefixes = ["x/"]\n')
    published.write("work/items/one.md", "---\nid: one\nname: One\n---\n")
    published.publish()
    _assert_same(published)
    assert _by(_quickly, published, "ready").out == "one  One\n"


def test_both_doors_say_the_same_in_a_linked_worktree(published: Repository, tmp_path: Path) -> None:
    published.git("worktree", "add", "--quiet", "-b", "feat/ui", str(tmp_path / "side"))
    side = Repository(tmp_path / "side")
    side.task("only-there")
    _assert_same(side)


def test_both_doors_say_the_same_without_a_remote(published: Repository) -> None:
    published.git("remote", "remove", "origin")
    _assert_same(published)


def test_both_doors_say_the_same_with_another_main(published: Repository) -> None:
    published.git("push", "--quiet", "origin", "HEAD:trunk")
    published.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    published.task("later")
    published.publish()
    _assert_same(published)
    published.git("config", "coord.main", "main")
    _assert_same(published)


@pytest.mark.parametrize(
    "args",
    [("ready", "--nope"), ("list", "--status", "finished"), ("status",), ("ready", "extra"), ("list", "--fetch")],
    ids=" ".join,
)  # fmt: skip
def test_what_is_not_usual_is_left_to_the_engine(published: Repository, args: tuple[str, ...]) -> None:
    assert _by(_quickly, published, *args) == Ran(-1, "", "")


def test_a_repository_that_is_not_usual_is_left_to_the_engine(published: Repository, tmp_path: Path) -> None:
    places = {
        "nowhere": tmp_path / "nowhere", "outside": tmp_path, "bare": tmp_path / "remote.git",
        "inside": published.folder / ".git",
    }  # fmt: skip
    for place in places.values():
        assert _by(_quickly, Repository(place), "ready").code == -1
    published.git("config", "coord.remote", "elsewhere")
    assert _by(_quickly, published, "ready").code == -1
    published.git("config", "--unset", "coord.remote")
    published.write(".coord.toml", "[land]\nworker = 2\n")
    published.publish()
    assert _by(_quickly, published, "ready") == Ran(-1, "", "")


def test_variables_of_another_repository_are_not_followed(
    published: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _by(_quickly, published, "ready")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
    assert _by(_quickly, published, "ready") == expected


@pytest.mark.parametrize("damage", ["truncated", "turned", "empty", "older", "foreign"])
def test_a_damaged_cache_is_made_again(published: Repository, coord: Coord, damage: str) -> None:
    expected = coord("ready")
    cache = _state(published) / "rows"
    sound = cache.read_bytes()
    cache.write_bytes(
        {
            "truncated": sound[: len(sound) // 2],
            "turned": sound[:-9] + bytes([sound[-9] ^ 1]) + sound[-8:],
            "empty": b"",
            "older": sound.replace(b"coord rows", b"coord rows 0 ", 1),
            "foreign": b"\x80\x04]\x94.",
        }[damage]
    )
    assert coord("ready") == expected
    assert cache.read_bytes() == sound


def test_a_cache_that_cannot_be_written_is_no_failure(published: Repository, coord: Coord) -> None:
    _state(published).write_text("a file where the folder should be\n")
    assert coord("ready").code == 0


def test_what_is_gone_from_main_is_gone_from_the_cache(published: Repository, coord: Coord) -> None:
    for number in range(40):
        published.task(f"many/t{number}")
    published.publish()
    coord("ready")
    before = (_state(published) / "rows").stat().st_size
    for path in (published.folder / "tasks" / "many").iterdir():
        path.unlink()
    published.publish()
    for number in range(20):
        published.task(f"some/t{number}")
    published.publish()
    coord("ready")
    assert (_state(published) / "rows").stat().st_size < before
    known = rowcache.load(str(_state(published) / "rows"))
    assert known is not None
    assert not [path for path in known["files"] if "many" in path]  # type: ignore[attr-defined]


def test_the_environment_of_children_is_the_same_through_both_doors() -> None:
    assert quickgit.TRANSPORT == gitrunner._TRANSPORT
    assert quickgit.ENGINE_ENVIRONMENT == gitrunner._ENGINE_ENVIRONMENT


def test_a_reader_that_goes_away_is_no_failure(published: Repository) -> None:
    script = (
        "import sys; from coord.__main__ import main; sys.argv[1:] = ['list', '--json']; sys.exit(main())"
    )
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=published.folder, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["ready", "list"])
def test_json_is_what_the_json_module_writes(published: Repository, coord: Coord, command: str) -> None:
    published.task("a", "nowhere", status="done")
    published.task("é", more='assignee: "x"\n')
    published.publish()
    ran = coord(command, "--json")
    assert ran.out == json.dumps(ran.json, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
