"""Reverts, landings, and whose commits a stacked branch holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coord.core.journal import Holder, Landing, Revert, read_landing, read_reverts, reverted_by, waits_for
from coord.core.objects import Commit

A, B, C = "a" * 40, "b" * 40, "c" * 40


def _commit(oid: str, parents: tuple[str, ...], message: str) -> Commit:
    return Commit(oid, "", parents, "x <x>", "0 +0000", 0, message)


def test_a_landing_is_believed_only_when_the_merge_really_brought_the_tip() -> None:
    merge = _commit("m", ("base", "s"), f"Merge branch 'feat/a'\n\nCoord-Task: a\nCoord-Tip: {A}\n")
    assert read_landing(merge, lambda _oid: (A, "base")) == Landing("a", "m", "base", "s", A, "m")
    assert read_landing(merge, lambda _oid: (B, "base")) is None


def test_only_the_body_states_a_revert() -> None:
    subject = (C, f"This reverts commit {A}\n\nno")
    body = (B, f'Revert "x"\n\nThis reverts commit {A}, reversing\nchanges made to {C}.\n')
    quoted = (C, f"talk\n\n> This reverts commit {A}\n")
    assert read_reverts([subject, body, quoted]) == (Revert(B, A),)


@pytest.mark.parametrize("depth", range(6))
def test_an_even_number_of_reverts_cancels(depth: int) -> None:
    chain = [Revert(f"r{i + 1}", f"r{i}") for i in range(depth)]
    assert (reverted_by("r0", chain) is not None) == (depth % 2 == 1)


def test_reverts_that_form_a_ring_end() -> None:
    assert reverted_by("x", [Revert("y", "x"), Revert("x", "y")]) == "y"


def _holder(task: str, commits: str, *, needs: str = "", tip: str = "", since: int = 0) -> Holder:
    return Holder(f"feat/{task}", task, tip or task, since, frozenset(commits), frozenset(needs))


def test_the_branch_with_fewer_commits_on_top_of_the_shared_ones_owns_them() -> None:
    assert waits_for([_holder("a", "12345"), _holder("b", "12")]) == {"feat/a": "feat/b"}
    assert waits_for([_holder("a", "12"), _holder("b", "123")]) == {"feat/b": "feat/a"}
    assert waits_for([_holder("a", "12"), _holder("b", "13")]) == {"feat/b": "feat/a"}


def test_the_dependency_owns_the_shared_commits_first() -> None:
    assert waits_for([_holder("a", "1", needs="b"), _holder("b", "1234")]) == {"feat/a": "feat/b"}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.frozensets(st.sampled_from("123456"), min_size=1), st.sampled_from("abcdef")),
    )
)
def test_waiting_never_forms_a_ring_and_sharers_never_all_go(
    made: dict[str, tuple[frozenset[str], str]],
) -> None:
    holders = [
        Holder(f"feat/{t}", t, t, 0, commits, frozenset(needs)) for t, (commits, needs) in made.items()
    ]
    waits = waits_for(holders)
    for start in waits:
        seen = [start]
        while seen[-1] in waits:
            assert waits[seen[-1]] not in seen
            seen.append(waits[seen[-1]])
    assert not holders or any(h.branch not in waits for h in holders)
    assert waits == waits_for(list(reversed(holders)))
