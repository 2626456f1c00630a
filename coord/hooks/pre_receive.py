"""``pre-receive``: judges on the server, ref by ref, what a push brings; a server does not know who pushes.

git's quarantine variables must reach git (the hook's runner keeps them), or the pushed objects are invisible. The
number of git processes is the same for one commit and for a hundred branches.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

from coord.core.claim import ClaimText, read_claim
from coord.core.guard import Receive, RefPush, Step, Verdict, is_task_branch, judge_receive
from coord.core.journal import below
from coord.core.objects import Kind, changed_paths, find_entry
from coord.core.settings import ServerMain
from coord.core.verdict import CLAIMS
from coord.errors import UsageError
from coord.hooks.occasion import Occasion


class Line(NamedTuple):
    """One line of what git feeds to the hook (githooks(5)); an id of zeros means that nothing is there."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")


def judge(occasion: Occasion) -> Verdict:
    """Return whether the push is taken."""
    rows = (line.rstrip("\n").split(" ", 2) for line in occasion.stdin)
    lines = [Line(*row) for row in rows if len(row) == 3]
    tips = {
        line.ref: line.new
        for line in lines
        if not line.deletes and is_task_branch(line.ref.removeprefix("refs/heads/"), occasion.project)
    }
    edits = _edits(occasion, tips)
    refs = tuple(_ref_push(occasion, line, tips, edits.get(line.ref, ())) for line in lines)
    return judge_receive(Receive(occasion.workspace.main, occasion.project, _server_main(occasion), refs))


def _server_main(occasion: Occasion) -> ServerMain:
    """Return what main's settings say; with a slip in them main is open, since the push that mends them must come in."""
    try:
        return occasion.workspace.settings.server.main
    except UsageError:
        return ServerMain.OPEN


def _ref_push(occasion: Occasion, line: Line, tips: Mapping[str, str], edits: tuple[str, ...]) -> RefPush:
    is_main = line.ref == f"refs/heads/{occasion.workspace.main}"
    moves = is_main and not line.deletes and not line.creates
    return RefPush(
        line.ref,
        step=Step.DELETE if line.deletes else Step.WRITE,
        rewinds=moves and not occasion.git.ancestry.is_ancestor(line.old, line.new),
        edits=edits,
        message=occasion.git.objects.commit(line.new).message if line.ref in tips else "",
        restore=occasion.workspace.main_name,
        may_claim=line.ref.startswith(CLAIMS) and _may_claim(occasion, line),
    )


def _may_claim(occasion: Occasion, line: Line) -> bool:
    """Say whether a claim is made where none holds, or renewed under the name that holds it; removing is the server's."""
    if line.deletes:
        return False
    held = _claim(occasion, line.old)
    if held is None or not held.is_live(time.time()):
        return True
    now = _claim(occasion, line.new)
    return now is not None and (now.machine, now.session) == (held.machine, held.session)


def _claim(occasion: Occasion, oid: str) -> ClaimText | None:
    """Return what a claim's commit says; what is none says nothing, and holds nothing."""
    objects = occasion.git.objects
    is_commit = bool(oid.strip("0")) and objects.holds(oid, Kind.COMMIT)
    return read_claim("", objects.commit(oid).message) if is_commit else None


def _edits(occasion: Occasion, tips: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return what each branch changes in the task folder against its merge base with main."""
    main = occasion.workspace.main_tip
    if main is None or not tips:
        return {}
    unlanded = occasion.git.ancestry.unlanded(tips.values(), main)
    order = {oid: place for place, oid in enumerate(unlanded)}
    grounds = {ref: below(tip, unlanded, order)[1] for ref, tip in tips.items() if tip in unlanded}
    order = _order(occasion, {oid for ground in grounds.values() for oid in ground if len(ground) > 1})
    found = {}
    for ref, ground in grounds.items():
        base = min(ground, key=lambda oid: order.get(oid, 0)) if ground else main
        found[ref] = _differing(occasion, base, tips[ref])
    return found


def _order(occasion: Occasion, commits: set[str]) -> dict[str, int]:
    """Return the place of commits of main, the newest first: of several that a branch stands on, the newest is its
    merge base with main (a branch that merged main several times)."""
    return {oid: i for i, oid in enumerate(occasion.git.ancestry.newest_first(commits))} if commits else {}


def _differing(occasion: Occasion, base: str, tip: str) -> tuple[str, ...]:
    objects, folder = occasion.git.objects, occasion.project.tasks
    before, after = (find_entry(objects.commit(oid).tree, folder, objects.tree) for oid in (base, tip))
    if before == after:
        return ()
    trees = [entry.oid if entry and entry.is_tree else None for entry in (before, after)]
    return tuple(sorted(changed_paths(trees[0], trees[1], objects.tree, folder + "/"))) or (folder,)
