"""Starting sessions: what exists before and after, who is chosen, what the agent is told."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from coord.sessions.store import Store
from coord.workspace import open_workspace
from tests.sessions.team import CONFIG, Team, script, spawned, task, team_of
from tests.world import CHECK, World, task_text

#: What a session that only waits for its next message does.
QUIET = script([{"say": "here"}, {"hang": True}])

#: Caches and locks of coord's own, which any command may write.
_CACHES = ("worktrees.lock", "fetched", "ports/lock", "bin/", "inbox.ndjson", "events.ndjson")


def picture(team: Team) -> list[str]:
    """Return everything that a spawn might leave: refs, worktrees, folders, coord's files, processes."""
    team.world.git("fetch", "-q", "--prune", "origin", at=team.desk)
    state = team.desk / ".git/coord"
    files = sorted(str(path.relative_to(state)) for path in state.rglob("*") if not path.is_dir())
    return [
        _refs(team, team.world.origin),
        _refs(team, team.desk),
        team.world.git("worktree", "list", "--porcelain", at=team.desk),
        team.world.git("status", "--porcelain", "--ignored", at=team.desk),
        *sorted(str(path) for path in (team.desk / ".worktrees").rglob("*") if ".git" not in path.parts),
        *(name for name in files if not name.startswith(("archive/", *_CACHES))),
        # What a host asks git meanwhile, and what that asks the remote, is no part of what is left.
        *sorted(words for words in team.processes() if "-m coord." in words or words.startswith("sleep ")),
    ]


def _refs(team: Team, place: Path) -> str:
    """Return the refs of a repository; of claims the names only, since hosts renew theirs all the time."""
    listed = team.world.git("for-each-ref", "--format=%(objectname) %(refname)", at=place).splitlines()
    return "\n".join(line.partition(" ")[2] if "refs/coord/claims/" in line else line for line in listed)


@pytest.mark.long
def test_a_spawn_that_fails_leaves_everything_as_it_was(world: World) -> None:
    mute = '[agents.mute]\nadapter = "acp"\ncommand = ["sleep", "600"]\n'
    # Its process ends long after its time to answer is over: what comes of it is known only then.
    slow = '[agents.slow]\nadapter = "acp"\ncommand = ["sh", "-c", "trap \'sleep 4; exit 1\' TERM; sleep 600 & wait"]\n'
    dead = '[agents.dead]\nadapter = "acp"\ncommand = ["false"]\n'
    config = CONFIG.replace("[monitor]\n", '[monitor]\nstarting = "2s"\n') + mute + slow + dead
    tasks = {"a": task("a", QUIET), "other": task("other", QUIET), "later": task("later", depends_on=("a",))}
    with team_of(world, tasks, config) as team:
        spawned(team, "other")
        team.until(lambda: team.session("other").standing.turn == 1)
        (team.desk / ".worktrees/taken").mkdir()
        (team.desk / ".worktrees/taken/file").write_text("mine")
        before = picture(team)

        def fails(code: int, words: str, *said: str) -> None:
            answer = team.command("spawn", *said)
            assert (answer.code, words in answer.err) == (code, True), (said, answer.code, answer.err)
            assert picture(team) == before, said

        fails(2, "no agent 'nobody'", "a", "--agent", "nobody")
        fails(2, "there is no program 'qwen'", "a", "--agent", "qwen")
        fails(9, "did not answer", "a", "--agent", "mute")
        fails(9, "did not answer", "a", "--agent", "slow")
        fails(9, "did not start", "a", "--agent", "dead")
        fails(2, "it may use:", "a", "--prompt", "{{ nonsense }}")
        fails(2, "is no prefix", "a", "--prefix", "zz/")
        fails(2, "there is no task 'nope'", "nope")
        fails(4, "later waits for a", "later")
        fails(4, "other is being worked on by", "other")

        team.world.main({".coord.toml": config + "[worktree]\nsetup = [\"sh -c 'touch made; exit 3'\"]\n"})
        before = picture(team)
        fails(1, "exit", "a")


def test_a_spawn_whose_host_dies_says_so_and_leaves_nothing(world: World) -> None:
    mute = '[agents.mute]\nadapter = "acp"\ncommand = ["sleep", "600"]\n'
    with team_of(world, {"a": task("a", QUIET)}, CONFIG + mute) as team:
        before = picture(team)
        waiting = team.begin("spawn", "a", "--agent", "mute")
        team.until(lambda: any(words == "sleep 600" for words in team.processes()))
        (session,) = team.sessions()
        host = Store.of(open_workspace(team.desk)).host(session.record.id)
        assert host is not None
        os.kill(host.pid, signal.SIGKILL)

        _, err = waiting.communicate(timeout=60)

        assert (waiting.returncode, "its host ended before the agent answered" in err) == (9, True), err
        assert picture(team) == before


def test_a_failed_spawn_keeps_the_branch_and_the_worktree_that_were_there(world: World) -> None:
    with team_of(world, {"a": task("a", QUIET), "b": task("b", QUIET)}) as team:
        desk = team.desk
        team.world.git("branch", "feat/a", "origin/main", at=desk)
        kept = team.world.commit("by hand", {"x.txt": "x"})
        team.world.git("push", "-q", "origin", "HEAD:refs/heads/feat/b")
        team.world.git("fetch", "-q", "origin", at=desk)
        team.world.git(
            "worktree", "add", "-q", "--track", "-b", "feat/b", ".worktrees/mine", "origin/feat/b", at=desk
        )
        (desk / ".worktrees/mine/half.txt").write_text("half")
        (desk / ".git/info/exclude").write_text(".worktrees/\n")
        before = picture(team)

        for id in ("a", "b"):
            answer = team.command("spawn", id, "--prompt", "{{ nonsense }}")
            assert answer.code == 2, answer.err
        assert picture(team) == before

        spawned(team, "b")
        session = team.session("b")
        assert session.record.worktree == str(desk / ".worktrees/mine")
        assert session.record.owns == ()
        assert (desk / ".worktrees/mine/half.txt").read_text() == "half"
        assert team.world.git("rev-parse", "feat/b", at=desk) == kept


def test_a_state_folder_that_cannot_be_written_stops_a_spawn_before_anything_is_left(world: World) -> None:
    with team_of(world, {"a": task("a", QUIET)}) as team:
        (team.desk / ".git/coord").mkdir(exist_ok=True)
        (team.desk / ".git/info/exclude").write_text(".worktrees/\n")
        (team.desk / ".git/coord/sessions").write_text("in the way")
        before = picture(team)

        answer = team.world.coord("spawn", "a")

        assert answer.code == 1, answer.err
        assert "sessions" in answer.err
        assert picture(team) == before
        (team.desk / ".git/coord/sessions").unlink()


def test_the_agent_is_what_is_asked_for_or_the_tasks_or_the_prefixs_or_the_levels_or_the_default(
    world: World,
) -> None:
    own = "".join(
        f'[agents.{name}]\nadapter = "acp"\ncommand = ["{{python}}", "-P", "-m", "coord.agents.scripted"]\n'
        for name in ("asked", "named", "prefixed", "levelled")
    )
    config = (
        CHECK
        + '[project]\nprefixes = ["feat/", "fix/"]\n[sessions]\nagent = "scripted"\n'
        + '[sessions.by_prefix]\n"fix/" = "prefixed"\n[sessions.by_level]\nimplementation = "levelled"\n'
        + own
    )
    tasks = {
        "a": task("a", QUIET, extra="agent: named\nmodel: big-1\n"),
        "b": task("b", QUIET, extra="agent: named\n"),
        "c": task("c", QUIET),
        "d": task("d", QUIET),
    }
    with team_of(world, tasks, config) as team:
        spawned(team, "--no-wait", "a", "--agent", "asked", "--model", "small-2")
        spawned(team, "--no-wait", "b", "--prefix", "fix/")
        spawned(team, "--no-wait", "c", "--prefix", "fix/")
        spawned(team, "--no-wait", "d")

        chosen = {s.record.task: (s.record.agent, s.record.model, s.record.branch) for s in team.sessions()}
        assert chosen == {
            "a": ("asked", "small-2", "feat/a"),
            "b": ("named", "", "fix/b"),
            "c": ("prefixed", "", "fix/c"),
            "d": ("levelled", "", "feat/d"),
        }


def test_a_branch_has_the_first_prefix_unless_one_of_the_task_is_there(world: World) -> None:
    config = CHECK + '[project]\nprefixes = ["feat/", "research/"]\n[sessions]\nagent = "scripted"\n'
    with team_of(world, {"a": task("a", QUIET), "b": task("b", QUIET)}, config) as team:
        world.push("research/b", {"src/b.txt": "b\n"})
        spawned(team, "--no-wait", "a")
        spawned(team, "--no-wait", "b")
        assert {s.record.task: s.record.branch for s in team.sessions()} == {"a": "feat/a", "b": "research/b"}


BODY = "Use `{{ 7 * 7 }}` and {% raw %} and ${HOME}, then --force -x; \x1b[31mred\x1b[0m.\n"


def test_the_prompt_holds_what_an_agent_has_to_know_and_the_tasks_words_stay_words(world: World) -> None:
    first = task_text("base", status="completed").replace("status: completed", "status: completed")
    odd = task_text("odd-id", depends_on=("base",)).replace("Do it.\n", BODY)
    with team_of(world, {"base": first}) as team:
        team.world.main({"tasks/deep/another-name.md": odd, "AGENTS.md": "Be careful.\n"})
        (id,) = spawned(team, "--no-wait", "odd-id")
        prompt = (team.desk / f".git/coord/sessions/{id}/prompt.md").read_text()

    for words in (
        "front-matter id, `odd-id`",
        "tasks/deep/another-name.md",
        "git merge origin/main",
        "Read what the task refers to",
        "`AGENTS.md`",
        "Do not change or commit files under `tasks/`",
        "- `base`: Do base",
        "sh check.sh",
        "git push origin feat/odd-id",
        "coord done -m",
        'coord block -m "what went wrong" --tried "what you tried" --attempts 3 --suggest',
        "`{{ 7 * 7 }}` and {% raw %} and ${HOME}, then --force -x; red.",
    ):
        assert words in prompt, words
    assert "\x1b" not in prompt


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ nonsense }}", "'nonsense' is undefined (it may use: base"),
        ("{% if %}", "line 1"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ task.__init__.__globals__ }}", "unsafe"),
        ("{% include '/etc/passwd' %}", ""),
        ("{{ 1 // 0 }}", "by zero"),
        ("{{ body | nosuch }}", "nosuch"),
    ],
)
def test_a_template_that_is_wrong_or_reaches_out_is_refused(world: World, template: str, words: str) -> None:
    from coord.errors import UsageError
    from coord.sessions.prompting import rendered

    with pytest.raises(UsageError) as refused:
        rendered(template, {"task": "a", "body": "b", "base": "c"})
    assert words in f"{refused.value.message} ({refused.value.hint})"


def test_a_prompt_of_ones_own_has_the_tasks_facts(world: World, tmp_path: Path) -> None:
    with team_of(world, {"a": task("a")}) as team:
        (tmp_path / "mine.j2").write_text(
            "{{ task }}|{{ name }}|{{ branch }}|{{ worktree }}|{{ upstream }}|-x {{ '{{' }}"
        )
        (id,) = spawned(team, "--no-wait", "a", "--prompt", f"@{tmp_path / 'mine.j2'}")
        prompt = (team.desk / f".git/coord/sessions/{id}/prompt.md").read_text()
        assert prompt == f"a|Do a|feat/a|{team.desk}/.worktrees/feat/a|origin/main|-x {{{{"
        missing = team.world.coord("spawn", "a", "--prompt", "@nowhere.j2")
        assert missing.code == 2
        assert "nowhere.j2 cannot be read" in missing.err


@pytest.mark.long
def test_start_open_fork_and_swarm_make_sessions_without_a_task(world: World) -> None:
    with team_of(world, {}) as team:
        hello = (
            "```script\n"
            + json.dumps([{"edit": {"path": "n.txt", "content": "n\n"}}, {"commit": "n"}])
            + "\n```\n"
        )
        assert team.world.coord("start", "idea", "--prompt", hello).code == 0
        team.until(lambda: [s.state.value for s in team.sessions()] == ["idle"])
        first = team.sessions()[0]
        assert (first.record.branch, first.record.task) == ("wt/idea", "")

        main = team.world.coord("open", str(team.desk))
        assert main.code == 2
        assert "main checkout" in main.err
        assert team.world.coord("open", "nowhere").code == 2
        team.world.git("worktree", "add", "-q", "-b", "mine", ".worktrees/mine", "origin/main", at=team.desk)
        opened = team.world.coord("open", "--json", "mine", "--no-wait").data["sessions"][0]
        assert opened["worktree"] == str(team.desk / ".worktrees/mine")

        copy = team.world.coord("fork", "--json", first.record.id, "copy").data["sessions"][0]
        assert copy["parent"] == first.record.id
        tips = team.world.git("rev-parse", "wt/idea", "wt/copy", at=team.desk).split()
        assert tips[0] == tips[1]

        swarm = team.world.coord("swarm", "--json", "--no-wait", "x", "y", "--prompt", "look at {{ name }}")
        ids = [one["id"] for one in swarm.data["sessions"]]
        prompts = [(team.desk / f".git/coord/sessions/{id}/prompt.md").read_text() for id in ids]
        assert prompts == ["look at x", "look at y"]
        assert team.command("swarm", "z", "--prompt", "{{ body }}").code == 2

        again = team.world.coord("open", "mine")
        assert again.code != 0, "two sessions in one worktree"
        assert len(team.sessions()) == 5


def test_aborting_a_session_without_a_task_leaves_nothing_but_what_was_there(world: World) -> None:
    with team_of(world, {}) as team:
        before = picture(team)
        assert team.world.coord("start", "idea").code == 0
        assert team.world.coord("abort", "wt/idea").code == 0
        assert picture(team) == before
        assert Store(team.desk / ".git/coord/sessions").ids() == ()
