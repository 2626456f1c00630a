"""Repositories, files and branches that are not as they should be: the right thing done, or an error with a next step."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.world import Result, World, task_text

NONE = '[gate]\nprofile = "none"\n'
LIB = "one\ntwo\nthree\nfour\nfive\n"


def _said(result: Result) -> str:
    assert "Traceback" not in result.err
    return result.out + result.err


def _raw(world: World, branch: str, entries: list[tuple[str, str, str]], message: str = "work") -> str:
    """Push a branch with files that a disk may refuse: (mode, path, content), on top of main; return its tip."""
    world.git("fetch", "-q", "origin")
    index = {"GIT_INDEX_FILE": str(world.root / f"index-{branch.replace('/', '-')}")}
    world.git("read-tree", "origin/main", env=index)
    for mode, path, content in entries:
        oid = content if mode == "160000" else world.git("hash-object", "-w", "--stdin", data=content)
        world.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}", env=index)
    tree = world.git("write-tree", env=index)
    tip = world.git("commit-tree", tree, "-p", "origin/main", "-m", message)
    world.git("push", "-q", "-f", "origin", f"{tip}:refs/heads/{branch}")
    return tip


# -- repositories --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("plan",), ("land",), ("list",), ("ready",), ("check",), ("complete", "a")]
)
def test_an_empty_clone_of_an_empty_repository(world: World, command: tuple[str, ...]) -> None:
    (world.root / "home").mkdir()
    world.git("init", "-q", "--bare", str(world.origin), at=world.root)
    world.git("clone", "-q", str(world.origin), str(world.desk), at=world.root)
    result = world.coord(*command)
    if command[0] in ("plan", "land", "complete"):
        assert result.code == 2
        assert "hint: git push origin main" in result.err
    else:
        assert result.code == 0, result.err
        assert "does not exist yet" in result.err or command[0] == "check"


@pytest.mark.parametrize("filter", ["blob:none", "tree:0"])
def test_a_partial_clone_lands(world: World, filter: str) -> None:  # noqa: A002
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.git("config", "uploadpack.allowFilter", "true", at=world.origin)
    world.git("config", "uploadpack.allowAnySHA1InWant", "true", at=world.origin)
    partial = world.root / "partial"
    world.git("clone", "-q", f"--filter={filter}", f"file://{world.origin}", str(partial), at=world.root)
    world.push("feat/a", {"src/lib.txt": LIB + "six\n"})
    world.push("feat/b", {"src/b.txt": "1\n"})
    result = world.coord("land", at=partial)
    assert result.code == 0, result.err
    assert world.statuses() == {"a": "completed", "b": "completed"}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_says_how_to_mend_it_before_it_judges_anything(world: World, depth: int) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a", {"src/a.txt": "1\n"})
    for number in range(4):
        world.main({"src/n.txt": f"{number}\n"})
    world.push("feat/b", {"src/b.txt": "1\n"})
    shallow = world.root / "shallow"
    world.git("clone", "-q", f"--depth={depth}", f"file://{world.origin}", str(shallow), at=world.root)
    before = world.refs()
    result = world.coord("land", at=shallow)
    assert result.code == 1
    assert "hint: git fetch --unshallow origin" in _said(result)
    assert world.refs() == before
    world.git("fetch", "-q", "--unshallow", at=shallow)
    assert world.coord("land", at=shallow).code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}


def test_an_unborn_main_in_the_clone_does_not_matter(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    fresh = world.root / "fresh"
    world.git("init", "-q", "-b", "main", str(fresh), at=world.root)
    world.git("remote", "add", "origin", str(world.origin), at=fresh)
    assert world.coord("land", at=fresh).code == 0
    assert world.statuses() == {"a": "completed"}


@pytest.mark.parametrize(
    "text",
    [
        "[land\n",
        "\x00\x01",
        "land = 3\n",
        "[gate]\nprofile = ['x']\n",
        "[profiles]\nx = 1\n",
        "\ufeff[gate]\n",
    ],
)
def test_a_broken_configuration_stops_with_its_place(world: World, text: str) -> None:
    world.build({"a": task_text("a")}, config=text)
    world.push("feat/a")
    before = world.refs()
    for command in ("plan", "land", "list"):
        result = world.coord(command)
        assert result.code in (0, 2) if text.startswith("\ufeff") else result.code == 2
        assert result.code == 0 or ".coord.toml (on origin/main)" in _said(result)
    assert world.refs() == before or text.startswith("\ufeff")


@pytest.mark.parametrize("kind", ["binary", "not UTF-8"])
def test_a_configuration_that_is_no_text_stops_with_its_place(world: World, kind: str) -> None:
    world.build({"a": task_text("a")})
    content = bytes(range(256)) if kind == "binary" else b'[gate]\nprofile = "\xff"\n'
    world.git("checkout", "-q", "-B", "main", "origin/main")
    (world.agent / ".coord.toml").write_bytes(content)
    world.git("commit", "-qam", "broken")
    world.git("push", "-q", "origin", "main")
    result = world.coord("land")
    assert result.code == 2
    assert ".coord.toml (on origin/main)" in _said(result)


# -- task files ----------------------------------------------------------------------------------------------------


_TASKS = {
    "broken": b"---\nid: bad\nname: [\n---\n",
    "binary": bytes(range(256)) * 64,
    "50 MB": b"---\nid: bad\nname: big\nstatus: pending\n---\n" + b"x" * 50_000_000,
    "deep YAML": b"---\nid: bad\nname: " + b"[" * 100_000 + b"\n---\n",
    "a bomb of aliases": b"---\nid: bad\nname: n\na: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9))
    + b"---\n",
    "a UTF-16 file": "---\nid: bad\nname: n\nstatus: pending\n---\n".encode("utf-16"),
    "one endless line": b"---\nid: bad\nname: " + b"n" * 900_000 + b"\nstatus: pending\n---\n",
    "an id that is no branch": b"---\nid: '../../x y'\nname: n\nstatus: pending\n---\n",
    "an id that is a number": b"---\nid: 7\nname: n\nstatus: pending\n---\n",
    "an empty file": b"",
}


@pytest.mark.parametrize("kind", _TASKS)
def test_one_bad_task_file_hides_no_other(world: World, kind: str) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.git("checkout", "-q", "-B", "main", "origin/main")
    (world.agent / "tasks/bad.md").write_bytes(_TASKS[kind])
    world.git("add", "-A")
    world.git("commit", "-qm", "a bad file")
    world.git("push", "-q", "origin", "main")
    before = world.git("rev-parse", "main:tasks/bad.md", at=world.origin)
    world.push("feat/a")
    world.push("feat/bad")
    started = time.monotonic()
    for command in (
        ("plan",),
        ("land",),
        ("list",),
        ("ready",),
        ("show", "bad"),
        ("complete", "bad", "-m", "x"),
    ):
        result = world.coord(*command)
        assert len(_said(result)) < 2_000_000
    assert time.monotonic() - started < 20
    assert "status: completed" in world.show("tasks/a.md")
    if kind not in ("one endless line", "a bomb of aliases"):  # these are read, so they may be completed
        assert world.git("rev-parse", "main:tasks/bad.md", at=world.origin) == before


def test_a_branch_whose_task_was_deleted_is_told_and_kept(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, config=NONE)
    world.push("feat/a")
    world.push("feat/b")
    world.main({"tasks/a.md": None})
    result = world.coord("land")
    assert result.code == 0
    assert "feat/a belongs to no task on main: ignored" in result.err
    assert world.branches() == ["feat/a"]


def test_a_task_deleted_by_its_own_branch_is_completed_all_the_same(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    world.push("feat/a", {"tasks/a.md": None, "src/a.txt": "1\n"})
    assert world.land("a").code == 0
    assert world.statuses() == {"a": "completed"}


# -- branches ------------------------------------------------------------------------------------------------------


_ODD_NAMES = ["a&b", "a;b", "$(touch${IFS}x)", "`x`", "a'b\"c", "é/ü", "日本", "a|b>c<d", "-dash", "@", "%41", "{x}", "a,b=c",
              "\U0001f980", "a#b", "ünïcode\u0301", "e!", "(x)"]  # fmt: skip


def test_branch_names_with_every_odd_character_are_shown_and_never_run(world: World) -> None:
    tasks = {
        f"t{n}": task_text("t").replace("id: t", f"id: {_quoted(name)}") for n, name in enumerate(_ODD_NAMES)
    }
    world.build(tasks, config=NONE)
    base = world.ref("refs/heads/main")
    for number, name in enumerate(_ODD_NAMES):
        _raw(world, f"feat/{name}", [("100644", f"src/f{number}.txt", "1\n")])
    assert world.ref("refs/heads/main") == base
    plan, result = world.coord("plan", "--json"), world.land()
    assert plan.code == 0, plan.err
    assert result.code == 0, result.err
    ended = {o["task"]: o["outcome"] for o in result.data["outcomes"]}
    told = {stranger["branch"] for stranger in plan.data["unknown"]}
    for name in _ODD_NAMES:
        assert ended.get(name) in ("landed", "waiting") or f"feat/{name}" in told, name
    assert len([name for name in _ODD_NAMES if ended.get(name) == "landed"]) > 12
    assert not (world.desk / "x").exists()


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def test_control_characters_cannot_be_in_a_branch_name_but_other_oddities_can(world: World) -> None:
    world.build({"a": task_text("a")}, config=NONE)
    for name in (
        "feat/\u202egnp",
        "feat/\u200b",
        "feat/" + "x" * 200,
        "feat/a/b",
        "feat/HEAD",
        "feat/\ufeffa",
    ):
        _raw(world, name, [("100644", "x", "1\n")])
    plan, result = world.coord("plan"), world.coord("land")
    assert (plan.code, result.code) == (0, 0)
    assert "\u202e" not in _said(plan) + _said(result)
    assert len(world.branches()) == 6


def test_a_branch_name_that_is_not_utf8_stops_nobody(world: World) -> None:
    world.build({"b": task_text("b")}, config=NONE)
    tip = world.push("feat/b")
    odd = os.fsdecode(b"refs/heads/feat/\xff\xfe")
    world.git("update-ref", odd, tip, at=world.origin)
    for command in ("plan", "land"):
        for flags in ((), ("--json",)):
            result = world.coord(command, *flags)
            assert result.code == 0, result.err
            assert _said(result).encode()
    assert world.statuses() == {"b": "completed"}


def _pack_refs(repository: Path, refs: dict[str, str]) -> None:
    """Add refs the way git itself keeps many: in one file."""
    packed = repository / "packed-refs"
    known = packed.read_text().splitlines() if packed.exists() else []
    rows = {line.split(" ")[1]: line for line in known if line[:1] not in ("#", "^")}
    rows |= {name: f"{oid} {name}" for name, oid in refs.items()}
    lines = ["# pack-refs with: peeled fully-peeled sorted ", *(rows[name] for name in sorted(rows))]
    packed.write_text("\n".join(lines) + "\n")


def _count_git(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a git before git that counts how often it is started."""
    real = world.git("--exec-path")
    folder, count = world.root / "bin", world.root / "count"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {count}\nexec {real}/git "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return count


def test_ten_thousand_branches_cost_no_question_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build({f"t{n}": task_text(f"t{n}") for n in range(300)}, config=NONE)
    tip = world.push("feat/t0")
    stray = world.push("other", {"y": "1\n"})
    world.git("fetch", "-q", at=world.desk)
    many = {f"feat/none{n}": stray for n in range(5000)} | {f"old/x{n}": tip for n in range(5000)}
    _pack_refs(world.origin, {f"refs/heads/{name}": oid for name, oid in many.items()})
    _pack_refs(world.desk / ".git", {f"refs/remotes/origin/{name}": oid for name, oid in many.items()})
    count = _count_git(world, monkeypatch)
    started = time.monotonic()
    plan = world.coord("plan")
    assert plan.code == 0
    assert time.monotonic() - started < 20
    assert len(count.read_text().splitlines()) < 25, count.read_text()
    count.unlink()
    assert world.land().code == 0
    assert len(count.read_text().splitlines()) < 60, count.read_text()
    assert world.statuses()["t0"] == "completed"


def test_many_finished_branches_are_planned_by_a_few_questions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build({f"t{n}": task_text(f"t{n}") for n in range(20)}, config=NONE)
    for number in range(20):
        _raw(world, f"feat/t{number}", [("100644", f"src/{number}.txt", "1\n")])
    count = _count_git(world, monkeypatch)
    plan = world.coord("plan", "--json")
    assert plan.code == 0
    assert len(plan.data["queue"]) == 20
    # A merge is tried for each candidate, and its objects are stored: two questions each, and a few for all.
    assert len(count.read_text().splitlines()) < 2 * 20 + 20, count.read_text()


@pytest.mark.soak
def test_five_hundred_finished_branches_are_planned_in_less_than_a_minute(world: World) -> None:
    world.build({f"t{n}": task_text(f"t{n}") for n in range(500)}, config=NONE)
    for number in range(500):
        _raw(world, f"feat/t{number}", [("100644", f"src/{number}.txt", "1\n")])
    started = time.monotonic()
    assert len(world.coord("plan", "--json").data["queue"]) == 500
    assert time.monotonic() - started < 60


# -- trees ---------------------------------------------------------------------------------------------------------


def test_unicode_and_case_colliding_paths_stay_what_they_are(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/Read.txt": "1\n"})
    _raw(world, "feat/a", [("100644", "src/read.txt", "2\n"), ("100644", "src/caf\u00e9.txt", "nfc\n")])
    _raw(world, "feat/b", [("100644", "src/cafe\u0301.txt", "nfd\n"), ("100644", "SRC/Read.txt", "3\n")])
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed", "b": "completed"}
    names = world.git("ls-tree", "-r", "-z", "--name-only", "main", at=world.origin).split("\0")
    assert {"src/Read.txt", "src/read.txt", "SRC/Read.txt", "src/caf\u00e9.txt", "src/cafe\u0301.txt"} <= set(
        names
    )


def test_links_out_of_the_tree_are_never_followed(world: World) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "keep.txt").write_text("keep\n")
    world.build({name: task_text(name) for name in "abc"}, {"dir/x.txt": "x\n"})
    _raw(
        world,
        "feat/a",
        [("120000", "out", str(outside)), ("120000", "loop", "loop"), ("120000", "up", "../../..")],
    )
    assert world.land("a").code == 0
    world.git("fetch", "-q", "origin")
    index = {"GIT_INDEX_FILE": str(world.root / "index")}
    world.git("read-tree", "origin/main", env=index)
    world.git("rm", "-q", "--cached", "out", env=index)
    blob = world.git("hash-object", "-w", "--stdin", data="evil\n")
    world.git("update-index", "--add", "--cacheinfo", f"100644,{blob},out/keep.txt", env=index)
    tip = world.git(
        "commit-tree", world.git("write-tree", env=index), "-p", "origin/main", "-m", "a folder now"
    )
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/b")
    assert world.land("b").code == 0
    assert (outside / "keep.txt").read_text() == "keep\n"
    assert [path.name for path in outside.iterdir()] == ["keep.txt"]


def test_a_submodule_is_an_empty_folder_and_is_not_fetched(world: World) -> None:
    world.build({"a": task_text("a")}, {"check.sh": '[ ! -e sub ] || [ -d sub -a -z "$(ls -A sub)" ]\n'})
    thief = f'[submodule "s"]\n\tpath = sub\n\turl = ext::sh -c "touch {world.root}/stolen"\n\tupdate = !touch {world.root}/x\n'
    _raw(world, "feat/a", [("160000", "sub", "1" * 40), ("100644", ".gitmodules", thief)])
    assert world.land("a").outcome("a")["outcome"] == "waiting"  # git itself refuses such an address
    _raw(
        world,
        "feat/a",
        [("160000", "sub", "1" * 40), ("100644", ".gitmodules", thief.replace("ext::sh", "https"))],
    )
    world.land("a")
    assert not (world.root / "stolen").exists()
    assert not (world.root / "x").exists()


def test_pointers_and_line_ends_land_byte_for_byte(world: World) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text eol=crlf\n*.u merge=union\n"
    world.build(
        {"a": task_text("a"), "b": task_text("b")}, {".gitattributes": attributes, "check.sh": "exit 0\n"}
    )
    _raw(world, "feat/a", [("100644", "x.bin", pointer), ("100644", "crlf.txt", "one\r\ntwo\r\n")])
    _raw(world, "feat/b", [("100644", "y.txt", "lf\n"), ("100644", "z", "no end")])
    before = {p: world.git("rev-parse", f"feat/a:{p}", at=world.origin) for p in ("x.bin", "crlf.txt")}
    assert world.land().code == 0
    assert {p: world.git("rev-parse", f"main:{p}", at=world.origin) for p in before} == before


def test_renames_on_one_side_follow_and_modes_stay(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/r.txt": LIB * 3})
    world.push("feat/a", {"src/r.txt": LIB * 3 + "tail\n"})
    world.push("feat/b", {"src/r.txt": None, "src/new/r.txt": LIB * 3})
    assert world.land().code == 0
    assert world.show("src/new/r.txt").endswith("tail")
    assert not world.has("src/r.txt")


def test_a_file_against_a_folder_is_a_conflict_and_the_queue_goes_on(world: World) -> None:
    world.build({name: task_text(name) for name in "abc"})
    world.push("feat/a", {"thing": "a file\n"})
    world.push("feat/b", {"thing/x.txt": "a folder\n"})
    world.push("feat/c")
    assert world.land().code == 0
    assert world.statuses() == {"a": "completed", "b": "blocked", "c": "completed"}
    assert world.verdicts() == {"b": "conflict"}


def test_unrelated_history_and_a_branch_without_files_are_answered(world: World) -> None:
    world.build({name: task_text(name) for name in "abc"})
    tree = world.git("mktree", data="")
    blob = world.git("hash-object", "-w", "--stdin", data="1\n")
    other = world.git("mktree", data=f"100644 blob {blob}\tunrelated.txt\n")
    for branch, of in (("feat/a", other), ("feat/b", tree)):
        root = world.git("commit-tree", of, "-m", "from nowhere")
        world.git("push", "-q", "origin", f"{root}:refs/heads/{branch}")
    world.push("feat/c")
    result = world.land()
    assert result.code == 0, result.err
    assert world.statuses()["c"] == "completed"
    assert world.has("src/lib.txt")
    assert world.has("check.sh")


def test_a_branch_that_deletes_everything_is_judged_like_any_other(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.git("fetch", "-q", "origin")
    tip = world.git("commit-tree", world.git("mktree", data=""), "-p", "origin/main", "-m", "all gone")
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    world.push("feat/b")
    result = world.land()
    assert result.code == 0, result.err
    assert result.outcome("a")["outcome"] in ("protected", "gate-failed")
    assert world.statuses()["b"] == "completed"


@pytest.mark.parametrize(
    "path", [".git/config", "a/.git/hooks/x", ".GIT/config", "..", "a/../../x", "/etc/x", "git~1/x"]
)
def test_paths_that_lead_out_or_into_git_are_never_written(world: World, path: str) -> None:
    world.build(
        {"a": task_text("a"), "b": task_text("b")},
        config=NONE.replace("none", "p") + '[profiles.p]\nsteps = ["true"]\n',
    )
    world.git("fetch", "-q", "origin")
    blob = world.git("hash-object", "-w", "--stdin", data="evil\n")
    tree = _tree_at(world, path.encode(), blob)
    body = f"tree {tree}\nparent {world.git('rev-parse', 'origin/main')}\nauthor A <a@b> 17 +0000\ncommitter A <a@b> 17 +0000\n\nx\n"
    tip = world.git("hash-object", "--literally", "-t", "commit", "-w", "--stdin", data=body)
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    world.push("feat/b")
    result = world.land()
    assert "Traceback" not in result.err
    assert world.statuses()["b"] == "completed"
    assert world.statuses()["a"] == "pending"
    assert list(world.root.rglob("x")) == []
    assert not Path("/etc/x").exists()
    assert [p for p in (world.root / "gates").rglob("config") if "evil" in p.read_text()] == []


def _tree_at(world: World, path: bytes, blob: str) -> str:
    """Store the trees of a path as written, whatever it says, below main's own files; return the top one."""
    mode, oid = b"100644", blob
    parts = [path] if path.startswith((b"/", b"..")) else path.split(b"/")
    for depth, part in enumerate(reversed(parts), 1):
        body = mode + b" " + part + b"\0" + bytes.fromhex(oid)
        if depth == len(parts):
            body = _with_main(world, part, body)
        oid = subprocess.run(
            ["git", "hash-object", "--literally", "-t", "tree", "-w", "--stdin"],
            cwd=world.agent, input=body, capture_output=True, check=True,
        ).stdout.decode().strip()  # fmt: skip
        mode = b"40000"
    return oid


def _with_main(world: World, name: bytes, entry: bytes) -> bytes:
    raw = subprocess.run(
        ["git", "cat-file", "tree", "origin/main^{tree}"], cwd=world.agent, capture_output=True, check=True
    ).stdout
    entries = {name: entry}
    while raw:
        head, _, rest = raw.partition(b"\0")
        entries[head.split(b" ", 1)[1]] = head + b"\0" + rest[:20]
        raw = rest[20:]
    return b"".join(entries[key] for key in sorted(entries))
