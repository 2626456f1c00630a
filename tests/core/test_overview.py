"""How a repository stands, from values: order, turns and commands, one row for each cause."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.graph import TaskGraph
from coord.core.history import Entry, Kind, Source
from coord.core.journal import Ahead, FastForwarded, LandedBy, MergedByHand, Newborn, Reverted, Standing
from coord.core.overview import next_words, present_of
from coord.core.present import AtWork, Held, Present, Turn
from coord.core.pull import Pull
from coord.core.queue import Cause, make_queue
from coord.core.remembered import with_remembered
from coord.core.settings import Settings
from coord.core.signal import Done, Signal, Stuck, Working
from coord.core.snapshot import Claim, Mark, Ruling, Snapshot, TaskBranch
from coord.core.task import Problem, Status, Task, Unreadable
from coord.core.trial import CouldNotRun, Finding, Found, MainRed, ServerRefused, Unfit
from coord.core.verdict import Verdict, VerdictKind
from coord.core.why import link_of

BASE = "b" * 40


def task(id: str, *needs: str, status: Status = Status.PENDING) -> Task:
    return Task(id, f"Do {id}", f"tasks/{id}.md", status, status.value, needs)


def branch(
    id: str,
    *files: str,
    signal: Signal | None = None,
    standing: Standing | None = None,
    since: int = 0,
) -> TaskBranch:
    return TaskBranch(
        f"feat/{id}", f"refs/heads/feat/{id}", id, f"tip-{id}", since, "0 +0000", signal or Done(),
        standing or Ahead(), (f"tip-{id}",), frozenset(files),
    )  # fmt: skip


def snapshot(*branches: TaskBranch, tasks: tuple[Task, ...] | None = None) -> Snapshot:
    known = tuple(task(one.task) for one in branches) if tasks is None else tasks
    return Snapshot(BASE, 1000, Settings(), TaskGraph.of(known), branches)


def ruled(kind: VerdictKind, reason: str = "it failed") -> tuple[Ruling, ...]:
    return (Ruling("refs/coord/verdicts/a", "oid", Verdict("a", "feat/a", "tip-a", BASE, kind, reason)),)


def session(id: str = "s-1", state: str = "working", of: str = "a", made: int = 1) -> AtWork:
    return AtWork(id, of, f"feat/{of}", "scripted", state, "", made, made)


def found(finding: Finding) -> tuple[Found, ...]:
    return (Found(BASE, ("tip-a",), finding),)


def look(scene: Snapshot, *sessions: AtWork) -> Present:
    return present_of(scene, sessions, main="origin/main", said="as of now")


A = snapshot(branch("a"))
CONFLICT = replace(A, rulings=ruled(VerdictKind.CONFLICT, "conflict in x"))
STUCK = replace(snapshot(branch("a", signal=Stuck("no key"))), rulings=ruled(VerdictKind.BLOCKED, "no key"))
UNBLOCKED = replace(STUCK, rulings=ruled(VerdictKind.UNBLOCKED))
BROKEN = Unreadable("tasks/a.md", (Problem("tasks/a.md", 1, 1, "x", "y"),), "a")
LABELLED = replace(
    A,
    pulls=(Pull(7, "feat/a", "tip-a", "main", labels=("hold",)),),
    settings=replace(Settings(), github=replace(Settings().github, hold_labels=("hold",))),
)
GUARDED = replace(Settings(), land=replace(Settings().land, protected=("ci/**",)))
PROTECTED = replace(snapshot(branch("a", "ci/run")), settings=GUARDED)

#: Cause, snapshot, sessions, in which list, whose turn, command.
ROWS = [
    (Cause.HELD, replace(A, holds=(Mark("a", "refs/coord/hold/a", "o", "later"),)), (), "waiting", Turn.MAINTAINER, "coord release a"),
    (Cause.LABELLED, LABELLED, (), "waiting", Turn.MAINTAINER, ""),
    (Cause.REVERTED, snapshot(branch("a", standing=Reverted("1" * 40, "2" * 40))), (), "blocked", Turn.MAINTAINER, "git revert 2222222"),
    (Cause.REVERTED, snapshot(branch("a", standing=Reverted("1" * 40, "2" * 40))), (session(state="idle"),), "blocked", Turn.AGENT, "coord message s-1 'your landing was reverted: rebase the branch on main, mend it, push'"),
    (Cause.ON_MAIN, snapshot(branch("a", standing=Newborn(on_main=True))), (), "waiting", Turn.AGENT, "coord done"),
    (Cause.NEWBORN, snapshot(branch("a", standing=Newborn())), (session(),), "waiting", Turn.AGENT, ""),
    (Cause.LANDED, snapshot(branch("a", standing=LandedBy("1" * 40))), (), "waiting", Turn.COORD, "coord land"),
    (Cause.BY_HAND, snapshot(branch("a", standing=MergedByHand("1" * 40))), (), "waiting", Turn.COORD, "coord land"),
    (Cause.BY_HAND, snapshot(branch("a", standing=FastForwarded())), (), "waiting", Turn.COORD, "coord land"),
    (Cause.WORKING, snapshot(branch("a", signal=Working("not yet"))), (), "waiting", Turn.AGENT, "coord done"),
    (Cause.WORKING, snapshot(branch("a", signal=Working("not yet"))), (session(),), "waiting", Turn.AGENT, ""),
    (Cause.WORKING, snapshot(branch("a", signal=Working("not yet"))), (session(state="waiting"),), "waiting", Turn.MAINTAINER, "coord message s-1 'YOUR ANSWER' --answer"),
    (Cause.WORKING, snapshot(branch("a", signal=Working("not yet"))), (session(state="attention"),), "waiting", Turn.MAINTAINER, "coord message s-1 'WHAT TO DO'"),
    (Cause.WORKING, snapshot(branch("a", signal=Working("not yet"))), (session(state="aborted"),), "waiting", Turn.MAINTAINER, "coord spawn a"),
    (Cause.UNBLOCKED, UNBLOCKED, (), "waiting", Turn.MAINTAINER, "coord spawn a"),
    (Cause.UNBLOCKED, UNBLOCKED, (session(),), "waiting", Turn.AGENT, ""),
    (Cause.STUCK, replace(STUCK, rulings=()), (), "blocked", Turn.COORD, "coord land"),
    (Cause.STUCK, STUCK, (), "blocked", Turn.MAINTAINER, "coord unblock a -m 'WHAT HELPS'"),
    (Cause.CONFLICT, CONFLICT, (), "blocked", Turn.MAINTAINER, "coord unblock a && coord spawn a"),
    (Cause.CONFLICT, CONFLICT, (session(state="done"),), "blocked", Turn.AGENT, "coord message s-1 'conflict in x: merge main, mend it, push, say done'"),
    (Cause.CONFLICT, CONFLICT, (session(state="aborted"),), "blocked", Turn.MAINTAINER, "coord unblock a && coord spawn a"),
    (Cause.GATE_FAILED, replace(A, rulings=ruled(VerdictKind.GATE_FAILED)), (), "blocked", Turn.MAINTAINER, "coord unblock a && coord spawn a"),
    (Cause.OTHERS, snapshot(branch("a"), replace(branch("b", since=9), task="a"), tasks=(task("a"),)), (), "waiting", Turn.OTHERS, ""),
    (Cause.TASK_FILE, replace(A, graph=TaskGraph.of((), (BROKEN,))), (), "blocked", Turn.MAINTAINER, "coord check tasks/a.md"),
    (Cause.DEPENDENCIES, snapshot(branch("a"), tasks=(task("a", "b"), task("b"))), (), "waiting", Turn.OTHERS, ""),
    (Cause.DEPENDENCIES, snapshot(branch("a"), tasks=(task("a", "nowhere"),)), (), "blocked", Turn.MAINTAINER, "coord check"),
    (Cause.DEPENDENCIES, snapshot(branch("a"), tasks=(task("a", "b"), task("b", "a"))), (), "blocked", Turn.MAINTAINER, "coord check"),
    (Cause.PROTECTED, PROTECTED, (), "blocked", Turn.MAINTAINER, "coord approve a"),
    (Cause.PROTECTED, replace(PROTECTED, hosted=True), (), "blocked", Turn.MAINTAINER, "/coord approve"),
    (Cause.MAIN_RED, replace(A, findings=found(MainRed("make test"))), (), "blocked", Turn.MAINTAINER, "coord land"),
    (Cause.COULD_NOT_RUN, replace(A, findings=found(CouldNotRun("no cargo"))), (), "blocked", Turn.MAINTAINER, "coord land"),
    (Cause.UNFIT, replace(A, findings=found(Unfit("no status line"))), (), "blocked", Turn.MAINTAINER, "coord land a"),
    (Cause.REFUSED, replace(A, findings=found(ServerRefused("no"))), (), "blocked", Turn.MAINTAINER, "coord doctor"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "scene", "sessions", "where", "turn", "command"), ROWS)
def test_each_cause_has_a_turn_and_a_command(
    cause: Cause, scene: Snapshot, sessions: tuple[AtWork, ...], where: str, turn: Turn, command: str
) -> None:
    assert [waits.cause for waits in make_queue(scene).waiting] == [cause]
    present = look(scene, *sessions)
    held: tuple[Held, ...] = getattr(present, where)
    assert [(one.turn, one.command) for one in held] == [(turn, command)]
    assert not (present.waiting if where == "blocked" else present.blocked)


def test_a_branch_on_commits_of_one_that_waits_for_it_is_a_maintainers() -> None:
    below, above = branch("c"), replace(branch("a", since=9), commits=("tip-c", "tip-a"))
    scene = snapshot(below, above, tasks=(task("a"), task("b", "a"), task("c", "b")))
    (stacked,) = look(scene).blocked
    assert (stacked.branch, stacked.turn) == ("feat/a", Turn.MAINTAINER)
    words = "it holds commits of feat/c, which waits for it in turn (c -> b -> a): rebase it without them"
    assert stacked.reason == words
    assert [(one.branch, one.turn) for one in look(scene).waiting] == [("feat/c", Turn.OTHERS)]
    # What the other waits for may land by itself: then it is no circle.
    free = snapshot(below, above, tasks=(task("a"), task("b"), task("c", "b")))
    assert {(one.branch, one.turn) for one in look(free).waiting} == {
        ("feat/a", Turn.OTHERS), ("feat/c", Turn.OTHERS),
    }  # fmt: skip


def test_the_table_has_every_cause() -> None:
    assert {row[0] for row in ROWS} == set(Cause)


def test_the_queue_says_why_each_stands_where_it_does() -> None:
    scene = snapshot(
        branch("a", "x", "y", since=1),
        branch("b", "x", since=3),
        branch("c", "y", since=2),
        branch("d", since=5),
    )
    assert [(one.place, one.task, one.why) for one in look(scene).queue] == [
        (1, "d", "shares no file with another"),
        (2, "c", "shares 1 file with feat/a; feat/d shares none"),
        (3, "b", "shares 1 file with feat/a; the tip of feat/c is older"),
        (4, "a", "shares 2 files with feat/b, feat/c; feat/b shares fewer"),
    ]
    assert look(scene).queue[3].overlaps == (("feat/b", ("x",)), ("feat/c", ("y",)))


def test_the_last_rule_of_the_queue_is_the_name() -> None:
    assert [one.why for one in look(snapshot(branch("b", since=1), branch("a", since=1))).queue] == [
        "shares no file with another",
        "shares no file with another; after feat/a by name",
    ]


def test_a_blocked_task_without_a_branch_is_blocked_and_says_what_the_verdict_said() -> None:
    scene = snapshot(tasks=(task("a", status=Status.BLOCKED), task("b", status=Status.FAILED)))
    told, failed = look(replace(scene, rulings=ruled(VerdictKind.BLOCKED, "no key"))).blocked
    assert (told.task, told.branch, told.reason) == ("a", "", "no key")
    assert (told.turn, told.command) == (Turn.MAINTAINER, "coord unblock a -m 'WHAT HELPS'")
    assert (failed.reason, failed.command) == (
        "main says so (status: failed); coord show b tells more",
        "coord show b",
    )


def test_a_claim_of_another_machine_is_waiting_and_one_of_this_machine_is_a_session() -> None:
    claim = Claim("a", "refs/coord/claims/a", "o", "far/s-9", 2000)
    scene = replace(snapshot(tasks=(task("a"),)), claims=(claim,))
    (one,) = look(scene).waiting
    assert (one.task, one.branch, one.turn) == ("a", "", Turn.AGENT)
    assert one.reason == "far/s-9 works on it, and has pushed nothing yet"
    assert look(replace(scene, claims=(replace(claim, holder="here/s-1"),)), session("s-1")).waiting == ()
    assert look(scene).underway == (("a", "Do a", "refs/coord/claims/a"),)


def test_tasks_are_counted_once_under_the_first_word_that_holds() -> None:
    tasks = (
        task("done", status=Status.COMPLETED), task("stuck", status=Status.BLOCKED), task("live"), task("free"),
        task("later", "free"), replace(task("review"), level="review"), task("late", "stuck"),
    )  # fmt: skip
    present = look(snapshot(branch("live"), tasks=tasks))
    assert dict(present.counts) == {
        "ready": 1, "in_progress": 1, "waiting": 2, "blocked": 1, "not_for_agents": 1, "completed": 1,
    }  # fmt: skip
    assert present.ready == (("free", "Do free"),)
    assert present.underway == (("live", "Do live", "feat/live"),)


def test_names_of_others_are_quoted_in_commands() -> None:
    present = look(replace(snapshot(branch("a;rm -rf x")), holds=(Mark("a;rm -rf x", "r", "o"),)))
    assert present.waiting[0].command == "coord release 'a;rm -rf x'"


# -- what the last run found ---------------------------------------------------------------------------------------


def event(kind: Kind, **more: object) -> Entry:
    return replace(Entry(1, kind, "a", "why", Source.EVENT, tip="tip-a", main=BASE, step="make"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(Kind.MAIN_RED)], MainRed("make")),
        ([event(Kind.COULD_NOT_RUN)], CouldNotRun("why")),
        ([event(Kind.REFUSED, main="", reason="no")], ServerRefused("no")),
        ([event(Kind.MAIN_RED, main="other")], None),
        ([event(Kind.MAIN_RED, tip="gone")], None),
        ([event(Kind.MAIN_RED), event(Kind.SEEN)], MainRed("make")),
        ([event(Kind.MAIN_RED), event(Kind.VALIDATED)], None),
        ([event(Kind.REFUSED), event(Kind.MAIN_RED)], MainRed("make")),
    ],
)
def test_what_the_last_run_found_counts_on_the_same_main_until_something_else_is_found(
    events: list[Entry], expected: Finding | None
) -> None:
    assert with_remembered(A, events).finding("tip-a") == expected


def test_a_red_main_is_what_is_next() -> None:
    present = look(with_remembered(A, [event(Kind.MAIN_RED)]))
    assert present.action == "main is red: make; nobody is blamed, landing rests until main is mended"
    assert present.blocked[0].reason == "main is red: make"


# -- every branch once ---------------------------------------------------------------------------------------------

IDS = [f"t{number}" for number in range(5)]
STANDINGS: list[Standing] = [
    Ahead(), Ahead(), Ahead(), Newborn(), Newborn(on_main=True), LandedBy("1" * 40), MergedByHand("1" * 40),
    FastForwarded(), Reverted("1" * 40, "2" * 40),
]  # fmt: skip
FINDINGS: list[Finding | None] = [
    None, None, MainRed("x"), CouldNotRun("x"), Unfit("x"), ServerRefused("x"),
]  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    needs = st.lists(st.sampled_from([*IDS, "nowhere"]), max_size=2, unique=True)
    tasks = [
        task(id, *draw(needs), status=draw(st.sampled_from(list(Status))))
        for id in IDS
        if draw(st.booleans())
    ]
    branches = [
        branch(
            id,
            *draw(st.lists(st.sampled_from("xy"), max_size=2)),
            signal=draw(st.sampled_from([Done(), Done(), Stuck("no"), Working("yet")])),
            standing=draw(st.sampled_from(STANDINGS)),
            since=draw(st.integers(0, 3)),
        )
        for id in IDS
        if draw(st.booleans())
    ]
    rulings = [
        Ruling(
            f"r{one.task}",
            "o",
            Verdict(one.task, one.name, one.tip, BASE, draw(st.sampled_from(list(VerdictKind))), "x"),
        )
        for one in branches
        if draw(st.booleans())
    ]
    findings = [Found(BASE, (one.tip,), it) for one in branches if (it := draw(st.sampled_from(FINDINGS)))]
    holds = [Mark(id, f"h{id}", "o") for id in IDS if draw(st.booleans()) and draw(st.booleans())]
    return replace(
        snapshot(*branches, tasks=tuple(tasks)), rulings=tuple(rulings), findings=tuple(findings), holds=tuple(holds)
    )  # fmt: skip


@given(snapshots(), st.lists(st.sampled_from(["working", "done", "aborted", "interrupted"]), max_size=3))
def test_every_live_branch_and_every_blocked_task_stands_in_exactly_one_list(
    scene: Snapshot, states: list[str]
) -> None:
    sessions = tuple(session(f"s-{n}", state, of=IDS[n]) for n, state in enumerate(states))
    present = look(scene, *sessions)
    held = (*present.waiting, *present.blocked)
    told = [one.branch for one in present.queue] + [one.branch for one in held if one.branch]
    assert sorted(told) == sorted(one.name for one in scene.branches)
    live = {one.task for one in scene.branches}
    stopped = [
        t.id for t in scene.graph.tasks if t.status in (Status.BLOCKED, Status.FAILED) and t.id not in live
    ]
    assert [one.task for one in present.blocked if not one.branch] == stopped
    assert sum(present.counts.values()) == len(scene.graph.tasks)
    assert all(one.reason for one in held)
    assert present == look(scene, *sessions)


@pytest.mark.parametrize(
    ("state", "turn", "command"),
    [
        ("working", Turn.AGENT, "coord logs -f s-1"),
        ("waiting", Turn.MAINTAINER, "coord message s-1 'YOUR ANSWER' --answer"),
        ("attention", Turn.MAINTAINER, "coord message s-1 'WHAT TO DO'"),
    ],
)
def test_a_session_that_has_pushed_nothing_and_asks_waits_for_a_person(
    state: str, turn: Turn, command: str
) -> None:
    scene = snapshot(tasks=(task("a"),))
    link = link_of(scene, look(scene, session(state=state)), "a")
    assert (link.turn, link.command) == (turn, command)


def test_what_is_done_next_says_what_and_not_only_why() -> None:
    assert next_words(replace(STUCK, rulings=())) == "block feat/a: no key"
    assert next_words(snapshot()) == "nothing is ready to land"


def test_a_task_that_is_held_before_it_has_a_branch_says_so() -> None:
    held = replace(snapshot(tasks=(task("a"),)), holds=(Mark("a", "refs/coord/hold/a", "o", "later"),))
    link = link_of(held, look(held), "a")
    assert link.state == "ready"
    assert link.reason.endswith("held, so its branch will not land: later (coord release a)")
