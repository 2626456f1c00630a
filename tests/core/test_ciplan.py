"""What jobs hand to each other: it survives, it fits, and what is none is refused."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.core.ciplan import CiPlan, decode_plan, digest, encode_plan, fitting, matrix
from coord.core.cireport import CiOutcome, CiReport, decode_report, encode_report, handed_on
from coord.core.leg import Leg, Place
from coord.core.request import Ask, Request

BASE = "b" * 40


def oid(number: int) -> str:
    return f"{number:040x}"


def chain(length: int) -> tuple[Leg, ...]:
    places = [Place(f"feat/task/number-{n}", oid(n)) for n in range(length)]
    return tuple(Leg(oid(1000 + n), BASE, 7, tuple(places[: n + 1])) for n in range(length))


names = st.text(max_size=12)
plans = st.builds(
    CiPlan,
    base=st.just(BASE),
    at=st.just(7),
    legs=st.integers(0, 5).map(chain),
    candidates=names,
    branch=names,
    dry_run=st.booleans(),
    request=st.none() | st.just(Request(Ask.HOLD, ("a",), "why", 1, 2, oid(3))),
    note=names,
)


@given(plans)
def test_a_plan_survives_its_encoding(plan: CiPlan) -> None:
    assert decode_plan(encode_plan(plan)) == plan


@pytest.mark.parametrize(
    "text",
    ["", "x", "e30=", base64.b64encode(zlib.compress(b"{}")).decode(), base64.b64encode(zlib.compress(json.dumps(
        {"base": "x", "at": 1, "places": [], "legs": [["--upload-pack"]], "candidates": "", "branch": "",
         "dry_run": False, "request": "", "note": ""}).encode())).decode()],
)  # fmt: skip
def test_what_is_no_plan_is_refused(text: str) -> None:
    assert decode_plan(text) is None


def test_the_largest_plan_fits_into_a_variable_of_the_environment() -> None:
    legs = fitting(chain(256))
    assert 64 < len(legs) <= 256
    assert len(encode_plan(CiPlan(BASE, 7, legs))) < 128 * 1024
    handed_on = matrix(legs) + encode_plan(CiPlan(BASE, 7, legs))
    assert len(handed_on.encode("utf-16")) < 1_000_000


def test_a_digest_says_whether_a_set_is_the_same() -> None:
    assert digest(["a", "b"]) == digest(["b", "a"]) != digest(["a"])


def test_the_largest_report_is_handed_on_as_far_as_it_fits_what_was_asked_first() -> None:
    outcomes = tuple(CiOutcome(f"t{n}", f"feat/t{n}", oid(n), "waiting", "why " * 60) for n in range(2000))
    report = CiReport(BASE, BASE, outcomes, "rest", "answer", (("leg", "passed"),), ("remark",))
    small = handed_on(report, ("t1999",))
    assert len(encode_report(small)) < 128 * 1024
    assert small.outcomes[0].task == "t1999"
    assert decode_report(encode_report(small)) == small


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"base": 1}'])
def test_what_is_no_report_is_none(text: str) -> None:
    assert decode_report(text) is None
