"""The after-action review: what entries of a history amount to, and what is said of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.chart import WIDTH, Bar, columns, rows
from coord.core.duration import lasting
from coord.core.estimates import Outcome, estimates_off, scope_of
from coord.core.history import Entry, Kind, Since, Source
from coord.core.journal import Ahead
from coord.core.present import Drift
from coord.core.review import Review, make_review
from coord.core.reviewcounts import Change, count
from coord.core.reviewfacts import Facts, spread
from coord.core.reviewfindings import Part
from coord.core.reviewitems import Priority, slug
from coord.core.reviewtables import figures, known, summary
from coord.core.reviewwords import plain_words
from coord.core.signal import Done, Working
from coord.core.snapshot import TaskBranch
from coord.core.taskfile import branch_flaw

from .histories import DAY, T, a_conflict, a_landing, a_red_gate, an_event, make_task, material_of, oid


def _facts(*entries: Entry, **fields: object) -> Facts:
    return count(material_of(*entries, **fields))  # type: ignore[arg-type]


def _review(*entries: Entry, **fields: object) -> Review:
    return make_review(material_of(*entries, **fields))  # type: ignore[arg-type]


def _ids(review: Review) -> list[str]:
    return [item.id for item in review.items]


def _rules(review: Review, part: Part) -> list[str]:
    return [finding.rule for finding in review.part(part)]


# -- attempts ----------------------------------------------------------------------------------------------------------


def test_a_landing_after_a_conflict_and_a_red_gate_is_the_third_attempt() -> None:
    facts = _facts(a_conflict("a", T), a_red_gate("a", T + 100), a_landing("a", T + 1000))

    (landed,) = facts.landings
    assert (landed.attempts, len(facts.conflicts), len(facts.reds), facts.attempts) == (3, 1, 1, 3)
    assert facts.first_try == ()


def test_a_second_landing_of_a_task_counts_only_what_came_after_the_first() -> None:
    facts = _facts(a_red_gate("a", T), a_landing("a", T + 100), a_landing("a", T + 900, "2"))

    assert [landed.attempts for landed in facts.landings] == [2, 1]


def test_a_conflict_that_stays_the_same_while_main_moves_is_one() -> None:
    again = replace(a_conflict("a", T + 50), commit=oid("other verdict"))

    assert len(_facts(a_conflict("a", T), again).conflicts) == 1


def test_an_event_of_an_attempt_that_a_verdict_tells_is_not_a_second_one() -> None:
    event = an_event(Kind.GATE_FAILED, "a", T + 5, tip=oid("a1r"), step="make test")

    assert len(_facts(a_red_gate("a", T), event).reds) == 1
    assert len(_facts(event).reds) == 1


def test_an_event_of_a_landing_that_main_does_not_know_is_no_landing() -> None:
    assert _facts(an_event(Kind.LANDED, "a", T, commit=oid("gone"))).landings == ()


# -- times -------------------------------------------------------------------------------------------------------------


def test_first_seen_is_what_an_event_says_else_the_tips_date() -> None:
    told = _facts(an_event(Kind.SEEN, "a", T), a_landing("a", T + 600)).landings[0]
    untold = _facts(a_landing("a", T + 600)).landings[0]

    assert (told.waited, told.by_event) == (600, True)
    assert (untold.waited, untold.by_event) == (120, False)


def test_a_push_that_said_it_was_working_did_not_wait_to_land() -> None:
    working = an_event(Kind.SEEN, "a", T, working=True)
    done = an_event(Kind.SEEN, "a", T + 500, tip=oid("done"))
    told = _facts(working, done, a_landing("a", T + 600)).landings[0]
    untold = _facts(working, a_landing("a", T + 600)).landings[0]

    assert (told.waited, told.by_event) == (100, True)
    assert (untold.waited, untold.by_event) == (120, False)


def test_landings_of_one_second_are_told_in_the_order_of_main() -> None:
    first, last = replace(a_landing("z", T), place=1), replace(a_landing("a", T), place=2)

    assert [landed.task for landed in _facts(last, first).landings] == ["z", "a"]


def test_without_events_a_branch_that_failed_first_was_seen_when_it_failed() -> None:
    assert _facts(a_red_gate("a", T), a_landing("a", T + 600)).landings[0].waited == 600


def test_time_in_the_gate_is_that_of_validations_else_of_how_attempts_ended() -> None:
    landed = replace(a_landing("a", T), seconds=30.0)
    validated = [an_event(Kind.VALIDATED, "a", T - n, tip=landed.tip, seconds=20.0) for n in (1, 2)]

    assert _facts(landed).gate.total == 30
    assert _facts(landed, *validated).gate.total == 40
    assert _facts(landed, *validated).landings[0].validations == 2
    assert _facts(a_landing("a", T)).landings[0].gate is None


def test_percentiles_are_by_nearest_rank() -> None:
    found = spread([(f"t{n:02}", float(n)) for n in range(1, 11)])

    assert found is not None
    assert (found.median, found.p90, found.worst, found.worst_of) == (5.5, 9, 10, "t10")
    assert spread([]) is None


def test_time_in_which_no_branch_waited_is_idle() -> None:
    entries = [
        an_event(Kind.SEEN, "a", T), a_landing("a", T + 100), an_event(Kind.SEEN, "b", T + 50), a_landing("b", T + 200),
        an_event(Kind.SEEN, "c", T + 500), a_landing("c", T + 600),
    ]  # fmt: skip
    queue = _facts(*entries).queue

    assert (queue.span, queue.busy, queue.idle) == (600, 300, 300)


def test_main_is_red_until_something_lands_again() -> None:
    red = [an_event(Kind.MAIN_RED, "", T + n, step="make test") for n in (0, 50)]
    assert [(s.since, s.until) for s in _facts(*red, a_landing("a", T + 90)).main_red] == [(T, T + 90)]
    assert [(s.since, s.until) for s in _facts(*red).main_red] == [(T, None)]


def test_a_task_that_waited_for_its_dependency_is_told_with_how_long() -> None:
    tasks = (make_task("a"), make_task("b", depends_on="[a]"))
    entries = (an_event(Kind.SEEN, "b", T), a_landing("a", T + 300), a_landing("b", T + 400))

    (wait,) = _facts(*entries, tasks=tasks).waits
    assert (wait.task, wait.on, wait.seconds, wait.open) == ("b", "a", 300, False)


def test_a_task_that_waited_for_two_at_once_waited_once() -> None:
    tasks = (make_task("a"), make_task("b"), make_task("c", depends_on="[a, b]"))
    seen = an_event(Kind.SEEN, "c", T)
    review = _review(
        seen, a_landing("a", T + 7200), a_landing("b", T + 3600), a_landing("c", T + 9000), tasks=tasks
    )

    assert len(review.facts.waits) == 2
    (told,) = [one for one in review.part(Part.BETTER) if one.rule == "waits"]
    assert told.words == ("1 branch waited for another, 2.0 h in all",)


def test_a_dependency_that_had_landed_before_was_not_waited_for() -> None:
    tasks = (make_task("a"), make_task("b", depends_on="[a]"))
    entries = (a_landing("a", T), an_event(Kind.SEEN, "b", T + 300), a_landing("b", T + 400))

    assert _facts(*entries, tasks=tasks).waits == ()


# -- periods -----------------------------------------------------------------------------------------------------------


def test_what_came_before_the_period_is_left_out_but_counts_as_attempts_of_what_landed_in_it() -> None:
    entries = (a_red_gate("a", T), a_landing("b", T + 10), a_landing("a", T + 1000))
    facts = _facts(*entries, since=Since(T + 500))

    assert [(landed.task, landed.attempts) for landed in facts.landings] == [("a", 2)]
    assert facts.failures == ()


def test_landings_of_one_second_are_told_apart_by_the_commits_before_the_period() -> None:
    first, second = a_landing("a", T), a_landing("b", T)

    facts = _facts(first, second, since=Since(T, frozenset({first.commit})))
    assert [landed.task for landed in facts.landings] == ["b"]


# -- blocks and drift --------------------------------------------------------------------------------------------------


def test_what_failed_after_a_landing_in_the_same_second_is_no_attempt_of_it() -> None:
    landing, red = replace(a_landing("a", T), place=1), replace(a_red_gate("a", T), place=2)
    again = replace(a_landing("a", T, n="2"), place=3)
    assert [one.attempts for one in _facts(landing, red, again).landings] == [1, 2]


def test_a_block_is_a_commit_of_main_and_lasts_until_it_is_lifted_or_lands() -> None:
    red = a_red_gate("a", T)
    told = _facts(red, a_landing("a", T + 500), chain=frozenset({red.commit})).episodes
    untold = _facts(red, a_landing("a", T + 500)).episodes

    assert [(one.task, one.until) for one in told] == [("a", T + 500)]
    assert untold == ()


def test_a_block_of_a_task_that_is_blocked_now_is_open_and_an_item() -> None:
    blocked = Entry(T, Kind.BLOCKED, "a", "no licence", Source.MAIN, commit=oid("b"))
    review = _review(blocked, tasks=(make_task("a", status="blocked"),))

    assert review.facts.episodes[0].until is None
    assert _ids(review) == ["review/open-blocks"]


def test_what_is_still_blocked_is_told_before_what_was() -> None:
    red = a_red_gate("a", T)
    blocked = Entry(T + 900, Kind.BLOCKED, "b", "no licence", Source.MAIN, commit=oid("b"))
    tasks = (make_task("a"), make_task("b", status="blocked"))
    review = _review(red, a_landing("a", T + 500), blocked, tasks=tasks, chain=frozenset({red.commit}))
    (found,) = [
        one for one in review.findings if plain_words(one.words) == "2 blocks of 2 tasks, 1 still open"
    ]

    assert [plain_words(words).split(":")[0] for words in found.evidence] == [
        "b still blocked",
        "a for 8 min",
    ]


def test_a_block_is_lifted_by_the_tip_that_the_branch_has_now_though_nobody_here_saw_it_come() -> None:
    red = a_red_gate("a", T)
    tasks, chain = (make_task("a", status="blocked"),), frozenset({red.commit})
    for tip, until in ((oid("another"), T + 70), (red.tip, None)):
        branch = TaskBranch("feat/a", "refs/heads/feat/a", "a", tip, T + 70, "", Done(), Ahead())
        material = material_of(red, tasks=tasks, chain=chain)
        material = replace(material, snapshot=replace(material.snapshot, branches=(branch,)))
        assert [one.until for one in make_review(material).facts.episodes] == [until]


def test_a_block_ends_when_a_new_tip_is_seen_or_blocked_in_turn() -> None:
    first, second = a_red_gate("a", T), a_red_gate("a", T + 90, n="2")
    tasks, chain = (make_task("a", status="blocked"),), frozenset({first.commit, second.commit})
    seen = an_event(Kind.SEEN, "a", T + 50, tip=second.tip)

    for entries, until in (((first, second), T + 90), ((first, seen, second), T + 50)):
        episodes = _facts(*entries, tasks=tasks, chain=chain).episodes
        assert [one.until for one in episodes] == [until, None]


def test_drift_is_told_with_the_command_that_mends_it() -> None:
    drift = Drift("landed-not-completed", "a", "merged to main and not completed", "coord complete a")
    review = _review(a_landing("b", T), drift=(drift,))

    (item,) = review.items
    assert "coord complete a" in plain_words(item.evidence[0])
    assert "no-drift" not in _rules(review, Part.RIGHT)


@pytest.mark.parametrize(("signal", "state"), [(Working("draft"), "working"), (Done(""), "ready to land")])
def test_a_branch_without_a_push_for_days_is_stale(signal: Working | Done, state: str) -> None:
    material = material_of(a_landing("b", T))
    old = TaskBranch("feat/a", "", "a", oid("a"), material.now - 4 * DAY, "", signal, Ahead(), ("c",))
    young = replace(old, name="feat/c", task="c", since=material.now - DAY)
    snapshot = replace(material.snapshot, branches=(old, young))

    facts = count(replace(material, snapshot=snapshot))
    assert [(one.branch, one.state) for one in facts.stale] == [("feat/a", state)]


# -- estimates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "scope"),
    [
        (0, "single"),
        (2, "single"),
        (3, "narrow"),
        (5, "narrow"),
        (12, "moderate"),
        (40, "broad"),
        (41, "system"),
    ],
)
def test_a_scope_is_told_by_how_many_files_changed(files: int, scope: str) -> None:
    assert scope_of(files) == scope


@pytest.mark.parametrize(
    ("said", "files", "off"),
    [("single", 5, False), ("single", 6, True), ("narrow", 12, False), ("narrow", 13, True), ("broad", 3, True),
     ("system", 13, False), ("system", 12, True), ("nonsense", 100, False)],
)  # fmt: skip
def test_an_estimate_is_off_from_two_classes_on(said: str, files: int, off: bool) -> None:
    task = replace(make_task("a"), scope=said)
    outcome = Outcome("a", tuple(f"f{n}" for n in range(files)), 0)

    assert bool(estimates_off([task], [outcome])) is off


def test_an_estimate_that_was_off_says_how_many_files_it_was() -> None:
    task = replace(make_task("a"), scope="broad")
    words = [
        off.was for files in (("f",), ("f", "g")) for off in estimates_off([task], [Outcome("a", files, 0)])
    ]

    assert words == ["really single (1 file)", "really single (2 files)"]


def test_validations_are_held_against_the_landings_that_were_watched() -> None:
    runs = [an_event(Kind.VALIDATED, "b", T + 900 + n, tip=oid(f"b{n}"), seconds=60.0) for n in range(3)]
    told = dict(summary(_facts(a_landing("a", T), *runs, a_landing("b", T + 1000))))
    untold = dict(summary(_facts(a_landing("a", T), *runs)))

    assert plain_words(told["Validations for each landed branch"]) == "3.0"
    assert "Validations for each landed branch" not in untold
    assert untold["Time in gates"]


def test_a_revert_names_the_command_that_tells_of_it() -> None:
    (item,) = _review(Entry(T, Kind.REVERTED, "it's", "undone", Source.MAIN, commit="c")).items

    assert [plain_words(words) for words in item.evidence] == ["it's: 1 time, see coord why 'it'\"'\"'s'"]


def test_files_outside_of_touches_and_failures_of_a_low_risk_are_estimates_that_were_off() -> None:
    task = replace(make_task("a"), touches=("src/a/**",), risk="low")

    found = estimates_off([task], [Outcome("a", ("src/a/x", "Cargo.toml"), 2)])
    assert [(off.field, off.was, off.paths) for off in found] == [
        ("risk", "failed or conflicted 2 times", ()),
        ("touches", "1 of 2 files lie elsewhere", ("Cargo.toml",)),
    ]


# -- items -------------------------------------------------------------------------------------------------------------


def test_a_file_in_which_two_tasks_conflicted_is_an_item_with_a_measure() -> None:
    entries = [a_landing("first", T)]
    entries += [a_conflict(task, T + n) for n, task in enumerate("abc")]
    entries += [a_landing(task, T + 100 + n) for n, task in enumerate("abc")]
    changes = tuple(Change(e.commit, ("src/error.rs",), e.at - 60) for e in entries if e.kind is Kind.LANDED)
    tasks = tuple(replace(make_task(id), touches=("src/error.rs",)) for id in ("first", "a", "b", "c"))

    (item,) = _review(*entries, changes=changes, tasks=tasks).items
    assert (item.id, item.priority, item.touches) == (
        "review/conflicts-src-error.rs",
        Priority.HIGH,
        ("src/error.rs",),
    )
    assert plain_words(item.measure.words) == (
        "tasks that conflict in src/error.rs: 3 of 4 -> none of the next 4 that change it"
    )


@pytest.mark.parametrize(
    ("entries", "id"),
    [
        ([a_red_gate("a", T), a_red_gate("b", T)], "red-make-test-"),
        ([an_event(Kind.VALIDATED, "a", T, tip="t", seconds=1.0, flaky=("make test",))], "flaky-make-test-"),
        ([an_event(Kind.MAIN_RED, "", T, step="make test")], "main-red"),
        ([Entry(T, Kind.REVERTED, "a", "undone", Source.MAIN, commit="c")], "reverts"),
        ([an_event(Kind.REFUSED, "a", T, reason="protected branch")], "refused"),
        ([an_event(Kind.COULD_NOT_RUN, "a", T, reason="no cargo")], "could-not-run"),
        ([an_event(Kind.RACED, "a", T)], "raced"),
        ([an_event(Kind.SEEN, "a", T), a_landing("a", T + 7200)], "lead-time"),
        ([a_landing("a", T), an_event(Kind.VALIDATED, "a", T, tip=a_landing("a", T).tip, seconds=900.0)], "gate-time"),
        ([a_conflict("a", T), a_conflict("b", T, "src/other.rs")], "touches"),
    ],
)  # fmt: skip
def test_each_kind_of_trouble_is_an_item(entries: list[Entry], id: str) -> None:
    tasks = (make_task("a"), make_task("b"), make_task("first"))
    found = [item for item in _ids(_review(*entries, tasks=tasks)) if item.startswith(f"review/{id}")]

    assert len(found) == 1
    assert _ids(_review(*entries, tasks=tasks)) == _ids(_review(*entries[::-1], tasks=tasks))


def test_of_many_files_and_many_waits_only_the_worst_are_items() -> None:
    paths = [f"src/{n}.rs" for n in range(9)]
    conflicts = [a_conflict(task, T + 10, path) for task in ("a", "b") for path in paths]
    needs = [f"n{n}" for n in range(9)]
    tasks = tuple(make_task(id) for id in needs) + tuple(
        make_task(id, depends_on=f"[{', '.join(needs)}]") for id in ("a", "b")
    )
    alone = (
        [make_task(f"m{n}") for n in range(9)],
        [make_task(f"o{n}", depends_on=f"[m{n}]") for n in range(9)],
    )
    tasks += (*alone[0], *alone[1])
    long = [an_event(Kind.SEEN, f"o{n}", T) for n in range(9)]
    long += [a_landing(f"m{n}", T + 90000) for n in range(9)] + [
        a_landing(f"o{n}", T + 90001) for n in range(9)
    ]
    seen = [an_event(Kind.SEEN, id, T) for id in ("a", "b")]
    landed = [a_landing(id, T + 9000 + n) for n, id in enumerate((*needs, "a", "b"))]
    ids = _ids(_review(*conflicts, *seen, *landed, *long, tasks=tasks))

    assert sum(id.startswith("review/conflicts-") for id in ids) == 5
    assert [id for id in ids if id.startswith("review/waits-")] == [f"review/waits-n{n}" for n in range(4, 9)]


@pytest.mark.parametrize(("failed", "said"), [(1, True), (2, True), (3, False)])
def test_that_most_landed_at_the_first_try_is_said_when_half_did(failed: int, said: bool) -> None:
    entries = [a_red_gate(task, T) for task in "abcd"[:failed]] + [a_landing(task, T + 9) for task in "abcd"]

    assert ("first-try" in _rules(_review(*entries), Part.RIGHT)) is said


def test_a_single_failure_is_told_and_is_no_item_yet() -> None:
    review = _review(a_red_gate("a", T), a_landing("a", T + 60))

    assert _rules(review, Part.WRONG) == ["red-gate"]
    assert review.items == ()


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("src/error.rs", "review/conflicts-src-error.rs"),
        ("", "review/conflicts"),
        ("Cargo.toml", "review/conflicts-cargo-toml-"),
        ("src-error.rs", "review/conflicts-src-error-rs-"),
        ("a/../b", "review/conflicts-a-..-b-".replace("..", "--")),
        ("x.lock", "review/conflicts-x-lock-"),
        ("\u4e2d", "review/conflicts-"),
    ],
)
def test_an_id_tells_the_name_and_is_made_unlike_others(name: str, id: str) -> None:
    found = slug("conflicts", name)
    assert found == id if not id.endswith("-") else re.fullmatch(re.escape(id) + "[0-9a-f]{8}", found)


@given(st.text(), st.text())
def test_ids_of_different_names_differ_and_can_be_branches(one: str, other: str) -> None:
    assert branch_flaw(slug("red", one)) == ""
    assert (slug("red", one) == slug("red", other)) is (one == other)


# -- what holds of every review ----------------------------------------------------------------------------------------

_TASKS = st.sampled_from("abcd")
_TIMES = st.integers(T, T + 5 * DAY)
_PATHS = st.sampled_from(["src/error.rs", "src/mod.rs", "Cargo.toml"])
_ENTRIES = st.one_of(
    st.builds(a_landing, _TASKS, _TIMES, st.sampled_from("12")),
    st.builds(a_conflict, _TASKS, _TIMES, _PATHS, _TASKS, st.sampled_from("12")),
    st.builds(a_red_gate, _TASKS, _TIMES, st.sampled_from(["make test", "make lint"]), st.sampled_from("12")),
    st.builds(
        lambda kind, task, at, seconds, flaky: an_event(
            kind, task, at, tip=oid(f"{task}1t"), seconds=seconds, flaky=flaky, reason="why"
        ),
        st.sampled_from(
            [Kind.SEEN, Kind.VALIDATED, Kind.MAIN_RED, Kind.RACED, Kind.REFUSED, Kind.COULD_NOT_RUN]
        ),
        _TASKS,
        _TIMES,
        st.floats(0, 5000),
        st.sampled_from([(), ("make test",)]),
    ),
)
_ENTRIES |= st.builds(
    lambda kind, task, at: Entry(at, kind, task, "why", Source.MAIN, commit=oid(f"{task}{at}{kind}")),
    st.sampled_from([Kind.BLOCKED, Kind.UNBLOCKED, Kind.COMPLETED, Kind.REVERTED, Kind.RETRY]),
    _TASKS,
    _TIMES,
)
_HISTORIES = st.lists(_ENTRIES, max_size=25)
_ALL = (
    make_task("a"),
    make_task("b", depends_on="[a]"),
    make_task("c", status="blocked"),
    make_task("d", scope="system"),
)


def _made(entries: list[Entry]) -> Review:
    chain = frozenset(entry.commit for entry in entries if entry.kind is Kind.GATE_FAILED)
    return _review(*entries, tasks=_ALL, chain=chain)


@given(_HISTORIES, st.randoms())
def test_the_order_of_the_entries_does_not_matter(entries: list[Entry], chance: object) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = material_of(*entries, tasks=_ALL), material_of(*shuffled, tasks=_ALL)

    assert make_review(one) == make_review(replace(other, changes=one.changes))


@given(_HISTORIES)
def test_sums_fit(entries: list[Entry]) -> None:
    facts = _made(entries).facts

    assert sum(number for _, number in facts.per_day) == len(facts.landings)
    assert facts.attempts == len(facts.landings) + len(facts.conflicts) + len(facts.reds)
    assert sum(tally.count for tally in facts.red) == len(facts.reds)
    assert 0 <= facts.queue.busy <= facts.queue.span
    assert all(set(one.tasks) <= set(one.of) for one in facts.contested)
    assert all(landed.attempts >= 1 and landed.waited >= 0 for landed in facts.landings)
    assert all(facts.period.since <= landed.at <= facts.period.until for landed in facts.landings)


@given(_HISTORIES)
def test_nothing_is_said_without_evidence_and_every_measure_has_a_lower_goal(entries: list[Entry]) -> None:
    review = _made(entries)

    assert all(finding.evidence and all(map(plain_words, finding.evidence)) for finding in review.findings)
    for item in review.items:
        assert item.evidence
        assert item.measure.target < item.measure.now <= (item.measure.of or item.measure.now)
        assert re.search(r": \S+.* -> (none|at most \d)", plain_words(item.measure.words))
    assert len(set(_ids(review))) == len(review.items)
    assert [item.priority for item in review.items] == sorted(item.priority for item in review.items)


def test_of_nothing_nothing_is_said() -> None:
    review = _review()

    assert (review.findings, review.items, summary(review.facts), figures(review.facts)) == ((), (), (), ())
    assert known(review.facts) == ("Nothing that coord landed is in this period.",)


def test_a_review_says_how_little_it_rests_on() -> None:
    few, some = known(_facts(a_landing("a", T))), known(_facts(*(a_landing(c, T) for c in "abcdef")))

    assert few[0] == "Only 1 landing: rates are about very few."
    assert "no local events" in few[1]
    assert len(some) == 1
    partly = known(_facts(an_event(Kind.SEEN, "a", T), a_landing("a", T), a_landing("b", T)))
    assert partly[1].endswith("known for 0 of 2 landings, when it was first seen for 1.")


def test_merges_by_hand_are_counted_and_nothing_else_is_told_of_them() -> None:
    assert known(_facts(by_hand=3))[1] == "3 merges on main were made without coord: nothing is told of them."


# -- words and charts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.41, "0.4 s"), (59, "59 s"), (60, "1 min"), (5400, "1.5 h"), (DAY, "1.0 days"), (40 * DAY, "40 days")],
)  # fmt: skip
def test_durations_are_said_in_the_largest_unit(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@given(st.lists(st.floats(0, 1e9), max_size=70))
def test_bars_stay_inside_their_drawing(values: list[float]) -> None:
    bars = [Bar(f"src/{n}/a-rather-long-name-of-a-file.rs", value, "x") for n, value in enumerate(values)]
    for chart in (rows(bars), columns(bars)):
        for placed in chart.bars:
            assert 0 <= placed.x <= placed.x + placed.width <= WIDTH + 0.5
            assert -0.1 <= placed.y <= placed.y + placed.height <= chart.height
