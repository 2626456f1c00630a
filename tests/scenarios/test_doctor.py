"""``coord doctor``: each check has a story in which it speaks, and the command that it prints mends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from coord.core.session import SessionRecord, SessionRole
from coord.doctor.checks import CHECKS
from coord.sessions.claims import machine
from coord.sessions.store import Store
from coord.workspace import open_workspace
from tests.world import CHECK, World, task_text

TASKS = {"a": task_text("a"), "b": task_text("b", depends_on=("a",)), "c": task_text("c")}
STUCK = "stop\n\nCoord-Status: blocked\nCoord-Reason: the API is not there\n"


@pytest.fixture
def clean(world: World) -> World:
    world.build(TASKS)
    world.coord("hooks", "install")
    return world


def _findings(world: World, at: Path | None = None) -> list[dict[str, str]]:
    found: list[dict[str, str]] = world.coord("doctor", "--json", at=at).data["findings"]
    return found


def _checks(world: World, at: Path | None = None) -> set[str]:
    return {finding["check"] for finding in _findings(world, at)}


def _type(world: World, command: str, at: Path | None = None) -> None:
    """Type a command into a shell, as a person would."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        command,
        shell=True,
        cwd=at or world.desk,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"


def test_a_repository_with_nothing_wrong_has_no_findings(clean: World) -> None:
    clean.push("feat/a")
    clean.land()
    clean.push("feat/b")
    result = clean.coord("doctor", "--json")
    assert result.data == {"findings": [], "mended": []}
    assert result.code == 0
    assert clean.coord("doctor").err == "nothing is wrong\n"


# -- stories -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What goes wrong, and what a person does by hand around the command that is printed."""

    check: str
    severity: str
    arrange: Callable[[World], object]
    before: Callable[[World], object] = lambda _world: None
    after: Callable[[World], object] = lambda _world: None


def _program(world: World, name: str, text: str) -> None:
    """Install a program before all others."""
    folder = world.root / "programs"
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def _old_git(world: World) -> None:
    says = 'for word; do [ "$word" = version ] && echo "git version 2.35.1" && exit; done'
    _program(world, "git", f'{says}\nexec {shutil.which("git")} "$@"')


def _new_git(world: World) -> None:
    os.environ["PATH"] = os.environ["PATH"].removeprefix(f"{world.root / 'programs'}:")


def _at_desk(*args: str) -> Callable[[World], object]:
    return lambda world: world.git(*args, at=world.desk)


def _coord(*args: str) -> Callable[[World], object]:
    return lambda world: world.coord(*args)


def _main(files: dict[str, str | None]) -> Callable[[World], object]:
    return lambda world: world.main(files)


def _hook(world: World, text: str, name: str = "pre-commit") -> None:
    hook = world.desk / ".git/hooks" / name
    hook.write_text(text)
    hook.chmod(0o755)


def _edit_hook(world: World) -> None:
    hook = world.desk / ".git/hooks/pre-push"
    hook.write_text(hook.read_text() + "# edited\n")


def _landed(world: World) -> str:
    tip = world.push("feat/a")
    world.land()
    return tip


def _landed_again(world: World) -> None:
    tip = _landed(world)
    world.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")


def _merge_by_hand(world: World, *, keep: bool) -> None:
    tip = world.push("feat/a")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-ff", "-m", "Merge branch 'feat/a'", tip)
    world.git("push", "-q", "origin", "main", *([] if keep else [":feat/a"]))


def _reopen(world: World) -> None:
    _landed(world)
    world.main({"tasks/a.md": task_text("a")})


def _stuck(world: World) -> None:
    world.push("feat/a", {"src/a.txt": "1\n"}, STUCK)
    world.land()


def _stuck_and_edited(world: World) -> None:
    _stuck(world)
    world.main({"tasks/a.md": task_text("a")})


def _stuck_and_gone(world: World) -> None:
    _stuck(world)
    world.git("push", "-q", "origin", ":feat/a")


def _ref(world: World, ref: str, message: str = "x", files: dict[str, str] | None = None) -> None:
    rows = []
    for name, text in (files or {}).items():
        blob = world.git("hash-object", "-w", "--stdin", data=text, at=world.origin)
        rows.append(f"100644 blob {blob}\t{name}\n")
    tree = world.git("mktree", data="".join(rows), at=world.origin)
    commit = world.git("commit-tree", tree, "-m", message, at=world.origin)
    world.git("update-ref", ref, commit, at=world.origin)


def _verdict(world: World, task: str) -> None:
    said = {
        "task": task,
        "branch": f"feat/{task}",
        "tip": "1" * 40,
        "base": "1" * 40,
        "kind": "conflict",
        "reason": "x",
    }
    _ref(world, f"refs/coord/verdicts/{task}", files={"verdict.json": json.dumps(said)})


def _verdict_of_completed(world: World) -> None:
    world.coord("complete", "a")
    _verdict(world, "a")


def _hold_of_completed(world: World) -> None:
    world.coord("hold", "a", "-m", "wait")
    world.coord("complete", "a")


def _hold_of_branch(world: World) -> None:
    world.push("feat/a")
    world.coord("hold", "a", "-m", "wait")


def _worktree(world: World, name: str = "a") -> Path:
    home = world.desk / ".worktrees" / name
    world.git("fetch", "-q", "origin", at=world.desk)
    world.git("worktree", "add", "-q", "-b", f"feat/{name}", str(home), f"origin/feat/{name}", at=world.desk)
    return home


def _lost_worktree(world: World) -> None:
    world.push("feat/a")
    shutil.rmtree(_worktree(world))


def _removed_by_hand(world: World) -> None:
    assert world.coord("worktree", "create", "a").code == 0
    world.git("worktree", "remove", str(world.desk / ".worktrees/feat/a"), at=world.desk)


def _land_elsewhere(world: World) -> None:
    other = world.root / "other"
    world.git("clone", "-q", str(world.origin), str(other))
    world.coord("land", at=other)


def _landed_elsewhere(world: World) -> None:
    world.push("feat/a")
    _worktree(world)
    _land_elsewhere(world)


def _landed_and_dirty(world: World) -> None:
    world.push("feat/a")
    (_worktree(world) / "notes.txt").write_text("mine\n")
    _land_elsewhere(world)


def _landed_and_checked_out(world: World) -> None:
    world.push("feat/a")
    world.git("fetch", "-q", "origin", at=world.desk)
    world.git("checkout", "-q", "feat/a", at=world.desk)
    _land_elsewhere(world)


def _lock(world: World, name: str = "index.lock", age: float = 700) -> Path:
    lock = world.desk / ".git" / name
    lock.touch()
    then = time.time() - age
    os.utime(lock, (then, then))
    return lock


def _publish_the_new_task(world: World) -> None:
    world.git("add", "tasks", at=world.desk)
    world.git("commit", "-q", "-m", "task: zzz", at=world.desk)
    world.git("push", "-q", "origin", "HEAD:main", at=world.desk)


def _away(world: World) -> None:
    world.origin.rename(world.root / "away.git")


def _back(world: World) -> None:
    (world.root / "away.git").rename(world.origin)


def _session_without_host(world: World) -> None:
    workspace = open_workspace(world.desk)
    record = SessionRecord(
        "ses_0123456789ab",
        SessionRole.IMPLEMENTATION,
        "wt/x",
        str(world.desk / ".worktrees/x"),
        "scripted",
        "m",
        1.0,
    )
    Store(workspace.state / "sessions").add(record, "")


def _broken_record(world: World) -> None:
    _session_without_host(world)
    (world.desk / ".git/coord/sessions/ses_0123456789ab/record.json").write_text("{")


def _claim_without_session(world: World) -> None:
    who = f"{machine(open_workspace(world.desk))}/ses_gone"
    _ref(world, "refs/coord/claims/a", f"x\n\nCoord-Holder: {who}\nCoord-Expires: 9999999999")


BROKEN = {"tasks/x.md": "---\nid: x\nname: [\n---\n"}
NO_PROGRAM = CHECK.replace("sh check.sh", "no-such-program now")

STORIES: dict[str, Story] = {
    "git is too old": Story("git-version", "error", _old_git, before=_new_git),
    "another remote could be meant": Story("remote", "error", _at_desk("remote", "rename", "origin", "there")),
    "the remote is away": Story("remote", "error", _away, before=_back),
    "the remote takes no push": Story(
        "rights", "error", _at_desk("config", "remote.origin.pushurl", "/nowhere.git"),
        before=_at_desk("config", "--unset", "remote.origin.pushurl"),
    ),
    "main has another name": Story("main", "error", _at_desk("config", "coord.main", "trunk")),
    "the configuration is broken": Story(
        "configuration", "error", _main({".coord.toml": "[lan]\n"}), before=_main({".coord.toml": CHECK})
    ),
    "no gate is named": Story(
        "profile", "error", _main({".coord.toml": None}), after=_main({".coord.toml": CHECK})
    ),
    "the gate is named nowhere in the configuration": Story(
        "profile", "error", _main({".coord.toml": "[land]\nworkers = 2\n"}), before=_main({".coord.toml": CHECK})
    ),
    "the gate's program is missing": Story(
        "profile", "error", _main({".coord.toml": NO_PROGRAM}),
        before=lambda w: _program(w, "no-such-program", "exit 0"),
    ),
    "a task file is broken": Story(
        "task-files", "error", _main(BROKEN), before=_main({"tasks/x.md": None}), after=lambda _world: None
    ),
    "hooks are not installed": Story("hooks", "info", _coord("hooks", "uninstall")),
    "a hook is out of date": Story(
        "hooks", "warning", _edit_hook
    ),
    "a hook is another tool's": Story("hooks", "warning", lambda w: _hook(w, "#!/bin/sh\nexit 0\n")),
    "two hooks are another tool's": Story(
        "hooks", "warning",
        lambda w: [_hook(w, "#!/bin/sh\n"), _hook(w, "#!/bin/sh\n", "pre-commit.legacy")],
    ),
    "git looks for hooks elsewhere": Story("hooks", "info", _at_desk("config", "core.hooksPath", "/tmp/hooks")),
    "a task was merged before coord was there": Story(
        "landed-not-completed", "warning", lambda w: _merge_by_hand(w, keep=False)
    ),
    "a landed task was reopened": Story("landed-not-completed", "warning", _reopen),
    "a branch was merged by hand": Story("merged-by-hand", "warning", lambda w: _merge_by_hand(w, keep=True)),
    "a task was completed before its dependency": Story("open-dependencies", "warning", _coord("complete", "b")),
    "a task was blocked by hand": Story(
        "blocked-without-verdict", "warning", _main({"tasks/c.md": task_text("c", status="blocked")})
    ),
    "a blocked task was edited by hand": Story("verdict-without-block", "warning", _stuck_and_edited),
    "a landed branch was pushed again": Story("stale-branch", "warning", _landed_again),
    "a claim has expired": Story(
        "stale-branch", "warning",
        lambda w: _ref(w, "refs/coord/claims/a", "x\n\nCoord-Holder: y\nCoord-Expires: 1600000000"),
    ),
    "a branch has no task": Story(
        "unknown-branch", "info", lambda w: w.push("feat/zzz"), after=_publish_the_new_task
    ),
    "a verdict cannot be read": Story("stale-verdict", "warning", lambda w: _ref(w, "refs/coord/verdicts/a")),
    "a verdict has no task": Story("stale-verdict", "warning", lambda w: _verdict(w, "z")),
    "a verdict is about a completed task": Story("stale-verdict", "warning", _verdict_of_completed),
    "a stopped branch is gone": Story("stale-verdict", "info", _stuck_and_gone),
    "a hold outlived its task": Story("stale-hold", "warning", _hold_of_completed),
    "a branch is held": Story("held", "info", _hold_of_branch),
    "landing is frozen": Story("held", "info", _coord("freeze", "-m", "release day")),
    "a worktree's folder is gone": Story("worktree", "warning", _lost_worktree),
    "a worktree was removed without us": Story("port-lease", "warning", _removed_by_hand),
    "a folder lies among the worktrees": Story(
        "orphan-folder", "info", lambda w: (w.desk / ".worktrees/feat/left").mkdir(parents=True)
    ),
    "a session's host is gone": Story("session", "warning", _session_without_host),
    "a session's record is broken": Story("session-debris", "warning", _broken_record),
    "a claim has no session": Story("session-debris", "warning", _claim_without_session),
    "a landed branch is still here": Story("local-branch", "warning", _landed_elsewhere),
    "a landed branch is checked out": Story("local-branch", "info", _landed_and_checked_out),
    "a landed worktree holds work": Story(
        "local-branch", "info", _landed_and_dirty,
        after=lambda w: [(w.desk / ".worktrees/a/notes.txt").unlink(), w.land()],
    ),
    "a killed git left its lock": Story("lock-file", "warning", _lock),
}  # fmt: skip


@pytest.fixture
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories may install programs; PATH is put back."""
    monkeypatch.setenv("PATH", os.environ["PATH"])


@pytest.mark.usefixtures("_path")
@pytest.mark.parametrize("name", STORIES)
def test_what_is_wrong_is_found_and_mended_by_the_printed_command(clean: World, name: str) -> None:
    story = STORIES[name]
    story.arrange(clean)
    result = clean.coord("doctor", "--json")
    found = [f for f in result.data["findings"] if f["check"] == story.check]
    assert [f["severity"] for f in found][:1] == [story.severity], result.data["findings"]
    if story.severity != "info":
        assert result.code == 1

    story.before(clean)
    for command in dict.fromkeys(finding["command"] for finding in found):
        _type(clean, command)
    story.after(clean)

    assert story.check not in _checks(clean)


def test_the_claim_of_a_branch_that_was_pushed_is_not_deleted(clean: World) -> None:
    clean.push("feat/a")
    _claim_without_session(clean)
    (found,) = [f for f in _findings(clean) if f["check"] == "session-debris"]
    assert found["command"] == "coord spawn a", "without its claim the push would count as done"


def test_the_claim_of_a_task_that_no_agent_can_take_ends_and_what_is_pushed_is_held(clean: World) -> None:
    assert clean.coord("complete", "a").code == 0
    clean.push("feat/a")
    _claim_without_session(clean)
    (found,) = [f for f in _findings(clean) if f["check"] == "session-debris"]
    held, gone = found["command"].split(" && ")
    assert held == "coord hold a -m 'its session is gone'"
    assert gone == "git push origin :refs/coord/claims/a"


def test_of_two_completed_tasks_in_a_circle_none_is_said_not_to_be(clean: World) -> None:
    circle = {"a": ("b",), "b": ("a",)}
    clean.main(
        {f"tasks/{id}.md": task_text(id, depends_on=on, status="completed") for id, on in circle.items()}
    )
    assert "open-dependencies" not in {found["check"] for found in _findings(clean)}


def test_every_check_has_a_story() -> None:
    told_elsewhere = {"history", "state"}
    assert {story.check for story in STORIES.values()} | told_elsewhere == {check.name for check in CHECKS}


def test_a_shallow_clone_is_deepened_by_the_printed_command(clean: World) -> None:
    clean.main({"src/more.txt": "1\n"})
    shallow = clean.root / "shallow"
    clean.git("clone", "-q", "--depth=1", clean.origin.as_uri(), str(shallow))
    (found,) = [f for f in _findings(clean, shallow) if f["check"] == "history"]
    _type(clean, found["command"], shallow)
    assert "history" not in _checks(clean, shallow)


def test_a_missing_object_is_told(clean: World) -> None:
    blob = clean.git("rev-parse", "main:tasks/a.md", at=clean.desk)
    kept = clean.desk / ".git/objects" / blob[:2] / blob[2:]
    kept.rename(clean.root / "kept")
    (found,) = _findings(clean)
    assert (found["check"], found["severity"]) == ("state", "error")
    assert blob in found["message"]
    (clean.root / "kept").rename(kept)
    _type(clean, found["command"])
    assert _findings(clean) == []


def test_a_repository_without_remote_is_told_how_to_get_one(clean: World) -> None:
    clean.git("remote", "remove", "origin", at=clean.desk)
    (found,) = [f for f in _findings(clean) if f["check"] == "remote"]
    _type(clean, found["command"].replace("URL", str(clean.origin)))
    assert _checks(clean) == set()


# -- wherever it is called -----------------------------------------------------------------------------------------


def test_it_works_in_a_bare_server_repository(clean: World) -> None:
    assert _findings(clean, clean.origin) == []
    _ref(clean, "refs/coord/verdicts/z")
    (found,) = _findings(clean, clean.origin)
    _type(clean, found["command"], clean.origin)
    assert _findings(clean, clean.origin) == []


def test_it_sees_and_mends_the_hooks_of_a_server(clean: World) -> None:
    clean.coord("hooks", "install", at=clean.origin)
    assert _findings(clean, clean.origin) == []
    hook = clean.origin / "hooks/pre-receive"
    hook.write_text(hook.read_text() + "# edited\n")
    (found,) = _findings(clean, clean.origin)
    assert (found["check"], found["command"]) == ("hooks", "coord hooks install")
    clean.coord("doctor", "--fix", at=clean.origin)
    assert _findings(clean, clean.origin) == []


@pytest.mark.parametrize("init", [(), ("--bare",)])
def test_it_works_in_an_empty_repository(world: World, init: tuple[str, ...]) -> None:
    world.build()
    empty = world.root / "empty"
    world.git("init", "-q", *init, str(empty))
    result = world.coord("doctor", at=empty)
    assert result.code == 1
    assert "main does not exist" in result.out
    assert "mend it: git " in result.out


def test_outside_a_repository_it_says_so(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    assert world.coord("doctor", at=outside).code == 2


def test_only_things_to_know_are_no_failure(clean: World) -> None:
    clean.coord("freeze", "-m", "release day")
    result = clean.coord("doctor")
    assert result.code == 0
    assert result.out == (
        "info: landing: all landing is frozen: release day [held]\n"
        "  why it matters: it does not land\n"
        "  mend it: coord thaw\n"
    )


@pytest.mark.parametrize(
    "words",
    [("--regate",), ("--last", "1"), ("--pushed", "x"), ("--fix", "--verify"), ("--verify", "--last", "0")],
)
def test_options_that_do_not_go_together_are_a_usage_error(clean: World, words: tuple[str, ...]) -> None:
    assert clean.coord("doctor", *words).code == 2


# -- --fix ---------------------------------------------------------------------------------------------------------


def test_fix_mends_what_needs_no_decision(clean: World) -> None:
    _landed_elsewhere(clean)
    tip = clean.git("rev-parse", "main^2^1", at=clean.origin)
    clean.git("push", "-q", "origin", f"{tip}:refs/heads/feat/a")
    clean.push("feat/c")
    shutil.rmtree(_worktree(clean, "c"))
    clean.git("branch", "-D", "feat/c", at=clean.desk, ok=False)
    _ref(clean, "refs/coord/claims/c", "x\n\nCoord-Holder: y\nCoord-Expires: 1600000000")
    lock = _lock(clean)
    _edit_hook(clean)

    result = clean.coord("doctor", "--fix", "--json")

    assert result.data["findings"] == []
    assert result.code == 0
    assert not lock.exists()
    assert clean.branches() == ["feat/c"]
    assert not (clean.desk / ".worktrees/a").exists()
    assert any("pre-push: brought up to date" in line for line in result.data["mended"])


def test_fix_deletes_nothing_that_main_does_not_contain_and_says_what_it_left(clean: World) -> None:
    _landed_and_dirty(clean)
    clean.push("feat/c")
    clean.git("fetch", "-q", "origin", at=clean.desk)
    clean.git("branch", "feat/c", "origin/feat/c", at=clean.desk)
    clean.git("push", "-q", "origin", ":feat/c")
    _verdict(clean, "z")
    _hook(clean, "#!/bin/sh\nexit 0\n")
    young = _lock(clean, "config.lock", age=60)
    before = clean.refs()

    result = clean.coord("doctor", "--fix", "--json")

    assert clean.refs() == before
    assert (clean.desk / ".worktrees/a/notes.txt").read_text() == "mine\n"
    assert clean.git("rev-parse", "feat/c", at=clean.desk)
    assert (clean.desk / ".git/hooks/pre-commit").read_text() == "#!/bin/sh\nexit 0\n"
    assert young.exists()
    assert any("kept the local branch feat/a" in line for line in result.data["mended"])
    assert {finding["check"] for finding in result.data["findings"]} == {
        "hooks",
        "stale-verdict",
        "local-branch",
    }


def test_fix_leaves_a_lock_while_git_is_at_work(clean: World) -> None:
    lock = _lock(clean)
    reader = subprocess.Popen(
        ["sh", "-c", "git cat-file --batch-check; :"],
        cwd=clean.desk,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert reader.stdin
    assert reader.stdout
    reader.stdin.write(b"HEAD\n")
    reader.stdin.flush()
    reader.stdout.readline()
    try:
        result = clean.coord("doctor", "--fix", "--json")
    finally:
        reader.communicate()
    assert lock.exists()
    assert any("may be at work" in line for line in result.data["mended"])


def test_fix_sweeps_nothing_while_landing_is_frozen(clean: World) -> None:
    _landed_again(clean)
    clean.coord("freeze", "-m", "release day")
    clean.coord("doctor", "--fix")
    assert clean.branches() == ["feat/a"]
