"""Legs: named by their trial, believed by how their jobs ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.leg import (
    BESIDE,
    VALIDATE,
    Failed,
    Leg,
    Passed,
    Place,
    Unknown,
    conclude,
    decode_leg,
    encode_leg,
    trial_named,
)

OID = "a" * 40
oids = st.text("0123456789abcdef", min_size=40, max_size=40)
places = st.builds(Place, branch=st.text(max_size=30), tip=oids, approved=st.booleans())
legs = st.builds(
    Leg, trial=oids, base=oids, at=st.integers(0, 2**40), line=st.lists(places, max_size=4).map(tuple)
)


@given(legs)
def test_a_leg_survives_its_encoding(leg: Leg) -> None:
    assert decode_leg(encode_leg(leg)) == leg


@given(legs)
def test_a_legs_job_is_found_again_by_its_name(leg: Leg) -> None:
    assert trial_named(leg.name) == leg.trial
    assert "\n" not in leg.name


@pytest.mark.parametrize(
    "name",
    ["Land", f"x trial {OID}: main", f"trial {OID}", f"trial {OID[:-1]}: main", f"trial {OID}0: main", ""],
)
def test_another_job_is_no_leg(name: str) -> None:
    assert trial_named(name) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"trial": "x", "base": "y", "at": 1, "line": []}', f'{{"trial": "{OID}", "at": 1}}',
     f'{{"trial": "{OID}", "base": "{OID}", "at": 1, "line": [["a", "--upload-pack=x", false]]}}'],
)  # fmt: skip
def test_what_names_no_commits_is_no_leg(text: str) -> None:
    assert decode_leg(text) is None


@pytest.mark.parametrize(
    ("conclusion", "steps", "proved"),
    [
        ("success", {"Set up job": "success", VALIDATE: "success", BESIDE: "skipped"}, Passed()),
        ("success", {"Set up job": "success", VALIDATE: "skipped"}, Unknown("its gate did not run")),
        ("failure", {VALIDATE: "failure", BESIDE: "success"}, Failed(main_passes=True)),
        ("failure", {VALIDATE: "failure", BESIDE: "failure"}, Failed(main_passes=False)),
        ("failure", {VALIDATE: "failure", BESIDE: "skipped"},
         Unknown("its job ended with failure in 'Validate'")),
        ("failure", {VALIDATE: "failure"}, Unknown("its job ended with failure in 'Validate'")),
        ("failure", {"Check main out": "failure", VALIDATE: "skipped"},
         Unknown("its job ended with failure in 'Check main out'")),
        ("cancelled", {VALIDATE: "cancelled"}, Unknown("its job ended with cancelled in 'Validate'")),
        ("failure", {VALIDATE: "success", BESIDE: "skipped", "Post": "failure"},
         Unknown("its job ended with failure in 'Post'")),
        ("", {}, Unknown("its job ended with nothing")),
    ],
)  # fmt: skip
def test_only_how_jobs_and_steps_ended_is_believed(
    conclusion: str, steps: dict[str, str], proved: object
) -> None:
    assert conclude(conclusion, steps) == proved


@given(st.sampled_from(["failure", "cancelled", "timed_out", "skipped", "neutral", "", "action_required"]),
       st.dictionaries(st.sampled_from([VALIDATE, BESIDE, "Set up job"]), st.sampled_from(["success", "failure", ""])))  # fmt: skip
def test_a_job_that_did_not_succeed_proves_no_pass(conclusion: str, steps: dict[str, str]) -> None:
    assert not isinstance(conclude(conclusion, steps), Passed)
