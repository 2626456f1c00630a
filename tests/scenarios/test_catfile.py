"""Objects are asked for by ids that others wrote: what is no id asks for nothing."""

from __future__ import annotations

import pytest

from coord.git import Git
from tests.world import World


@pytest.mark.parametrize("words", ["{0}\n{1}", "", "HEAD", "{0} ", "{0}^{{tree}}"])
def test_what_is_no_id_is_not_there_and_does_not_shift_later_answers(world: World, words: str) -> None:
    world.build()
    seed = world.ref("refs/heads/main")
    objects = Git(world.desk).objects
    tree = objects.commit(seed).tree
    assert objects.read(words.format(seed, tree)) is None
    assert objects.commit(seed).oid == seed
    assert objects.commit(seed).tree == tree
