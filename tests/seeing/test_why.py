"""``coord why``: from a task down to who has to act, and its way from claim to landed."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.sessions.team import CONFIG, finish, script, task, team_of
from tests.world import CHECK, World, task_text


def why(world: World, task: str) -> dict[str, Any]:
    result = world.coord("why", task, "--fetch", "--json")
    assert result.code == 0, result.err
    return dict(result.data)


def steps(told: dict[str, Any]) -> list[str]:
    return [entry["kind"] for entry in told["timeline"]]


def test_it_follows_what_a_task_waits_for_down_to_who_must_act(world: World) -> None:
    world.build(
        {
            "top": task_text("top", depends_on=("middle", "done")),
            "middle": task_text("middle", depends_on=("bottom",)),
            "bottom": task_text("bottom"),
            "done": task_text("done", status="completed"),
        }
    )
    world.push("feat/top")
    world.push("feat/bottom", {"src/b.txt": "BROKEN\n"})
    world.land()
    told = why(world, "top")
    assert (told["state"], told["turn"], told["on"]) == ("waiting", "others", ["middle"])
    assert [(link["task"], link["state"], link["depth"]) for link in told["chain"]] == [
        ("middle", "waiting", 1),
        ("bottom", "gate-failed", 2),
    ]
    assert told["first"] == ["bottom"]
    shown = world.coord("why", "feat/top").out
    assert "waiting: waits for middle (is pending)" in shown
    assert "first: bottom: a maintainer: coord unblock bottom && coord spawn bottom" in shown


def test_a_timeline_goes_from_the_first_commit_to_the_landing(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/hub.txt": "1\n2\n3\n"})
    world.clock = int(time.time()) - 3600
    world.push("feat/b", {"src/hub.txt": "1 b\n2\n3\n"})
    world.push("feat/a", {"src/hub.txt": "1 a\n2\n3\n"}, "a: first try")
    world.land()
    world.git("fetch", "-q", "origin")
    world.git("merge", "-q", "origin/main", ok=False)
    world.commit("a: take both\n\nCoord-Status: done", {"src/hub.txt": "1 a and b\n2\n3\n"})
    world.git("push", "-q", "origin", "feat/a")
    world.land()
    told = why(world, "a")
    assert told["state"] == "completed"
    assert told["turn"] is None
    assert steps(told) == ["commit", "signal", "seen", "conflict", "seen", "validated", "landed"]
    shown = world.coord("why", "a").out
    assert "from the first sign of it to the landing)" in shown
    assert "conflict in src/hub.txt with b" in shown
    assert "1 h" not in shown.splitlines()[0]


def test_a_queued_task_names_its_place_and_a_frozen_one_who_thaws(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.push("feat/b")
    assert why(world, "b")["reason"].startswith("number 2 in the merge queue: shares no file with another")
    assert why(world, "a")["command"] == "coord land"
    world.coord("freeze", "-m", "release")
    told = why(world, "a")
    assert (told["turn"], told["command"]) == ("maintainer", "coord thaw")


def test_every_state_without_a_branch_says_what_helps(world: World) -> None:
    review = task_text("rev", depends_on=("ready",)).replace("level: implementation", "level: review")
    world.build(
        {
            "ready": task_text("ready"),
            "rev": review,
            "stop": task_text("stop", status="blocked"),
            "broken": task_text("broken").replace("depends_on: []", "depends_on: {a: 1}"),
            "after": task_text("after", depends_on=("nothing",)),
            "ring": task_text("ring", depends_on=("ring",)),
        }
    )
    expected = {
        "ready": ("ready", "maintainer", "coord spawn ready"),
        "rev": ("waiting", "others", None),
        "stop": ("blocked", "maintainer", "coord unblock stop -m 'WHAT HELPS'"),
        "broken": ("unreadable", "maintainer", "coord check tasks/broken.md"),
        "after": ("waiting", "others", None),
        "ring": ("waiting", "maintainer", "coord graph cycles"),
    }
    found = {task: why(world, task) for task in expected}
    assert {task: (t["state"], t["turn"], t["command"]) for task, t in found.items()} == expected
    (missing,) = found["after"]["chain"]
    assert (missing["task"], missing["state"], missing["reason"]) == ("nothing", "missing", "does not exist")
    world.coord("complete", "ready")
    assert why(world, "rev")["command"] == "coord review-task rev"


def test_a_branch_without_a_task_and_a_word_without_a_meaning(world: World) -> None:
    world.build({"alpha": task_text("alpha")})
    world.push("feat/alpah")
    world.coord("plan")
    strange = world.coord("why", "feat/alpah")
    assert strange.code == 2
    assert "feat/alpah belongs to no task on main, so coord ignores it" in strange.err
    assert "did you mean the task alpha?" in strange.err
    assert world.coord("why", "zzz").code == 2


def test_a_task_whose_file_is_gone_keeps_its_history(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a")
    world.land()
    world.main({"tasks/a.md": None})
    told = why(world, "a")
    assert (told["state"], told["turn"]) == ("landed", None)
    assert steps(told)[-1] == "landed"


def test_what_landed_without_a_task_is_over(world: World) -> None:
    world.build({"a": task_text("a")}, config='[land]\nunknown_branch = "land"\n' + CHECK)
    world.push("feat/extra")
    world.land()
    told = why(world, "feat/extra")
    landed = told["timeline"][-1]["commit"]
    assert (told["state"], told["turn"], told["command"]) == ("landed", None, None)
    assert told["reason"] == f"landed in {landed[:7]}; main has no task file of it"
    assert world.coord("log", "feat/extra").out.split()[2:4] == ["landed", "extra"]
    assert world.coord("log", "extra", "--since", "now").code == 0


def test_of_two_branches_of_a_task_the_one_that_was_named_is_told_about(world: World) -> None:
    world.build({"a": task_text("a")}, config='[project]\nprefixes = ["feat/", "research/"]\n' + CHECK)
    world.push("feat/a")
    world.push("research/a", {"src/more.txt": "x\n"})
    told = why(world, "research/a")
    assert (told["branch"], told["state"], told["turn"]) == ("research/a", "waiting", "others")
    assert told["reason"] == "feat/a is a branch of the same task with an older tip"
    assert why(world, "feat/a")["state"] == why(world, "a")["state"] == "queued"
    assert [one["branch"] for one in why(world, "a")["beside"]] == ["research/a"]
    shown = world.coord("why", "a").out
    assert "also research/a: waiting: feat/a is a branch of the same task with an older tip" in shown


def test_while_main_is_red_it_is_a_maintainers_turn(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.main({"src/bad.txt": "BROKEN\n"})
    world.push("feat/a")
    world.push("feat/b")
    assert world.land().code == 4
    for name in ("a", "b"):
        told = why(world, name)
        assert (told["reason"], told["turn"]) == ("main is red: sh check.sh", "maintainer")
    status = world.coord("status").out
    assert "lands next" not in status
    assert "next: main is red: sh check.sh" in status
    world.main({"src/bad.txt": "mended\n"})
    assert why(world, "a")["turn"] == why(world, "b")["turn"] == "coord"


def test_a_command_in_a_reason_can_be_typed_whatever_the_id_holds(world: World) -> None:
    world.build({"odd": task_text("x$(id)")})
    world.push("feat/x$(id)")
    assert world.coord("hold", "x$(id)", "-m", "wait").code == 0
    told = why(world, "x$(id)")
    assert told["reason"] == "held: wait (coord release 'x$(id)')"
    assert told["command"] == "coord release 'x$(id)'"


def test_hostile_words_stay_data(world: World) -> None:
    config = CHECK + '[land]\nsignal = "push"\n'
    world.build({"a": task_text("a")}, config=config)
    world.push(
        "feat/a",
        message="x\x1b[2J\n\nCoord-Status: blocked\nCoord-Reason: \x1b]0;title\x07no\u202e way",
    )
    world.land()
    shown = world.coord("why", "a").out + world.coord("log").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_what_an_agent_told_about_its_task_is_part_of_the_way(world: World) -> None:
    world.build({"a": task_text("a"), "b": task_text("b")})
    world.push("feat/a")
    world.git("switch", "-q", "feat/a")
    told = world.coord("notify", "--level", "info", "-m", "half of it works", at=world.agent)
    assert told.code == 0
    notes = world.agent / ".git/coord/inbox.ndjson"
    (world.desk / ".git/coord").mkdir(exist_ok=True)
    (world.desk / ".git/coord/inbox.ndjson").write_bytes(notes.read_bytes())
    assert "half of it works" in world.coord("why", "a", "--fetch").out
    assert "half of it works" not in world.coord("why", "b").out
    assert "half of it works" in world.coord("inbox").out


def test_a_session_is_part_of_the_way(world: World) -> None:
    with team_of(world, {"a": task("a", script(finish("a")))}, CONFIG) as team:
        assert team.command("spawn", "a").code == 0
        team.settled("a")
        assert team.command("land").code == 0
        told = json.loads(team.command("why", "a", "--json").out)["data"]
    kinds = [entry["kind"] for entry in told["timeline"]]
    assert kinds[:2] in (["claimed", "session"], ["session", "claimed"])
    assert kinds.count("claimed") == 1
    assert "prompted" in kinds
    assert kinds.index("ended") > kinds.index("prompted")
    assert kinds.index("landed") > kinds.index("signal")


def test_what_an_attempt_showed_stands_beside_why_it_is_blocked(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "BROKEN\n"})
    world.land()
    evidence = why(world, "a")["evidence"]
    assert evidence["step"] == "sh check.sh"
    assert "error: something is BROKEN" in evidence["log"]
    assert evidence["reproduce"][-1] == "sh check.sh"
    shown = world.coord("why", "a").out
    assert "  | error: something is BROKEN" in shown
    assert "a new push to the branch lifts it" in shown
    world.more("feat/a", {"src/a.txt": "fine\n"})
    assert why(world, "a")["evidence"] is None


def test_of_a_long_output_the_first_complaint_is_kept_and_shown(world: World) -> None:
    loud = "echo 'error[E0308]: mismatched types'; echo '  --> src/lib.rs:3:1'; seq 1 500; echo 'gave up'; exit 1\n"
    world.build({"a": task_text("a")}, files={"check.sh": f"test -f src/a.txt || exit 0; {loud}"})
    world.push("feat/a", {"src/a.txt": "a\n"})
    world.land()
    shown = world.coord("why", "a").out
    for line in ("error[E0308]: mismatched types", "  --> src/lib.rs:3:1", "(492 lines more)", "gave up"):
        assert f"  | {line}\n" in shown


def test_a_branch_with_no_prefix_of_task_branches_is_named_as_such(world: World) -> None:
    world.build({"a": task_text("a")})
    world.push("spike/idea")
    told = world.coord("why", "spike/idea", "--fetch")
    assert told.code == 2
    assert "spike/idea is no task branch: coord looks at branches whose names begin with feat/" in told.err


def test_what_became_of_a_question_is_part_of_the_way(world: World) -> None:
    asks = script([{"question": {"text": "PEM or DER?"}}, {"hang": True}])
    config = CONFIG.replace('agent = "scripted"\n', 'agent = "scripted"\nanswer = "1s"\n')
    with team_of(world, {"a": task("a", asks)}, config) as team:
        assert team.command("spawn", "a").code == 0
        team.until(lambda: "nobody answered within 1 second" in team.command("why", "a").out)


def test_a_claim_is_told_once_and_when_it_was_taken(world: World) -> None:
    quiet = script([{"say": "here"}, {"hang": True}])
    config = CONFIG.replace('agent = "scripted"\n', 'agent = "scripted"\nclaim = "3s"\n')
    with team_of(world, {"a": task("a", quiet)}, config) as team:
        assert team.command("spawn", "a").code == 0
        first = world.ref("refs/coord/claims/a")
        team.until(lambda: world.ref("refs/coord/claims/a") != first)
        told = json.loads(team.command("why", "a", "--fetch", "--json").out)["data"]
    claims = [entry for entry in told["timeline"] if entry["kind"] == "claimed"]
    assert [entry["source"] for entry in claims] == ["event"]
