"""Which task a branch's name means. Read by the quick commands: no library, no class."""


def task_in(branch: str, prefixes: tuple[str, ...]) -> str | None:
    """Return the task id behind the prefix of a task branch (``feat/x``: ``x``), None when it has none of ``prefixes``.

    Of prefixes that begin alike the longest says it: with ``fix/`` and ``fix/ui/``, ``fix/ui/x`` is task ``x``.
    """
    longest = ""
    for prefix in prefixes:
        if len(longest) < len(prefix) < len(branch) and branch.startswith(prefix):
            longest = prefix
    return branch[len(longest) :] if longest else None
