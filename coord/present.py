"""One look at a repository as it stands now: everything that ``coord status`` and the dashboard show. Prints nothing.

It goes by the last fetch, and changes nothing: no ref, no mark in the inbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from coord import events, freshness, inbox, underway
from coord.core.anomaly import command_for
from coord.core.forecast import Forecast
from coord.core.foretold import with_clashes
from coord.core.overview import present_of
from coord.core.present import AtWork, Drift, Oddity, Present, Tree
from coord.core.pull import Pull
from coord.core.remembered import with_remembered
from coord.core.settings import Settings
from coord.core.snapshot import Mark, Snapshot
from coord.core.text import one_line
from coord.doctor.check import examine
from coord.doctor.finding import Place
from coord.doctor.untidy import UNTIDY
from coord.errors import UsageError
from coord.forecast import foretell, in_landing_order
from coord.observe import View, observe
from coord.sessions.gauging import Gauge, Gauged
from coord.taskfolder import read_tasks_here
from coord.workspace import Workspace
from coord.worktrees.listing import Worktree, list_worktrees
from coord.worktrees.looking import changes_in
from coord.worktrees.size import Measured, disk_use_until

#: The checks whose findings are shown: not those that the rows of branches and sessions tell already.
_DRIFT = tuple(
    check
    for check in UNTIDY
    if check.name
    in {
        "landed-not-completed", "open-dependencies", "blocked-without-verdict", "verdict-without-block",
        "stale-branch", "stale-verdict", "stale-hold", "worktree", "port-lease", "orphan-folder", "session-debris",
        "local-branch", "lock-file",
    }
)  # fmt: skip

#: How long (seconds) the size of a worktree is believed by who looks again and again.
_BELIEVED = 60.0


@dataclass
class Memory:
    """What is kept between looks, so that none reads again what did not change: logs of sessions, sizes of worktrees, the
    forecast."""

    gauge: Gauge
    sizes: dict[Path, tuple[float, Measured]] = field(default_factory=dict)
    forecast: Forecast = field(default_factory=Forecast)
    _foretold_of: tuple[object, ...] = ()
    _forge: tuple[tuple[Pull, ...], tuple[Mark, ...]] | None = None

    @classmethod
    def of(cls, workspace: Workspace) -> Memory:
        """Return the memory of who looks for the first time."""
        return cls(Gauge(workspace))

    def observed(self, workspace: Workspace, *, now: int, asks_forge: bool) -> View:
        """Return the view of a repository; what the forge is not asked is as it said it last."""
        if asks_forge:
            view = observe(workspace, now=now)
            if workspace.hosting.forge is not None:
                self._forge = view.snapshot.pulls, view.snapshot.approvals
            return view
        pulls, approvals = self._forge or ((), ())
        view = observe(workspace.without_forge(pulls), now=now)
        known = view.snapshot if self._forge is None else replace(view.snapshot, approvals=approvals)
        return replace(view, snapshot=known)

    @property
    def knows_pulls(self) -> bool:
        """Say whether a forge has told of pull requests."""
        return self._forge is not None

    def foretold(self, workspace: Workspace, view: View) -> Forecast:
        """Return the forecast of a view: it goes by main, the task folder's place, and the tips in the order in which they
        land, and is made anew only when one of these has changed."""
        snapshot = view.snapshot
        tips = tuple((branch.name, branch.tip) for branch in in_landing_order(snapshot))
        of = (snapshot.base, snapshot.settings.project, tips)
        if of != self._foretold_of:
            self.forecast, self._foretold_of = foretell(workspace, view), of
        return self.forecast


def ask(workspace: Workspace, memory: Memory) -> None:
    """Fetch, and ask the forge for what it keeps beside git: looks with this ``memory`` go by it. Raises CoordError when
    the remote or the forge does not answer."""
    freshness.fetch(workspace)
    if workspace.main_tip is not None:
        memory.observed(workspace, now=int(time.time()), asks_forge=True)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many ``seconds`` measuring worktrees may take in one look, by a ``clock`` (monotonic seconds)."""

    seconds: float = 0.5
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Survey:
    """How the repository stands, and the ``view`` it was read from (None before main is there)."""

    present: Present
    view: View | None = None


def look(
    workspace: Workspace,
    memory: Memory | None = None,
    *,
    patience: Patience | None = None,
    now: float | None = None,
    asks_forge: bool = False,
) -> Present:
    """Return how the repository stands; see ``survey``."""
    return survey(workspace, memory, patience=patience, now=now, asks_forge=asks_forge).present


def survey(
    workspace: Workspace,
    memory: Memory | None = None,
    *,
    patience: Patience | None = None,
    now: float | None = None,
    asks_forge: bool = False,
) -> Survey:
    """Return how the repository stands at ``now`` (seconds since the epoch; None: this moment), as last fetched.

    ``asks_forge``: pull requests and approvals are read from the forge, where there is one; else they are those that
    ``memory`` holds, and without any the answer says so. Before main is there, the tasks are those of the working copy. Raises UsageError or
    CoordError when main's settings or history cannot be read, or a bare repository has no main.
    """
    memory, patience = memory or Memory.of(workspace), patience or Patience()
    now = time.time() if now is None else now
    trees = tuple(tree for tree in list_worktrees(workspace.git) if not tree.is_main and not tree.is_bare)
    if workspace.main_tip is None:
        return Survey(_before_main(workspace, memory, trees, now))
    view = memory.observed(workspace, now=int(now), asks_forge=asks_forge)
    snapshot = with_remembered(view.snapshot, events.recent(workspace.state))
    present = branches_and_sessions(workspace, replace(view, snapshot=snapshot), memory)
    knows = memory.knows_pulls
    unread = "" if knows else freshness.unread(workspace, view.snapshot, is_asked=asks_forge)
    present = replace(
        present,
        said=present.said + unread,
        queue=with_clashes(present.queue, memory.foretold(workspace, view)),
        at=int(now),
        worktrees=_worktrees(workspace, trees, memory, patience),
        drift=_drift(workspace, view, present, int(now)),
        unread=len(inbox.read(workspace.state, mark=False)),
        validating=underway.read(workspace.state),
    )
    return Survey(present, view)


def branches_and_sessions(workspace: Workspace, view: View, memory: Memory | None = None) -> Present:
    """Return of a view what branches, tasks and sessions say; worktrees and drift are not looked at."""
    settings, now = view.snapshot.settings, float(view.snapshot.at)
    gauged = (memory or Memory.of(workspace)).gauge.look()
    sessions = tuple(_at_work(one, settings, now) for one in gauged)
    said = freshness.as_of(workspace, view.snapshot.base)
    return present_of(view.snapshot, sessions, main=workspace.main_name, said=said)


def _before_main(workspace: Workspace, memory: Memory, trees: tuple[Worktree, ...], now: float) -> Present:
    if workspace.bare:
        raise UsageError(f"{workspace.main_name} does not exist here", hint="push main first")
    settings = workspace.settings
    snapshot = Snapshot("", int(now), settings, read_tasks_here(workspace.top, settings).graph)
    sessions = tuple(_at_work(one, settings, now) for one in memory.gauge.look())
    said = (
        f"{workspace.main_name} does not exist yet as last fetched: these are the files of the working copy"
    )
    present = present_of(snapshot, sessions, main=workspace.main_name, said=said)
    return replace(present, unread=len(inbox.read(workspace.state, mark=False)))


# -- sessions ------------------------------------------------------------------------------------------------------


def _at_work(gauged: Gauged, settings: Settings, now: float) -> AtWork:
    session, record = gauged.session, gauged.session.record
    return AtWork(
        id=record.id,
        task=record.task,
        branch=record.branch,
        agent=record.agent,
        state=session.state.value,
        why=session.why,
        made=int(record.made),
        last=int(session.standing.last or record.made),
        turn=session.standing.turn,
        cost=session.standing.cost,
        oddities=tuple(
            Oddity(a.heuristic, a.severity.value, one_line(a.evidence, 300), command_for(a, record.id))
            for a in gauged.anomalies(settings.monitor, now)
        ),
    )


# -- worktrees -----------------------------------------------------------------------------------------------------


def _worktrees(
    workspace: Workspace, trees: tuple[Worktree, ...], memory: Memory, patience: Patience
) -> tuple[Tree, ...]:
    deadline = patience.clock() + patience.seconds
    pushed = {
        ref.name.removeprefix(workspace.branch_refs): ref.oid
        for ref in workspace.git.refs(workspace.branch_refs)
    }
    found = []
    for tree in sorted(trees, key=lambda tree: tree.path):
        is_pushed = workspace.remote is None or pushed.get(tree.name) == tree.head
        size = _size(tree.path, memory, patience.clock, deadline)
        found.append(_tree(workspace, tree, size, is_pushed=is_pushed))
    memory.sizes = {tree.path: known for tree in trees if (known := memory.sizes.get(tree.path))}
    return tuple(found)


def _tree(workspace: Workspace, tree: Worktree, size: Measured | None, *, is_pushed: bool) -> Tree:
    modified, untracked = (0, 0) if tree.is_gone else changes_in(tree.path)
    return Tree(
        path=str(tree.path),
        branch=tree.name,
        task=workspace.settings.task_of(tree.name) or "",
        words=_words(tree, modified, untracked, is_pushed=is_pushed),
        size=size.size if size else None,
        at_least=bool(size and size.at_least),
        modified=modified,
        untracked=untracked,
    )


def _words(tree: Worktree, modified: int, untracked: int, *, is_pushed: bool) -> str:
    if tree.is_gone:
        return "its folder is gone"
    words = [f"{modified} modified"] if modified else []
    words += [f"{untracked} untracked"] if untracked else []
    words = words or ["clean"]
    words += [] if is_pushed else ["not pushed"]
    words += ["locked"] if tree.locked else []
    return ", ".join(words)


def _size(folder: Path, memory: Memory, clock: Callable[[], float], deadline: float) -> Measured | None:
    """Return what a folder takes: as known from a moment ago, or measured while there is time."""
    at, known = memory.sizes.get(folder, (0.0, None))
    if known is not None and not known.at_least and clock() - at < _BELIEVED:
        return known
    if clock() >= deadline or not folder.is_dir():
        return known
    measured = disk_use_until(folder, lambda: clock() >= deadline)
    if known is not None and measured.at_least and known.size > measured.size:
        return known
    memory.sizes[folder] = (clock(), measured)
    return measured


# -- drift ---------------------------------------------------------------------------------------------------------


def _drift(workspace: Workspace, view: View, present: Present, now: int) -> tuple[Drift, ...]:
    """Return what doctor finds of it, but for what a row of a branch or task says already."""
    place = Place(workspace, workspace.top, now, view)
    told = {one.branch for one in present.waiting} | {one.task for one in present.blocked}
    found = (
        Drift(check.name, finding.subject, finding.message, finding.command)
        for check, finding in examine(place, _DRIFT)
    )
    return tuple(one for one in found if one.subject not in told)
