"""What people are told on a forge, decided from how things stand."""

from __future__ import annotations

from coord.core.graph import TaskGraph
from coord.core.journal import Ahead, LandedBy, Standing
from coord.core.pull import Pull
from coord.core.settings import GitHub, Settings
from coord.core.signal import Done, Signal, Working
from coord.core.snapshot import Mark, Ruling, Snapshot, Stranger, TaskBranch
from coord.core.telling import (
    Landed,
    Light,
    TellAgain,
    TellBlocked,
    TellLanded,
    TellProtected,
    TellStatus,
    what_to_tell,
)
from coord.core.verdict import Verdict, VerdictKind


def branch(
    name: str,
    *,
    signal: Signal | None = None,
    standing: Standing | None = None,
    files: tuple[str, ...] = ("x",),
) -> TaskBranch:
    return TaskBranch(
        f"feat/{name}", f"refs/heads/feat/{name}", name, f"tip-{name}", 1, "1 +0000",
        signal or Done(), standing or Ahead(), (f"tip-{name}",), frozenset(f"{name}/{file}" for file in files),
    )  # fmt: skip


def pull(name: str, number: int = 1, **facts: object) -> Pull:
    return Pull(number, f"feat/{name}", f"tip-{name}", "main", **facts)  # type: ignore[arg-type]


def ruling(name: str, kind: VerdictKind, tip: str = "") -> Ruling:
    verdict = Verdict(name, f"feat/{name}", tip or f"tip-{name}", "base", kind, "why")
    return Ruling(f"refs/coord/verdicts/{name}", "oid", verdict)


def snapshot(*branches: TaskBranch, **facts: object) -> Snapshot:
    settings = facts.pop("settings", Settings())
    return Snapshot("base", 1, settings, TaskGraph(()), branches, **facts)  # type: ignore[arg-type]


def test_a_branch_in_the_queue_is_pending_with_its_place() -> None:
    told = what_to_tell(snapshot(branch("a"), branch("b"), pulls=(pull("a"), pull("b", 2))), ())
    assert told == (
        TellStatus("tip-a", Light.PENDING, "in the queue, place 1 of 2"),
        TellStatus("tip-b", Light.PENDING, "in the queue, place 2 of 2"),
    )


def test_a_branch_that_waits_is_pending_with_the_reason() -> None:
    working = branch("a", signal=Working("its pull request is a draft"))
    (told,) = what_to_tell(snapshot(working, pulls=(pull("a"),)), ())
    assert told == TellStatus("tip-a", Light.PENDING, "working: its pull request is a draft")


def test_a_verdict_is_a_failure_and_a_comment() -> None:
    a, why = branch("a"), ruling("a", VerdictKind.GATE_FAILED)
    status, comment = what_to_tell(snapshot(a, rulings=(why,), pulls=(pull("a"),)), ())
    assert status == TellStatus("tip-a", Light.FAILURE, "why")
    assert comment == TellBlocked(a, why.verdict, pull("a"))


def test_without_a_pull_request_a_verdict_is_told_all_the_same() -> None:
    a, why = branch("a"), ruling("a", VerdictKind.CONFLICT)
    assert what_to_tell(snapshot(a, rulings=(why,)), ()) == (TellBlocked(a, why.verdict, None),)


def test_a_verdict_about_an_earlier_tip_is_over() -> None:
    told = what_to_tell(snapshot(branch("a"), rulings=(ruling("a", VerdictKind.CONFLICT, "old"),)), ())
    assert told == (TellAgain(branch("a"), "it is in the queue again", None),)


def test_a_landed_branch_that_is_still_there_is_a_success() -> None:
    (status,) = what_to_tell(snapshot(branch("a", standing=LandedBy("c" * 40)), pulls=(pull("a"),)), ())
    assert isinstance(status, TellStatus)
    assert status.light is Light.SUCCESS


def test_a_protected_branch_is_told_which_paths_wait_for_an_approval() -> None:
    held = TaskBranch(
        "feat/a", "refs/heads/feat/a", "a", "tip-a", 1, "1 +0000", Done(), Ahead(), ("tip-a",),
        frozenset({".github/workflows/ci.yml", "src/x"}),
    )  # fmt: skip
    told = what_to_tell(snapshot(held, pulls=(pull("a"),)), ())
    assert TellProtected(held, (".github/workflows/ci.yml",), pull("a")) in told
    approved = snapshot(held, pulls=(pull("a"),), approvals=(Mark("a", "", "", "tip-a"),))
    told = what_to_tell(approved, ())
    assert not any(isinstance(each, TellProtected) for each in told)
    assert TellAgain(held, "its changes are approved", pull("a")) in told


def test_a_label_holds_a_branch_back_and_the_settings_say_which() -> None:
    labelled = pull("a", labels=("coord:hold", "x"))
    (status,) = what_to_tell(snapshot(branch("a"), pulls=(labelled,)), ())
    assert status == TellStatus("tip-a", Light.PENDING, "held: pull request #1 bears the label 'coord:hold'")
    other = Settings(github=GitHub(hold_labels=("wait",)))
    (status,) = what_to_tell(snapshot(branch("a"), pulls=(labelled,), settings=other), ())
    assert isinstance(status, TellStatus)
    assert status.words.startswith("in the queue")


def test_a_branch_without_a_task_is_told_that_it_waits_for_one() -> None:
    stranger = Stranger("feat/aa", "tip-aa", ("a",))
    asked = Pull(1, "feat/aa", "tip-aa", "main")
    assert what_to_tell(snapshot(strangers=(stranger,), pulls=(asked,)), ()) == (
        TellStatus("tip-aa", Light.PENDING, "belongs to no task on main (like a)"),
    )
    assert what_to_tell(snapshot(strangers=(stranger,)), ()) == ()


def test_what_landed_is_a_success_and_where_it_had_a_verdict_the_comment_says_so() -> None:
    landed = (Landed("a", "tip-a", "c0ffeec0ffee"), Landed("b", "tip-b", "c0ffeec0ffee", "feat/b"))
    assert what_to_tell(snapshot(), landed) == (
        TellStatus("tip-a", Light.SUCCESS, "landed in c0ffeec"),
        TellStatus("tip-b", Light.SUCCESS, "landed in c0ffeec"),
        TellLanded("b", "feat/b", "c0ffeec0ffee"),
    )
