"""Whatever happens, the seeing commands say what is so, agree with each other, change nothing, and advise what helps.

A seed that fails is a story: ``Story.did`` tells it step by step.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seeing.advice import bad_advice
from tests.seeing.records import Present
from tests.seeing.stories import Story
from tests.seeing.truths import complaints


def told(root: Path, seed: int, steps: int) -> Story:
    story = Story(Present(root), seed=seed).begin()
    for _ in range(steps):
        story.step()
    return story


def assert_true(story: Story) -> None:
    for clone, own_events in ((story.world.desk, True), (story.other, False)):
        assert complaints(story, clone, own_events=own_events) == [], "\n".join(story.did)


@pytest.mark.parametrize("seed", [8, 14, 603])
def test_what_is_said_is_so_on_every_clone(tmp_path: Path, seed: int) -> None:
    assert_true(told(tmp_path, seed, 14))


@pytest.mark.long
@pytest.mark.parametrize("seed", [117, 300, 312])
def test_what_is_said_of_a_longer_story_is_so_on_every_clone(tmp_path: Path, seed: int) -> None:
    assert_true(told(tmp_path, seed, 30))


@pytest.mark.long
@pytest.mark.parametrize("seed", [503, 505])
def test_what_is_said_to_help_helps(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "world").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "world/home"))
    story = told(tmp_path / "world", seed, 18)
    assert list(bad_advice(story, tmp_path / "copy")) == [], "\n".join(story.did)
