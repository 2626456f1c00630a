"""Where the loop meets what it cannot go on with: the bare repository of a server, and what this machine refuses."""

from __future__ import annotations

from tests.sessions.team import CONFIG, finish, script, task, team_of
from tests.world import World


def test_the_loop_of_a_server_lands_and_leaves_no_session_or_worktree(world: World) -> None:
    with team_of(world, {"a": task("a", script(finish("a")))}, CONFIG) as team:
        loop = team.command("run", "--interval", "0.3", at=world.origin)
        assert "1 of 1 tasks are completed" in loop.out, loop.err
        assert loop.code == 0, loop.err
        assert "fatal" not in loop.err
        assert list((world.origin / "coord/sessions").glob("ses_*")) == []
        assert world.git("worktree", "list", at=world.origin).count("\n") == 0


def test_a_step_that_this_machine_refuses_again_and_again_does_not_keep_the_loop_going(world: World) -> None:
    untidy = [*finish("a"), {"edit": {"path": "notes.txt", "content": "mine\n"}}]
    with team_of(world, {"a": task("a", script(untidy))}, CONFIG) as team:
        # A ref where rescue wants a folder: what is not committed cannot be saved, so the worktree has to stay.
        world.git("update-ref", "refs/coord/rescue/feat", "origin/main", at=team.desk)
        loop = team.command("run", "--interval", "0.3")
        assert "nothing was removed" in loop.err
        assert (team.desk / ".worktrees/feat/a/notes.txt").read_text() == "mine\n"
        assert [session.record.task for session in team.sessions()] == ["a"]
        world.git("update-ref", "-d", "refs/coord/rescue/feat", at=team.desk)
        assert team.run().code == 0
        assert team.left_over() == []
