"""One task, one session: claims among clones, processes and what others write under their names."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from coord.core.claim import ClaimText, claim_message
from coord.sessions.claims import Held, Taken, machine, release, standing_claim, take
from coord.workspace import Workspace, open_workspace
from tests.sessions.team import CONFIG, script, spawned, task, team_of
from tests.world import World

QUIET = script([{"hang": True}])
REF = "refs/coord/claims/a"


def _clone(world: World, name: str) -> Path:
    path = world.root / name
    world.git("clone", "-q", str(world.origin), str(path), at=world.root)
    return path


def _wanted(workspace: Workspace, session: str, expires: float) -> ClaimText:
    return ClaimText("a", machine(workspace), session, int(expires))


def test_of_two_clones_that_spawn_one_task_at_once_one_has_a_session(world: World) -> None:
    with team_of(world, {"a": task("a", QUIET), "b": task("b", QUIET)}) as team:
        second = _clone(world, "second")
        racing = [team.begin("spawn", "--no-wait", "a", "b", at=place) for place in (team.desk, second)]
        answers = [process.communicate(timeout=60) for process in racing]

        live = [
            path for place in (team.desk, second) for path in (place / ".git/coord/sessions").glob("ses_*")
        ]
        assert len(live) == 2, answers
        assert sum(err.count("is claimed by") + err.count("not started") for _, err in answers) >= 2, answers
        team.world.coord("abort", "a", at=second)
        team.world.coord("abort", "b", at=second)


def test_of_many_threads_that_take_one_claim_one_gets_it(world: World) -> None:
    world.build({"a": task("a")}, config=CONFIG)
    now = time.time()

    def grab(number: int) -> bool:
        workspace = open_workspace(world.desk)
        return isinstance(take(workspace, _wanted(workspace, f"ses_{number:08d}", now + 60), now), Taken)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(grab, range(4))) == 1


def test_a_claim_is_held_renewed_expired_replaced_and_given_back_by_its_holder_only(world: World) -> None:
    world.build({"a": task("a")}, config=CONFIG)
    one, two = open_workspace(world.desk), open_workspace(_clone(world, "second"))
    assert machine(one) != machine(two)
    now = 1_800_000_000.0

    first = take(one, _wanted(one, "ses_00000001", now + 60), now)
    assert isinstance(first, Taken)
    held = take(two, _wanted(two, "ses_00000002", now + 60), now)
    assert held == Held(_wanted(one, "ses_00000001", now + 60))
    assert isinstance(take(one, _wanted(one, "ses_00000003", now + 60), now), Held), "another session of ours"
    assert not release(two, "a", "ses_00000001"), "another machine's claim"
    assert not release(one, "a", "ses_00000002"), "another session's claim"

    renewed = take(one, _wanted(one, "ses_00000001", now + 120), now + 30)
    assert isinstance(renewed, Taken)
    assert world.ref(REF) == renewed.oid != first.oid
    assert isinstance(take(two, _wanted(two, "ses_00000002", now + 200), now + 100), Held)
    assert isinstance(take(two, _wanted(two, "ses_00000002", now + 200), now + 121), Taken)

    assert not release(one, "a", "ses_00000001"), "it had expired and was replaced"
    assert release(two, "a", "ses_00000002")
    assert world.ref(REF) == ""
    assert release(two, "a", "ses_00000002"), "what is gone is gone"


def test_what_is_no_claim_under_a_claims_name_keeps_nobody_from_working(world: World) -> None:
    world.build({"a": task("a")}, config=CONFIG)
    workspace = open_workspace(world.desk)
    blob = world.git("hash-object", "-w", "--stdin", data="not a claim", at=world.origin)
    for oid in (blob, world.ref("refs/heads/main")):
        world.git("update-ref", REF, oid, at=world.origin)
        now = time.time()
        assert isinstance(take(workspace, _wanted(workspace, "ses_00000001", now + 60), now), Taken)
        found = standing_claim(workspace, "a")
        assert found is not None
        assert found[1].session == "ses_00000001"
        assert world.coord("sessions").code == 0
        assert release(workspace, "a", "ses_00000001")


def test_a_claim_whose_words_are_hostile_is_shown_as_plain_words(world: World) -> None:
    with team_of(world, {"a": task("a", QUIET)}) as team:
        message = f"claim: a\n\nCoord-Holder: \x1b[31m../../evil/ses_x\x07\nCoord-Expires: {int(time.time()) + 600}\n"
        tree = world.git("mktree", data="", at=world.origin)
        commit = world.git("commit-tree", tree, data=message, at=world.origin)
        world.git("update-ref", REF, commit, at=world.origin)

        answer = team.world.coord("spawn", "a")

        assert answer.code == 4
        assert "a is claimed by ../../evil/ses_x" in answer.err
        assert "\x1b" not in answer.err
        assert "\x07" not in answer.err
        world.git("update-ref", "-d", REF, at=world.origin)


def test_without_a_remote_a_claim_is_a_ref_of_the_repository_itself(world: World) -> None:
    world.build({"a": task("a")}, config=CONFIG)
    world.git("remote", "remove", "origin", at=world.desk)
    workspace = open_workspace(world.desk)
    now = time.time()
    assert workspace.remote is None
    assert isinstance(take(workspace, _wanted(workspace, "ses_00000001", now + 60), now), Taken)
    assert isinstance(take(workspace, _wanted(workspace, "ses_00000002", now + 60), now), Held)
    assert world.git("rev-parse", REF, at=world.desk)
    assert release(workspace, "a", "ses_00000001")


def test_a_host_renews_its_claim_and_ends_when_another_holds_it(world: World) -> None:
    config = CONFIG.replace("[sessions]\n", '[sessions]\nclaim = "3s"\n')
    with team_of(world, {"a": task("a", QUIET)}, config) as team:
        spawned(team, "--no-wait", "a")
        first = world.ref(REF)
        team.until(lambda: world.ref(REF) not in ("", first))

        other = open_workspace(_clone(world, "second"))
        far = time.time() + 600
        seen = world.ref(REF)
        commit = world.git(
            "commit-tree",
            world.git("mktree", data="", at=world.origin),
            data=f"claim: a\n\nCoord-Task: a\nCoord-Holder: {machine(other)}/ses_other000\nCoord-Expires: {int(far)}\n",
            at=world.origin,
        )
        assert seen
        world.git("update-ref", REF, commit, at=world.origin)
        team.settled("a")

        session = team.session("a")
        assert session.state.value == "aborted"
        assert "ses_other000 holds the task's claim now" in session.why
        team.world.coord("abort", "a")
        assert world.ref(REF) == commit, "an abort gives back only what is ours"
        world.git("update-ref", "-d", REF, at=world.origin)


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_server_with_coords_hooks_takes_claims(world: World, closed: bool) -> None:
    """A claim is given back there, too: else a task could be given out once and never again."""
    config = CONFIG + ('[server]\nmain = "closed"\n' if closed else "")
    world.build({"a": task("a")}, config=config)
    assert world.coord("hooks", "install", at=world.origin).code == 0
    workspace = open_workspace(world.desk)
    now = time.time()
    assert isinstance(take(workspace, _wanted(workspace, "ses_00000001", now + 60), now), Taken)
    assert release(workspace, "a", "ses_00000001")
    assert (world.ref(REF) == "") is not closed, (
        "with a closed main a claim is given back by letting it expire"
    )


def test_a_server_with_a_closed_main_keeps_a_claim_that_holds_from_everybody_else(world: World) -> None:
    world.build({"a": task("a")}, config=CONFIG + '[server]\nmain = "closed"\n')
    assert world.coord("hooks", "install", at=world.origin).code == 0
    workspace = open_workspace(world.desk)
    now = time.time()
    mine = _wanted(workspace, "ses_00000001", now + 60)
    assert isinstance(take(workspace, mine, now), Taken)

    theirs = world.git(
        "commit-tree", world.git("mktree"), "-m", claim_message(replace(mine, session="ses_2"), "n")
    )
    said = world.git("push", "-f", "origin", f"{theirs}:{REF}", ok=False)

    assert "holds a claim of somebody else" in said
    assert isinstance(take(workspace, mine, now), Taken), "its holder renews it"
