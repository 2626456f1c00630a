"""The two incidents that coord exists to make impossible (measured on public histories)."""

from __future__ import annotations

from tests.world import World, task_text

ENUM = "enum Error { Io }\n"


def test_incident_a_a_hand_made_resolution_that_breaks_main_is_never_published(world: World) -> None:
    """A resolution also deleted an enum from a file that had merged cleanly; main did not compile."""
    needs_enum = "if grep -q Error src/use.txt && ! grep -q 'enum Error' src/error.txt; then echo 'no Error'; exit 1; fi\n"
    world.build({"a": task_text("a"), "b": task_text("b")}, {"src/error.txt": ENUM, "check.sh": needs_enum})
    world.push("feat/a", {"src/lib.txt": "AAA\ntwo\nthree\nfour\nfive\n", "src/use.txt": "uses Error\n"})
    world.push("feat/b", {"src/lib.txt": "BBB\ntwo\nthree\nfour\nfive\n"})
    world.land()
    assert world.verdicts() == {"b": "conflict"}

    world.git("fetch", "-q", "origin")
    world.git("checkout", "-q", "feat/b")
    world.git("merge", "-q", "origin/main", ok=False)
    world.commit("resolve", {"src/lib.txt": "AAA BBB\ntwo\nthree\nfour\nfive\n", "src/error.txt": "\n"})
    world.git("push", "-q", "origin", "feat/b")
    before = world.show("src/error.txt")

    world.land()

    assert world.show("src/error.txt") == before
    assert world.verdicts() == {"b": "gate-failed"}


def test_incident_b_uncommitted_work_of_others_never_gets_into_a_merge(world: World) -> None:
    """A merge made in a shared checkout with git add -A swept another agent's work into the merge commit."""
    world.build({"a": task_text("a")})
    world.push("feat/a", {"src/a.txt": "1\n"})
    (world.desk / "src/other.txt").write_text("193 lines of somebody else\n")
    (world.desk / "src/lib.txt").write_text("and an edit\n")

    world.land()

    changed = world.git("diff", "--name-only", "main^1", "main", at=world.origin).split()
    assert changed == ["src/a.txt", "tasks/a.md"]
    assert (world.desk / "src/other.txt").read_text() == "193 lines of somebody else\n"
