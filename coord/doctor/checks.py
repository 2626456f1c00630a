"""The table of checks, and how they are run: each for itself, so that one that cannot look hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from coord.core.text import one_line
from coord.doctor import drift, leftovers, sessions, setup
from coord.doctor.finding import Finding, Place, Severity
from coord.errors import CoordError


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the table: the name that scripts see, why a finding matters, and the function that looks."""

    name: str
    why: str
    look: Callable[[Place], Iterator[Finding]]


#: A new check is one function and one row.
CHECKS: tuple[Check, ...] = (
    Check("git-version", "coord merges with git merge-tree, which older ones do not have", setup.git_version),
    Check("remote", "branches are landed on the remote, and read from it", setup.remote),
    Check("rights", "landing is a push", setup.rights),
    Check("main", "everything lands on main", setup.main_branch),
    Check("history", "git merges nothing whose history it cannot see", setup.shallow),
    Check("configuration", "coord does not land by a configuration that it cannot read", setup.configuration),
    Check("state", "what cannot be read cannot be landed", setup.state),
    Check("profile", "nothing lands without a gate", setup.profile),
    Check("task-files", "a task whose file has errors does not land", setup.task_files),
    Check("hooks", "the hooks keep task files off task branches before they are pushed", setup.hooks),
    Check("landed-not-completed", "what depends on it waits for ever", drift.landed_not_completed),
    Check("merged-by-hand", "what depends on it waits until it is completed", drift.merged_by_hand),
    Check("open-dependencies", "a status says more than its dependencies allow", drift.open_dependencies),
    Check("blocked-without-verdict", "nothing lifts such a block by itself", drift.blocked_without_verdict),
    Check("verdict-without-block", "the branch waits, and nobody is told", drift.verdict_without_block),
    Check("stale-branch", "it looks like work that is under way", leftovers.stale_branches),
    Check("unknown-branch", "it is never landed", leftovers.unknown_branches),
    Check("stale-verdict", "it speaks of what is no more", leftovers.stale_verdicts),
    Check("stale-hold", "it would stop a later branch of that name", leftovers.stale_holds),
    Check("held", "it does not land", leftovers.holds_in_force),
    Check("worktree", "git lets no other worktree have its branch", leftovers.worktrees),
    Check("port-lease", "no other worktree gets its ports", leftovers.port_leases),
    Check("orphan-folder", "it takes space, and may hold work", leftovers.orphaned_folders),
    Check("session", "it holds a claim, and nobody works", sessions.unwatched),
    Check("session-debris", "a task stays in progress that nobody works on", sessions.left_over),
    Check("local-branch", "it takes space, and looks like work", leftovers.local_branches),
    Check("lock-file", "fetching and landing fail while it is there", leftovers.lock_files),
)


def examine(place: Place, checks: Sequence[Check] = CHECKS) -> Iterator[tuple[Check, Finding]]:
    """Yield what every check finds; one that cannot look says so."""
    for check in checks:
        try:
            yield from ((check, _on_one_line(finding)) for finding in list(check.look(place)))
        except (CoordError, OSError) as error:
            told = f"could not be checked: {error}"
            yield check, Finding(Severity.WARNING, check.name, told, "coord doctor -v")


def _on_one_line(finding: Finding) -> Finding:
    """What is found was named by others: a line break in it must not look like a finding of its own."""
    return replace(finding, subject=one_line(finding.subject, 1000), message=one_line(finding.message, 1000))
