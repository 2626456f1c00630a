"""One module per git hook; each judges what git is about to do.

A hook module has ``judge(occasion) -> Verdict``; a new hook is one file, one row here and one shim template.
"""

from __future__ import annotations

#: git's name of a hook and its module under ``coord.hooks``.
HOOKS: dict[str, str] = {
    "pre-commit": "pre_commit",
    "pre-merge-commit": "pre_merge_commit",
    "pre-push": "pre_push",
    "pre-receive": "pre_receive",
}
