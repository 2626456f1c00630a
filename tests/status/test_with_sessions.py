"""``coord status`` with agents at work: whose turn it is, what the monitor would say, and that its commands reach them."""

from __future__ import annotations

import json
import os
import shlex
import signal
from typing import Any

from tests.sessions.team import CONFIG, Team, calm, finish, script, task, team_of
from tests.world import World

_MENDS = "\nand then\n" + script(
    [
        {"edit": {"path": "src/a.txt", "content": "fine\n"}},
        {"commit": "mend"},
        {"push": []},
        {"done": "mended"},
    ],
    "sh check.sh",
)


def data(team: Team) -> Any:
    return team.world.coord("status", "--fetch", "--json").data


def typed(team: Team, command: str) -> None:
    """Type a command that the screen names; ``&&`` stands between commands."""
    for each in command.split(" && "):
        ran = team.world.coord(*shlex.split(each)[1:])
        assert ran.code == 0, (each, ran.err)


def test_what_is_blocked_goes_on_by_the_command_that_is_named(world: World) -> None:
    broken = finish("a", "BROKEN\n")
    with team_of(
        world, {"a": task("a", script(broken), _MENDS), "b": task("b", script(finish("b")))}, calm(CONFIG)
    ) as team:
        world.push("feat/b", {"src/b.txt": "BROKEN\n"})
        world.coord("spawn", "a")
        team.settled("a")
        world.land()
        rows = {row["id"]: row for row in data(team)["blocked"]}
        id = team.session("a").record.id
        assert (rows["a"]["turn"], rows["b"]["turn"]) == ("agent", "maintainer")
        assert shlex.split(rows["a"]["command"])[:3] == ["coord", "message", id]
        assert rows["b"]["command"] == "coord unblock b && coord spawn b"
        typed(team, rows["a"]["command"])
        typed(team, rows["b"]["command"])
        team.settled("a", "b")
        assert [row["id"] for row in data(team)["queue"]] == ["a", "b"]
        assert world.land().code == 0
        assert team.statuses() == {"a": "completed", "b": "completed"}


def test_sessions_are_shown_with_what_they_wait_for_and_what_goes_wrong(world: World) -> None:
    asks = {"question": {"text": "[bold]Which[/] colour?", "options": ["red", "blue"]}}
    tasks = {
        "asks": task("asks", script([asks, {"hang": True}])),
        "hangs": task("hangs", script([{"hang": True}])),
    }
    with team_of(world, tasks, calm(CONFIG)) as team:
        world.coord("spawn", "asks", "hangs")
        team.until(lambda: team.session("asks").standing.asked)
        team.until(lambda: team.session("hangs").standing.turn)
        asking, hanging = team.session("asks").record.id, team.session("hangs").record.id
        shown = {row["task"]: row for row in data(team)["sessions"]}
        assert (shown["asks"]["state"], shown["asks"]["why"]) == ("waiting", "[bold]Which[/] colour?")
        (odd,) = shown["asks"]["oddities"]
        assert odd["heuristic"] == "waiting-for-answer"
        assert odd["command"] == f"coord message {asking} 'YOUR ANSWER' --answer"
        assert (shown["hangs"]["state"], shown["hangs"]["oddities"]) == ("working", [])
        lines = world.coord("status").out.splitlines()
        assert f"! {asking}  waiting  asks   turn 1, heard just now: [bold]Which[/] colour?" in lines
        assert f"    $ {odd['command']}" in lines
        typed(team, odd["command"])
        os.kill(json.loads(_process(team, hanging))["pid"], signal.SIGKILL)
        team.until(lambda: not team.session("hangs").alive)
        states = {row["task"]: row["state"] for row in data(team)["sessions"]}
        assert states["hangs"] == "interrupted"


def test_a_pushed_branch_whose_session_asks_a_person_says_what_it_asks_and_says_it_once(world: World) -> None:
    begun = [step for step in finish("a") if "done" not in step]
    steps = [*begun, {"question": {"text": "Which colour?", "options": ["red", "blue"]}}, {"hang": True}]
    with team_of(world, {"a": task("a", script(steps))}, calm(CONFIG)) as team:
        world.coord("spawn", "a")
        team.until(lambda: bool(team.session("a").standing.asked))
        team.until(lambda: "waiting-for-answer" in world.coord("inbox").out)
        id = team.session("a").record.id
        (waiting,) = json.loads(team.command("status", "--fetch", "--json").out)["data"]["waiting"]
        told = json.loads(team.command("why", "a", "--json").out)["data"]["timeline"]
    assert (waiting["reason"], waiting["turn"]) == (f"{id} needs a person: Which colour?", "maintainer")
    assert sum("Which colour?" in entry["reason"] for entry in told) == 1, told


def _process(team: Team, id: str) -> str:
    return (team.desk / ".git/coord/sessions" / id / "process.json").read_text()
