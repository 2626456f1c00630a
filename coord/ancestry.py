"""The questions about commits: which holds which, what lies between them, what they changed and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coord.gitrunner import Runner


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What git knows of the commits in one repository."""

    git: Runner

    def unlanded(self, tips: Iterable[str], main: str) -> dict[str, tuple[str, ...]]:
        """Return every commit that ``tips`` hold and ``main`` does not, with its parents."""
        lines = "".join(f"{tip}\n" for tip in sorted(set(tips))) + f"^{main}\n"
        answer = self.git.run("rev-list", "--parents", "--stdin", data=lines.encode())
        rows = (line.split(" ") for line in answer.text.splitlines())
        return {row[0]: tuple(row[1:]) for row in rows}

    def mentioning(self, words: str, tip: str) -> tuple[tuple[str, str], ...]:
        """Return (id, message) of every commit below ``tip`` whose message holds ``words``, newest first."""
        answer = self.git.run(
            "log",
            "-F",
            f"--grep={words}",
            "-z",
            "--encoding=UTF-8",
            "--format=%H%n%B",
            "--end-of-options",
            tip,
        )
        records = answer.out.decode("utf-8", "replace").split("\0")
        return tuple(
            (oid, message) for oid, _, message in (record.partition("\n") for record in records if record)
        )

    def those_mentioning(self, words: str, commits: Iterable[str]) -> frozenset[str]:
        """Return those of the commits whose messages hold ``words``, in one process for any number."""
        lines = "".join(f"{oid}\n" for oid in commits)
        if not lines:
            return frozenset()
        answer = self.git.run(
            "log",
            "--no-walk=unsorted",
            "-F",
            f"--grep={words}",
            "--format=%H",
            "--stdin",
            data=lines.encode(),
        )
        return frozenset(answer.text.split())

    def landings_of(self, old: str, new: str, paths: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return (commit, task id) of the landings in ``old..new`` that changed one of ``paths``, oldest first."""
        answer = self.git.run(
            "log",
            "--first-parent",
            "--reverse",
            "-z",
            "--format=%H %(trailers:key=Coord-Task,valueonly,separator=%x20)",
            "--end-of-options",
            f"{old}..{new}",
            "--",
            *paths,
        )
        records = answer.out.decode("utf-8", "replace").split("\0")
        rows = (record.strip().partition(" ") for record in records)
        return tuple((commit, task.strip()) for commit, _, task in rows if task.strip())

    def changed_by(self, steps: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
        """Return the paths that each of (commit, parent) changed against that parent, in one process for any number."""
        lines = "".join(f"{commit} {parent}\n" for commit, parent in steps)
        if not lines:
            return {}
        # --raw tells ids from paths: a path may look like an id, but none follows an id without its modes.
        answer = self.git.run(
            "diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--no-ext-diff", data=lines.encode()
        )
        found: dict[str, set[str]] = {}
        paths = set[str]()
        fields = iter(answer.text.split("\0"))
        for field in fields:
            if field.startswith(":"):
                paths.add(next(fields))
            elif field:
                paths = found[field] = set()
        return {commit: frozenset(paths) for commit, paths in found.items()}

    def newest_first(self, commits: Iterable[str]) -> tuple[str, ...]:
        """Return commits so that none comes before one that contains it, in two processes for any number."""
        wanted = sorted(commits)
        ground = self.git.run("merge-base", "--octopus", *wanted, ok=(0, 1)).text.split()
        lines = "".join(f"{oid}\n" for oid in wanted) + "".join(f"^{oid}^@\n" for oid in ground)
        listed = self.git.run("rev-list", "--topo-order", "--stdin", data=lines.encode()).text.split()
        return tuple(oid for oid in listed if oid in frozenset(wanted))

    def rev_list(self, *args: str) -> tuple[str, ...]:
        """Return the commits of ``git rev-list args``."""
        return tuple(self.git.run("rev-list", *args, "--").text.split())

    def is_ancestor(self, old: str, new: str) -> bool:
        """Say whether ``new`` contains ``old``."""
        return self.git.run("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0

    def merge_base(self, one: str, two: str) -> str | None:
        """Return a best common ancestor, or None when the histories are unrelated."""
        answer = self.git.run("merge-base", one, two, ok=(0, 1))
        return answer.line or None

    def merge_bases(self, one: str, *others: str) -> tuple[str, ...]:
        """Return all best common ancestors of ``one`` and a merge of ``others`` (made or still to be made)."""
        return tuple(self.git.run("merge-base", "--all", one, *others, ok=(0, 1)).text.split())
