"""Nothing is removed that main does not contain, unless it was saved; and it is said what stays and why."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from coord.processes import own
from coord.worktrees.tidying import remove_empty_parents
from tests.worktrees.conftest import build, home, merge, session
from tests.world import World

Start = Callable[..., "subprocess.Popen[bytes]"]


def _branches(world: World) -> list[str]:
    return world.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", at=world.desk).split()


def _saved(world: World) -> list[str]:
    return world.git("for-each-ref", "--format=%(refname)", "refs/coord/rescue", at=world.desk).split()


def _landed(world: World, name: str = "a") -> None:
    """Make a worktree of a branch that main contains."""
    world.push(f"feat/{name}")
    world.coord("worktree", "create", name)
    merge(world, f"feat/{name}")


def test_what_main_contains_goes_with_worktree_branch_ports_and_folders(world: World) -> None:
    build(world)
    _landed(world)
    world.git("branch", "-q", "--set-upstream-to=origin/feat/a", "feat/a", at=world.desk)
    (removed,) = world.coord("worktree", "remove", "a", "--json").data["removed"]
    assert (removed["branch"], removed["remote"]) == ("feat/a", "not-asked")
    assert removed["size"] > 0
    assert _branches(world) == ["main"]
    assert not (world.desk / ".worktrees").exists()
    assert list((world.desk / ".git/coord/ports").glob("*.json")) == []
    assert "feat/a" not in (world.desk / ".git/config").read_text()
    assert world.branches() == ["feat/a"], "the remote's branch was not asked for"


def test_unpushed_commits_and_uncommitted_work_are_kept_with_the_reason(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    (home(world) / "new.txt").write_text("x\n")
    dirty = world.coord("worktree", "remove", "a", "--json")
    assert (dirty.code, dirty.data["kept"][0]["reason"]) == (4, "dirty")
    world.commit("mine", {}, at=home(world))
    ahead = world.coord("worktree", "remove", str(home(world)))
    assert ahead.code == 4
    assert "origin/main does not contain 1 of its commits, which are only here" in ahead.out
    assert "--force" in ahead.out
    assert home(world).is_dir()


def test_force_saves_staged_changed_untracked_and_committed_work_and_says_how_to_get_it_back(
    world: World,
) -> None:
    build(world, files={".gitignore": "ignored\n"})
    world.coord("worktree", "create", "a")
    tree = home(world)
    mine = world.commit("mine", {"committed.txt": "1\n"}, at=tree)
    (tree / "src/lib.txt").write_text("staged\n")
    world.git("add", "src/lib.txt", at=tree)
    (tree / "src/lib.txt").write_text("changed after that\n")
    (tree / "new\n.txt").write_text("untracked\n")
    (tree / "ignored").write_text("build product\n")
    result = world.coord("worktree", "remove", "a", "--force")
    assert result.code == 0
    (ref,) = _saved(world)
    assert ref.startswith("refs/coord/rescue/feat/a/")
    command = result.out.split("to get it back: ")[1].splitlines()[0].split()
    world.git(*command[1:], at=world.desk)
    rescued = command[2]
    assert world.git("show", f"{rescued}:src/lib.txt", at=world.desk) == "changed after that"
    assert world.git("show", f"{rescued}:new\n.txt", at=world.desk) == "untracked"
    assert world.git("show", f"{rescued}~1:src/lib.txt", at=world.desk) == "staged"
    assert world.git("rev-parse", f"{rescued}~2", at=world.desk) == mine
    assert "ignored" not in world.git("ls-tree", "--name-only", rescued, at=world.desk)
    assert not tree.exists()
    assert _branches(world) == ["main", rescued]


def test_a_repository_in_a_worktree_cannot_be_saved_and_is_never_removed(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    nested = home(world) / "vendor/lib"
    world.git("init", "-q", str(nested), at=world.desk)
    world.commit("theirs", {"theirs.txt": "x\n"}, at=nested)
    kept = world.coord("worktree", "remove", "a", "--force", "--json")
    assert (kept.code, kept.data["kept"][0]["reason"]) == (4, "nested-repository")
    assert (nested / "theirs.txt").exists()


def test_submodules_that_were_checked_out_are_never_removed(world: World) -> None:
    build(world)
    allow = ("-c", "protocol.file.allow=always")
    world.git("init", "-q", str(world.root / "lib"), at=world.root)
    world.commit("lib", {"lib.txt": "x\n"}, at=world.root / "lib")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git(*allow, "submodule", "--quiet", "add", str(world.root / "lib"), "lib")
    world.main({}, "add lib")
    world.coord("worktree", "create", "a")
    assert world.coord("worktree", "remove", "a", "--dry-run").code == 0
    world.git(*allow, "submodule", "--quiet", "update", "--init", at=home(world))
    only_here = world.commit("only here", {"mine.txt": "x\n"}, at=home(world) / "lib")
    kept = world.coord("worktree", "remove", "a", "--force", "--json")
    assert (kept.code, kept.data["kept"][0]["reason"]) == (4, "nested-repository")
    assert world.git("rev-parse", "HEAD", at=home(world) / "lib") == only_here


def test_main_what_is_locked_and_where_one_stands_stay_whatever_is_asked(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    for words, at in ((["main"], None), (["."], None), (["a"], home(world)), (["main"], home(world))):
        assert world.coord("worktree", "remove", *words, "--force", at=at).code == 4, words
    world.git("worktree", "lock", str(home(world)), at=world.desk)
    locked = world.coord("worktree", "remove", "a", "--force")
    assert "git worktree unlock" in locked.out
    assert home(world).is_dir()


def test_the_worktree_of_a_live_session_stays_and_that_of_a_dead_one_goes(world: World, start: Start) -> None:
    build(world)
    _landed(world)
    host = start(world.root)
    folder = session(world, home(world), host.pid)
    kept = world.coord("worktree", "remove", "a")
    assert kept.code == 4
    assert "session s1 works in it" in kept.out
    assert "coord abort s1" in kept.out
    assert home(world).is_dir()
    process = json.loads((folder / "process.json").read_text())
    (folder / "process.json").write_text(json.dumps({**process, "boot": "before the restart"}))
    assert world.coord("worktree", "remove", "a").code == 0
    assert host.poll() is None, "a process that only has the number of a dead host is left alone"


def test_a_session_that_runs_and_cannot_be_read_may_be_in_any_worktree(world: World, start: Start) -> None:
    build(world)
    _landed(world)
    folder = session(world, home(world), start(world.root).pid)
    (folder / "record.json").write_text("{")
    assert world.coord("worktree", "remove", "a").code == 4
    assert world.coord("worktree", "prune", "--json").data["removed"] == []


def test_force_ends_the_session_s_host_and_its_processes_wherever_they_are(
    world: World, start: Start
) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    host, shell, stranger = start(world.root), start(world.root, "s3cret"), start(world.root, "another")
    session(world, home(world), host.pid, token=hashlib.sha256(b"s3cret").hexdigest())
    assert world.coord("worktree", "remove", "a", "--force").code == 0
    assert (host.wait(), shell.wait()) == (-15, -15)
    assert stranger.poll() is None


def test_what_still_runs_in_it_is_ended_first_and_named(world: World, start: Start) -> None:
    build(world)
    _landed(world)
    server = start(home(world))
    result = world.coord("worktree", "remove", "a")
    assert "ended what ran in it: sleep" in result.out
    assert server.wait() == -15


def test_the_remote_s_branch_goes_under_a_lease_and_absent_is_told(world: World) -> None:
    build(world)
    _landed(world)
    (removed,) = world.coord("worktree", "remove", "a", "--remote", "--json").data["removed"]
    assert removed["remote"] == "deleted"
    assert world.branches() == []
    assert world.git("for-each-ref", "refs/remotes/origin/feat", at=world.desk) == ""
    world.coord("worktree", "create", "b")
    absent = world.coord("worktree", "remove", "b", "--remote")
    assert absent.code == 0
    assert "the remote has no such branch" in absent.out


def test_a_branch_that_only_the_remote_has_is_found_and_a_name_that_nobody_has_is_an_error(
    world: World,
) -> None:
    build(world)
    world.push("feat/a")
    kept = world.coord("worktree", "remove", "a", "--remote")
    assert kept.code == 4
    assert "which the remote has" in kept.out
    merge(world, "feat/a")
    assert world.coord("worktree", "remove", "a", "--remote").code == 0
    assert world.branches() == []
    unknown = world.coord("worktree", "remove", "a\x1b[2Jz")
    assert unknown.code == 2
    assert "\x1b" not in unknown.err


def test_what_the_server_denies_is_told_from_what_is_not_there(world: World) -> None:
    build(world)
    _landed(world)
    world.git("config", "receive.denyDeletes", "true", at=world.origin)
    denied = world.coord("worktree", "remove", "a", "--remote", "--json")
    assert denied.code == 8
    (removed,) = denied.data["removed"]
    assert removed["remote"] == "denied"
    assert "deletion prohibited" in removed["words"]
    assert world.branches() == ["feat/a"]


def test_a_push_that_comes_meanwhile_keeps_the_remote_s_branch(world: World) -> None:
    """The server gets the push between our look and our deletion, as its own hook plays it."""
    build(world)
    _landed(world)
    world.git("checkout", "-q", "feat/a")
    late = world.commit("late", {"late.txt": "x\n"})
    world.git("push", "-q", "origin", "HEAD:refs/stash-of-test/late")
    hook = world.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/feat/a {late}\n")
    hook.chmod(0o755)
    result = world.coord("worktree", "remove", "a", "--remote")
    assert result.code == 7
    assert "moved meanwhile and stays" in result.out
    assert world.ref("refs/heads/feat/a") == late


def test_a_rebase_under_way_is_kept_and_by_force_saved_whole(world: World) -> None:
    build(world)
    world.coord("worktree", "create", "a")
    tree = home(world)
    first = world.commit("first", {"1.txt": "x\n"}, at=tree)
    tip = world.commit("second", {"2.txt": "x\n"}, at=tree)
    world.git("-c", "sequence.editor=sed -i 1s/pick/edit/", "rebase", "-q", "-i", "origin/main", at=tree)
    kept = world.coord("worktree", "remove", "a", "--json")
    assert (kept.code, kept.data["kept"][0]["reason"]) == (4, "under-way")
    assert world.coord("worktree", "remove", "a", "--force").code == 0
    assert not tree.exists()
    tips = world.git("for-each-ref", "--format=%(objectname)", "refs/coord/rescue", at=world.desk).split()
    assert tip in tips
    assert world.git("merge-base", "--is-ancestor", first, tip, at=world.desk) == ""


def test_dry_run_tells_and_removes_nothing(world: World, start: Start) -> None:
    build(world)
    _landed(world)
    server = start(home(world))
    result = world.coord("worktree", "remove", "a", "--remote", "--dry-run")
    assert result.out.startswith("would be removed: worktree ")
    assert home(world).is_dir()
    assert world.branches() == ["feat/a"]
    assert server.poll() is None


def test_landing_gives_ports_back_and_ends_what_a_session_left(world: World, start: Start) -> None:
    build(world)
    world.push("feat/a")
    world.coord("worktree", "create", "a")
    server = start(home(world), "s3cret")
    world.land()
    assert not home(world).exists()
    assert server.wait() == -15
    assert list((world.desk / ".git/coord/ports").glob("*.json")) == []


def test_landing_keeps_the_worktree_of_a_live_session(world: World, start: Start) -> None:
    build(world)
    world.push("feat/a")
    world.coord("worktree", "create", "a")
    host = start(world.root)
    session(world, home(world), host.pid)
    assert "session s1 works in it" in world.land().err
    assert home(world).is_dir()
    os.kill(host.pid, 9)
    host.wait()
    world.land()
    assert not home(world).exists()


def test_the_command_never_ends_itself(world: World) -> None:
    """What removes is no leftover, even when it stands in the worktree's folder."""
    build(world)
    _landed(world)
    before = Path.cwd()
    os.chdir(home(world))
    try:
        assert world.coord("worktree", "remove", "a").code == 0
    finally:
        os.chdir(before)
    assert own().pid == os.getpid()


def test_an_entry_whose_folder_is_gone_is_removed_with_its_branch(world: World) -> None:
    build(world)
    _landed(world)
    shutil.rmtree(home(world))
    assert world.coord("worktree", "remove", "a").code == 0
    assert _branches(world) == ["main"]
    assert "feat/a" not in world.git("worktree", "list", at=world.desk)


def test_a_worktree_whose_git_file_leads_elsewhere_is_never_removed(world: World) -> None:
    """An agent can write it: what git says of another repository is not believed of this folder."""
    build(world)
    _landed(world)
    (home(world) / "mine.txt").write_text("x\n")
    world.git("clone", "-q", str(world.origin), str(world.root / "other"), at=world.root)
    (home(world) / ".git").write_text(f"gitdir: {world.root}/other/.git\n")
    world.git("config", "core.worktree", str(world.root / "other"), at=world.root / "other")
    for words in ([], ["--force"]):
        assert world.coord("worktree", "remove", "a", *words).code != 0
        assert (home(world) / "mine.txt").exists()
    world.coord("worktree", "prune")
    assert (home(world) / "mine.txt").exists()
    assert "feat/a" in _branches(world)


def test_a_path_cannot_forge_a_line(world: World) -> None:
    build(world)
    forged = world.root / "x\nremoved: worktree feat-b"
    world.git("worktree", "add", "-q", "-b", "feat/a", str(forged), "origin/main", at=world.desk)
    (forged / "new.txt").write_text("x\n")
    kept = world.coord("worktree", "remove", "a").out
    assert not any(line.startswith("removed") for line in kept.splitlines())
    assert not any(line.startswith("removed") for line in world.coord("worktree", "list").out.splitlines())


def test_folders_that_another_process_tidies_away_meanwhile_are_no_trouble(tmp_path: Path) -> None:
    top, gone = tmp_path / "top", tmp_path / "top/.worktrees/feat/deep/a"
    (top / ".worktrees").mkdir(parents=True)
    remove_empty_parents(gone, top)
    assert list(top.iterdir()) == []

    (top / ".worktrees/feat").mkdir(parents=True)
    (top / ".worktrees/kept").write_text("mine")
    remove_empty_parents(top / ".worktrees/feat/a", top)
    assert sorted(path.name for path in (top / ".worktrees").iterdir()) == ["kept"]
