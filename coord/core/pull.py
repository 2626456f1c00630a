"""What a forge knows of a branch beside git: its pull request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request of this repository's own branch: its number, the branch and tip that it asks for, the branch that
    it is to be merged into, and how it stands; ``ours`` when coord opened it as a place to
    talk, which says nothing of whether the work goes on. Pull requests from forks are none of ours."""

    number: int
    branch: str
    tip: str
    base: str
    title: str = ""
    author: str = ""
    url: str = ""
    draft: bool = False
    open: bool = True
    merged: bool = False
    labels: tuple[str, ...] = ()
    ours: bool = False
