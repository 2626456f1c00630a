"""``coord review`` on real git: what it says of a story, where it finds nothing, and the tasks that it opens."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.world import CHECK, World, task_text

LINES = "one\ntwo\nthree\nfour\nfive\n"

#: Red once for a tree that holds ``shaky.txt``, then green: ``kept`` survives from run to run.
_CHECK = """if [ -f src/shaky.txt ] && [ ! -f kept/seen ]; then mkdir -p kept; touch kept/seen; exit 1; fi
if grep -rl BROKEN . --include='*.txt'; then exit 1; fi
"""
_CONFIG = """[gate]
profile = "check"
[profiles.check]
steps = ["sh check.sh"]
toolchain = []
retries = 1
keep = ["kept"]
"""


def _tasks(*names: str, **needs: tuple[str, ...]) -> dict[str, str]:
    return {name: task_text(name, depends_on=needs.get(name, ())) for name in names}


def _now(world: World) -> World:
    """Let the world play today: how long a landing took is the difference of two clocks."""
    world.clock = int(time.time()) - 7200
    return world


def _play(world: World) -> None:
    """A landing, a conflict that is mended, a red gate that is retried, a flaky step, too large a change, a block."""
    _now(world).build(
        _tasks("a", "b", "red", "shaky", "large", "stuck", "late", late=("b",)), {"check.sh": _CHECK}, _CONFIG
    )
    world.push("feat/late", {"src/late.txt": "new\n"})
    world.push("feat/a", {"src/lib.txt": LINES.replace("one", "A")})
    world.push("feat/b", {"src/lib.txt": LINES.replace("one", "B")})
    world.push("feat/red", {"src/red.txt": "BROKEN\n"})
    world.push("feat/stuck", {}, "half\n\nCoord-Status: blocked\nCoord-Reason: no licence")
    world.land()
    time.sleep(1.1)  # events are known by the second, and one branch is to have waited
    world.push("feat/b", {"src/lib.txt": LINES.replace("one", "A and B")})
    world.coord("retry", "red")
    world.land()
    world.push("feat/red", {"src/red.txt": "fine\n"})
    world.push("feat/shaky", {"src/shaky.txt": "new\n"})
    world.push("feat/large", {f"src/large/{n:02}.txt": "new\n" for n in range(13)})
    world.land()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story, played once."""
    root = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        _play(World(root))
    return root


@pytest.fixture
def story(played: Path, world: World) -> World:
    """A copy of the story for one test."""
    shutil.copytree(played, world.root, dirs_exist_ok=True, symlinks=True)
    for clone in (world.desk, world.agent):
        world.git("remote", "set-url", "origin", str(world.origin), at=clone)
    return _now(world)


def _review(world: World, *args: str, at: Path | None = None) -> Any:
    said = world.coord("review", "--json", *args, at=at)
    assert said.code == 0, said.err
    return said.data


def _texts(data: Any, part: str) -> dict[str, str]:
    return {finding["rule"]: finding["text"] for finding in data[part]}


def test_a_story_is_told(story: World) -> None:
    said = story.coord("review")

    assert said.code == 0
    assert "as of origin/main" in said.err
    assert [line for line in said.out.splitlines() if line.startswith("#")] == [
        "# After-action review",
        "## Facts",
        "## What Went Right",
        "## What Went Wrong",
        "## What Could Be Better",
        "## Action Items",
        "## Landings",
    ]
    wrong = said.out.partition("## What Went Wrong\n\n")[2].partition("\n\n")[0]
    # Which of two blocks lasted longer is chance here.
    assert sorted(re.sub(r"for \d+ s", "for N s", wrong).splitlines()) == sorted(
        [
            "- 1 attempt of 9 conflicted (11 %)",
            "  - `b` with `a` in `src/lib.txt`",
            "- 2 attempts of 9 failed the gate",
            "  - `sh check.sh`: 2 (`red`)",
            "- 4 blocks of 3 tasks, 1 still open",
            "  - `stuck` still blocked: `no licence`",
            "  - `b` for N s: `conflict in src/lib.txt with a`",
            "  - `red` for N s: `sh check.sh failed`",
            "  - `red` for N s: `sh check.sh failed`",
            "- 1 time a step failed and then passed on the same tree",
            "  - `sh check.sh`: 1 (`shaky`)",
        ]
    )


def test_figures_of_a_story_are_those_that_happened(story: World) -> None:
    data = _review(story)
    facts = data["facts"]

    landed = {one["task"]: one for one in facts["landings"]}
    assert sorted(landed) == ["a", "b", "large", "late", "red", "shaky"]
    assert {task: one["attempts"] for task, one in landed.items()} == {
        "a": 1, "b": 2, "large": 1, "late": 1, "red": 3, "shaky": 1,
    }  # fmt: skip
    assert landed["a"]["paths"] == ["src/lib.txt"]
    assert all(one["by_event"] and one["gate"] > 0 for one in landed.values())
    assert [(c["path"], c["tasks"], c["of"]) for c in facts["contested"]] == [
        ("src/lib.txt", ["b"], ["a", "b"])
    ]
    assert [(c["one"], c["other"]) for c in facts["clashes"]] == [("a", "b")]
    assert [(t["name"], t["count"], t["tasks"]) for t in facts["red"]] == [("sh check.sh", 2, ["red"])]
    assert [(t["name"], t["tasks"]) for t in facts["flaky"]] == [("sh check.sh", ["shaky"])]
    assert sorted((e["task"], e["until"] is None) for e in facts["episodes"]) == [
        ("b", False),
        ("red", False),
        ("red", False),
        ("stuck", True),
    ]
    assert [
        (off["task"], off["field"], off["was"]) for off in facts["estimates"] if off["field"] == "scope"
    ] == [("large", "scope", "really broad (13 files)")]
    assert [(wait["task"], wait["on"]) for wait in facts["waits"]] == [("late", "b")]


def test_another_clone_says_what_it_cannot_know(story: World) -> None:
    here, there = _review(story), _review(story, at=story.origin)

    assert "no local events" in there["known"][0]
    assert there["facts"]["gate"]["runs"] == 0
    assert there["facts"]["flaky"] == []
    landed = [sorted(one["commit"] for one in data["facts"]["landings"]) for data in (here, there)]
    assert landed[0] == landed[1]
    assert [f["text"] for f in there["wrong"] if f["rule"] == "conflicts"] == [
        f["text"] for f in here["wrong"] if f["rule"] == "conflicts"
    ]


def test_a_review_changes_nothing(story: World) -> None:
    before = story.refs(), story.git("status", "--porcelain", at=story.desk)

    story.coord("review")
    story.coord("review", "--json")

    assert (story.refs(), story.git("status", "--porcelain", at=story.desk)) == before


def test_branches_of_one_batch_are_landings_of_their_own(world: World) -> None:
    _now(world).build(_tasks("a", "b", "c"), config=CHECK + '[land]\nstrategy = "batch"\n')
    world.push("feat/a")
    world.land()
    before = world.ref("refs/heads/main")
    for name in ("b", "c"):
        world.push(f"feat/{name}", {f"src/{name}.txt": "new\n"}, start=before)
    world.land()
    assert len(world.history()) == 3

    assert {one["task"]: one["paths"] for one in _review(world)["facts"]["landings"]} == {
        name: [f"src/{name}.txt"] for name in "abc"
    }
    since = _review(world, "--since", before)["facts"]
    assert [one["task"] for one in since["landings"]] == ["b", "c"]


def test_a_revert_is_told_with_its_task(world: World) -> None:
    _now(world).build(_tasks("a"))
    world.push("feat/a")
    world.land()
    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("revert", "--no-edit", "-m", "1", "HEAD")
    world.git("push", "-q", "origin", "main")

    data = _review(world, "--fetch")
    assert _texts(data, "wrong") == {"reverted": "1 landing reverted"}
    assert [item["id"] for item in data["items"]] == ["review/reverts"]


# -- periods -----------------------------------------------------------------------------------------------------------


def test_since_a_commit_of_main_tells_what_came_after_it(world: World) -> None:
    _now(world).build(_tasks("a", "b"))
    world.push("feat/a")
    world.land()
    world.git("tag", "v1", "origin/main", at=world.desk)
    world.push("feat/b")
    world.land()

    def since(words: str) -> list[str]:
        return [one["task"] for one in _review(world, "--since", words)["facts"]["landings"]]

    assert since("v1") == ["b"]
    assert since("origin/main") == []
    assert since("1 day ago") == ["a", "b"]
    assert since("yesterday") == ["a", "b"]
    assert since("2023-11-14") == ["a", "b"]


@pytest.mark.parametrize(
    "words", ["v1.2", "nonsense", "--all", "-1", "", "2099-01-01", "tomorrow", "feat/x y", "3 fortnights"]
)
def test_what_is_neither_a_commit_nor_a_date_is_a_usage_error(world: World, words: str) -> None:
    world.build(_tasks("a"))

    said = world.coord("review", f"--since={words}")
    assert (said.code, said.out) == (2, "")
    assert "hint: a tag" in said.err or (words == "" and "hint: leave --since away" in said.err)


def test_a_commit_that_is_not_on_main_is_a_usage_error(world: World) -> None:
    world.build(_tasks("a"))
    world.push("feat/a")
    world.git("fetch", "-q", at=world.desk)

    said = world.coord("review", "--since", "origin/feat/a")
    assert said.code == 2
    assert "is not on origin/main" in said.err


def test_a_repository_without_a_landing_is_told_so(world: World) -> None:
    world.build(_tasks("a"))
    world.git("fetch", "-q")
    world.git("checkout", "-q", "-B", "side", "origin/main")
    world.commit("by hand", {"src/x.txt": "x\n"})
    world.git("checkout", "-q", "-B", "main", "origin/main")
    world.git("merge", "-q", "--no-ff", "-m", "by hand", "side")
    world.git("push", "-q", "origin", "main")

    said = world.coord("review", "--fetch")
    assert said.code == 0
    assert "Nothing that coord landed is in this period." in said.out
    assert "1 merge on main was made without coord" in said.out
    assert "## Facts" not in said.out


# -- files -------------------------------------------------------------------------------------------------------------


def test_one_page_needs_no_network_and_no_script(story: World) -> None:
    story.coord("review", "--html", "review.html", "-o", "review.md")

    page = (story.desk / "review.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=|url\(|@import|https?:", page) == []
    assert page.count("<svg") == page.count("<figure>") == 5
    assert "prefers-color-scheme: dark" in page
    assert (story.desk / "review.md").read_text().startswith("# After-action review\n")


def test_a_file_that_cannot_be_written_is_an_error(world: World) -> None:
    world.build(_tasks("a"))

    assert world.coord("review", "-o", "nowhere/review.md").code == 1


def test_a_dash_means_stdout(world: World) -> None:
    world.build(_tasks("a"))

    assert world.coord("review", "-o", "-").out.startswith("# After-action review\n")
    assert world.coord("review", "--html", "-").out.startswith("<!doctype html>")
    assert not (world.desk / "-").exists()
    assert world.coord("review", "--html", "-", "--json").code == 2


def test_foreign_text_stays_text(world: World) -> None:
    _now(world).build(_tasks("a", "b"))
    reason = "# H <img src=x onerror=alert(1)> @octocat [x](http://e.vil) `` ` | --> </code></td>"
    world.push("feat/a", {}, f"half\n\nCoord-Status: blocked\nCoord-Reason: {reason}")
    path = "src/<script>`|@octocat.txt"
    world.main({path: "one\n"})
    world.push("feat/b", {path: "two\n"})
    world.main({path: "three\n"})
    world.land()
    world.coord("review", "--html", "review.html", "-o", "review.md")

    page, text = ((world.desk / name).read_text() for name in ("review.html", "review.md"))
    assert "<img" not in page
    assert "<script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    # In Markdown it stands in code spans, which are longer than any run of backticks inside.
    assert re.search(r"^#+ H", text, re.MULTILINE) is None
    assert f"  - `a` still blocked: ```{reason}```" in text.splitlines()
    assert "``src/<script>`|@octocat.txt``" in text
    assert world.coord("review", "--open-tasks").out == "tasks/review/open-blocks.md\n"
    assert world.coord("check", "tasks/review").code == 0


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_action_items_become_sound_task_files_once(story: World) -> None:
    dry = story.coord("review", "--open-tasks", "-n")
    assert not (story.desk / "tasks/review").exists()
    assert "id: review/open-blocks\n" in dry.out

    wrote = story.coord("review", "--open-tasks")
    files = sorted(path.name for path in (story.desk / "tasks/review").iterdir())
    assert [re.sub(r"-[0-9a-f]{8}", "-ID", name) for name in files] == [
        "estimates-risk.md",
        "flaky-sh-check-sh-ID.md",
        "open-blocks.md",
    ]
    assert sorted(wrote.out.splitlines()) == [f"tasks/review/{name}" for name in files]
    assert story.coord("check", "tasks").code == 0
    assert story.git("status", "--porcelain", at=story.desk) == "?? tasks/review/"

    (story.desk / "tasks/review/open-blocks.md").write_text(
        (story.desk / "tasks/review/open-blocks.md").read_text() + "mine\n"
    )
    again = story.coord("review", "--open-tasks")
    assert again.out == ""
    assert again.err.count("is there already (pending)") == 3
    assert (story.desk / "tasks/review/open-blocks.md").read_text().endswith("mine\n")

    done = story.desk / "tasks/review/open-blocks.md"
    done.write_text(done.read_text().replace("status: pending", "status: completed"))
    anew = story.coord("review", "--open-tasks")
    assert anew.out == "tasks/review/open-blocks-2.md\n"
    assert "id: review/open-blocks-2\n" in (story.desk / "tasks/review/open-blocks-2.md").read_text()
    assert story.coord("review", "--open-tasks").out == ""


def test_an_opened_task_holds_its_evidence_and_its_measure(story: World) -> None:
    (task,) = (
        task for task in _review(story, "--open-tasks", "-n")["tasks"] if task["id"] == "review/open-blocks"
    )

    assert not task["written"]
    assert (
        re.sub(r"`stuck` since .*?:", "`stuck` since THEN:", task["text"]).count(
            "`stuck` since THEN: `no licence`"
        )
        == 1
    )
    assert "- [ ] blocked tasks: 1 -> none at the next review\n" in task["text"]


def test_tasks_are_not_opened_on_a_task_branch_nor_in_a_bare_repository(world: World) -> None:
    world.build(_tasks("a"))
    world.git("checkout", "-q", "-b", "feat/a", at=world.desk)

    said = world.coord("review", "--open-tasks")
    assert said.code == 2
    assert "'feat/a' is a task branch" in said.err
    bare = world.coord("review", "--open-tasks", at=world.origin)
    assert bare.code == 2
    assert "bare repository" in bare.err
    assert world.coord("review", "-n").code == 2


def test_an_agents_session_opens_no_tasks_and_may_read(story: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COORD_SESSION", "some secret")

    said = story.coord("review", "--open-tasks")
    assert said.code == 8
    assert "is the coordinator's" in said.err
    assert not (story.desk / "tasks/review").exists()
    assert story.coord("review").code == 0


def test_an_id_that_cannot_stand_beside_others_is_said_and_the_rest_is_written(story: World) -> None:
    story.main({"tasks/review.md": task_text("review")})
    story.git("pull", "-q", "origin", "main", at=story.desk)

    said = story.coord("review", "--open-tasks", "--fetch")
    assert said.code == 1
    assert said.err.count("is not written: ") == 3
    assert not (story.desk / "tasks/review").exists()


# -- the question to git -----------------------------------------------------------------------------------------------


def test_what_steps_changed_is_asked_at_once_and_paths_may_look_like_ids(world: World) -> None:
    from coord.git import Git

    world.build(_tasks("a"))
    first = world.git("rev-parse", "origin/main")
    odd = {"0" * 40: "x\n", ":100644 x": "x\n", "a\tb\nc": "x\n"}
    second = world.commit("odd names", dict(odd))
    third = world.commit("nothing", {})

    git = Git(world.agent)
    changed = git.ancestry.changed_by([(second, first), (third, second), (third, first)])
    assert changed[second] == frozenset(odd)
    assert changed[third] == frozenset(odd)
    assert git.ancestry.changed_by([(third, second)]).get(third, frozenset()) == frozenset()
    assert git.ancestry.changed_by([]) == {}


def test_json_is_one_object_of_the_review(story: World) -> None:
    raw = json.loads(story.coord("review", "--json").out)

    assert raw["schema"] == "coord/review/1"
    assert sorted(raw["data"]) == ["better", "facts", "items", "known", "main", "right", "tasks", "wrong"]
    assert raw["data"]["main"] == story.ref("refs/heads/main")
    assert os.environ["HOME"] not in json.dumps(raw["data"])
