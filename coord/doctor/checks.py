"""The table of all checks of ``coord doctor``."""

from __future__ import annotations

from coord.doctor import setup
from coord.doctor.check import Check
from coord.doctor.untidy import UNTIDY

#: A new check is one function and one row: here, or in UNTIDY.
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
    *UNTIDY,
)
