"""Of a long log, the line that says what is wrong is shown, whatever follows it."""

from __future__ import annotations

import pytest

from coord.core.complaint import excerpt, first_complaint

CLIPPY = """\
    Checking textstat v0.1.0
error: unneeded `return` statement
  --> src/case.rs:10:5
   |
10 |     return capitals(text) > 0;
   |     ^^^^^^
error: could not compile `textstat` (lib) due to 1 previous error"""
CARGO_TEST = """\
running 2 tests
test tests::error_is_told ... ok
test tests::counts ... FAILED
---- tests::counts stdout ----
thread 'tests::counts' panicked at src/lib.rs:12:9:
assertion `left == right` failed
test result: FAILED. 1 passed; 1 failed"""
PYTEST = """\
    def test_a():
>       assert f() == 2
E       assert 1 == 2
tests/test_a.py:3: AssertionError
FAILED tests/test_a.py::test_a - assert 1 == 2"""
TSC = "src/a.ts(3,5): error TS2322: Type 'string' is not assignable.\nnpm ERR! code 2"
PYTHON = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no errors here\nmake: *** [a] Error 1'
GO = "=== RUN   TestA\n--- FAIL: TestA (0.00s)\nFAIL\texample.com/a\t0.002s"


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (CLIPPY, "error: unneeded `return` statement"),
        (CARGO_TEST, "thread 'tests::counts' panicked at src/lib.rs:12:9:"),
        (PYTEST, "E       assert 1 == 2"),
        (TSC, "src/a.ts(3,5): error TS2322: Type 'string' is not assignable."),
        (PYTHON, "ValueError: no errors here"),
        (GO, "--- FAIL: TestA (0.00s)"),
        ("warning: unused\n0 errors, 1 warning", ""),
    ],
    ids=["clippy", "cargo test", "pytest", "tsc", "python", "go", "none"],
)
def test_what_is_wrong_is_found(log: str, line: str) -> None:
    lines = log.splitlines()
    at = first_complaint(lines)
    assert ("" if at is None else lines[at]) == line


def test_a_long_log_is_shown_from_its_first_complaint_and_at_its_end() -> None:
    log = "\n".join([*CLIPPY.splitlines()[:6], *(f"help {n}" for n in range(30)), CLIPPY.splitlines()[6]])

    shown = excerpt(log, 8)

    assert tuple(shown.splitlines()) == (
        "error: unneeded `return` statement", "  --> src/case.rs:10:5", "   |", "10 |     return capitals(text) > 0;",
        "(29 lines more)", "help 28", "help 29", "error: could not compile `textstat` (lib) due to 1 previous error",
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 7, 8, 9, 40])
def test_what_is_short_is_shown_whole_and_nothing_is_more_than_asked_for(count: int) -> None:
    log = "\n".join(["error: x", *(f"line {n}" for n in range(count - 1))])
    shown = excerpt(log, 8).splitlines()
    assert len(shown) == min(count, 8)
    assert shown[0] == "error: x"


def test_escapes_of_terminals_are_not_shown() -> None:
    assert excerpt("\x1b[31merror\x1b[0m: x", 4) == "error: x"


def test_lines_without_end_are_cut_and_both_ends_kept() -> None:
    shown = excerpt("\n".join(["error: x" + "a" * 9000, *["b" * 900] * 50, "the end"]), 40, 8000)
    assert len(shown) < 8050
    assert (shown[:8], shown[-7:]) == ("error: x", "the end")
