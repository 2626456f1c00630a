"""Trials and what a run finds out about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ConflictPath:
    """A path that both sides changed in ways that do not go together, and git's word for the kind."""

    path: str
    kind: str

    @property
    def shown(self) -> str:
        """Return the path, or what is wrong where it is no one path's fault: histories without a common commit."""
        return self.kind if self.path == "." else self.path


@dataclass(frozen=True, slots=True)
class Clash:
    """The branch does not merge: the paths, the landed branches that brought the other side, and what became of an
    attempt to resolve it (``note``)."""

    paths: tuple[ConflictPath, ...]
    by: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A merge made without a working copy.

    ``status_commit`` (S: parents tip, base) and ``commit`` (M: parents base, S) have the one tree ``tree``;
    ``dropped`` are the branch's edits in the task folder;
    ``resolved`` is the conflict that the maintainer's command settled, if there was one;
    ``parts`` are the single merges of a batch, one onto the other: ``commit`` then has the parents base and the last of
    them, and main moves from validated tree to validated tree.
    """

    task: str
    branch: str
    base: str
    tip: str
    at: int
    tree: str
    status_commit: str
    commit: str
    dropped: tuple[str, ...] = ()
    resolved: Clash | None = None
    parts: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class GatedTrial:
    """A trial whose exact tree passed; only ``coord.gate`` makes one, and ``publish`` takes nothing else."""

    trial: Trial
    profile: str
    evidence: str
    seconds: float = 0.0
    flaky: tuple[str, ...] = ()


# -- findings: what this run learned about one tip on one base -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Green:
    """The trial passed."""

    gated: GatedTrial


@dataclass(frozen=True, slots=True)
class Red:
    """The trial failed at ``step`` while its base is green: the branch is to blame."""

    step: str
    log: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MainRed:
    """The base itself fails at ``step``: nobody is blamed, landing pauses."""

    step: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class CouldNotRun:
    """The gate could not give an answer (program missing, no space, stopped by us): no verdict."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The trial cannot be made for a reason that a person must mend, such as a task file that cannot be edited."""

    reason: str


@dataclass(frozen=True, slots=True)
class TouchesProtected:
    """The merge would change protected paths, and nobody approved this tip."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerRefused:
    """The remote did not take what this branch asked for, in its own words."""

    words: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """The trial can be made, and nothing is known about its tree: a run would tell."""


@dataclass(frozen=True, slots=True)
class Underway:
    """The trial's tree is being validated."""


Finding = (
    Green
    | Clash
    | Red
    | MainRed
    | CouldNotRun
    | Unfit
    | TouchesProtected
    | ServerRefused
    | Unproven
    | Underway
)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about a line: the branches with these ``tips``, merged onto ``base`` in this order.

    Mostly it is one tip; what is found about a longer line is about its last tip, given the others. It means nothing
    for another base.
    """

    base: str
    tips: tuple[str, ...]
    finding: Finding
