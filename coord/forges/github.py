"""A place holder that the merge of the forge's branch replaces."""

from __future__ import annotations

from collections.abc import Mapping

from coord.forges.base import Forge


def open_github(slug: str, environment: Mapping[str, str]) -> Forge | None:
    raise NotImplementedError
