"""What a command that only reads goes by, whichever door to git it came through."""

from coord.core.branchname import task_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coord.core.board import Board


class Reading:
    """One look at the tasks. ``said`` is the line that tells how old it is; ``main`` what main is called, ``tip`` its
    commit (``""``: main does not exist yet, and this is the working copy).

    ``live`` has the branch or claim of each task in progress, ``only_here`` the ids that only the working copy has.
    """

    __slots__ = ("board", "live", "main", "only_here", "said", "tip")

    def __init__(self, *, board: "Board", main: str, tip: str, said: str) -> None:
        self.board = board
        self.main = main
        self.tip = tip
        self.said = said
        self.live: dict[str, str] = {}
        self.only_here: list[str] = []


def in_progress(names: list[str], branch_refs: str, claims: str, prefixes: tuple[str, ...]) -> dict[str, str]:
    """Return the tasks that a live branch or a claim makes in progress, with the branch (or the claim's ref).

    ``names`` are full names of refs, sorted. In progress is derived, never written: a status on main would conflict
    with every branch.
    """
    found: dict[str, str] = {}
    for name in names:
        if name.startswith(claims):
            found.setdefault(name.removeprefix(claims), name)
        elif name.startswith(branch_refs):
            branch = name.removeprefix(branch_refs)
            task = task_in(branch, prefixes)
            if task is not None:
                found[task] = branch
    return found
