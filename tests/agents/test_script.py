"""Which block of a script runs at which prompt."""

from __future__ import annotations

import pytest

from coord.agents.script import Script, steps_of


def block(word: str, tag: str = "") -> str:
    return f'```script{tag and " " + tag}\n[{{"say": "{word}"}}]\n```\n'


def said(steps: list[dict[str, object]] | None) -> list[object]:
    return [step["say"] for step in steps or []]


def test_the_plain_block_runs_at_the_first_prompt() -> None:
    assert said(Script().begin("Do it.\n" + block("one"))) == ["one"]


def test_the_same_plain_block_in_a_later_prompt_is_not_run_again() -> None:
    script = Script()
    script.begin("Do it.\n" + block("one"))
    assert script.begin("Please continue.\n" + block("one")) is None
    assert said(script.begin("A message\n" + block("two"))) == ["two"]


def test_a_block_whose_tag_is_in_the_first_line_goes_first() -> None:
    script = Script()
    script.begin("Do it.\n" + block("one") + block("solve", "conflict") + block("green", "gate red"))
    assert said(script.begin("Your branch has a Conflict with main")) == ["solve"]
    assert said(script.begin("The gate is red: 2 tests")) == ["green"]
    assert script.begin("The gate is green") is None
    assert script.begin("Hello\nconflict") is None


def test_blocks_with_one_tag_run_one_after_the_other_and_the_last_again() -> None:
    script = Script()
    script.begin("Do it.\n" + block("one", "conflict") + block("two", "conflict"))
    assert [said(script.begin("conflict")) for _ in range(3)] == [["one"], ["two"], ["two"]]


def test_what_an_interrupted_script_has_left_is_done_by_the_next_prompt() -> None:
    script = Script()
    script.begin("Do it.\n" + block("one"))
    script.rest = [{"say": "left"}]
    again = Script(script.kept())
    assert said(again.begin("continue")) == ["left"]


def test_a_hang_that_was_about_to_begin_counts_as_left() -> None:
    script = Script({"rest": [{"hang": True}, {"say": "after"}]})
    assert said(script.begin("continue")) == ["after"]


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"say": "a", "think": "b"}]', "[", '[["say"]]'])
def test_what_is_no_list_of_steps_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        steps_of(text)
