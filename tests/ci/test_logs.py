"""A leg's log is foreign text: a step and the end of what it printed are read from it for people, nothing else."""

from __future__ import annotations

from coord.ci.legs import read_log
from coord.core.profile import Profile

PROFILE = Profile("p", (("make", "lint"), ("make", "test")))


def stamped(*lines: str) -> str:
    return "\ufeff" + "".join(f"2026-11-22T10:00:00.1234567Z {line}\r\n" for line in lines)


def test_the_step_and_what_it_printed_are_found() -> None:
    text = stamped(
        "##[group]Run actions/checkout", "with: x", "##[endgroup]", "Syncing", "##[group]Run coord", "shell: bash",
        "##[endgroup]", "$ make test", "error: 1 test failed", "coord: failed: make test",
        "##[error]Process completed with exit code 6.", "##[group]Run coord", "##[endgroup]", "passed in 0 s",
    )  # fmt: skip
    assert read_log(text, PROFILE) == ("make test", "$ make test\nerror: 1 test failed")


def test_a_step_that_the_profile_does_not_have_is_none() -> None:
    text = stamped("coord: failed: rm -rf /", "the end")
    assert read_log(text, PROFILE) == ("the gate", "coord: failed: rm -rf /\nthe end")


def test_no_log_is_no_reason_to_stop() -> None:
    assert read_log("", PROFILE) == ("the gate", "")
