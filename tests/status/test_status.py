"""``coord status`` on real git: every kind of row with its turn, the whole screen, and that the commands it names work."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from coord.present import Memory, Patience, look
from coord.workspace import open_workspace
from tests.world import CHECK, Result, World, task_text

CONFIG = CHECK + '[land]\nprotected = [".coord.toml"]\n'
LIB = "src/lib.txt"


def tasks(*ids: str, **more: str) -> dict[str, str]:
    return {id: task_text(id) for id in ids} | more


def status(world: World, *args: str) -> Result:
    return world.coord("status", "--fetch", *args)


def rows(world: World, where: str) -> dict[str, tuple[str, str]]:
    """Return turn and command of each row of a list."""
    return {row["id"]: (row["turn"], row["command"]) for row in status(world, "--json").data[where]}


def typed(world: World, command: str) -> None:
    """Type a command that the screen names, in the maintainer's clone; ``&&`` stands between commands."""
    for each in command.split(" && "):
        words = shlex.split(each)
        if words[0] == "coord":
            assert world.coord(*words[1:]).code == 0, each
        else:
            world.git(*words[1:], at=world.desk)


def test_the_whole_screen_in_a_pipe(world: World) -> None:
    world.build(
        tasks(
            "api", "cache", "docs", "hub", "keys", "login", "new", "red", "search",
            deploy=task_text("deploy", depends_on=("api",)), stopped=task_text("stopped", status="blocked"),
        ),
        config=CONFIG,
    )  # fmt: skip
    world.push("feat/hub", {LIB: "1\n"})
    assert world.land("hub").code == 0
    world.push("feat/keys", {LIB: "2\n"}, start="origin/main~1")
    world.push("feat/red", {"src/red.txt": "BROKEN\n"})
    assert world.land().code == 0
    world.push("feat/docs", {"docs/a.md": "a\n", "docs/b.md": "b\n"})
    world.push("feat/login", {"docs/b.md": "c\n"})
    world.push(
        "feat/search", {"src/s.txt": "s\n"}, "stop\n\nCoord-Status: blocked\nCoord-Reason: no endpoint"
    )
    world.push("feat/api", {"src/api.txt": "a\n"}, "go on\n\nCoord-Status: working")
    world.push("feat/deploy", {"src/deploy.txt": "d\n"})
    world.push("feat/cache", {"src/cache.txt": "c\n"})
    world.push("feat/new", {".coord.toml": CONFIG + "# new\n"})
    world.push("feat/serach", {"src/x.txt": "x\n"})
    assert world.coord("hold", "cache", "-m", "until Monday").code == 0
    tip = world.ref("refs/heads/main")[:7]
    ran = status(world)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"origin/main {tip}, fetched just now",
        "11 tasks: 7 in progress, 3 blocked, 1 completed",
        "next: block feat/search: no endpoint",
        "",
        "lands next (2)",
        "+ 1. feat/docs   shares 1 file with feat/login",
        "    with feat/login: docs/b.md",
        "~ 2. feat/login  shares 1 file with feat/docs; the tip of feat/docs is older",
        "    would conflict with feat/docs, which lands before it, in docs/b.md (coord forecast)",
        "    with feat/docs: docs/b.md",
        "",
        "blocked (5)",
        "! feat/keys    maintainer  conflict in src/lib.txt with hub",
        "    $ coord unblock keys && coord spawn keys",
        "! feat/new     maintainer  changes protected paths (.coord.toml): read them, then coord approve new",
        "! feat/red     maintainer  sh check.sh failed",
        "    $ coord unblock red && coord spawn red",
        "! feat/search  coord       no endpoint",
        "    $ coord land",
        "! stopped      maintainer  main says so (status: blocked); coord show stopped tells more",
        "    $ coord unblock stopped -m 'WHAT HELPS'",
        "",
        "waiting (3)",
        "~ feat/cache   maintainer  held: until Monday (coord release cache)",
        "  feat/api     agent       working: it says so (Coord-Status: working)",
        "    $ coord done",
        "  feat/deploy  others      waits for api (is pending)",
        "",
        "branches without a task (1)",
        "~ feat/serach  no task on main has this name: it never lands; like search",
    ]


def test_what_the_screen_names_helps(world: World) -> None:
    world.build(tasks("a", "b", "c", "d", "e", f=task_text("f", status="blocked")), config=CONFIG)
    world.push("feat/a", {"src/a.txt": "a\n"})
    assert world.coord("hold", "a", "-m", "wait").code == 0
    world.push("feat/b", {".coord.toml": CONFIG + "# b\n"})
    world.push("feat/c", {"src/c.txt": "c\n"}, "stop\n\nCoord-Status: blocked\nCoord-Reason: no key")
    world.push("feat/d", {"src/d.txt": "d\n"})
    world.land("d")
    world.main({"src/d.txt": None}, f"Revert it\n\nThis reverts commit {world.ref('refs/heads/main')}.")
    world.git("push", "-q", "origin", "feat/d")
    waiting, blocked = rows(world, "waiting"), rows(world, "blocked")
    assert {**waiting, **blocked}.keys() == {"a", "b", "c", "d", "f"}
    for task in ("a", "b", "c", "f"):
        turn, command = {**waiting, **blocked}[task]
        if task == "c":  # main is told first
            assert (turn, command) == ("coord", "coord land")
            assert world.land("c").code == 4
            turn, command = rows(world, "blocked")["c"]
        assert turn == "maintainer"
        typed(world, command.replace("WHAT HELPS", "the key is in the safe"))
    assert rows(world, "blocked").keys() == {"d"}
    assert [row["id"] for row in status(world, "--json").data["queue"]] == ["a", "b"]
    assert rows(world, "waiting")["c"] == ("maintainer", "coord spawn c")
    (_, command) = blocked["d"]
    assert command.startswith("git revert ")
    world.git("checkout", "-q", "-B", "main", "origin/main", at=world.desk)
    world.git(*shlex.split(command)[1:], "--no-edit", at=world.desk)
    world.git("push", "-q", "origin", "main", at=world.desk)
    assert rows(world, "blocked") == {}


def test_what_the_last_run_found_is_told_until_main_moves(world: World) -> None:
    world.build(tasks("a"), files={"needs": "nothing-here\n"})
    world.push("feat/a", {"src/a.txt": "a\n"})
    assert world.land().code == 4
    ran = status(world)
    assert "next: main is red: sh check.sh; nobody is blamed, landing rests until main is mended" in ran.out
    assert "! feat/a  maintainer  main is red: sh check.sh\n    $ coord land\n" in ran.out
    world.main({"needs": "src/lib.txt\n"})
    assert "lands next (1)\n+ 1. feat/a  shares no file with another" in status(world).out
    assert rows(world, "blocked") == {}


def test_a_refused_push_is_the_maintainers(world: World) -> None:
    world.build(tasks("a"))
    world.push("feat/a", {"src/a.txt": "a\n"})
    hook = world.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no pushing on Sundays\nexit 1\n")
    hook.chmod(0o755)
    assert world.land().code == 8
    assert rows(world, "blocked") == {"a": ("maintainer", "coord doctor")}
    assert "no pushing on Sundays" in status(world).out


def test_json_keeps_what_scripts_read_and_adds_the_rest(world: World) -> None:
    world.build(tasks("a", "b", c=task_text("c", status="blocked")))
    tip = world.push("feat/a", {"src/a.txt": "a\n"})
    assert world.coord("freeze", "-m", "release day").code == 0
    ran = status(world, "--json")
    envelope = json.loads(ran.out)
    assert (envelope["schema"], envelope["problems"]) == ("coord/status/1", [])
    data = envelope["data"]
    assert data.keys() == {
        "main", "at", "frozen", "next", "counts", "queue", "waiting", "blocked", "in_progress", "ready", "sessions",
        "worktrees", "drift", "unknown", "unread", "validating",
    }  # fmt: skip
    assert (data["main"]["name"], data["main"]["commit"]) == ("origin/main", world.ref("refs/heads/main"))
    assert data["frozen"] == "release day"
    assert data["next"] == "all landing is frozen: release day (coord thaw)"
    assert data["counts"] == {
        "ready": 1, "in_progress": 1, "waiting": 0, "blocked": 1, "not_for_agents": 0, "completed": 0,
    }  # fmt: skip
    assert data["in_progress"] == [{"id": "a", "name": "Do a", "branch": "feat/a"}]
    assert data["ready"] == [{"id": "b", "name": "Do b"}]
    (one,) = data["queue"]
    assert (one["id"], one["place"], one["tip"], one["why"]) == ("a", 1, tip, "shares no file with another")
    (stopped,) = data["blocked"]
    assert (stopped["id"], stopped["status"], stopped["branch"], stopped["turn"]) == (
        "c",
        "blocked",
        "",
        "maintainer",
    )
    assert ran.out == json.dumps(envelope, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_worktrees_are_shown_with_what_is_in_them_and_a_short_patience_says_at_least(world: World) -> None:
    world.build(tasks("a"))
    assert world.coord("worktree", "create", "a").code == 0
    tree = world.desk / ".worktrees" / "feat" / "a"
    for number in range(600):
        (tree / f"new-{number}").write_text("x" * 5000)
    (tree / LIB).write_text("changed\n")
    (one,) = status(world, "--json").data["worktrees"]
    assert (one["branch"], one["task"], one["words"]) == (
        "feat/a",
        "a",
        "1 modified, 600 untracked, not pushed",
    )
    assert (one["modified"], one["untracked"], one["at_least"]) == (1, 600, False)
    times = iter(range(1000))
    short = look(open_workspace(world.desk), patience=Patience(2.5, lambda: float(next(times)))).worktrees[0]
    assert short.at_least
    assert short.size is not None
    assert 0 < short.size < one["size"]
    none = look(open_workspace(world.desk), patience=Patience(0, lambda: 0.0)).worktrees[0]
    assert none.size is None


def test_who_looks_again_does_not_measure_again(world: World) -> None:
    world.build(tasks("a"))
    assert world.coord("worktree", "create", "a").code == 0
    workspace = open_workspace(world.desk)
    memory = Memory.of(workspace)
    first = look(workspace, memory, patience=Patience(1, lambda: 0.0)).worktrees[0].size
    (world.desk / ".worktrees" / "feat" / "a" / "more").write_text("x" * 50_000)
    assert look(workspace, memory, patience=Patience(1, lambda: 59.0)).worktrees[0].size == first
    again = look(workspace, memory, patience=Patience(1, lambda: 61.0)).worktrees[0].size
    assert again is not None
    assert first is not None
    assert again > first


def test_drift_names_what_was_left_and_the_command_that_mends_it(world: World) -> None:
    world.build(tasks("a", b=task_text("b", depends_on=("a",), status="completed")))
    world.git("branch", "feat/gone", "origin/main", at=world.desk)
    (world.desk / ".worktrees" / "lost").mkdir(parents=True)
    drift = {row["check"]: row for row in status(world, "--json").data["drift"]}
    assert drift["open-dependencies"]["command"] == "coord complete a"
    assert drift["orphan-folder"]["subject"].endswith(".worktrees/lost")
    typed(world, drift["open-dependencies"]["command"])
    assert "open-dependencies" not in {row["check"] for row in status(world, "--json").data["drift"]}


def test_what_a_branch_is_at_work_on_is_not_to_be_completed_by_word(world: World) -> None:
    world.build(tasks("a", b=task_text("b", depends_on=("a",), status="completed")))
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.coord("land")
    drift = {row["check"]: row for row in status(world, "--json").data["drift"]}
    assert drift["open-dependencies"]["command"] == "coord why a"
    assert drift["open-dependencies"]["message"] == "completed, and a is not (feat/a has not landed)"
    assert world.coord("why", "a").code == 0


def test_what_is_unread_is_counted_and_stays_unread(world: World) -> None:
    world.build(tasks("a"))
    world.git("checkout", "-q", "-b", "feat/a", at=world.desk)
    assert world.coord("notify", "--level", "info", "-m", "half of it is done").code == 0
    for _ in range(2):
        assert "1 note is unread: coord inbox" in world.coord("status").out
    assert "half of it is done" in world.coord("inbox").out
    assert "unread" not in world.coord("status").out


# -- repositories that are not usual -------------------------------------------------------------------------------


def test_before_main_is_there_the_tasks_are_those_of_the_working_copy(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.git("init", "-q", "-b", "main", str(world.desk), at=tmp_path)
    (world.desk / "tasks").mkdir()
    (world.desk / "tasks" / "a.md").write_text(task_text("a"))
    assert world.coord("status").out.splitlines() == [
        "main does not exist yet as last fetched: these are the files of the working copy",
        "1 task: 1 ready",
        "next: nothing can land before main is there",
        "",
        "ready (1)",
        "  a  Do a",
    ]


def test_without_a_remote_in_a_bare_repository_and_without_a_task_folder(world: World) -> None:
    world.build({})
    assert "no tasks (coord new writes one)" in world.coord("status").out
    assert world.coord("status", at=world.origin).out.startswith("main ")
    world.git("remote", "remove", "origin", at=world.desk)
    assert world.coord("status", "--fetch").out.startswith("main ")
    bare = world.root / "empty.git"
    world.git("init", "-q", "--bare", str(bare), at=world.root)
    ran = world.coord("status", at=bare)
    assert (ran.code, ran.out) == (2, "")
    assert "hint: push main first" in ran.err


def test_a_wrong_number_is_told_in_words(world: World) -> None:
    result = world.coord("status", "--watch", "soon")
    assert (result.code, result.err.splitlines()[0]) == (2, "coord: argument --watch: not a number: 'soon'")


def test_a_remote_that_is_away_is_an_error_with_fetch_and_none_without(world: World) -> None:
    world.build(tasks("a"))
    world.origin.rename(world.root / "moved.git")
    assert world.coord("status").code == 0
    assert world.coord("status", "--fetch").code == 8
    (world.root / "moved.git").rename(world.origin)


def test_a_forge_is_not_asked_without_fetch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(tasks("a"))
    world.push("feat/a", {"src/a.txt": "a\n"})
    world.git("fetch", "-q", at=world.desk)
    world.git("config", "remote.origin.url", "https://github.com/owner/name.git", at=world.desk)
    monkeypatch.setenv("GH_TOKEN", "none")
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    ran = world.coord("status")
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith("; pull requests are not read without --fetch")
    assert "1. feat/a" in ran.out


# -- what it costs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["status"], ["status", "--json"]], ids=" ".join)
def test_neither_rich_nor_templates_nor_a_forge_are_loaded_in_a_pipe(world: World, args: list[str]) -> None:
    world.build(tasks("a"))
    script = (
        "import sys; from coord.__main__ import main; sys.argv[1:] = {!r}; code = main(); sys.stdout.flush()\n"
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script.format(["-C", str(world.desk), *args])],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    loaded = set(ran.stderr.splitlines()[-1].split())
    assert "coord.present" in loaded
    assert loaded & {"rich", "jinja2", "github", "asyncio", "acp", "mcp", "requests"} == set()


def test_git_is_asked_as_often_for_many_branches_as_for_few(world: World, tmp_path: Path) -> None:
    world.build(tasks(*(f"t{number}" for number in range(12))))

    def asked() -> int:
        trace = tmp_path / "trace"
        trace.unlink(missing_ok=True)
        world.git("config", "--global", "trace2.eventTarget", str(trace))
        world.coord("status")
        world.git("config", "--global", "--unset", "trace2.eventTarget")
        events = [json.loads(line) for line in trace.read_text().splitlines()]
        return sum(event["event"] == "version" for event in events)

    world.push("feat/t0", {"src/t0.txt": "t\n"})
    world.git("fetch", "-q", at=world.desk)
    few = asked()
    for number in range(1, 12):
        world.push(f"feat/t{number}", {f"src/t{number}.txt": "t\n"})
    world.git("fetch", "-q", at=world.desk)
    assert asked() <= few


def test_a_conflict_to_come_stands_beside_the_branch_that_it_is_about(world: World) -> None:
    world.build(tasks("a", "b"), {"src/hub.txt": "1\n2\n3\n"})
    world.push("feat/a", {"src/hub.txt": "1 a\n2\n3\n"})
    world.push("feat/b", {"src/hub.txt": "1 b\n2\n3\n"})
    queue = json.loads(status(world, "--json", "--fetch").out)["data"]["queue"]
    assert [one["clash"] for one in queue] == [
        "", "would conflict with feat/a, which lands before it, in src/hub.txt",
    ]  # fmt: skip
    assert "which lands before it, in src/hub.txt (coord forecast)" in status(world).out
    world.main({"src/hub.txt": "1 main\n2\n3\n"})
    queue = json.loads(status(world, "--json", "--fetch").out)["data"]["queue"]
    assert {one["clash"] for one in queue} == {"would conflict with main in src/hub.txt"}


def test_the_list_calls_no_blocked_task_in_progress(world: World) -> None:
    world.build(tasks("a", "b"))
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.coord("land")
    world.push("feat/b", {"src/b.txt": "b\n"})
    rows = [line.split() for line in world.coord("list", "--fetch").out.splitlines()]
    assert [row[:3] for row in rows] == [["blocked", "a", "feat/a"], ["pending", "b", "in"]]
