"""The checks of what does not fit or was left lying about: from what is here, without a question to the remote."""

from __future__ import annotations

from coord.doctor import drift, leftovers, sessions
from coord.doctor.check import Check

#: A new check is one function and one row.
UNTIDY: tuple[Check, ...] = (
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
